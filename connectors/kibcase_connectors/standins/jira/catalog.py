"""What an instance is set up with: users, projects, priorities, resolutions, fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kibcase_connectors.standins.jira.workflow import DEFAULT_WORKFLOW, Workflow

Deployment = Literal["cloud", "datacenter"]
CustomKind = Literal["string", "text", "number", "option", "options", "date", "datetime", "user"]

TEAM_PERMISSIONS = frozenset({
    "BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ASSIGNABLE_USER", "ADD_COMMENTS",
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
    ``email_hidden`` keeps the address out of answers to others on Cloud.
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
    """A priority, a resolution or an issue type."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """A custom field ``customfield_NNNNN``; ``options`` are the values of select fields."""

    id: str
    name: str
    kind: CustomKind
    options: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project with its own priority scheme; ``default_priority`` is a name from ``priorities``."""

    id: str
    key: str
    name: str
    priorities: tuple[str, ...] = ("Highest", "High", "Medium", "Low", "Lowest")
    default_priority: str = "Medium"


DEFAULT_PRIORITIES = tuple(
    Named(id=str(number), name=name)
    for number, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), start=1)
)
DEFAULT_RESOLUTIONS = (
    Named(id="10000", name="Done"), Named(id="10001", name="Won't Do"),
    Named(id="10002", name="Duplicate"), Named(id="10003", name="Cannot Reproduce"),
)
DEFAULT_ISSUE_TYPES = (Named(id="10002", name="Task"), Named(id="10004", name="Bug"))
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
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything about an instance that is not an issue; ``base`` is its URL without trailing slash."""

    deployment: Deployment
    base: str
    users: Mapping[str, JiraUser]
    projects: Mapping[str, Project]
    workflow: Workflow = DEFAULT_WORKFLOW
    priorities: tuple[Named, ...] = DEFAULT_PRIORITIES
    resolutions: tuple[Named, ...] = DEFAULT_RESOLUTIONS
    issue_types: tuple[Named, ...] = DEFAULT_ISSUE_TYPES
    custom_fields: tuple[CustomField, ...] = DEFAULT_CUSTOM_FIELDS

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


def by_id(things: tuple[Named, ...], thing_id: str) -> Named:
    """Give the thing of that id; raises ``KeyError``."""
    for thing in things:
        if thing.id == thing_id:
            return thing
    raise KeyError(thing_id)
