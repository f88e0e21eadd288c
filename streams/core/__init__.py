"""The mathematics: tracking, sensors, rules, filtering, grouping.

Pure: no I/O, no clock, no Kafka, no random source. Every part has one shape,
``step(state, input, plan) -> (state, outputs)``, and event time is in the input, so the same code
runs live under Faust, offline in ``replay`` and in tests, and answers the same in each.

Imports only numpy, shapely, msgspec (state that serialises exactly), the standard library and
``schemas``.
"""
