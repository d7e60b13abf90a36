"""Attachments of every type against the embedded server, and what goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from kibcase import (
    ActionsAttachment,
    ActionsRequest,
    AlertAttachment,
    AlertRequest,
    AttachmentRequest,
    BadRequestError,
    Case,
    CommentRequest,
    ConflictError,
    EndpointActions,
    EndpointTarget,
    EventAttachment,
    EventRequest,
    ExternalReference,
    ExternalReferenceRequest,
    Fate,
    Kibana,
    LimitError,
    NotFoundError,
    PersistableState,
    PersistableStateRequest,
    Policy,
    Rule,
    UnsupportedByStack,
    UserComment,
)
from kibcase.client.attachments import timeline_link
from kibcase.models.attachment import AttachmentBase
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
INDEX = ".alerts-security.alerts-default"
Build = Callable[..., dict[str, Any]]


def client(server: CasesServer) -> Kibana:
    return Kibana(
        server.kibana_url, username="elastic", password="changeme", retry=Policy(base=0.0), proxies={},
        timeout=(5.0, 20.0),
    )


@pytest.fixture(scope="module")
def server() -> Iterator[CasesServer]:
    with CasesServer(stack_version="9.2.0") as running:
        yield running


@pytest.fixture
def real(server: CasesServer) -> Iterator[Kibana]:
    with client(server) as opened:
        yield opened


@pytest.fixture
def case(real: Kibana) -> Case:
    return real.cases.create(title="Odd logon", description="At night", owner="securitySolution")


Reference = ExternalReferenceRequest
TARGET = {"endpointId": "e1", "hostname": "pc-7", "agentType": "endpoint"}
REQUESTS: list[tuple[AttachmentRequest, type[AttachmentBase]]] = [
    (CommentRequest(comment="Looked at."), UserComment),
    (AlertRequest(alert_ids=["a1", "a2"], indices=[INDEX, INDEX], rule=Rule(id="r", name="Rule")), AlertAttachment),
    (EventRequest(event_ids=["e1"], indices=["logs-x"]), EventAttachment),
    (ActionsRequest(
        comment="Isolated.",
        actions=EndpointActions(type="isolate", targets=[EndpointTarget(hostname="pc-7", endpoint_id="e1")]),
    ), ActionsAttachment),
    (Reference.to_indicator("i1", name="10.0.0.1", indicator_type="ipv4-addr", feed="x"), ExternalReference),
    (Reference.to_osquery("q1", agent_ids=["g1"], query_id="q"), ExternalReference),
    (Reference.to_endpoint_action("x1", command="isolate", targets=[TARGET], comment="c"), ExternalReference),
    (PersistableStateRequest.of_lens({"title": "Bars"}, time_from="now-1d", time_to="now"), PersistableState),
    (PersistableStateRequest(state_type_id="ml_anomaly_swimlane", state={"jobIds": ["j"]}), PersistableState),
    (PersistableStateRequest(state_type_id="aiopsChangePointChart", state={"fn": "avg"}), PersistableState),
]


@pytest.mark.parametrize(("wanted", "kind"), REQUESTS, ids=lambda value: getattr(value, "type", None))
def test_every_type_is_attached_and_read_back(
    real: Kibana, case: Case, wanted: AttachmentRequest, kind: type[AttachmentBase]
) -> None:
    after = real.attachments.create(case, wanted)
    (attachment,) = list(after.comments or ())
    assert isinstance(attachment, kind)
    sent = wanted.to_request("securitySolution")
    assert {name: attachment.to_api().get(name) for name in sent} == sent
    assert real.comments.get(case, attachment.id) == attachment


def test_all_of_them_at_once(real: Kibana, case: Case) -> None:
    report = real.attachments.create_many(case, [wanted for wanted, _ in REQUESTS])
    assert report.ok
    assert [type(each) for each in real.attachments.all(case)] == [kind for _, kind in REQUESTS]
    ids = [each.id or "" for each in real.attachments.all(case)]
    assert [each.type for each in real.comments.iter(case)] == ["user"]
    found = real.attachments.get_many(case, [*ids, "missing"])
    assert [each.id for each in found.attachments] == ids
    assert [(error.attachment_id, error.status) for error in found.errors] == [("missing", 404)]
    assert real.cases.get(case.id).total_alerts == 2


def test_many_go_in_as_few_requests_as_fit(server: CasesServer, real: Kibana, case: Case) -> None:
    server.kibana.forget()
    comments = [CommentRequest(comment=f"Comment {number}") for number in range(250)]
    assert real.attachments.create_many(case, comments).done == comments
    assert [seen.method for seen in server.kibana.requests] == ["POST"] * 3
    assert real.cases.get(case.id).total_comments == 250
    everything = [each.id or "" for each in real.comments.iter(case)]
    server.kibana.forget()
    assert [each.id for each in real.attachments.get_many(case, everything).attachments] == everything
    assert len(server.kibana.requests) == 3

    server.kibana.forget()
    long = [CommentRequest(comment="\u00e4" * 30_000) for _ in range(12)]  # 180 kB each, as JSON has it
    assert real.attachments.create_many(case, long).ok
    assert len(server.kibana.requests) == 3


def test_what_is_refused_is_told_item_by_item(real: Kibana, case: Case) -> None:
    wanted: list[Any] = [CommentRequest(comment=f"{number}") for number in range(201)]
    wanted[150] = ExternalReferenceRequest.to_document("x", "no-such-type")
    report = real.attachments.create_many(case, wanted)
    assert report.done == [*wanted[:100], wanted[200]]
    assert [each.index for each in report.failed] == list(range(100, 200))
    assert {each.fate for each in report.failed} == {Fate.REFUSED}
    assert "no-such-type" in str(report.failed[0].error)


def test_nothing_is_sent_if_one_of_many_cannot_be(server: CasesServer, real: Kibana, case: Case) -> None:
    server.kibana.forget()
    fine = CommentRequest(comment="fine")
    with pytest.raises(LimitError, match="length of the comment"):
        real.attachments.create_many(case, [fine, CommentRequest(comment="x" * 30_001)])
    huge = PersistableStateRequest(state_type_id="x", state={"a": "x" * 2_000_000})
    with pytest.raises(LimitError, match="Item 1 is too large"):
        real.attachments.create_many(case, [fine, huge])
    with pytest.raises(ValueError, match="1 alerts but 2 indices"):
        real.attachments.create(case, AlertRequest(alert_ids=["a"], indices=["i", "j"]))
    with pytest.raises(LimitError, match="number of events"):
        real.attachments.create(case, EventRequest(event_ids=["a"] * 1001, indices=["i"] * 1001))
    with pytest.raises(ValueError, match="name the owner"):
        real.attachments.create(case.id, fine)
    assert server.kibana.requests == []


def test_a_mapping_in_kibanas_own_spelling_will_do(real: Kibana, case: Case) -> None:
    after = real.attachments.create(case.id, {"type": "user", "comment": "plain"}, "securitySolution")
    assert [each.type for each in after.comments or ()] == ["user"]


def test_files_that_are_there_already_can_be_referred_to() -> None:
    body = ExternalReferenceRequest.to_file(
        "f1", name="a", extension="txt", mime_type="text/plain", created=datetime(2024, 5, 1, tzinfo=UTC)
    ).to_request("cases")
    assert body["externalReferenceStorage"] == {"type": "savedObject", "soType": "file"}
    assert body["externalReferenceMetadata"]["files"][0]["created"] == "2024-05-01T00:00:00+00:00"
    document = ExternalReferenceRequest.to_document("x", "t").to_request("cases")
    assert document["externalReferenceStorage"] == {"type": "elasticSearchDoc"}
    assert document["externalReferenceMetadata"] is None


def test_fields_that_this_library_does_not_know_are_sent() -> None:
    request = CommentRequest.model_validate({"comment": "x", "mood": "good"})
    assert request.to_request("cases") == {"type": "user", "comment": "x", "owner": "cases", "mood": "good"}


def test_events(real: Kibana, case: Case) -> None:
    after = real.alerts.attach_events(case, ["e1", "e2"], "logs-x")
    assert after.total_events == 2
    assert real.alerts.cases_with_all(["e1"], [case]) == [case.id]


def test_an_older_stack_says_so(remote: responses.RequestsMock, kibana: Kibana, case_json: Build) -> None:
    remote.get(f"{URL}/api/status", json={"version": {"number": "8.19.1"}, "status": {}})
    with pytest.raises(UnsupportedByStack, match=r"event needs stack 9\.2\.0; this Kibana is 8\.19\.1"):
        kibana.alerts.attach_events("c1", "e1", "logs", "cases")
    with pytest.raises(UnsupportedByStack, match="event"):
        kibana.attachments.create("c1", EventRequest(event_ids=["e"], indices=["i"]), "cases")
    assert len(remote.calls) == 1


def test_cases_that_hold_all_of_some_alerts(real: Kibana) -> None:
    cases = [real.cases.create(title=f"{n}", description="x", owner="securitySolution") for n in range(3)]
    real.alerts.attach(cases[0], ["x1", "x2"], INDEX)
    real.alerts.attach(cases[1], ["x1"], INDEX)
    assert real.alerts.cases_with_all(["x1", "x2"], cases) == [cases[0].id]
    assert sorted(real.alerts.cases_with_all(["x1"], cases)) == sorted([cases[0].id, cases[1].id])
    assert real.alerts.cases_with_all([], cases) == []
    assert {each.id for each in real.alerts.cases_of("x1")} == {cases[0].id, cases[1].id}


def test_the_older_spelling_of_that_question() -> None:
    with CasesServer(stack_version="9.1.0") as older, client(older) as kibana:
        case = kibana.cases.create(title="t", description="x", owner="cases")
        kibana.alerts.attach(case, ["x1"], INDEX)
        assert kibana.alerts.cases_with_all(["x1"], [case.id]) == [case.id]
        with pytest.raises(NotFoundError):
            kibana.alerts.cases_with_all(["x1"], ["no-such-case"])


def test_another_refusal_of_that_question_is_not_taken_for_it(remote: responses.RequestsMock, kibana: Kibana) -> None:
    path = f"{URL}/internal/cases/case/attachments/_find_containing_all"
    remote.post(path, status=400, json={"message": "something else"})
    with pytest.raises(BadRequestError, match="something else"):
        kibana.alerts.cases_with_all(["a"], ["c"])
    assert len(remote.calls) == 1


def test_a_case_takes_a_thousand_alerts_and_no_more(server: CasesServer, real: Kibana, case: Case) -> None:
    ids = [f"alert-{number}" for number in range(1000)]
    after = real.alerts.attach(case, ids[:990], INDEX)
    assert after.total_alerts == 990
    # Kibana would count the 980 that are there already once more.
    full = real.alerts.attach(after, ids[10:], INDEX)
    assert full.total_alerts == 1000
    server.kibana.forget()
    assert real.alerts.attach(full, ids[:5], INDEX) is full
    with pytest.raises(LimitError, match=r"at most 1000, given 1001\. The case holds 1000") as caught:
        real.alerts.attach(full, ["one-more"], INDEX)
    assert caught.value.limit == "number of alerts of a case"
    assert [seen.method for seen in server.kibana.requests] == ["GET", "GET"]
    with pytest.raises(BadRequestError, match="maximum allowed number"):
        real.alerts.attach(full.id, "one-more", INDEX, owner=full.owner)


def test_thousands_of_alerts_are_spread_over_cases(real: Kibana) -> None:
    cases = [real.cases.create(title=f"{n}", description="x", owner="securitySolution") for n in range(3)]
    held = real.alerts.attach(cases[0], [f"old-{number}" for number in range(400)], INDEX)
    ids = [f"new-{number}" for number in range(2000)]
    report = real.alerts.attach_across([held, *cases[1:]], ids, INDEX, {"id": "r", "name": "Rule"})
    assert report.ok
    assert [real.cases.get(each.id).total_alerts for each in cases] == [1000, 1000, 400]
    with pytest.raises(LimitError, match="have room for is at most 600, given 700"):
        real.alerts.attach_across([held], ids[:700], INDEX)


def test_a_closed_case_refuses_its_share_only(real: Kibana) -> None:
    cases = [real.cases.create(title=f"{n}", description="x", owner="securitySolution") for n in range(2)]
    closed = real.cases.update(cases[0], status="closed")
    report = real.alerts.attach_across([closed, cases[1]], [f"z-{number}" for number in range(1001)], INDEX)
    assert report.done == ["z-1000"]
    assert {each.fate for each in report.failed} == {Fate.REFUSED}


def test_a_timeline_link() -> None:
    plain = timeline_link("http://kibana.test/s/soc", "Look [here]", "t-1")
    assert plain == r"[Look \[here\]](http://kibana.test/s/soc/app/security/timelines?timeline=(id:%27t-1%27,isOpen:!t))"
    hostile = timeline_link("http://k", "t", "a')(b", "g")
    assert hostile.endswith("(id:%27a%27%29%28b%27,graphEventId:%27g%27,isOpen:!t))")


def test_a_timeline_link_leads_to_its_own_space(kibana: Kibana) -> None:
    assert kibana.attachments.timeline_link("t", "1").startswith(f"[t]({URL}/app/security/timelines")
    assert kibana.space("soc").attachments.timeline_link("t", "1").startswith(f"[t]({URL}/s/soc/app/")


def test_the_wire_of_a_bulk_creation(remote: responses.RequestsMock, kibana: Kibana) -> None:
    path = f"{URL}/internal/cases/c%2F1/attachments/_bulk_create"
    remote.post(path, status=409, json={"message": "changed"})
    report = kibana.attachments.create_many("c/1", [CommentRequest(comment="x")], "cases")
    assert isinstance(report.failed[0].error, ConflictError)
    request = remote.calls[0].request
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["x-elastic-internal-origin"] == "Kibana"
    assert json.loads(request.body or b"") == [{"type": "user", "comment": "x", "owner": "cases"}]
    assert kibana.attachments.create_many("c1", [], "cases").ok
    assert kibana.attachments.get_many("c1", []).attachments == []
