"""What hangs on an issue: comments, properties, remote links, attachments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kibcase_connectors.standins.jira import changes
from kibcase_connectors.standins.jira.documents import INVALID, NOT_A_DOCUMENT, Form, Rich, is_document, utf16_length
from kibcase_connectors.standins.jira.fields import TEXT_LIMIT, FieldError, rich
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.records import Attachment, Change, Comment, Issue, RemoteLink
from kibcase_connectors.standins.jira.state import JiraState

PROPERTY_LIMIT = 32_768
KEY_LIMIT = 255
EMPTY = "Comment body can not be empty!"
NOT_VALID = "Comment body is not valid!"


def comment_body(raw: object, form: Form = "wiki") -> str | Rich:
    """Check the text of a comment; raises ``JiraProblem`` (400)."""
    if form == "adf" or (form == "either" and isinstance(raw, Mapping)):
        return _comment_document(raw)
    if isinstance(raw, Mapping):
        raise JiraProblem(400, fields={"comment": NOT_VALID})
    if not isinstance(raw, str) or not raw.strip():
        raise JiraProblem(400, fields={"comment": EMPTY})
    if utf16_length(raw) > TEXT_LIMIT:
        raise JiraProblem(400, fields={
            "comment": f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT:,} characters."
        })
    return raw


def _comment_document(raw: object) -> Rich:
    if raw is None or (is_document(raw) and isinstance(raw, Mapping) and not raw.get("content")):
        raise JiraProblem(400, fields={"comment": EMPTY})
    try:
        return rich(raw)
    except FieldError as error:
        text = str(error)
        if text == INVALID:
            raise JiraProblem(400, text) from None
        raise JiraProblem(400, fields={"comment": NOT_VALID if text == NOT_A_DOCUMENT else text}) from None


def properties_of(raw: object) -> dict[str, Any]:
    """Read a list of ``{"key", "value"}``; raises ``JiraProblem`` (400)."""
    if raw is None:
        return {}
    if not isinstance(raw, list) or not all(isinstance(each, Mapping) and "key" in each for each in raw):
        raise JiraProblem(400, "The properties must be a list of objects with 'key' and 'value'.")
    for each in raw:
        check_property(each["key"], each.get("value"))
    return {each["key"]: each.get("value") for each in raw}


def check_property(key: object, value: object) -> None:
    """Refuse keys over 255 characters and values over 32 KB (Jira: entity properties)."""
    if not isinstance(key, str) or not 0 < utf16_length(key) <= KEY_LIMIT:
        raise JiraProblem(400, f"The property key must have from 1 to {KEY_LIMIT} characters.")
    if len(json.dumps(value, ensure_ascii=False).encode()) > PROPERTY_LIMIT:
        raise JiraProblem(400, f"The property value cannot be longer than {PROPERTY_LIMIT} bytes.")


def add_comment(
    state: JiraState, actor: str, ref: str, body: Mapping[str, Any], form: Form = "wiki"
) -> tuple[Issue, Comment]:
    """Add a comment from the body of POST /issue/{id}/comment."""
    with state.lock:
        issue = state.issue(actor, ref)
        _need_to_comment(state, actor, issue)
        text, properties = comment_body(body.get("body"), form), properties_of(body.get("properties"))
        updated = changes.touched(issue, state.now())
        comment = Comment(
            id=state.number("comment"), author=actor, created=updated, update_author=actor, updated=updated,
            visibility=_visibility(body.get("visibility")), properties=properties, **_written(text),
        )
        return state.commit(replace(issue, updated=updated, comments=(*issue.comments, comment))), comment


def _need_to_comment(state: JiraState, actor: str, issue: Issue) -> None:
    name = state.user(actor).display_name if state.catalog.cloud else actor
    # Cloud was measured to answer 400 here, not 403.
    state.need(actor, "ADD_COMMENTS", f"{name}, you do not have the permission to comment on this issue.",
               project=issue.project, status=400 if state.catalog.cloud else 403)


def _written(text: str | Rich) -> dict[str, Any]:
    return {"body": text.text or "", "adf": text.adf} if isinstance(text, Rich) else {"body": text, "adf": None}


def _visibility(raw: object) -> Mapping[str, Any] | None:
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or raw.get("type") not in ("role", "group") or not raw.get("value"):
        raise JiraProblem(400, fields={"commentLevel": "Comment visibility needs a type (role or group) and a value."})
    return {"type": raw["type"], "value": raw["value"]}


def find_comment(issue: Issue, comment_id: str) -> Comment:
    """Give a comment of an issue; raises ``JiraProblem`` (404)."""
    for comment in issue.comments:
        if comment.id == comment_id:
            return comment
    raise JiraProblem(404, f"Can not find a comment for the id: {comment_id}.")


def edit_comment(
    state: JiraState, actor: str, ref: str, comment_id: str, body: Mapping[str, Any], form: Form = "wiki"
) -> tuple[Issue, Comment]:
    """Edit a comment from the body of PUT /issue/{id}/comment/{id}."""
    with state.lock:
        issue = state.issue(actor, ref)
        old = find_comment(issue, comment_id)
        _need_own(state, actor, issue, old.author, "EDIT_COMMENTS", "edit this comment")
        updated = changes.touched(issue, state.now())
        comment = replace(
            old, **_written(comment_body(body.get("body"), form)), update_author=actor, updated=updated,
            visibility=_visibility(body["visibility"]) if "visibility" in body else old.visibility,
            properties={**old.properties, **properties_of(body.get("properties"))},
        )
        return state.commit(_with_comment(issue, comment, updated=True)), comment


def _with_comment(issue: Issue, comment: Comment, *, updated: bool) -> Issue:
    comments = tuple(comment if each.id == comment.id else each for each in issue.comments)
    return replace(issue, comments=comments, updated=comment.updated if updated else issue.updated)


def _need_own(state: JiraState, actor: str, issue: Issue, owner: str, permission: str, what: str) -> None:
    verb, things = permission.split("_")
    held = state.catalog.held(actor, issue.project)
    if f"{verb}_ALL_{things}" not in held and not (owner == actor and f"{verb}_OWN_{things}" in held):
        raise JiraProblem(403, f"You do not have permission to {what}.")


def delete_comment(state: JiraState, actor: str, ref: str, comment_id: str) -> None:
    """Delete a comment; it leaves nothing behind but a later ``updated``."""
    with state.lock:
        issue = state.issue(actor, ref)
        author = find_comment(issue, comment_id).author
        _need_own(state, actor, issue, author, "DELETE_COMMENTS", "delete this comment")
        kept = tuple(each for each in issue.comments if each.id != comment_id)
        state.commit(replace(issue, comments=kept, updated=changes.touched(issue, state.now())))


def set_comment_property(state: JiraState, actor: str, comment_id: str, key: str, value: object) -> bool:
    """Set a property of a comment; tells whether it is new."""
    with state.lock:
        issue = issue_of_comment(state, actor, comment_id)
        comment = find_comment(issue, comment_id)
        check_property(key, value)
        changed = replace(comment, properties={**comment.properties, key: value})
        state.commit(_with_comment(issue, changed, updated=False))
        return key not in comment.properties


def issue_of_comment(state: JiraState, actor: str, comment_id: str) -> Issue:
    """Give the issue that a comment is on; raises ``JiraProblem`` (404)."""
    for issue in state.issues():
        if any(each.id == comment_id for each in issue.comments):
            return state.issue(actor, str(issue.id))
    raise JiraProblem(404, f"Can not find a comment for the id: {comment_id}.")


def set_property(state: JiraState, actor: str, ref: str, key: str, value: object) -> bool:
    """Set a property of an issue, which does not move ``updated``; tells whether it is new."""
    with state.lock:
        issue = state.issue(actor, ref)
        state.need(actor, "EDIT_ISSUES", "You do not have permission to edit this issue.", project=issue.project)
        check_property(key, value)
        state.commit(replace(issue, properties={**issue.properties, key: value}))
        return key not in issue.properties


def delete_property(state: JiraState, actor: str, ref: str, key: str) -> None:
    """Remove a property of an issue; raises ``JiraProblem`` (404)."""
    with state.lock:
        issue = state.issue(actor, ref)
        state.need(actor, "EDIT_ISSUES", "You do not have permission to edit this issue.", project=issue.project)
        if key not in issue.properties:
            raise no_property(key)
        state.commit(replace(issue, properties={k: v for k, v in issue.properties.items() if k != key}))


def no_property(key: str) -> JiraProblem:
    """Give the 404 for a property."""
    return JiraProblem(404, f"The property with key '{key}' does not exist.")


def link_remotely(
    state: JiraState, actor: str, ref: str, body: Mapping[str, Any], link_id: str | None = None
) -> tuple[RemoteLink, bool]:
    """Create a remote link, or update the one of that id or ``globalId``; tells whether it is new."""
    with state.lock:
        issue = state.issue(actor, ref)
        state.need(actor, "LINK_ISSUES", "No Link Issue Permission for issue.", project=issue.project)
        rest = _remote_body(body)
        global_id = str(body["globalId"]) if body.get("globalId") is not None else None
        old = _same_link(issue, global_id, link_id)
        link = RemoteLink(id=old.id if old else state.number("link"),
                          global_id=global_id if global_id or old is None else old.global_id, body=rest)
        links = (*(each for each in issue.remote_links if each.id != link.id), link)
        changed = replace(issue, remote_links=tuple(sorted(links, key=lambda each: int(each.id))))
        if old is None:
            title = f'This issue links to "{rest["object"]["title"]}"'
            item = Change(field="RemoteIssueLink", field_id="", old=None, old_text=None, new=link.id, new_text=title)
            changed = changes.logged(changed, (item,), state.stamp(actor))
        state.commit(changed)
        return link, old is None


def _remote_body(body: Mapping[str, Any]) -> dict[str, Any]:
    target = body.get("object")
    missing = {
        name: f"'{name}' is required." for name in ("url", "title")
        if not isinstance(target, Mapping) or not isinstance(target.get(name), str) or not target[name]
    }
    if missing:
        raise JiraProblem(400, fields=missing)
    return {name: body[name] for name in ("application", "relationship", "object") if body.get(name) is not None}


def _same_link(issue: Issue, global_id: str | None, link_id: str | None) -> RemoteLink | None:
    if link_id is not None:
        return find_link(issue, link_id)
    return next((each for each in issue.remote_links if global_id and each.global_id == global_id), None)


def find_link(issue: Issue, link_id: str) -> RemoteLink:
    """Give a remote link of an issue; raises ``JiraProblem`` (404)."""
    for link in issue.remote_links:
        if link.id == link_id:
            return link
    raise JiraProblem(404, f"The remote link with id '{link_id}' does not exist.")


def unlink_remotely(state: JiraState, actor: str, ref: str, *, link_id: str = "", global_id: str = "") -> None:
    """Remove the remote link of an id or of a ``globalId``; raises ``JiraProblem`` (404)."""
    with state.lock:
        issue = state.issue(actor, ref)
        state.need(actor, "LINK_ISSUES", "No Link Issue Permission for issue.", project=issue.project)
        gone = _same_link(issue, global_id, None) if global_id else find_link(issue, link_id)
        if gone is None:
            raise JiraProblem(404, f"The remote link with globalId '{global_id}' does not exist.")
        kept = tuple(each for each in issue.remote_links if each is not gone)
        state.commit(replace(issue, remote_links=kept))


def attach(
    state: JiraState, actor: str, ref: str, files: list[tuple[str, str, bytes]]
) -> list[tuple[Issue, Attachment]]:
    """Attach files given as (name, media type, content); 413 if one is over the limit, 403 if none may be."""
    with state.together():
        issue = state.issue(actor, ref)
        complaint = "You do not have permission to create attachments for this issue."
        state.need(actor, "CREATE_ATTACHMENTS", complaint, project=issue.project)
        if state.upload_limit is None:
            raise JiraProblem(403, "Attachments are disabled for this instance.")
        for name, _, content in files:
            if len(content) > state.upload_limit:
                raise JiraProblem(
                    413, f"The file '{name}' exceeds its maximum permitted size of {state.upload_limit} bytes."
                )
        added = [_attach_one(state, actor, ref, *each) for each in files]
        return [(state.issue(actor, ref), each) for each in added]


def _attach_one(state: JiraState, actor: str, ref: str, name: str, media_type: str, content: bytes) -> Attachment:
    issue = state.issue(actor, ref)
    file = Attachment(
        id=state.number("attachment"), author=actor, filename=name, mime_type=media_type, size=len(content),
        created=changes.milliseconds(state.now()),
    )
    item = Change(field="Attachment", field_id="attachment", old=None, old_text=None, new=file.id, new_text=name)
    logged = changes.logged(
        replace(issue, attachments=(*issue.attachments, file)), (item,), state.stamp(actor)
    )
    state.commit(logged, files={file.id: content})
    return file


def find_attachment(state: JiraState, actor: str, attachment_id: str) -> tuple[Issue, Attachment]:
    """Give an attachment and its issue; raises ``JiraProblem`` (404)."""
    for issue in state.issues():
        for file in issue.attachments:
            if file.id == attachment_id:
                return state.issue(actor, str(issue.id)), file
    raise JiraProblem(404, f"The attachment with id '{attachment_id}' does not exist")


def delete_attachment(state: JiraState, actor: str, attachment_id: str) -> None:
    """Delete an attachment."""
    with state.lock:
        issue, file = find_attachment(state, actor, attachment_id)
        what = f"delete attachment with id: {attachment_id}"
        _need_own(state, actor, issue, file.author, "DELETE_ATTACHMENTS", what)
        item = Change(
            field="Attachment", field_id="attachment", old=file.id, old_text=file.filename, new=None, new_text=None
        )
        kept = tuple(each for each in issue.attachments if each.id != file.id)
        logged = changes.logged(replace(issue, attachments=kept), (item,), state.stamp(actor))
        state.commit(logged, dropped=(file.id,))
