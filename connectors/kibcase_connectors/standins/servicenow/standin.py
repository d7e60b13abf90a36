"""The running stand-in: state, HTTP server and faults, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from kibcase.server.faults import Faults
from kibcase.server.threaded import ServerThread
from kibcase_connectors.standins.control import Control
from kibcase_connectors.standins.dates import Dated
from kibcase_connectors.standins.servicenow.app import Parts, build_app
from kibcase_connectors.standins.servicenow.call import Switches
from kibcase_connectors.standins.servicenow.choices import DEFAULT_CHOICES, Choice
from kibcase_connectors.standins.servicenow.importing import ELASTIC_APPS
from kibcase_connectors.standins.servicenow.instance import Instance
from kibcase_connectors.standins.servicenow.limits import Budget, RateRule
from kibcase_connectors.standins.servicenow.oauth import Tokens
from kibcase_connectors.standins.servicenow.panel import panel
from kibcase_connectors.standins.servicenow.people import (
    DEFAULT_GROUPS,
    DEFAULT_USERS,
    Group,
    OAuthApp,
    ServiceNowUser,
)
from kibcase_connectors.standins.servicenow.person import Person
from kibcase_connectors.standins.servicenow.rules import (
    DEFAULT_POLICIES,
    DEFAULT_RULES,
    DEFAULT_STATES,
    BusinessRule,
    DataPolicy,
    StateModel,
)
from kibcase_connectors.standins.servicenow.schema import Column
from kibcase_connectors.standins.servicenow.state import ServiceNowState
from kibcase_connectors.standins.servicenow.storage import Storage
from kibcase_connectors.standins.servicenow.tables import DEFAULT_SCHEMA

_ALL_APPS = tuple(each.scope for each in ELASTIC_APPS)


def utc_now() -> datetime:
    """Give the time of the machine, in UTC."""
    return datetime.now(UTC)


class ServiceNowStandin:
    """A ServiceNow instance that answers REST on loopback (or ``host``): Table, Attachment, Import Set API, OAuth.

    The first of ``users`` is meant for the integration, the others for people; ``time_zone``, if given, replaces its
    zone, ``instance_zone`` is that of users without one. ``clock`` gives the time of the instance, also that of its
    ``Date`` header; ``list_lag`` (seconds) is how late lists follow writes. ``columns`` adds columns to tables.
    ``choices``, ``states``, ``policies`` and ``rules`` are those of the instance. ``literal_dates`` says whether plain
    date literals in queries are read as UTC or in the zone of the caller. ``invalid_query_returns_no_rows`` is the
    system property of that name. ``attachments_touch_record`` lets an attachment count as an update.
    ``attachment_limit`` is in bytes, ``attachment_extensions`` (empty: all) are lower case. ``elastic_apps`` are the
    scopes of Elastic's installed store apps. ``data`` is a SQLite file to keep tickets and what hangs on them in;
    without it they live in memory. What the arguments set up (people, choices, properties) is made from them on every
    start.

    ``url`` is final from the start; ``faults`` records requests and makes them go wrong; ``state`` holds the
    records; the calls of ``Control`` do this over HTTP. Raises ``OSError`` if the address cannot be bound.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        users: Sequence[ServiceNowUser] = DEFAULT_USERS,
        groups: Sequence[Group] = DEFAULT_GROUPS,
        clock: Callable[[], datetime] = utc_now,
        time_zone: str | None = None,
        instance_zone: str = "America/Los_Angeles",
        list_lag: float = 0.0,
        columns: Iterable[tuple[str, Column]] = (),
        choices: Sequence[Choice] = DEFAULT_CHOICES,
        states: Sequence[StateModel] = DEFAULT_STATES,
        policies: Sequence[DataPolicy] = DEFAULT_POLICIES,
        rules: Sequence[BusinessRule] = DEFAULT_RULES,
        oauth_apps: Sequence[OAuthApp] = (),
        elastic_apps: Sequence[str] = _ALL_APPS,
        literal_dates: Literal["UTC", "user"] = "UTC",
        invalid_query_returns_no_rows: bool = False,
        attachments_touch_record: bool = False,
        attachment_limit: int = 16_000_000,
        attachment_extensions: Iterable[str] = (),
        data: Path | None = None,
    ) -> None:
        accounts = [replace(users[0], time_zone=time_zone), *users[1:]] if time_zone is not None else list(users)
        schema = DEFAULT_SCHEMA
        for table, column in columns:
            schema = schema.with_columns(table, [column])
        self._switches = Switches()
        self._budget = Budget()
        self.faults = Faults(self._answer)
        self._server = ServerThread(self._front, host=host, port=port)
        self.url: str = self._server.url
        instance = Instance(
            base=self.url, schema=schema, users={each.user_name: each for each in accounts}, groups=tuple(groups),
            choices=tuple(choices), states=tuple(states), policies=tuple(policies), rules=tuple(rules),
            oauth_apps=tuple(oauth_apps), elastic_apps=frozenset(elastic_apps), time_zone=instance_zone,
            literal_dates=literal_dates, invalid_query_returns_no_rows=invalid_query_returns_no_rows,
            attachments_touch_record=attachments_touch_record, attachment_limit=attachment_limit,
            attachment_extensions=frozenset(attachment_extensions),
        )
        self.state = ServiceNowState(instance, clock=clock, storage=Storage(data), list_lag=list_lag)
        self._tokens = Tokens(self.state)
        parts = Parts(state=self.state, tokens=self._tokens, switches=self._switches, budget=self._budget)
        self._app = build_app(parts)
        self._control = Control(self._dated, self.faults, panel(parts))

    async def _front(self, scope: Any, receive: Any, send: Any) -> None:
        await self._control(scope, receive, send)

    async def _dated(self, scope: Any, receive: Any, send: Any) -> None:
        # The server puts a Date of its own on every answer; `send` is bound to its request cycle, the way to that.
        send.__self__.default_headers = []
        await self.faults(scope, receive, Dated(send, self.state.now))

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        # The links in answers hold the port, which is known only once the server around them is bound.
        await self._app(scope, receive, send)

    def start(self) -> Self:
        """Serve; returns when requests are answered."""
        self._server.start()
        return self

    def stop(self) -> None:
        """End the server and close the data file; calling it twice does no harm."""
        self._server.stop()
        self.state.storage.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def as_person(self, user_name: str) -> Person:
        """Give the means to act as a user, in-process; raises ``KeyError`` for an unknown one."""
        return Person(self.state, self.state.user(user_name).user_name)

    def hibernate(self) -> None:
        """Answer everything with status 200 and the page of a sleeping developer instance."""
        self._switches.mode = "hibernating"

    def maintain(self) -> None:
        """Answer everything with status 503 and a page of HTML."""
        self._switches.mode = "maintenance"

    def lose_sessions(self) -> None:
        """Answer everything with 401, right credentials or not, as a node does while it restarts."""
        self._switches.mode = "restarting"

    def wake(self) -> None:
        """End what ``hibernate``, ``maintain`` or ``lose_sessions`` began."""
        self._switches.mode = "running"

    def limit_requests(self, rule: RateRule | None) -> None:
        """Give every user an hourly budget from now on; None ends it."""
        self._budget.set(rule)

    def cancel_lists_beyond(self, records: int | None) -> None:
        """Cancel the transaction of lists with more records: 200 with a partial ``result`` and an ``error``."""
        self._switches.quota = records

    def skew_clock(self, seconds: float) -> None:
        """Let the clock of the instance run ahead by that much: all times in answers, and the ``Date`` header."""
        self.state.skew = timedelta(seconds=seconds)

    def revoke_tokens(self) -> None:
        """End every OAuth token."""
        self._tokens.revoke()
