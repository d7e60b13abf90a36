"""The issues of one instance and the rules for changing them. Knows no HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kibcase_connectors.standins.jira import changes, jql, matching
from kibcase_connectors.standins.jira.catalog import Catalog, JiraUser, Project
from kibcase_connectors.standins.jira.changes import Edits, Stamp
from kibcase_connectors.standins.jira.fields import Scene, fields_of
from kibcase_connectors.standins.jira.problem import JiraProblem, issue_not_found
from kibcase_connectors.standins.jira.records import Change, Issue
from kibcase_connectors.standins.jira.storage import Storage
from kibcase_connectors.standins.jira.workflow import Transition

_FIRST = {"issue": 10_000, "comment": 10_100, "history": 10_200, "attachment": 10_300, "link": 10_400}


class JiraState:
    """All issues, and every operation on them in the name of a user.

    ``actor`` arguments are user names. Operations raise ``JiraProblem`` where Jira would refuse. They
    may be called from any thread; each is atomic. ``search_lag`` (seconds, may be set at any time) is
    how long a write stays invisible to ``search``; the rest is always up to date.
    """

    def __init__(
        self, catalog: Catalog, *, clock: Callable[[], datetime], storage: Storage, search_lag: float = 0.0
    ) -> None:
        self.catalog = catalog
        self.search_lag = search_lag
        self._clock = clock
        self.storage = storage
        self.lock = threading.RLock()
        self._issues = storage.issues()
        self._counters = _FIRST | storage.counters()
        self._index: dict[int, list[tuple[datetime, Issue | None]]] = {
            key: [(datetime.min.replace(tzinfo=UTC), issue)] for key, issue in self._issues.items()
        }
        self._resolving = {key: issue.id for issue in self._issues.values() for key in issue.keys}
        self._undo: list[Callable[[], None]] | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let the operations inside (all but ``delete``) take effect all or not at all; other threads wait.

        Nested uses join the outer one.
        """
        with self.lock, self.storage.together():
            if self._undo is not None:
                yield
                return
            self._undo = []
            try:
                yield
            except BaseException:
                for step in reversed(self._undo):
                    step()
                raise
            finally:
                self._undo = None

    def now(self) -> datetime:
        """Give the time of the instance, in UTC."""
        return self._clock().astimezone(UTC)

    def number(self, counter: str) -> str:
        """Give the next id of a kind; ids are never used again."""
        with self.lock:
            self._counters[counter] = self._counters.get(counter, 0) + 1
            return str(self._counters[counter])

    def stamp(self, actor: str) -> Stamp:
        """Give who and when for a change."""
        return Stamp(actor=actor, now=self.now(), history_id=self.number("history"))

    def user(self, username: str) -> JiraUser:
        """Give a user; raises ``KeyError``."""
        return self.catalog.users[username]

    def grant(self, username: str, *permissions: str) -> None:
        """Give a user permissions."""
        self._set_permissions(username, self.user(username).permissions | set(permissions))

    def deny(self, username: str, *permissions: str) -> None:
        """Take permissions from a user."""
        self._set_permissions(username, self.user(username).permissions - set(permissions))

    def _set_permissions(self, username: str, permissions: frozenset[str]) -> None:
        with self.lock:
            user = replace(self.user(username), permissions=permissions)
            self.catalog = replace(self.catalog, users={**self.catalog.users, username: user})

    def need(self, actor: str, permission: str, complaint: str) -> None:
        """Refuse with 403 unless the user has the permission."""
        if permission not in self.user(actor).permissions:
            raise JiraProblem(403, complaint)

    def issues(self) -> list[Issue]:
        """Give all issues, oldest first, whoever may see them."""
        with self.lock:
            return [self._issues[key] for key in sorted(self._issues)]

    def issue(self, actor: str, ref: str) -> Issue:
        """Give the issue of an id or of a present or former key; 404 if absent or invisible."""
        with self.lock:
            issue = self._find(ref)
        if issue is None or "BROWSE_PROJECTS" not in self.user(actor).permissions:
            raise issue_not_found()
        return issue

    def _find(self, ref: str) -> Issue | None:
        key = self._resolving.get(ref.upper())
        if key is None and ref.isascii() and ref.isdigit() and len(ref) < 19:
            key = int(ref)
        return self._issues.get(key) if key is not None else None

    def create(self, actor: str, fields: Edits, update: Edits, properties: Mapping[str, Any]) -> Issue:
        """Create an issue; ``fields`` and ``update`` are those of POST /issue."""
        self.need(actor, "CREATE_ISSUES", "You do not have permission to create issues in this project.")
        with self.lock:
            project = self._project(fields.get("project"))
            changes.refuse_both(fields, update)
            scene, known = self.scene(project.key), fields_of(self.catalog)
            empty: dict[str, Any] = {name: [] if field.array else None for name, field in known.items()}
            given = {name: raw for name, raw in fields.items() if name != "project"}
            values = changes.read_fields(self._with_required(given, update, project, actor), known, scene)
            values |= changes.read_update(update, known, empty | values, scene)
            return self.commit(self._new_issue(actor, project, empty | values, properties))

    def _with_required(self, given: Edits, update: Edits, project: Project, actor: str) -> dict[str, Any]:
        defaults: dict[str, Any] = {
            "priority": {"name": project.default_priority},
            "reporter": {"accountId" if self.catalog.cloud else "name": self._ref(actor)},
        }
        needed = {name: None for name in ("summary", "issuetype") if name not in update}
        return {**needed, **{k: v for k, v in defaults.items() if k not in update}, **given}

    def _ref(self, username: str) -> str:
        return self.user(username).account_id if self.catalog.cloud else username

    def _project(self, raw: object) -> Project:
        if raw is None:
            raise JiraProblem(400, fields={"project": "project is required"})
        ref = (raw.get("key") or raw.get("id")) if isinstance(raw, Mapping) else None
        project = self.catalog.project_by_ref(str(ref))
        if project is None:
            raise JiraProblem(400, fields={"project": "valid project is required"})
        return project

    def _new_issue(self, actor: str, project: Project, values: Edits, properties: Mapping[str, Any]) -> Issue:
        now = changes.milliseconds(self.now())
        return Issue(
            id=int(self.number("issue")), project=project.key, number=int(self.number(f"key {project.key}")),
            creator=actor, created=now, updated=now, status=self.catalog.workflow.statuses[0].id,
            status_since=now, values=values, properties=dict(properties),
        )

    def scene(self, project: str) -> Scene:
        """Give what field values of issues of a project are judged against."""
        return Scene(catalog=self.catalog, project=self.catalog.projects[project], find_issue=self._find_id)

    def _find_id(self, ref: str) -> str | None:
        issue = self._find(ref)
        return str(issue.id) if issue else None

    def edit(self, actor: str, ref: str, fields: Edits, update: Edits) -> Issue:
        """Edit fields, as PUT /issue does; comments are not part of it."""
        with self.lock:
            issue = self.issue(actor, ref)
            self.need(actor, "EDIT_ISSUES", "You do not have permission to edit issues in this project.")
            if "project" in fields:
                self._same_project(issue, fields["project"])
                fields = {name: raw for name, raw in fields.items() if name != "project"}
            return self.commit(changes.edited(issue, fields, update, self.scene(issue.project), self.stamp(actor)))

    def _same_project(self, issue: Issue, raw: object) -> None:
        # Kibana's Jira connector sends the project on update too; another project would be a move,
        # which the edit call of Jira cannot do.
        if self._project(raw).key != issue.project:
            raise JiraProblem(400, fields={"project": "Issues cannot be moved to another project by an edit."})

    def transitions(self, actor: str, ref: str) -> tuple[Transition, ...]:
        """Give the transitions open to the user from the present status."""
        issue = self.issue(actor, ref)
        if "TRANSITION_ISSUES" not in self.user(actor).permissions:
            return ()
        return self.catalog.workflow.open_transitions(actor, issue.status)

    def transition(self, actor: str, ref: str, transition_id: str, fields: Edits, update: Edits) -> Issue:
        """Take a transition, as POST /issue/{id}/transitions does; comments are not part of it."""
        with self.lock:
            issue = self.issue(actor, ref)
            chosen = [each for each in self.transitions(actor, ref) if each.id == transition_id]
            if not chosen:
                raise JiraProblem(400, f"Transition id '{transition_id}' is not valid for this issue.")
            return self.commit(changes.transitioned(
                issue, chosen[0], fields, update, self.scene(issue.project), self.stamp(actor)
            ))

    def move(self, actor: str, ref: str, project: str) -> Issue:
        """Move an issue to another project: a new key, the same id; the old key keeps resolving."""
        with self.lock:
            issue = self.issue(actor, ref)
            target = self._project({"key": project})
            if target.key == issue.project:
                raise JiraProblem(400, fields={"project": f"{issue.key} is in {target.key} already."})
            moved = replace(
                issue, project=target.key, number=int(self.number(f"key {target.key}")),
                old_keys=(issue.key, *issue.old_keys),
            )
            source = self.catalog.projects[issue.project]
            items = (
                Change(field="project", field_id="project", old=source.id, old_text=source.name,
                       new=target.id, new_text=target.name),
                Change(field="Key", field_id="", old=None, old_text=issue.key, new=None, new_text=moved.key),
            )
            return self.commit(changes.logged(moved, items, self.stamp(actor)))

    def delete(self, actor: str, ref: str) -> None:
        """Delete an issue and all that hangs on it."""
        with self.lock:
            issue = self.issue(actor, ref)
            self.need(actor, "DELETE_ISSUES", "You do not have permission to delete issues in this project.")
            self.storage.drop(issue.id)
            del self._issues[issue.id]
            for key in issue.keys:
                self._resolving.pop(key, None)
            self._enter(issue.id, None)

    def commit(self, issue: Issue, files: Mapping[str, bytes] | None = None, dropped: tuple[str, ...] = ()) -> Issue:
        """Make a version of an issue the present one, on disk first."""
        with self.lock:
            before = self._issues.get(issue.id)
            if before is not issue:
                self._remember(issue, before)
                self.storage.keep(issue, self._counters, files or {}, dropped)
                self._issues[issue.id] = issue
                self._resolving.update(dict.fromkeys(issue.keys, issue.id))
                self._enter(issue.id, issue)
            return issue

    def _remember(self, issue: Issue, before: Issue | None) -> None:
        if self._undo is None:
            return
        versions = list(self._index.get(issue.id, ()))

        def step() -> None:
            self._index[issue.id] = versions
            if before is not None:
                self._issues[issue.id] = before
                return
            del self._issues[issue.id]
            for key in issue.keys:
                self._resolving.pop(key, None)

        self._undo.append(step)

    def _enter(self, issue_id: int, issue: Issue | None) -> None:
        now = self.now()
        versions = self._index.setdefault(issue_id, [])
        versions.append((now, issue))
        horizon = now - timedelta(seconds=self.search_lag)
        while len(versions) > 1 and versions[1][0] <= horizon:
            versions.pop(0)

    def search(self, actor: str, query: str, *, lenient: bool = False, fresh: Sequence[int] = ()) -> list[Issue]:
        """Run JQL over the index; ``fresh`` ids are looked up past the lag (``reconcileIssues``)."""
        parsed = jql.parse(query)
        if self.catalog.cloud and parsed.where is None:
            raise JiraProblem(
                400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
            )
        with self.lock:
            asking = matching.Asking(
                catalog=self.catalog, user=self.user(actor), now=self.now(), lenient=lenient,
                known_keys=frozenset(self._resolving), known_ids=frozenset(str(each) for each in self._issues),
            )
            seen = self._indexed(frozenset(fresh))
        found = matching.select(parsed, seen, asking)
        return found if "BROWSE_PROJECTS" in self.user(actor).permissions else []

    def _indexed(self, fresh: frozenset[int]) -> list[Issue]:
        if not self.search_lag:
            return list(self._issues.values())
        horizon = self.now() - timedelta(seconds=self.search_lag)
        seen = []
        for issue_id, versions in self._index.items():
            shown = [issue for entered, issue in versions if entered <= horizon or issue_id in fresh]
            if shown and shown[-1] is not None:
                seen.append(shown[-1])
        return seen
