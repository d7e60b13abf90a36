from __future__ import annotations

import base64
import logging
import traceback
from typing import Any

import pytest
import requests
import responses

from kibcase import ApiKeyAuth, BasicAuth, Kibana, KibcaseError, Policy, Transport

URL = "http://kibana.test:5601"
PASSWORD = "s3cr3t-pa55word"
KEY = "VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw"
ENCODED = base64.b64encode(KEY.encode()).decode()
SECRETS = [PASSWORD, base64.b64encode(f"elastic:{PASSWORD}".encode()).decode(), ENCODED, KEY, KEY.split(":")[1]]

CLIENTS = {
    "basic": lambda: Kibana(URL, username="elastic", password=PASSWORD, proxies={}, retry=Policy(base=0)),
    "encoded key": lambda: Kibana(URL, api_key=ENCODED, proxies={}, retry=Policy(base=0)),
    "key pair": lambda: Kibana(URL, api_key=(KEY.split(":")[0], KEY.split(":")[1]), proxies={}, retry=Policy(base=0)),
}
FAILURES: list[dict[str, Any]] = [
    {"status": 401, "json": {"message": "[security_exception]: unable to authenticate user [elastic]"}},
    {"status": 403, "json": {"message": "no"}},
    {"status": 503, "body": "starting"},
    {"body": "<html>", "content_type": "text/html"},
    {"body": "{", "content_type": "application/json"},
    {"body": requests.ConnectionError("broken")},
    {"status": 302, "headers": {"Location": "http://elsewhere.test/"}},
]


def assert_clean(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text


@pytest.mark.parametrize("failure", FAILURES, ids=str)
@pytest.mark.parametrize("client", CLIENTS.values(), ids=list(CLIENTS))
def test_no_secret_in_an_error_or_a_log(
    client: Any, failure: dict[str, Any], remote: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    remote.get(f"{URL}/api/cases/_find", **failure)
    kibana: Kibana = client()
    with pytest.raises(KibcaseError) as caught:
        kibana.cases.find(search="find-me")
    error = caught.value
    assert_clean(str(error) + repr(error) + repr(error.__dict__) + "".join(traceback.format_exception(error)))
    assert "find-me" not in str(error)
    for record in caplog.records:
        assert_clean(record.getMessage() + repr(record.__dict__))


def test_a_network_error_holds_no_request(remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", body=requests.ConnectionError("broken"))
    with pytest.raises(KibcaseError) as caught:
        Kibana(URL, username="elastic", password=PASSWORD, proxies={}, retry=Policy(attempts=1)).status.get()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("client", CLIENTS.values(), ids=list(CLIENTS))
def test_no_secret_in_a_repr(client: Any) -> None:
    kibana: Kibana = client()
    assert repr(kibana) == f"Kibana('{URL}', space='default')"
    for part in (kibana, kibana.cases, kibana.status, *vars(kibana).values()):
        assert_clean(repr(part) + str(part))


def test_credentials_hide_themselves() -> None:
    name, key = KEY.split(":")
    basic = BasicAuth("elastic", PASSWORD)
    assert [repr(basic), repr(ApiKeyAuth(ENCODED)), repr(ApiKeyAuth(id=name, key=key))] == [
        "BasicAuth(username='elastic')", "ApiKeyAuth()", "ApiKeyAuth()",
    ]
    assert_clean(repr(Transport(URL, auth=basic, proxies={})))


@pytest.mark.parametrize(
    "wrong",
    [{"username": "elastic"}, {"password": PASSWORD}, {"api_key": ENCODED, "password": PASSWORD},
     {"api_key": f"ApiKey {ENCODED}"}, {"api_key": ("", KEY)}],
    ids=["no password", "no name", "both", "prefix", "no id"],
)
def test_unusable_credentials_are_refused_without_being_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"give|needs|base64") as caught:
        Kibana(URL, **wrong)
    assert_clean(str(caught.value))
