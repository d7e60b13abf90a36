"""Who is asking, as ``GET /internal/security/me`` tells it."""

from __future__ import annotations

import base64
from typing import Any

import requests

ME = "/internal/security/me"


def test_the_built_in_user(server: Any) -> None:
    headers = {"x-elastic-internal-origin": "test"}
    told = requests.get(server.kibana_url + ME, auth=("elastic", "changeme"), headers=headers, timeout=10).json()
    realm = {"name": "reserved", "type": "reserved"}
    assert told == {
        "username": "elastic", "full_name": None, "email": None, "roles": ["superuser"], "enabled": True,
        "metadata": {"_reserved": True}, "authentication_realm": realm, "lookup_realm": realm,
        "authentication_provider": {"type": "http", "name": "__http__"}, "authentication_type": "realm",
        "elastic_cloud_user": False,
    }


def test_another_user(kibana: Any, mara: Any) -> None:
    told = kibana.get(ME)
    assert {name: told[name] for name in mara} == mara
    assert told["metadata"] == {}
    assert told["authentication_realm"] == told["lookup_realm"] == {"name": "default_native", "type": "native"}
    kibana.base += "/s/default"
    assert kibana.get(ME) == told


def test_an_api_key(start: Any) -> None:
    server = start(api_keys={"kid:k:secret": "mara"})
    key = base64.b64encode(b"kid:k:secret").decode()
    headers = {"authorization": f"apikey  {key}", "x-elastic-internal-origin": "test"}
    answer = requests.get(server.kibana_url + ME, headers=headers, timeout=10)
    told = answer.json()
    assert (told["username"], told["full_name"], told["roles"]) == ("mara", "Mara Lindqvist", [])
    assert (told["authentication_type"], told["api_key"]) == ("api_key", {"id": "kid", "name": "kid"})
    assert told["authentication_realm"] == {"name": "_es_api_key", "type": "_es_api_key"}
    assert "secret" not in answer.text


def test_it_is_internal_and_asks_for_credentials(kibana: Any, connect: Any) -> None:
    assert requests.get(kibana.base + ME, headers={"x-elastic-internal-origin": "t"}, timeout=10).status_code == 401
    kibana.session.auth = ("mara", "wrong")
    assert "unable to authenticate user [mara]" in kibana.refused("GET", ME, 401)
    kibana.session.auth = ("mara", "secret")
    del kibana.session.headers["x-elastic-internal-origin"]
    assert kibana.refused("GET", ME, 400).startswith(f"uri [{ME}] with method [get] exists")
    eight = connect(stack_version="8.18.0")
    del eight.session.headers["x-elastic-internal-origin"]
    assert eight.get(ME)["username"] == "mara"
