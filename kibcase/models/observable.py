"""Observables of a case."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from kibcase.models.base import ApiModel


class Observable(ApiModel):
    """An observable, since stack 8.18; ``type_key`` is "observable-type-ipv4" and the like, or custom."""

    id: str | None = None
    type_key: str = Field(alias="typeKey")
    value: str
    description: str | None = None
    created_at: datetime | None = Field(default=None, alias="createdAt")
    updated_at: datetime | None = Field(default=None, alias="updatedAt")
