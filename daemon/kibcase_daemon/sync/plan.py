"""From a base and two snapshots to a plan; the heart of sync."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from kibcase_connectors.actions import AddComment, AddFile, Create, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.api import Capabilities
from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import (
    ASSIGNEE,
    FIELDS,
    OBSERVABLES,
    SETS,
    STATUS,
    TAGS,
    UNSET,
    Canonical,
    Json,
    Side,
    Snapshot,
    Touch,
)
from kibcase_daemon.sync.comments import Sides, mark_for, pair_up, plan_comments
from kibcase_daemon.sync.files import pair_up_files, plan_files
from kibcase_daemon.sync.merge import Merged, first_sight, merge_field
from kibcase_daemon.sync.notes import is_told, unknown_assignee, with_notes
from kibcase_daemon.sync.sets import merge_set, spell
from kibcase_daemon.sync.types import (
    Agreed,
    Base,
    Both,
    CommentChange,
    Direction,
    FieldChange,
    FieldRule,
    FileChange,
    Maps,
    Plan,
    Planned,
    Rules,
    Verdict,
)


def make_plan(
    link: str, base: Base, now: Sides, *, rules: Rules, maps: Maps, able: Both[Capabilities],
    strangers: Collection[Side] = (),
) -> Plan:
    """Decide what to do about one link whose two sides exist.

    ``link`` is the link's id, from which the ids of actions are made; ``able`` says what each side's system can
    do. ``strangers`` are the sides whose assignee the other system was asked for and does not know: it is told in a
    comment, if comments are carried. Pure: equal arguments give an equal plan.
    """
    files = Both(case=able.case.files, ticket=able.ticket.files)
    strangers = [side for side in strangers if ASSIGNEE in now.of(side).fields and rules.comments.carries(side.other)]
    now = with_notes(now, rules=rules, maps=maps, able=files, strangers=strangers)
    base = pair_up_files(pair_up(base, now), now)
    changes: list[FieldChange] = []
    for name, rule in rules.fields.items():
        if rule.direction is Direction.OFF or name not in now.case.fields or name not in now.ticket.fields:
            continue
        values = Both(case=now.case.fields[name], ticket=now.ticket.fields[name])
        if name in SETS:
            merged_set = merge_set(name, base.agreed(name), values, rule=_at_first(rule, base.agreed(name)), maps=maps)
            if merged_set is not None:
                changes.extend(_with_author(change, now) for change in merged_set.changes)
                if rule.direction is not Direction.ONCE or not merged_set.changes:
                    base = base.with_field(name, merged_set.agreed)
            continue
        if name == ASSIGNEE and any(not is_told(base, now, side) for side in strangers):
            continue
        merged = _merged(name, base, now, values, rule=rule, rules=rules, maps=maps, strangers=strangers)
        if merged is not None:
            changes.append(merged.change)
            base = base.with_field(name, merged.agreed)
    editable = Both(case=able.case.edits_comments, ticket=able.ticket.edits_comments)
    mirrors = plan_comments(base, now, direction=rules.comments, editable=editable)
    copies = plan_files(base, now, rules=rules, able=files)
    actions = [planned for side in Side for planned in _actions(link, side, now, changes, mirrors, copies, maps)]
    actions.sort(key=_is_copy)
    remarked = [side for side in Side if _lacks_mark(base, now, side, actions)]
    actions.extend(_mark(link, side, now) for side in remarked)
    unlinked = [side for side in Side if able.of(side).links_back and _wants_link(base, now, side)]
    actions.extend(_link_back(link, side, now) for side in unlinked)
    return Plan(base=base, actions=tuple(actions), changes=tuple(changes))


def _is_copy(planned: Planned) -> bool:
    """Tell files, which come last: they take long, and may fail where everything else goes well."""
    return isinstance(planned.action, AddFile)


def _at_first(rule: FieldRule, agreed: Agreed) -> FieldRule:
    """Give the rule for a set that is carried once: into a thing that was just made, of which the other side is unsaid.

    What is a copy's own is in its base from the beginning (see ``after_creation``).
    """
    made = [side for side in Side if agreed.of(side) is not UNSET]
    if rule.direction is not Direction.ONCE or len(made) != 1:
        return rule
    return replace(rule, direction=Direction.TO_CASE if made[0] is Side.CASE else Direction.TO_TICKET)


def _merged(
    name: str, base: Base, now: Sides, values: Both[Json], *, rule: FieldRule, rules: Rules, maps: Maps,
    strangers: Collection[Side],
) -> Merged | None:
    touched = Both(case=_touches(now.case, name), ticket=_touches(now.ticket, name))
    agreed = first_sight(name, base.agreed(name), values, maps)
    unknown = [
        side for side in Side
        if name == ASSIGNEE and (side in strangers or unknown_assignee(now, side, rules=rules, maps=maps))
    ]
    for side in unknown:
        # The other side is told in a comment; as a field it is done with.
        agreed = agreed.put(side, values.of(side))
    merged = merge_field(name, agreed, values, rule=rule, maps=maps, touched=touched)
    if merged is None and agreed != base.agreed(name):
        why = " and ".join(f"the {side} names somebody unknown to the {side.other}" for side in unknown)
        return Merged(change=FieldChange(field=name, verdict=Verdict.IGNORED, why=why), agreed=agreed)
    return merged


def _with_author(change: FieldChange, now: Sides) -> FieldChange:
    touch = now.of(change.to.other).touched.get(change.field) if change.to else None
    return replace(change, by=touch.by) if touch else change


def _touches(side: Snapshot, name: str) -> Mapping[str, Touch]:
    """Give who touched a field last; one that nobody changed is as old as the thing itself."""
    touch = side.touched.get(name, side.created)
    return {} if touch is None else {name: touch}


def _actions(
    link: str, side: Side, now: Sides, changes: list[FieldChange], mirrors: tuple[CommentChange, ...],
    copies: tuple[FileChange, ...], maps: Maps,
) -> list[Planned]:
    fields = _set_fields(link, side, now, [change for change in changes if change.to is side], maps)
    comments = [_comment(link, now, change) for change in mirrors if change.to is side]
    files = [_file(link, now, change) for change in copies if change.to is side]
    status = _set_status(link, side, now, changes)
    rest = [*fields, *comments, *files]
    if status is None:
        return rest
    # A closed ticket may refuse edits, so closing comes last and reopening first; either moves the version
    # that the other relies on, so they never share a round.
    if isinstance(status.action, SetStatus) and status.action.status == "closed":
        return [*rest, replace(status, later=bool(rest))]
    return [status, *(replace(planned, later=True) for planned in rest)]


def _set_fields(link: str, side: Side, now: Sides, changes: list[FieldChange], maps: Maps) -> list[Planned]:
    """Give the common fields in one action and each further one by itself, so that its refusal stops no other."""
    mine = [change for change in changes if change.field != STATUS]
    common = tuple(change for change in mine if change.field in FIELDS)
    further = [change for change in mine if change.field not in FIELDS]
    planned = [_set_some(link, "fields", side, now, common, maps)] if common else []
    planned += [_set_some(link, change.field, side, now, (change,), maps) for change in further]
    return [*planned[:1], *(replace(each, later=True) for each in planned[1:])]


def _set_some(
    link: str, name: str, side: Side, now: Sides, mine: tuple[FieldChange, ...], maps: Maps
) -> Planned:
    scalars: dict[str, Canonical] = {
        change.field: maps.of(side).dressed(change.field, change.value)
        for change in mine if change.field not in SETS and change.value is not None
    }
    sets = [change for change in mine if change.field in SETS]
    action = SetFields(
        key=now.of(side).key, version=now.of(side).version, fields=scalars,
        add={change.field: change.add for change in sets if change.add},
        remove={change.field: change.remove for change in sets if change.remove},
    )
    return Planned(
        id=f"{link}/{side}/{name}", side=side, action=action, changes=mine,
        sources=_sources(mine, now.of(side.other)),
    )


def _set_status(link: str, side: Side, now: Sides, changes: list[FieldChange]) -> Planned | None:
    for change in changes:
        if change.field == STATUS and change.to is side and isinstance(change.value, str):
            action = SetStatus(key=now.of(side).key, version=now.of(side).version, status=change.value)
            return Planned(
                id=f"{link}/{side}/status", side=side, action=action, changes=(change,),
                sources=_sources((change,), now.of(side.other)),
            )
    return None


def _sources(changes: tuple[FieldChange, ...], origin: Snapshot) -> dict[str, Json]:
    return {change.field: origin.fields[change.field] for change in changes}


def _wants_link(base: Base, now: Sides, side: Side) -> bool:
    """Tell whether a side lacks its link back; only a copy gets one, the original is not ours to decorate."""
    origin = now.of(side.other)
    return side not in base.linked and origin.url is not None and origin.mark in now.of(side).marks


def _lacks_mark(base: Base, now: Sides, side: Side, actions: list[Planned]) -> bool:
    """Tell whether a copy has lost its mark, as Kibana's own push takes labels away that are no tags.

    Where fields are written anyway it waits for the next round, which has the new version.
    """
    busy = any(planned.side is side and isinstance(planned.action, SetFields | SetStatus) for planned in actions)
    return side in base.linked and now.of(side.other).mark not in now.of(side).marks and not busy


def _mark(link: str, side: Side, now: Sides) -> Planned:
    mark = now.of(side.other).mark
    action = SetFields(key=now.of(side).key, version=now.of(side).version, add={TAGS: (mark,)})
    change = FieldChange(
        field=TAGS, verdict=Verdict.CARRY, to=side, why="the mark of its origin was taken away", value=(mark,),
        add=(mark,),
    )
    sources = _sources((change,), now.of(side.other))
    return Planned(id=f"{link}/{side}/mark", side=side, action=action, changes=(change,), sources=sources)


def _link_back(link: str, side: Side, now: Sides) -> Planned:
    origin = now.of(side.other)
    action = LinkBack(key=now.of(side).key, mark=origin.mark, label=origin.label, url=origin.url or "")
    return Planned(id=f"{link}/{side}/link", side=side, action=action)


def _comment(link: str, now: Sides, change: CommentChange) -> Planned:
    key, mark = now.of(change.to).key, mark_for(change, now)
    action: AddComment | EditComment
    if change.mirror is None:
        action = AddComment(key=key, mark=mark, body=change.body)
    else:
        action = EditComment(key=key, comment=change.mirror, mark=mark, body=change.body)
    return Planned(id=f"{link}/{change.to}/comment/{change.key}", side=change.to, action=action, comment=change)


def _file(link: str, now: Sides, change: FileChange) -> Planned:
    file = change.file
    action = AddFile(key=now.of(change.to).key, name=file.name, size=file.size, media_type=file.media_type)
    return Planned(id=f"{link}/{change.to}/file/{file.key}", side=change.to, action=action, file=change)


def plan_creation(
    link: str, origin: Snapshot, side: Side, *, rules: Rules, maps: Maps, without: Collection[str] = ()
) -> Plan:
    """Decide how to make the copy of ``origin`` on ``side``, where there is none.

    Fields without a counterpart are held and reported; the copy is made without them. Observables follow when it
    is there, and so does what is to be left out (``without``). An empty further field says nothing: the new thing
    keeps what its system gives it.
    """
    later = {STATUS, OBSERVABLES, *without}
    fields: dict[str, Canonical] = {}
    changes: list[FieldChange] = []
    for name, rule in rules.fields.items():
        wanted = rule.direction is Direction.ONCE or rule.direction.carries(side)
        if name in later or name not in origin.fields or name not in maps.of(side).codecs or not wanted:
            continue
        try:
            value = maps.of(side.other).canonical(name, origin.fields[name])
            if isinstance(value, tuple):
                # The others are held as soon as there are two sides to compare.
                value = tuple(item for item in value if spell(name, (item,), maps.of(side))[0])
            maps.of(side).native(name, value)
        except UnmappedError as error:
            verdict = Verdict.IGNORED if name == ASSIGNEE else Verdict.HELD
            changes.append(FieldChange(field=name, verdict=verdict, why=str(error)))
            continue
        if not value and name not in FIELDS:
            continue
        fields[name] = maps.of(side).dressed(name, value)
        added = value if isinstance(value, tuple) else ()
        changes.append(
            FieldChange(
                field=name, verdict=Verdict.CARRY, to=side, value=value, why=f"new {side}", add=added,
                by=origin.created.by if origin.created else "",
            )
        )
    action = Create(mark=origin.mark, fields=fields, origin_label=origin.label)
    written = tuple(change for change in changes if change.to is side)
    planned = Planned(
        id=f"{link}/{side}/create", side=side, action=action, changes=written, sources=dict(origin.fields)
    )
    return Plan(base=Base(), actions=(planned,), changes=tuple(changes))
