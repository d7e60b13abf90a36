"""What the demo shows: numbered steps with the time so far, tables of deeds, changes and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kibcase_connectors.model import SETS
from kibcase_daemon.demo.views import Pair, Row, compare
from kibcase_daemon.render import clean, plain
from kibcase_daemon.store.api import AuditEntry

_INDENT: Final = 2
_SENTENCE: Final = 500
_STYLES: Final = {"create": "green", "conflict": "bold yellow", "state": "red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that a person did: who, where (what people call the thing), what."""

    who: str
    where: str
    what: str


class Screen:
    """Shows the demo on a terminal or in a file; ``clock`` gives seconds, ``steps`` is how many there will be.

    Text that people wrote is never read as markup, and control characters in it are taken out.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float], steps: int) -> None:
        self._console = console
        self._clock = clock
        self._began = clock()
        self._steps = steps
        self._step = 0

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._step += 1
        head = Text(f"\n[{self._step}/{self._steps}] ", style="bold cyan")
        head.append(title, style="bold")
        head.append(f"  ({self.elapsed:.1f} s)", style="dim")
        self._console.print(head)

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return self._clock() - self._began

    def say(self, text: str, *, style: str = "") -> None:
        """Print one sentence, or several."""
        self._console.print(Padding(plain(text, style, _SENTENCE), (0, 0, 0, _INDENT), expand=False))

    def verdict(self, text: str, *, good: bool) -> None:
        """Print the result."""
        self._console.print(Text("\n").append(plain(text, "bold green" if good else "bold red", _SENTENCE)))

    def command(self, line: str) -> None:
        """Print a command that people may copy: on one line, however long."""
        self._console.print(Text(line), soft_wrap=True)

    def rows(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a plain table."""
        table = _table(*columns)
        for row in rows:
            table.add_row(*(plain(cell) for cell in row))
        self._show(table)

    def deeds(self, deeds: Iterable[Deed]) -> None:
        """Print what people did."""
        self.rows(("Who", "Where", "What"), [(deed.who, deed.where, deed.what) for deed in deeds])

    def changes(self, entries: Sequence[AuditEntry], *, case_system: str, ticket_system: str) -> None:
        """Print what was changed where, and why, from the audit."""
        if not entries:
            self.say("Nothing had to be changed.")
            return
        table = _table("Written to", "What", "Change", "Why")
        for pair in by_pair(entries):
            for entry in pair:
                cells = cells_of(entry, case_system=case_system, ticket_system=ticket_system)
                table.add_row(*(plain(cell) for cell in cells), style=_STYLES.get(entry.kind, ""))
            table.add_section()
        self._show(table)

    def comparison(self, pairs: Iterable[Pair]) -> None:
        """Print both sides of every pair next to each other."""
        table = _table("", "Kibana", "Jira", "Same?")
        for pair in pairs:
            table.add_row("", *(plain(view.label, "bold") for view in (pair.case, pair.ticket)), "")
            for row in compare(pair):
                table.add_row(*_compared(row))
            table.add_section()
        self._show(table)

    def _show(self, table: Table) -> None:
        self._console.print(Padding(table, (0, 0, 0, _INDENT), expand=False))


def by_pair(entries: Sequence[AuditEntry]) -> list[list[AuditEntry]]:
    """Put together what belongs to one case and its ticket, by the case's name; the order within stays."""
    groups: dict[str, list[AuditEntry]] = {}
    for entry in entries:
        groups.setdefault(entry.link, []).append(entry)
    return sorted(groups.values(), key=lambda group: group[-1].case)


def cells_of(entry: AuditEntry, *, case_system: str, ticket_system: str) -> tuple[str, str, str, str]:
    """Give the four cells that explain one line of the audit: where, what, the change, why."""
    case, ticket = f"{case_system} {entry.case}", f"{ticket_system} {entry.ticket or entry.new}"
    where = {"case": case, "ticket": ticket}.get(entry.side, f"{entry.case} / {entry.ticket}")
    by = f", by {entry.by}" if entry.by else ""
    match entry.kind:
        case "create":
            return where, "new ticket" if entry.side == "ticket" else "new case", entry.new, entry.why
        case "link":
            return where, "link", f"to {entry.case if entry.side == 'ticket' else entry.ticket}", entry.why
        case "comment":
            return where, "comment", said(entry.new, entry.by), entry.why
        case "conflict":
            return "the audit", f"{entry.field}, lost", f"kept: {entry.old}", "what was overwritten stays readable"
        case "field" if entry.field in SETS:
            return where, entry.field, entry.new, entry.why + by
        case _:
            return where, entry.field or "link", f"{entry.old or '(empty)'} -> {entry.new or '(empty)'}", entry.why + by


def said(body: str, by: str) -> str:
    """Give a mirrored comment in short: its author and its text, without the line that names the origin."""
    _, _, text = body.partition("\n\n")
    return f"{by}: {text or body}"


def _compared(row: Row) -> tuple[Text, ...]:
    verdict = Text("yes", style="green") if not row.problem else Text(f"NO: {clean(row.problem)}", style="bold red")
    return Text(f"  {row.field}", style="dim"), plain(row.case), plain(row.ticket), verdict


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
