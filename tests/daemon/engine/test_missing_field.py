"""A system that lacks a field takes part with the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem
from kibcase_connectors.model import FIELDS, Snapshot
from kibcase_daemon.engine import Engine
from kibcase_daemon.look import LinkRule
from kibcase_daemon.store.sqlite import SqliteStore
from kibcase_daemon.sync.types import Both, FieldRule, Rules


@pytest.mark.parametrize("lacking", ["severity", "description"])
def test_a_copy_is_made_without_the_field(lacking: str) -> None:
    cases = MemorySystem("case")
    tickets = MemorySystem("ticket", mapping=TICKET_MAP, workflow=STEPWISE, first="To Do")
    cases.add(title="Beacon", severity="high", description="x")
    rule = LinkRule(
        name="r", rules=Rules(fields={name: FieldRule() for name in FIELDS}), creates=Both(case=False, ticket=True),
        connectors=Both(case=MemoryConnector(cases), ticket=Lacking(tickets, lacking)),
    )
    report = Engine(rule, SqliteStore(), clock=lambda: 1.0).cycle()
    assert (report.error, report.troubled) == ("", ())
    (ticket,) = tickets.things.values()
    assert ticket.fields["title"] == "Beacon"


class Lacking(MemoryConnector):
    """A connector without one of the fields."""

    def __init__(self, system: MemorySystem, lacking: str) -> None:
        super().__init__(system)
        self._lacking = lacking

    @property
    def mapping(self) -> FieldMap:
        return FieldMap({name: codec for name, codec in TICKET_MAP.codecs.items() if name != self._lacking})

    def read(self, key: str) -> Snapshot:
        found = super().read(key)
        return replace(found, fields={name: v for name, v in found.fields.items() if name != self._lacking})
