"""Links from issue to issue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kibcase_connectors.standins.jira import attached, changes
from kibcase_connectors.standins.jira.catalog import LinkType
from kibcase_connectors.standins.jira.documents import Form
from kibcase_connectors.standins.jira.problem import JiraProblem
from kibcase_connectors.standins.jira.records import Change, Issue, IssueLink
from kibcase_connectors.standins.jira.state import JiraState


def link(state: JiraState, actor: str, body: Mapping[str, Any], form: Form = "wiki") -> str:
    """Link two issues from the body of POST /issueLink; gives the link's id.

    The ``inwardIssue`` is the source: with "Blocks" it blocks the ``outwardIssue``. Linking the same two
    again gives the link that is there. A ``comment`` goes to the source.
    """
    with state.together():
        kind = _kind(state, body.get("type"))
        source, target = (_end(state, actor, body.get(name)) for name in ("inwardIssue", "outwardIssue"))
        if source.id == target.id:
            raise JiraProblem(400, "You cannot link an issue to itself.")
        found = next((each.id for each in source.links
                      if (each.type, each.outward, each.other) == (kind.id, True, target.id)), None)
        link_id = found or _join(state, actor, kind, source, target)
        if body.get("comment") is not None:
            attached.add_comment(state, actor, str(source.id), body["comment"], form)
        return link_id


def _kind(state: JiraState, raw: object) -> LinkType:
    given = raw if isinstance(raw, Mapping) else {}
    for handle in ("id", "name"):
        if given.get(handle) is not None:
            ref = str(given[handle])
            for each in state.catalog.link_types:
                if ref.lower() == (each.id if handle == "id" else each.name.lower()):
                    return each
            raise JiraProblem(404, f"No issue link type with {handle} '{ref}' found.")
    raise JiraProblem(400, "The type of the issue link must be given by id or name.")


def _end(state: JiraState, actor: str, raw: object) -> Issue:
    ref = (raw.get("key") or raw.get("id")) if isinstance(raw, Mapping) else None
    issue = state.issue(actor, str(ref))
    state.need(actor, "LINK_ISSUES", f"No Link Issue Permission for issue '{issue.key}'", project=issue.project,
               status=404)
    return issue


def _join(state: JiraState, actor: str, kind: LinkType, source: Issue, target: Issue) -> str:
    link_id = state.number("issue link")
    for here, there, outward in ((source, target, True), (target, source, False)):
        text = f"This issue {kind.outward if outward else kind.inward} {there.key}"
        item = Change(field="Link", field_id="", old=None, old_text=None, new=there.key, new_text=text)
        end = IssueLink(id=link_id, type=kind.id, outward=outward, other=there.id)
        state.commit(changes.logged(replace(here, links=(*here.links, end)), (item,), state.stamp(actor)))
    return link_id


def find(state: JiraState, actor: str, link_id: str) -> tuple[Issue, IssueLink]:
    """Give the source of a link, and its end there; raises ``JiraProblem`` (404)."""
    for issue in state.issues():
        for each in issue.links:
            if each.id == link_id and each.outward:
                return state.issue(actor, str(issue.id)), each
    raise JiraProblem(404, f"No issue link with id '{link_id}' exists.")


def unlink(state: JiraState, actor: str, link_id: str) -> None:
    """Remove a link from both issues."""
    with state.together():
        source, end = find(state, actor, link_id)
        target = state.issue(actor, str(end.other))
        kind = next(each for each in state.catalog.link_types if each.id == end.type)
        for here, there, words in ((source, target, kind.outward), (target, source, kind.inward)):
            complaint = f"No Link Issue Permission for issue '{here.key}'"
            state.need(actor, "LINK_ISSUES", complaint, project=here.project, status=404)
            item = Change(field="Link", field_id="", old=there.key, old_text=f"This issue {words} {there.key}",
                          new=None, new_text=None)
            kept = tuple(each for each in here.links if each.id != link_id)
            state.commit(changes.logged(replace(here, links=kept), (item,), state.stamp(actor)))


def operations_in(update: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Read the ``issuelinks`` operations of an ``update``, which can only ``add``; raises ``JiraProblem`` (400)."""
    operations = update.get("issuelinks", [])
    if not isinstance(operations, list):
        raise JiraProblem(400, fields={"issuelinks": "data was not an array"})
    for each in operations:
        if not isinstance(each, Mapping) or list(each) != ["add"] or not isinstance(each["add"], Mapping):
            raise JiraProblem(400, fields={"issuelinks": "Field 'issuelinks' supports the operation 'add' only."})
    return [each["add"] for each in operations]


def apply(state: JiraState, actor: str, ref: str, operations: list[Mapping[str, Any]]) -> None:
    """Add links to one issue, as its edit does: each names the issue at the other end."""
    own = {"key": ref} if not ref.isdecimal() else {"id": ref}
    for each in operations:
        ends = {name: each.get(name, own) for name in ("inwardIssue", "outwardIssue")}
        link(state, actor, {"type": each.get("type"), **ends})
