"""The bodies that the cases endpoints accept, per stack version (Kibana's ``common/types/api/case``)."""

from __future__ import annotations

from functools import cache
from typing import Any

from kibcase.server import limits
from kibcase.server.cases.connectors import connector_codec
from kibcase.server.codec import (
    Codec,
    array,
    boolean,
    limited,
    nullable,
    number,
    one_of,
    record_of,
    safe_integer,
    strict,
    string,
    tagged,
)
from kibcase.server.jstext import trim
from kibcase.server.stack import Stack

STATUSES = ("open", "in-progress", "closed")
SEVERITIES = ("low", "medium", "high", "critical")

_CUSTOM_FIELDS = array(
    tagged(
        "type",
        {
            "text": strict(
                {
                    "key": string,
                    "type": one_of("text"),
                    "value": nullable(limited("value", 1, limits.CUSTOM_FIELD_TEXT)),
                }
            ),
            "toggle": strict({"key": string, "type": one_of("toggle"), "value": nullable(boolean)}),
            "number": strict({"key": string, "type": one_of("number"), "value": nullable(safe_integer("value"))}),
        },
    ),
    "customFields",
    0,
    limits.CUSTOM_FIELDS,
)


@cache
def common_fields(stack: Stack) -> dict[str, Codec]:
    """Give the codecs of the fields that create, PATCH and templates share."""
    extract = {"extractObservables": boolean} if stack.has_timings else {}
    return {
        "title": limited("title", 1, limits.TITLE),
        "description": limited("description", 1, limits.DESCRIPTION),
        "tags": array(limited("tag", 1, limits.TAG), "tags", 0, limits.TAGS),
        "connector": connector_codec(extras=stack.has_connector_extras),
        "settings": strict({"syncAlerts": boolean}, extract),
        "severity": one_of(*SEVERITIES),
        "assignees": array(strict({"uid": string}), "assignees", 0, limits.ASSIGNEES),
        "category": nullable(limited("category", 1, limits.CATEGORY)),
        "customFields": _CUSTOM_FIELDS,
    }


def _from_template(stack: Stack, *, pinned: bool) -> dict[str, Codec]:
    if not stack.has_extended_fields:
        return {}
    version: dict[str, Codec] = {"version": number}
    template = strict({"id": string} | version) if pinned else strict({"id": string}, version)
    return {"template": nullable(template), "extended_fields": record_of(string)}


@cache
def create_codec(stack: Stack) -> Codec:
    """Give the codec of ``POST /api/cases``."""
    fields = common_fields(stack) | _from_template(stack, pinned=False)
    required = ("title", "description", "tags", "connector", "settings")
    return strict(
        {name: fields[name] for name in required} | {"owner": string},
        {name: codec for name, codec in fields.items() if name not in required},
    )


@cache
def patch_codec(stack: Stack) -> Codec:
    """Give the codec of ``PATCH /api/cases``."""
    newer: dict[str, Codec] = {"closeReason": string} if stack.has_close_reason else {}
    entry = strict(
        {"id": string, "version": string},
        common_fields(stack)
        | {"status": one_of(*STATUSES), "owner": string}
        | newer
        | _from_template(stack, pinned=True),
    )
    return strict({"cases": array(entry, "cases", 1, limits.CASES_PER_PATCH)})


bulk_get_codec: Codec = strict({"ids": array(string, "ids", 1, limits.CASES_PER_BULK_GET)})
bulk_get_attachments_codec: Codec = strict({"ids": array(string, "ids", 1, limits.ATTACHMENTS_PER_BULK)})


def delete_codec(value: Any, path: tuple[str, ...], report: Any) -> Any:
    """Accept 1 to 100 ids, none of them empty (``DELETE /api/cases``)."""
    result = array(string, "ids", 1, limits.CASES_PER_DELETE)(value, path, report)
    if not report.errors and any(not trim(item) for item in result):
        report.errors.append("string must have length >= 1")
    return result

