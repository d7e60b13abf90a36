"""Attached files."""

from __future__ import annotations

import hashlib

from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem, no_record
from kibcase_connectors.standins.servicenow.records import Row
from kibcase_connectors.standins.servicenow.state import ServiceNowState
from kibcase_connectors.standins.servicenow.writing import attached_to, delete, touched


def attach(
    state: ServiceNowState, actor: str, table: str, sys_id: str, *, name: str, media_type: str, content: bytes
) -> Row:
    """Attach a file to a record; gives its ``sys_attachment`` record.

    Raises ``ServiceNowProblem``: 404 no such record, 403 not allowed, 400 too large, or of an extension that the
    instance does not take.
    """
    with state.lock:
        owner = attached_to(state, actor, table, sys_id)
        _check(state, name, content)
        file = state.blank("sys_attachment", actor, {
            "file_name": name[:100], "content_type": media_type, "size_bytes": str(len(content)),
            "table_name": table, "table_sys_id": sys_id, "hash": hashlib.sha256(content).hexdigest(),
        })
        bumped = [touched(state, actor, owner)] if state.instance.attachments_touch_record else []
        state.commit([file, *bumped], files={file.sys_id: content})
        return file


def _check(state: ServiceNowState, name: str, content: bytes) -> None:
    instance = state.instance
    if not name:
        raise ServiceNowProblem(400, "Missing parameter", "file_name is required")
    if len(content) > instance.attachment_limit:
        raise ServiceNowProblem(
            400, "Attachment size exceeds maximum limit", f"The limit is {instance.attachment_limit} bytes"
        )
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if instance.attachment_extensions and extension not in instance.attachment_extensions:
        raise ServiceNowProblem(403, "Operation Failed", f"File extension {extension or '(none)'} is not allowed")


def content_of(state: ServiceNowState, actor: str, sys_id: str) -> tuple[Row, bytes]:
    """Give an attachment and its bytes; raises ``ServiceNowProblem`` (404)."""
    file = state.read(actor, "sys_attachment", sys_id)
    content = state.storage.content(sys_id)
    if content is None:
        raise no_record()
    return file, content


def detach(state: ServiceNowState, actor: str, sys_id: str) -> None:
    """Delete an attachment; raises ``ServiceNowProblem`` (404, 403)."""
    with state.lock:
        file = state.read(actor, "sys_attachment", sys_id)
        attached_to(state, actor, file["table_name"], file["table_sys_id"])
        delete(state, actor, "sys_attachment", sys_id)
