"""What a basic licence lacks."""

from __future__ import annotations

from typing import Any

STACKS = ("8.17-basic", "8.19-basic", "9.2-trial", "9.5-basic")


def test_assignees(kibana: Any, tag: str) -> None:
    status = 200 if kibana.platinum else 403
    made = kibana.send("POST", "/api/cases", json=kibana.body(assignees=[{"uid": "u_1"}], tags=[tag]))
    assert made.status_code == status
    case = kibana.create()
    entry = kibana.entry(case, assignees=[{"uid": "u_1"}])
    assert kibana.send("PATCH", "/api/cases", json={"cases": [entry]}).status_code == status
    found = kibana.send("GET", "/api/cases/_find", params={"assignees": "u_1", "tags": tag})
    assert found.status_code == status
    if kibana.platinum:
        assert [one["id"] for one in found.json()["cases"]] == [made.json()["id"]]
        nobody = kibana.find(assignees="none", tags=tag)
        assert nobody["total"] == 0
    else:
        assert "Platinum" in found.json()["message"]


def test_observables(kibana: Any) -> None:
    kibana.needs(8, 18)
    case = kibana.create()
    body = {"observable": {"typeKey": "observable-type-ipv4", "value": "192.0.2.1", "description": None}}
    response = kibana.send("POST", f"/internal/cases/{case['id']}/observables", json=body)
    assert response.status_code == (200 if kibana.platinum else 403)


def test_similar_cases(kibana: Any) -> None:
    kibana.needs(8, 18)
    case = kibana.create()
    response = kibana.send("POST", f"/internal/cases/{case['id']}/_similar", json={"page": 1, "perPage": 10})
    assert response.status_code == (200 if kibana.platinum else 403)


def test_comments_and_fields_are_for_everybody(kibana: Any) -> None:
    case = kibana.create(severity="high", category="Kind", tags=["a"])
    assert kibana.comment(case)["totalComment"] == 1
