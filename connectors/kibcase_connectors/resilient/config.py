"""What a person configures for IBM QRadar SOAR (Resilient) as a side of sync."""

from __future__ import annotations

import re
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
    StrictInt,
    field_validator,
    model_validator,
)

from kibcase_connectors.custom import CustomSettings
from kibcase_connectors.resilient.artifacts import ARTIFACT_TYPES
from kibcase_connectors.settings import web_address, without

Severity = Literal["low", "medium", "high", "critical"]
ActiveStatus = Literal["open", "in-progress"]
Positive = Annotated[float, Field(gt=0)]
Address = Annotated[
    str, AfterValidator(web_address("api_key_id and api_key_secret, or email and password"))
]

_OWN_AT_CREATION = frozenset({
    "name", "description", "discovered_date", "severity_code", "incident_type_ids", "plan_status",
})
_OWN_AT_CLOSING = frozenset({"plan_status", "resolution_id", "resolution_summary"})
_OWN_ALWAYS = frozenset({
    "id", "name", "description", "severity_code", "plan_status", "owner_id", "discovered_date", "workspace",
})


def _field_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]{1,100}", name):
        raise ValueError("must be a field's API access name: letters, digits and _, without 'properties.'")
    return name


FieldName = Annotated[str, AfterValidator(_field_name)]


def _severity_labels() -> Mapping[Severity, str]:
    return {"critical": "High", "high": "High", "medium": "Medium", "low": "Low"}


def _severities() -> Mapping[str, Severity]:
    return {"": "low"}


class ResilientConfig(CustomSettings):
    """One account, an API key or a user, on one organisation of IBM QRadar SOAR.

    Values of select fields are named by their labels, since their ids differ between organisations. Fields
    are named by their API access names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: Literal["resilient"] = Field("resilient", description="The kind of system.")
    url: Address = Field(
        description="The platform's address: https://soar.example.com"
    )
    browse_url: Address | None = Field(
        None, description="Where people open incidents, if that is not url."
    )
    org: StrictInt | str = Field(description="The organisation, by name or id.")
    api_key_id: str | None = Field(None, min_length=1, description="The id of an API key.")
    api_key_secret: SecretStr | None = Field(None, description="The secret of that key.")
    email: str | None = Field(
        None, min_length=3, description="The e-mail address of a user, where there are no API keys."
    )
    password: SecretStr | None = Field(None, min_length=1, description="The password of that user.")
    client_certificate: Path | None = Field(
        None, description="A file with a client certificate (PEM), if the platform asks for one."
    )
    client_key: Path | None = Field(
        None, description="The file with its private key (PEM, not encrypted), if the certificate's file has none."
    )
    mark_field: FieldName | None = Field(
        "kibana_case_id",
        description="The custom text field that holds the mark of the case; null: the mark stands in the name.",
    )
    link_field: FieldName | None = Field(
        None, description="A custom text field that gets the address of the case; left out: no link is written."
    )
    tags_field: FieldName | None = Field(
        None, description="A custom text or multiselect field that holds the tags; left out: tags take no part."
    )
    tag_values: tuple[str, ...] = Field(
        (), description="The only tags that are written; needed where tags_field is a multiselect."
    )
    incident_types: tuple[str, ...] = Field((), description="The incident types of incidents that kibcase creates.")
    severity_labels: Mapping[Severity, str] = Field(
        default_factory=_severity_labels,
        description="The label of severity_code for each case severity; empty: severity takes no part.",
    )
    severities: Mapping[str, Severity] = Field(
        default_factory=_severities,
        description="The case severity of labels that severity_labels does not name; the empty one stands for none.",
    )
    status_field: FieldName | None = Field(
        None,
        description="A select field, such as phase_id, that tells open from in-progress while an incident is active; "
        "left out: an active incident stands for both.",
    )
    statuses: Mapping[str, ActiveStatus] = Field(
        default_factory=dict,
        description="What the labels of status_field mean; the first one listed for a status is the one written.",
    )
    resolution: str = Field("Resolved", min_length=1, description="The label of resolution_id to close with.")
    resolution_summary: str = Field(
        "Closed in the case.", min_length=1, description="The resolution summary to close with, in Markdown."
    )
    close_fields: Mapping[FieldName, JsonValue] = Field(
        default_factory=dict, description="Values for further fields that the organisation requires on closing."
    )
    create_fields: Mapping[FieldName, JsonValue] = Field(
        default_factory=dict, description="Values for further fields of new incidents."
    )
    artifact_types: Mapping[str, str] = Field(
        default_factory=lambda: dict(ARTIFACT_TYPES),
        description="The kind of observable of each artifact type, by its name; ip is ipv4 or ipv6 by the value, and "
        "the first type listed for a kind is the one written; empty: artifacts take no part.",
    )
    newsfeed: bool = Field(
        default=False,
        description="Read from each incident's newsfeed who changed which field when, where the account may read it.",
    )
    notes_per_cycle: int = Field(
        20, ge=0, le=200,
        description="Into how many active incidents each cycle looks for new notes, artifacts and files, in turn; 0 "
        "where these change the date of their incident's last modification.",
    )
    verify: bool | Path = Field(
        default=True, description="Check the TLS certificate: true, false, or a file of trusted certificates."
    )
    timeout: tuple[Positive, Positive] = Field(
        (5.0, 30.0), description="Seconds to wait for the connection and for an answer."
    )
    find_lag: float = Field(
        35.0, ge=0, description="For how many seconds an incident just created may be missing from a query."
    )
    read_lag: float = Field(
        5.0, ge=0, description="For how many seconds a note just written may be missing from a read."
    )

    @field_validator("org")
    @classmethod
    def _some_org(cls, org: int | str) -> int | str:
        if isinstance(org, str) and not org.strip():
            raise ValueError("name the organisation, or give its id")
        return org

    @field_validator("api_key_id")
    @classmethod
    def _no_colon(cls, key: str | None) -> str | None:
        if key is not None and (":" in key or any(c.isspace() or not c.isprintable() for c in key)):
            raise ValueError("an API key's id holds neither a colon nor white space")
        return key

    @field_validator("api_key_secret")
    @classmethod
    def _no_blanks(cls, secret: SecretStr | None) -> SecretStr | None:
        value = "x" if secret is None else secret.get_secret_value()
        if not value or any(c.isspace() or not c.isprintable() for c in value):
            raise ValueError("the secret must not be empty, nor hold white space or line ends")
        return secret

    @field_validator("artifact_types")
    @classmethod
    def _kinds(cls, types: Mapping[str, str]) -> Mapping[str, str]:
        odd = [kind for kind in types.values() if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,99}", kind)]
        if odd:
            raise ValueError(f"{odd[0]!r} is no kind of observable, such as ip, domain or file-hash")
        return types

    @field_validator("create_fields")
    @classmethod
    def _not_ours_at_creation(cls, fields: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        return without(fields, _OWN_AT_CREATION)

    @field_validator("close_fields")
    @classmethod
    def _not_ours_at_closing(cls, fields: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        return without(fields, _OWN_AT_CLOSING)

    @model_validator(mode="after")
    def _one_account(self) -> Self:
        key = (self.api_key_id is not None, self.api_key_secret is not None)
        user = (self.email is not None, self.password is not None)
        if {key, user} != {(True, True), (False, False)}:
            raise ValueError("give api_key_id and api_key_secret, or else email and password")
        if self.client_key is not None and self.client_certificate is None:
            raise ValueError("client_key belongs to a client_certificate, which is not given")
        return self

    @model_validator(mode="after")
    def _custom_fields_of_their_own(self) -> Self:
        taken = {name for name in (self.mark_field, self.link_field, self.tags_field, self.status_field) if name}
        held = [each.field.removeprefix("properties.") for each in self.custom.values()]
        clash = sorted({name for name in held if name in taken | _OWN_ALWAYS or held.count(name) > 1})
        if clash:
            raise ValueError(f"{', '.join(clash)}: a field can be used for one purpose only")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = [name for name in (self.mark_field, self.link_field, self.tags_field, self.status_field) if name]
        twice = sorted({name for name in named if named.count(name) > 1 or name in self.create_fields})
        if twice:
            raise ValueError(f"{', '.join(twice)}: a field can be used for one purpose only")
        meanings = set(self.statuses.values())
        if self.status_field is None and meanings:
            raise ValueError("statuses says what labels mean, but status_field does not say of which field")
        if self.status_field is not None and meanings != {"open", "in-progress"}:
            raise ValueError("with status_field, statuses must name a label for open and one for in-progress")
        return self


class ResilientFilter(BaseModel):
    """Which incidents may get a case: all conditions given must hold; an empty one holds for every incident."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    incident_types: tuple[str, ...] = Field((), description="The incident has at least one of these types.")
    severities: tuple[str, ...] = Field((), description="The label of its severity is one of these.")

    def accepts(self, *, incident_types: tuple[str, ...], severity: str) -> bool:
        """Tell whether an incident with these labels may get a case; labels are compared without case."""
        types = {label.casefold() for label in self.incident_types}
        levels = {label.casefold() for label in self.severities}
        return (not types or not types.isdisjoint(label.casefold() for label in incident_types)) and (
            not levels or severity.casefold() in levels
        )
