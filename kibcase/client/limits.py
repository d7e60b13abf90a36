"""Kibana's limits, checked before anything is sent (constants of the Kibana Cases plugin). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from kibcase.errors import LimitError

TITLE = 160
DESCRIPTION = 30_000
COMMENT = 30_000
CATEGORY = 50
TAG = 256
TAGS = 200
ASSIGNEES = 10
CUSTOM_FIELDS = 10
CUSTOM_FIELD_KEY = 36
CUSTOM_FIELD_TEXT = 160
ALERTS_PER_CASE = 1000
BULK_UPDATE = 100
BULK_GET = 1000
DELETE = 100
FILTER_VALUES = 100

_TEXTS = {"title": TITLE, "description": DESCRIPTION, "category": CATEGORY, "comment": COMMENT}
_COUNTS = {"tags": TAGS, "assignees": ASSIGNEES, "customFields": CUSTOM_FIELDS}


def check_text(name: str, text: str, maximum: int) -> None:
    """Raise ``LimitError`` if ``text``, without white space around it, is longer than ``maximum`` characters.

    An empty text raises ``ValueError``: Kibana refuses it too. Lengths are counted as Kibana does, in
    UTF-16 units, so a character beyond the basic plane counts twice.
    """
    stripped = text.strip()
    if not stripped:
        raise ValueError(f"the {name} cannot be empty")
    length = len(stripped.encode("utf-16-le", "surrogatepass")) // 2
    if length > maximum:
        raise LimitError(f"length of the {name}", maximum, length)


def check_count(name: str, items: Sized, maximum: int) -> None:
    """Raise ``LimitError`` if there are more than ``maximum`` items."""
    if len(items) > maximum:
        raise LimitError(f"number of {name}", maximum, len(items))


def check_ids(name: str, ids: Sized, maximum: int) -> None:
    """Raise ``ValueError`` if there are no ids, ``LimitError`` if there are too many."""
    if not len(ids):
        raise ValueError(f"no {name} given")
    check_count(name, ids, maximum)


def check_fields(body: Mapping[str, Any]) -> None:
    """Check the fields of a case as they are sent, in Kibana's spelling; absent ones and nulls are fine."""
    for name, maximum in _TEXTS.items():
        if body.get(name) is not None:
            check_text(name, body[name], maximum)
    for name, maximum in _COUNTS.items():
        check_count(name, body.get(name) or (), maximum)
    for tag in body.get("tags") or ():
        check_text("tag", tag, TAG)
    for custom in body.get("customFields") or ():
        _check_custom_field(custom)


def _check_custom_field(custom: Mapping[str, Any]) -> None:
    check_text("custom field key", custom["key"], CUSTOM_FIELD_KEY)
    if isinstance(custom.get("value"), str):
        check_text("custom field value", custom["value"], CUSTOM_FIELD_TEXT)
