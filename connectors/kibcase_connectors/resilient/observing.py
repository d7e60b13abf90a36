"""Adding and removing artifacts, one request each; what is there already is not sent again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.model import OBSERVABLES, Json
from kibcase_connectors.observables import identity, parts
from kibcase_connectors.resilient import artifacts
from kibcase_connectors.resilient.artifacts import Artifact, ArtifactType
from kibcase_connectors.resilient.site import Site

Shown = list[tuple[str, Artifact]]
New = list[tuple[str, ArtifactType]]


def plan(site: Site, key: str, add: Sequence[str], remove: Sequence[str]) -> tuple[Shown, New, Shown]:
    """Give the artifacts shown now, those to make with their types, and those to remove.

    Raises ``Refused`` before anything is sent for what cannot be written.
    """
    if OBSERVABLES not in site.fields:
        raise Refused(site.name, "setting observables", said="artifact_types is empty", field=OBSERVABLES)
    held = site.shown(site.client.artifacts(key))
    there, gone = {identity(item) for item, _ in held}, {identity(item) for item in remove}
    new = {identity(item): item for item in add if identity(item) not in there}
    wanted = [(item, type_of(site, item)) for item in new.values()]
    return held, wanted, [(item, one) for item, one in held if identity(item) in gone]


def type_of(site: Site, item: str) -> ArtifactType:
    """Give the artifact type that an element is written as. Raises ``Refused`` where there is none."""
    site.native(OBSERVABLES, (item,))
    name = artifacts.type_for(site.config.artifact_types, item) or ""
    found = _named(site.types(), name) or _named(site.types(lacking=True), name)
    what = f"adding the observable {item[:80]!r}"
    if found is None:
        said = f"the organisation has no artifact type {name!r}"
        raise Refused(site.name, what, said=said, field=OBSERVABLES, advice="Correct artifact_types.")
    if found.file:
        said = f"artifacts of the type {found.name} are files"
        raise Refused(site.name, what, said=said, field=OBSERVABLES, advice="Correct artifact_types.")
    if found.splits and " " in parts(item)[1]:
        said = "the platform would make several artifacts of it, since its value holds blanks"
        raise Refused(site.name, what, said=said, field=OBSERVABLES)
    return found


def _named(types: artifacts.Types, name: str) -> ArtifactType | None:
    return next((one for one in types.values() if one.name.casefold() == name.casefold()), None)


def carry_out(
    site: Site, key: str, held: Shown, new: New, gone: Shown, announce: Announce, *, written: bool
) -> list[Json]:
    """Make and remove artifacts; gives the elements that are there afterwards.

    ``written`` tells that another part of the same action has been written before. From the first write on a
    failure is ``OutcomeUnknown``: the next look tells what is still to be done.
    """
    for item, kind in new:
        announce({OBSERVABLES: [*artifacts.elements(held), item]})
        with _half_done(site, key, written=written):
            made = _made(site, key, kind, item)
        held, written = [*held, *site.shown(made)], True
    for _, one in gone:
        left = [pair for pair in held if pair[1].id != one.id]
        announce({OBSERVABLES: artifacts.elements(left)})
        with _half_done(site, key, written=written):
            _removed(site, key, one)
        held, written = left, True
    return artifacts.elements(held)


@contextmanager
def _half_done(site: Site, key: str, *, written: bool) -> Iterator[None]:
    try:
        yield
    except OutcomeUnknown:
        raise
    except ConnectorError as error:
        if not written:
            raise
        raise OutcomeUnknown(
            site.name, f"setting the observables of incident {key}", said=f"done in part only: {error}",
            field=OBSERVABLES,
        ) from error


def _made(site: Site, key: str, kind: ArtifactType, item: str) -> tuple[Artifact, ...]:
    try:
        return site.client.add_artifact(key, kind.id, parts(item)[1])
    except NotFound as gone:
        site.confirm()
        raise gone


def _removed(site: Site, key: str, one: Artifact) -> None:
    try:
        site.client.remove_artifact(key, one.id)
    except NotFound:
        # Gone already, which is what is wanted, unless the incident is.
        site.incident(key)
