from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from kibcase import (
    BadRequestError,
    Case,
    CaseChange,
    CaseSettings,
    ConflictError,
    ConnectorRef,
    CustomField,
    Fate,
    InvalidAnswer,
    Kibana,
    LicenseRequired,
    LimitError,
    LostRace,
    NothingToUpdate,
    UnsupportedByStack,
)

URL = "http://kibana.test:5601"
Build = Callable[..., dict[str, Any]]


def body(remote: responses.RequestsMock, number: int = 0) -> Any:
    return json.loads(remote.calls[number].request.body or b"null")


def query(remote: responses.RequestsMock, number: int = 0) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(str(remote.calls[number].request.url)).query)


def status(version: str = "9.2.0", flavor: str = "traditional") -> dict[str, Any]:
    return {"name": "k", "version": {"number": version, "build_flavor": flavor},
            "status": {"overall": {"level": "available"}}}


def test_create_sends_what_kibana_requires_and_nothing_else(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.post(f"{URL}/api/cases", json=case_json())
    case = kibana.cases.create(title="Odd logon", description="At night", owner="cases")
    assert case.id == "c1"
    assert body(remote) == {
        "title": "Odd logon", "description": "At night", "owner": "cases", "tags": [],
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
        "settings": {"syncAlerts": True},
    }


def test_create_with_everything(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.get(f"{URL}/api/status", json=status())
    remote.post(f"{URL}/api/cases", json=case_json())
    kibana.cases.create(
        title="t", description="d", owner="cases", tags=("a", "b"), severity="high", assignees=["u_1"],
        category="c", sync_alerts=False, extract_observables=True,
        connector=ConnectorRef(id="j", name="Jira", type=".jira"),
        custom_fields=[CustomField(key="k", type="text", value="v")],
    )
    assert body(remote, 1) == {
        "title": "t", "description": "d", "owner": "cases", "tags": ["a", "b"], "severity": "high",
        "assignees": [{"uid": "u_1"}], "category": "c",
        "connector": {"id": "j", "name": "Jira", "type": ".jira", "fields": None},
        "settings": {"syncAlerts": False, "extractObservables": True},
        "customFields": [{"key": "k", "type": "text", "value": "v"}],
    }


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"title": "x" * 161}, "length of the title"),
        ({"title": "\U0001f600" * 81}, "length of the title"),
        ({"description": "x" * 30_001}, "length of the description"),
        ({"category": "x" * 51}, "length of the category"),
        ({"tags": ["x" * 257]}, "length of the tag"),
        ({"tags": ["x"] * 201}, "number of tags"),
        ({"assignees": ["u"] * 11}, "number of assignees"),
        ({"custom_fields": [{"key": "k", "type": "text", "value": "x" * 161}]}, "length of the custom field value"),
        ({"custom_fields": [{"key": "k", "type": "toggle", "value": True}] * 11}, "number of customFields"),
    ],
)
def test_limits_are_checked_before_anything_is_sent(kibana: Kibana, fields: dict[str, Any], limit: str) -> None:
    with pytest.raises(LimitError, match=limit) as caught:
        kibana.cases.create(**{"title": "t", "description": "d", "owner": "cases", **fields})
    assert caught.value.limit == limit
    assert caught.value.given > caught.value.maximum


def test_white_space_around_does_not_count(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.post(f"{URL}/api/cases", json=case_json())
    kibana.cases.create(title=" " * 50 + "x" * 160, description="d", owner="cases")
    assert len(remote.calls) == 1


def test_empty_texts_and_bare_strings_for_lists_are_refused(kibana: Kibana) -> None:
    with pytest.raises(ValueError, match="title cannot be empty"):
        kibana.cases.create(title="  ", description="d", owner="cases")
    with pytest.raises(TypeError, match="tags is a list"):
        kibana.cases.create(title="t", description="d", owner="cases", tags="a,b")


def test_a_recent_key_is_not_sent_to_an_older_stack(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json=status("8.18.3"))
    told = r"extractObservables needs stack 9\.2\.0; this Kibana is 8\.18\.3"
    for space in ("default", "soc"):
        with pytest.raises(UnsupportedByStack, match=told):
            kibana.space(space).cases.create(title="t", description="d", owner="cases", extract_observables=True)
    assert len(remote.calls) == 1


@pytest.mark.parametrize("answer", [status("9.2.0", "serverless"), {"status": {"overall": {"level": "available"}}}])
def test_a_stack_that_is_newest_or_does_not_tell_gets_the_key(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build, answer: dict[str, Any]
) -> None:
    remote.get(f"{URL}/api/status", json=answer)
    remote.patch(f"{URL}/api/cases", json=[case_json(status="closed")])
    case = Case.model_validate(case_json())
    assert kibana.cases.update(case, status="closed", close_reason="duplicate").status == "closed"
    assert body(remote, 1)["cases"][0]["closeReason"] == "duplicate"


def test_a_refused_key_is_explained(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/cases", status=400, json={"message": 'invalid keys "category"'})
    remote.get(f"{URL}/api/status", json=status("8.9.0"))
    with pytest.raises(UnsupportedByStack, match=r"category needs stack 8\.10\.0"):
        kibana.cases.create(title="t", description="d", owner="cases", category="c")


def test_another_refusal_stays_what_it_is(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/cases", status=400, json={"message": 'invalid keys "bogus"'})
    with pytest.raises(BadRequestError, match="bogus"):
        kibana.cases.create(title="t", description="d", owner="cases", category="c")
    assert len(remote.calls) == 1


def test_a_feature_that_needs_a_licence(kibana: Kibana, remote: responses.RequestsMock) -> None:
    text = "In order to assign users to cases, you must be subscribed to an Elastic Platinum license"
    remote.post(f"{URL}/api/cases", status=403, json={"message": text})
    with pytest.raises(LicenseRequired) as caught:
        kibana.cases.create(title="t", description="d", owner="cases", assignees=["u_1"])
    assert caught.value.tier == "platinum"


def test_get_escapes_the_id(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.get(f"{URL}/api/cases/a%2Fb", json=case_json(id="a/b"))
    assert kibana.cases.get("a/b").id == "a/b"


def test_an_answer_of_another_shape_is_no_answer(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/c1", json={"id": "c1", "title": "s3nsitive"})
    with pytest.raises(InvalidAnswer, match=r"version: Field required") as caught:
        kibana.cases.get("c1")
    assert "s3nsitive" not in str(caught.value)
    remote.get(f"{URL}/api/cases/c2", body="", content_type="application/json")
    with pytest.raises(InvalidAnswer):
        kibana.cases.get("c2")


def test_truncated_json_is_no_answer(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.get(f"{URL}/api/cases/c1", body=json.dumps(case_json())[:-20], content_type="application/json")
    with pytest.raises(InvalidAnswer, match="Invalid JSON"):
        kibana.cases.get("c1")


def test_find_sends_every_filter(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/_find", json={"cases": [], "page": 2, "per_page": 5, "total": 0})
    kibana.cases.find(
        page=2, per_page=5, sort_field="updatedAt", sort_order="asc", status=["open", "closed"], severity="high",
        tags=["a", "b&c"], category="cat", owner="cases", reporters=["mara"], assignees="none",
        created_from=datetime(2024, 5, 1, 12, 0, 0, 5000, tzinfo=UTC), created_to="now-7d", search="x AND y",
        search_fields=["title"], search_operator="AND",
    )
    assert query(remote) == [
        ("page", "2"), ("perPage", "5"), ("sortField", "updatedAt"), ("sortOrder", "asc"), ("status", "open"),
        ("status", "closed"), ("severity", "high"), ("tags", "a"), ("tags", "b&c"), ("category", "cat"),
        ("owner", "cases"), ("reporters", "mara"), ("assignees", "none"), ("from", "2024-05-01T12:00:00.005Z"),
        ("to", "now-7d"), ("search", "x AND y"), ("searchFields", "title"), ("defaultSearchOperator", "AND"),
    ]


def test_find_always_sends_the_order(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/_find", json={"cases": [], "total": 0})
    kibana.cases.find()
    assert query(remote) == [("page", "1"), ("perPage", "20"), ("sortField", "createdAt"), ("sortOrder", "desc")]


def test_find_refuses_what_kibana_would(kibana: Kibana) -> None:
    with pytest.raises(TypeError, match="not a filter: updated_from"):
        kibana.cases.find(updated_from="now-1d")  # type: ignore[call-arg]
    with pytest.raises(LimitError, match="values of the filter tags"):
        kibana.cases.find(tags=["t"] * 101)
    with pytest.raises(LimitError, match="perPage"):
        kibana.cases.find(per_page=101)
    with pytest.raises(ValueError, match="time zone"):
        kibana.cases.find(created_from=datetime(2024, 5, 1))  # noqa: DTZ001 - that is what is refused


def test_iter_is_lazy(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    pages = [[case_json(id=f"c{page}{n}") for n in range(2)] for page in range(3)]
    for page in pages[:2]:
        remote.get(f"{URL}/api/cases/_find", json={"cases": page, "total": 6})
    found = kibana.cases.iter(per_page=2, owner="cases")
    assert len(remote.calls) == 0
    assert [case.id for case in islice(found, 3)] == ["c00", "c01", "c10"]
    assert [dict(query(remote, n))["page"] for n in range(2)] == ["1", "2"]


def test_update_uses_the_version_of_the_case(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.patch(f"{URL}/api/cases", json=[case_json(version="new", category=None)])
    case = Case.model_validate(case_json(version="old", settings={"syncAlerts": True, "later": {"x": 1}}))
    settings = CaseSettings.model_validate({**case.settings.to_api(), "syncAlerts": False}) if case.settings else None
    assert settings is not None
    updated = kibana.cases.update(case, category=None, tags=["b"], settings=settings)
    assert updated.version == "new"
    assert body(remote) == {"cases": [{
        "id": "c1", "version": "old", "category": None, "tags": ["b"],
        "settings": {"syncAlerts": False, "later": {"x": 1}},
    }]}


def test_update_by_id_reads_the_version_unless_given(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    remote.get(f"{URL}/api/cases/c1", json=case_json(version="v7"))
    remote.patch(f"{URL}/api/cases", json=[case_json()])
    kibana.cases.update("c1", title="x")
    kibana.cases.update("c1", version="v9", title="x")
    assert [body(remote, number)["cases"][0]["version"] for number in (1, 2)] == ["v7", "v9"]


def test_the_outcomes_of_an_update(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    case = Case.model_validate(case_json())
    remote.patch(f"{URL}/api/cases", status=409, json={"message": "These cases c1 have been updated."})
    with pytest.raises(ConflictError):
        kibana.cases.update(case, title="x")
    remote.replace(responses.PATCH, f"{URL}/api/cases", status=406, json={
        "message": "All update fields are identical to current version."})
    with pytest.raises(NothingToUpdate):
        kibana.cases.update(case, title="x")
    remote.replace(responses.PATCH, f"{URL}/api/cases", json=[])
    with pytest.raises(LostRace) as caught:
        kibana.cases.update(case, title="x")
    assert isinstance(caught.value, ConflictError)
    assert caught.value.status == 200


def test_an_unknown_field_is_refused(kibana: Kibana, case_json: Build) -> None:
    with pytest.raises(TypeError, match="not a field that can be set: owner"):
        kibana.cases.update(Case.model_validate(case_json()), owner="other")  # type: ignore[call-arg]


def test_update_many_tells_who_is_missing(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    cases = [Case.model_validate(case_json(id=f"c{n}")) for n in range(3)]
    remote.patch(f"{URL}/api/cases", json=[case_json(id="c1", status="closed")])
    remote.post(f"{URL}/internal/cases/_bulk_get", status=403, json={"message": "no"})
    result = kibana.cases.update_many([CaseChange.of(case, status="closed") for case in cases])
    assert [case.id for case in result.updated] == ["c1"]
    assert result.of(Fate.UNKNOWN) == ["c0", "c2"]


def test_update_many_has_limits(kibana: Kibana) -> None:
    change = CaseChange(id="c", version="v", changes={"title": "t"})
    with pytest.raises(ValueError, match="same case is there twice"):
        kibana.cases.update_many([change, change])
    with pytest.raises(LimitError, match="length of the title"):
        kibana.cases.update_many([change, CaseChange(id="d", version="v", changes={"title": "x" * 161})])


def test_delete_sends_ids_as_json(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.delete(f"{URL}/api/cases", status=204)
    kibana.cases.delete("one")
    kibana.cases.delete(["a", Case.model_validate(case_json())])
    assert [query(remote, n) for n in range(2)] == [[("ids", '["one"]')], [("ids", '["a", "c1"]')]]
    with pytest.raises(LimitError, match="cases to delete"):
        kibana.cases.delete(["x"] * 101)


def test_bulk_get(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.post(f"{URL}/internal/cases/_bulk_get", status=503, body="starting")
    remote.post(f"{URL}/internal/cases/_bulk_get", json={
        "cases": [case_json()],
        "errors": [{"error": "Not Found", "message": "gone", "status": 404, "caseId": "c2"}],
    })
    result = kibana.cases.bulk_get(["c1", "c2"])
    assert ([case.id for case in result.cases], result.errors[0].case_id) == (["c1"], "c2")
    assert remote.calls[1].request.headers["x-elastic-internal-origin"] == "Kibana"


def test_bulk_get_takes_a_thousand_at_once(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.post(f"{URL}/internal/cases/_bulk_get", json={"cases": [case_json(id="c1")], "errors": []})
    remote.post(f"{URL}/internal/cases/_bulk_get", json={"cases": [case_json(id="c2")], "errors": []})
    result = kibana.cases.bulk_get([f"c{number}" for number in range(1001)])
    assert [case.id for case in result.cases] == ["c1", "c2"]
    assert [len(body(remote, number)["ids"]) for number in (0, 1)] == [1000, 1]


def test_taxonomies(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/tags", json=["a"])
    remote.get(f"{URL}/api/cases/reporters", json=[{"username": "mara", "full_name": None, "email": None}])
    remote.get(f"{URL}/internal/cases/categories", json=["c"])
    assert kibana.cases.tags(owner=["cases", "securitySolution"]) == ["a"]
    assert kibana.cases.reporters()[0].username == "mara"
    assert kibana.cases.categories() == ["c"]
    assert query(remote) == [("owner", "cases"), ("owner", "securitySolution")]
