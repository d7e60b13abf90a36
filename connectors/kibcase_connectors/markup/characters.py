"""What counts as a character: illegal ones, word characters, lengths as the remote systems count them."""

from __future__ import annotations

import re

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEWLINES = re.compile("\r\n?")
_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
ENTITY = re.compile(_ENTITY)
BARE_URL = re.compile(
    rf"(?:https?|ftps?)://(?:[-A-Za-z0-9_.~*;/?:@#=%+$,'()]|&(?!{_ENTITY[1:]}))*(?<=[A-Za-z0-9/=#%&$@])"
)


def clean(text: str) -> str:
    r"""Return ``text`` with newlines unified to ``\n`` and without characters that XML 1.0 forbids.

    Jira refuses the whole request when such a character is in it (U+0000-U+0008, U+000B, U+000C,
    U+000E-U+001F, lone surrogates, U+FFFE, U+FFFF), so they are dropped; all others are kept.
    """
    return _ILLEGAL.sub("", _NEWLINES.sub("\n", text))


def is_word(char: str) -> bool:
    r"""Tell whether ``char`` is a letter or a decimal digit, Jira's ``[\p{L}\p{Nd}]``; False for ``""``."""
    return char.isalpha() or char.isdecimal()


def is_blank(char: str) -> bool:
    """Tell whether ``char`` is ASCII white space (what Jira's patterns call white space)."""
    return char in " \t\n"


def units(text: str) -> int:
    """Return the length of ``text`` in UTF-16 code units, as Jira (Java) and Kibana (JavaScript) count.

    An emoji outside the Basic Multilingual Plane counts twice; the result is never below ``len(text)``.
    """
    return len(text) + sum(char > "\uffff" for char in text)


def prefix_of(text: str, limit: int) -> str:
    """Return the longest prefix of ``text`` with at most ``limit`` UTF-16 code units."""
    if len(text) * 2 <= limit:
        return text
    used = 0
    for index, char in enumerate(text):
        used += 2 if char > "\uffff" else 1
        if used > limit:
            return text[:index]
    return text
