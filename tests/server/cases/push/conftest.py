"""Connectors, and external systems to push to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pytest

from kibcase.server.threaded import ServerThread
from kibcase_connectors.standins.jira import JiraStandin

Json = dict[str, Any]
Answers = Callable[["Seen"], Any]


@dataclass(frozen=True)
class Seen:
    """A request that a remote got."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Remote:
    """An external system over real HTTP; ``answers`` gives JSON values, or a status with them."""

    answers: Answers
    seen: list[Seen] = field(default_factory=list)
    url: str = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raw = b""
        more = True
        while more:
            message = await receive()
            raw += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen = Seen(
            scope["method"], scope["path"], dict(parse_qsl(scope["query_string"].decode())), headers,
            json.loads(raw) if raw else None,
        )
        self.seen.append(seen)
        answer = self.answers(seen)
        status, value = answer if isinstance(answer, tuple) else (200, answer)
        kind = b"text/html" if isinstance(value, str) else b"application/json;charset=UTF-8"
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    def sent(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]


@pytest.fixture
def remote() -> Iterator[Callable[[Answers], Remote]]:
    """Serve external systems that end with the test."""
    with ExitStack() as stack:

        def begin(answers: Answers) -> Remote:
            made = Remote(answers)
            made.url = stack.enter_context(ServerThread(made)).url
            return made

        yield begin


@pytest.fixture
def jira() -> Iterator[JiraStandin]:
    with JiraStandin() as standin:
        yield standin


@pytest.fixture
def connector() -> Callable[..., Json]:
    """Create a connector and give it as a case names it."""

    def create(kibana: Any, kind: str, config: Json, secrets: Json, fields: Json | None = None) -> Json:
        body = {"name": f"My {kind}", "connector_type_id": kind, "config": config, "secrets": secrets}
        answer = kibana.send("POST", "/api/actions/connector", json=body)
        assert answer.status_code == 200, answer.text
        return {"id": answer.json()["id"], "name": body["name"], "type": kind, "fields": fields}

    return create


@pytest.fixture
def jira_connector(jira: JiraStandin, connector: Any) -> Callable[..., Json]:
    def create(kibana: Any, **fields: Any) -> Json:
        config = {"apiUrl": jira.url, "projectKey": "SOC"}
        secrets = {"email": "kibcase@example.com", "apiToken": "kibcase-token"}
        given = {"issueType": None, "priority": None, "parent": None} | fields
        made: Json = connector(kibana, ".jira", config, secrets, given)
        return made

    return create


@pytest.fixture
def push() -> Callable[..., Json]:
    def do(kibana: Any, case: Json, connector: Json) -> Json:
        answer = kibana.send("POST", f"/api/cases/{case['id']}/connector/{connector['id']}/_push", json={})
        assert answer.status_code == 200, answer.text
        pushed: Json = answer.json()
        return pushed

    return do
