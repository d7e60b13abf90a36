"""Encoded queries, ServiceNow's query language: the few that sync needs, with every value quoted; pure."""

from __future__ import annotations

from collections.abc import Iterable


def value(text: str) -> str:
    """Give ``text`` as a value of a condition.

    A caret separates conditions and is doubled. A value that begins with ``javascript:`` would be run by
    the instance, and one with a line end or a comma could become several: both raise ``ValueError``.
    """
    if text.lstrip().casefold().startswith("javascript:"):
        raise ValueError("a value that begins with javascript: is run by ServiceNow and is never sent")
    if not text.isprintable():
        raise ValueError("a value must be printable text on one line")
    return text.replace("^", "^^")


def equal(column: str, text: str) -> str:
    """Ask for rows whose ``column`` is ``text``."""
    return f"{column}={value(text)}"


def any_of(column: str, texts: Iterable[str]) -> str:
    """Ask for rows whose ``column`` is one of ``texts``. Raises ``ValueError`` for one with a comma."""
    listed = list(texts)
    if any("," in text for text in listed):
        raise ValueError("a value in a list must not hold a comma")
    return f"{column}IN{','.join(map(value, listed))}"


def listable(texts: Iterable[str]) -> list[str]:
    """Give those of ``texts`` that ``any_of`` can ask for."""
    found = []
    for text in texts:
        try:
            any_of("x", (text,))
        except ValueError:
            continue
        found.append(text)
    return found


def both(*conditions: str) -> str:
    """Ask for rows that meet all conditions; empty ones ask for nothing."""
    return "^".join(condition for condition in conditions if condition)


def since(base: str, column: str, stamp: str | None, *, after: bool) -> str:
    """Ask for the rows of ``base`` at ``stamp`` (UTC) or later, oldest first; ``after``: later only."""
    bound = "" if stamp is None else f"{column}{'>' if after else '>='}{stamp}"
    return both(base, bound, f"ORDERBY{column}", "ORDERBYsys_id")


def within(base: str, column: str, stamp: str, sys_id: str, *, after: bool) -> str:
    """Ask for the rows of ``base`` in the second ``stamp`` from ``sys_id`` on; ``after``: behind it."""
    # Not "=": for times some releases take that for the whole day.
    second = both(f"{column}>={stamp}", f"{column}<={stamp}")
    return both(base, second, f"sys_id{'>' if after else '>='}{value(sys_id)}", "ORDERBYsys_id")
