"""The ticketing systems of the sandbox: each a stand-in, what people must know of it, and how it is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Protocol

from kibcase_connectors.standins import jira, resilient, servicenow
from kibcase_connectors.standins.resilient.catalog import Field
from kibcase_connectors.standins.servicenow.schema import Column

Deployment = Literal["cloud", "datacenter"]

PROJECT: Final = "SOC"
_TABLE: Final = "incident"
_COLUMNS: Final = (
    (_TABLE, Column(name="u_tags", label="Tags", max_length=255)),
    (_TABLE, Column(name="u_case_url", label="Case", max_length=255)),
)
_FIELDS: Final = (
    *resilient.DEFAULT_CUSTOM_FIELDS,
    Field(id=1002, name="case_tags", text="Case tags", input_type="text", prefix="properties"),
    Field(id=1003, name="case_link", text="Case", input_type="text", prefix="properties"),
)


class TicketSystem(Protocol):
    """One running stand-in; ``called`` is its name in the configuration."""

    called: ClassVar[str]

    def start(self) -> object:
        """Serve."""
        ...

    def stop(self) -> None:
        """End; calling it twice does no harm."""
        ...

    def facts(self) -> dict[str, Any]:
        """Give the address, credentials that work and what a client must know; ``people`` are further accounts."""
        ...

    def settings(self) -> dict[str, Any]:
        """Give its entry under ``systems`` of a configuration."""
        ...


class Jira:
    """A Jira with the project SOC."""

    called: ClassVar[str] = "it"

    def __init__(self, host: str, port: int, data: Path | None, deployment: Deployment) -> None:
        self._deployment: Deployment = deployment
        self.standin = jira.JiraStandin(host=host, port=port, deployment=deployment, project=PROJECT, data=data)
        self.start, self.stop = self.standin.start, self.standin.stop

    def facts(self) -> dict[str, Any]:
        """Give address, deployment, login, project and people."""
        people = [
            {"name": user.display_name, **self._login(number)}
            for number, user in enumerate(jira.DEFAULT_USERS) if number
        ]
        return {
            "url": self.standin.url, "deployment": self._deployment, **self._login(0), "project": PROJECT,
            "issue_type": "Task", "people": people,
        }

    def settings(self) -> dict[str, Any]:
        """Give address, deployment, login and project."""
        login = self._login(0)
        # Of the ways to log in to Data Center the connector wants one.
        login = login if self._deployment == "cloud" else {"token": login["token"]}
        return {
            "type": "jira", "url": self.standin.url, "deployment": self._deployment, **login, "project": PROJECT,
            "issue_type": "Task", "find_lag": 0,
        }

    def _login(self, number: int) -> dict[str, str]:
        user = jira.DEFAULT_USERS[number]
        if self._deployment == "cloud":
            return {"email": user.email, "api_token": user.secret}
        return {"username": user.username, "password": user.secret, "token": user.secret}


class ServiceNow:
    """A ServiceNow instance whose incidents have columns for tags and for the address of the case."""

    called: ClassVar[str] = "snow"

    def __init__(self, host: str, port: int, data: Path | None) -> None:
        self.standin = servicenow.ServiceNowStandin(host=host, port=port, columns=_COLUMNS, data=data)
        self.start, self.stop = self.standin.start, self.standin.stop

    def facts(self) -> dict[str, Any]:
        """Give address, login, table and people."""
        us, *others = servicenow.DEFAULT_USERS
        people = [{"name": each.name, **_basic(each)} for each in others]
        return {"url": self.standin.url, **_basic(us), "table": _TABLE, "people": people}

    def settings(self) -> dict[str, Any]:
        """Give address, login, table, the columns and a close code."""
        return {
            "type": "servicenow", "url": self.standin.url, "table": _TABLE, **_basic(servicenow.DEFAULT_USERS[0]),
            "close_code": "Solution provided", "tags_column": "u_tags", "url_column": "u_case_url", "find_lag": 0,
            "read_lag": 0,
        }


class Resilient:
    """An IBM QRadar SOAR (Resilient) whose incidents have fields for the mark, the tags and the link."""

    called: ClassVar[str] = "soar"

    def __init__(self, host: str, port: int, data: Path | None) -> None:
        self.standin = resilient.ResilientStandin(host=host, port=port, custom_fields=_FIELDS, data=data)
        self.start, self.stop = self.standin.start, self.standin.stop

    def facts(self) -> dict[str, Any]:
        """Give address, organisation, API key and people."""
        people = [
            {"name": each.display_name, "email": each.login, "password": each.secret}
            for each in resilient.DEFAULT_USERS
        ]
        return {"url": self.standin.url, "org": self.standin.org_id, **self._key(), "people": people}

    def settings(self) -> dict[str, Any]:
        """Give address, organisation, API key and the custom fields."""
        return {
            "type": "resilient", "url": self.standin.url, "org": self.standin.org_id, **self._key(),
            "tags_field": "case_tags", "link_field": "case_link", "find_lag": 0, "read_lag": 0,
        }

    @staticmethod
    def _key() -> dict[str, str]:
        key = resilient.DEFAULT_KEYS[0]
        return {"api_key_id": key.login, "api_key_secret": key.secret}


def _basic(user: servicenow.ServiceNowUser) -> dict[str, str]:
    return {"username": user.user_name, "password": user.password}
