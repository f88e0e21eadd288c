"""Models as Triton serves them: one folder for each model card, and the kit that runs them."""
