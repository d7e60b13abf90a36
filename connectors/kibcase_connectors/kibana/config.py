"""What a person configures for Kibana as a side of sync."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, model_validator

from kibcase_connectors.custom import CustomSettings
from kibcase_connectors.kibana.observed import known_types

Severity = Literal["low", "medium", "high", "critical"]
Status = Literal["open", "in-progress", "closed"]
Seconds = Annotated[float, Field(ge=0)]


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("the address must begin with http:// or https://")
    if "@" in url.split("://", 1)[1].split("/", 1)[0]:
        raise ValueError("credentials do not belong into the address; use username and password or api_key")
    return url.rstrip("/")


class KibanaConfig(CustomSettings):
    """One account on one Kibana space, for the cases of one owner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["kibana"] = Field("kibana", description="The kind of system.")
    url: Annotated[str, AfterValidator(_web_address)] = Field(
        description="Kibana's address with its base path, without a space: https://kibana.example.com"
    )
    username: str | None = Field(None, description="The user to log in as; goes with password.")
    password: SecretStr | None = Field(None, description="The user's password.")
    api_key: SecretStr | None = Field(
        None, description="An encoded API key, in place of username and password."
    )
    space: str = Field(
        "default", pattern=r"^[a-z0-9_-]+$", description="The id of the space that the cases live in."
    )
    owner: Literal["cases", "observability", "securitySolution"] = Field(
        description="Which solution's cases take part: securitySolution, observability or cases.",
    )
    sync_alerts: bool = Field(
        default=True, description="Whether alerts follow the status of the cases that kibcase creates."
    )
    verify: bool | Path = Field(
        default=True, description="Check the TLS certificate: true, false, or a file of trusted certificates."
    )
    timeout: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = Field(
        (5.0, 30.0), description="Seconds to wait for the connection and for an answer."
    )
    read_lag: Seconds = Field(
        2.0, description="For how many seconds a comment just written may be missing from a read."
    )
    find_lag: Seconds = Field(
        5.0, description="For how many seconds a case just created may be missing from a search."
    )
    margin: Seconds = Field(
        60.0,
        description="By how many seconds searches for changes overlap: the sum of the clock skew between "
        "Kibana's nodes and the time until a write can be found.",
    )

    observable_types: Annotated[Mapping[str, str], AfterValidator(known_types)] = Field(
        default_factory=dict,
        description="Types of observables beyond the built-in ones: the key in Kibana, and the common type it is.",
    )
    max_file_size: Annotated[int, Field(gt=0)] | None = Field(
        None,
        description="The most bytes of a file, if xpack.cases.files.maxSize is not Kibana's default "
        "(100 MiB, images 10 MiB).",
    )

    any_file: bool = Field(
        default=True,
        description="Whether files of types that Kibana does not take are kept as texts: mail.eml as mail.eml.txt.",
    )

    @model_validator(mode="after")
    def _one_scheme(self) -> Self:
        basic = self.username is not None or self.password is not None
        if basic and self.api_key is not None:
            raise ValueError("give either username and password or api_key, not both")
        if not basic and self.api_key is None:
            raise ValueError("give username and password, or api_key")
        if basic and (self.username is None or self.password is None):
            raise ValueError("username and password go together; one of them is missing")
        return self


class CaseFilter(BaseModel):
    """Which cases may get a ticket: all conditions given must hold; an empty one holds for every case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tags: tuple[str, ...] = Field((), description="The case has at least one of these tags.")
    severities: tuple[Severity, ...] = Field((), description="The case's severity is one of these.")
    statuses: tuple[Status, ...] = Field((), description="The case's status is one of these.")
    categories: tuple[str, ...] = Field((), description="The case's category is one of these.")
    created_after: AwareDatetime | None = Field(
        None, description="The case was created at this time or later, by Kibana's clock."
    )

    def accepts(
        self, *, tags: tuple[str, ...], severity: str | None, status: str, category: str | None,
        created: datetime,
    ) -> bool:
        """Tell whether a case with these values may get a ticket."""
        return (
            (not self.tags or not set(self.tags).isdisjoint(tags))
            and (not self.severities or severity in self.severities)
            and (not self.statuses or status in self.statuses)
            and (not self.categories or category in self.categories)
            and (self.created_after is None or created >= self.created_after)
        )
