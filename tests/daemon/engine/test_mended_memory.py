"""The shipped system in memory, where it breaks its own protocol."""

from __future__ import annotations

import pytest

from kibcase_connectors.actions import SetStatus
from kibcase_connectors.errors import Refused
from kibcase_connectors.memory import STEPWISE, TICKET_MAP, MemoryConnector, MemorySystem


@pytest.mark.parametrize("status", ["Blocked", "No such status"])
def test_a_status_without_a_meaning_or_a_way_out_is_refused(status: str) -> None:
    """``edit`` says that a person may set any status; the connector may raise nothing but connector errors."""
    system = MemorySystem("ticket", mapping=TICKET_MAP, workflow={**STEPWISE, "Blocked": ()}, first="To Do")
    ticket = system.add()
    system.edit(ticket.key, status=status)
    connector = MemoryConnector(system)
    action = SetStatus(key=ticket.key, version=connector.read(ticket.key).version, status="closed")
    with pytest.raises(Refused):
        connector.apply(action, lambda _: None)


def test_a_way_may_lead_through_a_status_that_means_nothing() -> None:
    workflow = {"To Do": ("Blocked",), "Blocked": ("Done",), "Done": ()}
    system = MemorySystem("ticket", mapping=TICKET_MAP, workflow=workflow, first="To Do")
    ticket = system.add()
    connector = MemoryConnector(system)
    action = SetStatus(key=ticket.key, version=connector.read(ticket.key).version, status="closed")
    assert connector.apply(action, lambda _: None).stored == {"status": "Done"}
