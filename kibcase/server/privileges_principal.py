"""Somebody who has proved who they are; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kibcase.server.privileges import Grant, Rights, rights_in

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who has proved who they are.

    ``person`` is how cases show them; ``key`` is ``{"id", "name"}`` of the API key that was used, and ``limits``
    what that key allows (None: whatever its owner may do).
    """

    name: str
    person: Json
    roles: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    cluster: frozenset[str] = frozenset()
    limits: tuple[Grant, ...] | None = None
    key: Json | None = None
    metadata: Json = field(default_factory=dict)

    def rights(self, space: str, disabled: frozenset[str] = frozenset()) -> Rights:
        """Give what they may do in a space whose ``disabledFeatures`` are ``disabled``."""
        owner = rights_in(self.grants, space, disabled)
        return owner if self.limits is None else owner.within(rights_in(self.limits, space, disabled))


def unauthorized(principal: Principal, action: str, needed: Iterable[str]) -> str:
    """Say in Elasticsearch's words that every one of the ``needed`` cluster privileges is missing."""
    if principal.key is not None:
        who = f"API key id [{principal.key['id']}] of user [{principal.name}]"
    else:
        who = f"user [{principal.name}] with effective roles [{','.join(sorted(principal.roles))}]"
    return (
        f"action [{action}] is unauthorized for {who}, this action is granted by the cluster privileges "
        f"[{','.join(needed)}]"
    )
