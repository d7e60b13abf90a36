"""The part of Mustache that case webhooks use: variables, unescaped; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\{\{\{\s*([\w.]+)\s*\}\}\}|\{\{&?\s*([\w.]+)\s*\}\}")


def render(template: str, values: Mapping[str, Any]) -> str:
    """Put values in the place of ``{{{a.b}}}``, ``{{a.b}}`` and ``{{&a.b}}``; an unknown name gives nothing."""
    return _VARIABLE.sub(lambda found: _looked_up(found[1] or found[2], values), template)


def _looked_up(path: str, values: Any) -> str:
    for name in path.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return "" if values is None else str(values)
