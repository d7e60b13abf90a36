"""ServiceNow, incidents or security incidents, as a side of sync."""

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
from kibcase_connectors.model import Changes, File, Finding, Receipt, Snapshot
from kibcase_connectors.servicenow import feed, files, reading
from kibcase_connectors.servicenow.checks import check
from kibcase_connectors.servicenow.config import ServiceNowConfig, ServiceNowFilter
from kibcase_connectors.servicenow.creating import create
from kibcase_connectors.servicenow.editing import add_comment, edit_comment, link_back, set_fields
from kibcase_connectors.servicenow.mapping import Lengths, field_map
from kibcase_connectors.servicenow.moving import set_status
from kibcase_connectors.servicenow.rest import ServiceNowRest
from kibcase_connectors.servicenow.site import Site


class ServiceNowConnector:
    """One account on one table of a ServiceNow instance; implements ``Connector`` over the Table API v2.

    ``name`` is the system's configured name, ``filter`` says which records may get a copy, ``context`` gives the
    clock, the people and the parts that take part. Nothing is sent before the first method that needs an answer; that
    one also reads what the columns hold, how observables are kept, and makes sure that times are compared in UTC.
    Raises ``FileNotFoundError`` for a missing file of certificates, ``ValueError`` for a private key that cannot be
    used, ``MissingExtraError`` if it needs an extra.
    """

    def __init__(
        self, name: str, config: ServiceNowConfig, filter: ServiceNowFilter | None = None, *,  # noqa: A002 - its name
        context: Context | None = None,
    ) -> None:
        self._filter = filter if filter is not None else ServiceNowFilter()
        context = context if context is not None else Context()
        self._clock = context.clock
        lengths = Lengths(config.lengths)
        self._site = Site(
            name=name, config=config, client=ServiceNowRest(name, config, context.clock), lengths=lengths,
            mapping=field_map(config, lengths, name, context.people), context=context,
        )

    @property
    def name(self) -> str:
        """The system's configured name."""
        return self._site.name

    @property
    def kind(self) -> str:
        """``servicenow``."""
        return "servicenow"

    @property
    def mapping(self) -> FieldMap:
        """What ServiceNow's values mean, by the configuration; lengths are the instance's once it was asked."""
        return self._site.mapping

    @property
    def capabilities(self) -> Capabilities:
        """What ServiceNow can do: no journal entry can be changed, and a link back needs a column for it.

        With ``observables: auto``, observables are among the fields until the instance turns out to have none.
        """
        config = self._site.config
        return Capabilities(
            fields=self._site.fields, find_lag=config.find_lag, read_lag=config.read_lag, edits_comments=False,
            links_back=config.url_column is not None, files=self._site.holds_files,
        )

    @property
    def requests_sent(self) -> int:
        """How many requests were sent so far, log-ins among them; for an hourly budget."""
        return self._site.client.sent

    def check(self) -> list[Finding]:
        """Look at the account, the time zone, the table, the journal, columns and choices, without writing."""
        return check(self._site, self._filter)

    def changes(self, cursor: str | None) -> Changes:
        """List the records updated since ``cursor``, and those with new journal entries, attachments or observables."""
        self._site.start()
        return feed.changes(self._site, self._filter, cursor, self._clock)

    def read(self, key: str) -> Snapshot:
        """Read a record by ``sys_id``. Raises ``NotFound`` only when other records of the table are visible."""
        self._site.start()
        return reading.read(self._site, key)

    def fetch(self, key: str, file: File, into: BinaryIO) -> None:  # noqa: ARG002 - ids of attachments are global
        """Write the content of an attachment to ``into``, in pieces. Raises ``NotFound``."""
        files.fetch(self._site, file, into)

    def find(self, mark: str) -> tuple[str, ...]:
        """Give the ids of the records with ``mark`` in ``correlation_id``, first created first."""
        self._site.start()
        return reading.find(self._site, mark)

    def apply(self, action: Action, announce: Announce) -> Receipt:
        """Carry out one action; see ``Connector.apply``."""
        self._site.start()
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
                return edit_comment(self._site, action)
            case AddFile():
                return files.add_file(self._site, action, announce)

    def close(self) -> None:
        """Let go of connections and tokens."""
        self._site.client.close()
