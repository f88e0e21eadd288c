"""The typed client steers a site: its configuration, its modes, its notifications."""

from __future__ import annotations

import pytest

from consumers.api.shapes.routing import Route
from consumers.client import Invalid, Sightline, Stale, tagged
from consumers.client.operations import notifications
from consumers.sync.agent import run_agent
from infra.runtime.service import Service
from schemas.site import SiteConfig
from tests.access_helpers import Account
from tests.contract.api_documents.conftest import SITE, Start
from tests.contract.consumers.consumer_parts import eventually

pytestmark = pytest.mark.usefixtures("receipts")


def text(note: str) -> str:
    return f"# {note}\nversion: 1\nsite: {SITE}\ncameras: {{gate: {{source: 'usb:0'}}}}\n"


def agent(service: Service) -> None:
    def compile_site(config: SiteConfig) -> None:
        """Take whatever comes."""

    run_agent(service, compile_site)


def running(sightline: Sightline) -> int | None:
    now = sightline.configurations.state(SITE).running
    return now.version if now else None


@pytest.fixture
def key(owner: Account) -> str:
    return owner.key["Authorization"].removeprefix("Bearer ")


def test_a_configuration_is_checked_saved_and_published(url: str, key: str, start: Start) -> None:
    start(agent)
    with Sightline(url, key) as sightline:
        configurations = sightline.configurations
        before = configurations.state(SITE).latest or 0
        faulty = configurations.check(SITE, "version: 1")
        assert not faulty.ok and faulty.faults
        with pytest.raises(Invalid) as refused:
            configurations.save(SITE, "version: 1", before)
        assert refused.value.errors
        assert configurations.check(SITE, text("by the client")).ok
        saved = configurations.save(SITE, text("by the client"), before, "by a program")
        with pytest.raises(Stale):
            configurations.save(SITE, text("too late"), before)
        assert configurations.show(SITE).text == text("by the client")
        assert configurations.version(SITE, saved.number).note == "by a program"
        assert next(configurations.versions(SITE)) == saved
        state = configurations.publish(SITE, saved.number)
        assert state.published is not None and state.published.version == saved.number
        eventually(lambda: running(sightline) == saved.number)
        assert configurations.differences(SITE, saved.number, "running").differences == []
        assert next(configurations.publications(SITE)).version == saved.number
        assert "site" in {one.document for one in sightline.commands.receipts(SITE)}


def test_a_site_is_armed_and_answers(url: str, key: str, start: Start) -> None:
    start(agent)
    with Sightline(url, key) as sightline:
        version = sightline.configurations.save(SITE, text("to be armed"), None).number
        sightline.configurations.publish(SITE, version)
        eventually(lambda: running(sightline) == version)
        order = sightline.commands.arm(SITE, "off")
        answered = sightline.commands.show(SITE, order.command_id, wait_s=20)
        assert answered.state == "applied", answered
        assert next(sightline.commands.sent(SITE)).command_id == order.command_id


def test_routes_are_changed_at_the_version_that_was_read(url: str, key: str) -> None:
    with Sightline(url, key) as sightline:
        made = sightline.notifications.make_route(Route(name="everything", everyone=True))
        found = sightline.do(tagged(notifications.route(made.route_id)))
        assert found.document == made
        changed = made.model_copy(update={"enabled": False})
        assert not sightline.notifications.change_route(made.route_id, changed, found.tag).enabled
        with pytest.raises(Stale):
            sightline.notifications.change_route(made.route_id, made, found.tag)
        sightline.notifications.remove_route(made.route_id)
        assert made.route_id not in {one.route_id for one in sightline.notifications.routes()}
        actions = [one.action for one in sightline.keeping.audit(limit=3)]
        assert actions[0] == "notify.route.delete"
        assert "audit:read" in sightline.people.asker().permissions
