"""Observables of cases, and cases that are similar by them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

IPV4 = "observable-type-ipv4"
DOMAIN = "observable-type-domain"


@pytest.fixture(autouse=True)
def licensed(kibana: Any) -> None:
    kibana.needs(8, 18)
    kibana.needs_platinum()


@pytest.fixture
def case(kibana: Any) -> Any:
    return kibana.create()


@pytest.fixture
def path(case: Any) -> str:
    return f"/internal/cases/{case['id']}/observables"


def observable(value: str, kind: str = IPV4, description: str | None = None) -> dict[str, Any]:
    return {"observable": {"typeKey": kind, "value": value, "description": description}}


def test_an_observable_is_added(kibana: Any, case: Any, path: str) -> None:
    whole = kibana.ok("POST", path, observable("192.0.2.1", description="seen"))
    (added,) = whole["observables"]
    assert (added["typeKey"], added["value"], added["description"]) == (IPV4, "192.0.2.1", "seen")
    assert added["createdAt"]
    assert kibana.read(case)["observables"] == [added]


def test_the_case_is_not_updated_but_its_version_moves(kibana: Any, case: Any, path: str) -> None:
    whole = kibana.ok("POST", path, observable("192.0.2.1"))
    assert whole["updated_at"] is None
    assert whole["version"] != case["version"]


def test_an_observable_is_changed(kibana: Any, path: str) -> None:
    (added,) = kibana.ok("POST", path, observable("192.0.2.1"))["observables"]
    whole = kibana.ok("PATCH", f"{path}/{added['id']}", {"observable": {"value": "192.0.2.2", "description": "d"}})
    (changed,) = whole["observables"]
    assert (changed["id"], changed["value"], changed["description"]) == (added["id"], "192.0.2.2", "d")


def test_an_observable_is_deleted(kibana: Any, case: Any, path: str) -> None:
    (added,) = kibana.ok("POST", path, observable("192.0.2.1"))["observables"]
    kibana.gone(f"{path}/{added['id']}")
    assert kibana.read(case)["observables"] == []


def test_an_observable_is_there_once(kibana: Any, path: str) -> None:
    kibana.ok("POST", path, observable("192.0.2.1"))
    assert "duplicated" in kibana.refused(400, "POST", path, observable("192.0.2.1"))


@pytest.mark.parametrize(
    "body",
    [
        observable("192.0.2.1", "observable-type-song"), observable("not an address"), observable(""),
        {"observable": {"typeKey": IPV4, "value": "192.0.2.1"}}, {"observable": {}}, {},
    ],
    ids=["type", "value", "empty", "description", "nothing", "no observable"],
)
def test_what_is_no_observable(kibana: Any, case: Any, path: str, body: Any) -> None:
    kibana.refused(400, "POST", path, body)
    assert kibana.read(case)["observables"] == []


def test_what_is_missing_is_a_bad_request(kibana: Any, path: str) -> None:
    missing = uuid.uuid4()
    kibana.refused(400, "POST", f"/internal/cases/{missing}/observables", observable("192.0.2.1"))
    kibana.refused(400, "PATCH", f"{path}/{missing}", {"observable": {"value": "192.0.2.2", "description": None}})
    kibana.refused(400, "DELETE", f"{path}/{missing}")


def test_observables_come_in_bulk(kibana: Any, case: Any, path: str) -> None:
    kibana.needs(9, 2)
    kibana.ok("POST", path, observable("192.0.2.1"))
    many = [observable(f"192.0.2.{number}")["observable"] for number in range(1, 61)]
    whole = kibana.ok("POST", f"{path}/_bulk_create", {"caseId": case["id"], "observables": many[:3]})
    assert [one["value"] for one in whole["observables"]] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    whole = kibana.ok("POST", f"{path}/_bulk_create", {"caseId": case["id"], "observables": many[:50]})
    assert len(whole["observables"]) == 50
    assert "50" in kibana.refused(400, "POST", path, observable("198.51.100.1"))


def test_similar_cases_share_observables(kibana: Any, case: Any, path: str) -> None:
    value = f"{uuid.uuid4().hex}.example"
    other, foreign = kibana.create(title="Similar"), kibana.create(owner="observability")
    for one in (case, other, foreign):
        kibana.ok("POST", f"/internal/cases/{one['id']}/observables", observable(value, DOMAIN))
    kibana.ok("POST", path, observable("192.0.2.77"))

    def check() -> None:
        found = kibana.ok("POST", f"/internal/cases/{case['id']}/_similar", {"page": 1, "perPage": 10})
        assert [one["id"] for one in found["cases"]] == [other["id"]]
        (shared,) = found["cases"][0]["similarities"]["observables"]
        assert (shared["typeKey"], shared["value"]) == (DOMAIN, value)
        assert (found["page"], found["per_page"], found["total"]) == (1, 10, 1)

    kibana.until(check)


def test_the_activity_counts_them(kibana: Any, case: Any, path: str) -> None:
    kibana.ok("POST", path, observable("192.0.2.1"))

    def check() -> None:
        (entry,) = [one for one in kibana.actions(case) if one["type"] == "observables"]
        assert entry["payload"] == {"observables": {"count": 1, "actionType": "add"}}

    kibana.until(check)
