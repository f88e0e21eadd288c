"""Live updates of models: from what is wanted on ``down.global.models`` to what Triton serves."""
