"""Which fields a create or edit screen offers to whom, and what must be filled there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kibcase_connectors.standins.jira.catalog import Catalog
from kibcase_connectors.standins.jira.fields import Field, fields_of, is_blank
from kibcase_connectors.standins.jira.problem import JiraProblem

DEFAULTED = ("priority", "reporter")
"""Fields that a new issue has a value for without being given one."""

HIERARCHY = "Given parent work item does not belong to appropriate hierarchy."
NO_PARENT = "Issue type is a sub-task but parent issue key or id not specified."
OTHER_PROJECT = "Issues with this Issue Type must be created in the same project as the parent."


def on_screen(
    catalog: Catalog, project: str, *, held: frozenset[str], issue_type: str | None = None
) -> dict[str, Field]:
    """Give the fields that a user with these permissions may write in a project.

    ``issue_type`` is an id (None: any). The assignee needs ``ASSIGN_ISSUES``; on Data Center only
    sub-tasks have a parent.
    """
    rules = catalog.projects[project]
    subtask = issue_type is None or catalog.issue_type(issue_type).subtask
    absent = {*rules.hidden, *(() if "ASSIGN_ISSUES" in held else ("assignee",)),
              *(() if subtask or catalog.cloud else ("parent",))}
    must = {*rules.required, *(("parent",) if subtask and issue_type is not None else ())}
    return {
        name: replace(field, required=field.required or name in must)
        for name, field in fields_of(catalog).items() if name not in absent
    }


def refuse_blank(values: Mapping[str, Any], known: Mapping[str, Field]) -> None:
    """Refuse values that leave a required field empty; raises ``JiraProblem`` (400) with all of them."""
    refusals = {
        name: f"{field.name} is required." for name, field in known.items()
        if field.required and name in values and is_blank(values[name]) and name != "parent"
    }
    if refusals:
        raise JiraProblem(400, fields=refusals)


def refuse_misplaced(catalog: Catalog, child: Mapping[str, Any], project: str, parent: tuple[str, str] | None) -> None:
    """Refuse an issue type under a parent that cannot have it; ``parent`` is (project key, issue type id)."""
    own = catalog.issue_type(child["issuetype"])
    if parent is None:
        if own.subtask:
            raise JiraProblem(400, fields={"issuetype": NO_PARENT})
        return
    if own.subtask and parent[0] != project:
        raise JiraProblem(400, fields={"pid": OTHER_PROJECT})
    if catalog.issue_type(parent[1]).level != own.level + 1:
        raise JiraProblem(400, fields={"parentId": HIERARCHY})
