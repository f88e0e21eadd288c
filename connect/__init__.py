"""Kafka Connect: MirrorMaker and sink connector configurations, the Avro converter (Java).

``connectors.py`` holds pure functions that return connector configurations. The Java sources are
compiled by ``sightline setup-parts``:

- ``converter/`` reads Avro values with the schemas of ``schemas/avro``;
- ``mongo_server/`` starts the embedded stack's Mongo wire;
- ``manifests/`` are the ServiceLoader entries that ``plugin.discovery=service_load`` needs.
"""
