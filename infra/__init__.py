"""What everything stands on and how it is put together.

``runtime`` and ``local`` import only ``schemas``; ``cli`` is the composition root and may import all.
"""
