"""Models of the library as JSON in Kibana's own spelling, for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kibcase.models.base import ApiModel


def as_kibana(model: ApiModel) -> dict[str, Any]:
    """Give the fields that Kibana sent, under its names; moments as it writes them: ``2026-11-21T16:13:52.976Z``."""
    return {name: _spelt(value) for name, value in model.model_dump(by_alias=True, exclude_unset=True).items()}


def _spelt(value: Any) -> Any:
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Mapping):
        return {name: _spelt(each) for name, each in value.items()}
    return [_spelt(each) for each in value] if isinstance(value, list | tuple) else value


def _moment(at: datetime) -> str:
    # Kibana writes milliseconds; anything finer came from elsewhere and is kept.
    finest = "microseconds" if at.microsecond % 1000 else "milliseconds"
    return at.astimezone(UTC).isoformat(timespec=finest).replace("+00:00", "Z")
