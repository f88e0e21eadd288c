"""Sensing: one camera's readings to triggers, reports, tracks and counts."""
