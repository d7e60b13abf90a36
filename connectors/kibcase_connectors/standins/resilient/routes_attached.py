"""Handlers of what hangs on an incident: notes, artifacts, files."""

from __future__ import annotations

from starlette.responses import Response

from kibcase_connectors.standins import multipart
from kibcase_connectors.standins.resilient import attached
from kibcase_connectors.standins.resilient.call import Call, answer, page
from kibcase_connectors.standins.resilient.problem import ResilientProblem, status_body
from kibcase_connectors.standins.resilient.records import Incident
from kibcase_connectors.standins.resilient.render import paged


def _incident(call: Call, *permissions: str) -> Incident:
    incident = call.state.incident(call.actor, call.id())
    call.state.need(call.actor, *permissions)
    return incident


def comments(call: Call) -> Response:
    """GET .../comments: replies are inside what they reply to."""
    return answer(call.show.comments(_incident(call)))


def comment(call: Call) -> Response:
    """GET .../comments/{child}."""
    incident = _incident(call)
    return answer(call.show.comment(incident, attached.comment(incident, call.id("child"))))


def add_comment(call: Call) -> Response:
    """POST .../comments."""
    show = call.show
    made = attached.add_comment(call.state, call.actor, call.id(), call.document())
    return answer(show.comment(_incident(call), made))


def edit_comment(call: Call) -> Response:
    """PUT .../comments/{child}."""
    show = call.show
    made = attached.edit_comment(call.state, call.actor, call.id(), call.id("child"), call.document())
    return answer(show.comment(_incident(call), made))


def delete_comment(call: Call) -> Response:
    """DELETE .../comments/{child}."""
    attached.delete_comment(call.state, call.actor, call.id(), call.id("child"))
    return answer(status_body(success=True))


def artifacts(call: Call) -> Response:
    """GET .../artifacts."""
    incident, show = _incident(call, "list_artifacts"), call.show
    return answer([show.artifact(incident, each) for each in incident.artifacts])


def artifacts_paged(call: Call) -> Response:
    """POST .../artifacts/query_paged: start and length are read, conditions are not taken."""
    incident, show, body = _incident(call, "list_artifacts"), call.show, call.document()
    start, length = body.get("start", 0), body.get("length", call.switches.page_limit)
    if body.get("filters") or type(start) is not int or type(length) is not int or start < 0 or length < 0:
        raise ResilientProblem(400)
    rows = [show.artifact(incident, each) for each in incident.artifacts]
    return answer(paged(rows, start, min(length, call.switches.page_limit), len(rows)))


def artifact(call: Call) -> Response:
    """GET .../artifacts/{child}."""
    incident = _incident(call, "list_artifacts")
    return answer(call.show.artifact(incident, attached.artifact(incident, call.id("child"))))


def add_artifact(call: Call) -> Response:
    """POST .../artifacts: a list, for a value may hold several."""
    show = call.show
    made = attached.add_artifacts(call.state, call.actor, call.id(), call.document())
    incident = _incident(call)
    return answer([show.artifact(incident, each) for each in made])


def edit_artifact(call: Call) -> Response:
    """PUT .../artifacts/{child}."""
    show = call.show
    made = attached.edit_artifact(call.state, call.actor, call.id(), call.id("child"), call.document())
    return answer(show.artifact(_incident(call), made))


def delete_artifact(call: Call) -> Response:
    """DELETE .../artifacts/{child}."""
    attached.delete_artifact(call.state, call.actor, call.id(), call.id("child"))
    return answer(status_body(success=True))


def attachments(call: Call) -> Response:
    """GET .../attachments."""
    incident, show = _incident(call, "read_attachments"), call.show
    return answer([show.attachment(incident, each) for each in incident.attachments])


def attachment(call: Call) -> Response:
    """GET .../attachments/{child}."""
    incident = _incident(call, "read_attachments")
    return answer(call.show.attachment(incident, attached.attachment(incident, call.id("child"))))


def attach(call: Call) -> Response:
    """POST .../attachments: a form with one part named ``file``."""
    show, number = call.show, call.id()
    try:
        parts = multipart.parse(call.request.headers.get("content-type", ""), call.raw)
    except ValueError:
        raise ResilientProblem(400) from None
    files = [part for part in parts if part.name == "file" and part.filename]
    if len(files) != 1:
        raise ResilientProblem(400)
    (file,) = files
    made = attached.attach(
        call.state, call.actor, number, file.filename or "", file.media_type, file.content
    )
    return answer(show.attachment(_incident(call), made))


def contents(call: Call) -> Response:
    """GET .../attachments/{child}/contents: the bytes; a download that fails is a page with status 200."""
    incident = _incident(call, "read_attachments")
    held = attached.attachment(incident, call.id("child"))
    if call.switches.broken_downloads:
        return page("Download error", "The file could not be downloaded.", 200)
    # The name may be anything at all; the header takes it only in its encoded form.
    return Response(
        held.content, media_type="application/octet-stream",
        headers={"content-disposition": "attachment", "x-content-type-options": "nosniff"},
    )


def delete_attachment(call: Call) -> Response:
    """DELETE .../attachments/{child}."""
    attached.delete_attachment(call.state, call.actor, call.id(), call.id("child"))
    return answer(status_body(success=True))
