"""IBM QRadar SOAR (Resilient) as a side of sync."""

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
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import FILES, Changes, File, Finding, Receipt, Snapshot
from kibcase_connectors.resilient import feed, reading
from kibcase_connectors.resilient.attaching import add_file, fetch
from kibcase_connectors.resilient.checks import check
from kibcase_connectors.resilient.config import ResilientConfig, ResilientFilter
from kibcase_connectors.resilient.creating import create
from kibcase_connectors.resilient.editing import add_comment, edit_comment, link_back, set_fields
from kibcase_connectors.resilient.mapping import field_map
from kibcase_connectors.resilient.moving import set_status
from kibcase_connectors.resilient.persons import Asked, Persons
from kibcase_connectors.resilient.rest import ResilientRest
from kibcase_connectors.resilient.site import Site


class ResilientConnector:
    """One account on one organisation; implements ``Connector`` over the SOAR REST API.

    ``name`` is the system's configured name, ``filter`` says which incidents may get a copy, ``context`` holds the
    clock, the table of people and what takes part. Nothing is sent before the first method that needs an answer.
    Raises ``OSError`` if a configured file of certificates cannot be read.
    """

    def __init__(
        self, name: str, config: ResilientConfig, filter: ResilientFilter | None = None, *,  # noqa: A002 - its name
        context: Context | None = None,
    ) -> None:
        self._filter = filter if filter is not None else ResilientFilter()
        context = context if context is not None else Context()
        for file in (config.client_certificate, config.client_key):
            if file is not None:
                file.open("rb").close()
        client, asked = ResilientRest(name, config, context.clock), Asked(context.clock)
        self._site = Site(
            name=name, config=config, client=client, mapping=field_map(name, config, context), context=context,
            asked=asked, persons=Persons(name, context.people, client, asked),
        )

    @property
    def name(self) -> str:
        """The system's configured name."""
        return self._site.name

    @property
    def kind(self) -> str:
        """``resilient``."""
        return "resilient"

    @property
    def mapping(self) -> FieldMap:
        """What the platform's values mean, by the configuration."""
        return self._site.mapping

    @property
    def capabilities(self) -> Capabilities:
        """What the platform can do as configured."""
        config = self._site.config
        return Capabilities(
            fields=self._site.fields, find_lag=config.find_lag, read_lag=config.read_lag,
            links_back=config.link_field is not None, files=self._site.context.wants(FILES),
        )

    @property
    def requests_sent(self) -> int:
        """How many requests were sent so far, log-ins among them; for an hourly budget."""
        return self._site.client.sent

    def check(self) -> list[Finding]:
        """Look at the account, the organisation, the rights, the fields and their labels, without writing."""
        return check(self._site, self._filter)

    def changes(self, cursor: str | None) -> Changes:
        """List the incidents modified since ``cursor``, and those whose notes, artifacts and files are looked at.

        While nothing changes: two queries, and for at most ``notes_per_cycle`` incidents one request for each of
        notes, artifacts and files that take part.
        """
        return feed.changes(self._site, self._filter, cursor)

    def read(self, key: str) -> Snapshot:
        """Read an incident by id. Raises ``NotFound`` only when the account and the organisation are in order."""
        return reading.read(self._site, key)

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:
        """Write the content of a file to ``into``; see ``Connector.fetch``."""
        fetch(self._site, key, file, into)

    def find(self, mark: str) -> tuple[str, ...]:
        """Give the ids of the incidents that carry ``mark``, closed ones too, first created first."""
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
        self._site.client.close()
