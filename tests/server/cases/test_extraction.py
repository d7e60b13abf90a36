"""Observables that come out of attached alerts and events by themselves."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from kibcase.server.cases.extraction import DESCRIPTION, extract_from_documents
from kibcase.server.cases.extraction_default import default_extract

SOURCE = {
    "source": {"ip": ["10.0.0.1", "2001:db8::1"]},
    "destination.ip": "10.0.0.2",
    "host": {"name": "ws-01", "ip": "10.0.0.3", "hostname": "ws-01.corp"},
    "file": {"path": "C:\\Temp\\x.exe", "hash": {"md5": "aa", "imphash": "bb"}},
    "process.hash.sha256": "cc",
    "process.parent.hash.sha256": "dd",
    "dns.question.name": "evil.example",
    "agent.id": "agent-1",
    "url.full": "https://evil.example/",
}


@pytest.fixture
def newest(connect: Any) -> Any:
    return connect(stack_version="9.5.0")


def put(kibana: Any, index: str, identifier: str, source: dict[str, Any]) -> None:
    url = f"{kibana.server.elasticsearch_url}/{index}/_doc/{identifier}"
    assert requests.put(url, json=source, auth=kibana.session.auth, timeout=10).status_code == 201


def alert(kibana: Any, make_alert: Any, identifier: str, source: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = make_alert(identifier)
    put(kibana, body["index"][0], identifier, {"kibana.alert.workflow_status": "open", **source})
    return body


def values(kibana: Any, case: dict[str, Any]) -> list[str]:
    return [item["value"] for item in kibana.get(f"/api/cases/{case['id']}")["observables"]]


def test_which_fields_are_read() -> None:
    items = extract_from_documents([SOURCE])
    found = [(item["typeKey"].removeprefix("observable-type-"), item["value"]) for item in items]
    assert sorted(found) == sorted(
        [
            ("ipv4", "10.0.0.1"), ("ipv6", "2001:db8::1"), ("ipv4", "10.0.0.2"), ("hostname", "ws-01"),
            ("file-path", "C:\\Temp\\x.exe"), ("file-hash", "aa"), ("file-hash", "cc"), ("domain", "evil.example"),
            ("agent-id", "agent-1"),
        ]
    )
    assert {item["description"] for item in items} == {DESCRIPTION}


@pytest.mark.parametrize(
    "source",
    [
        {}, {"host.name": ""}, {"source": [{"ip": "10.0.0.1"}]}, {"source.ip": None}, {"source.ip": 5},
        {"source": "10.0.0.1"},
    ],
)
def test_what_is_not_read(source: dict[str, Any]) -> None:
    assert extract_from_documents([source]) == []


def test_nothing_is_found_twice() -> None:
    assert len(extract_from_documents([SOURCE, SOURCE, {"source.ip": "10.0.0.2"}])) == 9


def test_attaching_an_alert_extracts(newest: Any, make_alert: Any) -> None:
    case = newest.create()
    whole = newest.attach(case, alert(newest, make_alert, "a1", SOURCE))
    assert (len(whole["observables"]), whole["total_observables"]) == (9, 9)
    actions = newest.actions(case)
    assert [action["type"] for action in actions] == ["create_case", "comment", "observables"]
    assert actions[-1]["payload"] == {"observables": {"count": 9, "actionType": "add"}}
    newest.attach(whole, alert(newest, make_alert, "a2", {"source.ip": "10.0.0.1"}))
    assert len(newest.actions(case, types="observables")) == 1


def test_attaching_an_event_extracts(newest: Any) -> None:
    case = newest.create()
    put(newest, "logs-endpoint", "e1", {"source.ip": "10.0.0.1"})
    body = {"type": "event", "eventId": "e1", "index": "logs-endpoint", "owner": case["owner"]}
    newest.attach(case, body)
    assert values(newest, case) == ["10.0.0.1"]


def test_attaching_many_extracts(newest: Any, make_alert: Any) -> None:
    case = newest.create()
    bodies = [alert(newest, make_alert, f"a{n}", {"source.ip": f"10.0.0.{n}"}) for n in range(2)]
    answer = newest.send("POST", f"/internal/cases/{case['id']}/attachments/_bulk_create", json=bodies)
    assert answer.status_code == 200, answer.text
    assert values(newest, case) == ["10.0.0.0", "10.0.0.1"]


def test_no_more_than_fifty_and_no_error(newest: Any, make_alert: Any) -> None:
    case = newest.create()
    newest.attach(case, alert(newest, make_alert, "a1", {"source.ip": [f"10.0.0.{n}" for n in range(60)]}))
    newest.attach(case, alert(newest, make_alert, "a2", {"source.ip": "10.9.9.9"}))
    assert values(newest, case) == [f"10.0.0.{n}" for n in range(50)]


def test_a_missing_alert_is_passed_over(newest: Any, make_alert: Any) -> None:
    case = newest.create()
    newest.attach(case, make_alert("ghost"))
    assert values(newest, case) == []


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"stack_version": "9.5.0"}, {"syncAlerts": True, "extractObservables": False}),
        ({"stack_version": "9.5.0", "license": "basic"}, {"syncAlerts": True, "extractObservables": True}),
        ({"stack_version": "9.4.2"}, {"syncAlerts": True, "extractObservables": True}),
    ],
)
def test_when_nothing_is_extracted(connect: Any, make_alert: Any, options: Any, settings: Any) -> None:
    kibana = connect(**options)
    case = kibana.create(settings=settings)
    kibana.attach(case, alert(kibana, make_alert, "a1", SOURCE))
    assert values(kibana, case) == []


def test_extraction_since_a_patch_release(connect: Any, make_alert: Any) -> None:
    kibana = connect(stack_version="9.4.3")
    case = kibana.create()
    kibana.attach(case, alert(kibana, make_alert, "a1", {"agent.id": "x"}))
    assert values(kibana, case) == ["x"]


@pytest.mark.parametrize(
    ("owner", "configured", "chosen"),
    [
        ("securitySolution", None, True), ("cases", None, False), ("observability", None, False),
        ("securitySolution", False, False), ("observability", True, True),
    ],
)
def test_the_default(owner: str, configured: bool | None, chosen: bool) -> None:
    assert default_extract(owner, configured=configured) is chosen
