"""Whether the observables of a new case are extracted if nobody says so."""

from __future__ import annotations

from kibcase.server.cases.context import Context


def default_extract(owner: str, *, configured: bool | None) -> bool:
    """Give ``settings.extractObservables`` of a new case that does not say: as configured, else security alone."""
    return owner == "securitySolution" if configured is None else configured


def extracts_by_default(context: Context, space: str, owner: str) -> bool:
    """Give the default for an owner's cases in a space, as its configuration has it."""
    found = [record.doc for record in context.store.configurations(space) if record.doc["owner"] == owner]
    return default_extract(owner, configured=found[0].get("extractObservables") if found else None)
