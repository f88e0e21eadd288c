"""Notifications at a site itself, cloud or no cloud: what rules name as ``notify``."""
