"""How the base moves: after a write that was confirmed, and after one that was cut short."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kibcase_connectors.actions import AddComment, AddFile, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.mapping import FieldMap, UnmappedError
from kibcase_connectors.model import FIELDS, SETS, STATUS, STATUSES, UNSET, Json, Receipt, Side, Snapshot
from kibcase_daemon.sync.comments import UNKNOWN_DIGEST, Sides, same_words
from kibcase_daemon.sync.files import same_file
from kibcase_daemon.sync.merge import same_meaning
from kibcase_daemon.sync.sets import advance_set, elements, identity, spell
from kibcase_daemon.sync.types import (
    NEVER,
    Agreed,
    Base,
    Both,
    CommentPair,
    FieldChange,
    FilePair,
    Maps,
    Planned,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A write that was begun: what the journal keeps of it until its receipt is in.

    ``sources`` are the other side's values it was made from; ``announced`` the values, in the written
    side's own form, that its requests asked to store, step by step; ``sent_at`` seconds since the epoch,
    renewed before every request. ``add`` and ``remove`` are the elements of sets to be written. ``comment``
    and ``digest`` name the original of a mirror, ``body`` is the mirror's text. ``file`` is the name of a
    file to be copied and ``size`` its size.
    """

    id: str
    link: str
    side: Side
    kind: str
    sent_at: float
    attempts: int = 1
    mark: str = ""
    sources: Mapping[str, Json] = field(default_factory=dict)
    announced: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    add: Mapping[str, Sequence[str]] = field(default_factory=dict)
    remove: Mapping[str, Sequence[str]] = field(default_factory=dict)
    comment: str = ""
    digest: str = ""
    body: str = ""
    file: str = ""
    size: int = 0


def advance(base: Base, planned: Planned, receipt: Receipt, maps: Maps) -> Base:
    """Give the base after ``planned`` was carried out: what was stored, and what it was made from."""
    match planned.action:
        case Create():
            return after_creation(planned.sources, planned.action.fields, receipt.stored, planned.side, maps)
        case SetFields() | SetStatus():
            for change in planned.changes:
                agreed = _written(base.agreed(change.field), change, planned, receipt, maps)
                base = base.with_field(change.field, agreed)
            return base
        case LinkBack():
            return replace(base, linked=base.linked | {planned.side})
        case AddComment() | EditComment():
            return base.with_pair(_pair(planned, receipt)) if receipt.comment else base
        case AddFile():
            return _with_copy(base, planned, receipt)


def _with_copy(base: Base, planned: Planned, receipt: Receipt) -> Base:
    if planned.file is None or receipt.file is None:
        return base
    keys = {planned.side.value: receipt.file.key, planned.side.other.value: planned.file.file.key}
    return base.with_file(FilePair(**keys))


def _written(agreed: Agreed, change: FieldChange, planned: Planned, receipt: Receipt, maps: Maps) -> Agreed:
    source = planned.sources[change.field]
    stored = receipt.stored.get(change.field, UNSET)
    if change.field in SETS:
        return advance_set(change.field, agreed, change, planned.side, source, maps, stored=stored)
    return agreed.put(planned.side.other, source).put(planned.side, stored)


def _pair(planned: Planned, receipt: Receipt) -> CommentPair:
    if planned.comment is None or receipt.comment is None:
        raise ValueError(f"{planned.id} is no comment that was written")
    return CommentPair(
        origin=planned.side.other, key=planned.comment.key, digest=planned.comment.digest,
        mirror=receipt.comment.key, mirror_digest=receipt.comment.digest,
    )


def after_creation(
    sources: Mapping[str, Json], sent: Collection[str], stored: Mapping[str, Json], side: Side, maps: Maps
) -> Base:
    """Give the base of a new thing on ``side``, which stored ``stored`` when it was made from ``sources``.

    Fields that were ``sent`` are agreed, and those that mean the same without it. Any other (a new ticket starts
    where its workflow starts) is agreed by the new side alone, so the other side's value is carried over next.
    """
    base = Base()
    for name, value in stored.items():
        source = sources.get(name, UNSET) if name in sent or _alike(name, sources, value, side, maps) else UNSET
        if name in SETS:
            value = [] if source is UNSET else _sent(name, source, maps.of(side.other), maps.of(side))
        if name not in {*sent, *FIELDS, *SETS} and name in sources and _is_empty(name, sources[name], side, maps):
            # An empty further field is not sent: what the new thing has there may be carried back (``first_sight``).
            continue
        base = base.with_field(name, NEVER.put(side, value).put(side.other, source))
    return base


def _alike(name: str, sources: Mapping[str, Json], value: Json, side: Side, maps: Maps) -> bool:
    known = all(name in maps.of(one).codecs for one in Side)
    if name in SETS or name not in sources or not known:
        return False
    both = Both(case=value, ticket=value).put(side.other, sources[name])
    return same_meaning(name, both, maps)


def _is_empty(name: str, source: Json, side: Side, maps: Maps) -> bool:
    try:
        return maps.of(side.other).canonical(name, source) == ""
    except UnmappedError:
        return False


def _sent(name: str, source: Json, reads: FieldMap, writes: FieldMap) -> Json:
    """Give the elements that were sent; any others are the new side's own additions, still to be carried."""
    items = reads.canonical(name, source)
    return list(spell(name, (items,) if isinstance(items, str) else items, writes)[0])


def settle(base: Base, intents: Sequence[Intent], now: Sides, maps: Maps) -> Base:
    """Give the base with what the cut-short writes ``intents`` did, as far as ``now`` shows it.

    A value that one of our requests asked for is ours, not a person's change; a mirror that carries
    its mark was written from the text that the journal remembers. What left no trace did not happen.
    """
    for intent in intents:
        if intent.kind in {"fields", "status"}:
            base = _settle_fields(base, intent, now.of(intent.side), maps)
        elif intent.kind == "create" and not base.fields:
            base = _settle_creation(intent, now.of(intent.side), maps)
        elif intent.kind in {"add-comment", "edit-comment"}:
            base = _settle_comment(base, intent, now.of(intent.side))
    return base


def arrived(intent: Intent, base: Base, here: Snapshot) -> bool:
    """Tell whether ``here`` shows a comment or file that was begun; what is no addition counts as shown."""
    if intent.kind == "add-comment":
        return any(comment.mark == intent.mark for comment in here.comments)
    if intent.kind == "add-file":
        known = {pair.of(intent.side) for pair in base.files}
        shown = [file for file in here.files if file.key not in known]
        return any(same_file(file, intent.file, intent.size) for file in shown)
    return True


def _settle_fields(base: Base, intent: Intent, here: Snapshot, maps: Maps) -> Base:
    for name, values in intent.announced.items():
        if name not in SETS and here.fields.get(name) in values:
            # It may be a step on the way only, and the other side may have moved back since: compare anew.
            base = base.with_field(name, NEVER.put(intent.side, here.fields[name]))
    for name in {*intent.add, *intent.remove} & SETS:
        base = base.with_field(name, _settle_set(name, base.agreed(name), intent, here, maps))
    return base


def _settle_set(name: str, agreed: Agreed, intent: Intent, here: Snapshot, maps: Maps) -> Agreed:
    held = elements(name, here.fields.get(name), intent.side, maps)
    arrived = FieldChange(
        field=name, verdict=Verdict.CARRY, why="a write that was cut short",
        add=tuple(item for item in intent.add.get(name, ()) if identity(name, item, maps) in held),
        remove=tuple(item for item in intent.remove.get(name, ()) if identity(name, item, maps) not in held),
    )
    return advance_set(name, agreed, arrived, intent.side, intent.sources.get(name), maps)


def _settle_creation(intent: Intent, here: Snapshot, maps: Maps) -> Base:
    # A field nobody touched since still is as the system stored it; of one that was touched and that we
    # sent, we know what it was. Any other shows a person's edit, and only the other side's part is known.
    sent = {name: values[-1] for name, values in intent.announced.items() if values}
    stored = {
        name: sent.get(name, value) if name in here.touched else value
        for name, value in here.fields.items()
        if name not in here.touched or name in sent
    }
    base = after_creation(intent.sources, sent, stored, intent.side, maps)
    for name in here.fields:
        if name not in stored and name in intent.sources and _began_alike(name, intent, maps):
            base = base.with_field(name, NEVER.put(intent.side.other, intent.sources[name]))
    return base


def _began_alike(name: str, intent: Intent, maps: Maps) -> bool:
    """Tell whether the other side's value was what a new thing starts with; new things start open."""
    return name != STATUS or maps.of(intent.side.other).same(STATUS, intent.sources[STATUS], STATUSES[0])


def _settle_comment(base: Base, intent: Intent, here: Snapshot) -> Base:
    for mirror in here.comments:
        as_written = same_words(mirror.body, intent.body)
        if mirror.mark == intent.mark and (intent.kind == "add-comment" or as_written):
            pair = CommentPair(
                origin=intent.side.other, key=intent.comment, digest=intent.digest, mirror=mirror.key,
                mirror_digest=mirror.digest if as_written else UNKNOWN_DIGEST,
            )
            return base.with_pair(pair)
    return base
