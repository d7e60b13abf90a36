"""One ServiceNow table as configured, with what was learnt of it: what every operation works on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kibcase_connectors.api import Context
from kibcase_connectors.errors import Conflict, ConnectorError, Denied, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.markup.characters import units
from kibcase_connectors.model import (
    ASSIGNEE,
    COMMENTS,
    FIELDS,
    FILES,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    TAGS,
    UNSET,
    Canonical,
    Comment,
    Json,
)
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.columns import CustomColumn, Unusable, read_columns, resolved
from kibcase_connectors.servicenow.config import ServiceNowConfig
from kibcase_connectors.servicenow.mapping import (
    ASSIGNEE_COLUMNS,
    NOTHING_LATE,
    SEPARATOR,
    Lengths,
    meanings,
    natives,
    of_record,
    order,
    targets,
    version,
)
from kibcase_connectors.servicenow.rest import ATTACHMENT, ServiceNowRest
from kibcase_connectors.servicenow.states import Model
from kibcase_connectors.servicenow.text import read_note
from kibcase_connectors.servicenow.walk import Walk
from kibcase_connectors.servicenow.wire import ALWAYS, READ, Entry, Page, Record

JOURNAL = "sys_journal_field"
LINKS = "sn_ti_m2m_task_observable"
"""The table that links tasks and observables."""

JOURNAL_COLUMNS = ("work_notes", "comments")
ENTRY_FIELDS = ("sys_id", "element", "element_id", "value", "sys_created_on", "sys_created_by")
_PROBE = 50

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Learnt:
    """What was found out about the instance, once.

    ``started``: lengths are known and dates are read as UTC. ``people`` are display names by user name.
    ``refused`` are moves (from, to) that the instance did not allow. ``audit`` tells whether sys_audit can be
    read, None: not tried. ``unmarked`` is why no further records are created, "" if nothing speaks against it.
    ``references`` are ids of people and groups by (table, name), ``assignees`` accounts by (column, value),
    ``custom`` the columns of custom fields. ``properties`` are the system properties about attachments, None: not
    asked. ``app``: Elastic's app takes observables; ``linked``: there are tables for observables.
    """

    started: bool = False
    people: dict[str, str] = field(default_factory=dict)
    refused: set[tuple[str, str]] = field(default_factory=set)
    audit: bool | None = None
    unmarked: str = ""
    references: dict[tuple[str, str], str] = field(default_factory=dict)
    assignees: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    custom: dict[str, CustomColumn | Unusable] = field(default_factory=dict)
    properties: Mapping[str, str] | None = None
    app: bool = False
    linked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A configured table, the client to reach it and what was learnt so far."""

    name: str
    config: ServiceNowConfig
    client: ServiceNowRest
    mapping: FieldMap
    lengths: Lengths
    context: Context = field(default_factory=Context)
    learnt: Learnt = field(default_factory=Learnt)

    # -- what is configured -------------------------------------------------------------------------

    @property
    def table(self) -> str:
        """The table that takes part."""
        return self.config.table

    @property
    def fields(self) -> frozenset[str]:
        """The fields that take part."""
        leveled = self.config.levels if self.table == "incident" else self.config.priorities
        lacking = {SEVERITY} if not leveled else set()
        lacking |= {TAGS} if self.config.tags_column is None else set()
        observed = self.links_observables or self.config.observables_column is not None
        further = {ASSIGNEE, *self.config.custom, *([OBSERVABLES] if observed else [])}
        return (frozenset(FIELDS) - lacking) | {name for name in further if self.context.wants(name)}

    @property
    def reads_journal(self) -> bool:
        """Tell whether comments take part."""
        return self.config.journal != "off" and self.context.wants(COMMENTS)

    @property
    def holds_files(self) -> bool:
        """Tell whether attachments take part."""
        return self.context.wants(FILES)

    @property
    def links_observables(self) -> bool:
        """Tell whether observables are rows that are linked to a record, and take part."""
        wanted = self.table == "sn_si_incident" and self.config.observables != "off" and self.learnt.linked
        return wanted and self.context.wants(OBSERVABLES)

    @property
    def model(self) -> Model:
        """What is known of the table's states."""
        return Model(meanings=meanings(self.config), order=order(self.config), targets=targets(self.config))

    @property
    def own_columns(self) -> tuple[str, ...]:
        """The configured columns of the customer's own, but for custom fields."""
        config = self.config
        named = (config.tags_column, config.url_column, config.observables_column)
        return tuple(name for name in named if name is not None)

    @property
    def further_columns(self) -> tuple[str, ...]:
        """The columns to read besides those that every record has."""
        assigned = ASSIGNEE_COLUMNS if ASSIGNEE in self.fields else ()
        return (*self.own_columns, *assigned, *read_columns(self.learnt.custom))

    def mark(self, sys_id: str) -> str:
        """Give the mark of one of this instance's records; it depends on the instance's address and the id."""
        digest = hashlib.sha256(self.config.url.casefold().encode()).hexdigest()
        return f"{MARK_PREFIX}servicenow-{digest[:8]}-{sys_id}"

    def browse(self, sys_id: str) -> str:
        """Give the address at which people open a record."""
        return f"{self.config.browse_url or self.config.url}/nav_to.do?uri={self.table}.do?sys_id={sys_id}"

    def natives(self, record: Record) -> dict[str, Json]:
        """Give the fields that take part, in ServiceNow's own form."""
        values = natives(record, self.config)
        values |= {
            name: one.native(record) for name, one in self.learnt.custom.items() if isinstance(one, CustomColumn)
        }
        taking_part = self.fields
        return {name: value for name, value in values.items() if name in taking_part}

    # -- starting -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Learn what the columns hold and how observables are kept, and see that dates are read as UTC; once.

        Raises ``Denied`` if they are not.
        """
        if self.learnt.started:
            return
        for name, info in self.dictionary().items():
            if info.length is not None and info.name in self._sized:
                self.lengths.learn(name, info.length)
        wanted = {name: one.field for name, one in self.config.custom.items() if self.context.wants(name)}
        self.learnt.custom = resolved(self.client, self.table, wanted) if wanted else {}
        self.look_for_observables()
        if not self.reads_utc():
            raise Denied(
                self.name, "comparing times", said="the instance reads times in queries in the account's time zone",
                advice=f"Set the time zone of the account {self.config.own_name} to GMT (or UTC).",
            )
        self.learnt.started = True

    def look_for_observables(self) -> None:
        """Find out how observables of security incidents are written, and whether there are any (``auto``)."""
        way = self.config.observables
        if not self.links_observables:
            return
        self.learnt.app = way in ("auto", "app") and self.client.has_app()
        if way == "auto" and not self.learnt.app:
            try:
                self.client.few("looking for observables", LINKS, "ORDERBYDESCsys_created_on", ("sys_id",), limit=1)
            except Refused as refused:
                _log.warning("%s: observables take no part: %s", self.name, refused.said)
                self.learnt.linked = False

    @property
    def _sized(self) -> tuple[str, ...]:
        return ("short_description", "description", "correlation_id", "file_name", *JOURNAL_COLUMNS, *self.own_columns)

    def dictionary(self) -> dict[str, wire.ColumnInfo]:
        """Give what ``sys_dictionary`` says of the columns in use; empty if it cannot be read."""
        names = (*self._sized, *self.config.create_fields, "close_notes", "correlation_display")
        try:
            found = self.client.columns(self.table, names)
        except Refused as refused:
            _log.warning("%s: the lengths of columns cannot be read: %s", self.name, refused.said)
            return {}
        if not found:
            _log.warning("%s: sys_dictionary shows nothing; the lengths of a base system are assumed", self.name)
        elif self.holds_files:
            found |= self.client.columns(ATTACHMENT, ("file_name",))
        return found

    def reads_utc(self) -> bool:
        """Tell whether a date literal in a query is read as UTC, by asking for our own account by its stamp."""
        for _ in range(2):
            me = self.client.users([self.config.own_name]).get(self.config.own_name)
            stamp = wire.text(me, "sys_updated_on") if me is not None else ""
            if me is None or not stamp:
                raise Denied(
                    self.name, f"looking up the account {self.config.own_name}",
                    said="it is not to be seen in sys_user",
                    advice="Check account (a user name, not an id), and let it read sys_user.",
                )
            asked = query.both(
                query.equal("sys_id", wire.text(me, "sys_id")), f"sys_updated_on>={stamp}", f"sys_updated_on<={stamp}"
            )
            if self.client.few("comparing times", "sys_user", asked, ("sys_id",), limit=2):
                return True
            # Once more: the account may have been changed between the two requests.
        return False

    # -- reading ------------------------------------------------------------------------------------

    def record(self, key: str) -> Record:
        """Read a record. Raises ``NotFound`` only if records of the table are visible to us at all."""
        try:
            return self.client.record(self.table, key, self.answered)
        except NotFound as gone:
            self.confirm()
            raise gone

    def unchanged(self, key: str, expected: str) -> Record:
        """Read a record that is about to be written. Raises ``Conflict`` if it is past version ``expected``."""
        record = self.record(key)
        if version(record, NOTHING_LATE) != of_record(expected):
            said = "it has changed since it was read"
            raise Conflict(self.name, f"writing {record.number}", said=said, advice="Read it again.")
        return record

    def confirm(self) -> None:
        """Make sure that we see the table; raises ``Denied`` if not.

        ServiceNow answers 404 for what is deleted and for what this account may not see, and lists of what may
        not be seen are empty.
        """
        what = f"looking at the table {self.table}"
        try:
            page = self.client.page(what, self.table, "ORDERBYDESCsys_updated_on", ("sys_id",), limit=_PROBE)
        except Refused as refused:
            raise self.denied(what, refused.said) from refused
        if not page.rows and page.total:
            raise self.denied(what, f"the account sees none of its newest {min(page.total, _PROBE)} records")

    def denied(self, what: str, said: str) -> Denied:
        """Give the error for a table that this account cannot use at all."""
        return Denied(self.name, what, said=said, advice="Check table, and give the account a role that may read it.")

    def walk(self, what: str, table: str, base: str, column: str, fields: tuple[str, ...]) -> Walk:
        """Give the walk through a list."""

        def fetch(asked: str, *, limit: int, offset: int) -> Page:
            return self.client.page(what, table, asked, fields, limit=limit, offset=offset)

        def ignored(name: str) -> Denied:
            said = f"ServiceNow takes no notice of the condition on {table}.{name}"
            return Denied(self.name, what, said=said, advice="Let the account read the column.")

        return Walk(fetch, base, column, hopeless=partial(self.client.hopeless, what), ignored=ignored)

    def entries(self, record: Record) -> tuple[Entry, ...]:
        """Read the journal of a record, oldest first. Raises ``Denied`` if it is hidden from us."""
        what = f"reading the journal of {record.number}"
        base = query.both(query.equal("element_id", record.sys_id), query.any_of("element", JOURNAL_COLUMNS))
        walk = self.walk(what, JOURNAL, base, "sys_created_on", ENTRY_FIELDS)
        try:
            rows = list(walk.rows())
            found = {e.sys_id: e for e in map(wire.entry, rows)}
        except Refused as refused:
            raise self.blind(what, refused.said) from refused
        except (KeyError, TypeError, ValueError) as error:
            raise self.client.hopeless(what, "the journal is not in ServiceNow's form") from error
        if any(wire.text(row, "element_id") != record.sys_id for row in rows):
            raise self.blind(what, "ServiceNow takes no notice of the condition on element_id")
        if not found and walk.total:
            raise self.blind(what, f"{walk.total} entries are hidden from the account")
        return tuple(sorted(found.values(), key=lambda entry: entry.created))

    def blind(self, what: str, said: str) -> Denied:
        """Give the error for a journal that cannot be read."""
        advice = f"Let the account read {JOURNAL}, or set journal: off."
        return Denied(self.name, what, said=said, advice=advice)

    def names(self, user_names: Iterable[str]) -> Mapping[str, str]:
        """Give what people are called, by user name; a name that is not to be found is its own."""
        known = self.learnt.people
        wanted = {name for name in user_names if name and name not in known}
        if wanted:
            try:
                found = self.client.users(wanted)
            except Refused:
                found = {}
            known.update({name: self._called(name, found.get(name, {})) for name in wanted})
        return known

    def _called(self, user_name: str, row: Mapping[str, Any]) -> str:
        accounts = [account for account in (user_name, wire.text(row, "sys_id")) if account]
        shown = wire.text(row, "name") or user_name
        return self.context.people.name_of(self.name, accounts, shown, wire.text(row, "email"))

    def comments(self, entries: tuple[Entry, ...]) -> Iterator[Comment]:
        """Give journal entries in the common form, on the daemon's clock."""
        names = self.names(entry.author for entry in entries)
        for entry in entries:
            note = read_note(entry.value)
            yield Comment(
                key=entry.sys_id, body=note.body, author=names.get(entry.author, entry.author),
                created=wire.stamp(entry.created) + self.client.offset, mark=note.mark,
                digest=hashlib.sha256(entry.value.encode("utf-8", "surrogatepass")).hexdigest(),
            )

    # -- writing ------------------------------------------------------------------------------------

    def native(self, field_name: str, value: Canonical) -> Json:
        """Give the value to write for a canonical one. Raises ``Refused`` if there is none."""
        try:
            found = self.mapping.native(field_name, value)
        except (ValueError, TypeError) as unwritable:
            said = str(unwritable) if isinstance(unwritable, ValueError) else "such a value cannot be written"
            raise Refused(
                self.name, f"setting {field_name}", said=said, field=field_name,
                advice="Complete the mapping in the configuration.",
            ) from unwritable
        return None if found is UNSET else found

    def tag_column(self, tags: Iterable[str]) -> dict[str, str]:
        """Give the column to write for tags. Raises ``Refused`` if they do not fit."""
        column = self.config.tags_column
        if column is None:
            return {}
        return {column: self.fitting(column, SEPARATOR.join(tags), TAGS)}

    def fitting(self, column: str, text: str, field_name: str) -> str:
        """Give a text that must not be cut. Raises ``Refused`` if it does not fit into its column."""
        if units(text) > self.lengths[column]:
            said = f"the {field_name} need {units(text)} characters and {column} holds {self.lengths[column]}"
            raise Refused(self.name, f"setting {field_name}", said=said, field=field_name,
                          advice=f"Make {column} longer.")
        return text

    def unknown(self, what: str, error: ConnectorError) -> OutcomeUnknown:
        """Turn the failure of a read that follows a write into what it means for the write."""
        return OutcomeUnknown(self.name, what, said=f"the answer could not be read back: {error}")

    @property
    def answered(self) -> tuple[str, ...]:
        """The columns to show in the answer to a write."""
        return tuple(dict.fromkeys((*READ, *self.further_columns)))

    @property
    def searched(self) -> tuple[str, ...]:
        """The columns to show in a search for changes."""
        return ALWAYS
