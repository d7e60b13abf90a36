"""Notes, artifacts and files of an incident."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from kibcase_connectors.standins.resilient import richtext
from kibcase_connectors.standins.resilient.problem import ResilientProblem
from kibcase_connectors.standins.resilient.records import Artifact, Attachment, Comment, Incident
from kibcase_connectors.standins.resilient.state import ResilientState

_LONGEST_VALUE = 4000
_LONGEST_NAME = 255
_T = TypeVar("_T", Comment, Artifact, Attachment)


def comment(incident: Incident, comment_id: int) -> Comment:
    """Find a note; 404 if it is absent."""
    return _found(incident.comments, comment_id)


def artifact(incident: Incident, artifact_id: int) -> Artifact:
    """Find an artifact; 404 if it is absent."""
    return _found(incident.artifacts, artifact_id)


def attachment(incident: Incident, attachment_id: int) -> Attachment:
    """Find a file; 404 if it is absent."""
    return _found(incident.attachments, attachment_id)


def _found(among: tuple[_T, ...], number: int) -> _T:
    for each in among:
        if each.id == number:
            return each
    raise ResilientProblem(404)


def add_comment(state: ResilientState, actor: int, number: int, body: Mapping[str, Any]) -> Comment:
    """Write a note, or with ``parent_id`` a reply to one."""
    with state.lock:
        incident = state.incident(actor, number)
        state.need(actor, "comment")
        parent = body.get("parent_id")
        if parent is not None:
            comment(incident, parent)
        now = state.now()
        made = Comment(id=state.number("child"), parent=parent, author=actor, text=_note(body), created=now,
                       modified=now, modified_by=actor)
        state.commit(replace(incident, comments=(*incident.comments, made)), "comment_added", actor, child=made.id)
        return made


def _note(body: Mapping[str, Any]) -> str:
    try:
        text = richtext.keep(body.get("text"))
    except ValueError as error:
        raise ResilientProblem(400, f"Comment: {error}.") from None
    if text is None:
        raise ResilientProblem(400, "Comment: the text is required.")
    return text


def may_edit(state: ResilientState, actor: int, held: Comment) -> bool:
    """Tell whether an account may change or delete a note: its own, or with the permission for all."""
    permissions = state.account(actor).permissions
    return not held.deleted and (
        "edit_all_comments" in permissions or (held.author == actor and "comment" in permissions)
    )


def edit_comment(
    state: ResilientState, actor: int, number: int, comment_id: int, body: Mapping[str, Any]
) -> Comment:
    """Change the text of a note."""
    with state.lock:
        incident, held = _editable(state, actor, number, comment_id)
        made = replace(held, text=_note(body), modified=state.now(), modified_by=actor)
        state.commit(_with_comment(incident, made), "comment_changed", actor, child=made.id)
        return made


def delete_comment(state: ResilientState, actor: int, number: int, comment_id: int) -> None:
    """Delete a note; one that has replies stays as an empty one."""
    with state.lock:
        incident, held = _editable(state, actor, number, comment_id)
        if any(each.parent == held.id for each in incident.comments):
            gone = replace(held, text=None, deleted=True, modified=state.now(), modified_by=actor)
            after = _with_comment(incident, gone)
        else:
            after = replace(incident, comments=tuple(each for each in incident.comments if each.id != held.id))
        state.commit(after, "comment_deleted", actor, child=held.id)


def _editable(state: ResilientState, actor: int, number: int, comment_id: int) -> tuple[Incident, Comment]:
    incident = state.incident(actor, number)
    held = comment(incident, comment_id)
    if not may_edit(state, actor, held):
        raise ResilientProblem(403)
    return incident, held


def _with_comment(incident: Incident, made: Comment) -> Incident:
    return replace(incident, comments=tuple(made if each.id == made.id else each for each in incident.comments))


def add_artifacts(state: ResilientState, actor: int, number: int, body: Mapping[str, Any]) -> list[Artifact]:
    """Add an artifact, or several where one value holds several; equal ones are not refused."""
    with state.lock:
        incident = state.incident(actor, number)
        state.need(actor, "create_artifacts")
        kind = state.catalog.artifact_type(body.get("type"))
        value = body.get("value")
        if kind is None or kind.file or not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_VALUE:
            raise ResilientProblem(400)
        pieces = _pieces(value, blanks=kind.multi_aware, commas=body.get("parse_as_csv") is True)
        now, description = state.now(), _description(body)
        made = [
            Artifact(id=state.number("child"), type=kind.id, value=each, description=description, creator=actor,
                     created=now, modified=now)
            for each in pieces
        ]
        state.commit(
            replace(incident, artifacts=(*incident.artifacts, *made)), "artifact_added", actor, child=made[0].id
        )
        return made


def _pieces(value: str, *, blanks: bool, commas: bool) -> list[str]:
    pieces = value.split(",") if commas else [value]
    if blanks:
        pieces = [part for each in pieces for part in re.split(r"\s+", each)]
    found = [each.strip() for each in pieces if each.strip()]
    if not found:
        raise ResilientProblem(400)
    return found


def _description(body: Mapping[str, Any]) -> str | None:
    try:
        kept = richtext.keep(body.get("description"))
    except ValueError as error:
        raise ResilientProblem(400, f"Description: {error}.") from None
    return richtext.to_text(kept) if kept else None


def edit_artifact(
    state: ResilientState, actor: int, number: int, artifact_id: int, body: Mapping[str, Any]
) -> Artifact:
    """Change the description of an artifact, or its value."""
    with state.lock:
        incident = state.incident(actor, number)
        state.need(actor, "create_artifacts")
        held = artifact(incident, artifact_id)
        value = body.get("value", held.value)
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_VALUE:
            raise ResilientProblem(400)
        described = _description(body) if "description" in body else held.description
        made = replace(held, value=value.strip(), description=described, modified=state.now())
        kept = tuple(made if each.id == made.id else each for each in incident.artifacts)
        state.commit(replace(incident, artifacts=kept), "artifact_changed", actor, child=made.id)
        return made


def delete_artifact(state: ResilientState, actor: int, number: int, artifact_id: int) -> None:
    """Remove an artifact."""
    with state.lock:
        incident = state.incident(actor, number)
        state.need(actor, "create_artifacts")
        gone = artifact(incident, artifact_id)
        kept = tuple(each for each in incident.artifacts if each is not gone)
        state.commit(replace(incident, artifacts=kept), "artifact_deleted", actor, child=gone.id)


def attach(
    state: ResilientState, actor: int, number: int, name: str, media_type: str, content: bytes
) -> Attachment:
    """Attach a file; 413 if it is too large, 400 for a name that is too long."""
    with state.lock:
        incident = state.incident(actor, number)
        state.need(actor, "attach_file")
        if len(content) > state.catalog.attachment_mb * 1024 * 1024:
            raise ResilientProblem(413)
        if len(name) > _LONGEST_NAME:
            raise ResilientProblem(400)
        made = Attachment(id=state.number("child"), uuid=str(uuid.uuid4()), name=name, media_type=media_type,
                          creator=actor, created=state.now(), content=content)
        state.commit(
            replace(incident, attachments=(*incident.attachments, made)), "attachment_added", actor, child=made.id
        )
        return made


def delete_attachment(state: ResilientState, actor: int, number: int, attachment_id: int) -> None:
    """Remove a file."""
    with state.lock:
        incident = state.incident(actor, number)
        state.need(actor, "delete_attachments")
        gone = attachment(incident, attachment_id)
        kept = tuple(each for each in incident.attachments if each is not gone)
        state.commit(replace(incident, attachments=kept), "attachment_deleted", actor, child=gone.id)
