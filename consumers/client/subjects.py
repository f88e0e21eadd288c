"""What both clients can do besides their own methods, by subject, declared once for both.

``One`` and ``Every`` make methods of operations: a blocking client's return what came, an
asynchronous one's are awaited.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from consumers.client.calls import Call, PageOf
from consumers.client.operations import (
    commands,
    configurations,
    keeping,
    live,
    models,
    notifications,
    people,
    tracks,
)

P = ParamSpec("P")
T = TypeVar("T")


class Blocking:
    """Methods return what came."""


class Asynchronous:
    """Methods are awaited."""


W = TypeVar("W", Blocking, Asynchronous)


class Client(Protocol):
    """What sends requests."""

    def do(self, call: Call[Any]) -> Any:
        """Send a request."""

    def every(self, call: Call[PageOf[Any]]) -> Any:
        """Go through a list."""


class Subject(Generic[W]):
    """Operations that belong together."""

    def __init__(self, client: Client) -> None:
        self.client = client


class One(Generic[P, T]):
    """A method that sends an operation's request."""

    def __init__(self, operation: Callable[P, Call[T]]) -> None:
        self.operation = operation

    @overload
    def __get__(self, subject: None, owner: type) -> Self: ...

    @overload
    def __get__(self, subject: Subject[Blocking], owner: type) -> Callable[P, T]: ...

    @overload
    def __get__(
        self, subject: Subject[Asynchronous], owner: type
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, subject: Subject[Any] | None, owner: type) -> Any:
        """Return the method of a client."""
        if subject is None:
            return self
        client, operation = subject.client, self.operation

        @wraps(operation)
        def send(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.do(operation(*args, **kwargs))

        return send


class Every(Generic[P, T]):
    """A method that goes through an operation's list, a page at a time."""

    def __init__(self, operation: Callable[P, Call[PageOf[T]]]) -> None:
        self.operation = operation

    @overload
    def __get__(self, subject: None, owner: type) -> Self: ...

    @overload
    def __get__(self, subject: Subject[Blocking], owner: type) -> Callable[P, Iterator[T]]: ...

    @overload
    def __get__(
        self, subject: Subject[Asynchronous], owner: type
    ) -> Callable[P, AsyncIterator[T]]: ...

    def __get__(self, subject: Subject[Any] | None, owner: type) -> Any:
        """Return the method of a client."""
        if subject is None:
            return self
        client, operation = subject.client, self.operation

        @wraps(operation)
        def go_through(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.every(operation(*args, **kwargs))

        return go_through


class Configurations(Subject[W]):
    """Configurations of sites."""

    show = One(configurations.show)
    save = One(configurations.save)
    check = One(configurations.check)
    versions = Every(configurations.versions)
    version = One(configurations.version)
    differences = One(configurations.differences)
    state = One(configurations.state)
    publications = Every(configurations.publications)
    publish = One(configurations.publish)


class Commands(Subject[W]):
    """Orders to sites."""

    arm = One(commands.arm)
    sent = Every(commands.sent)
    show = One(commands.show)
    receipts = Every(commands.receipts)


class Live(Subject[W]):
    """Live view; the clients' ``watch`` follows it."""

    show = One(live.show)
    answer = One(live.answer)
    picture = One(live.picture)


class Models(Subject[W]):
    """Models at sites."""

    at_sites = Every(models.at_sites)
    rollouts = Every(models.rollouts)
    upload = One(models.upload)
    publish = One(models.publish)
    withdraw = One(models.withdraw)


class Tracks(Subject[W]):
    """Finished tracks."""

    search = Every(tracks.search)
    show = One(tracks.show)


class Notifications(Subject[W]):
    """Notifications."""

    targets = Every(notifications.targets)
    target = One(notifications.target)
    make_target = One(notifications.make_target)
    change_target = One(notifications.change_target)
    remove_target = One(notifications.remove_target)
    send_test = One(notifications.send_test)
    routes = Every(notifications.routes)
    route = One(notifications.route)
    make_route = One(notifications.make_route)
    change_route = One(notifications.change_route)
    remove_route = One(notifications.remove_route)
    escalations = Every(notifications.escalations)
    escalation = One(notifications.escalation)
    make_escalation = One(notifications.make_escalation)
    change_escalation = One(notifications.change_escalation)
    remove_escalation = One(notifications.remove_escalation)
    mutes = Every(notifications.mutes)
    mute = One(notifications.mute)
    unmute = One(notifications.unmute)
    deliveries = Every(notifications.deliveries)
    delivery = One(notifications.delivery)
    replay = One(notifications.replay)
    drop = One(notifications.drop)
    dead_letters = Every(notifications.dead_letters)
    replay_all = One(notifications.replay_all)
    drop_all = One(notifications.drop_all)


class Keeping(Subject[W]):
    """Retention, legal hold, erasure, and the audit trail."""

    retention = One(keeping.retention)
    set_retention = One(keeping.set_retention)
    holds = Every(keeping.holds)
    hold = One(keeping.hold)
    release = One(keeping.release)
    erasures = Every(keeping.erasures)
    erasure = One(keeping.erasure)
    erase = One(keeping.erase)
    audit = Every(keeping.audit)


class People(Subject[W]):
    """The organisation, its members, invitations and keys."""

    asker = One(people.asker)
    organisation = One(people.organisation)
    rename_organisation = One(people.rename_organisation)
    users = Every(people.users)
    user = One(people.user)
    change_user = One(people.change_user)
    remove_user = One(people.remove_user)
    invitations = One(people.invitations)
    invite = One(people.invite)
    withdraw_invitation = One(people.withdraw_invitation)
    keys = One(people.keys)
    revoke_key = One(people.revoke_key)


class Subjects(Generic[W]):
    """The subjects of a client."""

    def __init__(self, client: Client) -> None:
        self.configurations: Configurations[W] = Configurations(client)
        self.commands: Commands[W] = Commands(client)
        self.live: Live[W] = Live(client)
        self.models: Models[W] = Models(client)
        self.tracks: Tracks[W] = Tracks(client)
        self.notifications: Notifications[W] = Notifications(client)
        self.keeping: Keeping[W] = Keeping(client)
        self.people: People[W] = People(client)
