"""The unified attachments against the embedded server, and what goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from kibcase import (
    BadRequestError,
    Case,
    CaseFile,
    CommentRequest,
    ConflictError,
    Kibana,
    LimitError,
    NotFoundError,
    Policy,
    UnifiedAttachment,
    UnifiedReference,
    UnifiedValue,
    UnsupportedByStack,
    UserComment,
)
from kibcase.models.unified import alert_type
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"
INDEX = ".alerts-security.alerts-default"


def client(server: CasesServer) -> Kibana:
    return Kibana(
        server.kibana_url, username="elastic", password="changeme", retry=Policy(base=0.0), proxies={},
        timeout=(5.0, 10.0),
    )


@pytest.fixture(scope="module")
def server() -> Iterator[CasesServer]:
    with CasesServer(stack_version="9.5.0") as running:
        yield running


@pytest.fixture
def real(server: CasesServer) -> Iterator[Kibana]:
    with client(server) as opened:
        yield opened


@pytest.fixture
def case(real: Kibana) -> Case:
    return real.cases.create(title="Odd logon", description="At night", owner="securitySolution")


def test_the_life_of_a_comment(real: Kibana, case: Case) -> None:
    unified = real.attachments.unified
    made = unified.create(case, UnifiedValue.of_comment("First"))
    assert (made.type, made.content, made.attachment_ids, made.owner) == ("comment", "First", [], "securitySolution")
    legacy = real.comments.get(case, made.id)
    assert isinstance(legacy, UserComment)
    assert legacy.comment == "First"
    changed = unified.replace(case, made, UnifiedValue.of_comment("Second"))
    assert (changed.id, changed.content) == (made.id, "Second")
    assert unified.get(case, made.id) == changed
    with pytest.raises(ConflictError):
        unified.replace(case.id, made, UnifiedValue.of_comment("Third"))
    with pytest.raises(BadRequestError):
        unified.replace(case, changed, UnifiedReference.to_timeline("t1", "Timeline"))
    unified.delete(case, made.id)
    with pytest.raises(NotFoundError):
        unified.get(case, made.id)
    with pytest.raises(NotFoundError):
        unified.delete_all(case)


def test_references(real: Kibana, case: Case) -> None:
    unified = real.attachments.unified
    alerts = unified.create(case, UnifiedReference.to_alerts(case.owner, ["a1", "a2"], [INDEX] * 2, {"name": "Rule"}))
    assert (alerts.type, alerts.attachment_ids) == ("security.alert", ["a1", "a2"])
    assert (alerts.metadata or {})["rule"] == {"id": None, "name": "Rule"}
    # Alerts that are attached already: the attachment that holds them.
    assert unified.create(case, UnifiedReference.to_alerts(case.owner, ["a1"], [INDEX])).id == alerts.id
    timeline = unified.create(case, UnifiedReference.to_timeline("t1", "Timeline"))
    assert (timeline.type, timeline.attachment_ids, timeline.content) == ("security.timeline", ["t1"], None)
    file = real.files.upload(case, b"x", name="x.txt")
    (stored,) = unified.iter(case, types="file")
    assert CaseFile.of(stored) == file
    assert real.cases.get(case.id).total_alerts == 2


def test_pages_and_types(real: Kibana, case: Case) -> None:
    unified = real.attachments.unified
    made = [unified.create(case, UnifiedValue.of_comment(f"{number}")) for number in range(5)]
    unified.create(case, UnifiedReference.to_timeline("t1", "Timeline"))
    page = unified.find(case, per_page=2, page=2)
    assert ([each.id for each in page.attachments], page.page, page.per_page, page.total) == (
        [made[2].id, made[3].id], 2, 2, 6,
    )
    assert [each.id for each in unified.iter(case, types=["comment"], per_page=2)] == [each.id for each in made]
    newest = next(unified.iter(case, types=["comment", "security.timeline"], sort_order="desc"))
    assert newest.type == "security.timeline"
    with pytest.raises(LimitError, match="types of attachments"):
        unified.find(case, types=["x"] * 21)
    unified.delete_all(case)
    assert unified.find(case).total == 0


def test_both_shapes_can_be_created_at_once(real: Kibana, case: Case) -> None:
    report = real.attachments.create_many(
        case, [UnifiedValue.of_comment("new shape"), CommentRequest(comment="old shape")]
    )
    assert report.ok
    assert [each.content for each in real.attachments.unified.iter(case)] == ["new shape", "old shape"]


def test_limits_are_checked_before_sending(kibana: Kibana) -> None:
    unified = kibana.attachments.unified
    with pytest.raises(LimitError, match="length of the comment"):
        unified.create("c1", UnifiedValue.of_comment("x" * 30_001), "cases")
    with pytest.raises(ValueError, match="cannot be empty"):
        unified.replace("c1", UnifiedAttachment(id="a", type="comment", owner="cases"), UnifiedValue.of_comment(" "))
    with pytest.raises(ValueError, match="owner"):
        unified.create("c1", UnifiedValue.of_comment("x"))
    with pytest.raises(ValueError, match="not an owner of cases"):
        alert_type("nobody")


@pytest.mark.parametrize("version", ["8.19.0", "9.2.0"])
def test_an_older_stack_says_so(version: str) -> None:
    with CasesServer(stack_version=version) as older, client(older) as kibana:
        case = kibana.cases.create(title="t", description="x", owner="cases")
        for call in (
            lambda: kibana.attachments.unified.create(case, UnifiedValue.of_comment("x")),
            lambda: kibana.attachments.unified.find(case),
            lambda: kibana.attachments.unified.get(case, "a"),
            lambda: kibana.attachments.unified.delete_all(case),
        ):
            with pytest.raises(UnsupportedByStack, match=rf"needs stack 9\.5\.0; this Kibana is {version}"):
                call()


def test_the_wire(remote: responses.RequestsMock, kibana: Kibana) -> None:
    base = f"{URL}/api/cases/c1/attachments"
    stored = {"id": "a1", "version": "v1", "type": "lens", "owner": "cases", "data": {"state": {}}, "newer": True}
    remote.get(base, json={"data": [stored], "page": 1, "per_page": 20, "total": 1})
    remote.put(f"{base}/a1", json=stored)
    remote.post(base, json=stored, status=201)
    found = kibana.attachments.unified.find("c1", types=["lens", "map"]).attachments[0]
    assert found.model_extra == {"newer": True}
    kibana.attachments.unified.replace("c1", found, UnifiedValue(type="lens", data={"state": {"a": 1}}))
    kibana.attachments.unified.create("c1", UnifiedReference(type="map", attachment_id="m", metadata=None), "cases")
    assert parse_qsl(urlsplit(str(remote.calls[0].request.url)).query)[3:] == [("type", "lens"), ("type", "map")]
    assert [json.loads(call.request.body or b"") for call in list(remote.calls)[1:]] == [
        {"type": "lens", "owner": "cases", "data": {"state": {"a": 1}}, "version": "v1"},
        {"type": "map", "owner": "cases", "attachmentId": "m", "metadata": None},
    ]
    assert all(call.request.headers["x-elastic-internal-origin"] == "Kibana" for call in remote.calls)
