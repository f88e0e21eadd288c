"""Notifications: events routed to people and systems, each target told once of each state."""
