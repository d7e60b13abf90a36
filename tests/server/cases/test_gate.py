"""What every request passes: credentials, size, form, headers, route."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_no_credentials(server: Any) -> None:
    answer = requests.get(server.kibana_url + "/api/cases/_find", timeout=10)
    assert answer.json() == {"statusCode": 401, "error": "Unauthorized", "message": "Unauthorized"}
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize("credentials", ["elastic:wrong", "nobody:changeme"])
def test_wrong_password(server: Any, credentials: str) -> None:
    answer = requests.get(server.kibana_url + "/api/cases/_find", headers=basic(credentials), timeout=10)
    assert answer.status_code == 401
    name = credentials.split(":")[0]
    reason = f"unable to authenticate user [{name}] for REST request [/_security/_authenticate]"
    assert answer.json()["message"].endswith(reason)
    assert "wrong" not in answer.text


@pytest.mark.parametrize("header", ["ApiKey !!", "Bearer abc", "Basic", "ApiKey " + "x" * 4000])
def test_malformed_credentials(server: Any, header: str) -> None:
    answer = requests.get(server.kibana_url + "/api/cases/_find", headers={"authorization": header}, timeout=10)
    assert answer.status_code == 401


def test_default_user_and_api_keys(start: Any, make_case: Any) -> None:
    server = start(api_keys={"kid:ksecret": "noor"})
    key = base64.b64encode(b"kid:ksecret").decode()
    headers = {"authorization": f"ApiKey {key}", "kbn-xsrf": "1"}
    case = requests.post(server.kibana_url + "/api/cases", json=make_case(), headers=headers, timeout=10).json()
    assert case["created_by"] == {"username": "noor", "full_name": None, "email": None}
    other = base64.b64encode(b"kid:other").decode()
    headers["authorization"] = f"ApiKey {other}"
    assert requests.get(server.kibana_url + "/api/cases/tags", headers=headers, timeout=10).status_code == 401


def test_an_api_key_of_nobody_is_a_mistake(start: Any) -> None:
    with pytest.raises(ValueError, match="'ghost', who is not among the users"):
        start(api_keys={"kid:ksecret": "ghost"})
    with pytest.raises(ValueError, match="not of the form"):
        start(api_keys={"kid": "mara"})
    with pytest.raises(ValueError, match="not a stack version"):
        start(stack_version="nine")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_writes_need_the_xsrf_header(kibana: Any, method: str) -> None:
    del kibana.session.headers["kbn-xsrf"]
    message = kibana.refused(method, "/api/cases", 400, json={})
    assert message == "Request must contain a kbn-xsrf header."
    assert kibana.get("/api/cases/_find")["total"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nope"), ("GET", "/"), ("PUT", "/api/cases"), ("GET", "/api/cases/"),
        ("POST", "/api/cases/_find"), ("GET", "/api/cases/status/x/y"),
        ("GET", "/s/"), ("GET", "/s/default"),
    ],
)
def test_unknown_routes(kibana: Any, method: str, path: str) -> None:
    answer = kibana.send(method, path)
    assert (answer.status_code, answer.json()) == (
        404,
        {"statusCode": 404, "error": "Not Found", "message": "Not Found"},
    )


def test_internal_routes_are_restricted_on_9_only(connect: Any) -> None:
    nine, eight = connect(), connect(stack_version="8.18.0")
    for kibana in (nine, eight):
        del kibana.session.headers["x-elastic-internal-origin"]
    message = nine.refused("GET", "/internal/cases/categories", 400)
    assert message == (
        "uri [/internal/cases/categories] with method [get] exists but is not available with the current "
        "configuration"
    )
    assert nine.refused("GET", "/api/cases/x/resolve", 400).startswith("uri [/api/cases/x/resolve]")
    assert nine.get("/internal/cases/categories", elasticInternalOrigin="true") == []
    assert eight.get("/internal/cases/categories") == []


def test_bodies_above_one_mebibyte(kibana: Any, make_case: Any) -> None:
    message = kibana.refused("POST", "/api/cases", 413, json=make_case(description="x" * 1_048_576))
    assert message == "Payload content length greater than maximum allowed: 1048576"
    assert kibana.get("/api/cases/_find")["total"] == 0


@pytest.mark.parametrize(
    "data", [b"{", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}"]
)
def test_bodies_that_are_not_json(kibana: Any, data: bytes) -> None:
    headers = {"content-type": "application/json"}
    message = kibana.refused("POST", "/api/cases", 400, data=data, headers=headers)
    assert message == "Invalid request payload JSON format"


def test_bodies_of_another_kind(kibana: Any) -> None:
    headers = {"content-type": "text/plain"}
    assert kibana.refused("POST", "/api/cases", 415, data=b"x", headers=headers) == "Unsupported Media Type"
    message = kibana.refused("POST", "/api/cases", 400, json=[])
    assert message == "[request body]: expected a plain object value, but found [Array] instead."
    message = kibana.refused("POST", "/api/cases", 400)
    assert message == "[request body]: expected a plain object value, but found [null] instead."


def test_any_text_can_be_stored(kibana: Any) -> None:
    text = "héllo \u0000 \U0001f600 \u2028 ' \" ; DROP TABLE cases --"
    case = kibana.create(title=text, description=text)
    assert kibana.get(f"/api/cases/{case['id']}")["title"] == text
    raw = b'{"title": "a\\ud800b", "description": "d", "tags": [], "owner": "cases", "settings": {"syncAlerts": true},'
    raw += b'"connector": {"id": "none", "name": "none", "type": ".none", "fields": null}}'
    answer = kibana.send("POST", "/api/cases", data=raw, headers={"content-type": "application/json"})
    assert answer.json()["title"] == "a\ufffdb"


def test_status_tells_strangers_less(kibana: Any) -> None:
    stranger = requests.get(kibana.base + "/api/status", timeout=10).json()
    assert stranger == {"status": {"overall": {"level": "available"}}}
    known = kibana.get("/api/status")
    assert (known["version"]["number"], known["version"]["build_flavor"]) == ("9.2.0", "traditional")
    assert known["status"]["overall"]["level"] == "available"


def test_licence(connect: Any) -> None:
    licence = connect(license="basic").get("/api/licensing/info")["license"]
    assert (licence["type"], licence["status"], "expiryDateInMillis" in licence) == ("basic", "active", False)
    assert connect().get("/api/licensing/info")["license"]["expiryDateInMillis"] == 1743422400000


def test_requests_are_recorded(kibana: Any) -> None:
    kibana.create()
    (seen,) = kibana.server.kibana.writes
    assert (seen.method, seen.path, seen.status) == ("POST", "/api/cases", 200)


def test_head_is_get_without_a_body(kibana: Any) -> None:
    answer = kibana.send("HEAD", "/api/cases/_find")
    assert (answer.status_code, answer.content) == (200, b"")
