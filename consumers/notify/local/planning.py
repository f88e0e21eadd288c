"""What a site's rules say of whom to tell, for the same core as the cloud's."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from consumers.api.shapes.routing import Conditions, Route
from consumers.notify.local.box import NOBODY, Box
from consumers.notify.local.targets import target_id
from consumers.notify.occurrence import Owner, occurrence
from consumers.notify.policy import Policy, Reach
from consumers.notify.routing import Change, step
from consumers.notify.targets.target import Kind
from infra.runtime.configs import ConfigStore
from schemas.errors import Rejected
from schemas.records import Event
from schemas.site import SiteConfig

MAX_AGE_S = 3600
WAIT_S = 2.0


class Planner:
    """Stores what each event means for whom."""

    def __init__(
        self, site: str, configs: ConfigStore, box: Box, kinds: Mapping[str, Kind]
    ) -> None:
        self._site = site
        self._configs = configs
        self._box = box
        self._kinds = kinds

    def plan(self, event: Event, now_at: int) -> frozenset[UUID]:
        """Store what an event means; return the targets that something is due to.

        Raises:
            Retryable: the configuration that the event names has not come yet.
            Rejected: it is none of those kept any more.
        """
        if event.site != self._site:
            return frozenset()
        config = self._configs.get(event.config_version, WAIT_S)
        rule = config.rules.get(event.rule)
        if rule is None or not rule.notify or event.mode != "live":
            return frozenset()
        owner = Owner(organisation_id=NOBODY, site_name=self._site, timezone=config.timezone)
        found = occurrence(event, owner)
        told = self._box.told(event.event_id)
        _, planned = step(told, Change(found, now_at), self.policy(config, event.rule))
        self._box.store(found, planned, now_at)
        return frozenset(one.target_id for one in planned if one.status == "pending")

    def policy(self, config: SiteConfig, rule: str) -> Policy:
        """Return one rule's ``notify`` as a route; names of targets that are not here reach nobody."""
        names = [name for name in config.rules[rule].notify if name in self._kinds]
        ids = {name: target_id(self._site, name) for name in names}
        if not ids:
            return Policy()
        route = Route(
            name=rule,
            when=Conditions.model_validate({"rules": [rule]}),
            targets=list(ids.values()),
            snapshot_wait_s=0,
            digest_s=0,
            everyone=False,
            users=[],
            max_age_s=MAX_AGE_S,
            escalation=None,
        )
        reach = {
            ids[name]: Reach(collects=False, states=self._kinds[name].states) for name in names
        }
        return Policy(routes={target_id(self._site, rule): route}, targets=reach)

    def unknown(self) -> list[str]:
        """Return the names that the present configuration names and the file does not hold.

        Raises:
            Retryable: there is no configuration yet.
        """
        try:
            rules = self._configs.latest(wait_s=0.0).site.rules.values()
        except Rejected:
            return []
        return sorted({name for rule in rules for name in rule.notify} - self._kinds.keys())
