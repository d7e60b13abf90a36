"""Jira, Cloud or Data Center, as a side of sync."""

from __future__ import annotations

from typing import BinaryIO

from kibcase_connectors.actions import (
    Action,
    AddComment,
    AddFile,
    Create,
    EditComment,
    LinkBack,
    SetFields,
    SetStatus,
)
from kibcase_connectors.api import Announce, Capabilities, Context
from kibcase_connectors.errors import NotFound, Refused
from kibcase_connectors.jira import feed, reading
from kibcase_connectors.jira.attaching import add_file
from kibcase_connectors.jira.checks import check
from kibcase_connectors.jira.config import JiraConfig, JiraFilter
from kibcase_connectors.jira.creating import create, link_back
from kibcase_connectors.jira.editing import add_comment, edit_comment, set_fields
from kibcase_connectors.jira.mapping import field_map
from kibcase_connectors.jira.moving import set_status
from kibcase_connectors.jira.rest import JiraRest
from kibcase_connectors.jira.site import Site
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import FILES, Changes, File, Finding, Receipt, Snapshot

# The index's own lag, and 30 seconds for a request that was under way when the process that sent it died.
_CLOUD_LAG = 60.0 + 30.0
_DATACENTER_LAG = 5.0 + 30.0


class JiraConnector:
    """One account on one Jira project; implements ``Connector`` over the REST API v3 (Cloud) or v2.

    ``name`` is the system's configured name, ``filter`` says which tickets may get a copy. Nothing is sent before
    the first method that needs an answer.
    """

    def __init__(
        self, name: str, config: JiraConfig, filter: JiraFilter | None = None, *,  # noqa: A002 - its name
        context: Context | None = None,
    ) -> None:
        context = context if context is not None else Context()
        self._filter = filter if filter is not None else JiraFilter()
        self._clock = context.clock
        self._client = JiraRest(name, config, context.clock)
        mapping = field_map(config, name, context)
        self._site = Site(name=name, config=config, client=self._client, mapping=mapping, context=context)

    @property
    def name(self) -> str:
        """The system's configured name."""
        return self._site.name

    @property
    def kind(self) -> str:
        """``jira``."""
        return "jira"

    @property
    def mapping(self) -> FieldMap:
        """What Jira's values mean, by the configuration."""
        return self._site.mapping

    @property
    def capabilities(self) -> Capabilities:
        """What Jira can do; ``find_lag`` is Cloud's as long as the deployment is not known."""
        lag = self._site.config.find_lag
        if lag is None:
            lag = _DATACENTER_LAG if self._client.deployment == "datacenter" else _CLOUD_LAG
        files = self._site.context.wants(FILES)
        return Capabilities(fields=self._site.fields, find_lag=lag, links_back=True, files=files)

    @property
    def requests_sent(self) -> int:
        """How many requests were sent so far, log-ins and transfers of files among them; for an hourly budget."""
        return self._client.sent

    def check(self) -> list[Finding]:
        """Look at the account, the project, the rights, the mapping and the screens, without writing."""
        return check(self._site, self._filter)

    def changes(self, cursor: str | None) -> Changes:
        """List the tickets updated since ``cursor``: one search while nothing much changes.

        The last ticket seen is listed again each time. An answer without any is believed only after Jira
        has said again who we are, since Cloud serves an expired token as an anonymous caller to whom
        nothing is visible.
        """
        self._site.layout()
        try:
            found = feed.changes(
                self._client, system=self.name, project=self._site.config.project, accepts=self._filter,
                text=cursor, clock=self._clock, lag=self._site.config.find_lag or 0.0,
            )
        except (NotFound, Refused):
            self._site.confirm()
            raise
        if not found.items:
            self._client.myself(again=True)
        return found

    def read(self, key: str) -> Snapshot:
        """Read a ticket by id. Raises ``NotFound`` only when the account and the project are in order."""
        return reading.read(self._site, key)

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Write the content of an attachment to ``into``; see ``Connector.fetch``."""
        reading.fetch(self._site, key, file, into)

    def find(self, mark: str) -> tuple[str, ...]:
        """Give the ids of the tickets with the label ``mark``, first created first."""
        return reading.find(self._site, mark)

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out one action; see ``Connector.apply``."""
        match action:
            case Create():
                return create(self._site, action, announce)
            case LinkBack():
                return link_back(self._site, action, announce)
            case SetFields():
                return set_fields(self._site, action, announce)
            case SetStatus():
                return set_status(self._site, action, announce)
            case AddComment():
                return add_comment(self._site, action, announce)
            case EditComment():
                return edit_comment(self._site, action, announce)
            case AddFile():
                return add_file(self._site, action, announce)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()
