"""What a person configures for ServiceNow as a side of sync."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from kibcase_connectors.custom import CustomSettings
from kibcase_connectors.observables import TYPES
from kibcase_connectors.settings import plain_token, unquoted_off, web_address, without

Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["open", "in-progress", "closed"]
Table = Literal["incident", "sn_si_incident"]
Positive = Annotated[float, Field(gt=0)]
Address = Annotated[str, AfterValidator(web_address("username and password, or token"))]
NotNegative = Annotated[float, Field(ge=0)]

_OWN_COLUMNS = frozenset({
    "short_description", "description", "state", "incident_state", "impact", "urgency", "priority", "correlation_id",
    "correlation_display", "work_notes", "comments",
})
_ASSERTION = ("jwt_key_id", "jwt_user", "jwt_private_key")


def _column(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,79}", name):
        raise ValueError("a column is named as in sys_dictionary: small letters, digits and _")
    return name


Column = Annotated[str, AfterValidator(_column)]


def _levels() -> Mapping[Severity, tuple[str, str]]:
    return {"critical": ("1", "1"), "high": ("1", "2"), "medium": ("2", "2"), "low": ("3", "3")}


def _priorities() -> Mapping[Severity, str]:
    return {"critical": "1", "high": "2", "medium": "3", "low": "4"}


def _severities() -> Mapping[str, Severity]:
    return {"1": "critical", "2": "high", "3": "medium", "4": "low", "5": "low"}


class ServiceNowConfig(CustomSettings):
    """One account on one table of a ServiceNow instance.

    Exactly one way to log in: ``username`` and ``password`` (Basic); these with ``client_id`` and
    ``client_secret`` (OAuth, password grant); ``client_id`` and ``client_secret`` alone (OAuth, client
    credentials); these with ``jwt_key_id``, ``jwt_user`` and ``jwt_private_key`` (OAuth, JWT bearer); ``token`` (a
    bearer token); ``api_key`` (header ``x-sn-apikey``); ``client_cert`` alone (the instance maps the certificate to a
    user).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)

    type: Literal["servicenow"] = Field("servicenow", description="The kind of system.")
    url: Address = Field(
        description="The instance's address: https://example.service-now.com"
    )
    browse_url: Address | None = Field(
        None, description="Where people open records, if that is not url (a gateway, a proxy)."
    )
    table: Table = Field("incident", description="incident (ITSM) or sn_si_incident (Security Incident Response).")
    username: str | None = Field(None, min_length=1, description="The account's user name; goes with password.")
    password: SecretStr | None = Field(None, description="The account's password.")
    client_id: str | None = Field(None, min_length=1, description="The OAuth client; goes with client_secret.")
    client_secret: SecretStr | None = Field(None, description="The OAuth client's secret.")
    jwt_key_id: str | None = Field(
        None, min_length=1, description="The key id in the OAuth client's JWT verifier maps; goes with jwt_private_key."
    )
    jwt_user: str | None = Field(
        None, min_length=1, description="Whom the assertion is for: a value of the OAuth client's user field."
    )
    jwt_private_key: SecretStr | None = Field(
        None, description="The RSA private key (PEM) that signs assertions; needs the extra jwt."
    )
    jwt_private_key_password: SecretStr | None = Field(None, description="What opens it, if it is encrypted.")
    token: SecretStr | None = Field(None, description="A bearer token, used as it is.")
    api_key: SecretStr | None = Field(None, description="An API key for the header x-sn-apikey.")
    client_cert: Path | None = Field(
        None, description="A client certificate (PEM) for mutual TLS; alone, or with any other way to log in."
    )
    client_key: Path | None = Field(
        None, description="Its private key (PEM, not encrypted), if that is a file of its own."
    )
    account: str | None = Field(
        None, min_length=1,
        description="The user name under which writes are recorded (sys_updated_by); needed without username.",
    )
    states: Mapping[str, Status] = Field(
        default_factory=dict, description="What a value of the column state means; adds to the base system's."
    )
    targets: Mapping[Status, str] = Field(
        default_factory=dict, description="The state to set for a case status; adds to the base system's."
    )
    order: tuple[str, ...] = Field(
        (), description="The states in the order of the process, for moves that go step by step."
    )
    close_code: str | None = Field(None, min_length=1, description="The close code to set where there is none.")
    close_notes: str = Field(
        "Closed with its case in Kibana.", min_length=1, description="The close notes to set where there are none."
    )
    hold_reason: str | None = Field(
        None, min_length=1, description="The on-hold reason (a value), if a target is the state On Hold."
    )
    levels: Mapping[Severity, tuple[str, str]] = Field(
        default_factory=_levels,
        description="Impact and urgency for each severity, on incident; empty: severity takes no part.",
    )
    priorities: Mapping[Severity, str] = Field(
        default_factory=_priorities,
        description="The priority for each severity, on sn_si_incident; empty: severity takes no part.",
    )
    severities: Mapping[str, Severity] = Field(
        default_factory=_severities, description="The severity that a priority means."
    )
    tags_column: Column | None = Field(None, description="A text column of yours to keep tags in: u_tags.")
    observables: Annotated[Literal["auto", "app", "tables", "off"], BeforeValidator(unquoted_off)] = Field(
        "auto",
        description="How observables of sn_si_incident are written: through Elastic's app, into the tables of Threat "
        "Intelligence, not at all; auto: through the app if it is there.",
    )
    observable_types: Mapping[str, str] = Field(
        default_factory=dict,
        description="What the instance calls further types of observables, by kibcase's name: hostname, user, ...",
    )
    observables_column: Column | None = Field(
        None, description="On incident: a text column of yours to keep observables in, one per line: u_observables."
    )
    url_column: Column | None = Field(None, description="A column of yours for the address of the case: u_case_url.")
    journal: Annotated[Literal["work_notes", "comments", "off"], BeforeValidator(unquoted_off)] = Field(
        "work_notes",
        description="Where kibcase writes comments. What is written to comments can be seen by the caller. "
        "off: the journal is neither read nor written.",
    )
    create_fields: Mapping[Column, str] = Field(
        default_factory=dict, description="Values for further columns of new records, as stored (references: sys_id)."
    )
    assignment_group: str | None = Field(
        None, min_length=1, description="The group, by name or sys_id, for new records."
    )
    caller: str | None = Field(None, min_length=1, description="The caller, by user name, for new records.")
    correlation_display: str = Field(
        "kibcase", min_length=1, max_length=100, description="What kibcase puts into correlation_display."
    )
    adopt_pushed: bool = Field(
        default=False, description="Take incidents that Kibana's own connector pushed for the copies of their cases."
    )
    lengths: Mapping[Column, Annotated[int, Field(ge=40)]] = Field(
        default_factory=dict, description="Lengths of columns in characters, in place of those of sys_dictionary."
    )
    audit: bool = Field(default=True, description="Ask sys_audit who changed a column last, if it may be read.")
    poll_attachments: bool = Field(
        default=True, description="Look for attachments that did not touch their record, too."
    )
    poll_journal: bool = Field(
        default=True, description="Look for journal entries that did not touch their record, too."
    )
    verify: bool | Path = Field(
        default=True, description="Check the TLS certificate: true, false, or a file of trusted certificates."
    )
    timeout: tuple[Positive, Positive] = Field(
        (5.0, 30.0), description="Seconds to wait for the connection and for an answer."
    )
    margin: NotNegative = Field(60.0, description="By how many seconds searches for changes overlap.")
    find_lag: NotNegative = Field(
        35.0, description="For how many seconds a record just created may be missing from a search."
    )
    read_lag: NotNegative = Field(
        5.0, description="For how many seconds a comment just written may be missing from a read."
    )

    @field_validator("token", "api_key")
    @classmethod
    def _no_blanks(cls, secret: SecretStr | None) -> SecretStr | None:
        return plain_token(secret)

    @field_validator("correlation_display")
    @classmethod
    def _not_kibanas(cls, text: str) -> str:
        if text.strip().casefold() == PUSHED_DISPLAY.casefold():
            raise ValueError(f"{PUSHED_DISPLAY!r} is what Kibana's own connector writes; use another, and adopt_pushed")
        return text

    @field_validator("create_fields")
    @classmethod
    def _not_ours(cls, fields: Mapping[str, str]) -> Mapping[str, str]:
        return without(fields, _OWN_COLUMNS)

    @model_validator(mode="after")
    def _own_columns(self) -> Self:
        named = {
            "tags_column": self.tags_column, "url_column": self.url_column,
            "observables_column": self.observables_column,
            **{f"custom.{name}": one.field for name, one in self.custom.items()},
        }
        seen: dict[str, str] = {}
        for name, column in named.items():
            if column is None:
                continue
            if column in _OWN_COLUMNS or column in self.create_fields:
                raise ValueError(f"{name} must be a column of its own")
            if column in seen:
                raise ValueError(f"{seen[column]} and {name} must be two columns")
            seen[column] = name
        return self

    @model_validator(mode="after")
    def _observables(self) -> Self:
        if self.observables_column is not None and self.table != "incident":
            raise ValueError("observables_column is for the table incident; see observables")
        unknown = sorted({*self.observable_types} - {*TYPES})
        if unknown:
            raise ValueError(f"observable_types: {unknown[0]!r} is no type; there is {', '.join(TYPES)}")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_key goes with client_cert; one of them is missing")
        return self

    @model_validator(mode="after")
    def _one_scheme(self) -> Self:
        for one, two in (("username", "password"), ("client_id", "client_secret")):
            if (getattr(self, one) is None) != (getattr(self, two) is None):
                raise ValueError(f"{one} and {two} go together; one of them is missing")
        self._whole_assertion()
        given = ["username and password"] if self.username is not None else []
        given += ["client_id and client_secret"] if self.client_id is not None else []
        given += [name for name in ("token", "api_key") if getattr(self, name) is not None]
        if not given and self.client_cert is not None:
            given = ["client_cert"]
        if len(given) != 1 and given != ["username and password", "client_id and client_secret"]:
            found = f"given: {', '.join(given)}" if given else "none is given"
            raise ValueError(
                f"exactly one way to log in is needed, {found}: username and password, client_id and client_secret "
                "(with username and password, with the keys of jwt, or alone), token, api_key, or client_cert"
            )
        if self.username is None and self.account is None:
            raise ValueError("account is needed with this way to log in: the user name that writes are recorded under")
        return self

    def _whole_assertion(self) -> None:
        named = [name for name in _ASSERTION if getattr(self, name) is not None]
        if not named and self.jwt_private_key_password is None:
            return
        missing = [name for name in ("client_id", "client_secret", *_ASSERTION) if getattr(self, name) is None]
        if missing:
            raise ValueError(f"client_id, client_secret, {', '.join(_ASSERTION)} go together; without {missing[0]}")
        if self.username is not None:
            raise ValueError("exactly one way to log in is needed: username and password, or the keys of jwt")

    @property
    def own_name(self) -> str:
        """The user name of the account, as in ``sys_updated_by``."""
        return self.account or self.username or ""


PUSHED_DISPLAY = "Elastic Case"
"""What Kibana's own case connector writes into ``correlation_display``."""


class ServiceNowFilter(BaseModel):
    """Which records may get a case: all conditions given must hold; an empty one holds for every record."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    assignment_groups: tuple[str, ...] = Field(
        (), description="The record's assignment group, by name, is one of these."
    )
    categories: tuple[str, ...] = Field((), description="The record's category, by its stored value, is one of these.")
    created_after: AwareDatetime | None = Field(
        None, description="The record was created at this time or later. With a time zone: 2026-01-01T00:00:00Z."
    )

    def accepts(self, *, group: str, category: str, created: datetime) -> bool:
        """Tell whether a record with these values may get a case; names are compared without case."""
        groups = {name.casefold() for name in self.assignment_groups}
        categories = {name.casefold() for name in self.categories}
        return (
            (not groups or group.casefold() in groups)
            and (not categories or category.casefold() in categories)
            and (self.created_after is None or created >= self.created_after)
        )
