"""Handlers of one issue: the issue itself, its transitions, its changelog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kibcase_connectors.standins.jira import attached, metadata
from kibcase_connectors.standins.jira.call import Call, answer, empty, section
from kibcase_connectors.standins.jira.problem import JiraProblem, issue_not_found


def create(call: Call) -> Response:
    """POST /issue."""
    body = call.document("fields", "update", "properties", "historyMetadata", "transition")
    update = section(body, "update")
    with call.state.together():
        comments = comments_in(update)
        issue = call.state.create(
            call.actor, section(body, "fields"), without_comments(update),
            attached.properties_of(body.get("properties")),
        )
        apply_comments(call, str(issue.id), comments)
    return answer({"id": str(issue.id), "key": issue.key, "self": call.show.link(f"issue/{issue.id}")}, 201)


def read(call: Call) -> Response:
    """GET /issue/{ref}."""
    issue = call.state.issue(call.actor, call.path("ref"))
    return answer(call.show.issue(
        issue, fields=call.names("fields") or ["*all"], changelog="changelog" in call.names("expand"),
        properties=call.names("properties"),
    ))


def edit(call: Call) -> Response:
    """PUT /issue/{ref}."""
    body = call.document("fields", "update", "properties", "historyMetadata")
    if call.query("notifyUsers", "true").lower() == "false":
        held = call.state.user(call.actor).permissions
        if not held & {"ADMINISTER", "ADMINISTER_PROJECTS"}:
            raise JiraProblem(
                403, "To discard the user notification either admin or project admin permissions are required."
            )
    ref, update, properties = call.path("ref"), section(body, "update"), attached.properties_of(body.get("properties"))
    with call.state.together():
        comments = comments_in(update)
        call.state.edit(call.actor, ref, section(body, "fields"), without_comments(update))
        for key, value in properties.items():
            attached.set_property(call.state, call.actor, ref, key, value)
        apply_comments(call, ref, comments)
    return empty()


def delete(call: Call) -> Response:
    """DELETE /issue/{ref}."""
    call.state.delete(call.actor, call.path("ref"))
    return empty()


def assign(call: Call) -> Response:
    """PUT /issue/{ref}/assignee; the body is a user reference."""
    call.state.edit(call.actor, call.path("ref"), {"assignee": call.document()}, {})
    return empty()


def editmeta(call: Call) -> Response:
    """GET /issue/{ref}/editmeta."""
    issue = call.state.issue(call.actor, call.path("ref"))
    shown = metadata.screen(call.show, issue.project, creating=False)
    return answer({"fields": {each["key"]: each for each in shown}})


def changelog(call: Call) -> Response:
    """GET /issue/{ref}/changelog: Cloud only, paged, oldest first."""
    if not call.cloud:
        raise JiraProblem(404, "null for uri: " + call.request.url.path)
    issue = call.state.issue(call.actor, call.path("ref"))
    start, size = call.window(100)
    page = issue.histories[start : start + size]
    return answer({
        "self": call.show.link(f"issue/{issue.id}/changelog"), "startAt": start, "maxResults": size,
        "total": len(issue.histories), "isLast": start + size >= len(issue.histories),
        "values": [call.show.history(each) for each in page],
    })


def transitions(call: Call) -> Response:
    """GET /issue/{ref}/transitions."""
    issue = call.state.issue(call.actor, call.path("ref"))
    fields = "transitions.fields" in call.names("expand")
    wanted = call.query("transitionId")
    return answer({"expand": "transitions", "transitions": [
        metadata.transition(call.show, issue, each, fields=fields)
        for each in call.state.transitions(call.actor, call.path("ref")) if wanted in ("", each.id)
    ]})


def transition(call: Call) -> Response:
    """POST /issue/{ref}/transitions."""
    body = call.document("transition", "fields", "update", "historyMetadata", "properties")
    given = section(body, "transition")
    if "id" not in given:
        raise JiraProblem(400, "Missing 'transition' identifier")
    chosen = str(given["id"])
    if not chosen.isdecimal():
        raise JiraProblem(400, "'transition' identifier must be an integer")
    update = section(body, "update")
    with call.state.together():
        comments = comments_in(update)
        call.state.transition(
            call.actor, call.path("ref"), chosen, section(body, "fields"), without_comments(update)
        )
        apply_comments(call, call.path("ref"), comments)
    return empty()


def comments_in(update: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Read the comment operations of an ``update``: (add, edit or remove; its value)."""
    operations = update.get("comment", [])
    if not isinstance(operations, list):
        raise JiraProblem(400, fields={"comment": "data was not an array"})
    found: list[tuple[str, Mapping[str, Any]]] = []
    for each in operations:
        verb, value = next(iter(each.items())) if isinstance(each, dict) and len(each) == 1 else ("", None)
        if verb not in ("add", "edit", "remove") or not isinstance(value, dict):
            raise JiraProblem(400, fields={"comment": f"Field 'comment' does not support operation '{verb}'."})
        if verb != "remove":
            attached.comment_body(value.get("body"))
        found.append((str(verb), value))
    return found


def without_comments(update: Mapping[str, Any]) -> dict[str, Any]:
    """Give the operations of an ``update`` on fields."""
    return {name: operations for name, operations in update.items() if name != "comment"}


def apply_comments(call: Call, ref: str, operations: list[tuple[str, Mapping[str, Any]]]) -> None:
    """Carry out comment operations in their order."""
    for verb, value in operations:
        if verb == "add":
            attached.add_comment(call.state, call.actor, ref, value)
        elif verb == "edit":
            attached.edit_comment(call.state, call.actor, ref, str(value.get("id")), value)
        else:
            attached.delete_comment(call.state, call.actor, ref, str(value.get("id")))


def hidden(_call: Call) -> Response:
    """Answer an anonymous caller who asks for an issue."""
    raise issue_not_found()
