"""What a person configures for Jira, Cloud or Data Center, as a side of sync."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    field_validator,
    model_validator,
)

from kibcase_connectors.custom import CustomSettings
from kibcase_connectors.settings import plain_token, web_address, without

Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["open", "in-progress", "closed"]
Positive = Annotated[float, Field(gt=0)]
Address = Annotated[str, AfterValidator(web_address("email and api_token, or token"))]

_OWN_FIELDS = frozenset({"project", "issuetype", "summary", "description", "labels", "priority", "status"})


def _priorities() -> Mapping[Severity, str]:
    return {"critical": "Highest", "high": "High", "medium": "Medium", "low": "Low"}


def _severities() -> Mapping[str, Severity]:
    return {"Lowest": "low"}


class IssueLink(BaseModel):
    """One link that new tickets get to an issue which exists already."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field("Relates", min_length=1, description="The name of the link type.")
    issue: str = Field(min_length=1, description="The key of the issue to link to.")
    direction: Literal["outward", "inward"] = Field(
        "outward", description="outward: the ticket 'blocks' the issue; inward: it 'is blocked by' the issue."
    )


class JiraConfig(CustomSettings):
    """One account on one Jira project.

    Exactly one way to log in: ``email`` and ``api_token`` (Cloud), ``token`` (Data Center, a personal
    access token) or ``username`` and ``password`` (Data Center).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: Literal["jira"] = Field("jira", description="The kind of system.")
    url: Address = Field(
        description="Jira's address with its context path, if any: https://example.atlassian.net"
    )
    browse_url: Address | None = Field(
        None, description="Where people open tickets, if that is not url (an API gateway, a proxy)."
    )
    deployment: Literal["cloud", "datacenter"] | None = Field(
        None, description="The kind of Jira; left out, Jira itself is asked (serverInfo)."
    )
    api_version: Literal[2, 3] | None = Field(
        None,
        description="The version of the REST API: 3 (Cloud only, texts as documents) or 2 (wiki markup). Left out: "
        "3 for Cloud, which an api_token tells if deployment does not; else 2.",
    )
    email: str | None = Field(None, min_length=1, description="The account's e-mail address; goes with api_token.")
    api_token: SecretStr | None = Field(None, description="An API token of the account (Cloud).")
    username: str | None = Field(None, min_length=1, description="The account's user name; goes with password.")
    password: SecretStr | None = Field(None, description="The account's password (Data Center).")
    token: SecretStr | None = Field(None, description="A personal access token (Data Center 8.14 or later).")
    project: str = Field(min_length=1, max_length=255, description="The key of the project, such as SOC.")
    issue_type: str = Field(
        "Task", min_length=1, description="The issue type of tickets that kibcase creates, by name or id."
    )
    parent: str | None = Field(
        None, min_length=1, description="The issue (an epic, or for sub-tasks any) that new tickets belong to, by key."
    )
    issue_links: tuple[IssueLink, ...] = Field((), description="Links that new tickets get to existing issues.")
    statuses: Mapping[str, Status] = Field(
        default_factory=dict,
        description="What a Jira status, by its name, means for the case. Statuses not listed follow their "
        "category: To Do is open, In Progress is in-progress, Done is closed.",
    )
    targets: Mapping[Status, tuple[str, ...]] = Field(
        default_factory=dict,
        description="For a case status, the names of the Jira statuses to prefer when several fit, best first.",
    )
    priorities: Mapping[Severity, str] = Field(
        default_factory=_priorities,
        description="The Jira priority, by name or id, for each case severity; empty: severity takes no part.",
    )
    severities: Mapping[str, Severity] = Field(
        default_factory=_severities,
        description="The case severity of Jira priorities that priorities does not name.",
    )
    observables_field: str | None = Field(
        None, min_length=1,
        description="A multi-line text field, by id or name, that holds the observables, one per line, such as "
        "'ipv4 203.0.113.7'; left out: observables take no part.",
    )
    resolution: str = Field(
        "Done", min_length=1,
        description="The resolution to set when a ticket is closed, if the transition's screen offers it.",
    )
    create_fields: Mapping[str, JsonValue] = Field(
        default_factory=dict,
        description="Values for further fields of new tickets, by id (customfield_10010), in the REST API's form.",
    )
    transition_fields: Mapping[str, JsonValue] = Field(
        default_factory=dict,
        description="Values for fields on transition screens, by field id, in the REST API's form.",
    )
    text_limit: int = Field(
        32_767, ge=1_000,
        description="How many characters a description, a comment or a text area holds; on Data Center administrators "
        "may have set another number.",
    )
    internal_comments: bool = Field(
        default=True, description="In Jira Service Management: hide kibcase's comments from the customer."
    )
    verify: bool | Path = Field(
        default=True, description="Check the TLS certificate: true, false, or a file of trusted certificates."
    )
    timeout: tuple[Positive, Positive] = Field(
        (5.0, 30.0), description="Seconds to wait for the connection and for an answer."
    )
    find_lag: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="For how many seconds a ticket just created may be missing from a search; "
        "left out: 90 on Cloud, 35 on Data Center.",
    )

    @property
    def rest(self) -> int:
        """The version of the REST API to speak: 2 or 3."""
        cloud = self.deployment == "cloud" or (self.deployment is None and self.api_token is not None)
        return self.api_version or (3 if cloud else 2)

    @field_validator("api_token", "token")
    @classmethod
    def _no_blanks(cls, secret: SecretStr | None) -> SecretStr | None:
        return plain_token(secret)

    @field_validator("create_fields")
    @classmethod
    def _not_ours(cls, fields: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        return without(fields, _OWN_FIELDS)

    @model_validator(mode="after")
    def _one_scheme(self) -> Self:
        pairs = (("email", "api_token"), ("username", "password"))
        for one, two in pairs:
            if (getattr(self, one) is None) != (getattr(self, two) is None):
                raise ValueError(f"{one} and {two} go together; one of them is missing")
        given = [" and ".join(pair) for pair in pairs if getattr(self, pair[0]) is not None]
        given += ["token"] if self.token is not None else []
        if len(given) != 1:
            found = f"given: {', '.join(given)}" if given else "none is given"
            raise ValueError(
                f"exactly one way to log in is needed, {found}: email and api_token (Cloud), "
                "token (Data Center), or username and password (Data Center)"
            )
        if self.api_version == 3 and self.deployment == "datacenter":
            raise ValueError("Data Center has no version 3 of the REST API; leave api_version out")
        return self


class JiraFilter(BaseModel):
    """Which tickets may get a case: all conditions given must hold; an empty one holds for every ticket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[str, ...] = Field((), description="The ticket has at least one of these labels.")
    issue_types: tuple[str, ...] = Field((), description="The ticket's issue type, by name, is one of these.")

    def accepts(self, *, labels: tuple[str, ...], issue_type: str) -> bool:
        """Tell whether a ticket with these values may get a case; names are compared without case."""
        types = {name.casefold() for name in self.issue_types}
        return (not self.labels or not set(self.labels).isdisjoint(labels)) and (
            not types or issue_type.casefold() in types
        )
