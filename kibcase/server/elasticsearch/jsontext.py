"""JSON as it comes in: numbers and depth within bounds, errors in Elasticsearch's words."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from kibcase.server.elasticsearch.errors import ElasticsearchError

MAX_DEPTH = 100


def decode(text: bytes) -> Any:
    """Decode JSON; raises ``ElasticsearchError`` for text that is not JSON, or nested more than 100 deep."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ElasticsearchError(400, "x_content_parse_exception", f"[1:1] {str(error)[:200]}") from error
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH and _too_deep(value):
        raise ElasticsearchError(400, "x_content_parse_exception", f"[1:1] nested more than {MAX_DEPTH} deep")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"Non-standard token '{name}'")


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child for each in level if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each) if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
