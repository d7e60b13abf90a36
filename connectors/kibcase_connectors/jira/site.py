"""One Jira project as configured, with what was learnt of it: what every operation works on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kibcase_connectors.api import Context
from kibcase_connectors.errors import Conflict, ConnectorError, Denied, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.jira import wire
from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.jira.dialect import dialect_of
from kibcase_connectors.jira.layout import Layout, found_aliases, found_fields
from kibcase_connectors.jira.mapping import version
from kibcase_connectors.jira.rest import JiraRest
from kibcase_connectors.jira.wire import NAMES, Account, Issue, JiraComment, JiraFile, JiraStatus
from kibcase_connectors.mapping import FieldMap, UnmappedError
from kibcase_connectors.markup import strip_kibana_footer
from kibcase_connectors.model import (
    ASSIGNEE,
    FILES,
    MARK_PREFIX,
    OBSERVABLES,
    STATUS,
    UNSET,
    Canonical,
    Comment,
    File,
    Json,
)

_READ = ("updated", "created", "creator", "reporter", "issuetype", "resolution")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A configured project, the client to reach it and the workflow learnt so far.

    ``exits`` gives for an issue type and a status id where transitions led from there when last seen.
    """

    name: str
    config: JiraConfig
    client: JiraRest
    mapping: FieldMap
    context: Context = field(default_factory=Context)
    exits: dict[str, dict[str, tuple[JiraStatus, ...]]] = field(default_factory=dict)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that take part."""
        return frozenset(self.mapping.codecs)

    def layout(self, *, again: bool = False) -> Layout:
        """Give where this Jira keeps what; asks for its fields once, unless ``again``, if any is configured."""
        if again or not self.client.laid_out:
            self.client.layout = self._laid_out()
            self.client.laid_out = True
        return self.client.layout

    def _laid_out(self) -> Layout:
        wanted = {name: one.field for name, one in self.config.custom.items() if name in self.fields}
        areas = frozenset({OBSERVABLES} if OBSERVABLES in self.fields else ())
        wanted |= dict.fromkeys(areas, self.config.observables_field or "")
        known = self.client.fields() if wanted else ()
        ids, kinds, problems = found_fields(wanted, known, areas)
        assignee = {ASSIGNEE: "assignee"} if ASSIGNEE in self.fields else {}
        named = (*self.config.priorities.values(), *self.config.severities)
        return Layout(
            dialect=dialect_of(self.config.rest, self.config.text_limit), cloud=self.client.cloud,
            names={**NAMES, **assignee, **ids}, kinds=kinds, problems=problems,
            priority_ids=frozenset(name for name in named if name.isdecimal()),
            person=self._person, aliases=found_aliases(ids.values(), known),
        )

    def _person(self, raw: Mapping[str, Any]) -> str:
        account = wire.account(raw)
        known = self.context.people.known(self.name, account.spellings, account.email)
        return known.key if known is not None else account.email.casefold() or account.name

    def name_of(self, account: Account) -> str:
        """Give what to call an account's person."""
        return self.context.people.name_of(self.name, account.spellings, account.name, account.email)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Let refusals inside name fields as sync does."""
        try:
            yield
        except Refused as refused:
            known = self.client.layout.fields.get(refused.field or "")
            if known is None or known == refused.field:
                raise
            raise Refused(
                refused.system, refused.what, said=refused.said, advice=refused.advice, field=known
            ) from refused

    def mark(self, issue_id: str) -> str:
        """Give the mark of one of this Jira's issues; it depends on Jira's address and the issue's id."""
        digest = hashlib.sha256(self.config.url.casefold().encode()).hexdigest()
        return f"{MARK_PREFIX}jira-{digest[:8]}-{issue_id}"

    def browse(self, label: str) -> str:
        """Give the address at which people open the issue with this key."""
        return f"{self.config.browse_url or self.config.url}/browse/{label}"

    def issue(self, key: str) -> Issue:
        """Read an issue with its changelog. Raises ``NotFound`` only if the project is visible to us."""
        asked = (*self.layout().names.values(), *_READ, *(["attachment"] if self.context.wants(FILES) else []))
        try:
            return self.client.issue(key, asked)
        except NotFound as gone:
            self.confirm()
            raise gone

    def unchanged(self, key: str, expected: str) -> Issue:
        """Read an issue that is about to be written. Raises ``Conflict`` if it is past version ``expected``."""
        issue = self.issue(key)
        if version(issue) != expected:
            said = "it has changed since it was read"
            raise Conflict(self.name, f"writing ticket {issue.key}", said=said, advice="Read it again.")
        return issue

    def confirm(self) -> None:
        """Make sure that we are logged in and see the project; raises ``Denied`` if not.

        Jira answers 404 for what is deleted and for what this account may not see.
        """
        self.client.myself(again=True)
        project = self.config.project
        try:
            self.client.project(project)
        except (NotFound, Refused) as hidden:
            advice = "Check the project's key and that the account may browse it."
            raise Denied(self.name, f"looking at project {project}", said=hidden.said, advice=advice) from hidden

    def native(self, field_name: str, value: Canonical) -> Json:
        """Give the value to write for a canonical one. Raises ``Refused`` if there is none."""
        said = "such a value cannot be written as a field"
        try:
            found = self.mapping.native(field_name, value)
        except ValueError as unwritable:
            found, said = UNSET, str(unwritable)
        except KeyError:
            found, said = UNSET, "this project is configured without the field"
        if found is UNSET:
            advice = "Complete the mapping in the configuration."
            raise Refused(self.name, f"setting {field_name}", said=said, field=field_name, advice=advice)
        return found

    def meaning(self, status: JiraStatus) -> str | None:
        """Give what a workflow status means, None if the configuration does not say."""
        try:
            found = self.mapping.canonical(STATUS, status.native())
        except UnmappedError:
            return None
        return found if isinstance(found, str) else None

    def status(self, issue: Issue) -> JiraStatus:
        """Give the present workflow status of an issue."""
        shown = issue.natives.get(STATUS)
        values = shown if isinstance(shown, dict) else {}
        return JiraStatus(**{name: str(values.get(name, "")) for name in ("id", "name", "category")})

    def preferred(self, status: str) -> tuple[str, ...]:
        """Give the names of the Jira statuses to prefer for a canonical status, best first."""
        return next((names for wanted, names in self.config.targets.items() if wanted == status), ())

    def comment(self, raw: JiraComment) -> Comment:
        """Give a comment in the common form; what Kibana pushed counts as a copy and is never mirrored back."""
        dialect = self.client.layout.dialect
        body = dialect.native(raw.body)
        return Comment(
            key=raw.id, body=dialect.read(body), author=self.name_of(raw.author), created=raw.created,
            digest=dialect.digest(body), updated=raw.updated if raw.updated != raw.created else None,
            mark=raw.mark or (PUSHED if is_pushed(body) else None),
        )

    def file(self, raw: JiraFile) -> File:
        """Give an attachment in the common form."""
        return File(
            key=raw.id, name=raw.name, size=raw.size, media_type=raw.media_type, author=self.name_of(raw.author),
            created=raw.created,
        )

    def unknown(self, what: str, error: ConnectorError) -> OutcomeUnknown:
        """Turn the failure of a read that follows a write into what it means for the write."""
        return OutcomeUnknown(self.name, what, said=f"the answer could not be read back: {error}")


PUSHED = f"{MARK_PREFIX}pushed"
"""The mark of what Kibana's own push wrote: a copy of something in a case, though not one of ours."""

_ALERT_TOTAL = "Elastic Alerts attached to the case:"


def is_pushed(body: str) -> bool:
    """Tell whether a comment is one that Kibana's Jira connector writes, by its footer or its alert count."""
    plain = body.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return plain.startswith(_ALERT_TOTAL) or strip_kibana_footer(plain) != plain
