"""Changing columns of a record, and writing into its journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from kibcase_connectors.actions import AddComment, EditComment, LinkBack, SetFields
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, OutcomeUnknown, Refused
from kibcase_connectors.model import ASSIGNEE, MARK_PREFIX, OBSERVABLES, TAGS, Json, Receipt
from kibcase_connectors.servicenow import linking
from kibcase_connectors.servicenow.config import PUSHED_DISPLAY
from kibcase_connectors.servicenow.differences import Differences, compared
from kibcase_connectors.servicenow.mapping import ASSIGNED, tags_of
from kibcase_connectors.servicenow.observables import in_column
from kibcase_connectors.servicenow.people import group_hint
from kibcase_connectors.servicenow.site import JOURNAL_COLUMNS, Site
from kibcase_connectors.servicenow.text import read_note, write_note
from kibcase_connectors.servicenow.values import field_of, observables_column, written
from kibcase_connectors.servicenow.wire import Record

_log = logging.getLogger(__name__)
_IGNORED = "Let the account write the column, or leave the field out of the link rule."


def set_fields(site: Site, action: SetFields, announce: Announce) -> Receipt:
    """Change columns in one request and learn from the answer what was stored.

    Raises ``Refused`` if ServiceNow takes no notice of any of them, ``OutcomeUnknown`` if only of some: then the
    rest was stored, and the next look at the record tells what is left to do. Observables that are rows of their own
    follow in further requests.
    """
    shown, columns = written(site, action.fields)
    before = site.unchanged(action.key, action.version)
    if TAGS in action.add or TAGS in action.remove:
        tags = _tags(site, before, action)
        shown |= {TAGS: list(tags)} if site.config.tags_column is not None else {}
        columns |= site.tag_column(tags) | _remarked(site, before, action)
    seen, gone = action.add.get(OBSERVABLES, ()), action.remove.get(OBSERVABLES, ())
    if (column := site.config.observables_column) is not None and (seen or gone):
        columns |= observables_column(site, before[column], seen, gone)
        shown[OBSERVABLES] = list(in_column(columns[column]))
    stored: dict[str, Json] = {}
    if columns:
        announce(shown)
        natives = site.natives(_patched(site, before, columns))
        stored = {name: natives.get(name, value) for name, value in shown.items()}
    if site.links_observables and (seen or gone):
        stored[OBSERVABLES] = _linked(site, before, action, announce, stored=tuple(columns))
    return Receipt(key=before.sys_id, label=before.number, url=site.browse(before.sys_id), stored=stored)


def _linked(
    site: Site, before: Record, action: SetFields, announce: Announce, *, stored: tuple[str, ...]
) -> Json:
    try:
        return linking.change(
            site, before, action.add.get(OBSERVABLES, ()), action.remove.get(OBSERVABLES, ()), announce
        )
    except ConnectorError as error:
        if not stored:
            raise
        raise OutcomeUnknown(
            site.name, f"changing {before.number}", said=f"{', '.join(stored)} was stored, but then: {error}",
            field=OBSERVABLES,
        ) from error


def _tags(site: Site, before: Record, action: SetFields) -> list[str]:
    held = tags_of(before[site.config.tags_column]) if site.config.tags_column is not None else []
    added = [tag for tag in action.add.get(TAGS, ()) if not tag.startswith(MARK_PREFIX)]
    kept = [tag for tag in held if tag not in action.remove.get(TAGS, ())]
    return [*kept, *(tag for tag in dict.fromkeys(added) if tag not in kept)]


def _remarked(site: Site, before: Record, action: SetFields) -> dict[str, str]:
    """Give the columns that put a lost mark back, unless somebody else uses them now."""
    marks = [tag for tag in action.add.get(TAGS, ()) if tag.startswith(MARK_PREFIX)]
    if not marks or marks[0] == before["correlation_id"]:
        return {}
    if before["correlation_id"] and before["correlation_display"] != PUSHED_DISPLAY:
        said = "another integration keeps its own correlation_id there"
        raise Refused(site.name, f"marking {before.number} as a copy", said=said, field=TAGS)
    return {"correlation_id": marks[0], "correlation_display": site.config.correlation_display}


def _patched(site: Site, before: Record, columns: Mapping[str, str]) -> Record:
    asked = (*site.answered, *(name for name in columns if name not in site.answered))
    after = site.client.change(site.table, before, columns, asked)
    if after.updates > before.updates + 1:
        _log.info("%s: %s was changed by more than our write (count %d to %d)", site.name, before.number,
                  before.updates, after.updates)
    differences = compared(columns, before.values, after.values)
    _judge_assignee(site, before, columns, after)
    for column, length in differences.cut.items():
        _log.warning("%s: %s of %s was cut to %d characters; give its length in lengths", site.name, column,
                     before.number, length)
        site.lengths.shrink(column, length)
    if differences.dropped:
        raise _ignored(site, before, columns, differences)
    return after


def _judge_assignee(site: Site, before: Record, columns: Mapping[str, str], after: Record) -> None:
    """Raise ``OutcomeUnknown`` if a rule of the instance has put nobody, or somebody else, in the assignee's place."""
    wanted = columns.get(ASSIGNED)
    if wanted is None or after[ASSIGNED] in (wanted, before[ASSIGNED]):
        return
    raise OutcomeUnknown(
        site.name, f"changing {before.number}", field=ASSIGNEE, advice=group_hint(after),
        said=f"a rule of the instance {'changed' if after[ASSIGNED] else 'emptied'} {ASSIGNED} afterwards",
    )


def _ignored(
    site: Site, before: Record, columns: Mapping[str, str], differences: Differences
) -> Refused | OutcomeUnknown:
    listed = ", ".join(differences.dropped)
    what, said = f"changing {before.number}", f"ServiceNow took no notice of {listed}"
    name = field_of(site, differences.dropped[0])
    advice = group_hint(before) if differences.dropped[0] == ASSIGNED else _IGNORED
    stored = [column for column, text in columns.items()
              if text != before[column] and column not in differences.dropped]
    if not stored:
        return Refused(site.name, what, said=f"{said}; nothing was stored", field=name, advice=advice)
    said = f"{said} and stored {', '.join(stored)}"
    return OutcomeUnknown(site.name, what, said=said, field=name, advice=advice)


def link_back(site: Site, action: LinkBack, announce: Announce) -> Receipt:
    """Put the address of the case into the configured column; a repeat changes nothing."""
    column = site.config.url_column
    if column is None:
        raise Refused(site.name, "linking a record", said="no url_column is configured")
    before = site.record(action.key)
    if len(action.url) > site.lengths[column]:
        said = f"the address has {len(action.url)} characters and {column} holds {site.lengths[column]}"
        raise Refused(site.name, f"linking {before.number}", said=said, advice=f"Make {column} longer.")
    if before[column] != action.url:
        announce({})
        _patched(site, before, {column: action.url})
    return Receipt(key=before.sys_id, label=before.number)


def add_comment(site: Site, action: AddComment, announce: Announce) -> Receipt:
    """Write the mirror of a comment into the journal, with its mark as the last line; never twice.

    The journal is looked at first, and afterwards for the entry's id, which the answer does not tell. Raises
    ``OutcomeUnknown`` as long as a written entry is not to be seen.
    """
    column = site.config.journal
    if column == "off" or not site.reads_journal:
        raise Refused(site.name, "writing a comment", said="the journal is configured to be left alone (journal: off)")
    try:
        text = write_note(action.body, action.mark, site.lengths[column])
    except ValueError as error:
        raise Refused(site.name, "writing a comment", said=str(error)) from error
    record = site.record(action.key)
    there = _mirror(site, record, action.mark)
    if there is not None:
        return there
    if _in_thread(site, record, action.mark):
        raise _hidden(site, record)
    announce({})
    after = site.client.change(site.table, record, {column: text}, ("sys_id", "sys_updated_on", "sys_mod_count"))
    try:
        written = _mirror(site, record, action.mark)
        lost = written is None and after.updates == record.updates and not _in_thread(site, record, action.mark)
    except ConnectorError as error:
        raise site.unknown(f"commenting on {record.number}", error) from error
    if lost:
        said = f"ServiceNow took no notice of {column}"
        raise Refused(site.name, f"commenting on {record.number}", said=said, advice=_IGNORED)
    if written is None:
        raise _hidden(site, record)
    return written


def _mirror(site: Site, record: Record, mark: str) -> Receipt | None:
    entries = tuple(entry for entry in site.entries(record) if read_note(entry.value).mark == mark)
    comments = list(site.comments(entries[:1]))
    return Receipt(key=record.sys_id, label=record.number, comment=comments[0]) if comments else None


def _in_thread(site: Site, record: Record, mark: str) -> bool:
    """Look for a mark in what people see of the journal: there it is at once, where lists may lag or be closed."""
    shown = site.client.shown(site.table, record.sys_id, JOURNAL_COLUMNS)
    return any(f"[{mark}]" in thread.splitlines() for thread in shown.values())


def _hidden(site: Site, record: Record) -> OutcomeUnknown:
    return OutcomeUnknown(
        site.name, f"commenting on {record.number}", said="the entry is not to be seen in sys_journal_field yet",
        advice="Let the account read sys_journal_field if this does not pass.",
    )


def edit_comment(site: Site, action: EditComment) -> Receipt:
    """Refuse: journal entries cannot be changed (``Capabilities.edits_comments``)."""
    raise Refused(
        site.name, f"changing entry {action.comment} of {action.key}", said="ServiceNow's journal cannot be edited"
    )
