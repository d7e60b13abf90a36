"""The running stand-in: state, HTTP server and faults, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from kibcase.server.faults import Faults
from kibcase.server.threaded import ServerThread
from kibcase_connectors.standins.control import Control
from kibcase_connectors.standins.resilient.app import build_app
from kibcase_connectors.standins.resilient.call import Switches
from kibcase_connectors.standins.resilient.catalog import (
    ARTIFACT_TYPES,
    DEFAULT_CUSTOM_FIELDS,
    DEFAULT_KEYS,
    DEFAULT_SEVERITIES,
    DEFAULT_USERS,
    SYSTEM,
    Account,
    ArtifactType,
    Catalog,
    Field,
    Group,
    Organization,
    built_in_fields,
)
from kibcase_connectors.standins.resilient.panel import panel
from kibcase_connectors.standins.resilient.person import Person
from kibcase_connectors.standins.resilient.query import PAGE_LIMIT
from kibcase_connectors.standins.resilient.records import Written
from kibcase_connectors.standins.resilient.sessions import Sessions
from kibcase_connectors.standins.resilient.state import ResilientState
from kibcase_connectors.standins.resilient.storage import Storage

_GROUPS = (Group(id=50, name="Incident Response", members=(3, 4)),)
_WORKSPACES: Mapping[int, str] = {1: "Default workspace"}


def utc_now() -> datetime:
    """Give the time of the machine, in UTC."""
    return datetime.now(UTC)


class ResilientStandin:
    """An IBM QRadar SOAR (Resilient) that answers its REST API on loopback (or ``host``).

    The first of ``keys`` is meant for the integration, ``users`` for people. ``clock`` gives the time
    of the instance, also that of its ``Date`` header, so that a clock that is off is a skewed server.
    ``severities`` are labels by id, for they differ between organisations; ``workspaces`` likewise, the
    first one being where new incidents go; so do ``artifact_types``. ``name_limit`` (characters) bounds
    names, ``attachment_mb`` (at most 31) the size of files. ``search_lag``
    (seconds) is how late queries follow; ``children_count`` tells whether notes, artifacts and files
    change ``vers`` of their incident; ``lock_after`` is how many wrong secrets in a row lock an account. ``data`` is a
    SQLite file to keep incidents and what hangs on them in; without it they live in memory. What the arguments
    set up is made from them on every start.

    ``url`` is final from the start; ``faults`` records requests and makes them go wrong; ``state``
    holds the incidents; the calls of ``Control`` do this over HTTP. Raises ``OSError`` if the address
    cannot be bound, ``ValueError`` if ids or field names are given twice.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] = utc_now,
        org: Organization = Organization(),  # noqa: B008 - it is immutable
        keys: Sequence[Account] = DEFAULT_KEYS,
        users: Sequence[Account] = DEFAULT_USERS,
        groups: Sequence[Group] = _GROUPS,
        custom_fields: Sequence[Field] = DEFAULT_CUSTOM_FIELDS,
        severities: Mapping[int, str] = DEFAULT_SEVERITIES,
        workspaces: Mapping[int, str] = _WORKSPACES,
        artifact_types: Sequence[ArtifactType] = ARTIFACT_TYPES,
        name_limit: int = 200,
        attachment_mb: float = 25,
        search_lag: float = 0.0,
        children_count: bool = False,
        lock_after: int | None = 5,
        data: Path | None = None,
    ) -> None:
        accounts = (SYSTEM, *keys, *users)
        catalog = Catalog(
            org=org, groups=tuple(groups),
            accounts={each.id: each for each in accounts},
            fields=(*built_in_fields(severities, workspaces, name_limit), *custom_fields),
            artifact_types=tuple(artifact_types), attachment_mb=attachment_mb,
        )
        _check_unique([*(each.id for each in accounts), *(each.id for each in groups)])
        _check_unique([each.name for each in catalog.fields])
        self._switches = Switches()
        self._sessions = Sessions(lock_after)
        self.faults = Faults(self._answer)
        self._server = _Undated(self._front, host=host, port=port)
        self.state = ResilientState(
            catalog, clock=clock, search_lag=search_lag, children_count=children_count, storage=Storage(data)
        )
        self._app = build_app(self.state, self._sessions, self._switches)
        self._control = Control(self.faults, self.faults, panel(self.state, self._sessions, self._switches))
        self.url: str = self._server.url
        self.org_id: int = org.id

    async def _front(self, scope: Any, receive: Any, send: Any) -> None:
        await self._control(scope, receive, send)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self.state.now() / 1000, usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await self._app(scope, receive, dated)

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

    def as_person(self, who: str | int) -> Person:
        """Give the means to act as a principal (by login or id), in-process; raises ``KeyError``."""
        for account in self.state.catalog.accounts.values():
            if who in (account.login, account.id):
                return Person(self.state, account.id)
        raise KeyError(who)

    def add_playbook(self, playbook: Callable[[Written, Person], None]) -> None:
        """Let ``playbook`` run after every write, acting as the platform's own user.

        It runs before the answer to the writer leaves, within the same atomic step, and must not call
        the stand-in over HTTP. What playbooks write sets off no playbook.
        """
        system = Person(self.state, SYSTEM.id)
        self.state.playbooks.append(lambda written: playbook(written, system))

    def refuse_closing(self, message: str | None) -> None:
        """Let closing fail with that message, as open required tasks do; None allows it again."""
        self.state.closing_veto = message

    def conflict(self, times: int = 1) -> None:
        """Answer the next PATCH and PUT requests with 409, a conflict in the database."""
        self._switches.conflicts = times

    def break_downloads(self, *, broken: bool = True) -> None:
        """Answer requests for the contents of files with a page titled "Download error" and status 200."""
        self._switches.broken_downloads = broken

    def start_maintenance(self, status: int = 503) -> None:
        """Answer everything with a page of HTML, as the proxy in front does during an upgrade."""
        self._switches.maintenance = status

    def end_maintenance(self) -> None:
        """End what ``start_maintenance`` began."""
        self._switches.maintenance = None

    def limit_rate(self, requests: int | None, *, seconds: float = 60.0, status: Literal[429, 503] = 429) -> None:
        """Refuse what is more than that many requests in a time, with ``Retry-After``; None ends it.

        Raises ``ValueError`` for fewer than one request.
        """
        if requests is not None and requests < 1:
            raise ValueError("a limit must let one request through; arm a fault to refuse them all")
        self._switches.recent.clear()
        self._switches.rate = None if requests is None else (requests, seconds, status)

    def limit_pages(self, rows: int | None) -> None:
        """Let a page of a paged query hold at most that many rows; None gives 1000 again."""
        self._switches.page_limit = PAGE_LIMIT if rows is None else rows

    def skew_clock(self, seconds: float) -> None:
        """Let the clock of the instance run ahead by that much: all times in answers, and the ``Date`` header."""
        self.state.skew = timedelta(seconds=seconds)

    def end_sessions(self) -> None:
        """Let all sessions of users expire; API keys have none."""
        self._sessions.end()

    def unlock(self) -> None:
        """Let accounts in again that wrong secrets have locked."""
        self._sessions.unlock()


class _Undated(ServerThread):
    """Leaves the ``Date`` header to the application."""

    def __init__(self, app: Any, *, host: str, port: int) -> None:
        super().__init__(app, host=host, port=port)
        self._server.config.date_header = False


def _check_unique(given: Sequence[object]) -> None:
    twice = [each for each in given if given.count(each) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice")
