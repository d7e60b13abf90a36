"""Handlers of what hangs on an issue: comments, properties, remote links, attachments."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from kibcase_connectors.standins import multipart
from kibcase_connectors.standins.jira import attached
from kibcase_connectors.standins.jira.call import Call, answer, empty
from kibcase_connectors.standins.jira.problem import JiraProblem

# Without maxResults, Data Center gives the whole thread and Cloud one page.
_PAGE = {True: 100, False: 1_048_576}


def comments(call: Call) -> Response:
    """GET /issue/{ref}/comment."""
    issue = call.state.issue(call.actor, call.path("ref"))
    start, size = call.window(_PAGE[call.cloud])
    order = call.query("orderBy", "created")
    if order.lstrip("+-") != "created":
        raise JiraProblem(400, f"The comments cannot be ordered by '{order}'.")
    thread = sorted(issue.comments, key=lambda each: (each.created, int(each.id)), reverse=order.startswith("-"))
    properties = "properties" in call.names("expand")
    return answer({
        "startAt": start, "maxResults": size, "total": len(thread),
        "comments": [call.show.comment(issue, each, properties=properties) for each in thread[start : start + size]],
    })


def comment(call: Call) -> Response:
    """GET /issue/{ref}/comment/{id}."""
    issue = call.state.issue(call.actor, call.path("ref"))
    found = attached.find_comment(issue, call.path("id"))
    return answer(call.show.comment(issue, found, properties="properties" in call.names("expand")))


def add_comment(call: Call) -> Response:
    """POST /issue/{ref}/comment."""
    body = call.document("body", "visibility", "properties")
    issue, added = attached.add_comment(call.state, call.actor, call.path("ref"), body, call.form)
    return answer(call.show.comment(issue, added, properties="properties" in call.names("expand")), 201)


def edit_comment(call: Call) -> Response:
    """PUT /issue/{ref}/comment/{id}."""
    body = call.document("body", "visibility", "properties")
    ref, comment_id = call.path("ref"), call.path("id")
    issue, changed = attached.edit_comment(call.state, call.actor, ref, comment_id, body, call.form)
    return answer(call.show.comment(issue, changed, properties="properties" in call.names("expand")))


def delete_comment(call: Call) -> Response:
    """DELETE /issue/{ref}/comment/{id}."""
    attached.delete_comment(call.state, call.actor, call.path("ref"), call.path("id"))
    return empty()


def comment_properties(call: Call) -> Response:
    """GET /comment/{id}/properties."""
    issue = attached.issue_of_comment(call.state, call.actor, call.path("id"))
    found = attached.find_comment(issue, call.path("id"))
    return answer({"keys": [
        {"self": call.show.link(f"comment/{found.id}/properties/{quote(key, safe='')}"), "key": key}
        for key in found.properties
    ]})


def comment_property(call: Call) -> Response:
    """GET /comment/{id}/properties/{key}."""
    issue = attached.issue_of_comment(call.state, call.actor, call.path("id"))
    properties, key = attached.find_comment(issue, call.path("id")).properties, call.path("key")
    if key not in properties:
        raise attached.no_property(key)
    return answer({"key": key, "value": properties[key]})


def set_comment_property(call: Call) -> Response:
    """PUT /comment/{id}/properties/{key}."""
    new = attached.set_comment_property(call.state, call.actor, call.path("id"), call.path("key"), call.json())
    return empty(201 if new else 200)


def properties(call: Call) -> Response:
    """GET /issue/{ref}/properties."""
    issue = call.state.issue(call.actor, call.path("ref"))
    return answer({"keys": [
        {"self": call.show.link(f"issue/{issue.id}/properties/{quote(key, safe='')}"), "key": key}
        for key in issue.properties
    ]})


def read_property(call: Call) -> Response:
    """GET /issue/{ref}/properties/{key}."""
    issue, key = call.state.issue(call.actor, call.path("ref")), call.path("key")
    if key not in issue.properties:
        raise attached.no_property(key)
    return answer({"key": key, "value": issue.properties[key]})


def set_property(call: Call) -> Response:
    """PUT /issue/{ref}/properties/{key}: 201 if new, 200 if replaced."""
    new = attached.set_property(call.state, call.actor, call.path("ref"), call.path("key"), call.json())
    return empty(201 if new else 200)


def delete_property(call: Call) -> Response:
    """DELETE /issue/{ref}/properties/{key}."""
    attached.delete_property(call.state, call.actor, call.path("ref"), call.path("key"))
    return empty()


def remote_links(call: Call) -> Response:
    """GET /issue/{ref}/remotelink; with ``globalId`` the one link of that id."""
    issue, wanted = call.state.issue(call.actor, call.path("ref")), call.query("globalId")
    if not wanted:
        return answer([call.show.remote_link(issue, each) for each in issue.remote_links])
    for each in issue.remote_links:
        if each.global_id == wanted:
            return answer(call.show.remote_link(issue, each))
    raise JiraProblem(404, f"The remote link with globalId '{wanted}' does not exist.")


def link_remotely(call: Call) -> Response:
    """POST /issue/{ref}/remotelink: 201 if new, 200 if the ``globalId`` was there."""
    ref = call.path("ref")
    link, new = attached.link_remotely(call.state, call.actor, ref, call.document())
    issue = call.state.issue(call.actor, ref)
    body = {"id": int(link.id), "self": call.show.link(f"issue/{issue.id}/remotelink/{link.id}")}
    return answer(body, 201 if new else 200)


def remote_link(call: Call) -> Response:
    """GET /issue/{ref}/remotelink/{id}."""
    issue = call.state.issue(call.actor, call.path("ref"))
    return answer(call.show.remote_link(issue, attached.find_link(issue, call.path("id"))))


def edit_remote_link(call: Call) -> Response:
    """PUT /issue/{ref}/remotelink/{id}."""
    attached.link_remotely(call.state, call.actor, call.path("ref"), call.document(), call.path("id"))
    return empty()


def delete_remote_link(call: Call) -> Response:
    """DELETE /issue/{ref}/remotelink/{id}, or with ``?globalId=``."""
    link_id = str(call.request.path_params.get("id", ""))
    global_id = call.query("globalId")
    if not link_id and not global_id:
        raise JiraProblem(400, "The 'globalId' is required.")
    attached.unlink_remotely(
        call.state, call.actor, call.path("ref"), link_id=link_id, global_id="" if link_id else global_id
    )
    return empty()


def attach(call: Call) -> Response:
    """POST /issue/{ref}/attachments: a multipart form whose parts are named ``file``."""
    if call.request.headers.get("x-atlassian-token", "").lower() not in ("no-check", "nocheck"):
        return Response("XSRF check failed", 403, media_type="text/plain")
    try:
        parts = multipart.parse(call.request.headers.get("content-type", ""), call.raw)
    except ValueError as error:
        raise JiraProblem(415, str(error)) from None
    files = [(part.filename or "file", part.media_type, part.content) for part in parts if part.name == "file"]
    if not files:
        raise JiraProblem(400, "The form has no part named 'file'.")
    added = attached.attach(call.state, call.actor, call.path("ref"), files)
    return answer([call.show.attachment(file) for _, file in added])


def attachment_meta(call: Call) -> Response:
    """GET /attachment/meta."""
    limit = call.state.upload_limit
    return answer({"enabled": limit is not None, **({"uploadLimit": limit} if limit is not None else {})})


def attachment(call: Call) -> Response:
    """GET /attachment/{id}."""
    return answer(call.show.attachment(attached.find_attachment(call.state, call.actor, call.path("id"))[1]))


def delete_attachment(call: Call) -> Response:
    """DELETE /attachment/{id}."""
    attached.delete_attachment(call.state, call.actor, call.path("id"))
    return empty()


def attachment_content(call: Call) -> Response:
    """GET /attachment/content/{id}: Cloud sends the caller on to its media host, unless ``redirect=false``."""
    _, file = attached.find_attachment(call.state, call.actor, call.path("id"))
    if call.query("redirect", "true").lower() == "false":
        return attachment_bytes(call)
    if call.switches.media is not None:
        return RedirectResponse(call.switches.media(file.id), 303)
    return RedirectResponse(f"{call.state.catalog.base}/media/{file.id}/file", 303)


def attachment_bytes(call: Call) -> Response:
    """GET the bytes of an attachment."""
    _, file = attached.find_attachment(call.state, call.actor, call.path("id"))
    content = call.state.storage.content(file.id)
    if content is None:
        raise JiraProblem(404, f"The attachment with id '{file.id}' does not exist")
    return Response(content, media_type=file.mime_type, headers={
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}",
        "x-content-type-options": "nosniff",
    })
