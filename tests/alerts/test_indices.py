"""The library's alert indices against the embedded Elasticsearch, over HTTP."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import kibcase.errors as kinds
from kibcase.alerts import AlertIndices, AlertRef
from kibcase.server.faults import Fault, Seen

INDEX = ".internal.alerts-security.alerts-default-000001"
STATUS = "kibana.alert.workflow_status"
REASON = "kibana.alert.workflow_reason"
START = datetime(2026, 2, 1, tzinfo=UTC)


def document(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "@timestamp": (START + timedelta(hours=number)).isoformat(), "kibana.alert.uuid": f"a{number}",
        "kibana.alert.rule.name": f"Rule {number % 2}", "kibana.alert.rule.uuid": f"r{number % 2}", STATUS: "open",
        **fields,
    }  # fmt: skip


def ids(found: Any) -> list[str]:
    return [each.id for each in found]


def test_index_answers_where_the_alerts_are(alerts: AlertIndices) -> None:
    refs = alerts.index([document(1), {"no": "uuid"}])
    assert refs[0] == AlertRef(index=INDEX, id="a1")
    assert len(refs[1].id) == 20
    with pytest.raises(kinds.ConflictError, match="document already exists"):
        alerts.index([document(1)])
    assert alerts.index([]) == []


def test_get(alerts: AlertIndices) -> None:
    (ref,) = alerts.index([document(1)])
    found = alerts.get(ref.index, ref.id)
    assert (found.ref, found.status, found.rule_name) == (ref, "open", "Rule 1")
    for index, words in ((INDEX, "no alert 'gone'"), ("nowhere", "no such index")):
        with pytest.raises(kinds.NotFoundError, match=words):
            alerts.get(index, "gone")


def test_find_filters(alerts: AlertIndices) -> None:
    alerts.index([document(n) for n in range(4)])
    alerts.index([document(9, **{STATUS: "in-progress"})])
    assert ids(alerts.find()) == ["a9", "a3", "a2", "a1", "a0"]
    assert ids(alerts.find(size=2)) == ["a9", "a3"]
    assert ids(alerts.find(ids=["a1", "a2", "gone"])) == ["a2", "a1"]
    assert ids(alerts.find(status="acknowledged")) == ["a9"]
    assert ids(alerts.find(status=["open", "closed"], rule="Rule 0")) == ["a2", "a0"]
    assert ids(alerts.find(rule=["r1"])) == ["a9", "a3", "a1"]
    assert ids(alerts.find(since=START + timedelta(hours=3))) == ["a9", "a3"]
    assert ids(alerts.find(since="now-1h")) == []
    assert ids(alerts.find(".alerts-*", query={"prefix": {"kibana.alert.uuid": "a3"}})) == ["a3"]
    assert ids(alerts.find(".alerts-stack*")) == []
    with pytest.raises(kinds.LimitError, match="stream"):
        alerts.find(size=10_001)
    with pytest.raises(kinds.BadRequestError, match="unknown query"):
        alerts.find(query={"nonsense": {}})


def test_spaces_have_their_own_alias(node: Any) -> None:
    with AlertIndices(node.url, api_key="aWQ6a2V5", space="soc") as alerts:
        with pytest.raises(kinds.NotFoundError, match="no such index"):
            alerts.find()
        (ref,) = alerts.index([document(1)])
        assert ref.index == ".internal.alerts-security.alerts-soc-000001"
        assert ids(alerts.find()) == ["a1"]


def test_stream_gives_each_once_and_closes_its_point(alerts: AlertIndices, node: Any) -> None:
    alerts.index([document(n // 7) | {"kibana.alert.uuid": f"s{n:03}"} for n in range(230)])
    node.faults.forget()
    found = alerts.stream(page=50, status="open")
    assert node.faults.requests == []
    first = next(found)
    assert [seen.path for seen in node.faults.requests] == [f"/{'.alerts-security.alerts-default'}/_pit", "/_search"]
    alerts.set_status([AlertRef(index=INDEX, id=f"s{n:03}") for n in range(230)], "closed")
    rest = ids(found)
    assert [first.id, *rest] == [f"s{n:03}" for n in range(230)]
    last = node.faults.requests[-1]
    assert (last.method, last.path, last.status) == ("DELETE", "/_pit", 200)


def test_stream_left_early_closes_its_point(alerts: AlertIndices, node: Any) -> None:
    alerts.index([document(n) for n in range(5)])
    found = alerts.stream(page=2)
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert node.faults.requests[-1].method == "DELETE"


def test_stream_over_a_broken_line_says_so_at_once(alerts: AlertIndices, node: Any) -> None:
    alerts.index([document(n) for n in range(5)])
    found = alerts.stream(page=2)
    next(found), next(found)
    node.faults.arm(Fault(path="/_search", drop=True))
    with pytest.raises(kinds.ConnectionFailed):
        next(found)
    assert node.faults.requests[-1].path == "/_search"


def test_set_status_says_what_became_of_each(alerts: AlertIndices) -> None:
    nested = {"kibana.alert.uuid": "nested", "kibana": {"alert": {"workflow_status": "open"}}}
    refs = alerts.index([document(1), document(2, **{STATUS: "closed", REASON: "duplicate"}), nested])
    gone, nowhere = AlertRef(index=INDEX, id="gone"), AlertRef(index="nowhere", id="a1")
    report = alerts.set_status([*refs, gone, nowhere, refs[0]], "closed", reason="false_positive")
    assert report.changed == (refs[0],)
    assert report.unchanged == (refs[1],)
    assert report.missing == (gone, nowhere)
    assert report.without_status == (refs[2],)
    assert (report.conflicts, report.failed, report.complete) == ((), (), False)
    first, second = (alerts.get(ref.index, ref.id) for ref in refs[:2])
    assert first.field(REASON) == ["false_positive"]
    assert first.field("kibana.alert.workflow_status_updated_at") == ["2026-03-01T12:00:00.000Z"]
    assert second.field(REASON) == ["duplicate"]


def test_set_status_takes_alerts_and_clears_the_reason(alerts: AlertIndices) -> None:
    alerts.index([document(1, **{STATUS: "closed", REASON: "duplicate"})])
    report = alerts.set_status(alerts.find(), "open", refresh="wait_for")
    assert (len(report.changed), report.complete) == (1, True)
    (found,) = alerts.find()
    assert (found.status, found.field(REASON)) == ("open", [])


def test_set_status_never_overwrites_what_somebody_else_just_wrote(alerts: AlertIndices, node: Any) -> None:
    refs = alerts.index([document(1), document(2)])

    def analyst(seen: Seen) -> None:
        node.state.set_workflow_status([(INDEX, "a1")], "acknowledged")

    node.faults.arm(Fault(path="/_bulk", call=analyst))
    report = alerts.set_status(refs, "closed")
    assert (report.conflicts, report.changed) == ((refs[0],), (refs[1],))
    assert alerts.get(INDEX, "a1").status == "acknowledged"
    assert alerts.set_status(report.conflicts, "closed").changed == (refs[0],)


def test_set_status_in_batches(alerts: AlertIndices, node: Any) -> None:
    refs = alerts.index([document(n) for n in range(1100)])
    node.faults.forget()
    assert len(alerts.set_status(refs, "acknowledged").changed) == 1100
    assert [seen.path for seen in node.faults.requests] == ["/_mget", "/_bulk"] * 3
    node.faults.forget()
    assert len(alerts.set_status(refs, "acknowledged").unchanged) == 1100
    assert node.faults.requests[-1].path == "/_mget"
    assert alerts.set_status([], "open").complete


def test_an_alias_of_several_indices_is_a_failure_with_words(alerts: AlertIndices, node: Any) -> None:
    alerts.index([document(1)])
    node.state.indices.create(INDEX.replace("000001", "000002"))
    ref = AlertRef(index=".alerts-security.alerts-default", id="a1")
    (failure,) = alerts.set_status([ref], "closed").failed
    assert failure.ref == ref
    assert "more than one index" in failure.message


def test_bad_arguments_send_nothing(alerts: AlertIndices, node: Any) -> None:
    for status, reason in (("done", None), ("open", "x"), ("closed", "")):
        with pytest.raises(ValueError, match=r"status|reason"):
            alerts.set_status([AlertRef(index=INDEX, id="1")], status, reason=reason)
    with pytest.raises(ValueError, match="name an index"):
        alerts.find("")
    assert node.faults.requests == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"url": "http://u:secret@127.0.0.1:1"}, "credentials"), ({"url": "ftp://x"}, "Elasticsearch"),
        ({"username": "u"}, "username and password"), ({"password": "p"}, "username and password"),
        ({"username": "u", "password": "p", "api_key": "aWQ6a2V5"}, "not both"),
        ({"url": "https://x", "ca_certs": "/no/such/file"}, "no such file"),
    ],
)  # fmt: skip
def test_constructor_refuses(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        AlertIndices(**{"url": "http://127.0.0.1:1", **arguments})
    assert "secret" not in str(refused.value)


def test_unverified_tls_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    AlertIndices("https://es.example", verify=False).close()
    assert "es.example is NOT verified" in caplog.text


@pytest.mark.parametrize(
    ("fault", "kind", "sent"),
    [
        (Fault(status=403, body=b'{"error":{"type":"security_exception","reason":"no"},"status":403}',
               headers=(("X-elastic-product", "Elasticsearch"),)), kinds.PermissionDenied, None),
        (Fault(status=429, body=b"{}", headers=(("X-elastic-product", "Elasticsearch"),)), kinds.TooManyRequests, None),
        (Fault(status=503, body=b'{"error":"busy"}', headers=(("X-elastic-product", "Elasticsearch"),)),
         kinds.ServerError, None),
        (Fault(status=200, body=b'{"hits":', headers=(("X-elastic-product", "Elasticsearch"),)),
         kinds.InvalidAnswer, True),
        (Fault(status=200, body=b"<html>log in</html>", headers=(("content-type", "text/html"),)),
         kinds.InvalidAnswer, True),
        (Fault(drop=True), kinds.ConnectionFailed, True),
        (Fault(delay=1.5), kinds.RequestTimeout, True),
    ],
)  # fmt: skip
def test_failures_become_kibcase_errors(node: Any, fault: Fault, kind: type[Exception], sent: bool | None) -> None:
    with AlertIndices(node.url, username="elastic", password="changeme", timeout=0.5) as alerts:
        node.faults.arm(fault)
        with pytest.raises(kind) as failed:
            alerts.find(".alerts-*")
        assert "changeme" not in str(failed.value)
        assert getattr(failed.value, "sent", None) is (True if kind is kinds.ServerError else sent)
        assert len(node.faults.requests) == 1
        assert str(pickle.loads(pickle.dumps(failed.value))) == str(failed.value)


def test_nobody_listening_is_known_not_to_have_been_sent() -> None:
    with AlertIndices("http://127.0.0.1:1", timeout=2) as alerts:
        with pytest.raises(kinds.ConnectionFailed) as failed:
            alerts.find()
        assert failed.value.sent is False


def test_secrets_stay_secret(node: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    makers: list[Callable[[], AlertIndices]] = [
        lambda: AlertIndices(node.url, username="elastic", password="pa55phrase"),
        lambda: AlertIndices(node.url, api_key="cGE1NXBocmFzZTpr"),
    ]
    for make in makers:
        with make() as alerts:
            with pytest.raises(kinds.AuthenticationError) as failed:
                alerts.find(".alerts-*")
            texts = [repr(alerts), str(alerts), str(failed.value), repr(failed.value), repr(failed.value.__cause__)]
            texts += [str(vars(failed.value)), caplog.text]
            for secret in ("pa55phrase", "cGE1NXBocmFzZTpr", "ZWxhc3RpYzpwYTU1cGhyYXNl"):
                assert all(secret not in text for text in texts)


def test_importing_loads_no_extra_and_a_missing_one_names_the_command() -> None:
    script = (
        "import sys, kibcase, kibcase.alerts\n"
        "assert 'elasticsearch' not in sys.modules and 'elastic_transport' not in sys.modules\n"
        "sys.modules['elasticsearch'] = None\n"
        "try:\n"
        "    kibcase.alerts.AlertIndices('http://127.0.0.1:1')\n"
        "except kibcase.MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert "pip install 'kibcase[alerts]'" in done.stdout
