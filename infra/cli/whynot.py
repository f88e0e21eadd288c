"""Why nothing was raised: the steps from frame to event, and the first that stopped it.

Pure: what the probe noted and the configuration in, a list of steps out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from infra.cli.whynot_probe import Followed, Found
from infra.cli.whynot_rules import after_triggers
from infra.cli.whynot_sensors import sensed, wanted_classes
from infra.cli.whynot_steps import Step
from schemas.errors import Rejected
from schemas.site import LinkSensor, SiteConfig, terms

_ALIVE = ("online",)


@dataclass(frozen=True, slots=True)
class Answer:
    """One way from a sensor to an event."""

    sensor: str
    rule: str | None
    """None: no rule looks at the sensor, or none was asked about."""
    steps: tuple[Step, ...]

    @property
    def stopped(self) -> Step | None:
        """The first step that stopped it; None: it went through."""
        return next((step for step in self.steps if not step.passed), None)


def explain(
    found: Found, config: SiteConfig, sensor: str | None = None, rule: str | None = None
) -> list[Answer]:
    """Return an answer for each sensor of the camera and each rule on it, or those asked about.

    Raises:
        Rejected: there is no such sensor or rule, or they have nothing to do with the camera.
    """
    answers: list[Answer] = []
    for name in _sensors(config, found.camera, sensor, rule):
        # That a camera is away is what a link tells of: it needs no frame.
        steps = [] if isinstance(config.sensors[name], LinkSensor) else _frames(found)
        if _goes_on(steps):
            steps += _objects(found, config, name)
        if _goes_on(steps):
            steps.append(sensed(found, config, name))
        on_it = [
            r for r, one in config.rules.items() if name in {t.sensor for t in terms(one.when)}
        ]
        chosen = [r for r in on_it if rule in (None, r)]
        if not chosen:
            none = [Step("rule", False, f"no rule looks at {name}")] if _goes_on(steps) else []
            answers.append(Answer(name, None, (*steps, *none)))
        for one in chosen:
            further = after_triggers(found, config, name, one) if _goes_on(steps) else []
            answers.append(Answer(name, one, (*steps, *further)))
    return answers


def _goes_on(steps: Sequence[Step]) -> bool:
    return all(step.passed for step in steps)


def _sensors(
    config: SiteConfig, camera: str, sensor: str | None, rule: str | None
) -> Sequence[str]:
    if camera not in config.cameras:
        known = ", ".join(sorted(config.cameras)) or "none"
        raise Rejected(f"site {config.site} has no camera {camera}: it has {known}")
    mine = [name for name, one in sorted(config.sensors.items()) if one.camera == camera]
    if sensor is not None and sensor not in mine:
        raise Rejected(
            f"camera {camera} has no sensor {sensor}: it has {', '.join(mine) or 'none'}"
        )
    if rule is not None and rule not in config.rules:
        known = ", ".join(sorted(config.rules)) or "none"
        raise Rejected(f"site {config.site} has no rule {rule}: it has {known}")
    chosen = [name for name in mine if sensor in (None, name)]
    if rule is not None:
        named = {term.sensor for term in terms(config.rules[rule].when)}
        chosen = [name for name in chosen if name in named]
        if not chosen:
            raise Rejected(
                f"rule {rule} looks at {', '.join(sorted(named))}, none of which was asked about"
            )
    if not chosen:
        raise Rejected(f"camera {camera} has no sensor: nothing can be raised there")
    return chosen


def _frames(found: Found) -> list[Step]:
    """Tell whether there were frames, and whether a model answered about them."""
    if not found.looks:
        states = [state for _, state in found.beats if state not in _ALIVE]
        why = (
            f"the camera was {states[-1]}"
            if states
            else "beats came: the motion gate held still frames back, or a frame is due less often"
            if found.beats
            else "no sign of the camera either"
        )
        return [Step("frame", False, f"no frame within {found.within_ms / 1000:g} s: {why}")]
    steps = [Step("frame", True, f"{len(found.looks)} frames")]
    answered = [look for look in found.looks if look.outcome == "ok"]
    troubles = Counter(
        f"{look.outcome} ({look.reason})" if look.reason else look.outcome
        for look in found.looks
        if look.outcome != "ok"
    )
    told = ", ".join(f"{count} {trouble}" for trouble, count in troubles.most_common())
    if not answered:
        return [*steps, Step("model", False, f"none was analysed: {told}")]
    models = " and ".join(sorted({look.model for look in answered}))
    text = f"{models} answered about {len(answered)}" + (f", {told}" if told else "")
    return [*steps, Step("model", True, text)]


def _objects(found: Found, config: SiteConfig, sensor: str) -> list[Step]:
    """Tell what was detected of the sensor's classes, and what was tracked of it."""
    classes = wanted_classes(config, sensor)
    if classes is not None and not classes:
        return []
    what = "object" if classes is None else " or ".join(sorted(classes))
    detected = [one for look in found.looks for one in look.detected]
    fitting = [one for one in detected if classes is None or one.label in classes]
    if not fitting:
        others = Counter(one.label for one in detected)
        seen = ", ".join(f"{label} {count} times" for label, count in others.most_common(5))
        return [Step("detection", False, f"no {what} was detected; {seen or 'nothing at all'}")]
    kept = [one for one in fitting if one.dropped is None]
    if not kept:
        reasons = Counter(one.dropped for one in fitting)
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        return [Step("detection", False, f"every {what} was left out: {told}")]
    best = max(one.score for one in kept)
    steps = [Step("detection", True, f"{what} {len(kept)} times, score up to {best:.2f}")]
    tracks = [t for t in found.tracks.values() if classes is None or t.class_name in classes]
    if not tracks:
        if best < found.birth_score:
            told = (
                f"the best score is {best:.2f}; a track begins at min_score {found.birth_score:g}"
            )
        else:
            names = sorted({t.class_name for t in found.tracks.values()})
            named = f"; the tracks there are called {', '.join(names)}" if names else ""
            told = f"no track of {what} was seen{named}"
        return [*steps, Step("track", False, told)]
    confirmed = [track for track in tracks if track.confirmed_at is not None]
    if not confirmed:
        return [*steps, Step("track", False, "; ".join(map(_tentative, tracks[:3])))]
    told = ", ".join(track.track for track in confirmed[:3])
    more = f" and {len(confirmed) - 3} more" if len(confirmed) > 3 else ""
    return [*steps, Step("track", True, f"{told}{more}")]


def _tentative(track: Followed) -> str:
    span_s = (track.seen_at - track.started_at) / 1000
    return (
        f"{track.track} was not confirmed: seen {track.observations} times in {span_s:.1f} s, "
        "too few or too short for a track"
    )
