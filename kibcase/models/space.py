"""Spaces of a Kibana (Kibana Spaces API, /api/spaces/space)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kibcase.models.base import ApiModel


class Space(ApiModel):
    """A space; ``disabled_features`` are ids of features that nobody has in it. ``solution`` since 8.16."""

    id: str
    name: str
    description: str | None = None
    color: str | None = None
    initials: str | None = None
    disabled_features: Annotated[list[str], Field(alias="disabledFeatures")] = Field(default_factory=list)
    solution: str | None = None
