"""Issues as the JSON of REST API v2 and v3."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kibcase_connectors.standins.jira import documents
from kibcase_connectors.standins.jira.catalog import Catalog, IssueType, JiraUser, LinkType, Named, by_id
from kibcase_connectors.standins.jira.fields import Field, fields_of, jira_time
from kibcase_connectors.standins.jira.records import Attachment, Comment, History, Issue, IssueLink, RemoteLink
from kibcase_connectors.standins.jira.workflow import Status

JSON = dict[str, Any]

_CATEGORIES = {
    "new": (2, "To Do", "blue-gray"), "indeterminate": (4, "In Progress", "yellow"), "done": (3, "Done", "green")
}
_NOT_NAVIGABLE = ("comment", "attachment")
_CHANGELOG_IN_ISSUE = 100


Version = Literal[2, 3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """How to reach other issues: by id, and the sub-tasks of one."""

    find: Callable[[int], Issue | None]
    subtasks: Callable[[Issue], Sequence[Issue]]


ALONE = Neighbours(find=lambda _: None, subtasks=lambda _: ())


class Renderer:
    """Writes values as JSON for one catalog; ``reader`` is the user who will read it.

    ``version`` 2 shows long texts as wiki markup, 3 as Atlassian documents.
    """

    def __init__(
        self, catalog: Catalog, reader: JiraUser, version: Version = 2, neighbours: Neighbours = ALONE
    ) -> None:
        self.catalog = catalog
        self.reader = reader
        self.version = version
        self._around = neighbours
        self._api = f"{catalog.base}/rest/api/{version}"

    def link(self, path: str) -> str:
        """Give the address of a REST resource."""
        return f"{self._api}/{path}"

    def user(self, username: str) -> JSON:
        """Write a user: ``accountId`` on Cloud, ``name`` and ``key`` on Data Center."""
        user = self.catalog.users[username]
        shared: JSON = {"displayName": user.display_name, "active": user.active, "timeZone": user.time_zone}
        if not self.catalog.cloud:
            return {
                "self": self.link(f"user?username={user.username}"), "name": user.username,
                "key": user.user_key or user.username, "emailAddress": user.email, **shared,
            }
        shown = user == self.reader or not user.email_hidden
        return {
            "self": self.link(f"user?accountId={user.account_id}"), "accountId": user.account_id,
            "accountType": "atlassian", **({"emailAddress": user.email} if shown else {}), **shared,
        }

    def status(self, status: Status) -> JSON:
        """Write a status with its category."""
        number, name, color = _CATEGORIES[status.category]
        return {
            "self": self.link(f"status/{status.id}"), "description": "", "name": status.name, "id": status.id,
            "statusCategory": {
                "self": self.link(f"statuscategory/{number}"), "id": number, "key": status.category,
                "colorName": color, "name": name,
            },
        }

    def named(self, what: str, thing: Named) -> JSON:
        """Write a priority, resolution or issue type; ``what`` is the path of its kind."""
        extra: JSON = {}
        if isinstance(thing, IssueType):
            extra = {"subtask": thing.subtask, "description": ""}
            extra |= {"hierarchyLevel": thing.level} if self.catalog.cloud else {}
        return {"self": self.link(f"{what}/{thing.id}"), "id": thing.id, "name": thing.name, **extra}

    def project(self, key: str) -> JSON:
        """Write a project."""
        project = self.catalog.projects[key]
        return {
            "self": self.link(f"project/{project.id}"), "id": project.id, "key": project.key, "name": project.name,
            "projectTypeKey": project.kind, "simplified": False,
        }

    def option(self, option: Named) -> JSON:
        """Write a value of a select field."""
        return {"self": self.link(f"customFieldOption/{option.id}"), "id": option.id, "value": option.name}

    def value(self, field: Field, stored: Any) -> Any:
        """Write the stored value of a field."""
        if stored is None:
            return None
        match field.kind:
            case "priority":
                return self.named("priority", by_id(self.catalog.priorities, stored))
            case "issuetype":
                return self.named("issuetype", self.catalog.issue_type(stored))
            case "user":
                return self.user(stored)
            case "option":
                return self.option(by_id(field.options, stored))
            case "options":
                return [self.option(by_id(field.options, each)) for each in stored] or None
            case "labels" if field.custom:
                return stored or None
            case "parent":
                found = self._around.find(int(stored))
                return self.brief(found) if found else {"id": stored, "self": self.link(f"issue/{stored}")}
        return stored

    def brief(self, issue: Issue) -> JSON:
        """Write an issue as it is shown inside another: key, summary, status, priority, type."""
        values = issue.values
        priority = values["priority"]
        return {
            "id": str(issue.id), "key": issue.key, "self": self.link(f"issue/{issue.id}"), "fields": {
                "summary": values["summary"], "status": self.status(self.catalog.status(issue.status)),
                "priority": self.named("priority", by_id(self.catalog.priorities, priority)) if priority else None,
                "issuetype": self.named("issuetype", self.catalog.issue_type(values["issuetype"])),
            },
        }

    def issue(
        self, issue: Issue, *, fields: Iterable[str], changelog: bool = False, properties: Iterable[str] = (),
        rendered: bool = False,
    ) -> JSON:
        """Write an issue with the fields asked for (``*all``, ``*navigable``, names, ``-name``)."""
        body: JSON = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": str(issue.id), "self": self.link(f"issue/{issue.id}"), "key": issue.key,
            "fields": _chosen(self._fields(issue), list(fields)),
        }
        if rendered:
            body["renderedFields"] = self._rendered(issue, set(body["fields"]))
        asked = list(properties)
        if asked:
            everything = "*all" in asked
            body["properties"] = {k: v for k, v in issue.properties.items() if everything or k in asked}
        if changelog:
            body["changelog"] = self.changelog(issue)
        return body

    def _fields(self, issue: Issue) -> JSON:
        catalog = self.catalog
        body = {name: self._field(issue, field) for name, field in fields_of(catalog).items()
                if name != "parent" or issue.values[name] is not None}
        body |= {
            "project": self.project(issue.project),
            "status": self.status(catalog.status(issue.status)),
            "resolution": self.named("resolution", by_id(catalog.resolutions, issue.resolution))
            if issue.resolution else None,
            "resolutiondate": self._time(issue.resolved),
            "creator": self.user(issue.creator),
            "created": jira_time(issue.created), "updated": jira_time(issue.updated),
            "issuelinks": [self.issue_link(each) for each in issue.links],
            "subtasks": [self.brief(each) for each in self._around.subtasks(issue)],
            "attachment": [self.attachment(each) for each in issue.attachments],
            "comment": self._comments(issue),
        }
        if catalog.cloud:
            body["statuscategorychangedate"] = jira_time(issue.status_since)
        return body

    def _field(self, issue: Issue, field: Field) -> Any:
        stored = issue.values[field.id]
        if field.kind == "text" and self.version == 3:
            return documents.shown(stored, issue.documents.get(field.id))
        return self.value(field, stored)

    def _rendered(self, issue: Issue, names: set[str]) -> JSON:
        texts: JSON = {name: documents.to_html(issue.values[name] or "", issue.documents.get(name))
                 for name, field in fields_of(self.catalog).items() if field.kind == "text" and name in names}
        if "comment" in names:
            thread = [self.comment(issue, each) | {"body": documents.to_html(each.body, each.adf)}
                      for each in issue.comments]
            texts["comment"] = self._comments(issue) | {"comments": thread}
        return texts

    @staticmethod
    def _time(moment: datetime | None) -> str | None:
        return jira_time(moment) if moment else None

    def _comments(self, issue: Issue) -> JSON:
        number = len(issue.comments)
        return {
            "comments": [self.comment(issue, each) for each in issue.comments],
            "self": self.link(f"issue/{issue.id}/comment"), "maxResults": number, "total": number, "startAt": 0,
        }

    def comment(self, issue: Issue, comment: Comment, *, properties: bool = False) -> JSON:
        """Write a comment."""
        body: JSON = {
            "self": self.link(f"issue/{issue.id}/comment/{comment.id}"), "id": comment.id,
            "author": self.user(comment.author),
            "body": documents.shown(comment.body, comment.adf) if self.version == 3 else comment.body,
            "updateAuthor": self.user(comment.update_author),
            "created": jira_time(comment.created), "updated": jira_time(comment.updated),
        }
        if comment.visibility is not None:
            body["visibility"] = dict(comment.visibility)
        if self.catalog.cloud:
            body["jsdPublic"] = not comment.internal
        if properties:
            body["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return body

    def attachment(self, file: Attachment) -> JSON:
        """Write the description of an attachment."""
        content = (
            self.link(f"attachment/content/{file.id}") if self.catalog.cloud
            else f"{self.catalog.base}/secure/attachment/{file.id}/file"
        )
        return {
            "self": self.link(f"attachment/{file.id}"), "id": file.id, "filename": file.filename,
            "author": self.user(file.author), "created": jira_time(file.created), "size": file.size,
            "mimeType": file.mime_type, "content": content,
        }

    def remote_link(self, issue: Issue, link: RemoteLink) -> JSON:
        """Write a remote link."""
        return {
            "id": int(link.id), "self": self.link(f"issue/{issue.id}/remotelink/{link.id}"),
            **({"globalId": link.global_id} if link.global_id else {}), **link.body,
        }

    def link_type(self, kind: LinkType) -> JSON:
        """Write a type of issue links."""
        return {"id": kind.id, "name": kind.name, "inward": kind.inward, "outward": kind.outward,
                "self": self.link(f"issueLinkType/{kind.id}")}

    def issue_link(self, link: IssueLink) -> JSON:
        """Write a link as the issue at this end shows it: with the issue at the other end."""
        kind = next(each for each in self.catalog.link_types if each.id == link.type)
        there = self._around.find(link.other)
        end = self.brief(there) if there else {"id": str(link.other), "self": self.link(f"issue/{link.other}")}
        return {
            "id": link.id, "self": self.link(f"issueLink/{link.id}"), "type": self.link_type(kind),
            "outwardIssue" if link.outward else "inwardIssue": end,
        }

    def changelog(self, issue: Issue) -> JSON:
        """Write ``expand=changelog``: newest first and at most 100 on Cloud, oldest first on Data Center."""
        entries = list(issue.histories)
        if self.catalog.cloud:
            entries = entries[::-1][:_CHANGELOG_IN_ISSUE]
        return {
            "startAt": 0, "maxResults": len(entries), "total": len(issue.histories),
            "histories": [self.history(each) for each in entries],
        }

    def history(self, history: History) -> JSON:
        """Write one entry of the changelog; only Cloud tells the ids of fields."""
        items = []
        for each in history.items:
            custom = each.field_id.startswith("customfield_")
            item: JSON = {"field": each.field, "fieldtype": "custom" if custom else "jira"}
            if each.field_id and self.catalog.cloud:
                item["fieldId"] = each.field_id
            item |= {"from": each.old, "fromString": each.old_text, "to": each.new, "toString": each.new_text}
            items.append(item)
        return {
            "id": history.id, "author": self.user(history.author), "created": jira_time(history.created),
            "items": items,
        }


def _chosen(body: JSON, asked: list[str]) -> JSON:
    wanted: set[str] = set()
    for name in asked:
        if name == "*all":
            wanted |= set(body)
        elif name == "*navigable":
            wanted |= set(body) - set(_NOT_NAVIGABLE)
        elif not name.startswith("-"):
            wanted.add(name)
    if all(name.startswith("-") for name in asked):
        wanted = set(body)
    wanted -= {name[1:] for name in asked if name.startswith("-")}
    return {name: value for name, value in body.items() if name in wanted}
