from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from kibcase import (
    Case,
    ConnectorRef,
    JiraFields,
    Kibana,
    LimitError,
    ResilientFields,
    ServiceNowSirFields,
    TheHiveFields,
    UnsupportedByStack,
)

URL = "http://kibana.test:5601"
Build = Callable[..., dict[str, Any]]


def body(remote: responses.RequestsMock, number: int = -1) -> Any:
    return json.loads(remote.calls[number].request.body or b"null")


def status(version: str) -> dict[str, Any]:
    return {"version": {"number": version}, "status": {"overall": {"level": "available"}}}


def test_templates_and_extended_fields_are_sent(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.get(f"{URL}/api/status", json=status("9.5.0"))
    answer = case_json(
        template={"id": "t1", "version": 3}, extended_fields={"risk_as_keyword": "high"},
        extended_fields_labels={"risk_as_keyword": "Risk"}, incremental_id=7, total_observables=2,
        updateSummary={"syncedAlertCount": 4}, time_to_resolve=60, in_progress_at="2024-05-01T10:00:00.000Z",
    )
    remote.post(f"{URL}/api/cases", json=answer)
    case = kibana.cases.create(
        title="t", description="d", owner="cases", template={"id": "t1"}, extended_fields={"risk_as_keyword": "high"}
    )
    assert body(remote)["template"] == {"id": "t1"}
    assert body(remote)["extended_fields"] == {"risk_as_keyword": "high"}
    assert case.template is not None
    assert (case.template.id, case.template.version, case.incremental_id) == ("t1", 3, 7)
    assert case.update_summary is not None
    assert case.update_summary.synced_alerts == 4
    assert set(case.to_api()) == set(answer)
    remote.patch(f"{URL}/api/cases", json=[case_json()])
    kibana.cases.update(case, template=None, extended_fields={"risk_as_keyword": "low"})
    assert body(remote)["cases"][0]["template"] is None


def test_an_extended_field_is_bounded_by_its_bytes(kibana: Kibana) -> None:
    with pytest.raises(LimitError, match="extended field k_as_keyword"):
        kibana.cases.create(title="t", description="d", owner="cases", extended_fields={"k_as_keyword": "é" * 15_001})


def test_an_older_stack_is_not_sent_a_template(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json=status("9.3.1"))
    with pytest.raises(UnsupportedByStack, match=r"template needs stack 9\.4\.0"):
        kibana.cases.create(title="t", description="d", owner="cases", template={"id": "t1"})


def test_connector_fields_are_typed() -> None:
    jira = ConnectorRef.of("c1", JiraFields(issue_type="10001", priority="High"), name="Jira")
    assert jira.to_api() == {
        "id": "c1", "name": "Jira", "type": ".jira",
        "fields": {"issueType": "10001", "priority": "High", "parent": None},
    }
    assert jira.typed_fields == JiraFields(issue_type="10001", priority="High")
    assert ConnectorRef.of("c", JiraFields(other_fields="{}")).fields == {
        "issueType": None, "priority": None, "parent": None, "otherFields": "{}",
    }
    sir = ConnectorRef.of("c", ServiceNowSirFields(dest_ip=True)).fields
    assert sir is not None
    assert set(sir) == {"category", "subcategory", "priority", "destIp", "sourceIp", "malwareHash", "malwareUrl"}
    assert ConnectorRef.of("c", ResilientFields(incident_types=["17"])).type == ".resilient"
    assert ConnectorRef.of("c", TheHiveFields(tlp=2)).fields == {"tlp": 2}


@pytest.mark.parametrize(
    "ref",
    [
        {"id": "x", "type": ".cases-webhook", "fields": None}, {"id": "x", "type": ".new", "fields": {"a": 1}},
        {"id": "x", "type": ".jira", "fields": {"issueType": {"of": "the future"}}}, {"id": "x", "type": ".jira"},
    ],
)
def test_connector_fields_of_other_shapes_stay_untyped(ref: dict[str, Any]) -> None:
    connector = ConnectorRef.model_validate(ref)
    assert connector.typed_fields is None
    assert connector.to_api() == ref


def test_recent_connector_fields_are_not_sent_to_an_older_stack(
    kibana: Kibana, remote: responses.RequestsMock
) -> None:
    remote.get(f"{URL}/api/status", json=status("9.0.0"))
    connector = ConnectorRef.of("c", JiraFields(other_fields="{}"))
    with pytest.raises(UnsupportedByStack, match="otherFields"):
        kibana.cases.create(title="t", description="d", owner="cases", connector=connector)


def test_resolve(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.get(f"{URL}/api/cases/old/resolve", json={
        "case": case_json(), "outcome": "aliasMatch", "alias_target_id": "c1", "alias_purpose": "savedObjectConversion",
    })
    resolved = kibana.cases.resolve("old")
    assert (resolved.case.id, resolved.outcome, resolved.alias_target_id) == ("c1", "aliasMatch", "c1")
    assert remote.calls[0].request.headers["x-elastic-internal-origin"] == "Kibana"


def test_search_sends_every_filter(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json=status("9.5.0"))
    remote.post(f"{URL}/internal/cases/_search", json={"cases": [], "total": 0})
    kibana.cases.search(
        owner="cases", page=2, per_page=5, sort_field="updatedAt", sort_order="asc", status="open", tags=["a"],
        severity=["low", "high"], search="x", search_fields=["cases.title", "cases-comments.comment"],
        search_operator="AND", created_from="now-7d", custom_fields={"k": ["a", True, None]},
        extended_fields={"Risk": "high"},
    )
    assert body(remote) == {
        "page": 2, "perPage": 5, "sortField": "updatedAt", "sortOrder": "asc", "owner": ["cases"], "status": ["open"],
        "tags": ["a"], "severity": ["low", "high"], "search": "x", "defaultSearchOperator": "AND", "from": "now-7d",
        "searchFields": ["cases.title", "cases-comments.comment"], "customFields": {"k": ["a", True, None]},
        "extendedFieldFilters": [{"label": "Risk", "value": "high"}],
    }


def test_search_refuses_what_it_does_not_know(kibana: Kibana) -> None:
    with pytest.raises(TypeError, match="not a filter: bogus"):
        kibana.cases.search(owner="cases", bogus=1)  # type: ignore[call-arg]


def test_deep_search_is_asked_about_first(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json=status("9.1.0"))
    with pytest.raises(UnsupportedByStack, match=r"cases-comments.comment needs stack 9\.3"):
        kibana.cases.search(owner="cases", search="x", search_fields="cases.observables.value")
    with pytest.raises(UnsupportedByStack, match=r"incremental_id.text needs stack 9\.2"):
        kibana.cases.find(search="7", search_fields="incremental_id.text")
    assert len(remote.calls) == 1


def test_iterating_a_search(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    for page in range(2):
        found = [case_json(id=f"c{page}{n}") for n in range(2)]
        remote.post(f"{URL}/internal/cases/_search", json={"cases": found, "total": 4})
    assert [case.id for case in kibana.cases.iter_search(owner="cases", per_page=2)] == ["c00", "c01", "c10", "c11"]
    assert body(remote)["page"] == 2


def test_counts(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/_find", json={
        "cases": [], "total": 0, "count_open_cases": 3, "count_in_progress_cases": 2, "count_closed_cases": 1,
    })
    counts = kibana.cases.counts(owner="cases", tags="a")
    assert (counts.open, counts.in_progress, counts.closed, counts.total) == (3, 2, 1, 6)
    query = dict(parse_qsl(urlsplit(str(remote.calls[0].request.url)).query))
    assert (query["perPage"], query["owner"], query["tags"]) == ("1", "cases", "a")


def test_similar(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    shared = {"typeKey": "observable-type-ipv4", "typeLabel": "IPv4", "value": "1.2.3.4"}
    remote.post(f"{URL}/internal/cases/c1/_similar", json={
        "cases": [case_json(id="c2", similarities={"observables": [shared]})], "page": 1, "per_page": 20, "total": 1,
    })
    case = next(kibana.cases.iter_similar("c1"))
    assert case.id == "c2"
    assert [each.value for each in case.similarities.observables] == ["1.2.3.4"]
    assert body(remote) == {"page": 1, "perPage": 100}


def test_set_custom_field(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.put(f"{URL}/internal/cases/c1/custom_fields/k%2F1", json={"key": "k/1", "type": "toggle", "value": True})
    case = Case.model_validate(case_json(version="v5"))
    assert kibana.cases.set_custom_field(case, "k/1", True).value is True
    assert body(remote) == {"value": True, "caseVersion": "v5"}
    with pytest.raises(LimitError):
        kibana.cases.set_custom_field(case, "k", "x" * 161)
