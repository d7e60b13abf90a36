"""Comments: mirrored once, never back, following edits; and names of people are never markup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kibcase_connectors.model import Comment, Side, Snapshot, comment_mark
from kibcase_daemon.sync.comments import UNKNOWN_DIGEST, Sides, mark_for, pair_up, plan_comments, render
from kibcase_daemon.sync.types import Base, Both, CommentChange, CommentPair, Direction

if TYPE_CHECKING:
    from tests.daemon.sync.conftest import MakeComment, MakeSnapshot

EDITABLE = Both(case=True, ticket=True)


def plan(
    base: Base, now: Sides, *, direction: Direction = Direction.BOTH, editable: Both[bool] = EDITABLE
) -> tuple[CommentChange, ...]:
    return plan_comments(pair_up(base, now), now, direction=direction, editable=editable)


def mirrored(now: Sides, change: CommentChange, comment: Callable[..., Comment]) -> tuple[Base, Sides]:
    """Write one mirror, as a system does that stores what it is told."""
    side = change.to
    key = change.mirror or f"m-{change.key}"
    mirror = comment(key, change.body, minute=500, author="kibcase", mark=mark_for(change, now))
    rest = tuple(one for one in now.of(side).comments if one.key != key)
    origin = next(one for one in now.of(side.other).comments if one.key == change.key)
    pair = CommentPair(
        origin=side.other, key=change.key, mirror=key, digest=origin.digest, mirror_digest=mirror.digest
    )
    return Base(comments=(pair,)), now.put(side, _with(now.of(side), (*rest, mirror)))


def _with(one: Snapshot, comments: tuple[Comment, ...]) -> Snapshot:
    from dataclasses import replace

    return replace(one, comments=comments)


def test_a_comment_is_mirrored_once(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    now = Both(case=snapshot("case-1", comment("c1")), ticket=snapshot("ticket-1"))
    (change,) = plan(Base(), now)
    assert (change.to, change.key, change.author, change.mirror) == (Side.TICKET, "c1", "Ada", None)
    base, now = mirrored(now, change, comment)
    assert plan(base, now) == ()


def test_a_mirror_is_never_mirrored_back(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    """Not even one of a comment that nobody knows any more."""
    stray = comment("t9", mark="kibcase-case-1#deleted")
    foreign = comment("t10", mark="kibcase-somewhere-else#4")
    now = Both(case=snapshot("case-1"), ticket=snapshot("ticket-1", stray, foreign))
    assert plan(Base(), now) == ()


def test_mirrors_are_written_oldest_first_whichever_side_they_come_from(
    comment: MakeComment, snapshot: MakeSnapshot
) -> None:
    case = snapshot("case-1", comment("c1", minute=1), comment("c3", minute=3))
    ticket = snapshot("ticket-1", comment("t2", minute=2))
    assert [change.key for change in plan(Base(), Both(case=case, ticket=ticket))] == ["c1", "t2", "c3"]


@pytest.mark.parametrize(
    ("direction", "written"),
    [
        (Direction.BOTH, {"c1", "t1"}), (Direction.TO_TICKET, {"c1"}), (Direction.TO_CASE, {"t1"}),
        (Direction.OFF, set()),
    ],
)  # fmt: skip
def test_the_direction_says_whose_comments_are_carried(
    direction: Direction, written: set[str], comment: MakeComment, snapshot: MakeSnapshot
) -> None:
    now = Both(case=snapshot("case-1", comment("c1")), ticket=snapshot("ticket-1", comment("t1")))
    assert {change.key for change in plan(Base(), now, direction=direction)} == written


def edited(comment: MakeComment, snapshot: MakeSnapshot, *, mirror: str | None = None) -> tuple[Base, Sides]:
    """Give a comment that was edited after it was mirrored, the mirror being edited too or not."""
    now = Both(case=snapshot("case-1", comment("c1", "before")), ticket=snapshot("ticket-1"))
    base, now = mirrored(now, plan(Base(), now)[0], comment)
    if mirror is not None:
        written = now.ticket.comments[0]
        now = now.put(Side.TICKET, snapshot("ticket-1", comment(written.key, mirror, mark=written.mark)))
    return base, now.put(Side.CASE, snapshot("case-1", comment("c1", "after")))


def test_an_edit_of_the_original_is_carried_to_the_mirror(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    base, now = edited(comment, snapshot)
    (change,) = plan(base, now)
    assert change.mirror == "m-c1"
    assert change.body.endswith("\n\nafter")
    assert change.lost is None
    base, now = mirrored(now, change, comment)
    assert plan(base, now) == ()


def test_what_a_person_wrote_into_the_mirror_is_named_as_lost(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    base, now = edited(comment, snapshot, mirror="a person's words")
    (change,) = plan(base, now)
    assert change.lost == "a person's words"


def test_a_mirror_that_a_person_edited_is_left_alone(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    base, now = edited(comment, snapshot, mirror="a person's words")
    now = now.put(Side.CASE, snapshot("case-1", comment("c1", "before")))
    assert plan(base, now) == ()


def test_a_mirror_that_a_person_deleted_is_not_written_again(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    base, now = edited(comment, snapshot)
    assert plan(base, now.put(Side.TICKET, snapshot("ticket-1"))) == ()


def test_an_original_that_is_gone_leaves_its_mirror(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    base, now = edited(comment, snapshot)
    assert plan(base, now.put(Side.CASE, snapshot("case-1"))) == ()


def test_where_comments_cannot_be_edited_they_are_only_written(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    base, now = edited(comment, snapshot)
    now = now.put(Side.CASE, snapshot("case-1", *now.case.comments, comment("c2")))
    fixed = Both(case=True, ticket=False)
    assert [change.key for change in plan(base, now, editable=fixed)] == ["c2"]


def test_marks_bring_back_the_pairs_that_a_lost_store_knew(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    now = Both(case=snapshot("case-1", comment("c1")), ticket=snapshot("ticket-1"))
    _, now = mirrored(now, plan(Base(), now)[0], comment)
    found = pair_up(Base(), now)
    assert [(pair.origin, pair.key, pair.mirror) for pair in found.comments] == [(Side.CASE, "c1", "m-c1")]
    assert plan(Base(), now) == ()


def test_a_mirror_found_again_that_lags_behind_is_brought_up_to_date(
    comment: MakeComment, snapshot: MakeSnapshot
) -> None:
    _, now = edited(comment, snapshot)
    found = pair_up(Base(), now)
    assert [pair.digest for pair in found.comments] == [UNKNOWN_DIGEST]
    assert [change.mirror for change in plan(Base(), now)] == ["m-c1"]


def test_a_second_mirror_of_one_comment_is_not_a_second_pair(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    mark = comment_mark(snapshot("case-1"), comment("c1"))
    twins = (comment("m1", mark=mark), comment("m2", mark=mark))
    found = pair_up(Base(), Both(case=snapshot("case-1", comment("c1")), ticket=snapshot("ticket-1", *twins)))
    assert [pair.mirror for pair in found.comments] == ["m1"]


@given(
    case=st.lists(st.integers(0, 99), unique=True, max_size=5),
    ticket=st.lists(st.integers(0, 99), unique=True, max_size=5), direction=st.sampled_from(list(Direction)),
)
def test_all_mirrors_written_leave_nothing_to_write(
    case: list[int], ticket: list[int], direction: Direction, comment: MakeComment, snapshot: MakeSnapshot
) -> None:
    """With the store at hand or, from the marks alone, without it."""
    now = Both(
        case=snapshot("case-1", *(comment(f"c{n}", f"text {n}", minute=n) for n in case)),
        ticket=snapshot("ticket-1", *(comment(f"t{n}", f"text {n}", minute=n) for n in ticket)),
    )
    changes = plan(Base(), now, direction=direction)
    carried = [*(case if direction.carries(Side.TICKET) else []), *(ticket if direction.carries(Side.CASE) else [])]
    assert len(changes) == len(carried)
    base = Base()
    for change in changes:
        added, now = mirrored(now, change, comment)
        base = base.with_pair(added.comments[0])
    assert plan(base, now, direction=direction) == ()
    assert plan(Base(), now, direction=direction) == ()


def test_a_mirror_says_who_wrote_where_and_when(comment: MakeComment, snapshot: MakeSnapshot) -> None:
    said = comment("c1", "look here", author="Ada  Lovelace\n")
    updated = comment("c1", "look here", author="Ada", updated=said.created + timedelta(hours=2))
    assert render(said, snapshot("case-1", label="case 7")) == (
        "**Ada Lovelace** in case 7, 2026-01-05 09:00 UTC:\n\nlook here"
    )
    assert ", edited 2026-01-05 11:00 UTC:" in render(updated, snapshot("case-1"))
    assert render(comment("c1", author=" "), snapshot("case-1")).startswith("**Somebody** in ")


@pytest.mark.parametrize(
    "name",
    [
        "[click](http://evil.example)", "**bold**", "![x](http://evil.example/x.png)", "<img src=x onerror=alert(1)>",
        "`code`", "~~gone~~", "<http://evil.example>", "a|b", "# heading", "\\*x\\*", "_it_", "x\n\n# heading",
    ],
)
def test_a_name_is_shown_and_is_never_markup(name: str, comment: MakeComment, snapshot: MakeSnapshot) -> None:
    text = render(comment("c1", "body", author=name), snapshot("case-1", label=name.replace("\n", " ")))
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    blocks = parser.parse(text)
    assert [token.type for token in blocks if token.nesting == 1] == ["paragraph_open", "paragraph_open"]
    head = blocks[1]
    assert {token.type for token in head.children or []} <= {
        "strong_open", "strong_close", "text", "text_special", "softbreak"
    }
    shown = "".join(token.content for token in head.children or [])
    assert shown.startswith(" ".join(name.split()))


@given(name=st.text(max_size=30))
def test_no_name_at_all_makes_markup(name: str, comment: MakeComment, snapshot: MakeSnapshot) -> None:
    text = render(comment("c1", "body", author=name), snapshot("case-1"))
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    head = parser.parse(text)[1]
    kinds = [token.type for token in head.children or []]
    assert kinds.count("strong_open") <= 1
    assert not {"link_open", "image", "code_inline", "html_inline", "em_open", "s_open"} & set(kinds)
