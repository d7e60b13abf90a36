"""One account's way to one space of one Kibana: the client, with errors and clock made fit for sync."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from kibcase import NEVER, ApiKeyAuth, BasicAuth, Kibana, Request, Response, Transport
from kibcase.streaming import Sink
from kibcase_connectors.kibana.config import KibanaConfig
from kibcase_connectors.kibana.failures import translated

Clock = Callable[[], datetime]

# The Date header has whole seconds and the answer takes its time: less than this is no measured difference.
_TOLERANCE = timedelta(seconds=2)
_MIDDLE_OF_SECOND = timedelta(milliseconds=500)


def clock_offset(date: datetime, now: datetime) -> timedelta:
    """Give what must be added to the server's clock to get ours; zero if it cannot be told from zero.

    ``date`` is the answer's Date header and ``now`` our time when it arrived.
    """
    offset = now - (date + _MIDDLE_OF_SECOND)
    return timedelta(0) if abs(offset) <= _TOLERANCE else offset


class DatedTransport(Transport):
    """A transport that compares Kibana's clock with ours at every answer; ``offset`` is the latest result.

    ``sent`` counts the requests, each of which is sent once.
    """

    offset = timedelta(0)
    sent = 0
    now: Clock = staticmethod(lambda: datetime.now(UTC))

    def send(self, request: Request) -> Response:
        """Send the request; see ``Transport.send``."""
        self.sent += 1
        response = super().send(request)
        if response.date is not None:
            self.offset = clock_offset(response.date, self.now())
        return response

    def receive(self, request: Request, sink: Sink) -> Response:
        """Send the request; see ``Transport.receive``."""
        self.sent += 1
        return super().receive(request, sink)


class Access:
    """What every part of the connector needs: ``name``, ``config``, ``kibana`` and the clock's ``offset``.

    Requests are never repeated here; whoever drives the connector decides when to try again.
    """

    def __init__(self, name: str, config: KibanaConfig, clock: Clock) -> None:
        self.name = name
        self.config = config
        self.transport = _transport(config)
        self.transport.now = clock
        self.kibana = Kibana.over(self.transport)

    @property
    def offset(self) -> timedelta:
        """What must be added to Kibana's clock to get ours, as measured at the latest answer."""
        return self.transport.offset

    def translated(self, what: str, *, writes: bool = False, whole: bool = False) -> AbstractContextManager[None]:
        """Turn errors of the library into connector errors; see ``failures.translated``."""
        return translated(self.name, what, writes=writes, whole=whole)

    def close(self) -> None:
        """Close the connections."""
        self.kibana.close()


def _transport(config: KibanaConfig) -> DatedTransport:
    return DatedTransport(
        config.url, auth=_auth(config), space=config.space, verify=config.verify, timeout=config.timeout, retry=NEVER,
    )


def _auth(config: KibanaConfig) -> ApiKeyAuth | BasicAuth:
    if config.api_key is not None:
        return ApiKeyAuth(config.api_key.get_secret_value())
    if config.username is None or config.password is None:
        raise ValueError("the configuration holds no credentials")
    return BasicAuth(config.username, config.password.get_secret_value())
