"""Notifications: who is told of an event, by which way, once per target and state."""
