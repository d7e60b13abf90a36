"""The records of one instance. Knows no HTTP."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kibcase_connectors.standins.servicenow import encoded, matching
from kibcase_connectors.standins.servicenow.access import Operation, Restriction
from kibcase_connectors.standins.servicenow.choices import Choice
from kibcase_connectors.standins.servicenow.instance import (
    CONFIGURED,
    STRICT_PROPERTY,
    Instance,
    choice_seeds,
    seeds,
)
from kibcase_connectors.standins.servicenow.people import ServiceNowUser, fixed_id
from kibcase_connectors.standins.servicenow.problem import invalid_table, no_record
from kibcase_connectors.standins.servicenow.records import Row, stamp
from kibcase_connectors.standins.servicenow.schema import Column
from kibcase_connectors.standins.servicenow.storage import Storage

_FIRST_NUMBER = 10_000
_BEGINNING = datetime.min.replace(tzinfo=UTC)


class ServiceNowState:
    """All records of an instance: reading, querying, and the one way in for changes (``commit``).

    May be used from any thread; who reads and then commits holds ``lock``. ``list_lag`` (seconds, may be set at any
    time) is how long a write stays invisible to lists, as with a replica that serves them; records by id are
    always up to date. ``skew`` (may be set at any time, too) is how far the clock of the instance runs ahead.
    """

    def __init__(
        self, instance: Instance, *, clock: Callable[[], datetime], storage: Storage, list_lag: float = 0.0
    ) -> None:
        self.instance = instance
        self.storage = storage
        self.list_lag = list_lag
        self.lock = threading.RLock()
        self.skew = timedelta()
        self._clock = clock
        self._rows = storage.rows()
        self._counters = storage.counters()
        self._versions: dict[str, list[tuple[datetime, Row | None]]] = {}
        self.commit([self.blank(table, "system", values) for table, values in seeds(instance)])
        self._versions = {sys_id: [(_BEGINNING, row)] for sys_id, row in self._rows.items()}

    def now(self) -> datetime:
        """Give the time of the instance, in UTC."""
        return self._clock().astimezone(UTC) + self.skew

    def number(self, counter: str, first: int = 0) -> int:
        """Give the next number of a counter; numbers are never used again."""
        with self.lock:
            self._counters[counter] = self._counters.get(counter, first) + 1
            return self._counters[counter]

    def new_id(self) -> str:
        """Give a ``sys_id`` that was never used; the ids of an instance are in no order."""
        return uuid.uuid5(uuid.NAMESPACE_OID, f"record {self.number('sys_id')}").hex

    def blank(self, table: str, actor: str, values: Mapping[str, str]) -> Row:
        """Build a new record, stamped and with defaults and number; it is not stored yet."""
        columns, now = self.instance.schema.columns(table), stamp(self.now())
        prefix = self.instance.schema.tables[table].prefix
        made = {name: column.default for name, column in columns.items()}
        if prefix and "number" in columns:
            made["number"] = f"{prefix}{self.number(prefix, _FIRST_NUMBER):07d}"
        if "sys_class_name" in columns:
            made["sys_class_name"] = table
        made |= {"sys_created_on": now, "sys_created_by": actor, "sys_updated_on": now, "sys_updated_by": actor}
        made |= {"sys_mod_count": "0", "sys_id": values.get("sys_id") or self.new_id(), **values}
        return Row(table=table, order=self.number("order"), values=made)

    def user(self, user_name: str) -> ServiceNowUser:
        """Give a user; raises ``KeyError``."""
        return self.instance.users[user_name]

    def change_user(self, user: ServiceNowUser) -> None:
        """Replace an account (password, roles, zone, activity) and its record; raises ``KeyError``."""
        with self.lock:
            self.user(user.user_name)
            self.instance = replace(self.instance, users={**self.instance.users, user.user_name: user})
            row = self._rows[user.sys_id]
            shown = {"name": user.name, "email": user.email, "active": str(user.active).lower(),
                     "time_zone": user.time_zone, "date_format": user.date_format, "time_format": user.time_format}
            self.commit([replace(row, values={**row.values, **shown})])

    def give_roles(self, user_name: str, *roles: str) -> None:
        """Give a user roles."""
        user = self.user(user_name)
        self.change_user(replace(user, roles=user.roles | set(roles)))

    def take_roles(self, user_name: str, *roles: str) -> None:
        """Take roles from a user."""
        user = self.user(user_name)
        self.change_user(replace(user, roles=user.roles - set(roles)))

    def restrict(self, *restrictions: Restriction) -> None:
        """Add access controls."""
        with self.lock:
            access = self.instance.access
            added = replace(access, restrictions=(*access.restrictions, *restrictions))
            self.instance = replace(self.instance, access=added)

    def replace_choices(self, table: str, element: str, choices: Iterable[Choice]) -> None:
        """Give a column another list of choices."""
        with self.lock:
            gone = [
                row.sys_id for row in self._rows.values()
                if row.table == "sys_choice" and row["name"] == table and row["element"] == element
            ]
            made = [self.blank(name, "admin", values) for name, values in choice_seeds(tuple(choices))]
            self.commit(made, gone=gone)

    def rows(self, table: str) -> list[Row]:
        """Give all records of a table and of those that descend from it, oldest first."""
        family = self.instance.schema.family(table)
        with self.lock:
            return sorted((row for row in self._rows.values() if row.table in family), key=lambda row: row.order)

    def find(self, table: str, sys_id: str) -> Row | None:
        """Find a record by id, whoever may see it."""
        with self.lock:
            row = self._rows.get(sys_id)
        return row if row is not None and row.table in self.instance.schema.family(table) else None

    def visible(self, actor: str, row: Row, operation: Operation = "read") -> bool:
        """Tell whether a user may do an operation on a record; what hangs on a record is as visible as that."""
        if not self.instance.access.record(self.user(actor), operation, row):
            return False
        parent = {"sys_journal_field": row["element_id"], "sys_attachment": row["table_sys_id"]}.get(row.table)
        owner = self._rows.get(parent) if parent else None
        return owner is None or self.instance.access.record(self.user(actor), "read", owner)

    def read(self, actor: str, table: str, sys_id: str) -> Row:
        """Give a record; 404 if it is absent or hidden, 400 for an unknown table."""
        self.table(table)
        row = self.find(table, sys_id)
        if row is None or not self.visible(actor, row):
            raise no_record()
        return row

    def table(self, name: str) -> Mapping[str, Column]:
        """Give the columns of a table; raises ``ServiceNowProblem`` (400)."""
        if name not in self.instance.schema.tables:
            raise invalid_table(name)
        return self.instance.schema.columns(name)

    def select(self, actor: str, table: str, query: str) -> list[Row]:
        """Run an encoded query over what lists show; access control is not applied."""
        self.table(table)
        found = matching.select(encoded.parse(query), self._listed(table), self._scope(actor, table))
        return [] if found.ignored and self.property(STRICT_PROPERTY) == "true" else found.rows

    def property(self, name: str) -> str:
        """Give the value of a system property, empty if there is none."""
        with self.lock:
            row = self._rows.get(fixed_id("sys_properties", name))
        return row["value"] if row is not None else ""

    def _scope(self, actor: str, table: str) -> matching.Scope:
        zone = self.instance.zone_of(self.user(actor))
        return matching.Scope(
            column=lambda path: self.instance.schema.column(table, path), read=self.walk,
            family=self.instance.schema.family, user_zone=zone,
            literal_zone="UTC" if self.instance.literal_dates == "UTC" else zone,
        )

    def walk(self, row: Row, path: str) -> str:
        """Give the stored value of a column, or of a path over references."""
        first, _, rest = path.partition(".")
        if not rest:
            return row[first]
        target = self.target(row, first)
        return "" if target is None else self.walk(target, rest)

    def target(self, row: Row, column: str) -> Row | None:
        """Give the record that a reference points to."""
        found = self.instance.schema.columns(row.table).get(column)
        return None if found is None or not found.reference else self.find(found.reference, row[column])

    def commit(
        self, rows: Iterable[Row], *, gone: Iterable[str] = (), files: Mapping[str, bytes] | None = None
    ) -> None:
        """Make records the present ones and remove others, on disk first, all or nothing."""
        with self.lock:
            kept, dropped = list(rows), list(gone)
            lasting = [row for row in kept if row.table not in CONFIGURED]
            self.storage.keep(lasting, dropped, self._counters, files or {})
            for sys_id in dropped:
                self._rows.pop(sys_id, None)
                self._enter(sys_id, None)
            for row in kept:
                self._rows[row.sys_id] = row
                self._enter(row.sys_id, row)

    def _enter(self, sys_id: str, row: Row | None) -> None:
        now = self._clock()  # a lag is a span, however far off the instance's clock is
        versions = self._versions.setdefault(sys_id, [])
        versions.append((now, row))
        horizon = now - timedelta(seconds=self.list_lag)
        while len(versions) > 1 and versions[1][0] <= horizon:
            versions.pop(0)

    def _listed(self, table: str) -> list[Row]:
        if not self.list_lag:
            return self.rows(table)
        horizon, family = self._clock() - timedelta(seconds=self.list_lag), self.instance.schema.family(table)
        with self.lock:
            shown = [[row for entered, row in each if entered <= horizon][-1:] for each in self._versions.values()]
        return [row for latest in shown for row in latest if row is not None and row.table in family]
