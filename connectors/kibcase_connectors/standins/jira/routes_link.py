"""Handlers of links from issue to issue."""

from __future__ import annotations

from starlette.responses import Response

from kibcase_connectors.standins.jira import links
from kibcase_connectors.standins.jira.call import Call, answer, empty
from kibcase_connectors.standins.jira.problem import JiraProblem


def create(call: Call) -> Response:
    """POST /issueLink: 201 without a body."""
    body = call.document("type", "inwardIssue", "outwardIssue", "comment")
    if body.get("comment") is not None and not isinstance(body["comment"], dict):
        raise JiraProblem(400, "'comment' must be an object.")
    links.link(call.state, call.actor, body, call.form)
    return empty(201)


def read(call: Call) -> Response:
    """GET /issueLink/{id}: the link with both of its issues."""
    source, end = links.find(call.state, call.actor, call.path("id"))
    return answer({**call.show.issue_link(end), "inwardIssue": call.show.brief(source)})


def delete(call: Call) -> Response:
    """DELETE /issueLink/{id}."""
    links.unlink(call.state, call.actor, call.path("id"))
    return empty()


def types(call: Call) -> Response:
    """GET /issueLinkType."""
    return answer({"issueLinkTypes": [call.show.link_type(each) for each in call.state.catalog.link_types]})


def one_type(call: Call) -> Response:
    """GET /issueLinkType/{id}."""
    for each in call.state.catalog.link_types:
        if each.id == call.path("id"):
            return answer(call.show.link_type(each))
    raise JiraProblem(404, f"No issue link type with id '{call.path('id')}' found.")
