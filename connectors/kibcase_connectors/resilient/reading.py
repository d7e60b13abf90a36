"""Reading one incident with all its notes, and finding incidents by their mark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kibcase_connectors.model import Json, Snapshot, Touch
from kibcase_connectors.resilient.mapping import version
from kibcase_connectors.resilient.notes import comment_of
from kibcase_connectors.resilient.site import Site
from kibcase_connectors.resilient.wire import Incident, moment

_WHAT: Final = "looking for an incident by its mark"


def read(site: Site, key: str) -> Snapshot:
    """Read an incident. The incident comes first: a change made meanwhile makes its version out of date."""
    incident = site.incident(key)
    offset = site.client.offset
    notes = site.client.notes(key)
    read_as = version(incident, notes)
    site.remember(incident.key, read_as)
    fields = {name: value for name, value in site.natives(incident).items() if name in site.fields}
    changed = incident.modified > incident.created
    # The platform does not tell which field was changed when, nor by whom: each may have been the last.
    touched = {name: Touch(at=moment(incident.modified) + offset) for name in fields} if changed else {}
    return Snapshot(
        key=incident.key, label=incident.key, version=read_as, mark=site.mark(incident.id),
        fields=fields, url=site.browse(incident.key), touched=touched,
        created=Touch(at=moment(incident.created) + offset, by=incident.creator),
        comments=tuple(comment_of(note, offset) for note in notes), marks=site.marks(incident),
    )


def find(site: Site, mark: str) -> tuple[str, ...]:
    """Give the ids of the incidents that carry ``mark``, closed ones too, first created first."""
    # Queries may compare without case, and find a longer name; a mark is exact.
    found = {incident.id: incident for incident in _hits(site, mark) if mark in site.marks(incident)}
    return tuple(hit.key for hit in sorted(found.values(), key=lambda hit: (hit.created, hit.id)))


def _hits(site: Site, mark: str) -> Iterator[Incident]:
    condition: tuple[str, str, Json]
    if site.config.mark_field is None:
        condition = ("name", "contains", f"[{mark}]")
    else:
        condition = (site.mark_def().path, "equals", mark)
    start = 0
    while True:
        page = site.client.query(_WHAT, [condition], start=start)
        yield from page.incidents
        start += len(page.incidents)
        if not page.incidents or (page.total is not None and start >= page.total):
            return
