"""The composition root: commands, replay and demo. The only package that may import all others."""
