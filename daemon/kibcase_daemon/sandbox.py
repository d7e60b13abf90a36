"""The sandbox: the embedded server and the stand-in of Jira, running together, with accounts that work."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import yaml

from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.standins.jira import DEFAULT_USERS, JiraStandin

CONFIG_HEADER: Final = "# Written by `kibcase sandbox`."
"""The first line of every configuration that the sandbox writes."""

OWNER: Final = "securitySolution"
PROJECT: Final = "SOC"

USERS: Final = {
    "elastic": User(password="changeme"),  # noqa: S106 - the sandbox's, told to everybody
    "kibcase": User(password="kibcase-password", full_name="Kibcase Sync"),  # noqa: S106
    "mara": User(password="mara-password", full_name="Mara Lindqvist", email="mara@example.com"),  # noqa: S106
}
"""The accounts in Kibana: an administrator, one for the integration, an analyst."""


class Sandbox:
    """A Kibana and a Jira to try things on.

    Port 0 means any free port. ``data`` is a folder that keeps the state of both systems (made if it is
    missing); without it everything is in memory and gone at the end. ``deployment`` is the kind of Jira,
    ``stack_version`` the version that Kibana and Elasticsearch say they are.

    It listens once it is made and answers once it is entered. Raises ``OSError`` if an address cannot be
    bound or the folder not be used, ``ValueError`` for a malformed version.
    """

    def __init__(
        self, *, kibana_port: int = 0, es_port: int = 0, jira_port: int = 0,
        deployment: Literal["cloud", "datacenter"] = "cloud", host: str = "127.0.0.1", data: Path | None = None,
        stack_version: str = "9.2.0",
    ) -> None:
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)
        self._deployment = deployment
        self._version = stack_version
        with ExitStack() as ends:
            self.kibana = CasesServer(
                host=host, port=kibana_port, es_port=es_port, data=data and data / "kibana.db",
                stack_version=stack_version, users=USERS, incremental_id_delay=0,
            )
            ends.callback(self.kibana.stop)
            self.jira = JiraStandin(
                host=host, port=jira_port, deployment=deployment, project=PROJECT, data=data and data / "jira.db"
            )
            ends.callback(self.jira.stop)
            self._ends = ends.pop_all()

    def start(self) -> Self:
        """Serve; returns when requests are answered."""
        self.kibana.start()
        self.jira.start()
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
        return {
            "kibana": {
                "url": self.kibana.kibana_url, **admin, "space": "default", "owner": OWNER, "version": self._version,
                "people": [
                    {"username": name, "password": user.password, "name": user.full_name}
                    for name, user in USERS.items() if user.full_name is not None
                ],
            },
            "elasticsearch": {"url": self.kibana.elasticsearch_url, **admin, "version": self._version},
            "jira": {
                "url": self.jira.url, "deployment": self._deployment, **self._login(0), "project": PROJECT,
                "issue_type": "Task",
                "people": [
                    {"name": user.display_name, **self._login(number)}
                    for number, user in enumerate(DEFAULT_USERS) if number
                ],
            },
        }

    def config_text(self, state: Path | str) -> str:
        """Give a configuration that keeps its Kibana and its Jira in step; ``state`` is the state file."""
        config = {
            "version": 1,
            "state": str(state),
            "systems": {
                "soc": {
                    "type": "kibana", "url": self.kibana.kibana_url, "username": "kibcase",
                    "password": USERS["kibcase"].password, "owner": OWNER, "find_lag": 0, "read_lag": 0,
                },
                "it": {
                    "type": "jira", "url": self.jira.url, "deployment": self._deployment, **self._config_login(),
                    "project": PROJECT, "issue_type": "Task", "find_lag": 0,
                },
            },
            "links": [{"name": "soc-to-it", "case": "soc", "ticket": "it", "create_tickets": True}],
        }
        lag = "# Both systems show a write at once, hence no lags."
        return f"{CONFIG_HEADER}\n{lag}\n{yaml.safe_dump(config, sort_keys=False, allow_unicode=True)}"

    def _login(self, number: int) -> dict[str, str]:
        user = DEFAULT_USERS[number]
        if self._deployment == "cloud":
            return {"email": user.email, "api_token": user.secret}
        return {"username": user.username, "password": user.secret, "token": user.secret}

    def _config_login(self) -> dict[str, str]:
        # Of the ways to log in to Data Center the connector wants one.
        login = self._login(0)
        return login if self._deployment == "cloud" else {"token": login["token"]}
