"""Reading one record with its journal, and finding records by their mark."""

from __future__ import annotations

from kibcase_connectors.errors import Denied, NotFound, Refused
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    Snapshot,
    Touch,
)
from kibcase_connectors.servicenow import query, wire
from kibcase_connectors.servicenow.columns import CustomColumn
from kibcase_connectors.servicenow.config import PUSHED_DISPLAY
from kibcase_connectors.servicenow.files import attachments, files
from kibcase_connectors.servicenow.linking import links, listed
from kibcase_connectors.servicenow.mapping import ASSIGNED, Hanging, latest, marks_of, version
from kibcase_connectors.servicenow.site import Site
from kibcase_connectors.servicenow.wire import Record

_WHAT = "looking for a record by its mark"
_AUDIT = "sys_audit"
_AUDITED = ("sys_id", "documentkey", "fieldname", "user", "sys_created_on")
_KIBANA = f"{MARK_PREFIX}kibana-"
_FEW = 100


def read(site: Site, key: str) -> Snapshot:
    """Read a record. It comes first: a note added meanwhile makes its version out of date."""
    record = site.record(key)
    entries = site.entries(record) if site.reads_journal else ()
    attached = attachments(site, key) if site.holds_files else ()
    linked = links(site, key) if site.links_observables else ()
    seen = {OBSERVABLES: listed(linked)} if site.links_observables else {}
    # What no search would find again must not make the version another one.
    polled: tuple[Hanging, ...] = (
        *(entries if site.config.poll_journal else ()), *(attached if site.config.poll_attachments else ()), *linked
    )
    touched = _touched(site, record)
    names = site.names([record["sys_created_by"]])
    by = names.get(record["sys_created_by"], record["sys_created_by"])
    return Snapshot(
        key=record.sys_id, label=record.number, version=version(record, latest(polled)), mark=site.mark(record.sys_id),
        fields={**site.natives(record), **seen}, url=site.browse(record.sys_id),
        touched={name: touch for name, touch in touched.items() if name in site.fields},
        created=Touch(at=wire.stamp(record["sys_created_on"]) + site.client.offset, by=by),
        comments=tuple(site.comments(entries)), files=tuple(files(site, attached)), marks=marks_of(record),
    )


def _touched(site: Site, record: Record) -> dict[str, Touch]:
    """Tell who changed which field last: by the audit where there is one, else by the record's last update."""
    if not record.updates:
        return {}
    found = _audited(site, record) if site.config.audit and site.learnt.audit is not False else None
    if found is not None:
        return found
    author = record["sys_updated_by"]
    # What we wrote last says nothing of who wrote before, only that it was not later.
    by = "" if author == site.config.own_name else site.names([author]).get(author, author)
    touch = Touch(at=wire.stamp(record.updated) + site.client.offset, by=by)
    return dict.fromkeys(_columns(site).values(), touch)


def _columns(site: Site) -> dict[str, str]:
    """Give the fields that are kept in columns, by column."""
    config, custom = site.config, site.learnt.custom
    own = {config.tags_column: TAGS, config.observables_column: OBSERVABLES}
    return {
        "short_description": TITLE, "description": DESCRIPTION, "state": STATUS, "priority": SEVERITY,
        ASSIGNED: ASSIGNEE,
        **{column: name for column, name in own.items() if column is not None},
        **{one.info.name: name for name, one in custom.items() if isinstance(one, CustomColumn)},
    }


def _audited(site: Site, record: Record) -> dict[str, Touch] | None:
    """Read the audit of a record; None if there is none, or none that this account may read.

    What our own account has written was agreed with the other side before: it counts only where nobody else has
    changed the field.
    """
    columns = _columns(site)
    base = query.both(
        query.equal("tablename", site.table), query.equal("documentkey", record.sys_id),
        query.any_of("fieldname", columns),
    )
    walk = site.walk(f"reading the audit of {record.number}", _AUDIT, base, "sys_created_on", _AUDITED)
    try:
        rows = [row for row in walk.rows() if wire.text(row, "documentkey") == record.sys_id]
    except (Refused, NotFound):
        rows = []
        site.learnt.audit = False
    if not rows:
        return None
    site.learnt.audit = True
    own = site.config.own_name
    ordered = sorted(rows, key=lambda row: (wire.text(row, "user") != own, wire.text(row, "sys_created_on")))
    names = site.names(wire.text(row, "user") for row in rows)
    return {
        columns[wire.text(row, "fieldname")]: Touch(
            at=wire.stamp(wire.text(row, "sys_created_on")) + site.client.offset,
            by=names.get(wire.text(row, "user"), wire.text(row, "user")),
        )
        for row in ordered if wire.text(row, "fieldname") in columns
    }


def find(site: Site, mark: str) -> tuple[str, ...]:
    """Give the ids of the records that carry ``mark`` in ``correlation_id``, first created first.

    With ``adopt_pushed`` those that Kibana's own connector made for the case, too, if none carries the mark.
    """
    found = _correlated(site, mark, display=None)
    case_id = mark.removeprefix(_KIBANA)
    if found or not site.config.adopt_pushed or case_id == mark:
        return found
    return _correlated(site, case_id, display=PUSHED_DISPLAY)


def _correlated(site: Site, text: str, *, display: str | None) -> tuple[str, ...]:
    asked = query.both(
        query.equal("correlation_id", text), "" if display is None else query.equal("correlation_display", display),
        "ORDERBYsys_created_on", "ORDERBYsys_id",
    )
    fields = ("sys_id", "correlation_id", "correlation_display", "sys_created_on")
    rows = site.client.few(_WHAT, site.table, asked, fields, limit=_FEW)
    # A condition on a column that is unknown or hidden is left out, and every record is a hit.
    if any(wire.text(row, "correlation_id").casefold() != text.casefold() for row in rows):
        raise Denied(
            site.name, _WHAT, said="ServiceNow takes no notice of the condition on correlation_id",
            advice="Let the account read and write the column correlation_id.",
        )
    return tuple(
        wire.text(row, "sys_id") for row in rows
        if wire.text(row, "correlation_id") == text and display in (None, wire.text(row, "correlation_display"))
    )
