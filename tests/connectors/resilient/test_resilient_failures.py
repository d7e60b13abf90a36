"""What odd answers and broken connections mean, and that no secret gets out."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses

from kibcase.server.faults import Fault
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
from kibcase_connectors.resilient import ResilientConfig, client
from kibcase_connectors.resilient.failures import Answer, retry_after
from kibcase_connectors.resilient.rest import ResilientRest
from kibcase_connectors.resilient.values import Edit
from kibcase_connectors.resilient.wire import FieldDef

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench

URL = "https://soar.example.com"
ORG = f"{URL}/rest/orgs/201"
HTML = "<html><title>Maintenance</title><body>upgrade</body></html>"
SECRET = "s3cr3t-0f-the-k3y"
SESSION = {"orgs": [{"id": 201, "name": "Org", "enabled": True}], "user_id": None, "api_key_handle": 5}


@pytest.fixture
def server() -> Any:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(f"{URL}/rest/session", json=SESSION)
        yield mock


def rest(**more: Any) -> ResilientRest:
    config = ResilientConfig(url=URL, org=201, api_key_id="id", api_key_secret=SECRET, **more)
    return ResilientRest("soar", config, lambda: datetime.now(UTC))


def read() -> None:
    rest().incident("7")


def write() -> None:
    rest().create({"name": "x"})


ANSWERS: list[tuple[dict[str, Any], type[ConnectorError], type[ConnectorError]]] = [
    ({"status": 400, "json": {"success": False, "message": "Bad Request"}}, Refused, Refused),
    ({"status": 401, "json": {"success": False, "message": "Unauthorized"}}, Denied, Denied),
    ({"status": 403, "json": {"success": False, "message": "Forbidden"}}, Refused, Refused),
    ({"status": 404, "json": {"success": False, "message": "Not Found"}}, NotFound, NotFound),
    ({"status": 404, "body": HTML}, Unavailable, Unavailable),
    ({"status": 409, "json": {"success": False, "message": "Conflict"}}, Conflict, Conflict),
    ({"status": 413, "body": HTML}, Refused, Refused),
    ({"status": 429}, Throttled, Throttled),
    ({"status": 429, "headers": {"Retry-After": "0.5"}}, Throttled, Throttled),
    ({"status": 500, "json": {"success": False, "message": "Oops"}}, Unavailable, OutcomeUnknown),
    ({"status": 502, "body": HTML}, Unavailable, OutcomeUnknown),
    ({"status": 503, "body": HTML}, Unavailable, OutcomeUnknown),
    ({"status": 503, "body": HTML, "headers": {"Retry-After": "0"}}, Unavailable, OutcomeUnknown),
    ({"status": 503, "body": HTML, "headers": {"Retry-After": "30"}}, Throttled, Throttled),
    ({"status": 200, "body": HTML}, Unavailable, OutcomeUnknown),
    ({"status": 200, "body": ""}, Unavailable, OutcomeUnknown),
    ({"status": 200, "body": '{"id": 7, "vers"'}, Unavailable, OutcomeUnknown),
    ({"status": 200, "body": "null"}, Unavailable, OutcomeUnknown),
    ({"status": 200, "body": "[" * 100_000}, Unavailable, OutcomeUnknown),
    ({"status": 400, "body": "[" * 100_000}, Refused, Refused),
    ({"status": 200, "json": ["a"]}, Unavailable, OutcomeUnknown),
    ({"status": 200, "json": {"id": "x"}}, Unavailable, OutcomeUnknown),
    ({"status": 302, "headers": {"Location": f"{URL}/login"}}, Unavailable, Unavailable),
    ({"body": requests.ConnectTimeout()}, Unavailable, Unavailable),
    ({"body": requests.exceptions.ProxyError()}, Unavailable, Unavailable),
    ({"body": requests.ReadTimeout()}, Unavailable, OutcomeUnknown),
    ({"body": requests.ConnectionError()}, Unavailable, OutcomeUnknown),
    ({"body": requests.exceptions.ChunkedEncodingError()}, Unavailable, OutcomeUnknown),
]


@pytest.mark.parametrize(("given", "reading", "writing"), ANSWERS)
def test_what_an_answer_means(
    server: Any, given: dict[str, Any], reading: type[ConnectorError], writing: type[ConnectorError]
) -> None:
    server.get(f"{ORG}/incidents/7", **given)
    server.post(f"{ORG}/incidents", **given)
    for deed, expected in ((read, reading), (write, writing)):
        with pytest.raises(ConnectorError) as caught:
            deed()
        assert type(caught.value) is expected
        assert len(str(caught.value)) < 900


def test_each_request_is_sent_once(server: Any) -> None:
    server.post(f"{ORG}/incidents", status=503, body=HTML)
    with pytest.raises(OutcomeUnknown):
        write()
    assert len([call for call in server.calls if call.request.method == "POST"]) == 1


def test_after_the_first_401_nothing_is_sent_any_more(bench: Bench) -> None:
    ticket = bench.ticket()
    wrong = bench.connect(api_key_secret="wrong")
    for _ in range(10):
        with pytest.raises(Denied, match="nothing more is sent"):
            wrong.read(ticket.key)
        with pytest.raises(Denied):
            wrong.changes(None)
    wrong.close()
    with pytest.raises(Denied):
        wrong.find("kibcase-x")
    assert len(bench.soar.faults.requests) == 1
    # The key was not locked.
    assert bench.connector.read(ticket.key).key == ticket.key


def test_a_right_without_which_nothing_works_is_one_of_the_connection(server: Any) -> None:
    server.post(f"{ORG}/incidents/query_paged", status=403, json={"success": False, "message": "Forbidden"})
    with pytest.raises(Denied, match="Forbidden"):
        rest().query("looking", [])


def test_an_organisation_that_is_closed_to_us(server: Any) -> None:
    server.replace(
        responses.GET, f"{URL}/rest/session", json={"orgs": [{"id": 201, "name": "Org", "enabled": False}]}
    )
    with pytest.raises(Denied, match="no organisation"):
        read()


def test_odd_answers_to_queries(server: Any) -> None:
    odd: tuple[dict[str, Any], ...] = ({"data": {}}, {"data": [{"id": 1}]}, {}, {"data": None})
    for body in odd:
        server.post(f"{ORG}/incidents/query_paged", json=body)
        with pytest.raises(Unavailable):
            rest().query("looking", [])
    server.post(f"{ORG}/incidents/query_paged", json={"data": [], "recordsFiltered": "many"})
    assert rest().query("looking", []).total is None


def test_a_change_names_the_version_and_both_values_each_with_its_type(server: Any) -> None:
    server.patch(f"{ORG}/incidents/7", json={"success": True})

    def edit(kind: str, old: Any, new: Any, *, name: str = "x", custom: bool = False) -> Edit:
        return Edit(field=FieldDef(name=name, text="X", input_type=kind, custom=custom), old=old, new=new)

    rich = {"format": "html", "content": "<p>a</p>"}
    rest().patch("7", 3, [
        edit("text", None, "a", name="mine", custom=True), edit("textarea", None, rich), edit("select", 4, {"id": 6}),
        edit("multiselect", [1], [{"id": 1}, {"id": 2}]), edit("boolean", None, True), edit("select", "A", "C"),
        edit("select_owner", 3, {"name": "Team"}), edit("datetimepicker", 1, 2), edit("number", 1, 2),
        edit("multiselect_members", None, [{"name": "Team"}]),
    ])
    body = json.loads(server.calls[-1].request.body)
    assert body["version"] == 3
    assert [change["field"]["name"] for change in body["changes"]] == ["mine"] + ["x"] * 9
    assert [(change["old_value"], change["new_value"]) for change in body["changes"]] == [
        ({"text": None}, {"text": "a"}), ({"textarea": None}, {"textarea": rich}), ({"id": 4}, {"id": 6}),
        ({"ids": [1]}, {"ids": [1, 2]}), ({"boolean": None}, {"boolean": True}), ({"object": "A"}, {"object": "C"}),
        ({"id": 3}, {"object": {"name": "Team"}}), ({"date": 1}, {"date": 2}), ({"object": 1}, {"object": 2}),
        ({"ids": []}, {"object": [{"name": "Team"}]}),
    ]


def test_ids_may_come_as_text(server: Any) -> None:
    server.get(f"{ORG}/incidents/7", json={"id": "7", "vers": 1, "create_date": 5, "properties": {}})
    assert rest().incident("7").id == 7


def test_maintenance_ends_by_itself(bench: Bench) -> None:
    ticket = bench.ticket()
    for status in (503, 200):
        bench.soar.start_maintenance(status)
        with pytest.raises(Unavailable):
            bench.connector.read(ticket.key)
    bench.soar.end_maintenance()
    assert bench.connector.read(ticket.key).key == ticket.key


def test_nothing_is_gone_because_a_proxy_knows_no_way(bench: Bench) -> None:
    ticket = bench.ticket()
    cursor = bench.connector.changes(None).cursor
    bench.soar.start_maintenance(404)
    with pytest.raises(Unavailable):
        bench.connector.read(ticket.key)
    with pytest.raises(Unavailable):
        bench.connector.changes(cursor)
    bench.connector.close()
    with pytest.raises(Unavailable):
        bench.connector.read(ticket.key)


@pytest.mark.parametrize("status", [429, 503])
def test_a_rate_limit_says_when_to_come_back(bench: Bench, status: Any) -> None:
    ticket = bench.ticket()
    bench.soar.limit_rate(0 + 1, seconds=60.0, status=status)
    bench.connector.close()
    with pytest.raises(Throttled) as throttled:
        bench.connector.read(ticket.key)
    assert throttled.value.retry_after == 60.0


def test_a_slow_platform(bench: Bench) -> None:
    ticket = bench.ticket()
    hasty = bench.connect(timeout=(5.0, 0.2))
    bench.soar.faults.arm(Fault(method="GET", path=".*/incidents/.*", delay=2.0))
    with pytest.raises(Unavailable, match="no answer in time"):
        hasty.read(ticket.key)


def test_a_platform_that_is_not_there() -> None:
    config = ResilientConfig(url="http://127.0.0.1:9", org=201, api_key_id="id", api_key_secret=SECRET)
    alone = ResilientRest("soar", config, lambda: datetime.now(UTC))
    with pytest.raises(Unavailable):
        alone.create({"name": "x"})


def test_answers_have_a_largest_size(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_BYTES", 1000)
    server.get(f"{ORG}/incidents/7", body=b"x" * 5000)
    with pytest.raises(Unavailable):
        read()


def test_no_cookie_is_kept_and_no_redirect_followed(server: Any) -> None:
    server.get(f"{ORG}/incidents/7", status=302, headers={"Location": "https://evil.example.com/"})
    server.replace(
        responses.GET, f"{URL}/rest/session", json=SESSION, headers={"Set-Cookie": "JSESSIONID=abc; Path=/"}
    )
    with pytest.raises(Unavailable, match="log-in page"):
        read()
    assert [call.request.url.partition("?")[0] for call in server.calls] == [
        f"{URL}/rest/session", f"{ORG}/incidents/7"
    ]
    assert "Cookie" not in server.calls[-1].request.headers


def test_the_environment_does_not_replace_the_key(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine soar.example.com login other password other\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    rest().org()
    assert server.calls[0].request.headers["Authorization"].startswith("Basic aWQ6")


def test_tls_and_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    session = rest()._connected()
    assert (session.verify, session.trust_env) == (True, False)
    assert session.proxies == {"https": "http://proxy.example.com:3128"}
    bundle = tmp_path / "ca.pem"
    assert rest(verify=bundle)._connected().verify == str(bundle)
    assert rest(verify=False)._connected().verify is False
    monkeypatch.setenv("CURL_CA_BUNDLE", "/ca.pem")
    assert rest()._connected().verify == "/ca.pem"


@pytest.mark.parametrize("given", [answer for answer, _, _ in ANSWERS])
def test_no_secret_gets_out(
    server: Any, given: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.get(f"{ORG}/incidents/7", **given)
    connection = rest()
    with pytest.raises(ConnectorError) as caught:
        connection.incident("7")
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(connection))
    for hidden in (SECRET, "aWQ6"):
        assert hidden not in told + caplog.text + repr(pickle.dumps(caught.value))


@pytest.mark.parametrize(("text", "seconds"), [
    ("120", 120.0), ("1.5", 1.5), ("-3", None), ("", None), ("soon", None), ("nan", None), ("inf", None),
    ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0), ("Sun, 06 Nov 1994 08:00:00 GMT", None),
])
def test_retry_after(text: str, seconds: float | None) -> None:
    headers = {"retry-after": text, "date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    assert retry_after(Answer(status=429, headers=headers, content=b"")) == seconds

