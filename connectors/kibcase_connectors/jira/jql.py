"""JQL, Jira's query language: the few queries that sync needs, with every value quoted; pure."""

from __future__ import annotations

_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def quote(value: str) -> str:
    r"""Give ``value`` as a JQL string literal, whatever it holds.

    Quotes and backslashes are escaped with a backslash, characters that do not print as ``\uXXXX``
    (JQL reference, "Reserved characters").

    >>> quote('a" OR project = "B')
    '"a\\" OR project = \\"B"'
    """
    return '"' + "".join(_ESCAPES.get(c) or _plain(c) for c in value) + '"'


def _plain(character: str) -> str:
    if character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def changed(project: str, since: int | None) -> str:
    """Ask for a project's issues updated at ``since`` (epoch ms) or later, oldest change first.

    None asks for all of them. Epoch milliseconds name a moment; Jira reads dates in the time zone of the user's
    profile, by the minute.
    """
    bound = "" if since is None else f" AND updated >= {since:d}"
    return f"project = {quote(project)}{bound} ORDER BY updated ASC, key ASC"


def labelled(project: str, label: str) -> str:
    """Ask for a project's issues that carry ``label``, first created first."""
    return f"project = {quote(project)} AND labels = {quote(label)} ORDER BY key ASC"


def any_of(project: str) -> str:
    """Ask for a project's issues, last created first."""
    return f"project = {quote(project)} ORDER BY key DESC"
