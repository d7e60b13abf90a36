"""IBM QRadar SOAR (Resilient) as a side of sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from kibcase_connectors.actions import Action, AddComment, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Announce, Capabilities
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import Changes, Finding, Receipt, Snapshot
from kibcase_connectors.resilient import feed, reading
from kibcase_connectors.resilient.checks import check
from kibcase_connectors.resilient.config import ResilientConfig, ResilientFilter
from kibcase_connectors.resilient.creating import create
from kibcase_connectors.resilient.editing import add_comment, edit_comment, link_back, set_fields
from kibcase_connectors.resilient.mapping import field_map
from kibcase_connectors.resilient.moving import set_status
from kibcase_connectors.resilient.rest import ResilientRest
from kibcase_connectors.resilient.site import Site


def _now() -> datetime:
    return datetime.now(UTC)


class ResilientConnector:
    """One API key on one organisation; implements ``Connector`` over the SOAR REST API.

    ``name`` is the system's configured name, ``filter`` says which incidents may get a copy, ``clock`` is the
    daemon's clock (aware). Nothing is sent before the first method that needs an answer.
    """

    def __init__(
        self, name: str, config: ResilientConfig, filter: ResilientFilter | None = None, *,  # noqa: A002 - its name
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._filter = filter if filter is not None else ResilientFilter()
        client = ResilientRest(name, config, clock)
        self._site = Site(name=name, config=config, client=client, mapping=field_map(config), clock=clock)

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
            links_back=config.link_field is not None,
        )

    def check(self) -> list[Finding]:
        """Look at the key, the organisation, the rights, the fields and their labels, without writing."""
        return check(self._site, self._filter)

    def changes(self, cursor: str | None) -> Changes:
        """List the incidents modified since ``cursor``, and those whose notes are looked at in turn.

        While nothing changes: two queries and the notes of at most ``notes_per_cycle`` incidents.
        """
        return feed.changes(self._site, self._filter, cursor)

    def read(self, key: str) -> Snapshot:
        """Read an incident by id. Raises ``NotFound`` only when the key and the organisation are in order."""
        return reading.read(self._site, key)

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

    def close(self) -> None:
        """Let go of connections."""
        self._site.client.close()
