"""Changing fields of an incident, its mark and its link, and writing notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kibcase_connectors.actions import AddComment, EditComment, LinkBack, SetFields
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, NotFound, Refused
from kibcase_connectors.model import (
    ASSIGNEE,
    DESCRIPTION,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    TAGS,
    TITLE,
    Json,
    Receipt,
)
from kibcase_connectors.resilient import customs, observing
from kibcase_connectors.resilient import mapping as own
from kibcase_connectors.resilient.notes import note_html
from kibcase_connectors.resilient.site import Site
from kibcase_connectors.resilient.values import Edit, chosen, value_of
from kibcase_connectors.resilient.wire import NAMES, FieldDef, Incident, Note


def set_fields(site: Site, action: SetFields, announce: Announce) -> Receipt:
    """Change fields in one request that names their old values, and learn what the platform stored.

    Raises ``Conflict`` if the platform finds other values there: then nothing was written. Observables follow,
    one request each, once the fields are written.
    """
    values = {name: site.wanted(name, value) for name, value in action.fields.items()}
    before = site.unchanged(action.key, action.version)
    shown = site.natives(before)
    add, marks = _parted(action.add.get(TAGS, ()))
    remove = action.remove.get(TAGS, ())
    if add or remove:
        values[TAGS] = _tags(site, shown, add, remove)
    seen, unseen = action.add.get(OBSERVABLES, ()), action.remove.get(OBSERVABLES, ())
    planned = observing.plan(site, before.key, seen, unseen) if seen or unseen else None
    marks = tuple(mark for mark in marks if mark not in site.marks(before))
    changed = {name: value for name, value in values.items() if value != shown.get(name)}
    edits = _edits(site, before, changed, marks)
    if edits:
        announce(changed)
        site.client.patch(before.key, before.vers, edits)
        values |= stored(site, before, changed)
    if planned is not None:
        values[OBSERVABLES] = observing.carry_out(site, before.key, *planned, announce, written=bool(edits))
    return Receipt(key=before.key, label=before.key, url=site.browse(before.key), stored=values)


def _parted(added: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    marks = tuple(item for item in added if item.startswith(MARK_PREFIX))
    return tuple(item for item in added if item not in marks), marks


def _tags(site: Site, shown: Mapping[str, Json], add: Sequence[str], remove: Sequence[str]) -> list[Json]:
    if site.config.tags_field is None:
        raise Refused(site.name, "setting tags", said="tags_field is not configured", field=TAGS)
    present = shown.get(TAGS)
    kept = [tag for tag in (present if isinstance(present, list) else []) if tag not in remove]
    return [*kept, *(tag for tag in dict.fromkeys(add) if tag not in kept)]


def _edits(
    site: Site, before: Incident, changed: Mapping[str, Json], marks: Sequence[str]
) -> list[Edit]:
    edits = [_edit(site, before, name, value) for name, value in changed.items() if name != TITLE]
    in_name = site.config.mark_field is None
    if TITLE in changed or (in_name and marks):
        name = before.text("name")
        title = str(changed.get(TITLE, own.without_marks(name)))
        new = own.with_marks(title, (*own.marks_in(name), *marks)) if in_name else title
        edits.append(Edit(field=site.field_def("name"), old=before.values.get("name"), new=new, means=TITLE))
    if marks and not in_name:
        edits.append(_mark(site, before, marks))
    return edits


def _edit(site: Site, before: Incident, name: str, value: Json) -> Edit:
    found = definition(site, name)
    return Edit(field=found, old=before.values.get(found.path), new=wired(site, found, name, value), means=name)


def definition(site: Site, name: str) -> FieldDef:
    """Give the definition of the platform's field for one that sync speaks of. Raises ``Refused``."""
    if name in site.config.custom:
        return site.custom_def(name)
    return site.field_def({**NAMES, TAGS: site.config.tags_field or ""}[name], why=f"for {name}")


def wired(site: Site, found: FieldDef, name: str, value: Json) -> Json:
    """Give a native value as a creation takes it. Raises ``Refused`` for labels that are not offered."""
    try:
        if name == DESCRIPTION:
            return {"format": "html", "content": value}
        if name == SEVERITY:
            return {"id": chosen(found, str(value))}
        if name == ASSIGNEE:
            return {"id": int(str(value["id"]))} if isinstance(value, dict) else None
        if name in site.config.custom:
            return customs.wire_of(found, None if value is None else str(value))
        if name == TAGS and isinstance(value, list) and not found.many:
            return own.tags_text([str(tag) for tag in value])
        return value_of(found, value) if name == TAGS else value
    except ValueError as unknown:
        raise site.refused(f"setting {name}", name, unknown) from unknown


def _mark(site: Site, before: Incident, marks: Sequence[str]) -> Edit:
    found = site.mark_def()
    held = site.marks(before)
    if held or len(marks) > 1:
        said = f"{found.name} holds {held[0] if held else 'one mark only'}"
        advice = "It is a copy of something else; unlink one of the two."
        raise Refused(site.name, f"marking incident {before.key}", said=said, field=found.name, advice=advice)
    return Edit(field=found, old=before.values.get(found.path), new=marks[0])


def stored(site: Site, before: Incident, sent: Mapping[str, Json]) -> dict[str, Json]:
    """Read back what a change stored; ``before`` is the incident as it was read just before it.

    If somebody else has changed the incident since, a value that is not as sent counts as theirs.
    """
    try:
        after = site.incident(before.key)
        shown = site.natives(after)
    except ConnectorError as error:
        raise site.unknown(f"changing incident {before.key}", error) from error
    alone = after.vers <= before.vers + 1
    return {name: shown[name] if alone else value for name, value in sent.items()}


def link_back(site: Site, action: LinkBack, announce: Announce) -> Receipt:
    """Put the address of the other side into the configured field; if it is there, nothing is sent."""
    found = site.field_def(site.config.link_field or "", why="the field for links")
    before = site.incident(action.key)
    new = value_of(found, f"<{action.url}>" if found.rich_text else action.url)
    if action.url not in before.text(found.path):
        announce({})
        site.client.patch(before.key, before.vers, [Edit(field=found, old=before.values.get(found.path), new=new)])
    return Receipt(key=action.key)


def add_comment(site: Site, action: AddComment, announce: Announce) -> Receipt:
    """Write the mirror of a comment as a note, with its mark as the last line of the same request."""
    html = _html(site, action.body, action.mark)
    announce({})
    try:
        made = site.client.add_note(action.key, html)
    except NotFound as gone:
        site.confirm()
        raise gone
    return _receipt(site, action.key, made)


def edit_comment(site: Site, action: EditComment, announce: Announce) -> Receipt:
    """Change the text of a mirror; its mark stays. Raises ``NotFound`` if the note is gone."""
    html = _html(site, action.body, action.mark)
    announce({})
    try:
        made = site.client.edit_note(action.key, action.comment, html)
    except NotFound as gone:
        site.confirm()
        raise gone
    return _receipt(site, action.key, made)


def _html(site: Site, body: str, mark: str) -> str:
    try:
        return note_html(body, mark)
    except ValueError as unusable:
        raise Refused(site.name, "writing a note", said=str(unusable)) from unusable


def _receipt(site: Site, key: str, made: Note) -> Receipt:
    return Receipt(key=key, comment=site.comment(made))
