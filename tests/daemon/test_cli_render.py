"""What people see: text of others stays text."""

from __future__ import annotations

import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from kibcase_connectors.actions import AddComment, Create, EditComment, LinkBack, SetFields
from kibcase_connectors.model import Finding, Side
from kibcase_daemon.engine import Preview, Report
from kibcase_daemon.render import (
    audit_table,
    clean,
    counts_line,
    findings_table,
    links_table,
    moment,
    plan_table,
    steps,
    summary,
)
from kibcase_daemon.store.api import AuditEntry, Link, LinkState
from kibcase_daemon.sync.types import Base, Both, CommentChange, FieldChange, Plan, Planned, Verdict

ENTRY = AuditEntry(
    at=0.0, rule="r", link="l", case="case 1", ticket="SOC-1", side="ticket", kind="field", field="title", old="a",
    new="b", why="changed on the case", by="Mara",
)
LINK = Link(id="l", rule="r", keys=Both(case="1", ticket="2"), labels=Both(case="case 1", ticket="SOC-1"))


def seen(renderable: RenderableType, width: int = 200) -> str:
    """Show on a colour terminal and take its own styles out again."""
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system=None, legacy_windows=False).print(renderable)
    return out.getvalue()


@given(st.text())
def test_clean_text_is_one_printable_line(text: str) -> None:
    line = clean(text, 50)
    assert len(line) <= 50
    assert line.splitlines() in ([], [line])
    assert not {"\x1b", "\x9b", "\r", "\u202e", "\u2066", "\u200b"} & set(line)


def test_long_text_is_cut_visibly() -> None:
    assert clean("x" * 10, 10) == "x" * 10
    assert clean("x" * 11, 10) == "x" * 9 + "…"
    assert clean(" " * 500 + "x", 10).endswith("…")


MARKUP = ("[red]", "[/]", "[link=http://x]", ":smile:", "\\[", "[/bold]", "[[", "http://x")


@given(st.sampled_from(MARKUP), st.text(max_size=9))
def test_markup_of_others_is_shown_as_it_is(markup: str, text: str) -> None:
    entry = replace(ENTRY, new=f"{markup}{text}")
    assert markup in seen(audit_table([entry]))
    finding = Finding(level="note", subject=markup, text=text)
    assert markup in seen(findings_table(markup, [finding]))
    link = replace(LINK, reason=markup, labels=Both(case=markup, ticket=text), state=LinkState.PARKED)
    assert markup in seen(links_table([link], 0.0))
    assert markup in seen(summary(Report(rule=markup)))


def test_audit() -> None:
    text = seen(audit_table([ENTRY, replace(ENTRY, kind="conflict")]))
    assert "1970-01-01 00:00:00 UTC" in text
    assert "changed on the case (by Mara)" in text
    assert "title (lost)" in text
    assert "UTC" not in seen(audit_table([ENTRY], times=False))


def test_every_kind_of_planned_action_is_told() -> None:
    change = FieldChange(
        field="tags", verdict=Verdict.CARRY, why="changed on the case", to=Side.TICKET, value=("x",), add=("x",),
        by="Mara",
    )
    held = FieldChange(field="status", verdict=Verdict.HELD, why="nobody knows", old="Odd")
    fresh = CommentChange(to=Side.CASE, key="1", digest="d", author="Dana", body="Hello")
    edited = replace(fresh, mirror="9", lost="Mine")
    made = Planned(
        id="1", side=Side.TICKET, action=Create(mark="m", fields={}, origin_label="case 1"), changes=(change,)
    )
    back = LinkBack(key="1", mark="m", label="case 1", url="http://k/1")
    actions = (
        made,
        Planned(id="2", side=Side.TICKET, action=back),
        Planned(id="3", side=Side.TICKET, action=SetFields(key="1", version="1"), changes=(change,)),
        Planned(id="4", side=Side.CASE, action=AddComment(key="1", mark="m", body="Hello"), comment=fresh),
        Planned(id="5", side=Side.CASE, action=EditComment(key="1", comment="9", mark="m", body="x"), comment=edited),
    )
    preview = Preview(link=LINK, plan=Plan(base=Base(), actions=actions, changes=(change, held)), note="a note")
    told = [(step.side, step.what, step.old, step.new, step.verdict) for step in steps(preview)]
    assert told == [
        ("ticket", "create", "", "new ticket", "carry"), ("ticket", "tags", "", "+x", "carry"),
        ("ticket", "link", "", "http://k/1", "carry"), ("ticket", "tags", "", "+x", "carry"),
        ("case", "comment", "", "Hello", "carry"), ("case", "comment", "Mine", "Hello", "conflict"),
        ("", "status", "Odd", "", "held"), ("", "link", "", "", "note"),
    ]
    text = seen(plan_table([preview]))
    assert text.count("case 1 / SOC-1") == 1
    assert "nobody knows" in text


def test_links_and_summaries() -> None:
    waiting = replace(LINK, state=LinkState.WAITING, retry_at=5.0, reason="down")
    text = seen(links_table([waiting, replace(waiting, retry_at=None)], 10.0))
    assert " now " in text
    assert moment(5.0) in seen(links_table([waiting], 1.0))
    report = Report(rule="r", applied=(ENTRY, replace(ENTRY, kind="state")), troubled=(waiting,))
    assert seen(summary(report)).strip() == "r: 1 change written, 1 waiting; not in step"
    assert seen(summary(Report(rule="r"))).strip() == "r: 0 changes written; in step"
    assert counts_line({"active": 2, "parked": 0}) == "2 active"
    assert counts_line({}) == "no links"
