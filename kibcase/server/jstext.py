"""Texts as JavaScript sees them, which is what Kibana's limits are made of; pure."""

from __future__ import annotations

from typing import Final

# ECMAScript's WhiteSpace and LineTerminator: str.strip() has other ideas of both.
_BLANKS: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def trim(text: str) -> str:
    """Give the text as ``String.prototype.trim`` does."""
    return text.strip(_BLANKS)


def length(text: str) -> int:
    """Give the number of UTF-16 units, as ``String.prototype.length`` does."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)
