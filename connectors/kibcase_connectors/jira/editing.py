"""Changing fields of a ticket, and writing comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kibcase_connectors.actions import AddComment, EditComment, SetFields
from kibcase_connectors.api import Announce
from kibcase_connectors.errors import ConnectorError, NotFound
from kibcase_connectors.jira.history import stored
from kibcase_connectors.jira.mapping import write_text, written
from kibcase_connectors.jira.site import Site, comment_of
from kibcase_connectors.jira.wire import MARK_PROPERTY, Issue, JiraComment
from kibcase_connectors.model import TAGS, Json, Receipt

_INTERNAL = "sd.public.comment"


def set_fields(site: Site, action: SetFields, announce: Announce) -> Receipt:
    """Change fields in one request and learn what Jira stored.

    Labels are added and removed one by one, so that those which people add at the same time survive.
    """
    values = site.natives(action.fields)
    add, remove = action.add.get(TAGS, ()), action.remove.get(TAGS, ())
    before = site.unchanged(action.key, action.version)
    sent = dict(values)
    if add or remove:
        sent[TAGS] = _labels(before, add, remove)
    receipt = Receipt(key=before.id, label=before.key, url=site.browse(before.key))
    if not sent:
        return receipt
    announce(sent)
    site.client.edit(before.id, written(values), _update(add, remove))
    return replace(receipt, stored=_stored(site, before, sent))


def _labels(issue: Issue, add: Sequence[str], remove: Sequence[str]) -> list[Json]:
    kept = [label for label in issue.labels if label not in remove]
    return [*kept, *(label for label in dict.fromkeys(add) if label not in kept)]


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
    shown = after.natives
    return {field: stored(field, value, shown.get(field, value), fresh, own) for field, value in sent.items()}


def add_comment(site: Site, action: AddComment, announce: Announce) -> Receipt:
    """Write the mirror of a comment with its mark in the same request.

    In Jira Service Management it is hidden from the customer unless configured otherwise; elsewhere the
    property that says so has no effect.
    """
    properties: dict[str, Json] = {MARK_PROPERTY: {"mark": action.mark}}
    if site.config.internal_comments:
        properties[_INTERNAL] = {"internal": True}
    body = write_text(action.body)
    announce({})
    try:
        made = site.client.add_comment(action.key, body, properties)
    except NotFound as gone:
        site.confirm()
        raise gone
    return _receipt(action.key, action.mark, made)


def edit_comment(site: Site, action: EditComment, announce: Announce) -> Receipt:
    """Change the text of a mirror; its mark stays. Raises ``NotFound`` if the comment is gone."""
    body = write_text(action.body)
    announce({})
    try:
        made = site.client.edit_comment(action.key, action.comment, body)
    except NotFound as gone:
        site.confirm()
        raise gone
    return _receipt(action.key, action.mark, made)


def _receipt(key: str, mark: str, made: JiraComment) -> Receipt:
    # Jira's answer to a write leaves the properties out.
    return Receipt(key=key, comment=comment_of(replace(made, mark=mark)))
