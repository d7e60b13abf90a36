"""Making a record that is the copy of something else."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from kibcase_connectors.actions import Create
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, OutcomeUnknown, Refused
from kibcase_connectors.model import OBSERVABLES, TAGS, Json, Receipt
from kibcase_connectors.servicenow import linking, query, wire
from kibcase_connectors.servicenow.differences import compared
from kibcase_connectors.servicenow.people import is_sys_id
from kibcase_connectors.servicenow.site import Site
from kibcase_connectors.servicenow.values import observables_column, written
from kibcase_connectors.servicenow.wire import Record

_log = logging.getLogger(__name__)


def create(site: Site, action: Create, announce: Announce) -> Receipt:
    """Create the record with its mark in ``correlation_id`` in the same request.

    Columns that the instance did not store are told in the log. If the mark is among them, no further record is
    created: nobody could find it again.
    """
    if site.learnt.unmarked:
        raise Refused(site.name, "creating a record", said=site.learnt.unmarked, advice=_MARKING)
    if len(action.mark) > site.lengths["correlation_id"]:
        said = f"the mark {action.mark} is longer than correlation_id, {site.lengths['correlation_id']} characters"
        raise Refused(site.name, "creating a record", said=said, advice="Make the column longer.")
    shown, columns = written(site, action.fields)
    tags, seen = _set(site, action, TAGS), _set(site, action, OBSERVABLES)
    columns |= site.tag_column(tags)
    if site.config.observables_column is not None and seen:
        columns |= observables_column(site, "", seen)
        shown[OBSERVABLES] = list(seen)
    shown |= {TAGS: list(tags)} if site.config.tags_column is not None else {}
    body = {
        **_further(site), **columns, "correlation_id": action.mark,
        "correlation_display": site.config.correlation_display,
    }
    announce(shown)
    asked = (*site.answered, *(name for name in body if name not in site.answered))
    record = site.client.create(site.table, body, asked)
    _compare(site, record, body)
    stored = site.natives(record)
    if site.links_observables:
        stored[OBSERVABLES] = _linked(site, record, seen, announce)
    return Receipt(key=record.sys_id, label=record.number, url=site.browse(record.sys_id), stored=stored)


def _linked(site: Site, record: Record, seen: tuple[str, ...], announce: Announce) -> list[Json]:
    try:
        return linking.change(site, record, seen, (), announce) if seen else []
    except ConnectorError as error:
        raise OutcomeUnknown(
            site.name, f"creating {record.number}", said=f"it was created, but then: {error}", field=OBSERVABLES,
            advice="It is found by its mark; what it lacks is added then.",
        ) from error


_MARKING = "Let the account read and write the column correlation_id; restart afterwards."


def _set(site: Site, action: Create, name: str) -> tuple[str, ...]:
    value = action.fields.get(name, ())
    if name not in site.fields or not value:
        return ()
    spelled: Json = site.native(name, value)
    return tuple(str(item) for item in spelled) if isinstance(spelled, list) else ()


def _compare(site: Site, record: Record, body: Mapping[str, str]) -> None:
    differences = compared(body, {}, record.values)
    for column, length in differences.cut.items():
        site.lengths.shrink(column, length)
    if differences.dropped or differences.cut:
        _log.warning(
            "%s: creating %s, ServiceNow did not store: %s", site.name, record.number,
            ", ".join((*differences.dropped, *(f"the end of {name}" for name in differences.cut))),
        )
    if record["correlation_id"] != body["correlation_id"]:
        site.learnt.unmarked = f"ServiceNow did not store the mark of {record.number} in correlation_id"


def _further(site: Site) -> dict[str, str]:
    config = site.config
    columns = {str(name): value for name, value in config.create_fields.items()}
    if config.assignment_group is not None:
        columns["assignment_group"] = reference(site, "sys_user_group", "name", config.assignment_group)
    if config.caller is not None:
        columns["caller_id"] = reference(site, "sys_user", "user_name", config.caller)
    return columns


def reference(site: Site, table: str, column: str, name: str) -> str:
    """Give the id of an active person or group, by name or sys_id, looked up once.

    Raises ``Refused`` if it is not one.
    """
    column = "sys_id" if is_sys_id(name) else column
    known = site.learnt.references
    if (table, name) not in known:
        what = f"looking up {name!r} in {table}"
        try:
            asked = query.both(query.equal(column, name), "active=true")
        except ValueError as error:
            raise Refused(site.name, what, said=str(error)) from error
        rows = site.client.few(what, table, asked, ("sys_id", column), limit=2)
        hits = [row for row in rows if wire.text(row, column).casefold() == name.casefold()]
        if len(hits) != 1:
            said = "there are several" if hits else "there is no such active record"
            raise Refused(site.name, what, said=said, advice="Check assignment_group and caller.")
        known[table, name] = wire.text(hits[0], "sys_id")
    return known[table, name]
