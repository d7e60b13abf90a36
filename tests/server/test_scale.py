"""What requests cost does not grow with what they do not ask for.

Cost is counted in instructions of SQLite's virtual machine: the same on every machine, however busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.cases.context import Caller
from kibcase.server.cases.find import SORT_COLUMNS
from kibcase.server.datemath import stamp

USER: dict[str, Any] = {"username": "elastic", "full_name": None, "email": None}
CALLER = Caller(space="default", user=USER)
FEW, MANY = 1000, 12_000
START = datetime(2025, 1, 1, tzinfo=UTC)
_GRAIN = 10


@dataclass(slots=True)
class Meter:
    """Instructions so far, to ten."""

    steps: int = 0


@contextmanager
def metered(server: CasesServer) -> Iterator[Meter]:
    meter = Meter()

    def tick() -> int:
        meter.steps += _GRAIN
        return 0

    with server._database.transaction() as db:
        db.set_progress_handler(tick, _GRAIN)
        yield meter
        db.set_progress_handler(None, 0)


def cost(server: CasesServer, run: Callable[[], object]) -> int:
    with metered(server) as meter:
        run()
    return meter.steps


def doc(number: int) -> dict[str, Any]:
    at = stamp(START + timedelta(minutes=number))
    status = ("open", "in-progress", "closed")[number % 3]
    return {
        "title": f"Case {number * 7919 % MANY}", "description": "Traffic every 60 s. " * 5,
        "owner": ("securitySolution", "observability")[number % 2], "tags": ["c2", f"tag-{number % 500}"],
        "severity": ("low", "medium", "high", "critical")[number % 4], "category": (None, "a", "b")[number % 3],
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "customFields": [],
        "settings": {"syncAlerts": True}, "assignees": [{"uid": f"u{number % 100}"}] if number % 5 else [],
        "status": status, "created_at": at, "created_by": USER, "updated_at": at if number % 2 else None,
        "updated_by": None, "closed_at": at if status == "closed" else None, "closed_by": None, "duration": None,
        "external_service": None,
    }


def filled(count: int) -> CasesServer:
    server = CasesServer()
    store = server.cases.cases.context.store
    with store.transaction():
        for number in range(count):
            store.add_case("default", f"case-{number}", doc(number), reserved=None)
    return server


@pytest.fixture(scope="module")
def few() -> Iterator[CasesServer]:
    with filled(FEW) as server:
        yield server


@pytest.fixture(scope="module")
def many() -> Iterator[CasesServer]:
    with filled(MANY) as server:
        yield server


def find(server: CasesServer, **query: Any) -> dict[str, Any]:
    return server.cases.cases.find(CALLER, query)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", SORT_COLUMNS)
def test_the_last_page_of_the_window_costs_little_more_than_the_first(
    many: CasesServer, field: str, order: str
) -> None:
    first = cost(many, lambda: find(many, sortField=field, sortOrder=order, perPage=100))
    last = cost(many, lambda: find(many, sortField=field, sortOrder=order, perPage=100, page=100))
    # Those with many equals among them are put in order as well as passed over.
    allowed = 25 if field in ("createdAt", "title") else 40
    assert 0 < last - first < allowed * 9900


@pytest.mark.parametrize("field", ["createdAt", "updatedAt", "title"])
def test_a_page_takes_no_look_at_other_documents(few: CasesServer, many: CasesServer, field: str) -> None:
    costs = [
        cost(server, lambda: find(server, sortField=field, sortOrder="desc", perPage=20))  # noqa: B023
        for server in (few, many)
    ]
    # The three counts go through an index with one entry per case.
    assert costs[1] - costs[0] < 20 * (MANY - FEW)


def test_a_rare_tag_is_not_looked_for_in_documents(few: CasesServer, many: CasesServer) -> None:
    for query in ({"tags": "tag-7"}, {"assignees": "u7"}):
        found = find(many, **query, perPage=100)
        assert 0 < found["total"] < 200
        assert cost(many, lambda: find(many, **query, perPage=20)) < 60 * MANY  # noqa: B023
    with many._database.transaction() as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT number FROM cases WHERE space = 'default' AND number IN "
            "(SELECT case_number FROM case_values WHERE kind = 'tag' AND value IN ('tag-7'))"
        ).fetchall()
    assert not any(row["detail"].startswith("SCAN cases") for row in plan)


def comment(server: CasesServer, text: str) -> object:
    body = {"type": "user", "comment": text, "owner": "securitySolution"}
    return server.cases.unified_attachments.attachments.add(CALLER, "case-0", [_decoded(server, body)])


def _decoded(server: CasesServer, body: dict[str, Any]) -> Any:
    from kibcase.server.cases.attachments import decode_attachment

    return decode_attachment(body, server.cases.stack)


def test_a_comment_costs_the_same_however_many_there_are() -> None:
    with filled(1) as server:
        store = server.cases.cases.context.store
        case = store.case("default", "case-0")
        assert case is not None
        comment(server, "first")
        before = cost(server, lambda: comment(server, "second"))
        with store.transaction():
            for number in range(4000):
                body = {"type": "user", "comment": "more", "owner": "securitySolution", "created_at": "2025"}
                store.add_attachment("default", case.number, f"a{number}", body, [])
        after = cost(server, lambda: comment(server, "last"))
        assert after < before + 200
        shown = server.cases.cases.get(CALLER, "case-0")
        assert shown["totalComment"] == 4003


def test_deep_pages_of_activity_and_comments_are_pages() -> None:
    with filled(1) as server:
        store = server.cases.cases.context.store
        case = store.case("default", "case-0")
        assert case is not None
        body = {"type": "user", "comment": "c", "owner": "securitySolution"}
        action = {
            "type": "comment", "action": "create", "payload": {"comment": body}, "owner": "securitySolution",
            "created_by": USER, "comment_id": "x",
        }
        with store.transaction():
            for number in range(6000):
                at = {"created_at": stamp(START + timedelta(minutes=number)), "created_by": USER}
                store.add_attachment("default", case.number, f"a{number}", body | at, [])
                store.add_user_actions(case.number, [(f"u{number}", action | at)])
        for order in ("asc", "desc"):
            query = {"perPage": 100, "sortOrder": order}
            for read in (server.cases.attachments.find, server.cases.history.find):
                first = cost(server, lambda: read(CALLER, "case-0", query))  # noqa: B023
                last = cost(server, lambda: read(CALLER, "case-0", query | {"page": 60}))  # noqa: B023
                assert last < first + 8 * 6000
