"""The card of ``yolox``; its weights are imported."""
