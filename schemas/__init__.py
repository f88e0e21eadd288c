"""Contracts: what travels between the parts, without any I/O.

Avro records and their codec, the topic catalogue, the site configuration models, deterministic
ids and the error tree. Everything else may import ``schemas``; ``schemas`` imports nothing of ours.
"""
