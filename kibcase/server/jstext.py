"""Texts as JavaScript sees them, which is what Kibana's limits are made of; pure."""

from __future__ import annotations

import math
import re
from typing import Final

# ECMAScript's WhiteSpace and LineTerminator: str.strip() has other ideas of both.
_BLANKS: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX: Final = re.compile(r"0(?:[xX](?P<x>[0-9a-fA-F]+)|[oO](?P<o>[0-7]+)|[bB](?P<b>[01]+))")
_BASES: Final = {"x": 16, "o": 8, "b": 2}


def trim(text: str) -> str:
    """Give the text as ``String.prototype.trim`` does."""
    return text.strip(_BLANKS)


def js_number(text: str) -> float | None:
    """Give what ``Number(text)`` gives, None where that is not a number."""
    bare = trim(text)
    if _DECIMAL.fullmatch(bare) or not bare:
        return float(bare or 0)
    if bare.lstrip("+-") == "Infinity" and len(bare) <= len("+Infinity"):
        return -math.inf if bare.startswith("-") else math.inf
    found = _RADIX.fullmatch(bare)
    if found is None or found.lastgroup is None:
        return None
    return as_double(int(found[found.lastgroup], _BASES[found.lastgroup]))


def as_double(value: float) -> float:
    """Give a number as a double: infinity where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def length(text: str) -> int:
    """Give the number of UTF-16 units, as ``String.prototype.length`` does."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)
