"""What an organisation is set up with: accounts, fields and their choices, phases, artifact types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

InputType = Literal[
    "text", "textarea", "number", "boolean", "datepicker", "datetimepicker", "select", "multiselect",
    "select_owner", "multiselect_members",
]

TEAM_PERMISSIONS = frozenset({
    "read", "create", "write", "comment", "assign", "close", "change_members", "attach_file", "read_attachments",
    "create_artifacts", "list_artifacts",
})
ALL_PERMISSIONS = TEAM_PERMISSIONS | {
    "delete", "delete_attachments", "change_workspace", "create_milestones", "list_milestones", "edit_all_comments",
}
DEFAULT_SEVERITIES: Mapping[int, str] = {4: "Low", 5: "Medium", 6: "High"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """The organisation; ``enabled=False`` is one that the caller's address or provider may not enter."""

    id: int = 201
    name: str = "Northwind SOC"
    uuid: str = "6f2c1a52-7d0e-4c56-9a35-0e7c5b0c1d22"
    cloud_account: str = "northwind-soc"
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A principal: a user (who signs in with e-mail and password), an API key, or the platform itself.

    ``login`` is the e-mail or the key id, ``secret`` the password or the key's secret. ``permissions``
    are named as in ``perms`` of an incident, with ``create`` and ``edit_all_comments`` besides;
    incidents of workspaces other than ``workspaces`` are invisible.
    """

    id: int
    kind: Literal["user", "apikey", "system"] = "user"
    login: str
    secret: str = field(repr=False)
    first_name: str | None = None
    last_name: str | None = None
    permissions: frozenset[str] = TEAM_PERMISSIONS
    workspaces: frozenset[int] = frozenset({1})

    @property
    def display_name(self) -> str:
        """What is shown to people."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.login


SYSTEM = Account(
    id=1, kind="system", login="system", secret="", first_name="System", last_name="User",
    permissions=ALL_PERMISSIONS, workspaces=frozenset(),
)
DEFAULT_KEYS: tuple[Account, ...] = (
    Account(id=5, kind="apikey", login="b1c4f8e2-0a57-4c1e-8f0e-3d2a61c7a905", secret="kibcase-secret",  # noqa: S106
            first_name="Kibcase", last_name="Sync"),
)
DEFAULT_USERS: tuple[Account, ...] = (
    Account(id=3, login="maria.lindqvist@example.com", secret="maria-password",  # noqa: S106
            first_name="Maria", last_name="Lindqvist", permissions=ALL_PERMISSIONS),
    Account(id=4, login="tomasz.nowak@example.com", secret="tomasz-password",  # noqa: S106
            first_name="Tomasz", last_name="Nowak"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of users, which may own incidents; ``members`` are user ids."""

    id: int
    name: str
    members: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value of a select field; clients write ``value`` (the id) and people read ``label``."""

    value: int | str
    label: str
    enabled: bool = True
    hidden: bool = False
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of incidents.

    ``required`` is None, ``"always"`` or ``"close"`` (demanded when an incident is closed). Custom
    fields have ``prefix="properties"``. ``max_length`` counts characters.
    """

    id: int
    name: str
    text: str
    input_type: InputType
    required: Literal["always", "close"] | None = None
    prefix: Literal["properties"] | None = None
    rich_text: bool = False
    read_only: bool = False
    choices: tuple[Choice, ...] = ()
    max_length: int | None = None

    @property
    def path(self) -> str:
        """The name in queries, with the prefix of custom fields."""
        return f"{self.prefix}.{self.name}" if self.prefix else self.name

    @property
    def many(self) -> bool:
        """Tell whether a value is a list."""
        return self.input_type in ("multiselect", "multiselect_members")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactType:
    """A type of artifact; one whose values hold no blanks is split at them when ``multi_aware``.

    Artifacts of a type with ``file`` hold a file, and cannot be made of a value.
    """

    id: int
    name: str
    multi_aware: bool = False
    file: bool = False


def choices(labels: Mapping[int, str]) -> tuple[Choice, ...]:
    """Make choices of ids and labels."""
    return tuple(Choice(value=value, label=label) for value, label in labels.items())


_TYPES = {
    1: "TBD / Unknown", 4: "Lost documents / files / records", 11: "Vendor / 3rd party error",
    17: "Communication error (fax; email)", 18: "Other", 19: "Malware", 20: "System Intrusion",
    21: "Denial of Service", 22: "Phishing", 23: "Not an Issue",
}
_RESOLUTIONS = {7: "Unresolved", 8: "Duplicate", 9: "Not an Issue", 10: "Resolved"}
_PHASES = {1004: "Initial", 1001: "Engage", 1002: "Respond", 1003: "Post-Incident"}
_STATUSES = (Choice(value="A", label="Active", default=True), Choice(value="C", label="Closed"))

ARTIFACT_TYPES: tuple[ArtifactType, ...] = (
    ArtifactType(id=1, name="IP Address", multi_aware=True),
    ArtifactType(id=2, name="DNS Name", multi_aware=True),
    ArtifactType(id=3, name="URL", multi_aware=True),
    ArtifactType(id=5, name="Email Subject"),
    ArtifactType(id=8, name="System Name", multi_aware=True),
    ArtifactType(id=7, name="Email Attachment", file=True),
    ArtifactType(id=9, name="Email Sender", multi_aware=True),
    ArtifactType(id=13, name="Malware MD5 Hash", multi_aware=True),
    ArtifactType(id=14, name="Malware SHA-1 Hash", multi_aware=True),
    ArtifactType(id=20, name="Email Recipient", multi_aware=True),
    ArtifactType(id=23, name="User Account"),
    ArtifactType(id=24, name="Registry Key"),
    ArtifactType(id=29, name="File Path"),
    ArtifactType(id=38, name="Malware SHA-256 Hash", multi_aware=True),
)
DEFAULT_CUSTOM_FIELDS: tuple[Field, ...] = (
    Field(id=1001, name="kibana_case_id", text="Kibana case id", input_type="text", prefix="properties",
          max_length=4000),
)


def built_in_fields(
    severities: Mapping[int, str], workspaces: Mapping[int, str], name_limit: int
) -> tuple[Field, ...]:
    """Give the fields that every organisation has."""
    return (
        Field(id=1, name="id", text="ID", input_type="number", read_only=True),
        Field(id=2, name="name", text="Name", input_type="text", required="always", max_length=name_limit),
        Field(id=3, name="description", text="Description", input_type="textarea", rich_text=True),
        Field(id=4, name="discovered_date", text="Date Discovered", input_type="datetimepicker", required="always"),
        Field(id=5, name="workspace", text="Workspace", input_type="select", required="always",
              choices=choices(workspaces)),
        Field(id=7, name="city", text="City", input_type="text"),
        Field(id=8, name="reporter", text="Reporter", input_type="text"),
        Field(id=9, name="severity_code", text="Severity", input_type="select", choices=choices(severities)),
        Field(id=10, name="incident_type_ids", text="Incident Type", input_type="multiselect",
              choices=choices(_TYPES)),
        Field(id=11, name="plan_status", text="Status", input_type="select", choices=_STATUSES),
        Field(id=12, name="resolution_id", text="Resolution", input_type="select", required="close",
              choices=choices(_RESOLUTIONS)),
        Field(id=13, name="resolution_summary", text="Resolution Summary", input_type="textarea", required="close",
              rich_text=True),
        Field(id=14, name="owner_id", text="Owner", input_type="select_owner"),
        Field(id=15, name="members", text="Members", input_type="multiselect_members"),
        Field(id=16, name="phase_id", text="Phase", input_type="select", choices=choices(_PHASES)),
        Field(id=17, name="confirmed", text="Confirmed", input_type="boolean"),
        Field(id=18, name="start_date", text="Date Occurred", input_type="datetimepicker"),
        Field(id=19, name="due_date", text="Next Due Date", input_type="datetimepicker"),
        Field(id=20, name="end_date", text="Date Closed", input_type="datetimepicker", read_only=True),
        Field(id=21, name="create_date", text="Date Created", input_type="datetimepicker", read_only=True),
        Field(id=52, name="inc_last_modified_date", text="Last Modified", input_type="datetimepicker",
              read_only=True),
        Field(id=53, name="creator_id", text="Creator", input_type="number", read_only=True),
    )


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """All that does not change while the stand-in runs, but permissions."""

    org: Organization
    accounts: Mapping[int, Account]
    groups: tuple[Group, ...]
    fields: tuple[Field, ...]
    artifact_types: tuple[ArtifactType, ...] = ARTIFACT_TYPES
    attachment_mb: float = 25

    @cached_property
    def by_path(self) -> Mapping[str, Field]:
        """The fields by their names in queries (``properties.x`` for custom ones)."""
        return {each.path: each for each in self.fields}

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by their bare names, as PATCH has them."""
        return {each.name: each for each in self.fields}

    def owners(self) -> dict[int, str]:
        """Give whom an incident may belong to: names by id, users by e-mail."""
        users = {each.id: each.login for each in self.accounts.values() if each.kind == "user"}
        return users | {each.id: each.name for each in self.groups}

    def artifact_type(self, raw: object) -> ArtifactType | None:
        """Find the artifact type of an id, a name, or an object with either."""
        if isinstance(raw, Mapping):
            raw = raw["id"] if raw.get("id") is not None else raw.get("name")
        if isinstance(raw, bool):
            return None
        return next((each for each in self.artifact_types if raw in (each.id, each.name)), None)
