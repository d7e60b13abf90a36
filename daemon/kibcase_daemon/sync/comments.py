"""Comments: which originals still need a mirror, which mirrors must follow an edit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

from kibcase_connectors.model import Comment, Side, Snapshot, comment_mark, origin_of
from kibcase_daemon.sync.types import Base, Both, CommentChange, CommentPair, Direction

Sides: TypeAlias = Both[Snapshot]
"""The two sides of a link as they were read."""

UNKNOWN_DIGEST = ""
"""Stands for the text of an original when its mirror was written, if nobody can tell any more."""


def pair_up(base: Base, now: Sides) -> Base:
    """Add the pairs that the marks tell of and the base does not know.

    That is how a mirror is recognised whose writing was cut short, or whose link was lost with the store.
    """
    known = {(pair.origin, pair.key) for pair in base.comments}
    for side in Side:
        originals = {comment.key: comment for comment in now.of(side.other).comments}
        for mirror in now.of(side).comments:
            key = origin_of(mirror.mark, now.of(side.other)) if mirror.mark else None
            if key is None or (side.other, key) in known:
                continue
            known.add((side.other, key))
            base = base.with_pair(_found(side.other, key, originals.get(key), mirror, now))
    return base


def _found(origin: Side, key: str, original: Comment | None, mirror: Comment, now: Sides) -> CommentPair:
    in_step = original is not None and same_words(render(original, now.of(origin)), mirror.body)
    return CommentPair(
        origin=origin, key=key, mirror=mirror.key, mirror_digest=mirror.digest,
        digest=original.digest if original is not None and in_step else UNKNOWN_DIGEST,
    )


def same_words(one: str, other: str) -> bool:
    """Tell whether two texts differ in white space at the most."""
    return one.split() == other.split()


def plan_comments(
    base: Base, now: Sides, *, direction: Direction, editable: Both[bool]
) -> tuple[CommentChange, ...]:
    """List the mirrors to write and to edit, oldest original first. ``base`` must have been paired up.

    A comment that carries a mark is a mirror and is never copied. A mirror that a person has deleted is
    not written again; an original that is gone leaves its mirror alone.
    """
    changes: list[tuple[datetime, CommentChange]] = []
    pairs = {(pair.origin, pair.key): pair for pair in base.comments}
    for origin in Side:
        if not direction.carries(origin.other):
            continue
        mirrors = {comment.key: comment for comment in now.of(origin.other).comments}
        for comment in now.of(origin).comments:
            if comment.mark is not None:
                continue
            pair = pairs.get((origin, comment.key))
            mirror = mirrors.get(pair.mirror) if pair else None
            if pair and (mirror is None or pair.digest == comment.digest or not editable.of(origin.other)):
                continue
            changes.append((comment.created, _change(comment, now.of(origin), origin.other, pair, mirror)))
    return tuple(change for _, change in sorted(changes, key=lambda item: item[0]))


def _change(
    comment: Comment, origin: Snapshot, to: Side, pair: CommentPair | None, mirror: Comment | None
) -> CommentChange:
    # Where nobody knows what the mirror was, it may hold a person's words.
    edited = pair is not None and mirror is not None and (
        mirror.digest != pair.mirror_digest or pair.digest == UNKNOWN_DIGEST
    )
    return CommentChange(
        to=to, key=comment.key, digest=comment.digest, author=comment.author, body=render(comment, origin),
        mirror=mirror.key if mirror else None, lost=mirror.body if mirror and edited else None,
    )


def render(comment: Comment, origin: Snapshot) -> str:
    """Give the Markdown of a mirror: who wrote the original, where and when, then its text."""
    when = comment.created.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    edited = f", edited {comment.updated.astimezone(UTC).strftime('%Y-%m-%d %H:%M UTC')}" if comment.updated else ""
    author = " ".join(comment.author.split()) or "Somebody"
    return f"**{plain(author)}** in {plain(origin.label)}, {when}{edited}:\n\n{comment.body}"


def plain(text: str) -> str:
    """Give Markdown that shows a name as it is: names are people's choice and must not become markup."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]<>#+-!|~" else char for char in text)


def mark_for(change: CommentChange, now: Sides) -> str:
    """Give the mark of the mirror that ``change`` writes."""
    origin = now.of(change.to.other)
    original = next(comment for comment in origin.comments if comment.key == change.key)
    return comment_mark(origin, original)
