from __future__ import annotations

import logging
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import responses

from kibcase import (
    ApiKeyAuth,
    BadRequestError,
    BasicAuth,
    EndpointNotFound,
    InvalidAnswer,
    NotFoundError,
    Policy,
    Request,
    ServerError,
    TooManyRequests,
    Transport,
)
from kibcase.address import segment

URL = "http://kibana.test:5601"
GET = Request(method="GET", path="/api/cases/x")
POST = Request(method="POST", path="/api/cases", json={"title": "t"})


def sent(remote: responses.RequestsMock, number: int = 0) -> Any:
    return remote.calls[number].request


def test_headers_of_a_read(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/x", json={})
    transport.send(GET)
    headers = sent(remote).headers
    assert headers["Authorization"].startswith("Basic ")
    assert "kbn-xsrf" not in headers
    assert "x-elastic-internal-origin" not in headers
    assert "Content-Type" not in headers


def test_headers_of_a_write_to_an_internal_route(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/internal/x", json={})
    transport.send(Request(method="POST", path="/internal/x", json={"a": "ü"}, internal=True))
    headers = sent(remote).headers
    assert headers["kbn-xsrf"] == "true"
    assert headers["x-elastic-internal-origin"] == "Kibana"
    assert headers["Content-Type"] == "application/json"
    assert sent(remote).body == b'{"a":"\\u00fc"}'


def test_bytes_are_sent_as_they_are(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/x", json={})
    transport.send(Request(method="POST", path="/x", body=b"raw", content_type="text/x"))
    assert (sent(remote).body, sent(remote).headers["Content-Type"]) == (b"raw", "text/x")


def test_spaces_and_base_paths(remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/kbn/s/soc/api/cases/x", json={})
    remote.get(f"{URL}/kbn/api/cases/x", json={})
    way = Transport(f"{URL}/kbn/", auth=None, space="soc", proxies={})
    way.send(GET)
    way.for_space("default").send(GET)
    assert "Authorization" not in sent(remote).headers


def test_the_date_of_the_server(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/x", json={}, headers={"Date": "Wed, 01 May 2024 12:00:00 GMT"})
    remote.get(f"{URL}/api/cases/x", json={}, headers={"Date": "yesterday"})
    assert transport.send(GET).date == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert transport.send(GET).date is None


def test_a_login_page_is_no_answer(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/x", body="<html>log in</html>", content_type="text/html; charset=utf-8")
    with pytest.raises(InvalidAnswer, match=r"GET /api/cases/x: expected JSON, got text/html") as caught:
        transport.send(GET)
    assert (caught.value.status, caught.value.sent) == (200, True)


def test_a_redirect_is_not_followed(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/api/cases", status=302, headers={"Location": "https://idp.test/login?token=abc"})
    with pytest.raises(InvalidAnswer, match=r"redirected \(302\) to idp\.test/login") as caught:
        transport.send(POST)
    assert "abc" not in str(caught.value)


def test_broken_json_is_no_answer(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/x", body='{"id": "c', content_type="application/json")
    with pytest.raises(InvalidAnswer, match="not valid JSON"):
        transport.send(GET).json()


def test_an_answer_may_not_be_endless(remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/x", body=b"[" + b" " * 1000 + b"]", content_type="application/json")
    way = Transport(URL, auth=None, proxies={}, max_answer_bytes=1001)
    with pytest.raises(InvalidAnswer, match="exceeds 1001 bytes"):
        way.send(GET)
    remote.replace(responses.GET, f"{URL}/api/cases/x", body=b"[" + b" " * 999 + b"]", content_type="application/json")
    assert way.send(GET).json() == []


def test_plain_text_while_kibana_starts(transport: Transport, remote: responses.RequestsMock, time: Any) -> None:
    remote.get(f"{URL}/api/cases/x", status=503, body="Kibana server is not ready yet", content_type="text/plain")
    with pytest.raises(ServerError, match="Kibana said: Kibana server is not ready yet") as caught:
        transport.send(GET)
    assert caught.value.body == "Kibana server is not ready yet"
    assert time.slept == [0.5, 1.0, 2.0]
    assert len(remote.calls) == 4


@pytest.mark.parametrize(
    ("header", "seconds"), [("2", 2.0), ("0.75", 0.75), ("Wed, 01 May 2024 12:00:09 GMT", 9.0)]
)
def test_retry_after_is_kept_to(
    transport: Transport, remote: responses.RequestsMock, time: Any, header: str, seconds: float
) -> None:
    headers = {"Retry-After": header, "Date": "Wed, 01 May 2024 12:00:00 GMT"}
    remote.get(f"{URL}/api/cases/x", status=429, json={"message": "slow down"}, headers=headers)
    remote.get(f"{URL}/api/cases/x", json={"ok": True})
    assert transport.send(GET).json() == {"ok": True}
    assert time.slept == [seconds]


def test_a_wait_that_is_too_long_is_left_to_the_caller(
    transport: Transport, remote: responses.RequestsMock, time: Any
) -> None:
    remote.get(f"{URL}/api/cases/x", status=429, json={"message": "slow"}, headers={"Retry-After": "3600"})
    with pytest.raises(TooManyRequests) as caught:
        transport.send(GET)
    assert caught.value.retry_after == 3600
    assert time.slept == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_write_is_never_repeated(
    transport: Transport, remote: responses.RequestsMock, time: Any, status: int
) -> None:
    remote.post(f"{URL}/api/cases", status=status, json={"message": "later"})
    with pytest.raises((TooManyRequests, ServerError)):
        transport.send(POST)
    assert len(remote.calls) == 1
    assert time.slept == []


def test_a_write_marked_harmless_is_repeated(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.post(f"{URL}/x", status=503, json={})
    remote.post(f"{URL}/x", json={"ok": True})
    assert transport.send(Request(method="POST", path="/x", json={}, idempotent=True)).json() == {"ok": True}


def test_a_missing_endpoint_is_not_a_missing_object(transport: Transport, remote: responses.RequestsMock) -> None:
    body = {"statusCode": 404, "error": "Not Found", "message": "Not Found"}
    remote.get(f"{URL}/api/cases/x", status=404, json=body)
    remote.get(f"{URL}/api/cases/x", status=404, json={**body, "message": "Saved object [cases/x] not found"})
    with pytest.raises(EndpointNotFound):
        transport.send(GET)
    with pytest.raises(NotFoundError) as caught:
        transport.send(GET)
    assert not isinstance(caught.value, EndpointNotFound)
    assert caught.value.body["message"] == caught.value.message


@pytest.mark.parametrize(
    ("body", "message"),
    [(b'{"message": "m", "error": "e"}', "m"), (b'{"error": "e"}', "e"), (b"[1]", "[1]"), (b"", ""),
     (b"\xff\xfe", "\ufffd\ufffd"), (b'{"message": {"deep": 1}}', '{"deep": 1}'), (b"null", "null")],
)
def test_errors_are_read_leniently(
    transport: Transport, remote: responses.RequestsMock, body: bytes, message: str
) -> None:
    remote.get(f"{URL}/api/cases/x", status=400, body=body)
    with pytest.raises(BadRequestError) as caught:
        transport.send(GET)
    assert caught.value.message == message


def test_an_error_status_can_be_an_answer(transport: Transport, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/x", status=503, json={"a": 1})
    assert transport.send(Request(method="GET", path="/x", accept=frozenset({503}))).json() == {"a": 1}


def test_the_environment_is_read_once_and_netrc_never(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, remote: responses.RequestsMock
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine kibana.test login root password toor\n")
    monkeypatch.setenv("NETRC", str(netrc))
    remote.get(f"{URL}/api/cases/x", json={})
    Transport(URL, auth=None, proxies={}).send(GET)
    assert "Authorization" not in sent(remote).headers


def test_proxies_come_from_the_environment_unless_given(
    monkeypatch: pytest.MonkeyPatch, remote: responses.RequestsMock
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "inside.test")
    remote.get(f"{URL}/api/cases/x", json={})
    remote.get("http://inside.test/api/cases/x", json={})
    Transport(URL, auth=None).send(GET)
    Transport(URL, auth=None, proxies={}).send(GET)
    Transport("http://inside.test", auth=None).send(GET)
    assert [call.request.req_kwargs["proxies"] for call in remote.calls] == [  # type: ignore[attr-defined]
        {"http": "http://proxy.test:3128"}, {}, {},
    ]


def test_a_ca_file_comes_from_the_environment_or_the_caller(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, remote: responses.RequestsMock
) -> None:
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    ours.touch()
    theirs.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(theirs))
    remote.get("https://kibana.test/api/cases/x", json={})
    Transport("https://kibana.test", auth=None, proxies={}).send(GET)
    Transport("https://kibana.test", auth=None, proxies={}, verify=ours).send(GET)
    verified = [call.request.req_kwargs["verify"] for call in remote.calls]  # type: ignore[attr-defined]
    assert verified == [str(theirs), str(ours)]


def test_missing_certificate_files_are_noticed_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pem"):
        Transport(URL, auth=None, verify=tmp_path / "nowhere.pem")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pem"):
        Transport(URL, auth=None, client_cert=str(tmp_path / "nowhere.pem"))


def test_unverified_tls_is_said_once_and_loudly(caplog: pytest.LogCaptureFixture) -> None:
    from urllib3.exceptions import InsecureRequestWarning

    way = Transport("https://kibana.test", auth=None, verify=False, proxies={})
    way.for_space("soc")
    loud = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in loud] == [
        "TLS of kibana.test is NOT verified: anybody on the way can read and change the traffic"
    ]
    text = "Unverified HTTPS request is being made to host '{}'. Adding certificate verification"
    warnings.warn(text.format("kibana.test"), InsecureRequestWarning, stacklevel=1)
    with pytest.warns(InsecureRequestWarning):
        warnings.warn(text.format("other.test"), InsecureRequestWarning, stacklevel=1)


@pytest.mark.parametrize(
    "url",
    ["kibana:5601", "ftp://kibana", "http://", "http://kibana?x=1", "http://kibana/#a", "http://k:port", "",
     "http://user:hunter2@kibana", "http://[::1"],
)
def test_unusable_addresses(url: str) -> None:
    with pytest.raises(ValueError, match="URL of Kibana") as caught:
        Transport(url, auth=None)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("space", ["", "SOC", "a/b", "..", "a b"])
def test_unusable_spaces(space: str) -> None:
    with pytest.raises(ValueError, match="space id"):
        Transport(URL, auth=None, space=space)


def test_unusable_timeouts() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Transport(URL, auth=None, timeout=(0, 1))


def test_segments_cannot_leave_their_place() -> None:
    assert segment("a/../b?c#d e") == "a%2F..%2Fb%3Fc%23d%20e"
    for wrong in ("", ".", ".."):
        with pytest.raises(ValueError, match="not an id"):
            segment(wrong)


def test_credentials_are_checked() -> None:
    assert ApiKeyAuth(id="i", key="k").header() == ApiKeyAuth("aTpr").header() == "ApiKey aTpr"
    assert ApiKeyAuth("aTpr\n").header() == "ApiKey aTpr"
    assert BasicAuth("mara", "pässwörd").header() == "Basic bWFyYTpww6Rzc3fDtnJk"
    both = {"encoded": "a", "id": "i", "key": "k"}
    for wrong in ({"encoded": "ApiKey aTpr"}, {"encoded": "a\r\nb"}, {"id": "i"}, {}, both):
        with pytest.raises(ValueError, match="API key"):
            ApiKeyAuth(**wrong)
    with pytest.raises(ValueError, match="colon"):
        BasicAuth("a:b", "c")


def test_a_policy_can_forbid_repeating(remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/x", status=503, json={})
    with pytest.raises(ServerError):
        Transport(URL, auth=None, proxies={}, retry=Policy(attempts=1)).send(GET)
    assert len(remote.calls) == 1
