"""The adapter to Triton: frames in, what the models see in them out."""
