"""Kibana counts and trims as JavaScript does."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer

HEADERS = {"kbn-xsrf": "true"}
AUTH = ("elastic", "changeme")


def create(server: CasesServer, **fields: Any) -> requests.Response:
    body = {
        "title": "Beacon", "description": "Seen by EDR.", "tags": [], "owner": "securitySolution",
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None}, "settings": {"syncAlerts": True},
    }
    return requests.post(
        f"{server.kibana_url}/api/cases", json=body | fields, headers=HEADERS, auth=AUTH, timeout=10
    )


@pytest.mark.parametrize(
    "fields", [{"title": "\U0001f600" * 100}, {"description": "\U0001f600" * 20_000}, {"tags": ["\U0001f600" * 200]}]
)
def test_a_character_beyond_the_basic_plane_counts_twice(fields: dict[str, Any]) -> None:
    with CasesServer() as server:
        answer = create(server, **fields)
        assert answer.status_code == 400
        assert "is too long. The maximum length is" in answer.json()["message"]


def test_a_byte_order_mark_is_white_space_and_a_separator_is_not() -> None:
    with CasesServer() as server:
        assert create(server, title="\ufeff").status_code == 400
        assert create(server, title="\ufeffhello\ufeff").json()["title"] == "hello"
        assert create(server, title="\x1c").status_code == 200
