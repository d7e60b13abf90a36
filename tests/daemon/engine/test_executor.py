"""One action: the intent is on disk before the request, and what stays there for each way to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kibcase_connectors.actions import AddComment, Create, SetFields, SetStatus
from kibcase_connectors.api import Connector
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.memory import CASE_MAP, STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem, Thing
from kibcase_connectors.model import Comment, Side
from kibcase_daemon.executor import Executor
from kibcase_daemon.store.api import AuditEntry, Link, LinkState
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.advance import Intent
from kibcase_daemon.sync.types import Both, CommentChange, FieldChange, Planned, Verdict

MAPS = Both(case=CASE_MAP, ticket=TICKET_MAP)
SIDE = Side.TICKET


class Bench:
    """A ticket, a link to it, and an executor whose clock moves with every request."""

    def __init__(self) -> None:
        self.time = 100.0
        self.tickets = MemorySystem("ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do")
        self.ticket = self.tickets.add(title="Beacon")
        self.store = SqliteStore()
        keys: Both[str | None] = Both(case="case-1", ticket=self.ticket.key)
        self.link = self.store.add_link(
            Link(id="l", rule="r", keys=keys, labels=Both(case="C", ticket="T"), state=LinkState.ACTIVE)
        )

    def run(self, planned: Planned) -> tuple[Link, list[AuditEntry]]:
        executor = Executor(self.store, clock=lambda: self.time)
        tickets = MemoryConnector(self.tickets)
        both: Both[Connector] = Both(case=tickets, ticket=tickets)
        return executor.run(self.link, planned, both, MAPS)

    def fields(self, title: str = "new", verdict: Verdict = Verdict.CARRY) -> Planned:
        change = FieldChange(
            field="title", verdict=verdict, why="changed on the case", to=SIDE, value=title,
            old=self.ticket.fields["title"], by="Ada",
        )
        action = SetFields(key=self.ticket.key, version=str(self.ticket.version), fields={"title": title})
        return Planned(id="l/fields", side=SIDE, action=action, changes=(change,), sources={"title": title})

    def status(self, status: str = "closed") -> Planned:
        change = FieldChange(
            field="status", verdict=Verdict.CARRY, why="changed on the case", to=SIDE, value=status, old="To Do"
        )
        action = SetStatus(key=self.ticket.key, version=str(self.ticket.version), status=status)
        return Planned(id="l/status", side=SIDE, action=action, changes=(change,), sources={"status": status})

    def comment(self, *, mirror: Comment | None = None, lost: str | None = None) -> Planned:
        told = CommentChange(
            to=SIDE, key="c1", digest="d", author="Ada", body="said", mirror=mirror.key if mirror else None, lost=lost
        )
        action = AddComment(key=self.ticket.key, mark="kibcase-case-1#c1", body="said")
        return Planned(id="l/comment/c1", side=SIDE, action=action, comment=told)

    def intents(self) -> list[Intent]:
        return self.store.intents("l")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_intent_is_in_the_journal_when_the_request_is_sent(bench: Bench) -> None:
    seen: list[Intent] = []
    bench.tickets.on_write = lambda _: seen.extend(bench.intents())
    bench.run(bench.fields())
    assert seen == [
        Intent(
            id="l/fields", link="l", side=SIDE, kind="fields", sent_at=100.0, attempts=1, sources={"title": "new"},
            announced={"title": ["new"]},
        )
    ]
    assert bench.intents() == []


def test_no_transaction_is_open_during_the_request(bench: Bench) -> None:
    """Another part of the daemon may use the store meanwhile."""
    bench.tickets.on_write = lambda _: bench.store.note("meanwhile", {"at": 1})
    bench.run(bench.fields())
    assert bench.store.noted("meanwhile") == {"at": 1}


def test_the_time_is_renewed_before_each_request_of_an_action(bench: Bench) -> None:
    seen: list[tuple[float, int, object]] = []

    def look(_: str) -> None:
        (intent,) = bench.intents()
        seen.append((intent.sent_at, intent.attempts, dict(intent.announced)))
        bench.time += 10.0

    bench.tickets.on_write = look
    bench.run(bench.status())
    assert seen == [
        (100.0, 1, {"status": ["In Progress"]}),
        (110.0, 2, {"status": ["In Progress", "In Review"]}),
        (120.0, 3, {"status": ["In Progress", "In Review", "Done"]}),
    ]


def test_receipt_base_and_audit_are_kept_together(bench: Bench) -> None:
    link, entries = bench.run(bench.fields("  a title that is far too long for a ticket in here  "))
    stored = bench.ticket.fields["title"]
    assert bench.store.links("r") == [link]
    assert link.base.agreed("title") == Both(
        case="  a title that is far too long for a ticket in here  ", ticket=stored
    )
    assert bench.store.audit() == entries
    (entry,) = entries
    assert (entry.kind, entry.side, entry.field, entry.old, entry.new, entry.by) == (
        "field", "ticket", "title", "Beacon", stored, "Ada"
    )


def test_the_losing_value_is_in_the_audit_before_it_is_overwritten(bench: Bench) -> None:
    bench.tickets.edit(bench.ticket.key, title="a person's")
    kept: list[tuple[str, str]] = []
    bench.tickets.on_write = lambda _: kept.extend((one.kind, one.old) for one in bench.store.audit())
    _, told = bench.run(bench.fields(verdict=Verdict.CONFLICT))
    assert kept == [("conflict", "a person's")]
    assert [entry.kind for entry in told] == ["conflict", "field"]
    assert [entry.kind for entry in bench.store.audit()] == ["field", "conflict"]


def test_the_losing_text_of_a_mirror_likewise(bench: Bench) -> None:
    kept: list[tuple[str, str]] = []
    bench.tickets.on_write = lambda _: kept.extend((one.kind, one.old) for one in bench.store.audit())
    bench.run(bench.comment(lost="a person's words"))
    assert kept == [("conflict", "a person's words")]


def test_an_action_of_several_requests_tells_of_a_loss_once(bench: Bench) -> None:
    planned = bench.status()
    planned = replace(planned, changes=(replace(planned.changes[0], verdict=Verdict.CONFLICT),))
    bench.run(planned)
    assert [entry.kind for entry in bench.store.audit()] == ["field", "conflict"]


def raising(error: ConnectorError, *, at: int = 1) -> Callable[[str], None]:
    left = [at]

    def fail(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise error

    return fail


NOTHING_WRITTEN = [
    Refused("ticket", "no"), Unavailable("ticket", "no"), Throttled("ticket", "no"), Conflict("ticket", "no"),
    NotFound("ticket", "no"), Denied("ticket", "no"),
]


@pytest.mark.parametrize("error", NOTHING_WRITTEN, ids=lambda error: type(error).__name__)
def test_a_request_that_wrote_nothing_leaves_nothing_in_the_journal(bench: Bench, error: ConnectorError) -> None:
    bench.tickets.on_write = raising(error)
    with pytest.raises(type(error)):
        bench.run(bench.fields())
    assert bench.intents() == []
    assert bench.store.links("r") == [bench.link]


def test_a_request_of_which_nobody_knows_stays_in_the_journal(bench: Bench) -> None:
    bench.tickets.on_answer = raising(OutcomeUnknown("ticket", "no answer"))
    with pytest.raises(OutcomeUnknown):
        bench.run(bench.fields())
    assert [intent.announced for intent in bench.intents()] == [{"title": ["new"]}]
    assert bench.store.links("r") == [bench.link]


@pytest.mark.parametrize("error", NOTHING_WRITTEN, ids=lambda error: type(error).__name__)
def test_a_way_that_ends_half_way_stays_in_the_journal(bench: Bench, error: ConnectorError) -> None:
    bench.tickets.on_write = raising(error, at=3)
    with pytest.raises(type(error)):
        bench.run(bench.status())
    assert bench.ticket.fields["status"] == "In Review"
    assert [intent.announced for intent in bench.intents()] == [{"status": ["In Progress", "In Review", "Done"]}]


class Killed(BaseException):
    """The process dies here."""


def test_death_leaves_the_journal_as_it_is(bench: Bench) -> None:
    def die(_: str) -> None:
        raise Killed

    bench.tickets.on_answer = die
    with pytest.raises(Killed):
        bench.run(bench.comment())
    assert [(intent.kind, intent.mark, intent.comment, intent.digest) for intent in bench.intents()] == [
        ("add-comment", "kibcase-case-1#c1", "c1", "d")
    ]


def test_what_is_refused_before_any_request_was_never_begun(bench: Bench) -> None:
    bench.tickets.edit(bench.ticket.key, title="moved on")
    planned = bench.fields()
    bench.tickets.edit(bench.ticket.key, title="moved on again")
    with pytest.raises(Conflict):
        bench.run(planned)
    assert bench.intents() == []
    assert bench.tickets.writes == []
    assert bench.store.audit() == []


def test_a_store_that_cannot_write_the_intent_stops_the_request(bench: Bench) -> None:
    bench.store.close()
    with pytest.raises(Exception, match="state file"):
        bench.run(bench.fields())
    assert bench.tickets.writes == []
    assert bench.ticket.fields["title"] == "Beacon"


def test_a_creation_gives_the_link_its_key_and_label(bench: Bench) -> None:
    half = replace(bench.link, id="l2", keys=Both(case="case-2", ticket=None), state=LinkState.NEW)
    bench.link = bench.store.add_link(half)
    change = FieldChange(field="title", verdict=Verdict.CARRY, why="new ticket", to=SIDE, value="t", by="Ada")
    action = Create(mark="kibcase-case-2", fields={"title": "t"}, origin_label="CASE-2")
    planned = Planned(id="l2/create", side=SIDE, action=action, changes=(change,), sources={"title": "t"})
    link, (entry,) = bench.run(planned)
    made = next(thing for thing in bench.tickets.things.values() if thing is not bench.ticket)
    assert (link.keys.ticket, link.labels.ticket, link.state) == (made.key, made.key.upper(), LinkState.ACTIVE)
    assert (entry.kind, entry.new, entry.why, entry.by) == (
        "create", made.key.upper(), "CASE-2 has no ticket yet", "Ada"
    )
    assert isinstance(made, Thing)


def test_a_comment_is_told_with_its_author(bench: Bench) -> None:
    link, (entry,) = bench.run(bench.comment())
    assert (entry.kind, entry.new, entry.why, entry.by) == ("comment", "said", "new comment on the case", "Ada")
    assert [pair.mirror for pair in link.base.comments] == [bench.ticket.comments[0].key]
