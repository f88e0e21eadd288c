"""What every process stands on: settings, Kafka clients, logging, metrics, the service frame.

Imports only ``schemas``; knows nothing of cameras, rules or events.
"""
