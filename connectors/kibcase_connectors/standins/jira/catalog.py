"""What an instance is set up with: users, projects, priorities, resolutions, fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kibcase_connectors.standins.jira.workflow import DEFAULT_WORKFLOW, Status, Workflow

Deployment = Literal["cloud", "datacenter"]
CustomKind = Literal[
    "string", "text", "number", "option", "options", "date", "datetime", "user", "labels", "url"
]
ProjectKind = Literal["software", "business", "service_desk"]

TEAM_PERMISSIONS = frozenset({
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ASSIGN_ISSUES", "ASSIGNABLE_USER",
    "ADD_COMMENTS",
    "EDIT_OWN_COMMENTS", "DELETE_OWN_COMMENTS", "CREATE_ATTACHMENTS", "DELETE_OWN_ATTACHMENTS", "LINK_ISSUES",
})
ALL_PERMISSIONS = TEAM_PERMISSIONS | {
    "EDIT_ALL_COMMENTS", "DELETE_ALL_COMMENTS", "DELETE_ALL_ATTACHMENTS", "DELETE_ISSUES", "MOVE_ISSUES",
    "ADMINISTER_PROJECTS", "ADMINISTER",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraUser:
    """An account.

    ``secret`` is the API token (Cloud), or the password and the personal access token (Data Center).
    ``account_id`` names the user on Cloud; ``username`` and ``user_key`` (default: the user name) on
    Data Center. ``time_zone`` is the IANA zone in which dates in this user's JQL are read.
    ``email_hidden`` keeps the address out of answers to others on Cloud. An account that is not
    ``active`` cannot log in, be found or be assigned, and is still shown where it was set before.
    """

    username: str
    display_name: str
    email: str
    secret: str = field(repr=False)
    account_id: str
    time_zone: str = "America/New_York"
    permissions: frozenset[str] = TEAM_PERMISSIONS
    user_key: str = ""
    email_hidden: bool = True
    active: bool = True


DEFAULT_USERS: tuple[JiraUser, ...] = (
    JiraUser(
        username="kibcase", display_name="Kibcase Sync", email="kibcase@example.com", secret="kibcase-token",  # noqa: S106
        account_id="5f1a2b3c4d5e6f0071a2b3c4", user_key="JIRAUSER10100",
    ),
    JiraUser(
        username="maria.lindqvist", display_name="Maria Lindqvist", email="maria.lindqvist@example.com",
        secret="maria-token", account_id="557058:0c8f0f1e-3b7a-4a53-9d62-6f1d0a7be001",  # noqa: S106
        time_zone="Europe/Stockholm", permissions=ALL_PERMISSIONS, user_key="JIRAUSER10101",
    ),
    JiraUser(
        username="tomasz.nowak", display_name="Tomasz Nowak", email="tomasz.nowak@example.com",
        secret="tomasz-token", account_id="557058:7d2f6a90-51c4-4e0b-8f2e-2b9c4d7fe002",  # noqa: S106
        time_zone="Europe/Warsaw", permissions=ALL_PERMISSIONS - {"ADMINISTER"}, user_key="tomasz.nowak",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A priority, a resolution, an option or an issue type."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueType(Named):
    """An issue type; ``level`` is that of the hierarchy: -1 sub-task, 0 standard, 1 epic."""

    level: int = 0

    @property
    def subtask(self) -> bool:
        """Tell whether issues of the type live under a parent."""
        return self.level < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkType(Named):
    """A type of issue links: ``outward`` is what the source does to the target, ``inward`` the reverse."""

    inward: str
    outward: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A custom field ``customfield_NNNNN``.

    ``kind`` in Jira's words: ``string`` is a single-line text, ``text`` a text area, ``option`` and
    ``options`` are selects of one or more of ``options``. ``required`` fields must be filled.
    """

    id: str
    name: str
    kind: CustomKind
    options: tuple[Named, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project with its own priority scheme; ``default_priority`` is a name from ``priorities``.

    ``required`` are ids of fields that must be filled, ``hidden`` those on no create or edit screen.
    ``resolution_editable`` puts the resolution on the edit screen. ``workflow`` replaces that of the
    instance. In a ``service_desk`` the customer reads comments that are not internal.
    """

    id: str
    key: str
    name: str
    priorities: tuple[str, ...] = ("Highest", "High", "Medium", "Low", "Lowest")
    default_priority: str = "Medium"
    kind: ProjectKind = "software"
    required: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    resolution_editable: bool = False
    workflow: Workflow | None = None


DEFAULT_PRIORITIES = tuple(
    Named(id=str(number), name=name)
    for number, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), start=1)
)
DEFAULT_RESOLUTIONS = (
    Named(id="10000", name="Done"), Named(id="10001", name="Won't Do"),
    Named(id="10002", name="Duplicate"), Named(id="10003", name="Cannot Reproduce"),
)
DEFAULT_ISSUE_TYPES = (
    IssueType(id="10002", name="Task"), IssueType(id="10004", name="Bug"),
    IssueType(id="10003", name="Sub-task", level=-1), IssueType(id="10000", name="Epic", level=1),
)
DEFAULT_LINK_TYPES = (
    LinkType(id="10000", name="Blocks", inward="is blocked by", outward="blocks"),
    LinkType(id="10001", name="Cloners", inward="is cloned by", outward="clones"),
    LinkType(id="10002", name="Duplicate", inward="is duplicated by", outward="duplicates"),
    LinkType(id="10003", name="Relates", inward="relates to", outward="relates to"),
)
DEFAULT_CUSTOM_FIELDS = (
    CustomField(id="customfield_10010", name="Case", kind="string"),
    CustomField(id="customfield_10011", name="Observables", kind="text"),
    CustomField(
        id="customfield_10012", name="Attack vector", kind="option",
        options=(Named(id="10020", name="Phishing"), Named(id="10021", name="Malware"), Named(id="10022", name="Web")),
    ),
    CustomField(
        id="customfield_10013", name="Affected sites", kind="options",
        options=(Named(id="10030", name="Athens"), Named(id="10031", name="Lund"), Named(id="10032", name="Gdynia")),
    ),
    CustomField(id="customfield_10014", name="Detected at", kind="datetime"),
    CustomField(id="customfield_10015", name="Risk score", kind="number"),
    CustomField(id="customfield_10016", name="Incident lead", kind="user"),
    CustomField(id="customfield_10017", name="Report due", kind="date"),
    CustomField(id="customfield_10018", name="Techniques", kind="labels"),
    CustomField(id="customfield_10019", name="Playbook", kind="url"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything about an instance that is not an issue; ``base`` is its URL without trailing slash.

    ``denied`` takes permissions from a user (first of the pair) in one project (its key).
    """

    deployment: Deployment
    base: str
    users: Mapping[str, JiraUser]
    projects: Mapping[str, Project]
    workflow: Workflow = DEFAULT_WORKFLOW
    priorities: tuple[Named, ...] = DEFAULT_PRIORITIES
    resolutions: tuple[Named, ...] = DEFAULT_RESOLUTIONS
    issue_types: tuple[IssueType, ...] = DEFAULT_ISSUE_TYPES
    link_types: tuple[LinkType, ...] = DEFAULT_LINK_TYPES
    custom_fields: tuple[CustomField, ...] = DEFAULT_CUSTOM_FIELDS
    denied: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    @property
    def cloud(self) -> bool:
        """Tell whether this is a Cloud instance."""
        return self.deployment == "cloud"

    def user_by_ref(self, ref: str) -> JiraUser | None:
        """Find a user by account id (Cloud) or by user name (Data Center)."""
        for user in self.users.values():
            if ref == (user.account_id if self.cloud else user.username):
                return user
        return None

    def project_by_ref(self, ref: str) -> Project | None:
        """Find a project by key or id."""
        return next((each for each in self.projects.values() if ref in (each.key, each.id)), None)

    def held(self, username: str, project: str | None = None) -> frozenset[str]:
        """Give the permissions of a user, in a project if one is named (by key)."""
        permissions = self.users[username].permissions
        return permissions - self.denied.get((username, project), frozenset()) if project else permissions

    def workflow_of(self, project: str) -> Workflow:
        """Give the workflow of a project, named by key."""
        return self.projects[project].workflow or self.workflow

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The statuses of all workflows, each once."""
        flows = [self.workflow, *(each.workflow for each in self.projects.values() if each.workflow)]
        return tuple({status.id: status for flow in flows for status in flow.statuses}.values())

    def status(self, status_id: str) -> Status:
        """Give the status of that id; raises ``KeyError``."""
        for status in self.statuses:
            if status.id == status_id:
                return status
        raise KeyError(status_id)

    def issue_type(self, type_id: str) -> IssueType:
        """Give the issue type of that id; raises ``KeyError``."""
        for each in self.issue_types:
            if each.id == type_id:
                return each
        raise KeyError(type_id)


def by_id(things: Sequence[Named], thing_id: str) -> Named:
    """Give the thing of that id; raises ``KeyError``."""
    for thing in things:
        if thing.id == thing_id:
            return thing
    raise KeyError(thing_id)
