"""The requests that sync sends to Jira (REST API v2 or v3), one method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from kibcase_connectors.errors import Denied
from kibcase_connectors.jira import wire
from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.jira.dialect import dialect_of
from kibcase_connectors.jira.layout import Layout
from kibcase_connectors.jira.transfer import JiraTransfer
from kibcase_connectors.model import Json

PAGE: Final = 1_000
"""How many hits one page of a search may hold; Jira gives fewer where its own limit is lower."""

_PEOPLE: Final = 50


class JiraRest(JiraTransfer):
    """Jira's REST API, as far as sync needs it, for one account; see ``JiraClient`` for the policy."""

    def __init__(self, system: str, config: JiraConfig, clock: Callable[[], datetime]) -> None:
        super().__init__(system, config, clock)
        self.layout = Layout(dialect=dialect_of(config.rest, config.text_limit))
        """Where this Jira keeps what; the standard fields alone until ``laid_out``."""
        self.laid_out = False
        self._account: wire.Account | None = None

    def close(self) -> None:
        """Let go of the connections and of what is known of the account and the fields."""
        self._account = None
        self.laid_out = False
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

    def priorities(self) -> dict[str, str]:
        """Give the ids of all priorities by name (GET priority)."""
        raw = self._ask("listing the priorities", "priority", list)
        return self._decode("listing the priorities", lambda: {str(item["name"]): str(item["id"]) for item in raw})

    def resolutions(self) -> list[str]:
        """Give the names of all resolutions (GET resolution)."""
        what = "listing the resolutions"
        raw = self._ask(what, "resolution", list)
        return self._decode(what, lambda: [str(item["name"]) for item in raw])

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

    def levels(self, key: str) -> dict[str, int]:
        """Give the levels in the hierarchy of a project's issue types by id; Data Center tells none."""
        what, path = f"listing the issue types of project {key}", f"issue/createmeta/{_part(key)}/issuetypes"
        rows = self._rows(what, path, ("issueTypes", "values"))
        return self._decode(
            what, lambda: {str(row["id"]): int(row["hierarchyLevel"]) for row in rows if "hierarchyLevel" in row}
        )

    def type_of(self, key: str) -> tuple[str, int | None]:
        """Give the name of an issue's type and its level in the hierarchy, if it is told (GET issue/{key})."""
        what = f"looking for the type of issue {key}"
        raw = self._ask(what, f"issue/{_part(key)}", dict, params={"fields": "issuetype"})
        kind = self._decode(what, lambda: dict(raw["fields"]["issuetype"]))
        level = kind.get("hierarchyLevel")
        return str(kind.get("name") or ""), level if isinstance(level, int) else None

    def create_screen(self, key: str, issue_type: str) -> tuple[wire.ScreenField, ...]:
        """Give the fields of the create screen for an issue type id (GET issue/createmeta/...)."""
        what = f"listing the fields of new tickets in project {key}"
        path = f"issue/createmeta/{_part(key)}/issuetypes/{_part(issue_type)}"
        rows = self._rows(what, path, ("fields", "values"))
        return self._decode(
            what, lambda: tuple(wire.screen_field(str(item.get("fieldId") or item["key"]), item) for item in rows)
        )

    def fields(self) -> list[Mapping[str, Any]]:
        """Give all fields of this Jira (GET field)."""
        what = "listing the fields"
        raw = self._ask(what, "field", list)
        return self._decode(what, lambda: [
            {"id": str(each["id"]), "name": str(each.get("name") or ""), "schema": dict(each.get("schema") or {})}
            for each in raw
        ])

    def link_types(self) -> list[str]:
        """Give the names of the types of issue links (GET issueLinkType)."""
        what = "listing the types of links"
        raw = self._ask(what, "issueLinkType", dict)
        return self._decode(what, lambda: [str(each["name"]) for each in raw["issueLinkTypes"]])

    def exists(self, key: str) -> None:
        """Make sure that an issue is there (GET issue/{key}). Raises ``NotFound``."""
        self._ask(f"looking for issue {key}", f"issue/{_part(key)}", dict, params={"fields": "summary"})

    # -- people -----------------------------------------------------------------------------------

    def user(self, handle: str) -> wire.Account:
        """Give a user by account id (Cloud) or user name (GET user). Raises ``NotFound``."""
        what = f"looking for the user {handle!r}"
        params = {"accountId" if self.cloud else "username": handle}
        raw = self._ask(what, "user", dict, params=params)
        return self._decode(what, lambda: wire.account(raw))

    def users(self, text: str, **place: str) -> list[wire.Account]:
        """List users like ``text``, as Jira compares names and addresses (GET user/search).

        With ``project`` or ``issueKey`` in ``place``, those who can be assigned there (user/assignable/search).
        """
        what, path = "looking for a user", "user/assignable/search" if place else "user/search"
        params = {"query" if self.cloud else "username": text, "maxResults": _PEOPLE, **place}
        raw = self._ask(what, path, list, params=params)
        return self._decode(what, lambda: [wire.account(each) for each in raw])

    # -- reading issues ---------------------------------------------------------------------------

    def search(
        self, what: str, jql: str, fields: Sequence[str], *, start: int = 0, token: str | None = None,
        most: int = PAGE,
    ) -> wire.Page:
        """Give one page of hits: GET search/jql from ``token`` on (Cloud), GET search from ``start`` (DC)."""
        params: dict[str, Any] = {"jql": jql, "fields": list(fields), "maxResults": most}
        cloud = self.cloud
        if cloud:
            params |= {"nextPageToken": token} if token else {}
        else:
            params |= {"startAt": start}
        raw = self._ask(what, "search/jql" if cloud else "search", dict, params=params)
        return self._decode(what, lambda: self._page(raw, fields, cloud=cloud))

    def _page(self, raw: Mapping[str, Any], asked: Sequence[str], *, cloud: bool) -> wire.Page:
        issues = tuple(wire.issue(item, asked, self.layout.natives) for item in raw["issues"])
        if cloud:
            token = None if raw.get("isLast") is True else raw.get("nextPageToken")
            return wire.Page(issues=issues, token=str(token) if token else None)
        return wire.Page(issues=issues, total=int(raw["total"]))

    def issue(self, key: str, fields: Sequence[str], *, history: bool = True) -> wire.Issue:
        """Read an issue by id or key, with its whole ``history`` (GET issue/{key}?expand=changelog)."""
        what, path = f"reading ticket {key}", f"issue/{_part(key)}"
        params = {"fields": ",".join(fields), **({"expand": "changelog"} if history else {})}
        raw = self._ask(what, path, dict, params=params)
        found = self._decode(what, lambda: wire.issue(raw, fields, self.layout.natives))
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

    def edit_screen(self, key: str) -> dict[str, wire.ScreenField]:
        """Give the fields of an issue that can be edited, by id (GET issue/{key}/editmeta)."""
        what = f"listing the fields of ticket {key} that can be edited"
        raw = self._ask(what, f"issue/{_part(key)}/editmeta", dict)
        return self._decode(what, lambda: {name: wire.screen_field(name, one) for name, one in raw["fields"].items()})

    # -- writing: each of these sends one request that writes ----------------------------------------

    def create(self, fields: Mapping[str, Json], update: Mapping[str, Json] | None = None) -> tuple[str, str]:
        """Create an issue (POST issue), with operations such as adding links; gives its id and key."""
        body: Json = {"fields": dict(fields), **({"update": dict(update)} if update else {})}
        return self._write("creating a ticket", "POST", "issue", body, _made)

    def edit(self, key: str, fields: Mapping[str, Json], update: Mapping[str, Json]) -> None:
        """Change fields of an issue (PUT issue/{key}); ``update`` holds operations such as add and remove."""
        body: Json = {"fields": dict(fields), "update": dict(update)}
        self._write(f"changing ticket {key}", "PUT", f"issue/{_part(key)}", body, _done)

    def move(self, key: str, transition: wire.Transition, fields: Mapping[str, Json]) -> None:
        """Take a transition (POST issue/{key}/transitions)."""
        deed = self._deed(f"taking the transition {transition.name!r} of ticket {key}", writes=True)
        self._call(deed, lambda jira: jira.transition_issue(_part(key), transition.id, fields=dict(fields)))

    def add_comment(self, key: str, body: Json, properties: Mapping[str, Json]) -> wire.JiraComment:
        """Write a comment with its entity properties (POST issue/{key}/comment)."""
        listed: list[Json] = [{"key": name, "value": value} for name, value in properties.items()]
        return self._write(
            f"commenting on ticket {key}", "POST", f"issue/{_part(key)}/comment",
            {"body": body, "properties": listed}, wire.comment,
        )

    def edit_comment(self, key: str, comment: str, body: Json) -> wire.JiraComment:
        """Change the text of a comment (PUT issue/{key}/comment/{id})."""
        path = f"issue/{_part(key)}/comment/{_part(comment)}"
        return self._write(f"changing comment {comment} of ticket {key}", "PUT", path, {"body": body}, wire.comment)

    def link(self, key: str, mark: str, title: str, url: str) -> None:
        """Add or renew the link with the global id ``mark`` (POST issue/{key}/remotelink)."""
        body: Json = {"globalId": mark, "object": {"url": url, "title": title}}
        self._write(f"linking ticket {key} to {title}", "POST", f"issue/{_part(key)}/remotelink", body, _done)


def _done(_: Mapping[str, Any]) -> None:
    return None


def _made(raw: Mapping[str, Any]) -> tuple[str, str]:
    return str(raw["id"]), str(raw["key"])


def _part(text: str) -> str:
    return quote(text, safe="")
