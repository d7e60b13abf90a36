"""What the ``kibcase cases`` commands take from their arguments and from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator

import click

STDIN_LIMIT = 10 * 1024 * 1024
"""The most bytes of text that are taken from standard input."""


def text_of(given: str) -> str:
    """Give the text itself, or what standard input holds if it is ``-``; raises ``click.UsageError`` if too long."""
    if given != "-":
        return given
    content = sys.stdin.buffer.read(STDIN_LIMIT + 1)
    if len(content) > STDIN_LIMIT:
        raise click.UsageError(f"more than {STDIN_LIMIT} bytes on standard input")
    return content.decode("utf-8", "replace").strip("\n")


def names(given: Iterable[str]) -> list[str]:
    """Give the ids, each once; ``-`` stands for those on standard input."""
    found = [each for name in given for each in (_listed(text_of("-")) if name == "-" else (name,))]
    return list(dict.fromkeys(found))


def _listed(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("{"):
            yield _identifier(line, number)
        elif line.strip():
            yield line.strip()


def _identifier(line: str, number: int) -> str:
    # One line of `kibcase cases list --json`.
    try:
        found = json.loads(line).get("id")
    except ValueError:
        found = None
    if not isinstance(found, str) or not found:
        raise click.UsageError(f"line {number} of standard input is neither an id nor a case as JSON")
    return found
