"""Observables of a case."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from kibcase.models.base import ApiModel


class ObservableKind(StrEnum):
    """The keys of the types that Kibana has built in (``AGENT_ID`` since 9.3); others are configured by owner."""

    IPV4 = "observable-type-ipv4"
    IPV6 = "observable-type-ipv6"
    URL = "observable-type-url"
    HOSTNAME = "observable-type-hostname"
    FILE_HASH = "observable-type-file-hash"
    FILE_PATH = "observable-type-file-path"
    EMAIL = "observable-type-email"
    DOMAIN = "observable-type-domain"
    AGENT_ID = "observable-type-agent-id"


class Observable(ApiModel):
    """An observable, since stack 8.18; ``type_key`` is an ``ObservableKind`` or the key of a custom type.

    Without ``id`` it is one to be added.
    """

    id: str | None = None
    type_key: Annotated[str, Field(alias="typeKey")]
    value: str
    description: str | None = None
    created_at: Annotated[datetime | None, Field(alias="createdAt")] = None
    updated_at: Annotated[datetime | None, Field(alias="updatedAt")] = None

    @property
    def identity(self) -> tuple[str, str]:
        """What Kibana tells observables of a case apart by: type key and value."""
        return str(self.type_key), self.value

    def to_request(self) -> dict[str, str | None]:
        """Return what Kibana takes to add it; the description is null if there is none."""
        return {"typeKey": str(self.type_key), "value": self.value, "description": self.description}


class SharedObservable(ApiModel):
    """An observable that two cases have in common. A value with a comma comes cut at the comma."""

    type_key: Annotated[str, Field(alias="typeKey")]
    type_label: Annotated[str | None, Field(alias="typeLabel")] = None
    value: str
