"""Cameras to frames: sources, sampling, JPEG, capture times, beats and camera health.

Imports ``infra.runtime`` and ``schemas``; never ``streams`` or ``consumers``.
"""
