"""What a preview shows of a new pair is what the sync then does."""

from __future__ import annotations

from kibcase_connectors.memory import STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem
from kibcase_connectors.model import FIELDS
from kibcase_daemon.engine import Engine
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, FieldRule, Rules


def test_the_preview_of_a_creation_shows_all_that_follows() -> None:
    cases = MemorySystem("case")
    tickets = MemorySystem("ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do")
    case = cases.add(title="Beacon", severity="critical", tags=["needs review"], status="closed")
    cases.comment(case.key, "first")
    cases.comment(case.key, "second")
    rule = LinkRule(
        name="r", rules=Rules(fields={name: FieldRule() for name in FIELDS}),
        connectors=Both(case=MemoryConnector(cases), ticket=MemoryConnector(tickets)),
        creates=Both(case=False, ticket=True),
    )
    store = SqliteStore()
    engine = Engine(rule, store, clock=lambda: 1000.0)
    (preview,) = engine.preview()
    plan = preview.plan
    foreseen = [type(planned.action).__name__ for planned in (*plan.actions, *plan.afterwards)]
    assert sorted(foreseen) == ["AddComment", "AddComment", "Create", "LinkBack", "SetStatus"]
    assert (tickets.writes, cases.writes, tickets.things) == ([], [], {})
    engine.cycle()
    done = {"create": "Create", "link": "LinkBack", "add-comment": "AddComment", "set-status": "SetStatus"}
    assert {done[name] for name in tickets.writes} == set(foreseen)
    assert tickets.writes.count("add-comment") == 2
    assert cases.writes == []
    store.close()
