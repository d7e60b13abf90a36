"""Writes to cases: what is stored, what is announced, and what is known when something goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import responses

from kibcase.server.faults import Fault
from kibcase_connectors.actions import Action, AddComment, Create, EditComment, SetFields, SetStatus
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from kibcase_connectors.kibana import KibanaConfig, KibanaConnector
from kibcase_connectors.model import Receipt

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench

MARK = "kibcase-jira-ab12cd34-10001"


def set_fields(bench: Bench, key: str, **change: Any) -> Receipt:
    version = bench.connector.read(key).version
    return bench.connector.apply(SetFields(key=key, version=version, **change), bench.announced)


def test_a_copy_of_a_ticket(bench: Bench) -> None:
    receipt = bench.create(title="  Printer on fire ", tags=("office", " vip", "office"))
    assert receipt.stored == {
        "title": "Printer on fire", "description": "It burns.", "status": "open", "severity": "high",
        "tags": [MARK, "office", "vip"],
    }
    assert receipt.label == f"case {receipt.key[:8]}"
    assert receipt.url == bench.connector.read(receipt.key).url
    assert bench.announced.values == [
        {"title": "Printer on fire", "description": "It burns.", "severity": "high", "tags": [MARK, "office", "vip"]}
    ]
    case = bench.analyst.cases.get(receipt.key)
    assert case.settings is not None
    assert case.settings.sync_alerts is True
    assert bench.connector.find(MARK) == (receipt.key,)
    assert bench.connector.read(receipt.key).fields == receipt.stored


def test_a_copy_of_a_ticket_that_says_little(bench: Bench) -> None:
    receipt = bench.connector.apply(Create(mark=MARK, fields={}, origin_label="SOC-1"), bench.announced)
    assert receipt.stored == {
        "title": "SOC-1", "description": "-", "status": "open", "severity": "low", "tags": [MARK],
    }
    assert bench.connector.mapping.canonical("description", receipt.stored["description"]) == ""


def test_alerts_need_not_follow(bench: Bench) -> None:
    connector = bench.connect(sync_alerts=False)
    key = connector.apply(Create(mark=MARK, fields={}, origin_label="SOC-1"), bench.announced).key
    settings = bench.analyst.cases.get(key).settings
    assert settings is not None
    assert settings.sync_alerts is False


def test_long_texts_are_cut_visibly_and_stored(bench: Bench) -> None:
    receipt = bench.create(title="\U0001f525" * 200, description="x" * 40_000)
    assert receipt.stored["title"] == "\U0001f525" * 79 + "…"
    assert str(receipt.stored["description"]).endswith("than Kibana can hold]")
    assert bench.announced.values[0]["description"] == receipt.stored["description"]


def test_fields_are_changed_together(bench: Bench) -> None:
    key = bench.case(tags=["a", "kibcase-jira-1-2", "b"])
    receipt = set_fields(
        bench, key, fields={"title": "New", "description": "", "severity": "critical"},
        add={"tags": ("c", "a")}, remove={"tags": ("b",)},
    )
    wanted = {
        "title": "New", "description": "-", "severity": "critical", "tags": ["a", "kibcase-jira-1-2", "c"],
    }
    assert receipt.stored == wanted
    assert bench.announced.values == [wanted]
    assert bench.connector.read(key).fields == {**wanted, "status": "open"}
    assert [seen.method for seen in bench.server.kibana.writes] == ["POST", "PATCH"]


def test_what_is_so_already_is_not_written(bench: Bench) -> None:
    key = bench.case(tags=["a"])
    receipt = set_fields(
        bench, key, fields={"title": " Suspicious login"}, add={"tags": ("a",)}, remove={"tags": ("x",)}
    )
    assert receipt.stored == {"title": "Suspicious login", "tags": ["a"]}
    assert bench.announced.values == []
    assert len(bench.server.kibana.writes) == 1


@pytest.mark.parametrize("status", ["in-progress", "closed"])
def test_a_status_is_set(bench: Bench, status: str) -> None:
    key = bench.case()
    version = bench.connector.read(key).version
    receipt = bench.connector.apply(SetStatus(key=key, version=version, status=status), bench.announced)
    assert receipt.stored == {"status": status}
    assert bench.announced.values == [{"status": status}]
    assert bench.connector.read(key).fields["status"] == status


def test_a_status_that_is_so_already(bench: Bench) -> None:
    key = bench.case()
    version = bench.connector.read(key).version
    receipt = bench.connector.apply(SetStatus(key=key, version=version, status="open"), bench.announced)
    assert receipt.stored == {"status": "open"}
    assert bench.connector.read(key).version == version


@pytest.mark.parametrize(
    "change",
    [
        lambda key, version: SetFields(key=key, version=version, fields={"title": "Ours"}),
        lambda key, version: SetFields(key=key, version=version, add={"tags": ("ours",)}),
        lambda key, version: SetStatus(key=key, version=version, status="closed"),
    ],
)
def test_a_case_that_moved_on_is_left_alone(bench: Bench, change: Callable[[str, str], Action]) -> None:
    key = bench.case()
    version = bench.connector.read(key).version
    theirs = bench.analyst.cases.update(key, title="Theirs")
    with pytest.raises(Conflict):
        bench.connector.apply(change(key, version), bench.announced)
    assert bench.analyst.cases.get(key).version == theirs.version


def test_a_change_between_read_and_write_is_a_conflict(bench: Bench) -> None:
    key = bench.case()
    bench.announced.then = lambda: bench.analyst.cases.update(key, title="Theirs")
    with pytest.raises(Conflict):
        set_fields(bench, key, fields={"title": "Ours"})
    assert bench.analyst.cases.get(key).title == "Theirs"


def test_a_comment_is_mirrored_with_an_invisible_mark(bench: Bench) -> None:
    key = bench.case()
    receipt = bench.connector.apply(AddComment(key=key, mark=f"{MARK}#5", body="Look:\r\n*here*\n"), bench.announced)
    [comment] = bench.connector.read(key).comments
    assert receipt.comment == comment
    assert (comment.body, comment.mark) == ("Look:\n*here*", f"{MARK}#5")
    stored = bench.analyst.comments.get(key, comment.key)
    assert getattr(stored, "comment", "") == f"Look:\n*here*\n\n[//]: # ({MARK}#5)"
    assert bench.announced.values == [{}]


@pytest.mark.parametrize("body", ["", "x" * 40_000, "\U0001f525" * 20_000, "```\nlog"])
def test_odd_comments_are_mirrored(bench: Bench, body: str) -> None:
    key = bench.case()
    receipt = bench.connector.apply(AddComment(key=key, mark=f"{MARK}#5", body=body), bench.announced)
    assert receipt.comment is not None
    assert receipt.comment.mark == f"{MARK}#5"


def test_a_mirror_is_brought_up_to_date(bench: Bench) -> None:
    key = bench.case()
    comment = bench.connector.apply(AddComment(key=key, mark=f"{MARK}#5", body="One"), bench.announced).comment
    assert comment is not None
    edit = EditComment(key=key, comment=comment.key, mark=f"{MARK}#5", body="Two")
    receipt = bench.connector.apply(edit, bench.announced)
    assert bench.connector.read(key).comments == (receipt.comment,)
    assert receipt.comment is not None
    assert (receipt.comment.body, receipt.comment.mark) == ("Two", f"{MARK}#5")
    assert receipt.comment.updated is not None
    writes = len(bench.server.kibana.writes)
    assert bench.connector.apply(edit, bench.announced) == receipt
    assert len(bench.server.kibana.writes) == writes


def test_a_mirror_that_a_person_edits_at_the_same_time(bench: Bench) -> None:
    key = bench.case()
    comment = bench.analyst.comments.add(key, "One", "securitySolution")
    bench.announced.then = lambda: bench.analyst.comments.update(key, comment, "Theirs")
    with pytest.raises(Conflict):
        bench.connector.apply(EditComment(key=key, comment=comment.id, mark=f"{MARK}#5", body="Ours"), bench.announced)


@pytest.mark.parametrize("gone", ["case", "comment", "other"])
def test_what_is_gone_is_not_found(bench: Bench, gone: str) -> None:
    key = bench.case()
    comment = bench.analyst.comments.add(key, "One", "securitySolution").id
    if gone == "case":
        bench.analyst.cases.delete(key)
    elif gone == "comment":
        bench.analyst.comments.delete(key, comment)
    else:
        bench.analyst.alerts.attach(
            key, alert_ids=["a1"], index=".alerts-x", rule={"id": "r", "name": "R"}, owner="securitySolution"
        )
        comment = next(one.id or "" for one in bench.analyst.attachments.all(key) if one.type == "alert")
    with pytest.raises(NotFound):
        bench.connector.apply(EditComment(key=key, comment=comment, mark=f"{MARK}#5", body="Ours"), bench.announced)


def test_actions_on_a_case_that_is_gone(bench: Bench) -> None:
    actions: tuple[Action, ...] = (
        SetFields(key="gone", version="v", fields={"title": "t"}),
        SetStatus(key="gone", version="v", status="open"),
        AddComment(key="gone", mark=f"{MARK}#5", body="b"),
    )
    for action in actions:
        with pytest.raises(NotFound):
            bench.connector.apply(action, bench.announced)


def test_what_kibana_will_not_store_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(Refused) as caught:
        bench.create(severity="urgent")
    assert caught.value.field == "severity"
    with pytest.raises(Refused) as caught:
        bench.create(tags=tuple(f"t{number}" for number in range(200)))
    assert caught.value.field == "tags"
    with pytest.raises(Refused, match="not a mark"):
        bench.connector.apply(AddComment(key=bench.case(), mark="no mark", body="b"), bench.announced)
    assert [seen.path for seen in bench.server.kibana.writes] == ["/api/cases"]


def test_a_right_that_is_missing_is_named(bench: Bench) -> None:
    body = b'{"statusCode":403,"error":"Forbidden","message":"Unauthorized to update case"}'
    key = bench.case()
    bench.server.kibana.arm(Fault(method="PATCH", status=403, body=body))
    with pytest.raises(Refused, match="reopen"):
        set_fields(bench, key, fields={"title": "Ours"})


def test_nothing_is_sent_if_the_announcement_fails(bench: Bench) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    key = bench.case()
    comment = bench.analyst.comments.add(key, "One", "securitySolution").id
    version = bench.connector.read(key).version
    bench.announced.then = fail
    before = len(bench.server.kibana.writes)
    actions: tuple[Action, ...] = (
        Create(mark=MARK, fields={}, origin_label="SOC-1"),
        SetFields(key=key, version=version, fields={"title": "t"}),
        SetStatus(key=key, version=version, status="closed"),
        AddComment(key=key, mark=f"{MARK}#5", body="b"),
        EditComment(key=key, comment=comment, mark=f"{MARK}#5", body="b"),
    )
    for action in actions:
        with pytest.raises(OSError, match="disk is full"):
            bench.connector.apply(action, bench.announced)
    assert len(bench.server.kibana.writes) == before


@pytest.mark.parametrize(
    ("fault", "expected", "stored"),
    [
        ({"drop": True}, OutcomeUnknown, False),
        ({"drop": True, "when": "after"}, OutcomeUnknown, True),
        ({"status": 500}, OutcomeUnknown, False),
        ({"status": 502, "body": b"<html>bad gateway</html>"}, OutcomeUnknown, False),
        ({"status": 503, "body": b"Kibana server is not ready yet"}, Unavailable, False),
        ({"status": 429, "headers": (("Retry-After", "7"),)}, Throttled, False),
        ({"status": 401, "body": b'{"statusCode":401,"error":"Unauthorized","message":"no"}'}, Denied, False),
        ({"status": 413, "body": b'{"statusCode":413,"error":"x","message":"too large"}'}, Refused, False),
        (
            {"status": 200, "body": b"<html>log in</html>", "headers": (("content-type", "text/html"),)},
            OutcomeUnknown, False,
        ),
    ],
)
def test_what_is_known_after_a_failed_write(
    bench: Bench, fault: dict[str, Any], expected: type[ConnectorError], stored: bool
) -> None:
    key = bench.case()
    before = len(bench.server.kibana.writes)
    bench.server.kibana.arm(Fault(method="POST", path="/api/cases", **fault))
    with pytest.raises(ConnectorError) as caught:
        bench.create()
    assert type(caught.value) is expected
    assert bool(bench.connector.find(MARK)) is stored
    bench.server.kibana.arm(Fault(method="POST", path=f"/api/cases/{key}/comments", **fault))
    with pytest.raises(expected):
        bench.connector.apply(AddComment(key=key, mark=f"{MARK}#5", body="b"), bench.announced)
    assert [comment.mark for comment in bench.connector.read(key).comments] == [f"{MARK}#5"] * stored
    assert len(bench.server.kibana.writes) == before + 2


def test_a_lost_answer_is_not_waited_for_forever(bench: Bench) -> None:
    connector = bench.connect(timeout=(1.0, 0.2))
    bench.server.kibana.arm(Fault(method="POST", when="after", delay=1.0))
    with pytest.raises(OutcomeUnknown, match="no answer in time"):
        connector.apply(Create(mark=MARK, fields={}, origin_label="SOC-1"), bench.announced)


def test_a_server_that_is_not_there_has_stored_nothing(bench: Bench) -> None:
    connector = bench.connect(url="http://127.0.0.1:1")
    with pytest.raises(Unavailable):
        connector.apply(Create(mark=MARK, fields={}, origin_label="SOC-1"), bench.announced)


def test_a_lost_race_is_a_conflict() -> None:
    config = KibanaConfig(type="kibana", url="http://kibana.test", api_key="a2V5OmtleQ==", owner="cases")
    connector = KibanaConnector("soc", config)
    with responses.RequestsMock() as answers:
        answers.patch("http://kibana.test/api/cases", json=[])
        with pytest.raises(Conflict):
            connector.apply(SetStatus(key="1", version="v", status="closed"), lambda _: None)
    connector.close()


def test_a_comment_that_the_answer_lacks_may_have_been_written() -> None:
    config = KibanaConfig(type="kibana", url="http://kibana.test", api_key="a2V5OmtleQ==", owner="cases")
    connector = KibanaConnector("soc", config)
    case = {
        "id": "1", "version": "v", "title": "t", "status": "open", "owner": "cases",
        "created_at": "2025-05-01T00:00:00.000Z", "comments": [],
    }
    with responses.RequestsMock() as answers:
        answers.post("http://kibana.test/api/cases/1/comments", json=case)
        with pytest.raises(OutcomeUnknown):
            connector.apply(AddComment(key="1", mark=f"{MARK}#5", body="b"), lambda _: None)
    connector.close()
