"""Reading one incident with all that hangs on it, and finding incidents by their mark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kibcase_connectors.errors import NotFound, Refused
from kibcase_connectors.model import OBSERVABLES, STATUS, TAGS, Json, Snapshot, Touch
from kibcase_connectors.resilient import artifacts
from kibcase_connectors.resilient.mapping import Children, version
from kibcase_connectors.resilient.news import touches
from kibcase_connectors.resilient.site import Site
from kibcase_connectors.resilient.wire import NAMES, Incident, moment

_WHAT: Final = "looking for an incident by its mark"


def read(site: Site, key: str) -> Snapshot:
    """Read an incident. The incident comes first: a change made meanwhile makes its version out of date."""
    incident = site.incident(key)
    children = site.children(key)
    read_as = version(incident, children)
    site.remember(incident.key, read_as)
    fields = {name: value for name, value in site.natives(incident).items() if name in site.fields}
    if OBSERVABLES in site.fields:
        fields[OBSERVABLES] = artifacts.elements(site.shown(children.artifacts))
    # Once everything is read: each answer tells of the platform's clock.
    offset = site.client.offset
    created = Touch(at=moment(incident.created) + offset, by=site.persons.called(incident.creator_id, incident.creator))
    return Snapshot(
        key=incident.key, label=incident.key, version=read_as, mark=site.mark(incident.id),
        fields=fields, url=site.browse(incident.key), touched=_touched(site, incident, children, fields),
        created=created, comments=tuple(map(site.comment, children.notes)),
        files=tuple(map(site.file, children.files)), marks=site.marks(incident),
    )


def _touched(site: Site, incident: Incident, children: Children, fields: Mapping[str, Json]) -> dict[str, Touch]:
    """Tell when fields were changed, from the newsfeed if it is to be read.

    Else the platform does not tell which field was changed when, nor by whom: each may have been the last.
    """
    offset, found = site.client.offset, dict[str, Touch]()
    if incident.modified > incident.created:
        found = {name: Touch(at=moment(incident.modified) + offset) for name in fields}
    latest = max((one.modified for one in children.artifacts), default=0)
    if latest > incident.created and OBSERVABLES in fields:
        found[OBSERVABLES] = Touch(at=moment(max(latest, incident.modified)) + offset)
    if not site.config.newsfeed:
        return found
    try:
        entries = site.client.news(incident.key)
    except (NotFound, Refused):
        # Readable or not depends on version and rights; check() tells. It says more, never other things.
        return found
    names = {name: frozenset(_platform_names(site, name)) for name in fields}
    return touches(
        entries, names, found, offset=offset, name_of=lambda entry: site.persons.called(entry.principal, entry.by)
    )


def _platform_names(site: Site, name: str) -> Iterator[str]:
    if name in NAMES:
        yield NAMES[name]
    if name == STATUS and site.config.status_field:
        yield site.config.status_field
    if name == TAGS and site.config.tags_field:
        yield site.config.tags_field
    if name in site.config.custom:
        yield site.custom_def(name).name


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
