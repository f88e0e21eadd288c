"""Measurements. Each module is a command that prints a table: ``python -m tests.bench.NAME``.

Nothing here asserts a time; figures are ratios against something run beside it where there is
something to run beside. ``python -m tests.bench`` runs all of them.
"""
