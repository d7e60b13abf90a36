"""Handlers of one issue: the issue itself, its transitions, its changelog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kibcase_connectors.standins.jira import attached, links, metadata
from kibcase_connectors.standins.jira.call import Call, answer, empty, section
from kibcase_connectors.standins.jira.documents import Form
from kibcase_connectors.standins.jira.problem import JiraProblem, issue_not_found


def create(call: Call) -> Response:
    """POST /issue."""
    body = call.document("fields", "update", "properties", "historyMetadata", "transition")
    update = section(body, "update")
    with call.state.together():
        rest = Hanging.read(update, call.form)
        issue = call.state.create(
            call.actor, section(body, "fields"), on_fields(update),
            attached.properties_of(body.get("properties")), call.form,
        )
        rest.apply(call, str(issue.id))
    return answer({"id": str(issue.id), "key": issue.key, "self": call.show.link(f"issue/{issue.id}")}, 201)


def read(call: Call) -> Response:
    """GET /issue/{ref}."""
    issue, expand = call.state.issue(call.actor, call.path("ref")), call.names("expand")
    body = call.show.issue(
        issue, fields=call.names("fields") or ["*all"], changelog="changelog" in expand,
        properties=call.names("properties"), rendered="renderedFields" in expand,
    )
    if "transitions" in expand:
        body["transitions"] = _transitions(call, fields=False)
    return answer(body)


def edit(call: Call) -> Response:
    """PUT /issue/{ref}."""
    body = call.document("fields", "update", "properties", "historyMetadata")
    quiet = call.query("notifyUsers", "true").lower() == "false"
    if quiet and not call.held() & {"ADMINISTER", "ADMINISTER_PROJECTS"}:
        raise JiraProblem(
            403, "To discard the user notification either admin or project admin permissions are required."
        )
    ref, update, properties = call.path("ref"), section(body, "update"), attached.properties_of(body.get("properties"))
    with call.state.together():
        rest = Hanging.read(update, call.form)
        call.state.edit(call.actor, ref, section(body, "fields"), on_fields(update), call.form)
        for key, value in properties.items():
            attached.set_property(call.state, call.actor, ref, key, value)
        rest.apply(call, ref)
    return empty()


def delete(call: Call) -> Response:
    """DELETE /issue/{ref}; with ``deleteSubtasks=true`` its sub-tasks too."""
    call.state.delete(call.actor, call.path("ref"), subtasks=call.query("deleteSubtasks").lower() == "true")
    return empty()


def assign(call: Call) -> Response:
    """PUT /issue/{ref}/assignee; the body is a user reference."""
    call.state.assign(call.actor, call.path("ref"), call.document())
    return empty()


def editmeta(call: Call) -> Response:
    """GET /issue/{ref}/editmeta."""
    issue = call.state.issue(call.actor, call.path("ref"))
    shown = metadata.screen(call.show, issue.project, creating=False, issue_type=issue.values["issuetype"])
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
    fields = "transitions.fields" in call.names("expand")
    return answer({"expand": "transitions", "transitions": _transitions(call, fields=fields)})


def _transitions(call: Call, *, fields: bool) -> list[dict[str, Any]]:
    issue, wanted = call.state.issue(call.actor, call.path("ref")), call.query("transitionId")
    return [
        metadata.transition(call.show, issue, each, fields=fields)
        for each in call.state.transitions(call.actor, call.path("ref")) if wanted in ("", each.id)
    ]


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
        rest = Hanging.read(update, call.form)
        call.state.transition(
            call.actor, call.path("ref"), chosen, section(body, "fields"), on_fields(update), call.form
        )
        rest.apply(call, call.path("ref"))
    return empty()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """The operations of an ``update`` on what hangs on the issue: comments and issue links."""

    comments: list[tuple[str, Mapping[str, Any]]]
    links: list[Mapping[str, Any]]

    @classmethod
    def read(cls, update: Mapping[str, Any], form: Form) -> Hanging:
        """Read an ``update``; raises ``JiraProblem`` (400)."""
        return cls(comments=_comments_in(update, form), links=links.operations_in(update))

    def apply(self, call: Call, ref: str) -> None:
        """Carry the operations out in their order."""
        for verb, value in self.comments:
            _apply_comment(call, ref, verb, value)
        links.apply(call.state, call.actor, ref, self.links)


def on_fields(update: Mapping[str, Any]) -> dict[str, Any]:
    """Give the operations of an ``update`` on fields."""
    return {name: operations for name, operations in update.items() if name not in ("comment", "issuelinks")}


def _comments_in(update: Mapping[str, Any], form: Form) -> list[tuple[str, Mapping[str, Any]]]:
    operations = update.get("comment", [])
    if not isinstance(operations, list):
        raise JiraProblem(400, fields={"comment": "data was not an array"})
    found: list[tuple[str, Mapping[str, Any]]] = []
    for each in operations:
        verb, value = next(iter(each.items())) if isinstance(each, dict) and len(each) == 1 else ("", None)
        if verb not in ("add", "edit", "remove") or not isinstance(value, dict):
            raise JiraProblem(400, fields={"comment": f"Field 'comment' does not support operation '{verb}'."})
        if verb != "remove":
            attached.comment_body(value.get("body"), form)
        found.append((str(verb), value))
    return found


def _apply_comment(call: Call, ref: str, verb: str, value: Mapping[str, Any]) -> None:
    if verb == "add":
        attached.add_comment(call.state, call.actor, ref, value, call.form)
    elif verb == "edit":
        attached.edit_comment(call.state, call.actor, ref, str(value.get("id")), value, call.form)
    else:
        attached.delete_comment(call.state, call.actor, ref, str(value.get("id")))


def hidden(_call: Call) -> Response:
    """Answer an anonymous caller who asks for an issue."""
    raise issue_not_found()
