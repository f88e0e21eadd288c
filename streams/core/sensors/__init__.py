"""Sensors: what happens on the picture, as triggers. One file a kind, and one registry."""
