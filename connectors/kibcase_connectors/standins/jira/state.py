"""The issues of one instance and the rules for changing them. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kibcase_connectors.standins.jira import changes, jql, matching
from kibcase_connectors.standins.jira.accounts import Accounts
from kibcase_connectors.standins.jira.catalog import Catalog, Project
from kibcase_connectors.standins.jira.changes import Edits, Stamp
from kibcase_connectors.standins.jira.documents import Form
from kibcase_connectors.standins.jira.fields import Field, Scene, fields_of, is_blank
from kibcase_connectors.standins.jira.problem import JiraProblem, issue_not_found
from kibcase_connectors.standins.jira.records import Change, Issue
from kibcase_connectors.standins.jira.screens import DEFAULTED, on_screen, refuse_blank, refuse_misplaced
from kibcase_connectors.standins.jira.storage import Storage
from kibcase_connectors.standins.jira.workflow import Transition

_FIRST = {"issue": 10_000, "comment": 10_100, "history": 10_200, "attachment": 10_300, "link": 10_400,
          "issue link": 10_500}
UPLOAD_LIMIT = 10 * 1024 * 1024


class JiraState(Accounts):
    """All issues, and every operation on them in the name of a user.

    ``actor`` arguments are user names. Operations raise ``JiraProblem`` where Jira would refuse. They
    may be called from any thread; each is atomic. May be set at any time: ``search_lag`` (seconds), how
    long a write stays invisible to ``search`` (the rest is always up to date); ``skew``, how far the
    clock of the instance is ahead of ``clock``; ``upload_limit``, the most bytes of an attachment, None
    to have attachments disabled.
    """

    def __init__(
        self, catalog: Catalog, *, clock: Callable[[], datetime], storage: Storage, search_lag: float = 0.0
    ) -> None:
        super().__init__(catalog)
        self.search_lag = search_lag
        self.skew = timedelta()
        self.upload_limit: int | None = UPLOAD_LIMIT
        self._clock = clock
        self.storage = storage
        self._issues = {key: self._completed(issue) for key, issue in storage.issues().items()}
        self._counters = _FIRST | storage.counters()
        self._index: dict[int, list[tuple[datetime, Issue | None]]] = {
            key: [(datetime.min.replace(tzinfo=UTC), issue)] for key, issue in self._issues.items()
        }
        self._resolving = {key: issue.id for issue in self._issues.values() for key in issue.keys}
        self._undo: list[Callable[[], None]] | None = None
        self._above = {issue.values["parent"] for issue in self._issues.values()}

    def _completed(self, issue: Issue) -> Issue:
        # A data file may be older than a field of the catalog.
        return replace(issue, values=self._empty() | dict(issue.values))

    def _empty(self) -> dict[str, Any]:
        return {name: [] if field.array else None for name, field in fields_of(self.catalog).items()}

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
        return self._clock().astimezone(UTC) + self.skew

    def number(self, counter: str) -> str:
        """Give the next id of a kind; ids are never used again."""
        with self.lock:
            self._counters[counter] = self._counters.get(counter, 0) + 1
            return str(self._counters[counter])

    def stamp(self, actor: str) -> Stamp:
        """Give who and when for a change."""
        return Stamp(actor=actor, now=self.now(), history_id=self.number("history"))

    def issues(self) -> list[Issue]:
        """Give all issues, oldest first, whoever may see them."""
        with self.lock:
            return [self._issues[key] for key in sorted(self._issues)]

    def issue(self, actor: str, ref: str) -> Issue:
        """Give the issue of an id or of a present or former key; 404 if absent or invisible."""
        with self.lock:
            issue = self._find(ref)
        if issue is None or "BROWSE_PROJECTS" not in self.catalog.held(actor, issue.project):
            raise issue_not_found()
        return issue

    def resolve(self, ref: str) -> int | None:
        """Give the id of the issue of an id or key, whoever may see it."""
        with self.lock:
            issue = self._find(ref)
        return issue.id if issue else None

    def peek(self, issue_id: int) -> Issue | None:
        """Give the issue of an id, whoever may see it."""
        return self._issues.get(issue_id)

    def subtasks(self, issue: Issue) -> list[Issue]:
        """Give the sub-tasks of an issue, oldest first."""
        ref = str(issue.id)
        with self.lock:
            if ref not in self._above:
                return []
            return [each for each in self._issues.values() if each.values["parent"] == ref and
                    self.catalog.issue_type(each.values["issuetype"]).subtask]

    def _find(self, ref: str) -> Issue | None:
        key = self._resolving.get(ref.upper())
        if key is None and ref.isascii() and ref.isdigit() and len(ref) < 19:
            key = int(ref)
        return self._issues.get(key) if key is not None else None

    def create(
        self, actor: str, fields: Edits, update: Edits, properties: Mapping[str, Any], form: Form = "wiki"
    ) -> Issue:
        """Create an issue; ``fields`` and ``update`` are those of POST /issue."""
        complaint = "You do not have permission to create issues in this project."
        self.need(actor, "CREATE_ISSUES", complaint)
        with self.lock:
            project = self._project(fields.get("project"))
            self.need(actor, "CREATE_ISSUES", complaint, project=project.key)
            changes.refuse_both(fields, update)
            known = self._screen(actor, project.key, self._type_in(fields))
            scene = replace(self.scene(project.key, form), fields=known)
            given = {name: raw for name, raw in fields.items() if name != "project"}
            empty = self._empty() | {"priority": self._default_priority(project), "reporter": actor}
            values = changes.read_fields(self._with_required(given, update), known, scene)
            values |= changes.read_update(update, known, empty | values, scene)
            refuse_blank({**empty, **values}, {k: v for k, v in known.items() if k not in DEFAULTED})
            self._place(empty | values, project.key)
            return self.commit(self._new_issue(actor, project, empty | values, properties))

    @staticmethod
    def _with_required(given: Edits, update: Edits) -> dict[str, Any]:
        return {**{name: None for name in ("summary", "issuetype") if name not in update}, **given}

    def _type_in(self, fields: Edits) -> str | None:
        raw = fields.get("issuetype")
        handles = [str(raw.get(each)) for each in ("id", "name")] if isinstance(raw, Mapping) else []
        return next((each.id for each in self.catalog.issue_types if {each.id, each.name} & set(handles)), None)

    def _default_priority(self, project: Project) -> str:
        return next(each.id for each in self.catalog.priorities if each.name == project.default_priority)

    def _screen(self, actor: str, project: str, issue_type: str | None) -> dict[str, Field]:
        return on_screen(self.catalog, project, held=self.catalog.held(actor, project), issue_type=issue_type)

    def _place(self, values: Mapping[str, Any], project: str) -> None:
        parent = self._issues.get(int(values["parent"])) if values["parent"] else None
        above = (parent.project, parent.values["issuetype"]) if parent else None
        refuse_misplaced(self.catalog, values, project, above)

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
        plain, written = changes.split(values)
        return Issue(
            id=int(self.number("issue")), project=project.key, number=int(self.number(f"key {project.key}")),
            creator=actor, created=now, updated=now, status=self.catalog.workflow_of(project.key).statuses[0].id,
            status_since=now, values=plain, documents=written, properties=dict(properties),
        )

    def scene(self, project: str, form: Form = "wiki") -> Scene:
        """Give what field values of issues of a project are judged against."""
        return Scene(catalog=self.catalog, project=self.catalog.projects[project], find_issue=self._find_id, form=form)

    def _find_id(self, ref: str) -> str | None:
        issue = self._find(ref)
        return str(issue.id) if issue else None

    def edit(self, actor: str, ref: str, fields: Edits, update: Edits, form: Form = "wiki") -> Issue:
        """Edit fields, as PUT /issue does; comments are not part of it."""
        with self.lock:
            issue = self.issue(actor, ref)
            complaint = "You do not have permission to edit issues in this project."
            self.need(actor, "EDIT_ISSUES", complaint, project=issue.project)
            if "project" in fields:
                self._same_project(issue, fields["project"])
                fields = {name: raw for name, raw in fields.items() if name != "project"}
            known = self._screen(actor, issue.project, self._type_in(fields) or issue.values["issuetype"])
            scene = replace(self.scene(issue.project, form), fields=known)
            return self.commit(self._placed(issue, changes.edited(issue, fields, update, scene, self.stamp(actor))))

    def assign(self, actor: str, ref: str, raw: object) -> Issue:
        """Assign an issue, as PUT /issue/{id}/assignee does: it needs ``ASSIGN_ISSUES`` alone."""
        with self.lock:
            issue = self.issue(actor, ref)
            complaint = "You do not have permission to assign issues."
            self.need(actor, "ASSIGN_ISSUES", complaint, project=issue.project)
            scene = self.scene(issue.project)
            return self.commit(changes.edited(issue, {"assignee": raw}, {}, scene, self.stamp(actor)))

    def _placed(self, before: Issue, after: Issue) -> Issue:
        if any(before.values[name] != after.values[name] for name in ("issuetype", "parent")):
            self._place(after.values, after.project)
        return after

    def _same_project(self, issue: Issue, raw: object) -> None:
        # Kibana's Jira connector sends the project on update too; another project would be a move,
        # which the edit call of Jira cannot do.
        if self._project(raw).key != issue.project:
            raise JiraProblem(400, fields={"project": "Issues cannot be moved to another project by an edit."})

    def transitions(self, actor: str, ref: str) -> tuple[Transition, ...]:
        """Give the transitions open to the user from the present status."""
        issue = self.issue(actor, ref)
        held = self.catalog.held(actor, issue.project)
        if "TRANSITION_ISSUES" not in held:
            return ()
        values = {**issue.values, "resolution": issue.resolution}
        return tuple(
            each for each in self.catalog.workflow_of(issue.project).open_transitions(actor, issue.status)
            if each.permission in (None, *held) and not any(is_blank(values.get(name)) for name in each.filled)
        )

    def transition(
        self, actor: str, ref: str, transition_id: str, fields: Edits, update: Edits, form: Form = "wiki"
    ) -> Issue:
        """Take a transition, as POST /issue/{id}/transitions does; comments are not part of it."""
        with self.lock:
            issue = self.issue(actor, ref)
            chosen = [each for each in self.transitions(actor, ref) if each.id == transition_id]
            if not chosen:
                raise JiraProblem(400, f"Transition id '{transition_id}' is not valid for this issue.")
            return self.commit(changes.transitioned(
                issue, chosen[0], fields, update, self.scene(issue.project, form), self.stamp(actor)
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
            flow = self.catalog.workflow_of(target.key)
            if moved.status not in {each.id for each in flow.statuses}:
                moved = replace(moved, status=flow.statuses[0].id)
            source = self.catalog.projects[issue.project]
            items = (
                Change(field="project", field_id="project", old=source.id, old_text=source.name,
                       new=target.id, new_text=target.name),
                Change(field="Key", field_id="", old=None, old_text=issue.key, new=None, new_text=moved.key),
            )
            return self.commit(changes.logged(moved, items, self.stamp(actor)))

    def delete(self, actor: str, ref: str, *, subtasks: bool = False) -> None:
        """Delete an issue and all that hangs on it; 400 if it has sub-tasks, unless they may go too."""
        with self.lock:
            issue = self.issue(actor, ref)
            complaint = "You do not have permission to delete issues in this project."
            self.need(actor, "DELETE_ISSUES", complaint, project=issue.project)
            below = self.subtasks(issue)
            if below and not subtasks:
                raise JiraProblem(
                    400, f"The issue '{issue.key}' has subtasks.  You must specify the 'deleteSubtasks' parameter to "
                    "delete this issue and all its subtasks."
                )
            for each in (*below, issue):
                self._drop(each)

    def _drop(self, issue: Issue) -> None:
        self.storage.drop(issue.id)
        del self._issues[issue.id]
        for key in issue.keys:
            self._resolving.pop(key, None)
        self._enter(issue.id, None)
        for link in issue.links:
            there = self._issues.get(link.other)
            if there is not None:
                self.commit(replace(there, links=tuple(each for each in there.links if each.id != link.id)))

    def commit(self, issue: Issue, files: Mapping[str, bytes] | None = None, dropped: tuple[str, ...] = ()) -> Issue:
        """Make a version of an issue the present one, on disk first."""
        with self.lock:
            before = self._issues.get(issue.id)
            if before is not issue:
                self._remember(issue, before)
                self.storage.keep(issue, self._counters, files or {}, dropped)
                self._issues[issue.id] = issue
                self._above.add(issue.values["parent"])
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
            self._issues.pop(issue.id, None)
            for key in issue.keys:
                self._resolving.pop(key, None)

        self._undo.append(step)

    def _enter(self, issue_id: int, issue: Issue | None) -> None:
        now = self._clock()  # a lag is a span, however far off the instance's clock is
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
        return [each for each in found if "BROWSE_PROJECTS" in self.catalog.held(actor, each.project)]

    def _indexed(self, fresh: frozenset[int]) -> list[Issue]:
        if not self.search_lag:
            return list(self._issues.values())
        horizon = self._clock() - timedelta(seconds=self.search_lag)
        seen = []
        for issue_id, versions in self._index.items():
            shown = [issue for entered, issue in versions if entered <= horizon or issue_id in fresh]
            if shown and shown[-1] is not None:
                seen.append(shown[-1])
        return seen
