"""The sandbox: the embedded server and stand-ins of ticketing systems, running together, with accounts that work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

import yaml

from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.standins.jira import JiraStandin
from kibcase_connectors.standins.resilient import ResilientStandin
from kibcase_connectors.standins.servicenow import ServiceNowStandin
from kibcase_daemon.sandbox_tickets import PROJECT, Deployment, Jira, Resilient, ServiceNow, TicketSystem

__all__ = ["CONFIG_HEADER", "OWNER", "PROJECT", "SYSTEMS", "USERS", "Sandbox", "SystemName"]

SystemName = Literal["jira", "servicenow", "resilient"]

SYSTEMS: Final[tuple[SystemName, ...]] = ("jira", "servicenow", "resilient")
"""The ticketing systems that a sandbox can run; also the tags of the cases that get a ticket there."""

_JIRA: Final[tuple[SystemName, ...]] = ("jira",)
_Made = TypeVar("_Made", bound=TicketSystem)

CONFIG_HEADER: Final = "# Written by `kibcase sandbox`."
"""The first line of every configuration that the sandbox writes."""

OWNER: Final = "securitySolution"

USERS: Final = {
    "elastic": User(password="changeme"),  # noqa: S106 - the sandbox's, told to everybody
    "kibcase": User(password="kibcase-password", full_name="Kibcase Sync"),  # noqa: S106
    "mara": User(password="mara-password", full_name="Mara Lindqvist", email="mara@example.com"),  # noqa: S106
}
"""The accounts in Kibana: an administrator, one for the integration, an analyst."""


class Sandbox:
    """A Kibana and ticketing systems to try things on.

    ``systems`` are some of ``SYSTEMS``. Port 0 means any free port. ``data`` is a folder that keeps the state of
    everything (made if it is missing); without it all is in memory and gone at the end. ``deployment`` is the kind
    of Jira, ``stack_version`` the version that Kibana and Elasticsearch say they are.

    It listens once it is made and answers once it is entered. Raises ``OSError`` if an address cannot be
    bound or the folder not be used, ``ValueError`` for a malformed version or no ticketing system.
    """

    def __init__(
        self, *, systems: Collection[SystemName] = _JIRA, kibana_port: int = 0, es_port: int = 0,
        jira_port: int = 0, servicenow_port: int = 0, resilient_port: int = 0, deployment: Deployment = "cloud",
        host: str = "127.0.0.1", data: Path | None = None, stack_version: str = "9.2.0",
    ) -> None:
        if not systems:
            raise ValueError(f"a sandbox needs a ticketing system: {', '.join(SYSTEMS)}")
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)
        self._version = stack_version
        self._jira: Jira | None = None
        self._servicenow: ServiceNow | None = None
        self._resilient: Resilient | None = None
        with ExitStack() as ends:
            self.kibana = CasesServer(
                host=host, port=kibana_port, es_port=es_port, data=data and data / "kibana.db",
                stack_version=stack_version, users=USERS, incremental_id_delay=0,
            )
            ends.callback(self.kibana.stop)
            if "jira" in systems:
                self._jira = Jira(host, jira_port, data and data / "jira.db", deployment)
                ends.callback(self._jira.stop)
            if "servicenow" in systems:
                self._servicenow = ServiceNow(host, servicenow_port, data and data / "servicenow.db")
                ends.callback(self._servicenow.stop)
            if "resilient" in systems:
                self._resilient = Resilient(host, resilient_port, data and data / "resilient.db")
                ends.callback(self._resilient.stop)
            self._ends = ends.pop_all()

    @property
    def jira(self) -> JiraStandin:
        """The stand-in of Jira. Raises ``LookupError`` if none was asked for."""
        return _running(self._jira, "jira").standin

    @property
    def servicenow(self) -> ServiceNowStandin:
        """The stand-in of ServiceNow. Raises ``LookupError`` if none was asked for."""
        return _running(self._servicenow, "servicenow").standin

    @property
    def resilient(self) -> ResilientStandin:
        """The stand-in of Resilient. Raises ``LookupError`` if none was asked for."""
        return _running(self._resilient, "resilient").standin

    def start(self) -> Self:
        """Serve; returns when requests are answered."""
        self.kibana.start()
        for system in self._tickets().values():
            system.start()
        return self

    def stop(self) -> None:
        """End all servers."""
        self._ends.close()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def describe(self) -> dict[str, dict[str, Any]]:
        """Give addresses, credentials that work, and what a client must know, as an object per system.

        ``people`` are further accounts, with the credentials that they log in with.
        """
        admin = {"username": "elastic", "password": USERS["elastic"].password}
        people = [
            {"username": name, "password": user.password, "name": user.full_name}
            for name, user in USERS.items() if user.full_name is not None
        ]
        return {
            "kibana": {
                "url": self.kibana.kibana_url, **admin, "space": "default", "owner": OWNER, "version": self._version,
                "people": people,
            },
            "elasticsearch": {"url": self.kibana.elasticsearch_url, **admin, "version": self._version},
            **{name: system.facts() for name, system in self._tickets().items()},
        }

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that a case must have to get a ticket, one for each system; none: every case gets its ticket."""
        names = tuple(self._tickets())
        return names if len(names) > 1 else ()

    def config_text(self, state: Path | str) -> str:
        """Give a configuration that keeps everything in step; ``state`` is the state file.

        Where there are several ticketing systems, a case gets a ticket in those that it names in its tags.
        """
        tickets = self._tickets()
        kibana = {
            "type": "kibana", "url": self.kibana.kibana_url, "username": "kibcase",
            "password": USERS["kibcase"].password, "owner": OWNER, "find_lag": 0, "read_lag": 0,
        }
        config = {
            "version": 1,
            "state": str(state),
            "systems": {"soc": kibana, **{system.called: system.settings() for system in tickets.values()}},
            "links": [self._link(name, system) for name, system in tickets.items()],
        }
        lag = "# All systems show a write at once, hence no lags."
        return f"{CONFIG_HEADER}\n{lag}\n{yaml.safe_dump(config, sort_keys=False, allow_unicode=True)}"

    def _link(self, name: str, system: TicketSystem) -> dict[str, Any]:
        link = {"name": f"soc-to-{system.called}", "case": "soc", "ticket": system.called, "create_tickets": True}
        return {**link, "cases": {"tags": [name]}} if self.tags else link

    def _tickets(self) -> Mapping[str, TicketSystem]:
        made = {"jira": self._jira, "servicenow": self._servicenow, "resilient": self._resilient}
        return {name: system for name, system in made.items() if system is not None}


def _running(system: _Made | None, name: str) -> _Made:
    if system is None:
        raise LookupError(f"this sandbox runs no {name}; name it in systems")
    return system
