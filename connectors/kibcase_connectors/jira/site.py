"""One Jira project as configured, with what was learnt of it: what every operation works on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from kibcase_connectors.errors import Conflict, ConnectorError, Denied, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.jira.config import JiraConfig
from kibcase_connectors.jira.mapping import read_text, version
from kibcase_connectors.jira.rest import JiraRest
from kibcase_connectors.jira.wire import NAMES, Issue, JiraComment, JiraStatus
from kibcase_connectors.mapping import FieldMap, UnmappedError
from kibcase_connectors.markup import strip_kibana_footer
from kibcase_connectors.model import MARK_PREFIX, STATUS, UNSET, Canonical, Comment, Json

_READ = (*NAMES.values(), "updated", "created", "creator", "reporter", "issuetype")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A configured project, the client to reach it and the workflow learnt so far.

    ``exits`` gives for an issue type and a status id where transitions led from there when last seen.
    """

    name: str
    config: JiraConfig
    client: JiraRest
    mapping: FieldMap
    exits: dict[str, dict[str, tuple[JiraStatus, ...]]] = field(default_factory=dict)

    @property
    def fields(self) -> frozenset[str]:
        """The fields that take part."""
        return frozenset(self.mapping.codecs)

    def mark(self, issue_id: str) -> str:
        """Give the mark of one of this Jira's issues; it depends on Jira's address and the issue's id."""
        digest = hashlib.sha256(self.config.url.casefold().encode()).hexdigest()
        return f"{MARK_PREFIX}jira-{digest[:8]}-{issue_id}"

    def browse(self, label: str) -> str:
        """Give the address at which people open the issue with this key."""
        return f"{self.config.browse_url or self.config.url}/browse/{label}"

    def issue(self, key: str) -> Issue:
        """Read an issue with its changelog. Raises ``NotFound`` only if the project is visible to us."""
        try:
            return self.client.issue(key, _READ)
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

    def natives(self, values: Mapping[str, Canonical]) -> dict[str, Json]:
        """Give the values to write for canonical ones, by field."""
        return {field_name: self.native(field_name, value) for field_name, value in values.items()}

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

    def unknown(self, what: str, error: ConnectorError) -> OutcomeUnknown:
        """Turn the failure of a read that follows a write into what it means for the write."""
        return OutcomeUnknown(self.name, what, said=f"the answer could not be read back: {error}")


PUSHED = f"{MARK_PREFIX}pushed"
"""The mark of what Kibana's own push wrote: a copy of something in a case, though not one of ours."""

_ALERT_TOTAL = "Elastic Alerts attached to the case:"


def comment_of(raw: JiraComment) -> Comment:
    """Give a Jira comment in the common form; what Kibana pushed counts as a copy and is never mirrored back."""
    mark = raw.mark or (PUSHED if is_pushed(raw.body) else None)
    return Comment(
        key=raw.id, body=read_text(raw.body), author=raw.author, created=raw.created,
        digest=hashlib.sha256(raw.body.encode("utf-8", "surrogatepass")).hexdigest(),
        updated=raw.updated if raw.updated != raw.created else None, mark=mark,
    )


def is_pushed(body: str) -> bool:
    """Tell whether a comment is one that Kibana's Jira connector writes, by its footer or its alert count."""
    plain = body.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return plain.startswith(_ALERT_TOTAL) or strip_kibana_footer(plain) != plain
