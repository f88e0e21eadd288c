"""From triggers to an event: the rule, the filter, the grouping."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from infra.cli.whynot_probe import Found
from infra.cli.whynot_steps import Step, clock
from schemas.records import Candidate, Trigger
from schemas.site import Rule, SiteConfig, TriggerTerm, contains, terms
from streams.core.checks.pending import PATIENCE_MS


def after_triggers(found: Found, config: SiteConfig, sensor: str, name: str) -> list[Step]:
    """Return the steps of one rule after its sensor has fired."""
    mine = [c for c in found.candidates if c.rule == name]
    if not mine:
        return [Step("rule", False, _unmatched(found, config, sensor, name))]
    steps = [Step("rule", True, f"{name} matched at {_times(mine)}")]
    decided = [found.decisions[c.candidate_id] for c in mine if c.candidate_id in found.decisions]
    if not decided:
        waits = f"for {PATIENCE_MS / 1000:g} s at most, and time has come to {clock(found.reached)}"
        return [*steps, Step("filter", False, f"no decision yet: the filter waits {waits}")]
    accepted = [decision for decision in decided if decision.verdict == "accepted"]
    if not accepted:
        last = decided[-1]
        reasons = ", ".join(
            f"{reason.check} {'for' if reason.favours else 'against'} it ({reason.value:.3g})"
            for reason in last.reasons
        )
        told = f"suppressed at {clock(last.decided_at)}, score {last.score:.3f}: {reasons}"
        return [*steps, Step("filter", False, told)]
    steps.append(
        Step(
            "filter", True, f"accepted at {clock(accepted[0].decided_at)}, {accepted[0].score:.3f}"
        )
    )
    return [*steps, _grouped(found, config.rules.get(name), [d.candidate for d in accepted])]


def _grouped(found: Found, rule: Rule | None, accepted: Sequence[Candidate]) -> Step:
    verdicts = [
        found.verdicts[c.candidate_id] for c in accepted if c.candidate_id in found.verdicts
    ]
    for verdict in verdicts:
        event = found.events.get(verdict.event_id or "")
        if verdict.verdict == "accepted" and event is not None:
            first = json.loads(event.provenance)[:1]
            opener = bool(first) and first[0]["candidate"] == verdict.candidate_id
            how = (
                "opened"
                if opener
                else f"grouped into the event open since {clock(event.opened_at)}"
            )
            return Step("group", True, f"{how}: event {event.event_id}, {event.severity}")
    if any(verdict.verdict == "cooling" for verdict in verdicts):
        cooldown_s = 0.0 if rule is None else rule.cooldown_s
        return Step("group", False, f"the rule was cooling down (cooldown_s {cooldown_s:g})")
    if any(verdict.verdict == "shadow" for verdict in verdicts):
        return Step("group", False, "the rule runs in shadow mode: recorded, and nobody told")
    return Step("group", False, "no final verdict yet: time has not come far enough")


def _unmatched(found: Found, config: SiteConfig, sensor: str, name: str) -> str:
    rule = config.rules[name]
    fired = [trigger for trigger in found.triggers if trigger.sensor == sensor]
    wanted = [term for term in terms(rule.when) if term.sensor == sensor]
    fitting = [trigger for trigger in fired if any(_fits(term, trigger) for term in wanted)]
    if not fitting:
        return f"{name} waits for {_either(map(_term, wanted))}, not {_either(map(_said, fired))}"
    outside = [t for t in fitting if not contains(rule.schedule, config.timezone, t.triggered_at)]
    if len(outside) == len(fitting) and rule.schedule is not None:
        windows = ", ".join(map(str, rule.schedule))
        return f"outside {name}'s schedule ({windows}, {config.timezone})"
    if rule.armed is not None and not any(mode in found.modes for mode in rule.armed):
        mode = ", ".join(found.modes) or "none"
        return f"{name} is armed in {', '.join(rule.armed)}; the mode was {mode}"
    if not isinstance(rule.when, TriggerTerm):
        return (
            f"{_either(map(_said, fitting))} is one part of {name}; the rest did not come in time"
        )
    if rule.count is not None:
        return (
            f"{len(fitting)} matches around the moment: {name} counts {rule.count.at_least} within "
            f"{rule.count.within_s:g} s"
        )
    return f"{name} did not match {_either(map(_said, fitting))}"


def _fits(term: TriggerTerm, trigger: Trigger) -> bool:
    return (
        term.trigger == trigger.trigger
        and term.direction in (None, trigger.direction)
        and (term.classes is None or trigger.class_name in term.classes)
    )


def _term(term: TriggerTerm) -> str:
    classes = f" of {' or '.join(term.classes)}" if term.classes else ""
    return f"{term.trigger}{f' {term.direction}' if term.direction else ''}{classes}"


def _said(trigger: Trigger) -> str:
    direction = f" {trigger.direction}" if trigger.direction else ""
    return (
        f"{trigger.trigger}{direction}{f' of {trigger.class_name}' if trigger.class_name else ''}"
    )


def _either(told: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(told))


def _times(candidates: Sequence[Candidate]) -> str:
    return ", ".join(clock(candidate.matched_at) for candidate in candidates[:4])
