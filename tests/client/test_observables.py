from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from kibcase import (
    BadRequestError,
    Case,
    ConflictError,
    DuplicateObservable,
    Kibana,
    LicenseRequired,
    LimitError,
    NotFoundError,
    Observable,
    ObservableKind,
    PermissionDenied,
    UnsupportedByStack,
)
from kibcase.client.adding import plan
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
INNER = f"{URL}/internal/cases/c1/observables"
IP = ObservableKind.IPV4
Build = Callable[..., dict[str, Any]]


def stored(number: int) -> dict[str, Any]:
    return {"id": f"o{number}", "typeKey": IP.value, "value": f"10.0.0.{number}", "description": None}


def ip(number: int) -> Observable:
    return Observable(type_key=IP, value=f"10.0.0.{number}")


def status(version: str) -> dict[str, Any]:
    return {"version": {"number": version}, "status": {"overall": {"level": "available"}}}


def body(remote: responses.RequestsMock, number: int = -1) -> Any:
    return json.loads(remote.calls[number].request.body or b"null")


def test_adding_one(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.post(INNER, json=case_json(observables=[stored(1)]))
    case = kibana.observables.add("c1", IP, "10.0.0.1")
    assert body(remote) == {"observable": {"typeKey": IP.value, "value": "10.0.0.1", "description": None}}
    assert [each.value for each in case.observables] == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Failed to add observable: Error: Saved object [cases/c1] not found", NotFoundError),
        ('Failed to add observable: Error: Unauthorized to update case with owners: "cases"', PermissionDenied),
        ("Failed to add observable: Error: Max 50 observables per case is allowed.", LimitError),
        ("Failed to add observable: Error: Invalid duplicated observables in request.", DuplicateObservable),
        ("Failed to add observable: Error: Invalid observable type, key does not exist: x", BadRequestError),
        ("Failed to add observable: Error: [cases:c1]: version conflict, required seqNo", ConflictError),
    ],
)
def test_a_400_becomes_what_it_is(
    kibana: Kibana, remote: responses.RequestsMock, text: str, kind: type[Exception]
) -> None:
    remote.post(INNER, status=400, json={"statusCode": 400, "error": "Bad Request", "message": text})
    with pytest.raises(kind) as caught:
        kibana.observables.add("c1", IP, "10.0.0.1")
    assert type(caught.value) is kind


def test_changing_and_removing(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.patch(f"{INNER}/o1", json=case_json())
    remote.delete(f"{INNER}/o1", status=204)
    remote.post(f"{INNER}/_bulk_delete", json=case_json())
    known = Observable.model_validate(stored(1))
    kibana.observables.update("c1", known, value="10.0.0.9", description="moved")
    assert body(remote) == {"observable": {"value": "10.0.0.9", "description": "moved"}}
    kibana.observables.remove("c1", known)
    kibana.observables.remove_many("c1", [known, "o2"])
    assert body(remote) == {"observableIds": ["o1", "o2"]}
    with pytest.raises(ValueError, match="has no id"):
        kibana.observables.remove("c1", ip(1))


def test_a_missing_observable(kibana: Kibana, remote: responses.RequestsMock) -> None:
    text = "Failed to delete observable id: o9: Error: Observable id o9 not found."
    remote.delete(f"{INNER}/o9", status=400, json={"message": text})
    with pytest.raises(NotFoundError):
        kibana.observables.remove("c1", "o9")


def test_adding_many_in_one_request(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.get(f"{URL}/api/cases/c1", json=case_json(observables=[stored(1)]))
    remote.get(f"{URL}/api/status", json=status("9.5.0"))
    remote.post(f"{INNER}/_bulk_create", json=case_json(observables=[stored(1), stored(2), stored(3)]))
    report = kibana.observables.add_many("c1", [ip(1), ip(2), ip(2), ip(3), ip(4)])
    assert body(remote)["caseId"] == "c1"
    assert [each["value"] for each in body(remote)["observables"]] == ["10.0.0.2", "10.0.0.3", "10.0.0.4"]
    assert [each.outcome for each in report.results] == ["duplicate", "added", "duplicate", "added", "lost"]
    assert not report.complete


def test_what_is_too_much_is_not_sent(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.get(f"{URL}/api/cases/c1", json=case_json(observables=[stored(n) for n in range(50)]))
    report = kibana.observables.add_many("c1", [ip(0), ip(99)])
    assert [each.outcome for each in report.results] == ["duplicate", "over-limit"]
    assert len(remote.calls) == 1


def test_an_older_stack_is_sent_one_by_one(kibana: Kibana, remote: responses.RequestsMock, case_json: Build) -> None:
    remote.get(f"{URL}/api/cases/c1", json=case_json())
    remote.get(f"{URL}/api/status", json=status("9.1.0"))
    text = "Failed to add observable: Error: Observable value is not valid for selected observable type."
    remote.post(INNER, status=400, json={"message": text})
    remote.post(INNER, json=case_json(observables=[stored(2)]))
    report = kibana.observables.add_many("c1", [Observable(type_key=IP, value="no address"), ip(2)])
    assert [each.outcome for each in report.results] == ["refused", "added"]
    assert isinstance(report.results[0].error, BadRequestError)
    assert [each.value for each in report.added] == ["10.0.0.2"]


def test_a_stack_without_observables(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(INNER, status=404, json={"message": "Not Found"})
    remote.get(f"{URL}/api/status", json=status("8.17.2"))
    with pytest.raises(UnsupportedByStack, match=r"observables needs stack 8\.18\.0; this Kibana is 8\.17\.2"):
        kibana.observables.add("c1", IP, "10.0.0.1")


@given(
    st.lists(st.integers(0, 9), max_size=20), st.lists(st.integers(0, 9), max_size=8, unique=True), st.integers(0, 9)
)
def test_the_plan_sends_each_new_one_once(wanted: list[int], there: list[int], room: int) -> None:
    case = Case.model_validate({
        "id": "c", "version": "v", "title": "t", "status": "open", "owner": "cases",
        "created_at": "2024-05-01T10:00:00Z",
        "observables": [stored(number) for number in there],
    })
    adding = plan(case, [ip(number) for number in wanted], len(there) + room)
    new = list(dict.fromkeys(number for number in wanted if number not in there))
    assert [each.value for each in adding.fresh] == [f"10.0.0.{number}" for number in new[:room]]
    report = adding.report(case)
    assert [each.observable for each in report.results] == adding.wanted
    assert len(report.of("lost")) == len(adding.fresh)


@pytest.fixture(params=["9.0.0", "9.5.0"])
def real(request: pytest.FixtureRequest) -> Iterator[Kibana]:
    with (
        CasesServer(stack_version=request.param) as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_with_the_server(real: Kibana) -> None:
    case = real.cases.create(title="t", description="d", owner="securitySolution")
    after = real.observables.add(case, IP, "10.0.0.1", description="seen")
    assert (after.updated_at, after.version != case.version) == (None, True)
    with pytest.raises(DuplicateObservable):
        real.observables.add(case, IP, "10.0.0.1")
    with pytest.raises(NotFoundError):
        real.observables.add("missing", IP, "10.0.0.1")
    with pytest.raises(BadRequestError, match="does not exist"):
        real.observables.add(case, "no-such-type", "x")
    report = real.observables.add_many(case, [ip(number) for number in range(1, 61)])
    assert (len(report.added), len(report.of("duplicate")), len(report.of("over-limit"))) == (49, 1, 10)
    with pytest.raises(LimitError, match="at most 50"):
        real.observables.add(case, IP, "10.0.1.1")
    first = real.observables.of_case(case)[0]
    changed = real.observables.update(case, first, value="10.9.9.9")
    assert changed.observables[0].value == "10.9.9.9"
    real.observables.remove(case, first)
    with pytest.raises(NotFoundError):
        real.observables.remove(case, first)
    assert len(real.observables.of_case(case)) == 49
    assert IP.value in {each.key for each in real.observables.types(owner="securitySolution")}


def test_similar_cases_with_the_server(real: Kibana) -> None:
    ids = [real.cases.create(title="t", description="d", owner="securitySolution").id for _ in range(3)]
    for case_id in ids[:2]:
        real.observables.add(case_id, IP, "10.0.0.1")
    found = list(real.cases.iter_similar(ids[0]))
    assert [case.id for case in found] == [ids[1]]
    assert [each.value for each in found[0].similarities.observables] == ["10.0.0.1"]


def test_a_basic_licence_has_none() -> None:
    with (
        CasesServer(license="basic") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        case = kibana.cases.create(title="t", description="d", owner="securitySolution")
        with pytest.raises(LicenseRequired) as caught:
            kibana.observables.add(case, IP, "10.0.0.1")
        assert caught.value.tier == "platinum"
        with pytest.raises(LicenseRequired):
            kibana.cases.similar(case)
