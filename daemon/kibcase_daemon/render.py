"""What people see of audit entries, plans, findings and links: values in, renderables out; pure.

All text of the systems goes through ``plain``: it can neither be markup nor steer the terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

from rich import box
from rich.table import Table
from rich.text import Text

from kibcase_connectors.actions import Create, LinkBack, SetFields
from kibcase_connectors.model import Canonical, Finding
from kibcase_daemon.engine import Preview, Report
from kibcase_daemon.store.api import AuditEntry, Link
from kibcase_daemon.sync.guards import outcome, shown
from kibcase_daemon.sync.types import FieldChange, Planned, Verdict

CELL_LIMIT: Final = 160
"""The most characters of a value that a table shows."""

_STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}
_UNSAFE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def clean(text: str, limit: int = CELL_LIMIT) -> str:
    """Give text on one line, without control characters, cut visibly at ``limit`` characters."""
    # Far more than is shown need not be looked at.
    safe = "".join(" " if unicodedata.category(char) in _UNSAFE else char for char in text[: limit * 8])
    line = " ".join(safe.split())
    return line if len(line) <= limit and len(text) <= limit * 8 else f"{line[: limit - 1]}…"


def plain(text: str, style: str = "", limit: int = CELL_LIMIT) -> Text:
    """Give ``clean`` text as a renderable that is never read as markup."""
    return Text(clean(text, limit), style=style)


def moment(at: float) -> str:
    """Give seconds since the epoch as people read them, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def audit_table(entries: Iterable[AuditEntry], *, times: bool = True) -> Table:
    """Show audit entries in the given order: what changed where, from what to what, and why."""
    table = _table(*(["when"] if times else []), "case / ticket", "written to", "what", "old", "new", "why")
    for entry in entries:
        cells = [plain(entry.case or "-"), plain(entry.side or "-"), plain(entry.field or entry.kind)]
        cells[0].append(" / ").append(plain(entry.ticket or "-"))
        why = f"{entry.why} (by {entry.by})" if entry.by else entry.why
        if entry.kind == "conflict":
            cells[2].append(" (lost)")
        first = [plain(moment(entry.at))] if times else []
        table.add_row(*first, *cells, plain(entry.old), plain(entry.new), plain(why))
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a cycle would do, or that waits for a person.

    ``side`` is the side that would be written ("" if none), ``what`` the field, ``comment`` or ``create``;
    ``verdict`` as in ``sync.types.Verdict``, or ``note`` for a link about which nothing can be done now.
    """

    side: str
    what: str
    old: str
    new: str
    why: str
    by: str
    verdict: str


def steps(preview: Preview) -> list[Step]:
    """Give what a cycle would do about one link, in the order in which it would be done; the held ones last."""
    done = [step for planned in (*preview.plan.actions, *preview.plan.afterwards) for step in _planned(planned)]
    held = [_field(change, "", {}) for change in preview.plan.held]
    if preview.note:
        held.append(Step(side="", what="link", old="", new="", why=preview.note, by="", verdict="note"))
    return [*done, *held]


def _planned(planned: Planned) -> list[Step]:
    side = planned.side.value
    if isinstance(planned.action, Create):
        why = f"{planned.action.origin_label} has no {side} yet"
        made = Step(side=side, what="create", old="", new=f"new {side}", why=why, by="", verdict="carry")
        return [made, *(_field(change, side, planned.action.fields) for change in planned.changes)]
    if isinstance(planned.action, LinkBack):
        why = f"people find the {planned.side.other} from here"
        return [Step(side=side, what="link", old="", new=planned.action.url, why=why, by="", verdict="carry")]
    if planned.comment is not None:
        comment = planned.comment
        verb = "new comment" if comment.mirror is None else "edited comment"
        why = f"{verb} on the {planned.side.other}"
        return [
            Step(
                side=side, what="comment", old=comment.lost or "", new=comment.body, why=why, by=comment.author,
                verdict="carry" if comment.lost is None else "conflict",
            )
        ]
    if planned.file is not None:
        file, why = planned.file.file, f"new file on the {planned.side.other}"
        return [Step(side=side, what="file", old="", new=file.name, why=why, by=file.author, verdict="carry")]
    written = planned.action.fields if isinstance(planned.action, SetFields) else {}
    return [_field(change, side, written) for change in planned.changes]


def _field(change: FieldChange, side: str, written: Mapping[str, Canonical]) -> Step:
    """Give the step of one change; ``written`` are the texts as they go out, in what they are wrapped in."""
    value = replace(change, value=written[change.field]) if change.field in written else change
    new = "" if change.verdict is Verdict.HELD else outcome(value)
    return Step(
        side=side, what=change.field, old=shown(change.old), new=new, why=change.why, by=change.by,
        verdict=change.verdict.value,
    )


def plan_table(previews: Sequence[Preview]) -> Table:
    """Show per link what would be done and why."""
    table = _table("case / ticket", "would write", "what", "old", "new", "why")
    for preview in previews:
        label = plain(preview.link.labels.case or "-").append(" / ").append(plain(preview.link.labels.ticket or "-"))
        for number, step in enumerate(steps(preview)):
            why = f"{step.why} (by {step.by})" if step.by else step.why
            target = plain(step.side) if step.side else plain("nothing", "yellow")
            name = label if number == 0 else Text()
            table.add_row(name, target, plain(step.what), plain(step.old), plain(step.new), plain(why))
    return table


def findings_table(title: str, findings: Iterable[Finding]) -> Table:
    """Show what a connector found out about its set-up."""
    table = _table("", "what", "found", title=title)
    for finding in findings:
        level = plain(finding.level, _STYLES[finding.level])
        table.add_row(level, plain(finding.subject), plain(finding.text, limit=600))
    return table


def links_table(links: Iterable[Link], now: float) -> Table:
    """Show links that are waiting, parked or gone, with the reason and the time of the next attempt."""
    table = _table("link", "case / ticket", "state", "attempts", "next attempt", "reason")
    for link in links:
        label = plain(link.labels.case or "-").append(" / ").append(plain(link.labels.ticket or "-"))
        state = plain(link.state.value, "bold red" if link.state.value == "parked" else "yellow")
        again = "-" if link.retry_at is None else "now" if link.retry_at <= now else moment(link.retry_at)
        table.add_row(plain(link.id), label, state, str(link.attempts), again, plain(link.reason, limit=600))
    return table


def summary(report: Report) -> Text:
    """Give one line about one cycle of one rule."""
    changes = sum(entry.kind != "state" for entry in report.applied)
    parts = [f"{changes} change{'' if changes == 1 else 's'} written"]
    for state in ("waiting", "parked"):
        number = sum(link.state.value == state for link in report.troubled)
        parts += [f"{number} {state}"] if number else []
    parts += [f"{len(report.gone)} gone"] if report.gone else []
    style: Literal["green", "red"] = "green" if report.in_step else "red"
    end = "in step" if report.in_step else "not in step"
    return Text.assemble(plain(report.rule, "bold"), f": {', '.join(parts)}; ", (end, style))


def counts_line(counts: Mapping[str, int]) -> str:
    """Give how many links stand where: ``3 active, 1 parked``."""
    return ", ".join(f"{number} {state}" for state, number in counts.items() if number) or "no links"


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(
        title=None if title is None else plain(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False,
        title_style="bold",
    )
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
