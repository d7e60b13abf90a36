"""The routes of attachments and alerts of cases."""

from __future__ import annotations

from kibcase.server.cases.state import CaseState
from kibcase.server.kibana.endpoint import NO_CONTENT, Call, Endpoint, Reply, ok

_COMMENTS = "/api/cases/{case_id}/comments"
_INTERNAL = "/internal/cases/{case_id}/attachments"
_UNIFIED = "/api/cases/{case_id}/attachments"


def attachment_routes(state: CaseState) -> list[Endpoint]:
    """Build the routes for the stack that ``state`` plays."""
    attachments = state.attachments
    routes = [
        Endpoint(
            method="POST",
            path=_COMMENTS,
            handle=lambda call: ok(attachments.attach(call.by, call.params["case_id"], call.mapping)),
        ),
        Endpoint(
            method="PATCH",
            path=_COMMENTS,
            handle=lambda call: ok(attachments.edit(call.by, call.params["case_id"], call.mapping)),
        ),
        Endpoint(method="DELETE", path=_COMMENTS, handle=lambda call: _remove_all(state, call)),
        Endpoint(
            method="GET",
            path=f"{_COMMENTS}/_find",
            handle=lambda call: ok(attachments.find(call.by, call.params["case_id"], call.query)),
        ),
        Endpoint(
            method="GET",
            path=f"{_COMMENTS}/{{comment_id}}",
            handle=lambda call: ok(attachments.get(call.by, call.params["case_id"], call.params["comment_id"])),
        ),
        Endpoint(method="DELETE", path=f"{_COMMENTS}/{{comment_id}}", handle=lambda call: _remove(state, call)),
        Endpoint(
            method="POST",
            path=f"{_INTERNAL}/_bulk_create",
            handle=lambda call: ok(attachments.attach_many(call.by, call.params["case_id"], call.listing)),
            internal=True,
        ),
        Endpoint(
            method="POST",
            path=f"{_INTERNAL}/_bulk_get",
            handle=lambda call: ok(attachments.bulk_get(call.by, call.params["case_id"], call.mapping)),
            internal=True,
        ),
        Endpoint(
            method="GET",
            path="/api/cases/alerts/{alert_id}",
            handle=lambda call: ok(attachments.cases_of_alert(call.by, call.params["alert_id"], call.query)),
        ),
        Endpoint(
            method="GET",
            path="/api/cases/{case_id}/alerts",
            handle=lambda call: ok(attachments.alerts_of(call.by, call.params["case_id"])),
        ),
    ]
    routes += [_bulk_delete(state)] if state.stack.has_bulk_comment_delete else []
    routes += _unified_routes(state) if state.stack.has_unified_attachments else []
    older = Endpoint(
        method="GET",
        path=_COMMENTS,
        handle=lambda call: ok(attachments.all(call.by, call.params["case_id"])),
        deprecated=True,
    )
    return [*routes, older] if state.stack.has_deprecated_reads else routes


def _bulk_delete(state: CaseState) -> Endpoint:
    def handle(call: Call) -> Reply:
        state.attachments.remove_many(call.by, call.params["case_id"], call.mapping)
        return NO_CONTENT

    return Endpoint(method="POST", path=f"{_COMMENTS}/_bulk_delete", handle=handle)


def _unified_routes(state: CaseState) -> list[Endpoint]:
    unified, one = state.unified_attachments, f"{_UNIFIED}/{{comment_id}}"
    return [
        Endpoint(
            method="POST",
            path=_UNIFIED,
            handle=lambda call: Reply(
                status=201, body=unified.create(call.by, call.params["case_id"], call.mapping)
            ),
            internal=True,
        ),
        Endpoint(
            method="GET",
            path=_UNIFIED,
            handle=lambda call: ok(unified.find(call.by, call.params["case_id"], call.query)),
            internal=True,
        ),
        Endpoint(method="DELETE", path=_UNIFIED, handle=lambda call: _remove_all(state, call), internal=True),
        Endpoint(
            method="GET",
            path=one,
            handle=lambda call: ok(unified.get(call.by, call.params["case_id"], call.params["comment_id"])),
            internal=True,
        ),
        Endpoint(
            method="PUT",
            path=one,
            handle=lambda call: ok(
                unified.replace(call.by, call.params["case_id"], call.params["comment_id"], call.mapping)
            ),
            internal=True,
        ),
        Endpoint(method="DELETE", path=one, handle=lambda call: _remove(state, call), internal=True),
    ]


def _remove(state: CaseState, call: Call) -> Reply:
    state.attachments.remove(call.by, call.params["case_id"], call.params["comment_id"])
    return NO_CONTENT


def _remove_all(state: CaseState, call: Call) -> Reply:
    state.attachments.remove_all(call.by, call.params["case_id"])
    return NO_CONTENT
