"""What is too large, or no number that Kibana keeps: split, or refused before it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses
from requests import PreparedRequest

from kibcase import Case, CaseChange, CustomFieldDefinition, InvalidValue, Kibana, LimitError
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
MIB = 1024 * 1024
OWNER = "securitySolution"
Build = Callable[..., dict[str, Any]]
MOST = 2**53 - 1


def body_of(request: PreparedRequest) -> dict[str, Any]:
    sent = request.body or b""
    assert len(sent) <= MIB
    found: dict[str, Any] = json.loads(sent)
    return found


def test_cases_with_all_of_many_alerts(kibana: Kibana, remote: responses.RequestsMock) -> None:
    alerts = [f"{'a' * 1000}{number}" for number in range(2000)]
    cases = [f"{'c' * 1000}{number}" for number in range(1000)]
    holds = {case: set(alerts) for case in cases}
    holds[cases[3]] = set(alerts[:-1])
    holds[cases[700]] = set(alerts[1:])

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        body = body_of(request)
        found = [each for each in body["caseIds"] if set(body["documentIds"]) <= holds[each]]
        return 200, {}, json.dumps({"casesWithAllAttachments": found})

    remote.add_callback(
        "POST", f"{URL}/internal/cases/case/attachments/_find_containing_all", answer,
        content_type="application/json",
    )
    found = kibana.alerts.cases_with_all(alerts, cases)
    assert found == [each for each in cases if len(holds[each]) == 2000]
    assert len(remote.calls) > 4


def test_cases_with_all_asks_no_more_when_none_is_left(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/internal/cases/case/attachments/_find_containing_all", json={"casesWithAllAttachments": []})
    assert kibana.alerts.cases_with_all([f"{'a' * 1000}{number}" for number in range(2000)], ["c1"]) == []
    assert len(remote.calls) == 1


def test_an_id_that_fits_into_no_request(kibana: Kibana) -> None:
    with pytest.raises(LimitError, match="bytes of a request's body"):
        kibana.alerts.cases_with_all(["a" * MIB], ["c1"])
    with pytest.raises(LimitError, match="bytes of a request's body"):
        kibana.cases.bulk_get(["a" * MIB])


def test_a_search_for_too_many_alerts(kibana: Kibana) -> None:
    ids = [f"{'a' * 60}{number}" for number in range(20_000)]
    with pytest.raises(LimitError, match=r"bytes of a request's body.*Name fewer"):
        kibana.detections.search(ids=ids)
    with pytest.raises(LimitError, match="bytes of a request's body"):
        list(kibana.detections.iter(ids=ids))
    with pytest.raises(LimitError, match="bytes of a request's body"):
        kibana.detections.set_status_by_query({"ids": {"values": ids}}, "closed")


def test_long_ids_are_read_in_several_requests(
    kibana: Kibana, remote: responses.RequestsMock, case_json: Build
) -> None:
    ids = [f"{'a' * 1500}{number}" for number in range(1000)]

    def answer(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        return 200, {}, json.dumps({"cases": [case_json(id=each) for each in body_of(request)["ids"]], "errors": []})

    remote.add_callback("POST", f"{URL}/internal/cases/_bulk_get", answer, content_type="application/json")
    assert [each.id for each in kibana.cases.bulk_get(ids).cases] == ids
    assert len(remote.calls) == 2


@pytest.mark.parametrize("wrong", [2**53, -(2**53), 1e300])
def test_numbers_beyond_what_kibana_keeps(kibana: Kibana, case_json: Build, wrong: float) -> None:
    field = {"key": "n", "type": "number", "value": wrong}
    said = r"size of the number of the custom field n is at most 9007199254740991"
    with pytest.raises(LimitError, match=said):
        kibana.cases.create(title="t", description="d", owner=OWNER, custom_fields=[field])
    with pytest.raises(LimitError, match=said):
        kibana.cases.update("c1", version="v", custom_fields=[field])
    with pytest.raises(LimitError, match=said):
        kibana.cases.update_many([CaseChange(id="c1", version="v", changes={"custom_fields": [field]})])
    with pytest.raises(LimitError, match=said):
        kibana.cases.set_custom_field(Case.model_validate(case_json()), "n", wrong)
    with pytest.raises(LimitError, match=said):
        kibana.configuration.replace(
            OWNER, custom_fields=[CustomFieldDefinition(key="n", label="N", type="number", default_value=wrong)]
        )


@pytest.mark.parametrize("wrong", [1.5, float("nan"), float("inf")])
def test_numbers_that_are_not_whole(kibana: Kibana, case_json: Build, wrong: float) -> None:
    field = {"key": "n", "type": "number", "value": wrong}
    with pytest.raises(InvalidValue, match="the custom field n is a whole number"):
        kibana.cases.create(title="t", description="d", owner=OWNER, custom_fields=[field])
    with pytest.raises(InvalidValue, match="the custom field n is a whole number"):
        kibana.cases.set_custom_field(Case.model_validate(case_json()), "n", wrong)


def test_numbers_that_kibana_keeps() -> None:
    with (
        CasesServer(stack_version="9.5.0") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        number = CustomFieldDefinition(key="n", label="N", type="number", default_value=-MOST)
        toggle = CustomFieldDefinition(key="t", label="T", type="toggle")
        kibana.configuration.replace(OWNER, custom_fields=[number, toggle])
        for value in (MOST, -MOST, 5.0, None):
            fields: list[dict[str, Any]] = [
                {"key": "n", "type": "number", "value": value}, {"key": "t", "type": "toggle", "value": True},
            ]
            case = kibana.cases.create(title="t", description="d", owner=OWNER, custom_fields=fields)
            assert case.custom_fields[0].value == value
        assert kibana.cases.set_custom_field(case, "n", 7).value == 7


def test_extended_fields_that_fit_into_no_request(kibana: Kibana) -> None:
    fields = {f"f{number}_as_keyword": "x" * 29_000 for number in range(40)}
    said = r"bytes of a request's body is at most 1048576, given 11"
    with pytest.raises(LimitError, match=said):
        kibana.cases.create(title="t", description="d", owner=OWNER, extended_fields=fields)
    with pytest.raises(LimitError, match=said):
        kibana.cases.update("c1", version="v", extended_fields=fields)


def test_a_configuration_that_fits_into_no_request(kibana: Kibana) -> None:
    template = {"key": "a", "name": "A", "caseFields": {"description": "x" * MIB}}
    with pytest.raises(LimitError, match="bytes of a request's body"):
        kibana.configuration.replace(OWNER, templates=[template])


def test_what_is_no_change_says_what_it_should_be(kibana: Kibana) -> None:
    with pytest.raises(TypeError, match=r"each change is CaseChange\.of\(case, .*, not dict"):
        kibana.cases.update_many([{"id": "c1", "version": "v"}])  # type: ignore[list-item]
