"""Changing fields of a ticket, and writing comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kibcase_connectors.actions import AddComment, EditComment, SetFields
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, NotFound, Refused
from kibcase_connectors.jira import indicators
from kibcase_connectors.jira.drafting import draft, text_of_observables, usable
from kibcase_connectors.jira.history import stored
from kibcase_connectors.jira.site import Site
from kibcase_connectors.jira.wire import MARK_PROPERTY, Issue, JiraComment
from kibcase_connectors.model import OBSERVABLES, TAGS, Json, Receipt

_INTERNAL = "sd.public.comment"


def set_fields(site: Site, action: SetFields, announce: Announce) -> Receipt:
    """Change fields in one request and learn what Jira stored.

    Labels are added and removed one by one, so that those which people add at the same time survive.
    """
    before = site.unchanged(action.key, action.version)
    found = draft(site, action.fields, issueKey=before.key)
    add, remove = action.add.get(TAGS, ()), action.remove.get(TAGS, ())
    sent, fields = dict(found.values), dict(found.fields)
    if add or remove:
        sent[TAGS] = _labels(before, add, remove)
    _observables(site, before, action, sent, fields)
    receipt = Receipt(key=before.id, label=before.key, url=site.browse(before.key))
    if not sent:
        return receipt
    announce(sent)
    with site.naming():
        site.client.edit(before.id, fields, _update(add, remove))
    return replace(receipt, stored=_stored(site, before, sent))


def _labels(issue: Issue, add: Sequence[str], remove: Sequence[str]) -> list[Json]:
    kept = [label for label in issue.labels if label not in remove]
    return [*kept, *(label for label in dict.fromkeys(add) if label not in kept)]


def _observables(
    site: Site, before: Issue, action: SetFields, sent: dict[str, Json], fields: dict[str, Json]
) -> None:
    """Add what the field with the observables is to hold: the whole text, with people's own lines as they are."""
    add, remove = action.add.get(OBSERVABLES, ()), action.remove.get(OBSERVABLES, ())
    if not add and not remove:
        return
    usable(site, OBSERVABLES)
    layout = site.layout()
    if OBSERVABLES not in layout.names:
        raise Refused(site.name, "setting observables", said="no field is configured for them", field=OBSERVABLES)
    text = indicators.changed(layout.plain(before.fields), add, remove)
    sent[OBSERVABLES] = list[Json](indicators.listed(text))
    fields[layout.names[OBSERVABLES]] = text_of_observables(site, text)


def _update(add: Sequence[str], remove: Sequence[str]) -> dict[str, Json]:
    steps: list[Json] = []
    steps += [{"add": label} for label in add]
    steps += [{"remove": label} for label in remove]
    return {"labels": steps} if steps else {}


def _stored(site: Site, before: Issue, sent: dict[str, Json]) -> dict[str, Json]:
    try:
        after, own = site.issue(before.id), site.client.myself().id
    except ConnectorError as error:
        raise site.unknown(f"changing ticket {before.key}", error) from error
    known = {edit.entry for edit in before.edits}
    fresh = [edit for edit in after.edits if edit.entry not in known]
    shown, layout = after.natives, site.client.layout
    return {
        name: stored(name, value, shown.get(name, value), fresh, own, layout=layout) for name, value in sent.items()
    }


def add_comment(site: Site, action: AddComment, announce: Announce) -> Receipt:
    """Write the mirror of a comment with its mark in the same request.

    In Jira Service Management it is hidden from the customer unless configured otherwise; elsewhere the
    property that says so has no effect.
    """
    properties: dict[str, Json] = {MARK_PROPERTY: {"mark": action.mark}}
    if site.config.internal_comments:
        properties[_INTERNAL] = {"internal": True}
    body = _text(site, action.body)
    announce({})
    try:
        made = site.client.add_comment(action.key, body, properties)
    except NotFound as gone:
        site.confirm()
        raise gone
    return _receipt(site, action.key, action.mark, made)


def edit_comment(site: Site, action: EditComment, announce: Announce) -> Receipt:
    """Change the text of a mirror; its mark stays. Raises ``NotFound`` if the comment is gone."""
    body = _text(site, action.body)
    announce({})
    try:
        made = site.client.edit_comment(action.key, action.comment, body)
    except NotFound as gone:
        site.confirm()
        raise gone
    return _receipt(site, action.key, action.mark, made)


def _text(site: Site, markdown: str) -> Json:
    dialect = site.layout().dialect
    return dialect.wire(dialect.write(markdown))


def _receipt(site: Site, key: str, mark: str, made: JiraComment) -> Receipt:
    # Jira's answer to a write leaves the properties out.
    return Receipt(key=key, comment=site.comment(replace(made, mark=mark)))
