"""The running stand-in: state, HTTP server and faults, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kibcase.server.faults import Faults
from kibcase.server.threaded import ServerThread
from kibcase_connectors.standins.control import Control
from kibcase_connectors.standins.dates import Dated
from kibcase_connectors.standins.jira.app import build_app
from kibcase_connectors.standins.jira.call import Switches
from kibcase_connectors.standins.jira.catalog import (
    DEFAULT_CUSTOM_FIELDS,
    DEFAULT_USERS,
    Catalog,
    CustomField,
    Deployment,
    JiraUser,
    Project,
)
from kibcase_connectors.standins.jira.media import MediaHost
from kibcase_connectors.standins.jira.panel import panel
from kibcase_connectors.standins.jira.person import Person
from kibcase_connectors.standins.jira.state import JiraState
from kibcase_connectors.standins.jira.storage import Storage
from kibcase_connectors.standins.jira.troubles import Troubles
from kibcase_connectors.standins.jira.workflow import DEFAULT_WORKFLOW, Workflow


def utc_now() -> datetime:
    """Give the time of the machine, in UTC."""
    return datetime.now(UTC)


class JiraStandin(Troubles):
    """A Jira that answers REST API v2 (and v3 on Cloud) on loopback (or ``host``), as Cloud or as Data Center.

    The first of ``users`` is meant for the integration, the others for people; ``project`` is the first
    project or its key, ``more_projects`` are further ones. ``clock`` gives the time of the instance,
    ``search_lag`` (seconds) is how late the search index follows. ``time_zone``, if given, replaces
    the zone of the first user; in it, JQL dates of that user are read. ``data`` is a SQLite file to
    keep issues in; without it they live in memory. ``context_path`` puts a prefix before every path.
    Cloud's media host listens on ``media_port`` (0: any free one); None keeps the bytes of attachments
    on the same host. REST API v3 needs the ``connectors`` extra.

    ``url`` is final from the start; ``faults`` records requests and makes them go wrong; ``state``
    holds the issues; the calls of ``Control`` do this over HTTP. ``media.requests`` are the downloads
    that Cloud's media host saw. Raises ``OSError`` if the address cannot be bound.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        deployment: Deployment = "cloud",
        project: str | Project = "SOC",
        more_projects: Sequence[Project] = (),
        users: Sequence[JiraUser] = DEFAULT_USERS,
        custom_fields: Sequence[CustomField] = DEFAULT_CUSTOM_FIELDS,
        clock: Callable[[], datetime] = utc_now,
        search_lag: float = 0.0,
        workflow: Workflow = DEFAULT_WORKFLOW,
        time_zone: str | None = None,
        data: Path | None = None,
        context_path: str = "",
        media_port: int | None = 0,
    ) -> None:
        accounts = [replace(users[0], time_zone=time_zone), *users[1:]] if time_zone else list(users)
        first = Project(id="10000", key=project, name="Security Operations") if isinstance(project, str) else project
        projects = [first, *more_projects]
        self._switches = Switches()
        self.faults = Faults(self._answer)
        self._server = ServerThread(self._front, host=host, port=port)
        self.url: str = self._server.url + context_path
        catalog = Catalog(
            deployment=deployment, base=self.url, users={each.username: each for each in accounts},
            projects={each.key: each for each in projects}, workflow=workflow, custom_fields=tuple(custom_fields),
        )
        self.state = JiraState(catalog, clock=clock, storage=Storage(data), search_lag=search_lag)
        self.media = MediaHost(self.state, host, media_port or 0)
        if deployment == "cloud" and media_port is not None:
            self._switches.media = self.media.address
        self._app = build_app(self.state, self._switches, context_path)
        controlled = panel(self.faults, self.state, self._switches)
        self._control = Control(self._dated, self.faults, controlled, prefix=context_path)

    async def _front(self, scope: Any, receive: Any, send: Any) -> None:
        await self._control(scope, receive, send)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        # The links in answers hold the port, which is known only once the server around them is bound.
        await self._app(scope, receive, send)

    async def _dated(self, scope: Any, receive: Any, send: Any) -> None:
        # The server puts a Date of its own on every answer; `send` is bound to its request cycle, the way to that.
        send.__self__.default_headers = []
        await self.faults(scope, receive, Dated(send, self.state.now))

    def start(self) -> Self:
        """Serve; returns when requests are answered."""
        self._server.start()
        return self

    def stop(self) -> None:
        """End the server and close the data file; calling it twice does no harm."""
        self._server.stop()
        self.media.stop()
        self.state.storage.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def as_person(self, username: str) -> Person:
        """Give the means to act as a user, in-process; raises ``KeyError`` for an unknown one."""
        return Person(self.state, self.state.user(username).username)
