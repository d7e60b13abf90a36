"""The embedded server, assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from kibcase.server.cases.state import CaseState
from kibcase.server.database import Database
from kibcase.server.elasticsearch.app import elasticsearch_app
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.faults import Faults
from kibcase.server.kibana.face import KibanaFace
from kibcase.server.kibana.routes_attachments import attachment_routes
from kibcase.server.kibana.routes_cases import case_routes
from kibcase.server.kibana.routes_platform import configuration_routes, platform_routes, space_routes
from kibcase.server.stack import License, Stack
from kibcase.server.threaded import ServerThread
from kibcase.server.users import Directory, User


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CasesServer:
    """The embedded server: Kibana's face and Elasticsearch's, on two ports, one state.

    It is made for development and tests and listens on loopback unless ``host`` says otherwise. Port 0 means any
    free port; ``kibana_url`` and ``elasticsearch_url`` are final once the object is made.

    ``data`` is the SQLite file that keeps the state (None: memory); a file outlives even a killed process.
    ``users`` maps user names to passwords or to ``User``; the default is ``elastic`` with ``changeme``.
    ``api_keys`` maps decoded keys (``id:key``) to user names. All users are superusers.
    ``incremental_ids`` None means "as the stack does" (9.2 and later number cases); a case gets its number when
    it is read at an age of ``incremental_id_delay`` seconds or more, and its version moves then.

    Raises ``ValueError`` for a malformed version, user or key, ``OSError`` if an address cannot be bound.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        es_port: int = 0,
        data: Path | None = None,
        stack_version: str = "9.2.0",
        license: License = "trial",  # noqa: A002
        users: Mapping[str, str | User] | None = None,
        api_keys: Mapping[str, str] | None = None,
        clock: Callable[[], datetime] = _utc_now,
        incremental_ids: bool | None = None,
        incremental_id_delay: float = 0.0,
    ) -> None:
        stack = Stack(stack_version, license)
        directory = Directory(users, api_keys)
        self._database = Database(data)
        self.alerts = AlertState(self._database, clock)
        self.cases = CaseState(
            self._database,
            self.alerts,
            stack,
            clock=clock,
            incremental_ids=incremental_ids,
            incremental_id_delay=incremental_id_delay,
        )
        routes = [
            *configuration_routes(self.cases),
            *case_routes(self.cases),
            *attachment_routes(self.cases),
            *space_routes(self.cases),
            *platform_routes(stack, clock),
        ]
        self.kibana = Faults(KibanaFace(routes, directory=directory, spaces=self.cases.spaces, stack=stack))
        self.elasticsearch = Faults(
            elasticsearch_app(self.alerts, version=stack_version, authenticate=directory.authenticate)
        )
        self._threads = self._bind(host, port, es_port)
        self.kibana_url: str = self._threads[0].url
        self.elasticsearch_url: str = self._threads[1].url

    def _bind(self, host: str, port: int, es_port: int) -> tuple[ServerThread, ServerThread]:
        try:
            kibana = ServerThread(self.kibana, host=host, port=port)
        except OSError:
            self._database.close()
            raise
        try:
            return kibana, ServerThread(self.elasticsearch, host=host, port=es_port)
        except OSError:
            kibana.stop()
            self._database.close()
            raise

    def start(self) -> Self:
        """Serve both faces; returns when requests are answered."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """End both faces and close the data file; what was in memory is gone."""
        for thread in self._threads:
            thread.stop()
        self._database.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()
