"""Frames to events: the pure core, the Triton adapter, the Faust wiring and the evidence builder.

Imports: ``apps | evidence`` → ``inference`` → ``core``; nothing here imports ``producers`` or ``consumers``.
"""
