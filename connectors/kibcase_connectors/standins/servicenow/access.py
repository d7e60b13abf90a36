"""Who may do what: roles by table, and restrictions that hide columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from kibcase_connectors.standins.servicenow.people import ServiceNowUser
from kibcase_connectors.standins.servicenow.records import Row

Operation = Literal["read", "create", "write", "delete"]

_EVERYONE: frozenset[str] = frozenset({"*"})
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAccess:
    """The roles that may read, write (create included) and delete records of a table; ``*`` is every user.

    Administrators may always.
    """

    read: frozenset[str] = _EVERYONE
    write: frozenset[str] = _NOBODY
    delete: frozenset[str] = _NOBODY

    def roles(self, operation: Operation) -> frozenset[str]:
        """Give the roles for an operation."""
        return {"read": self.read, "create": self.write, "write": self.write, "delete": self.delete}[operation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """An access control that takes something away from users without one of ``roles`` (and who are no administrators).

    Without ``columns`` it covers whole records, else those columns. ``rows`` limits it to records for which it gives
    True. What may not be read is left out of lists and is 404 by id (a column: empty); a column that may not be
    written keeps its value, silently.
    """

    table: str
    operations: frozenset[Operation]
    columns: frozenset[str] = frozenset()
    rows: Callable[[Mapping[str, str]], bool] = lambda _values: True
    roles: frozenset[str] = frozenset()


_OBSERVABLES = TableAccess(
    read=frozenset({"sn_ti.read", "sn_ti.write", "sn_ti.admin"}), write=frozenset({"sn_ti.write", "sn_ti.admin"}),
    delete=frozenset({"sn_ti.admin"}),
)
_SIR = frozenset({"sn_si.analyst", "sn_si.basic", "sn_si.admin"})
_ITSM = frozenset({"itil", "sn_incident_write"})

DEFAULT_ACCESS: Mapping[str, TableAccess] = {
    "task": TableAccess(read=frozenset({"itil"}), write=frozenset({"itil"})),
    "incident": TableAccess(read=_ITSM | {"sn_incident_read"}, write=_ITSM),
    "sn_si_incident": TableAccess(read=_SIR | {"sn_si.read"}, write=_SIR, delete=frozenset({"sn_si.admin"})),
    "sys_user": TableAccess(), "sys_user_group": TableAccess(), "sys_user_grmember": TableAccess(),
    "sys_choice": TableAccess(), "sys_dictionary": TableAccess(), "sys_attachment": TableAccess(),
    "sys_journal_field": TableAccess(read=_ITSM | _SIR | {"sn_incident_read", "sn_si.read"}),
    "sys_properties": TableAccess(read=_NOBODY), "sys_audit_delete": TableAccess(read=_NOBODY),
    "sn_ti_observable_type": TableAccess(read=_OBSERVABLES.read), "sn_ti_observable": _OBSERVABLES,
    "sn_ti_m2m_task_observable": _OBSERVABLES,
}
JOURNAL_CLOSED = Restriction(table="sys_journal_field", operations=frozenset({"read"}))
"""Nobody but administrators reads journal entries, as on many instances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The access controls of an instance, as a value."""

    tables: Mapping[str, TableAccess]
    restrictions: tuple[Restriction, ...] = ()

    def table(self, user: ServiceNowUser, operation: Operation, table: str) -> bool:
        """Tell whether a user's roles allow an operation on a table at all."""
        if "admin" in user.roles:
            return True
        roles = self.tables.get(table, TableAccess(read=_NOBODY)).roles(operation)
        return "*" in roles or bool(roles & user.roles)

    def record(self, user: ServiceNowUser, operation: Operation, row: Row) -> bool:
        """Tell whether a user may do an operation on a record."""
        return self.table(user, operation, row.table) and not any(
            not each.columns and each.rows(row.values) for each in self._held(user, operation, row.table)
        )

    def denied(self, user: ServiceNowUser, operation: Operation, table: str, values: Mapping[str, str]) -> set[str]:
        """Give the columns of a record that a user may not read or write."""
        return {
            name for each in self._held(user, operation, table) if each.columns and each.rows(values)
            for name in each.columns
        }

    def _held(self, user: ServiceNowUser, operation: Operation, table: str) -> list[Restriction]:
        if "admin" in user.roles:
            return []
        return [
            each for each in self.restrictions
            if each.table == table and operation in each.operations and not each.roles & user.roles
        ]
