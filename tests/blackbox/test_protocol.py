"""What every call has in common."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_version_is_told(kibana: Any) -> None:
    told = kibana.target.outside("GET", "/api/status").json()
    assert told["status"]["overall"]["level"] in ("available", "degraded")
    assert told["version"]["build_flavor"] in ("traditional", "serverless")


def test_a_write_needs_a_header(kibana: Any) -> None:
    message = kibana.refused(400, "POST", "/api/cases", kibana.body(), headers={"kbn-xsrf": None})
    assert "kbn-xsrf" in message


def test_a_read_needs_none(kibana: Any) -> None:
    assert kibana.send("GET", "/api/cases/_find", headers={"kbn-xsrf": None}).status_code == 200


def test_the_public_version_header_does_no_harm(kibana: Any) -> None:
    assert kibana.send("GET", "/api/cases/_find", headers={"elastic-api-version": "2023-10-31"}).status_code == 200


def test_nobody_is_let_in_without_credentials(kibana: Any) -> None:
    response = kibana.send("GET", "/api/cases/_find", auth=("nobody", "wrong"), headers={"authorization": None})
    assert response.status_code == 401


def test_an_unknown_route_is_not_found(kibana: Any) -> None:
    assert "Not Found" in kibana.refused(404, "GET", "/api/cases/of/no/kind")


def test_half_a_body_is_refused(kibana: Any) -> None:
    headers = {"content-type": "application/json"}
    assert kibana.send("POST", "/api/cases", data='{"title": "x', headers=headers).status_code == 400


def test_internal_routes_want_to_know_where_a_call_comes_from(kibana: Any) -> None:
    response = kibana.send(
        "POST", "/internal/cases/_bulk_get", json={"ids": ["x"]}, headers={"x-elastic-internal-origin": None}
    )
    assert response.status_code == (200 if kibana.release < (9, 0) else 400)


@pytest.mark.parametrize("path", ["/api/cases/status", "/api/cases/{id}/comments", "/api/cases/{id}/user_actions"])
def test_deprecated_reads(kibana: Any, path: str) -> None:
    case = kibana.create()
    response = kibana.send("GET", path.format(id=case["id"]))
    if kibana.release < (9, 0):
        assert response.status_code == 200
        assert "Deprecated endpoint" in response.headers["warning"]
    else:
        assert response.status_code == 404
