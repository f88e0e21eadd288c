"""The card of ``foreground``."""
