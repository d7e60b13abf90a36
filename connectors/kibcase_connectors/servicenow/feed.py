"""What has changed since a cursor: the walk through a table in the order of its records' last updates."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from kibcase_connectors.errors import Refused
from kibcase_connectors.model import Changed, Changes
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.config import ServiceNowFilter
from kibcase_connectors.servicenow.cursor import Cursor, advanced, loads
from kibcase_connectors.servicenow.mapping import NOTHING_LATE, Late, is_copy, version
from kibcase_connectors.servicenow.rest import IDS
from kibcase_connectors.servicenow.site import JOURNAL, JOURNAL_COLUMNS, Site
from kibcase_connectors.servicenow.walk import PAGE
from kibcase_connectors.servicenow.wire import Record

_WHAT = "looking for changed records"
_NOTED = ("sys_id", "element_id", "sys_created_on")
_log = logging.getLogger(__name__)

def changes(site: Site, accepts: ServiceNowFilter, text: str | None, clock: Callable[[], datetime]) -> Changes:
    """List what was updated since the cursor ``text``; see ``Connector.changes``.

    An idle call costs two requests: one for records, one for journal entries, which may not touch their record.
    A first walk looks at the newest entries only, as it lists every record anyway.
    """
    last = _position(text)
    margin = site.config.margin
    now = int(clock().timestamp() * 1000)
    since = None if last is None else last.since(margin)
    records = _records(site, since, last)
    begun = wire.stamped(site.client.date) if site.client.date is not None else None
    if since is None and records:
        since = Cursor(at=max(record.updated for record in records.values()), first=now).since(margin)
    noted = _noted(site, since)
    strays = _strays(site, [key for key in noted if key not in records])
    if not records and not strays:
        site.confirm()
    found = {**records, **strays}
    stamps = [record.updated for record in records.values()] + [late.stamp for late in noted.values()]
    newest = max(stamps, default=None)
    after = advanced(last, newest, begun=begun, now=now, overlap=margin, crowd=_crowd(records.values(), newest))
    return Changes(
        items=tuple(_changed(record, noted, accepts) for record in found.values()),
        cursor=after.dumps() if after is not None else "{}",
    )


def _position(text: str | None) -> Cursor | None:
    try:
        return None if text is None else loads(text)
    except ValueError:
        _log.warning("the cursor of the last search for changed records cannot be read; all records are listed")
        return None


def _records(site: Site, since: str | None, last: Cursor | None) -> dict[str, Record]:
    walk = site.walk(_WHAT, site.table, "", "sys_updated_on", site.searched)
    crowd = last.crowd if last is not None and last.settled else ""
    found: dict[str, Record] = {}
    try:
        for row in walk.rows(since, crowd):
            record = wire.record(row)
            # One that changes during the walk comes again; of two looks the later one counts.
            known = found.get(record.sys_id)
            if known is None or known.updates <= record.updates:
                found[record.sys_id] = record
    except Refused as refused:
        raise site.denied(_WHAT, refused.said) from refused
    except (KeyError, TypeError, ValueError) as error:
        raise site.client.hopeless(_WHAT, "the records are not in ServiceNow's form") from error
    return found


def _noted(site: Site, since: str | None) -> dict[str, Late]:
    """Give for each record the newest second in which its journal was written since then."""
    if since is None or site.config.journal == "off" or not site.config.poll_journal:
        return {}
    base = query.both(query.any_of("name", (site.table, "task")), query.any_of("element", JOURNAL_COLUMNS))
    walk = site.walk(_WHAT, JOURNAL, base, "sys_created_on", _NOTED)
    found: dict[str, Late] = {}
    try:
        for row in walk.rows(since):
            key, stamp = wire.text(row, "element_id"), wire.text(row, "sys_created_on")
            found[key] = found.get(key, NOTHING_LATE).with_entry(stamp, wire.text(row, "sys_id"))
    except Refused as refused:
        raise site.blind(_WHAT, refused.said) from refused
    return found


def _strays(site: Site, keys: Sequence[str]) -> dict[str, Record]:
    """Give the records of journal entries that did not touch them; those of other tables are left out."""
    found: dict[str, Record] = {}
    for start in range(0, len(keys), IDS):
        part = set(keys[start : start + IDS])
        asked = query.any_of("sys_id", sorted(part))
        rows = site.client.few(_WHAT, site.table, asked, site.searched, limit=IDS)
        found |= {wire.text(row, "sys_id"): wire.record(row) for row in rows if wire.text(row, "sys_id") in part}
    return found


def _crowd(records: Iterable[Record], newest: str | None) -> str:
    """Give the last id of a second that holds more records than should be listed again on every idle call."""
    there = [record.sys_id for record in records if record.updated == newest]
    return max(there) if len(there) > PAGE // 2 else ""


def _changed(record: Record, noted: Mapping[str, Late], accepts: ServiceNowFilter) -> Changed:
    eligible = accepts.accepts(
        group=record["assignment_group.name"], category=record["category"],
        created=wire.stamp(record["sys_created_on"]),
    )
    late = noted.get(record.sys_id, NOTHING_LATE)
    return Changed(key=record.sys_id, version=version(record, late), eligible=eligible, marked=is_copy(record))
