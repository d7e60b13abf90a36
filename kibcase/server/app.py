"""The embedded server, assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kibcase.server.admin import DialIn, empty
from kibcase.server.admin_faults import elasticsearch_envelope, kibana_envelope
from kibcase.server.cases.state import CaseState
from kibcase.server.database import Database
from kibcase.server.elasticsearch.app import elasticsearch_app
from kibcase.server.elasticsearch.detections import DetectionAlerts
from kibcase.server.elasticsearch.state import AlertState
from kibcase.server.elasticsearch.views_security import security_routes as elasticsearch_security_routes
from kibcase.server.external.http import RESPONSE_TIMEOUT, ExternalHttp
from kibcase.server.kibana.face import KibanaFace
from kibcase.server.kibana.routes_actions import action_routes
from kibcase.server.kibana.routes_activity import activity_routes
from kibcase.server.kibana.routes_attachments import attachment_routes
from kibcase.server.kibana.routes_capabilities import capability_routes
from kibcase.server.kibana.routes_cases import case_routes
from kibcase.server.kibana.routes_detections import detection_routes
from kibcase.server.kibana.routes_files import file_routes
from kibcase.server.kibana.routes_metrics import metrics_routes
from kibcase.server.kibana.routes_observables import observable_routes
from kibcase.server.kibana.routes_platform import configuration_routes, platform_routes, space_routes
from kibcase.server.kibana.routes_push import push_routes
from kibcase.server.kibana.routes_saved_objects import saved_object_routes
from kibcase.server.kibana.routes_security import security_routes
from kibcase.server.kibana.routes_templates import settings_routes, template_routes
from kibcase.server.privileges_store import AccountStore
from kibcase.server.stack import License, Stack, full_version
from kibcase.server.threaded import ServerThread, check_port
from kibcase.server.users import ApiKey, Directory, Privileges, User

NUMBERING_SECONDS: Final = 600.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class CasesServer:
    """The embedded server: Kibana's face and Elasticsearch's, on two ports, one state.

    It is made for development and tests and listens on loopback unless ``host`` says otherwise. Port 0 means any
    free port; ``kibana_url`` and ``elasticsearch_url`` are final once the object is made.

    ``data`` is the SQLite file that keeps the state (None: memory); a file outlives even a killed process, and one
    server at a time has it.
    ``users`` maps user names to passwords or to ``User``; the default is ``elastic`` with ``changeme``. ``roles`` maps
    role names to Kibana privileges. ``api_keys`` maps decoded keys (``id:key``) to user names or to ``ApiKey``. A user
    without roles and privileges is a superuser. Users, roles and keys that are made over HTTP are kept in ``data``.
    ``incremental_ids`` None means "as the stack does" (9.2 and later number cases). A case gets its number when
    it is read at an age of ``incremental_id_delay`` seconds or more, and its version moves then: Kibana's task for it
    runs every 600 seconds. ``number_cases`` does it at once.
    ``external_timeout`` (seconds) bounds each call that a connector makes; ``public_base_url`` is where people find
    Kibana, for links in what is pushed (None: no links).

    Raises ``ValueError`` for a malformed version, licence, port, user or key and for a data file of another
    application, ``OSError`` if an address cannot be bound or another server has the file.
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
        roles: Mapping[str, Privileges] | None = None,
        api_keys: Mapping[str, str | ApiKey] | None = None,
        clock: Callable[[], datetime] = _utc_now,
        incremental_ids: bool | None = None,
        incremental_id_delay: float = NUMBERING_SECONDS,
        external_timeout: float = RESPONSE_TIMEOUT,
        public_base_url: str | None = None,
    ) -> None:
        stack = Stack(full_version(stack_version), license)
        _check_ports(port, es_port)
        self._directory = directory = Directory(users, api_keys, roles=roles, clock=lambda: clock().timestamp())
        self._database = Database(data)
        directory.keep_in(AccountStore(self._database))
        self.alerts = AlertState(self._database, clock)
        self.cases = CaseState(
            self._database,
            self.alerts,
            stack,
            clock=clock,
            incremental_ids=incremental_ids,
            incremental_id_delay=incremental_id_delay,
            people=directory.people,
            public_base_url=public_base_url,
            external=ExternalHttp(timeout=external_timeout),
        )
        routes = [
            *configuration_routes(self.cases),
            *template_routes(self.cases),
            *case_routes(self.cases),
            *attachment_routes(self.cases),
            *file_routes(self.cases),
            *observable_routes(self.cases),
            *metrics_routes(self.cases),
            *activity_routes(self.cases),
            *action_routes(self.cases),
            *push_routes(self.cases),
            *detection_routes(DetectionAlerts(self.alerts, clock), self.cases.settings, stack),
            *saved_object_routes(self.cases.saved_objects),
            *space_routes(self.cases),
            *platform_routes(stack, clock),
            *settings_routes(self.cases),
            *security_routes(directory),
            *capability_routes(directory, self.cases.spaces, stack),
        ]
        self.kibana = DialIn(
            KibanaFace(routes, directory=directory, spaces=self.cases.spaces, stack=stack),
            is_superuser=directory.is_superuser, envelope=kibana_envelope, reset=self._empty,
            number=self.number_cases,
        )
        self.elasticsearch = DialIn(
            elasticsearch_app(
                self.alerts, version=stack.version, authenticate=directory.authenticate,
                security=elasticsearch_security_routes(directory),
            ),
            is_superuser=directory.is_superuser, envelope=elasticsearch_envelope, reset=self._empty,
            number=self.number_cases,
            headers=(("X-elastic-product", "Elasticsearch"),),
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

    def number_cases(self) -> int:
        """Give every case without an incremental id its number, as Kibana's task does; gives how many they were.

        Their versions move. Without incremental ids there is nothing to do.
        """
        return self.cases.cases.number_all()

    def _empty(self) -> None:
        empty(self._database)
        self.cases.spaces.restore()
        self._directory.reload()

    def start(self) -> Self:
        """Serve both faces; returns when requests are answered.

        Raises ``RuntimeError`` for a server that was started or stopped before.
        """
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


def _check_ports(port: int, es_port: int) -> None:
    for each in (port, es_port):
        check_port(each)
    if port and port == es_port:
        raise ValueError(f"Kibana and Elasticsearch cannot both have port {port}; give one of them another, or 0")
