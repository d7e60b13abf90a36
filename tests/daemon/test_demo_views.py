from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_daemon.demo.screen import by_pair, cells_of
from kibcase_daemon.demo.story import unfinished
from kibcase_daemon.demo.views import Pair, View, compare, tag_meanings, unmatched, words
from kibcase_daemon.store.api import AuditEntry

VIEW = View(
    label="case 1", title="T", status="closed", severity="high", tags=frozenset({"dns"}), description=("a", "b"),
    comments=(("mara", "in", "case", "hello"),),
    shown=MappingProxyType(dict.fromkeys(("title", "description", "status", "severity", "tags", "comments"), "x")),
)
PAIR = Pair(case=VIEW, ticket=replace(VIEW, label="SOC-1", comments=(("hello",),)), alerts={"closed": 2})
COMMENTS = st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple), max_size=5).map(tuple)


def problems(pair: Pair) -> dict[str, str]:
    return {row.field: row.problem for row in compare(pair) if row.problem}


def test_two_equal_sides_have_no_problem() -> None:
    assert problems(PAIR) == {}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("title", {"title": "t"}),
        ("description", {"description": ("a",)}),
        ("status", {"status": "open"}),
        ("severity", {"severity": "low"}),
        ("tags", {"tags": frozenset({"dns", "c2"})}),
        ("comments", {"comments": ()}),
        ("comments", {"comments": (("goodbye",),)}),
        ("comments", {"comments": (("hello",), ("hello",))}),
    ],
)
def test_every_difference_is_named(field: str, change: dict[str, Any]) -> None:
    assert set(problems(replace(PAIR, ticket=replace(PAIR.ticket, **change)))) == {field}


@pytest.mark.parametrize("alerts", [{}, {"open": 2}, {"closed": 1, "acknowledged": 1}])
def test_alerts_must_all_have_the_status_that_goes_with_the_case(alerts: dict[str, int]) -> None:
    assert set(problems(replace(PAIR, alerts=alerts))) == {"alerts"}


@pytest.mark.parametrize(
    ("markdown", "wiki"),
    [
        ("Isolated **FIN-LT-014**.", "Isolated *FIN-LT-014*."),
        ("tag `LT-014`", "tag {{LT-014}}"),
        ("| A | B |\n| --- | --- |\n| 1 | 2 |", "||A||B||\n|1|2|"),
        ("x\n\n```\nrundll32.exe a, b\n```", "x\n\n{noformat}\nrundll32.exe a, b\n{noformat}"),
        ("```powershell\nls\n```", "{code:powershell}\nls\n{code}"),
        ("## Next\n- a\n- b", "h2. Next\n* a\n* b"),
        ("seen\n\n[//]: # (kibcase-jira-1#2)", "seen"),
    ],
)
def test_markup_is_not_words(markdown: str, wiki: str) -> None:
    assert words(markdown) == words(wiki) != ()


def test_labels_hold_no_blanks_and_marks_do_not_count() -> None:
    assert tag_meanings(["sign in", "dns"]) == tag_meanings(["dns", "sign-in", "kibcase-kibana-1"])


@given(COMMENTS, st.randoms(use_true_random=False))
def test_mirrors_in_any_order_match_one_to_one(comments: tuple[tuple[str, ...], ...], random: Any) -> None:
    mirrors = [("mara", "wrote", *comment) for comment in comments]
    random.shuffle(mirrors)
    assert unmatched(comments, tuple(mirrors)) == ""


@given(COMMENTS.filter(bool))
def test_a_comment_that_is_missing_or_altered_is_found(comments: tuple[tuple[str, ...], ...]) -> None:
    assert unmatched(comments, comments[1:])
    assert unmatched(comments, (("z", "z", "z", "z", "z"), *comments[1:]))


def test_agreement_alone_is_not_enough() -> None:
    assert unfinished([]) != []
    assert any("should be closed" in problem for problem in unfinished([PAIR]))


def entry(**given: str) -> AuditEntry:
    base = {
        "rule": "r", "link": "l", "case": "case 1", "ticket": "SOC-1", "side": "case", "kind": "field",
        "field": "title", "old": "a", "new": "b", "why": "changed on the ticket", "by": "",
    }
    return AuditEntry(at=0.0, **{**base, **given})


@pytest.mark.parametrize(
    ("given_entry", "cells"),
    [
        (entry(by="Dana"), ("Kibana case 1", "title", "a -> b", "changed on the ticket, by Dana")),
        (entry(side="ticket", old=""), ("Jira SOC-1", "title", "(empty) -> b", "changed on the ticket")),
        (entry(field="tags", new="+c2"), ("Kibana case 1", "tags", "+c2", "changed on the ticket")),
        (entry(kind="create", side="ticket", field="", new="SOC-1", ticket="", why="w"),
         ("Jira SOC-1", "new ticket", "SOC-1", "w")),
        (entry(kind="link", side="ticket", field="", why="w"), ("Jira SOC-1", "link", "to case 1", "w")),
        (entry(kind="comment", field="comment", new="**Dana** in SOC-1:\n\nHello", by="Dana", why="w"),
         ("Kibana case 1", "comment", "Dana: Hello", "w")),
        (entry(kind="conflict"), ("the audit", "title, lost", "kept: a", "what was overwritten stays readable")),
        (entry(kind="state", side="", field="", old="", new="parked", why="parked: no such field"),
         ("case 1 / SOC-1", "link", "(empty) -> parked", "parked: no such field")),
    ],
)
def test_an_audit_entry_is_explained_in_four_cells(given_entry: AuditEntry, cells: tuple[str, ...]) -> None:
    assert cells_of(given_entry, case_system="Kibana", ticket_system="Jira") == cells


def test_changes_of_one_pair_stand_together_in_their_order() -> None:
    second, third = (entry(link="b", case="case 2", field=field) for field in ("title", "status"))
    first = entry(link="a")
    assert by_pair([second, first, third]) == [[first], [second, third]]
