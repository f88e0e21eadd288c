"""The edge agent: documents and commands in, receipts out, and time for cameras fallen silent."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Literal

from consumers.sync.applying import Answer, Compile, answer
from consumers.sync.commanding import LIVE, obey
from consumers.sync.leaving import Leaving
from consumers.sync.live import LIVE_TOPIC, MAX_SECONDS, LiveViews
from consumers.sync.opinions import GROUP as OPINIONS_GROUP
from consumers.sync.opinions import Opinions
from consumers.sync.publish import RECEIPTS_TOPIC, commands_topic, config_topic, feedback_topic
from consumers.sync.silence import SilentCameras
from infra.runtime.configs import CONFIG_TOPIC, KEPT_VERSIONS
from infra.runtime.following import TopicFollower
from infra.runtime.kafka import (
    Message,
    RecordConsumer,
    RecordProducer,
    read_all,
    send_patiently,
    send_to_dead_letters,
)
from infra.runtime.metrics import DEAD_LETTERS, RECORDS_OUT
from infra.runtime.service import Service
from infra.runtime.watchdog import watched
from schemas.codec import decode, decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import AppliedConfig, Beat, Command, ConfigDocument, Frame, Health
from schemas.site import SiteConfig, parse

FRAMES_TOPIC = "frames"
HEALTH_TOPIC = "up.health"
GROUP = "sightline.agent"
WRITER = ("writer", b"agent")
"""Header of the agent's beats, by which it knows them from a camera's own."""
HEALTH_EVERY_S = 10.0
_ANSWERS_WITHIN_S = 2.0
_RETURN_S = 15.0
"""So long after Kafka was away cameras may take to write again: their clients try every 10 s."""


def run_agent(service: Service, compile_site: Compile) -> None:
    """Apply configurations and beat for silent cameras until the service stops.

    ``compile_site`` raises ``Rejected`` for a configuration that this site cannot run.

    Raises:
        Retryable: Kafka does not answer at the start.
        Fatal: a topic is missing, or the Kafka client gave up.
    """
    bootstrap, site = service.settings.need("edge_kafka"), service.settings.need("site")
    producer = RecordProducer(bootstrap, GROUP)
    configs = _Configs(service, bootstrap, site, compile_site, producer)
    cameras = _Cameras(service, bootstrap, site, producer, configs.live)
    opinions = Opinions(service, bootstrap, site, producer)
    problem: list[str] = []
    service.checks["agent"] = lambda: problem[0] if problem else None
    groups = {
        GROUP: (config_topic(site), commands_topic(site)),
        OPINIONS_GROUP: (feedback_topic(site),),
    }
    try:
        with watched(bootstrap, groups):
            while not service.stopping.is_set():
                try:
                    configs.turn()
                    cameras.turn(configs)
                    opinions.turn(configs.version)
                    problem.clear()
                except Retryable as error:
                    if not problem:
                        service.log.warning("the agent waits", error=str(error))
                    problem[:] = [str(error)]
                    service.stopping.wait(1.0)
    finally:
        configs.close()
        cameras.close()
        opinions.close()


class _Configs:
    """What came down, applied or refused."""

    def __init__(
        self,
        service: Service,
        bootstrap: str,
        site: str,
        compile_site: Compile,
        producer: RecordProducer,
    ) -> None:
        self._log = service.log
        self._site = site
        self._compile = compile_site
        self._producer = producer
        self._waiting: list[Message] = []
        self._versions = self._kept_versions(bootstrap)
        self._leaving = Leaving()
        self._in_force: AppliedConfig | None = None
        self._site_in_force: SiteConfig | None = None
        # The one before tells of cameras that were leaving when the agent was stopped.
        for version in sorted(self._versions)[-2:]:
            self._follow(self._versions[version])
        self.live = self._shown_before(bootstrap)
        self._consumer = RecordConsumer(
            bootstrap,
            GROUP,
            [config_topic(site), commands_topic(site)],
            instance=f"{GROUP}-{service.settings.worker}",
        )

    @property
    def version(self) -> int:
        """The version in force, 0 before the first."""
        return self._in_force.config_version if self._in_force else 0

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that the site is armed in."""
        return self._in_force.modes if self._in_force else ()

    @property
    def timezone(self) -> str | None:
        """The time zone that the configuration in force names."""
        return self._site_in_force.timezone if self._site_in_force else None

    @property
    def cameras(self) -> frozenset[str]:
        """The cameras of the configuration in force."""
        return frozenset(self._site_in_force.cameras) if self._site_in_force else frozenset()

    def leaving(self, now_s: float) -> frozenset[str]:
        """Return cameras that were taken out a short while ago."""
        return self._leaving.cameras(now_s)

    def turn(self) -> None:
        """Answer what has come down."""
        self._waiting += self._consumer.read(limit=10, timeout_s=0.1)
        while self._waiting:
            self._answer(self._waiting[0])
            self._consumer.commit(self._waiting[:1])
            del self._waiting[0]

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _answer(self, message: Message) -> None:
        if message.value is None:
            return
        try:
            found = self._judge(message)
        except Rejected as error:
            send_to_dead_letters(self._producer, message, error)
            self._producer.flush()
            DEAD_LETTERS.labels(message.topic, error.reason).inc()
            return
        if found is None:
            return
        if found.applied is not None:
            self._apply(found.applied)
        self._acknowledge(found)

    def _judge(self, message: Message) -> Answer | None:
        if message.topic == commands_topic(self._site):
            command = decode_as(Command, message.value)
            if command.name == LIVE:
                return self._show(self.live, command, message.arrived_at)
            return obey(self._versions.values(), command, self._site, _now_at())
        document = decode_as(ConfigDocument, message.value)
        return answer(self._in_force, document, self._site, self._compile, _now_at())

    def _show(self, live: LiveViews, command: Command, arrived_at: int) -> Answer | None:
        cameras, version = self.cameras, self.version
        return live.obey(command, self._site, cameras, version, arrived_at, _now_at())

    def _shown_before(self, bootstrap: str) -> LiveViews:
        """Return what an agent before this one had to show, and this one still has."""
        now_at = _now_at()
        live = LiveViews(now_at)
        recent = (now_at - 1000 * MAX_SECONDS, now_at)
        for message in read_all(bootstrap, commands_topic(self._site), arrived=recent):
            try:
                command = decode_as(Command, message.value)
            except Rejected:
                # It is put into the dead letters where commands are answered.
                continue
            if command.name == LIVE:
                self._show(live, command, message.arrived_at)
        return live

    def _apply(self, applied: AppliedConfig) -> None:
        self._producer.send(CONFIG_TOPIC, applied, key=str(applied.config_version))
        self._producer.flush()
        self._versions[applied.config_version] = applied
        self._follow(applied)
        for version in sorted(self._versions)[:-KEPT_VERSIONS]:
            send_patiently(self._producer, CONFIG_TOPIC, None, key=str(version))
            del self._versions[version]

    def _acknowledge(self, found: Answer) -> None:
        receipt = found.receipt
        self._producer.send(RECEIPTS_TOPIC, receipt, key=receipt.receipt_id)
        self._producer.flush()
        self._log.info(
            receipt.kind,
            status=receipt.status,
            config_version=receipt.config_version,
            sha256=receipt.sha256,
            faults=len(json.loads(receipt.errors)),
        )

    def _kept_versions(self, bootstrap: str) -> dict[int, AppliedConfig]:
        kept: dict[int, AppliedConfig] = {}
        for message in read_all(bootstrap, CONFIG_TOPIC):
            version = int(message.key) if message.key and message.key.isdecimal() else None
            if message.value is None:
                kept.pop(version or 0, None)
                continue
            try:
                applied = decode_as(AppliedConfig, message.value)
            except Rejected as error:
                self._log.error("a record of config cannot be read", reason=error.reason)
                continue
            kept[applied.config_version] = applied
        return kept

    def _follow(self, applied: AppliedConfig) -> None:
        before, self._in_force = self._site_in_force, applied
        try:
            self._site_in_force = parse(applied.body)
        except Rejected as error:
            # Accepted by an older version of this program: a new one must be published.
            self._log.error("the configuration in force is not valid any more", error=str(error))
            self._site_in_force = None
        if before is not None and self._site_in_force is not None:
            self._leaving.note(before, self._site_in_force, time.monotonic())


class _Cameras:
    """Beats and health of cameras whose process has died, live views, the agent's own health."""

    def __init__(
        self,
        service: Service,
        bootstrap: str,
        site: str,
        producer: RecordProducer,
        live: LiveViews,
    ) -> None:
        self._log = service.log
        self._site = site
        self._producer = producer
        self._live = live
        self._frames = TopicFollower(bootstrap, FRAMES_TOPIC, GROUP)
        self._silence = SilentCameras()
        self._told: dict[str, str] = {}
        self._health_s = float("-inf")

    def turn(self, configs: _Configs) -> None:
        """Listen, and beat for those that are silent."""
        for message in self._frames.read():
            self._hear(message)
        # Before everything has been read, a camera may only seem to be silent.
        if not self._frames.caught_up:
            return
        now_s = time.monotonic()
        cameras = configs.cameras
        lasting = cameras | configs.leaving(now_s)
        self._silence.keep(lasting, now_s)
        if self._silence.silent(lasting, now_s):
            self._make_sure()
        beats = list(self._silence.due(self._site, lasting, configs.version, now_s))
        for beat in beats:
            self._producer.send(FRAMES_TOPIC, beat, key=beat.camera, headers=[WRITER])
        RECORDS_OUT.labels(FRAMES_TOPIC).inc(len(beats))
        self._tell(self._silence.silent(cameras, now_s), configs, now_s)
        self._producer.flush(10)

    def close(self) -> None:
        """Stop listening."""
        self._frames.close()

    def _make_sure(self) -> None:
        """Tell a silent camera from a silent Kafka, behind which its frames still wait."""
        messages, answered = self._frames.read_to_end(_ANSWERS_WITHIN_S)
        for message in messages:
            self._hear(message)
        if not answered:
            self._silence.excuse(time.monotonic() + _RETURN_S)

    def _hear(self, message: Message) -> None:
        try:
            record = decode(message.value)
        except Rejected:
            # Detection puts it into the dead letters.
            return
        if isinstance(record, Beat) and WRITER in message.headers:
            self._silence.recall(record)
        elif isinstance(record, Frame | Beat):
            # What was written before this process read it is that much older.
            age_s = 0.0 if self._frames.caught_up else (_now_at() - message.arrived_at) / 1000
            self._silence.hear(record, time.monotonic() - max(0.0, age_s))
        if isinstance(record, Frame) and self._live.is_due(record, message.arrived_at, _now_at()):
            # The view is for sensors of tampering at the site.
            shown = replace(record, view=None)
            self._producer.send(LIVE_TOPIC, shown, key=f"{self._site}/{record.camera}")
            RECORDS_OUT.labels(LIVE_TOPIC).inc()

    def _tell(self, silent: dict[str, str], configs: _Configs, now_s: float) -> None:
        for camera, state in silent.items():
            if self._told.get(camera) != state:
                self._log.warning("a camera's process is silent", camera=camera, state=state)
                self._send("camera", camera, state, "its capture process is silent", "{}")
        self._told = silent
        if now_s - self._health_s >= HEALTH_EVERY_S:
            self._health_s = now_s
            details = {
                "config_version": configs.version,
                "modes": configs.modes,
                "timezone": configs.timezone,
                "silent": sorted(silent),
            }
            self._send("process", "agent", "running", None, json.dumps(details))

    def _send(
        self,
        kind: Literal["camera", "process"],
        name: str,
        state: str,
        reason: str | None,
        details: str,
    ) -> None:
        now_at = _now_at()
        health_id = f"{self._site}/{name}" if kind == "camera" else f"{self._site}/process/{name}"
        record = Health(
            health_id=health_id,
            site=self._site,
            kind=kind,
            name=name,
            state=state,
            reason=reason,
            at=now_at,
            frames=0,
            dropped=0,
            details=details,
            revision=now_at,
        )
        self._producer.send(HEALTH_TOPIC, record, key=health_id)


def _now_at() -> int:
    return time.time_ns() // 1_000_000
