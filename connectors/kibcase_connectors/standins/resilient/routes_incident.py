"""Handlers of incidents: create, read, query, change, delete."""

from __future__ import annotations

from typing import Any, cast

from starlette.responses import Response

from kibcase_connectors.standins.resilient import attached, changing, query
from kibcase_connectors.standins.resilient.call import Call, answer
from kibcase_connectors.standins.resilient.problem import ResilientProblem, status_body
from kibcase_connectors.standins.resilient.render import LEVELS, Level, paged


def create(call: Call) -> Response:
    """POST /incidents; notes and artifacts may come in the same body."""
    body, show = call.document(), call.show
    with call.state.lock:
        notes, artifacts = _children(body, "comments"), _children(body, "artifacts")
        made = call.state.create(call.actor, body)
        try:
            for each in notes:
                attached.add_comment(call.state, call.actor, made.id, each)
            for each in artifacts:
                attached.add_artifacts(call.state, call.actor, made.id, each)
        except ResilientProblem:
            call.state.forget(made.id)
            raise
    return answer(show.incident(made, "full" if call.query("want_full_data", "true") != "false" else "partial"))


def _children(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ResilientProblem(400)
    return found


def read(call: Call) -> Response:
    """GET /incidents/{id}."""
    return answer(call.show.incident(call.state.incident(call.actor, call.id())))


def listed(call: Call) -> Response:
    """GET /incidents: all that are visible, in short."""
    found, _ = call.state.search(call.actor, query.Query())
    return answer([call.show.incident(each, "partial") for each in found])


def query_paged(call: Call) -> Response:
    """POST /incidents/query_paged."""
    level = call.query("return_level", "partial")
    if level not in LEVELS:
        raise ResilientProblem(400)
    asked, show = query.parse(call.document(), call.state.catalog), call.show
    found, total = call.state.search(call.actor, asked)
    limit = call.switches.page_limit
    rows = paged(found, asked.start, limit if asked.length is None else min(asked.length, limit), total)
    return answer(rows | {"data": [show.incident(each, cast("Level", level)) for each in rows["data"]]})


def patch(call: Call) -> Response:
    """PATCH /incidents/{id}: status 200 also for what is refused, with the fields that were not as believed."""
    body, show, number = call.document(), call.show, call.id()
    _conflict(call)
    changes = changing.proposals(body, call.state.catalog)
    try:
        call.state.patch(call.actor, number, changes)
    except changing.Conflict as conflict:
        present = call.state.incident(call.actor, number)
        failures = [
            {"field": each.field.name, "your_original_value": each.old,
             "actual_current_value": show.value(each.field, present.value(each.field.path))}
            for each in conflict.failures
        ]
        message = "The object was changed by someone else."
        return answer(status_body(success=False, message=message) | {"field_failures": failures})
    except changing.Refused as refusal:
        return answer(status_body(success=False, message=str(refusal)) | {"field_failures": []})
    return answer(status_body(success=True) | {"field_failures": []})


def put(call: Call) -> Response:
    """PUT /incidents/{id}: the whole object."""
    body, show = call.document(), call.show
    _conflict(call)
    return answer(show.incident(call.state.put(call.actor, call.id(), body)))


def _conflict(call: Call) -> None:
    if call.switches.conflicts > 0:
        call.switches.conflicts -= 1
        raise ResilientProblem(409)


def delete(call: Call) -> Response:
    """DELETE /incidents/{id}."""
    call.state.delete(call.actor, call.id())
    return answer(status_body(success=True))


def delete_many(call: Call) -> Response:
    """PUT /incidents/delete with a list of ids: all or none."""
    numbers = call.json()
    if not isinstance(numbers, list) or not all(type(each) is int for each in numbers):
        raise ResilientProblem(400)
    with call.state.lock:
        call.state.need(call.actor, "delete")
        for number in numbers:
            call.state.incident(call.actor, number)
        for number in dict.fromkeys(numbers):
            call.state.delete(call.actor, number)
    return answer(status_body(success=True))


def newsfeed(call: Call) -> Response:
    """GET /incidents/{id}/newsfeed and /history: newest first."""
    show = call.show
    return answer([show.event(each) for each in reversed(call.state.incident(call.actor, call.id()).events)])
