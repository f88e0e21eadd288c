"""For every alert: series in which it rings, what it then says, and series in which it is still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Series = Mapping[str, str]
"""Values by series, in promtool's notation: ``0+60x30`` begins at 0 and grows by 60 each minute."""


@dataclass(frozen=True)
class Case:
    """``at`` is when the alert is looked for."""

    alert: str
    rings: Series
    summary: str
    still: Series
    labels: Mapping[str, str] = field(default_factory=dict)
    at: str = "30m"


_SILENT = 'sightline_site_silent_seconds{site="%s",instance="etl:1"}'
_DEPOT, _SHOP = _SILENT % "depot-7", _SILENT % "shop-1"
_CAMERAS = 'sightline_cameras{site="depot-7",state="%s"}'
_BUCKETS = 'sightline_delay_seconds_bucket{step="sense",le="%s"}'
_HTTP = 'sightline_http_seconds_bucket{route="/api/v1/events",le="%s"}'
_LAG = 'sightline_lag_records{instance="sink:1",topic="up.tracks"}'
_READ = 'sightline_records_in_total{instance="sink:1",topic="up.tracks"}'
_SINK = {"instance": "sink:1", "topic": "up.tracks"}

CASES = (
    Case(
        "SightlineSiteSilent",
        {_DEPOT: "0+60x30", _SHOP: "5x30"},
        "Nothing was heard of site depot-7 for 30m 0s.",
        {_DEPOT: "10x30", _SHOP: "5x30"},
        {"site": "depot-7"},
    ),
    Case(
        "SightlineAllSitesSilent",
        {_DEPOT: "0+60x30", _SHOP: "0+60x30"},
        "No site at all was heard for 30m 0s.",
        {_DEPOT: "0+60x30", _SHOP: "5x30"},
    ),
    Case(
        "SightlineCamerasDown",
        {_CAMERAS % "offline": "2x30", _CAMERAS % "stalled": "1x30", _CAMERAS % "online": "9x30"},
        "3 cameras of site depot-7 give no picture.",
        {_CAMERAS % "offline": "0x27 1x3", _CAMERAS % "ended": "4x30"},
        {"site": "depot-7"},
    ),
    Case(
        "SightlineModelServerDown",
        {'sightline_server_circuit_open{instance="detect:1",server="triton:8001"}': "0x25 1x5"},
        "detect:1 gets no answers from the model server triton:8001.",
        {'sightline_server_circuit_open{instance="detect:1",server="triton:8001"}': "1x25 0x5"},
        {"instance": "detect:1", "server": "triton:8001"},
    ),
    Case(
        "SightlineTritonDown",
        {'up{job="triton",instance="triton:8002"}': "1x20 0x10"},
        "Triton at triton:8002 shows no metrics.",
        {'up{job="triton",instance="triton:8002"}': "1x30"},
        {"job": "triton", "instance": "triton:8002"},
    ),
    Case(
        "SightlineOverloaded",
        {'sightline_overloaded{instance="detect:1"}': "1x30"},
        "detect:1 has dropped frames for lack of speed for ten minutes.",
        {'sightline_overloaded{instance="detect:1"}': "0x25 1x5"},
        {"instance": "detect:1"},
    ),
    Case(
        "SightlineModelUpdateFailed",
        {
            'sightline_model_updates_total{instance="m:1",model="yolox",state="rolled-back"}': "0x20 1x10"
        },
        "m:1 did not take an update of the model yolox.",
        {
            'sightline_model_updates_total{instance="m:1",model="yolox",state="applied"}': "0x20 1x10"
        },
        {"instance": "m:1", "model": "yolox"},
    ),
    Case(
        "SightlineProcessDown",
        {'up{job="sightline",instance="group:1"}': "1x20 0x10"},
        "The process at group:1 does not answer.",
        {'up{job="sightline",instance="group:1"}': "0x20 1x10"},
        {"job": "sightline", "instance": "group:1"},
    ),
    Case(
        "SightlineLag",
        {_LAG: "20000x30"},
        "20000 records of up.tracks wait for sink:1.",
        {_LAG: "20000x25 0x5"},
        _SINK,
    ),
    Case(
        "SightlineSinkStopped",
        {_LAG: "7x40", _READ: "0+60x10 600x30"},
        "sink:1 reads nothing of up.tracks, though records wait.",
        {_LAG: "7x40", _READ: "0+60x40"},
        _SINK,
        at="40m",
    ),
    Case(
        "SightlineDelay",
        {_BUCKETS % "5": "0x30", _BUCKETS % "10": "0+60x30", _BUCKETS % "+Inf": "0+60x30"},
        "From capture to the end of sense it takes 9.95s.",
        {_BUCKETS % "5": "0+60x30", _BUCKETS % "10": "0+60x30", _BUCKETS % "+Inf": "0+60x30"},
        {"step": "sense"},
    ),
    Case(
        "SightlineDropping",
        {'sightline_dropped_total{what="frame",reason="late"}': "0+120x30"},
        "frame: 2 a second are dropped (late).",
        {'sightline_dropped_total{what="frame",reason="late"}': "0+30x30"},
        {"what": "frame", "reason": "late"},
    ),
    Case(
        "SightlineDeadLetters",
        {'sightline_dead_letters_total{topic="up.tracks",reason="bad-time"}': "0x25 1x5"},
        "Records of up.tracks were refused: bad-time.",
        {'sightline_dead_letters_total{topic="up.tracks",reason="bad-time"}': "0x5 1x25"},
        {"topic": "up.tracks", "reason": "bad-time"},
    ),
    Case(
        "SightlineDiskFilling",
        {'sightline_disk_free_ratio{instance="edge:1"}': "0.1x30"},
        "The disk of edge:1 has 10% left.",
        {'sightline_disk_free_ratio{instance="edge:1"}': "0.4x30"},
        {"instance": "edge:1"},
    ),
    Case(
        "SightlineDiskFull",
        {'sightline_disk_free_ratio{instance="edge:1"}': "0.01x30"},
        "The disk of edge:1 has 1% left.",
        {'sightline_disk_free_ratio{instance="edge:1"}': "0.1x30"},
        {"instance": "edge:1"},
    ),
    Case(
        "SightlineRollupsBehind",
        {'sightline_rollup_behind_seconds{turn="hour"}': "0+60x30"},
        "Rollups by hour are 30m 0s behind.",
        {'sightline_rollup_behind_seconds{turn="hour"}': "60x30"},
        {"turn": "hour"},
    ),
    Case(
        "SightlineParquetBehind",
        {'sightline_rollup_behind_seconds{turn="export"}': "30000x30"},
        "Days of the analytics (export) are 8h 20m 0s behind.",
        {'sightline_rollup_behind_seconds{turn="export"}': "600x30"},
        {"turn": "export"},
    ),
    Case(
        "SightlineNotificationsFail",
        {'sightline_notify_failed_total{kind="webhook",outcome="retry"}': "0+2x30"},
        "30 tries to notify by webhook failed in 15 minutes.",
        {'sightline_notify_failed_total{kind="webhook",outcome="retry"}': "0x20 1x10"},
        {"kind": "webhook"},
    ),
    Case(
        "SightlineNotificationsWait",
        {"sightline_notify_waiting": "500x30"},
        "500 notifications are due and not sent.",
        {"sightline_notify_waiting": "500x27 3x3"},
    ),
    Case(
        "SightlineTargetsDown",
        {'sightline_notify_open_circuits{kind="mqtt"}': "2x30"},
        "2 targets of the kind mqtt have not answered for long.",
        {'sightline_notify_open_circuits{kind="mqtt"}': "2x10 0x20"},
        {"kind": "mqtt"},
    ),
    Case(
        "SightlineRetentionStopped",
        {"sightline_kept_swept_timestamp_seconds": "0x2000"},
        "Retention has not gone through for 1d 2h 40m 0s.",
        {"sightline_kept_swept_timestamp_seconds": "0+60x2000"},
        at="1600m",
    ),
    Case(
        "SightlineCertificateEnds",
        {'sightline_certificate_expires_timestamp_seconds{host="cloud.example"}': "871200x200"},
        "The certificate of cloud.example ends in 10d 0h 0m 0s.",
        {'sightline_certificate_expires_timestamp_seconds{host="cloud.example"}': "8712000x200"},
        {"host": "cloud.example"},
        at="120m",
    ),
    Case(
        "SightlineApiSlow",
        {_HTTP % "1": "0x30", _HTTP % "2": "0+60x30", _HTTP % "+Inf": "0+60x30"},
        "One of a hundred answers of /api/v1/events takes 1.99s.",
        {_HTTP % "1": "0+60x30", _HTTP % "2": "0+60x30", _HTTP % "+Inf": "0+60x30"},
        {"route": "/api/v1/events"},
    ),
)
