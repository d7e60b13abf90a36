"""The routes of files: of cases, and of the three cases file kinds of Kibana's files API."""

from __future__ import annotations

from urllib.parse import quote

from kibcase.server import limits
from kibcase.server.cases.files import OWNERS
from kibcase.server.cases.files_attached import Upload
from kibcase.server.cases.state import CaseState
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Reply, ok
from kibcase.server.kibana.multipart import parse_form

# A form is a little larger than the file in it.
_FORM_BYTES = limits.FILE_BYTES + limits.BODY_BYTES
_KEPT = (("cache-control", "max-age=31536000, immutable"), ("x-content-type-options", "nosniff"))


def file_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes of files."""
    files = state.files
    return [
        Endpoint(
            method="POST",
            path="/api/cases/{case_id}/files",
            handle=lambda call: _attach(state, call),
            raw=_FORM_BYTES,
            slow=True,
        ),
        Endpoint(
            method="POST",
            path="/internal/cases/{case_id}/attachments/files/_bulk_delete",
            handle=lambda call: _remove(state, call),
            internal=True,
        ),
        Endpoint(
            method="POST",
            path="/api/files/find",
            handle=lambda call: ok(files.find(call.by, call.body, call.query)),
            internal=True,
        ),
        Endpoint(
            method="DELETE",
            path="/api/files/blobs",
            handle=lambda call: ok(files.delete(call.by, call.body)),
            internal=True,
        ),
        *(route for kind in OWNERS for route in _kind_routes(state, kind)),
    ]


def _kind_routes(state: CaseState, kind: str) -> list[Endpoint]:
    files, base = state.files, f"/api/files/files/{kind}"
    return [
        Endpoint(
            method="POST", path=base, handle=lambda call: ok(files.create(call.by, kind, call.mapping)), internal=True
        ),
        Endpoint(
            method="POST",
            path=f"{base}/list",
            handle=lambda call: ok(files.list(call.by, kind, call.body, call.query)),
            internal=True,
        ),
        Endpoint(
            method="GET",
            path=f"{base}/{{id}}",
            handle=lambda call: ok(files.get(call.by, kind, call.params["id"])),
            internal=True,
        ),
        Endpoint(
            method="PUT",
            path=f"{base}/{{id}}/blob",
            handle=lambda call: _upload(state, kind, call),
            internal=True,
            raw=limits.FILE_BYTES,
            slow=True,
        ),
        # A picture in a page is asked for without any special header: downloads are public.
        Endpoint(method="GET", path=f"{base}/{{id}}/blob", handle=lambda call: _download(state, kind, call), slow=True),
        Endpoint(
            method="GET",
            path=f"{base}/{{id}}/blob/{{name}}",
            handle=lambda call: _download(state, kind, call),
            slow=True,
        ),
    ]


def _attach(state: CaseState, call: Call) -> Reply:
    parts = parse_form(call.raw, call.headers)
    file, filename = parts.get("file"), parts.get("filename")
    upload = Upload(
        name=None if file is None else file.filename,
        filename=None if filename is None else filename.content.decode("utf-8", "replace"),
        content=b"" if file is None else file.content,
    )
    return ok(state.case_files.attach(call.by, call.params["case_id"], upload))


def _remove(state: CaseState, call: Call) -> Reply:
    state.case_files.remove(call.by, call.params["case_id"], call.mapping)
    return NO_CONTENT


def _upload(state: CaseState, kind: str, call: Call) -> Reply:
    media = call.headers.get("content-type", "").partition(";")[0].strip()
    return ok(state.files.upload(call.by, kind, call.params["id"], media, call.raw))


def _download(state: CaseState, kind: str, call: Call) -> Reply:
    name = call.params.get("name")
    file, content = state.files.content(call.by, kind, call.params["id"], name)
    if not content:
        return NO_CONTENT
    called = name or (f"{file['name']}.{file['extension']}" if "extension" in file else file["name"])
    headers = (*_KEPT, ("content-disposition", f"attachment; filename={quote(called, safe='')}"))
    return Reply(content=content, media=file.get("mimeType", "application/octet-stream"), headers=headers)
