"""The Faust wiring: one app per stage (sense, match, filter, group) around the pure core.

Faust drives the consumer groups; outputs and state go through one idempotent producer per stage
and are waited for before an input is acknowledged (docs/adr/0003).
"""
