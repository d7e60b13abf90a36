"""The requests that sync sends to Jira (REST API v2), one method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from kibcase_connectors.errors import Denied
from kibcase_connectors.jira import wire
from kibcase_connectors.jira.client import JiraClient
from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.model import Json

PAGE: Final = 1_000
"""How many hits one page of a search may hold; Jira gives fewer where its own limit is lower."""


class JiraRest(JiraClient):
    """Jira's REST API v2, as far as sync needs it, for one account; see ``JiraClient`` for the policy."""

    def __init__(self, system: str, config: JiraConfig, clock: Callable[[], datetime]) -> None:
        super().__init__(system, config, clock)
        self._account: wire.Account | None = None

    def close(self) -> None:
        """Let go of the connections and of what is known of the account."""
        self._account = None
        super().close()

    # -- the account and the project --------------------------------------------------------------

    def server(self) -> Mapping[str, Any]:
        """Give what the server says of itself (GET serverInfo)."""
        return self._ask("asking what server this is", "serverInfo", dict)

    def myself(self, *, again: bool = False) -> wire.Account:
        """Give our own account (GET myself), asked for once unless ``again``. Raises ``Denied``."""
        if self._account is None or again:
            deed = self._deed("asking who we are")
            self._account = self._call(deed, lambda jira: wire.account(jira.myself()))
            if not self._account.id or not self._account.active:
                raise Denied(self._system, deed.what, said="the account is anonymous or inactive")
        return self._account

    @property
    def own_id(self) -> str | None:
        """The id of our own account if it is known already; asks nothing."""
        return self._account.id if self._account is not None else None

    def project(self, key: str) -> Mapping[str, Any]:
        """Give a project (GET project/{key}). Raises ``NotFound`` if this account cannot see it."""
        return self._ask(f"looking at project {key}", f"project/{_part(key)}", dict)

    def permissions(self, key: str, wanted: Sequence[str]) -> dict[str, bool]:
        """Tell which of the ``wanted`` permissions we have in a project (GET mypermissions)."""
        params = {"projectKey": key, "permissions": ",".join(wanted)}
        raw = self._ask("asking for our permissions", "mypermissions", dict, params=params)
        return self._decode(
            "asking for our permissions",
            lambda: {name: raw["permissions"].get(name, {}).get("havePermission") is True for name in wanted},
        )

    def priorities(self) -> list[str]:
        """Give the names of all priorities (GET priority)."""
        raw = self._ask("listing the priorities", "priority", list)
        return self._decode("listing the priorities", lambda: [str(item["name"]) for item in raw])

    def statuses(self, key: str) -> dict[str, tuple[wire.JiraStatus, ...]]:
        """Give the workflow statuses of a project by issue type name (GET project/{key}/statuses)."""
        what = f"listing the statuses of project {key}"
        raw = self._ask(what, f"project/{_part(key)}/statuses", list)
        return self._decode(
            what, lambda: {str(t["name"]): tuple(wire.status(s) for s in t["statuses"]) for t in raw}
        )

    def issue_types(self, key: str) -> dict[str, str]:
        """Give the ids of a project's issue types by name (GET issue/createmeta/{key}/issuetypes)."""
        what, path = f"listing the issue types of project {key}", f"issue/createmeta/{_part(key)}/issuetypes"
        rows = self._rows(what, path, ("issueTypes", "values"))
        return self._decode(what, lambda: {str(item["name"]): str(item["id"]) for item in rows})

    def create_screen(self, key: str, issue_type: str) -> tuple[wire.ScreenField, ...]:
        """Give the fields of the create screen for an issue type id (GET issue/createmeta/...)."""
        what = f"listing the fields of new tickets in project {key}"
        path = f"issue/createmeta/{_part(key)}/issuetypes/{_part(issue_type)}"
        rows = self._rows(what, path, ("fields", "values"))
        return self._decode(
            what, lambda: tuple(wire.screen_field(str(item.get("fieldId") or item["key"]), item) for item in rows)
        )

    # -- reading issues ---------------------------------------------------------------------------

    def search(
        self, what: str, jql: str, fields: Sequence[str], *, start: int = 0, token: str | None = None
    ) -> wire.Page:
        """Give one page of hits: GET search/jql from ``token`` on (Cloud), GET search from ``start`` (DC)."""
        params: dict[str, Any] = {"jql": jql, "fields": list(fields), "maxResults": PAGE}
        cloud = self.cloud
        if cloud:
            params |= {"nextPageToken": token} if token else {}
        else:
            params |= {"startAt": start}
        raw = self._ask(what, "search/jql" if cloud else "search", dict, params=params)
        return self._decode(what, lambda: _page(raw, fields, cloud=cloud))

    def issue(self, key: str, fields: Sequence[str]) -> wire.Issue:
        """Read an issue by id or key with its whole changelog (GET issue/{key}?expand=changelog)."""
        what, path = f"reading ticket {key}", f"issue/{_part(key)}"
        params = {"fields": ",".join(fields), "expand": "changelog"}
        raw = self._ask(what, path, dict, params=params)
        found = self._decode(what, lambda: wire.issue(raw, fields))
        if not found.missing:
            return found
        older = self._rows(what, f"{path}/changelog", ("values",), most=found.missing)
        edits = self._decode(what, lambda: wire.edits(older))
        known = {edit.entry for edit in found.edits}
        merged = (*(edit for edit in edits if edit.entry not in known), *found.edits)
        return replace(found, edits=merged, missing=0)

    def comments(self, key: str) -> tuple[wire.JiraComment, ...]:
        """Read all comments of an issue with their marks, oldest first (GET issue/{key}/comment)."""
        what = f"reading the comments of ticket {key}"
        params = {"orderBy": "created", "expand": "properties"}
        rows = self._rows(what, f"issue/{_part(key)}/comment", ("comments",), params=params)
        found = self._decode(what, lambda: {c.id: c for c in map(wire.comment, rows)})
        return tuple(sorted(found.values(), key=lambda c: (c.created, len(c.id), c.id)))

    def transitions(self, key: str) -> tuple[wire.Transition, ...]:
        """Give the transitions open to us now (GET issue/{key}/transitions?expand=transitions.fields)."""
        deed = self._deed(f"listing the transitions of ticket {key}")
        return self._call(
            deed,
            lambda jira: tuple(map(wire.transition, jira.transitions(_part(key), expand="transitions.fields"))),
        )

    # -- writing: each of these sends one request that writes ----------------------------------------

    def create(self, fields: Mapping[str, Json]) -> tuple[str, str]:
        """Create an issue (POST issue); gives its id and key."""
        deed = self._deed("creating a ticket", writes=True)

        return self._call(deed, lambda jira: _made(jira.create_issue(fields=dict(fields), prefetch=False).raw))

    def edit(self, key: str, fields: Mapping[str, Json], update: Mapping[str, Json]) -> None:
        """Change fields of an issue (PUT issue/{key}); ``update`` holds operations such as add and remove."""
        body: Json = {"fields": dict(fields), "update": dict(update)}
        self._write(f"changing ticket {key}", "PUT", f"issue/{_part(key)}", body, _done)

    def move(self, key: str, transition: wire.Transition, fields: Mapping[str, Json]) -> None:
        """Take a transition (POST issue/{key}/transitions)."""
        deed = self._deed(f"taking the transition {transition.name!r} of ticket {key}", writes=True)
        self._call(deed, lambda jira: jira.transition_issue(_part(key), transition.id, fields=dict(fields)))

    def add_comment(self, key: str, body: str, properties: Mapping[str, Json]) -> wire.JiraComment:
        """Write a comment with its entity properties (POST issue/{key}/comment)."""
        listed: list[Json] = [{"key": name, "value": value} for name, value in properties.items()]
        return self._write(
            f"commenting on ticket {key}", "POST", f"issue/{_part(key)}/comment",
            {"body": body, "properties": listed}, wire.comment,
        )

    def edit_comment(self, key: str, comment: str, body: str) -> wire.JiraComment:
        """Change the text of a comment (PUT issue/{key}/comment/{id})."""
        path = f"issue/{_part(key)}/comment/{_part(comment)}"
        return self._write(f"changing comment {comment} of ticket {key}", "PUT", path, {"body": body}, wire.comment)

    def link(self, key: str, mark: str, title: str, url: str) -> None:
        """Add or renew the link with the global id ``mark`` (POST issue/{key}/remotelink)."""
        body: Json = {"globalId": mark, "object": {"url": url, "title": title}}
        self._write(f"linking ticket {key} to {title}", "POST", f"issue/{_part(key)}/remotelink", body, _done)



def _done(_: Mapping[str, Any]) -> None:
    return None


def _made(raw: Mapping[str, Any] | None) -> tuple[str, str]:
    if raw is None:
        raise TypeError("an issue was expected")
    return str(raw["id"]), str(raw["key"])


def _part(text: str) -> str:
    return quote(text, safe="")


def _page(raw: Mapping[str, Any], asked: Sequence[str], *, cloud: bool) -> wire.Page:
    issues = tuple(wire.issue(item, asked) for item in raw["issues"])
    if cloud:
        token = None if raw.get("isLast") is True else raw.get("nextPageToken")
        return wire.Page(issues=issues, token=str(token) if token else None)
    return wire.Page(issues=issues, total=int(raw["total"]))
