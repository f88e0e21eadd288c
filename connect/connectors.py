"""Connector configurations as pure functions: what goes in is addresses, what comes out is a dict.

Measured choices: offset syncs and copies of topic configuration are off (topics come from the
catalogue), the producer waits for nothing (linger 0), bad records go to ``dlq.<topic>``, a database
that is away is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

Config = dict[str, str]


@dataclass(frozen=True)
class Connector:
    """A configuration and the name it is applied under."""

    name: str
    config: Config


MAX_RECORD_BYTES = 11 * 1024 * 1024
_STRING = "org.apache.kafka.connect.storage.StringConverter"
_BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
_AVRO = "sightline.connect.SchemaFolderConverter"
_TABLES = {
    # A partitioned table's key holds the time that it is partitioned by.
    "events": ("event_id", "opened_at"),
    "verdicts": ("candidate_id", "matched_at"),
    "counts": ("count_id",),
    "health": ("health_id",),
    "receipts": ("receipt_id",),
}


def _mirror(source: str, target: str, source_kafka: str, target_kafka: str, topics: str) -> Config:
    return {
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "tasks.max": "1",
        "source.cluster.alias": source,
        "target.cluster.alias": target,
        "source.cluster.bootstrap.servers": source_kafka,
        "target.cluster.bootstrap.servers": target_kafka,
        "topics": topics,
        "topics.exclude": "",
        "replication.policy.class": "org.apache.kafka.connect.mirror.IdentityReplicationPolicy",
        "replication.factor": "1",
        "emit.offset-syncs.enabled": "false",
        "sync.topic.acls.enabled": "false",
        "sync.topic.configs.enabled": "false",
        "refresh.topics.interval.seconds": "5",
        "key.converter": _BYTES,
        "value.converter": _BYTES,
        "header.converter": _BYTES,
        "source.consumer.auto.offset.reset": "earliest",
        "source.consumer.fetch.max.bytes": str(2 * MAX_RECORD_BYTES),
        "source.consumer.max.poll.records": "500",
        "producer.override.bootstrap.servers": target_kafka,
        "producer.override.acks": "all",
        "producer.override.enable.idempotence": "true",
        "producer.override.linger.ms": "0",
        "producer.override.max.request.size": str(MAX_RECORD_BYTES),
    }


def mirror_up(edge_kafka: str, cloud_kafka: str) -> Config:
    """Carry ``up.*`` from the site to the cloud, same names and partitions."""
    return _mirror("edge", "cloud", edge_kafka, cloud_kafka, r"up\..*")


def mirror_down(edge_kafka: str, cloud_kafka: str, site: str) -> Config:
    r"""Carry ``down.<site>.*`` and ``down.global.*`` from the cloud to the site.

    >>> mirror_down("edge:9092", "cloud:9092", "depot-7")["topics"]
    'down\\.(depot-7|global)\\..*'
    """
    return _mirror("cloud", "edge", cloud_kafka, edge_kafka, rf"down\.({site}|global)\..*")


def _sink(topic: str, schemas_dir: Path) -> Config:
    return {
        "tasks.max": "1",
        "topics": topic,
        "key.converter": _STRING,
        "value.converter": _AVRO,
        "value.converter.schemas.dir": str(schemas_dir),
        "header.converter": _BYTES,
        "errors.tolerance": "all",
        "errors.log.enable": "true",
        "errors.log.include.messages": "false",
        "errors.deadletterqueue.topic.name": f"dlq.{topic}",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
        "consumer.override.auto.offset.reset": "earliest",
    }


def jdbc_sink(
    topic: str, table: str, key_fields: Sequence[str], postgres_dsn: str, schemas_dir: Path
) -> Connector:
    """Upsert the records of one topic into a table that exists, by ``key_fields``.

    ``postgres_dsn`` is ``postgresql://user:password@host:port/database``; user and password are
    URL-quoted. Columns have the names of the fields.
    """
    address = urlsplit(postgres_dsn)
    place = f"{address.hostname}:{address.port or 5432}{address.path}"
    config = {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "connection.url": f"jdbc:postgresql://{place}",
        "connection.username": unquote(address.username or ""),
        "connection.password": unquote(address.password or ""),
        "connection.restart.on.errors": "true",
        "connection.pool.min_size": "1",
        "connection.pool.max_size": "4",
        "connection.pool.acquire_increment": "1",
        "flush.max.retries": "60",
        "flush.retry.delay.ms": "1000",
        "insert.mode": "upsert",
        "delete.enabled": "false",
        "primary.key.mode": "record_value",
        "primary.key.fields": ",".join(key_fields),
        "schema.evolution": "none",
        "collection.name.format": table,
        "use.time.zone": "UTC",
        "batch.size": "500",
    }
    return Connector(f"sink-{table}", _sink(topic, schemas_dir) | config)


def jdbc_sinks(postgres_dsn: str, schemas_dir: Path) -> tuple[Connector, ...]:
    """Return the sinks of everything that the cloud keeps in PostgreSQL."""
    return tuple(
        jdbc_sink(f"up.{table}", table, key, postgres_dsn, schemas_dir)
        for table, key in _TABLES.items()
    )


def mongo_sink(
    mongo_url: str,
    schemas_dir: Path,
    *,
    topic: str = "up.tracks",
    collection: str = "tracks",
    id_fields: Sequence[str] = ("track_id", "site"),
    database: str = "sightline",
) -> Connector:
    """Replace or insert each record as the document whose ``_id`` holds its fields ``id_fields``.

    In the record's order: two documents are one ``_id`` only in the same order. A track's id is
    its site's own, and another site's camera of that name may have the same.
    """
    strategies = "com.mongodb.kafka.connect.sink"
    config = {
        "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
        "connection.uri": mongo_url,
        "database": database,
        "collection": collection,
        "document.id.strategy": f"{strategies}.processor.id.strategy.PartialValueStrategy",
        "document.id.strategy.partial.value.projection.type": "AllowList",
        "document.id.strategy.partial.value.projection.list": ",".join(id_fields),
        "document.id.strategy.overwrite.existing": "true",
        "writemodel.strategy": f"{strategies}.writemodel.strategy.ReplaceOneDefaultStrategy",
        "max.num.retries": "60",
        "retries.defer.timeout": "1000",
    }
    return Connector(f"sink-{collection}", _sink(topic, schemas_dir) | config)
