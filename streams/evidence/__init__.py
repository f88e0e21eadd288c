"""Snapshots and clips of events, made from the frames at the site.

Frames are read back from their topic by offset; what has expired there gives a record that says
so. Drawing, encoding and planning are pure; ``reader``, ``follower`` and ``run`` do the I/O.
"""
