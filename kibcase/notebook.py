"""Tables for notebooks: what ``_repr_html_`` gives. Pure, and everything in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

_CELL = 200
_ROWS = 100


def facts_table(facts: Mapping[str, object]) -> str:
    """Give names and values, one pair per row."""
    return _table(f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in facts.items())


def rows_table(names: Sequence[str], rows: Sequence[Sequence[object]], total: int) -> str:
    """Give at most 100 rows under their names, and how many of ``total`` they are."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = ["".join(f"<td>{_cell(value)}</td>" for value in row) for row in rows[:_ROWS]]
    table = _table(f"<tr>{line}</tr>" for line in [head, *body])
    return f"{table}<p>{len(body)} of {total}</p>"


def _table(lines: Iterable[str]) -> str:
    return f"<table>{''.join(lines)}</table>"


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= _CELL else f"{text[: _CELL - 1]}…")
