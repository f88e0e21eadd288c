"""The embedded stack: the real parts of Sightline as child processes on one machine.

``stack.Stack`` is the way in. Each part has one file that says how it is prepared, started and
asked whether it is ready; ``runner`` keeps one part alive, ``supervisor`` all of them.
"""
