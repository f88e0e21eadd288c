"""Sinks that are our own: evidence into object storage. The rest goes through Kafka Connect."""
