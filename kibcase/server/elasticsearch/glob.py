"""Wildcards of index names, field names and queries."""

from __future__ import annotations

_ANY = object()
_ONE = object()


def matches(pattern: str, text: str) -> bool:
    """Tell whether ``text`` is of the form ``pattern``, where ``*`` stands for any run of characters."""
    return _match([_ANY if char == "*" else char for char in pattern], text)


def wildcard(pattern: str, text: str) -> bool:
    """Like ``matches``, with ``?`` for one character and a backslash before a character that is meant itself."""
    return _match(_tokens(pattern), text)


def is_pattern(name: str) -> bool:
    """Tell whether an index expression is more than a plain name."""
    return "*" in name


def _tokens(pattern: str) -> list[object]:
    tokens: list[object] = []
    escaped = False
    for char in pattern:
        if escaped or char not in "*?\\":
            tokens.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            tokens.append(_ANY if char == "*" else _ONE)
    return tokens


# Going back to the last star only keeps the work within len(tokens) * len(text), where a regular expression
# built from a hostile pattern would run for ever.
def _match(tokens: list[object], text: str) -> bool:
    at = here = 0
    star, resume = -1, 0
    while here < len(text):
        token = tokens[at] if at < len(tokens) else None
        if token is _ANY:
            star, resume = at, here
            at += 1
        elif token is not None and (token is _ONE or token == text[here]):
            at += 1
            here += 1
        elif star >= 0:
            resume += 1
            at, here = star + 1, resume
        else:
            return False
    return all(token is _ANY for token in tokens[at:])
