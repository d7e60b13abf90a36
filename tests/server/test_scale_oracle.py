"""Filters, order, counts and totals from the indices are those of the documents."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase.server.cases.context import Caller
from kibcase.server.cases.find import SORT_COLUMNS
from kibcase.server.cases.store import SORT_RANKS, CaseStore

MARA: dict[str, Any] = {"username": "mara", "full_name": None, "email": None, "profile_uid": "u_mara"}
NOOR: dict[str, Any] = {"username": "noor", "full_name": None, "email": None}
CALLER = Caller(space="default", user=NOOR)
COUNT = 400
Docs = dict[str, dict[str, Any]]


def doc(chance: random.Random) -> dict[str, Any]:
    days = [f"2025-03-{day:02}T00:00:00.000Z" for day in range(1, 9)]
    return {
        "title": chance.choice(["Alpha", "beta", "Ärger", "alpha", "Zulu; DROP TABLE cases"]),
        "description": chance.choice(["Traffic to WKS-7", "a trafficked host", "Nothing"]),
        "owner": chance.choice(["securitySolution", "observability", "cases"]),
        "tags": chance.sample(["c2", "edr", "a'b", "", "C2"], chance.randrange(4)),
        "severity": chance.choice(["low", "medium", "high", "critical"]),
        "status": chance.choice(["open", "in-progress", "closed"]),
        "category": chance.choice([None, "phishing", "Phishing", "none"]),
        "assignees": [{"uid": uid} for uid in chance.sample(["u1", "u2", "none"], chance.randrange(3))],
        "created_at": chance.choice(days), "updated_at": chance.choice([None, *days]),
        "closed_at": chance.choice([None, *days]), "created_by": chance.choice([MARA, NOOR]),
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "customFields": [],
        "settings": {"syncAlerts": True}, "updated_by": None, "closed_by": None, "duration": None,
        "external_service": None,
    }


@pytest.fixture(scope="module")
def server() -> Iterator[CasesServer]:
    with CasesServer() as running:
        yield running


@pytest.fixture(scope="module")
def docs(server: CasesServer) -> Docs:
    """Cases that were written, changed and deleted at random; what is left, by id, in order of creation."""
    chance, store = random.Random(1), server.cases.cases.context.store
    found: Docs = {}
    for number in range(COUNT):
        name = f"case-{number}"
        found[name] = doc(chance)
        store.add_case("default", name, found[name], reserved=None)
        store.add_case("elsewhere", name, doc(chance), reserved=None)
        other = chance.choice(list(found))
        record = store.case("default", other)
        assert record is not None
        if chance.random() < 0.1:
            store.delete_cases([record.number])
            del found[other]
        else:
            new = doc(chance)
            kept = new if chance.random() < 0.5 else found[other] | {"title": new["title"], "tags": new["tags"]}
            store.put_case(record.number, kept)
            found[other] = kept
    return found


FILTERS: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
    ({}, lambda _: True),
    ({"owner": "cases"}, lambda each: each["owner"] == "cases"),
    ({"owner": ["cases", "observability"]}, lambda each: each["owner"] != "securitySolution"),
    ({"severity": ["high", "low"]}, lambda each: each["severity"] in ("high", "low")),
    ({"tags": "a'b"}, lambda each: "a'b" in each["tags"]),
    ({"tags": ["c2", ""]}, lambda each: bool({"c2", ""} & set(each["tags"]))),
    ({"assignees": "u1"}, lambda each: {"uid": "u1"} in each["assignees"]),
    ({"assignees": "none"}, lambda each: not each["assignees"]),
    ({"assignees": ["none", "u2"]}, lambda each: not each["assignees"] or {"uid": "u2"} in each["assignees"]),
    ({"category": ["phishing", "none"]}, lambda each: each["category"] in ("phishing", "none")),
    ({"reporters": "u_mara"}, lambda each: each["created_by"] == MARA),
    ({"from": "2025-03-03", "to": "2025-03-05"}, lambda each: "2025-03-03" <= each["created_at"] < "2025-03-06"),
    ({"search": "traffic"}, lambda each: "Traffic" in each["description"]),
    ({"search": "traffic*"}, lambda each: "raffic" in each["description"]),
    ({"search": "alpha ärger"}, lambda each: each["title"].lower() in ("alpha", "ärger")),
    (
        {"search": "alpha", "tags": "edr", "owner": "cases"},
        lambda each: each["title"].lower() == "alpha" and "edr" in each["tags"] and each["owner"] == "cases",
    ),
]


@pytest.mark.parametrize(("query", "holds"), FILTERS, ids=[str(query) for query, _ in FILTERS])
def test_filters_and_counts(
    server: CasesServer, docs: Docs, query: dict[str, Any], holds: Callable[[dict[str, Any]], bool]
) -> None:
    for status in (None, "open", ["closed", "in-progress", "closed"]):
        wanted = {None} if status is None else {status} if isinstance(status, str) else set(status)
        given = query if status is None else query | {"status": status}
        found = server.cases.cases.find(CALLER, given | {"perPage": 100})
        passing = {
            name: each for name, each in docs.items() if holds(each) and (status is None or each["status"] in wanted)
        }
        assert found["total"] == len(passing)
        assert {case["id"] for case in found["cases"]} <= passing.keys()
        assert len(found["cases"]) == min(100, len(passing))
        if "search" not in query:
            for name, key in (("open", "count_open_cases"), ("closed", "count_closed_cases")):
                assert found[key] == sum(holds(each) and each["status"] == name for each in docs.values())


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", SORT_COLUMNS)
def test_order_and_pages(server: CasesServer, docs: Docs, field: str, order: str) -> None:
    column = SORT_COLUMNS[field]
    ranks: dict[str, Any] = SORT_RANKS.get(column, {})

    def key(name: str) -> Any:
        value = docs[name][column]
        return ranks.get(value, value)

    # Without a value comes last either way; the order of creation decides between equals.
    present = [name for name in docs if key(name) is not None]
    absent = [name for name in docs if key(name) is None]
    expected = [*sorted(present, key=lambda name: _bytes(key(name)), reverse=order == "desc"), *absent]
    if order == "desc":
        expected = [*_stable_desc(present, key), *absent]
    for query in ({}, {"search": "traffic* nothing"}):
        pages = [
            server.cases.cases.find(
                CALLER, query | {"sortField": field, "sortOrder": order, "perPage": 30, "page": page}
            )["cases"]
            for page in range(1, COUNT // 30 + 2)
        ]
        assert [case["id"] for page in pages for case in page] == expected


def _bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _stable_desc(names: list[str], key: Callable[[str], Any]) -> list[str]:
    values = sorted({_bytes(key(name)) for name in names}, reverse=True)
    return [name for value in values for name in names if _bytes(key(name)) == value]


def test_lists(server: CasesServer, docs: Docs) -> None:
    assert server.cases.cases.tags(CALLER, {}) == sorted({tag for each in docs.values() for tag in each["tags"]})
    some = {tag for each in docs.values() if each["owner"] == "cases" for tag in each["tags"]}
    assert server.cases.cases.tags(CALLER, {"owner": "cases"}) == sorted(some)
    assert server.cases.cases.categories(CALLER, {}) == ["Phishing", "none", "phishing"]


def test_totals_follow_the_attachments(server: CasesServer) -> None:
    store: CaseStore = server.cases.cases.context.store
    case = store.add_case("totals", "one", doc(random.Random(2)), reserved=None)

    def totals() -> tuple[int, int, int]:
        record = store.case("totals", "one")
        assert record is not None
        return record.comments, record.alerts, record.events

    def attach(name: str, kind: str, *documents: str) -> Any:
        return store.add_attachment(
            "totals", case.number, name, {"type": kind, "created_at": "2025"}, [(each, "i") for each in documents]
        )

    comment = attach("c1", "user")
    one, other = attach("a1", "alert", "x", "y", "x"), attach("a2", "alert", "y", "z")
    event = attach("e1", "event", "x", "x")
    attach("f1", "externalReference")
    assert totals() == (1, 3, 2)
    store.put_attachment(one, one.doc, [("y", "i")])
    assert totals() == (1, 2, 2)
    store.delete_attachments([other.number])
    assert totals() == (1, 1, 2)
    store.put_attachment(event, event.doc, [])
    store.put_attachment(comment, comment.doc | {"type": "actions"}, [])
    assert totals() == (0, 1, 0)
    store.put_attachment(comment, comment.doc, [])
    store.delete_attachments([one.number, event.number])
    assert totals() == (1, 0, 0)
    store.delete_cases([case.number])
    with store.transaction() as db:
        assert db.execute("SELECT count(*) FROM attachments WHERE space = 'totals'").fetchone()[0] == 0
