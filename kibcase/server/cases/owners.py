"""The solutions that own cases, and what an unknown owner is answered."""

from __future__ import annotations

from collections.abc import Iterable

from kibcase.server.errors import Forbidden

OWNERS = ("cases", "observability", "securitySolution")


def ensure_owner(verb: str, entity: str, owners: Iterable[str]) -> None:
    """Raise ``Forbidden`` if one of ``owners`` is no solution, as Kibana does even for a superuser."""
    unknown = sorted({owner for owner in owners if owner not in OWNERS})
    if unknown:
        raise Forbidden(f'Unauthorized to {verb} {entity} with owners: "{", ".join(unknown)}"')
