"""The card of ``fastestdet``; its weights are imported."""
