"""Who may do what with the cases of which owner; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from kibcase.server.errors import Forbidden
from kibcase.server.privileges import OWNERS

if TYPE_CHECKING:
    from kibcase.server.cases.context import Caller

# Operation: the privilege that it takes, and verb and entity of Kibana's refusal.
_OPERATIONS: Final = {
    "assignCase": ("assignCase", "update", "case"),
    "bulkCreateAttachments": ("createComment", "create", "comments"),
    "bulkGetAttachments": ("getComment", "access", "comments"),
    "bulkGetCases": ("getCase", "access", "cases"),
    "createCase": ("createCase", "create", "case"),
    "createComment": ("createComment", "create", "comments"),
    "createConfiguration": ("createConfiguration", "create", "case configuration"),
    "deleteAllComments": ("deleteComment", "delete", "comments"),
    "deleteCase": ("deleteCase", "delete", "case"),
    "deleteComment": ("deleteComment", "delete", "comments"),
    "findCases": ("getCase", "access", "cases"),
    "findComments": ("getComment", "access", "comments"),
    "findConfigurations": ("findConfigurations", "access", "case configurations"),
    "findUserActions": ("getUserActions", "access", "user actions"),
    "getAlertsAttachedToCase": ("getComment", "access", "comments"),
    "getAllComments": ("getComment", "access", "comments"),
    "getAttachmentMetrics": ("getComment", "access", "comments"),
    "getCase": ("getCase", "access", "case"),
    "getCaseIDsByAlertID": ("getCase", "access", "cases"),
    "getCaseMetrics": ("getCase", "access", "case"),
    "getCaseStatuses": ("getCase", "access", "cases"),
    "getCasesMetrics": ("getCase", "access", "cases"),
    "getCategories": ("getCase", "access", "cases"),
    "getComment": ("getComment", "access", "comments"),
    "getConnectors": ("getUserActions", "access", "user actions"),
    "getFieldDefinitions": ("getFieldDefinitions", "access", "field definitions"),
    "getReporters": ("getReporters", "access", "case"),
    "getTags": ("getTags", "access", "case"),
    "getTemplates": ("getCase", "access", "case templates"),
    "getUserActionMetrics": ("getUserActions", "access", "user actions"),
    "getUserActionUsers": ("getUserActions", "access", "user actions"),
    "getUserActions": ("getUserActions", "access", "user actions"),
    "manageTemplate": ("manageTemplate", "update", "case templates"),
    "pushCase": ("pushCase", "push", "case"),
    "reopenCase": ("reopenCase", "update", "case"),
    "resolveCase": ("getCase", "access", "case"),
    "updateCase": ("updateCase", "update", "case"),
    "updateComment": ("updateComment", "update", "comments"),
    "updateConfiguration": ("updateConfiguration", "update", "case configuration"),
}
# Names that were in use here before the table followed Kibana's.
_OPERATIONS["getConfiguration"] = _OPERATIONS["findConfigurations"]
_OPERATIONS["getMetrics"] = _OPERATIONS["getCaseMetrics"]
_OPERATIONS["manageTemplates"] = _OPERATIONS["manageTemplate"]


def authorize(caller: Caller, operation: str | Sequence[str], owners: Iterable[str]) -> None:
    """Raise ``Forbidden`` unless the caller may do every ``operation`` for every one of ``owners``.

    An owner that is no solution, or whose feature the space has disabled, is refused even to a superuser, as
    Kibana does. Without any owner there is nothing to refuse.
    """
    operations = [operation] if isinstance(operation, str) else list(operation)
    asked = list(dict.fromkeys(owners))
    if not all(_may(caller, _OPERATIONS[name][0], owner) for name in operations for owner in asked):
        raise Forbidden(_refusal(operations, asked))


def readable(caller: Caller, operation: str) -> frozenset[str]:
    """Give the owners for which the caller may do a reading ``operation``.

    Raises ``Forbidden`` if there is none.
    """
    found = frozenset(owner for owner in OWNERS if _may(caller, _OPERATIONS[operation][0], owner))
    if not found:
        raise Forbidden(_refusal([operation], []))
    return found


def authorize_connectors(caller: Caller, operation: str, kind: str | None = None) -> None:
    """Raise ``Forbidden`` unless the caller may ``get``, ``execute``, ``create``, ``update`` or ``delete`` connectors.

    ``kind`` is the connector type where Kibana names it. The privileges are those of the feature ``actions``.
    """
    if operation not in caller.rights.connectors:
        what = "actions" if kind is None else f'a "{kind}" action'
        raise Forbidden(f"Unauthorized to {operation} {what}")


def patch_operations(entries: int, reopened: Sequence[Iterable[str]], assigned: Sequence[Iterable[str]]) -> list[str]:
    """Give the operations that a ``PATCH /api/cases`` of so many ``entries`` takes.

    ``reopened`` and ``assigned`` hold the keys of the entries that reopen a closed case and that change assignees.
    A call that does nothing else than one of these needs no ``updateCase``.
    """
    only_reopened = not assigned and _only(reopened, entries, "status")
    only_assigned = not reopened and _only(assigned, entries, "assignees")
    return [
        *(["reopenCase"] if reopened else []),
        *(["assignCase"] if assigned else []),
        *([] if only_reopened or only_assigned else ["updateCase"]),
    ]


def _only(changed: Sequence[Iterable[str]], entries: int, name: str) -> bool:
    return len(changed) == entries and all(set(keys) <= {"id", "version", name} for keys in changed)


def _may(caller: Caller, privilege: str, owner: str) -> bool:
    return owner in caller.rights.owners and privilege in caller.rights.allowed[owner]


def _refusal(operations: Sequence[str], owners: Sequence[str]) -> str:
    verbs = ", ".join(dict.fromkeys(_OPERATIONS[name][1] for name in operations))
    entities = ", ".join(dict.fromkeys(_OPERATIONS[name][2] for name in operations))
    whose = f'with owners: "{", ".join(owners)}"' if owners else "of any owner"
    return f"Unauthorized to {verbs} {entities} {whose}"
