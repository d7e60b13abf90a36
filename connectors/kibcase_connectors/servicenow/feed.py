"""What has changed since a cursor: the walk through a table in the order of its records' last updates."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kibcase_connectors.errors import Denied, Refused
from kibcase_connectors.model import Changed, Changes
from kibcase_connectors.servicenow import files, linking, query, wire
from kibcase_connectors.servicenow.config import ServiceNowFilter
from kibcase_connectors.servicenow.cursor import Cursor, advanced, loads
from kibcase_connectors.servicenow.mapping import NOTHING_LATE, Late, is_copy, version
from kibcase_connectors.servicenow.rest import ATTACHMENT, IDS
from kibcase_connectors.servicenow.site import JOURNAL, JOURNAL_COLUMNS, LINKS, Site
from kibcase_connectors.servicenow.walk import PAGE
from kibcase_connectors.servicenow.wire import Record

_WHAT = "looking for changed records"
_NOTED = ("sys_id", "element_id", "sys_created_on")
_ATTACHED = ("sys_id", "table_sys_id", "sys_created_on")
_LINKED = ("sys_id", "task", "sys_created_on")
_log = logging.getLogger(__name__)

def changes(site: Site, accepts: ServiceNowFilter, text: str | None, clock: Callable[[], datetime]) -> Changes:
    """List what was updated since the cursor ``text``; see ``Connector.changes``.

    An idle call costs one request for records and one each for journal entries, attachments and observables, which may
    not touch their record. A first walk looks at the newest of these only, as it lists every record anyway.
    """
    last = _position(text)
    margin = site.config.margin
    now = int(clock().timestamp() * 1000)
    since = None if last is None else last.since(margin)
    records = _records(site, since, last)
    begun = wire.stamped(site.client.date) if site.client.date is not None else None
    if since is None and records:
        since = Cursor(at=max(record.updated for record in records.values()), first=now).since(margin)
    hung = _hung(site, since)
    strays = _strays(site, [key for key in hung if key not in records])
    if not records and not strays:
        site.confirm()
    found = {**records, **strays}
    stamps = [record.updated for record in records.values()] + [late.stamp for late in hung.values()]
    newest = max(stamps, default=None)
    after = advanced(last, newest, begun=begun, now=now, overlap=margin, crowd=_crowd(records.values(), newest))
    return Changes(
        items=tuple(_changed(record, hung, accepts) for record in found.values()),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A table of things that hang on records: which rows, by which column they name their record, what is read.

    ``blind`` makes the error for one that the account cannot read.
    """

    table: str
    base: str
    owner: str
    fields: tuple[str, ...]
    blind: Callable[[Site, str, str], Denied]


def _sources(site: Site) -> Iterator[_Source]:
    """Give what may be hung on a record without touching it, as far as it takes part."""
    config = site.config
    if site.reads_journal and config.poll_journal:
        base = query.both(query.any_of("name", (site.table, "task")), query.any_of("element", JOURNAL_COLUMNS))
        yield _Source(table=JOURNAL, base=base, owner="element_id", fields=_NOTED, blind=Site.blind)
    if site.holds_files and config.poll_attachments:
        base = query.equal("table_name", site.table)
        yield _Source(table=ATTACHMENT, base=base, owner="table_sys_id", fields=_ATTACHED, blind=files.hidden)
    if site.links_observables:
        yield _Source(table=LINKS, base="", owner="task", fields=_LINKED, blind=linking.hidden)


def _hung(site: Site, since: str | None) -> dict[str, Late]:
    """Give for each record the newest second in which something was hung on it since then."""
    found: dict[str, Late] = {}
    for source in _sources(site) if since is not None else ():
        walk = site.walk(_WHAT, source.table, source.base, "sys_created_on", source.fields)
        try:
            for row in walk.rows(since):
                key, stamp = wire.text(row, source.owner), wire.text(row, "sys_created_on")
                found[key] = found.get(key, NOTHING_LATE).with_one(stamp, wire.text(row, "sys_id"))
        except Refused as refused:
            raise source.blind(site, _WHAT, refused.said) from refused
    return found


def _strays(site: Site, keys: Sequence[str]) -> dict[str, Record]:
    """Give the records of things that did not touch them; those of other tables are left out."""
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


def _changed(record: Record, hung: Mapping[str, Late], accepts: ServiceNowFilter) -> Changed:
    eligible = accepts.accepts(
        group=record["assignment_group.name"], category=record["category"],
        created=wire.stamp(record["sys_created_on"]),
    )
    late = hung.get(record.sys_id, NOTHING_LATE)
    return Changed(key=record.sys_id, version=version(record, late), eligible=eligible, marked=is_copy(record))
