from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import responses

from kibcase import BasicAuth, Kibana, Policy, Request, Transport
from kibcase.client.endpoints import endpoint_of

URL = "http://kibana.test:5601"
PASSWORD = "s3cr3t-pa55word"


# Not for the session: a worker goes on with the tests of other folders.
@pytest.fixture(scope="module", autouse=True)
def only_listed_endpoints() -> Iterator[None]:
    """Whatever a client sends in these tests goes to an endpoint of the library's table."""

    def guarded(send: Callable[..., Any]) -> Callable[..., Any]:
        def checked(self: Transport, request: Request, *rest: Any, **named: Any) -> Any:
            # What is sent through a transport alone, without a client, may go anywhere.
            if self._explain is not None and endpoint_of(request.method, request.path) is None:
                raise AssertionError(f"{request.method} {request.path} is in no row of kibcase.client.endpoints")
            return send(self, request, *rest, **named)

        return checked

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "send", guarded(Transport.send))
        patch.setattr(Transport, "receive", guarded(Transport.receive))
        yield


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def transport(time: Time) -> Transport:
    return Transport(
        URL, auth=BasicAuth("elastic", PASSWORD), retry=Policy(jitter=0.0), clock=time.clock, sleep=time.sleep,
        proxies={}, timeout=(2.0, 2.0),
    )


@pytest.fixture
def kibana(transport: Transport) -> Kibana:
    return Kibana.over(transport)


@pytest.fixture
def remote() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def case_json() -> Callable[..., dict[str, Any]]:
    def build(**fields: Any) -> dict[str, Any]:
        return {
            "id": "c1", "version": "WzEsMV0=", "title": "Odd logon", "description": "At night", "status": "open",
            "severity": "low", "owner": "cases", "tags": ["a"], "created_at": "2024-05-01T10:00:00.000Z",
            "created_by": {"username": "elastic", "full_name": None, "email": None}, "updated_at": None,
            "updated_by": None, "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
            "settings": {"syncAlerts": True}, "totalComment": 0, "totalAlerts": 0, **fields,
        }

    return build
