"""What follows on a creation: the actions on the new thing, foreseen before it exists; pure."""

from __future__ import annotations

from collections.abc import Mapping

from kibcase_connectors.actions import Create, SetStatus
from kibcase_connectors.api import Capabilities
from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import OBSERVABLES, STATUS, STATUSES, UNSET, Json, Side, Snapshot
from kibcase_daemon.sync.advance import after_creation
from kibcase_daemon.sync.plan import make_plan
from kibcase_daemon.sync.types import Both, FieldChange, Maps, Plan, Planned, Rules, Verdict


def foresee(
    link: str, plan: Plan, origin: Snapshot, *, rules: Rules, maps: Maps, able: Both[Capabilities]
) -> tuple[Planned, ...]:
    """Give the actions that will follow once the creation in ``plan`` is done; for showing only.

    Their keys and versions are empty: the thing they are for has none yet. It is taken to begin open.
    """
    creation = next((planned for planned in plan.actions if isinstance(planned.action, Create)), None)
    if creation is None or not isinstance(creation.action, Create):
        return ()
    side, fields = creation.side, dict(_fields_of(creation, maps))
    if OBSERVABLES in maps.of(side).codecs:
        fields[OBSERVABLES] = []
    new = Snapshot(key="", label=f"the new {side}", version="", mark="", fields=fields, marks=(origin.mark,))
    now = Both(case=origin, ticket=origin).put(side, new)
    base = after_creation(creation.sources, creation.action.fields, fields, side, maps)
    then = make_plan(link, base, now, rules=rules, maps=maps, able=able)
    status = _status(link, side, origin, rules, maps)
    return (*then.actions, *([status] if status else []))


def _fields_of(creation: Planned, maps: Maps) -> Mapping[str, Json]:
    if not isinstance(creation.action, Create):
        return {}
    codecs = maps.of(creation.side).codecs
    wanted = {name: codecs[name].native(value) for name, value in creation.action.fields.items()}
    return {name: value for name, value in wanted.items() if value is not UNSET}


def _status(link: str, side: Side, origin: Snapshot, rules: Rules, maps: Maps) -> Planned | None:
    rule = rules.fields.get(STATUS)
    if rule is None or STATUS not in origin.fields or not rule.direction.carries(side):
        return None
    try:
        value = maps.of(side.other).canonical(STATUS, origin.fields[STATUS])
    except UnmappedError:
        return None
    if not isinstance(value, str) or value == STATUSES[0]:
        return None
    change = FieldChange(
        field=STATUS, verdict=Verdict.CARRY, to=side, value=value, why=f"new {side}", old=STATUSES[0],
        by=origin.touched[STATUS].by if STATUS in origin.touched else "",
    )
    return Planned(
        id=f"{link}/{side}/status", side=side, action=SetStatus(key="", version="", status=value), changes=(change,)
    )
