"""What Kibana tells its pages of somebody's rights to cases: UI capabilities by feature; pure.

The names are those of Kibana's Cases plugin (``*_CAPABILITY`` in its ``common/constants``), of the Cases features of
the stack (``generalCases``), of Observability and of Security Solution, in each of the generations that a stack has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from kibcase.server.privileges import OWNERS, Grant, Rights
from kibcase.server.privileges_principal import Principal
from kibcase.server.stack import Stack

Capabilities = dict[str, dict[str, bool]]

_STEMS: Final = {
    "cases": "generalCases", "observability": "observabilityCases", "securitySolution": "securitySolutionCases",
}
# Capability: the operation that whoever has it may do. Connectors are shown to everybody who reads cases.
_OPERATIONS: Final[Mapping[str, str]] = {
    "create_cases": "createCase", "read_cases": "getCase", "update_cases": "updateCase", "push_cases": "pushCase",
    "cases_connectors": "getCase", "delete_cases": "deleteCase", "cases_settings": "updateConfiguration",
    "create_comment": "createComment", "case_reopen": "reopenCase", "cases_assign": "assignCase",
    "cases_manage_templates": "manageTemplate",
}


def generations(stack: Stack) -> tuple[str, ...]:
    """Give the endings of the names of the Cases features that a stack has, the newest last."""
    return ("", "V2", "V3") if stack.has_assign_privilege else ("", "V2")


def cases_capabilities(
    principal: Principal | None, space: str, disabled: frozenset[str], stack: Stack
) -> Capabilities:
    """Give the capabilities by feature in a space that hides the features ``disabled``; nobody has none.

    As Kibana does, an older generation counts for itself and for the newest, and not the other way round.
    """
    endings = generations(stack)
    told: Capabilities = {}
    for ending in endings:
        others = frozenset(endings) - {ending} if ending != endings[-1] else frozenset()
        rights = None if principal is None else _without(principal, others).rights(space, disabled)
        told |= {_STEMS[owner] + ending: _told(rights, owner, stack) for owner in OWNERS}
    return told


def _told(rights: Rights | None, owner: str, stack: Stack) -> dict[str, bool]:
    held = rights.allowed[owner] if rights is not None and owner in rights.owners else frozenset[str]()
    return {name: _OPERATIONS[name] in held for name in _names(stack)}


def _names(stack: Stack) -> Iterator[str]:
    later = {"cases_assign": stack.has_assign_privilege, "cases_manage_templates": stack.has_templates}
    return (name for name in _OPERATIONS if later.get(name, True))


def _without(principal: Principal, endings: frozenset[str]) -> Principal:
    """Give somebody without what they hold of the Cases features of some generations."""
    features = frozenset(stem + ending for stem in _STEMS.values() for ending in endings)
    limits = None if principal.limits is None else tuple(_narrowed(grant, features) for grant in principal.limits)
    return replace(principal, grants=tuple(_narrowed(grant, features) for grant in principal.grants), limits=limits)


def _narrowed(grant: Grant, features: frozenset[str]) -> Grant:
    kept = frozenset(name for name in grant.privileges if name.partition(".")[0] not in features)
    return replace(grant, privileges=kept)
