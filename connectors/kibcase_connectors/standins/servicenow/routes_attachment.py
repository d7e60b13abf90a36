"""Handlers of the Attachment API, which exists as version 1 only."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from kibcase_connectors.standins import multipart
from kibcase_connectors.standins.servicenow import attaching
from kibcase_connectors.standins.servicenow.call import Call, answer, empty
from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem
from kibcase_connectors.standins.servicenow.records import Row
from kibcase_connectors.standins.servicenow.render import View
from kibcase_connectors.standins.servicenow.routes_table import page

LIMIT = 1000


def listing(call: Call) -> Response:
    """GET /attachment."""
    rows, headers = page(call, "sys_attachment", LIMIT)
    return answer({"result": [_shown(call, row) for row in rows]}, 200, headers)


def read(call: Call) -> Response:
    """GET /attachment/{sys_id}."""
    return answer({"result": _shown(call, call.state.read(call.actor, "sys_attachment", call.path("sys_id")))})


def content(call: Call) -> Response:
    """GET /attachment/{sys_id}/file."""
    file, raw = attaching.content_of(call.state, call.actor, call.path("sys_id"))
    return Response(raw, media_type=file["content_type"], headers={
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file['file_name'], safe='')}",
        "x-content-type-options": "nosniff",
    })


def upload(call: Call) -> Response:
    """POST /attachment/file: the body is the file."""
    media_type = call.request.headers.get("content-type", "")
    if not media_type:
        raise ServiceNowProblem(400, "Bad Request", "The header Content-Type is required")
    return _attached(
        call, call.query("table_name"), call.query("table_sys_id"), call.query("file_name"), media_type, call.raw
    )


def upload_form(call: Call) -> Response:
    """POST /attachment/upload: a multipart form with ``table_name``, ``table_sys_id`` and one file."""
    try:
        parts = multipart.parse(call.request.headers.get("content-type", ""), call.raw)
    except ValueError as error:
        raise ServiceNowProblem(400, "Failed to create the attachment", str(error)) from None
    words = {part.name: part.content.decode("utf-8", "replace") for part in parts if part.filename is None}
    files = [part for part in parts if part.filename is not None]
    if len(files) != 1:
        raise ServiceNowProblem(400, "Failed to create the attachment", "The form must have exactly one file")
    file = files[0]
    return _attached(
        call, words.get("table_name", ""), words.get("table_sys_id", ""), file.filename or "", file.media_type,
        file.content,
    )


def delete(call: Call) -> Response:
    """DELETE /attachment/{sys_id}."""
    attaching.detach(call.state, call.actor, call.path("sys_id"))
    return empty()


def _attached(call: Call, table: str, sys_id: str, name: str, media_type: str, raw: bytes) -> Response:
    if not table or not sys_id:
        raise ServiceNowProblem(400, "Missing parameter", "table_name and table_sys_id are required")
    row = attaching.attach(
        call.state, call.actor, table, sys_id, name=name, media_type=media_type, content=raw
    )
    return answer({"result": _shown(call, row)}, 201, {"Location": _address(call, row)})


def _address(call: Call, row: Row) -> str:
    return f"{call.state.instance.base}/api/now/attachment/{row.sys_id}"


def _shown(call: Call, row: Row) -> dict[str, Any]:
    return call.show.record(row, View()) | {"download_link": f"{_address(call, row)}/file"}
