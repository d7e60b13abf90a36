"""What has changed since a cursor: a walk by the date of the last modification, and a look at children in turn."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from kibcase_connectors.errors import NotFound
from kibcase_connectors.model import Changed, Changes, Json
from kibcase_connectors.resilient.config import ResilientFilter
from kibcase_connectors.resilient.cursor import Cursor, advanced, loads
from kibcase_connectors.resilient.mapping import ACTIVE, stamp, stamp_in, version
from kibcase_connectors.resilient.site import Site
from kibcase_connectors.resilient.wire import Incident

OVERLAP: Final = 2 * 60_000
"""By how many milliseconds one walk goes back before the last: what the platform's index may lag behind."""

_MODIFIED: Final = "inc_last_modified_date"
_WHAT: Final = "looking for changed incidents"
_CHILDREN: Final = "looking for new notes, artifacts and files"
_log = logging.getLogger(__name__)


def changes(site: Site, accepts: ResilientFilter, text: str | None) -> Changes:
    """List what was modified since the cursor ``text``, and active incidents whose turn it is; see ``Connector``.

    A note, an artifact or a file need not change the date of its incident's last modification, so each call also
    looks into those of ``notes_per_cycle`` active incidents, in turn. The first walk (no cursor) reads none: what
    it lists is read anyway.
    """
    last = _position(text)
    now = site.clock()
    found: dict[int, Incident] = {}
    begun: datetime | None = None
    for page in pages(site, None if last is None else last.since(OVERLAP)):
        begun = begun or site.client.date or now
        found |= {incident.id: incident for incident in page}
    look = _Look(site=site, accepts=accepts, recent={} if last is None else last.recent)
    for incident in found.values():
        look.add(incident, children=last is not None)
    turn = 0 if last is None else look.round(last.turn, found)
    after = advanced(
        last, [incident.modified for incident in found.values()], begun=_millis(begun or now), now=_millis(now),
        overlap=OVERLAP, recent={} if last is None else look.told, turn=turn,
    )
    return Changes(items=tuple(look.items.values()), cursor=after.dumps())


def pages(site: Site, since: int | None) -> Iterator[Sequence[Incident]]:
    """Walk by time, not by position: a change during the walk would move all that follow up by one.

    Only within one millisecond the position counts; there pages overlap by half, so that what moves up is
    still seen. A short page does not mean that it is the last.
    """
    start = 0
    while True:
        page = site.client.query(_WHAT, [(_MODIFIED, "gte", since or 0)], sort=_MODIFIED, start=start)
        yield page.incidents
        if not page.incidents or (page.total is not None and start + len(page.incidents) >= page.total):
            return
        newest = page.incidents[-1].modified
        if since is None or newest > since:
            since, start = newest, 0
        else:
            start += max(1, len(page.incidents) // 2)


@dataclass(slots=True, kw_only=True)
class _Look:
    """Gathers what is to be told; ``told`` are the versions for the next walk, ``fresh`` those read now."""

    site: Site
    accepts: ResilientFilter
    recent: Mapping[str, str]
    items: dict[int, Changed] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    fresh: set[int] = field(default_factory=set)

    def add(self, incident: Incident, *, children: bool) -> None:
        eligible, marked = self._eligible(incident), bool(self.site.marks(incident))
        found: str | None = stamp(incident)
        if children and (eligible or marked):
            found = self._remembered(incident) or self._version(incident)
            if found is None:
                return
            self.told[incident.key] = found
        self.items[incident.id] = Changed(key=incident.key, version=found or "", eligible=eligible, marked=marked)

    def _eligible(self, incident: Incident) -> bool:
        wanted = self.accepts
        types = self.site.incident_types(incident) if wanted.incident_types else ()
        severity = incident.values.get("severity_code")
        label = self.site.label("severity_code", severity) if wanted.severities else ""
        return not incident.rehearsal and wanted.accepts(incident_types=types, severity=label)

    def _remembered(self, incident: Incident) -> str | None:
        # What was read last knows of children that the last walk did not know of, as of those we wrote.
        known = (self.site.versions.get(incident.key), self.recent.get(incident.key))
        return next((told for told in known if told is not None and stamp_in(told) == stamp(incident)), None)

    def _version(self, incident: Incident) -> str | None:
        """Give the version with notes, artifacts and files; None if the incident has gone meanwhile."""
        self.fresh.add(incident.id)
        try:
            return version(incident, self.site.children(incident.key))
        except NotFound:
            return None

    def round(self, turn: int, seen: Mapping[int, Incident]) -> int:
        """Look at what hangs on the next active incidents after ``turn``; gives where to go on, 0 at the end."""
        most = self.site.config.notes_per_cycle
        if most == 0 or not self.site.has_children:
            return 0
        conditions: list[tuple[str, str, Json]] = [("plan_status", "equals", ACTIVE), ("id", "gt", turn)]
        page = self.site.client.query(_CHILDREN, conditions, length=most)
        for incident in page.incidents:
            if self._eligible(incident) or self.site.marks(incident):
                self._renew(incident, seen)
        ended = not page.incidents or (page.total is not None and len(page.incidents) >= page.total)
        return 0 if ended else page.incidents[-1].id

    def _renew(self, incident: Incident, seen: Mapping[int, Incident]) -> None:
        if incident.id in self.fresh:
            return
        found = self._version(incident)
        if found is None:
            return
        self.site.versions.pop(incident.key, None)
        if incident.id in seen:
            self.told[incident.key] = found
        self.items[incident.id] = Changed(
            key=incident.key, version=found, eligible=self._eligible(incident), marked=bool(self.site.marks(incident))
        )


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _position(text: str | None) -> Cursor | None:
    try:
        return None if text is None else loads(text)
    except ValueError:
        _log.warning("the cursor of the last search for changed incidents cannot be read; all are listed")
        return None
