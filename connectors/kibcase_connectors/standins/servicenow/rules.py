"""What an instance does with a write of its own accord: states, data policies, business rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from kibcase_connectors.standins.servicenow.problem import aborted

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A write that is about to happen (or has happened).

    ``before`` is empty for a new record. ``actor`` is a user name, ``actor_id`` the ``sys_id`` of that user, ``now``
    the time as the database holds it.
    """

    table: str
    before: Values
    after: Values
    actor: str
    actor_id: str
    now: str

    def became(self, column: str, *values: str) -> bool:
        """Tell whether the write gives a column one of the values that it did not have."""
        return self.after.get(column) in values and self.before.get(column) != self.after.get(column)

    def left(self, column: str, *values: str) -> bool:
        """Tell whether the write takes one of the values from a column."""
        return self.before.get(column) in values and self.after.get(column) not in values


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessRule:
    """A script of the instance: ``run`` gives columns to set on the record, or raises ``ServiceNowProblem`` to abort.

    ``when="before"`` joins the write; ``when="after"`` is an update of its own, which counts in ``sys_mod_count`` and
    is stamped with the same user. Rules of a table run in the given order, those of its ancestors included.
    """

    name: str
    table: str
    run: Callable[[Change], Values]
    when: Literal["before", "after"] = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPolicy:
    """Columns that must not be empty while ``condition`` holds for a record."""

    table: str
    mandatory: tuple[str, ...]
    condition: Callable[[Values], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateModel:
    """The states of a table (values of ``state``) and the moves between them; None as target set allows all.

    Records in ``frozen`` states are read-only but for administrators. A record is active outside ``closed``.
    """

    table: str
    moves: Mapping[str, frozenset[str]]
    closed: frozenset[str]
    frozen: frozenset[str] = frozenset()

    def allows(self, source: str, target: str) -> bool:
        """Tell whether a record may go from one state to the other."""
        return source == target or target in self.moves.get(source, frozenset())


def _moves(**targets: str) -> Mapping[str, frozenset[str]]:
    return {source.removeprefix("s"): frozenset(several.split()) for source, several in targets.items()}


ITSM_STATES = StateModel(
    table="incident", closed=frozenset({"7", "8"}), frozen=frozenset({"7"}),
    moves=_moves(s1="2 3 6 7 8", s2="1 3 6 7 8", s3="1 2 6 7 8", s6="1 2 3 7", s8="", s7=""),
)
SIR_STATES = StateModel(
    table="sn_si_incident", closed=frozenset({"3", "7"}),
    moves=_moves(
        s10="16 7", s16="10 18 7", s18="16 19 7", s19="16 18 20 7", s20="16 18 19 100 7", s100="16 18 19 20 3",
        s3="16", s7="",
    ),
)
"""The phases of a security incident one after the other, back to any earlier one, closed only after review."""

_ANY = "10 16 18 19 20 100 3 7"
SIR_STATES_OPEN = StateModel(
    table="sn_si_incident", closed=frozenset({"3", "7"}),
    moves=_moves(s10=_ANY, s16=_ANY, s18=_ANY, s19=_ANY, s20=_ANY, s100=_ANY, s3="16", s7=""),
)
"""A process in which every phase can follow every other."""

DEFAULT_STATES = (ITSM_STATES, SIR_STATES)

HOLD_REASON_MANDATORY = DataPolicy(
    table="incident", mandatory=("hold_reason",), condition=lambda record: record["state"] == "3"
)
CALLER_MANDATORY = DataPolicy(table="incident", mandatory=("caller_id",), condition=lambda _record: True)
DEFAULT_POLICIES: tuple[DataPolicy, ...] = (
    DataPolicy(
        table="incident", mandatory=("close_code", "close_notes"),
        condition=lambda record: record["state"] in ("6", "7"),
    ),
    DataPolicy(
        table="sn_si_incident", mandatory=("close_code", "close_notes"),
        condition=lambda record: record["state"] == "3",
    ),
    HOLD_REASON_MANDATORY,
)


def _priority(change: Change) -> Values:
    # Priority look-up rules of the base system: (1,1) is critical, (3,3) is planning.
    try:
        level = int(change.after["impact"]) + int(change.after["urgency"]) - 1
    except ValueError:
        return {}
    return {"priority": str(min(max(level, 1), 5))}


def _one_state(change: Change) -> Values:
    # The older column says the same as the state; the one that was written wins.
    older = change.after["incident_state"]
    if change.before and older != change.before["incident_state"] and change.after["state"] == change.before["state"]:
        return {"state": older}
    return {"incident_state": change.after["state"]}


def _incident_life(change: Change) -> Values:
    values: dict[str, str] = {}
    if change.became("state", "6", "7") and not change.after.get("resolved_at"):
        values |= {"resolved_at": change.now, "resolved_by": change.actor_id}
    if change.left("state", "6", "7", "8"):
        count = int(change.after.get("reopen_count") or "0") + 1
        values |= {"resolved_at": "", "resolved_by": "", "reopened_time": change.now, "reopen_count": str(count)}
    if change.left("state", "3"):
        values |= {"hold_reason": ""}
    return values


def foreign_assignee(members: Mapping[str, tuple[str, ...]]) -> BusinessRule:
    """Build a rule that empties ``assigned_to`` if the person is not in the group; ``sys_id`` of users by group."""
    def run(change: Change) -> Values:
        group, person = change.after.get("assignment_group", ""), change.after.get("assigned_to", "")
        return {"assigned_to": ""} if group and person and person not in members.get(group, ()) else {}

    return BusinessRule(name="Assignee must be in group", table="task", run=run)


def closing(model: StateModel) -> Callable[[Change], Values]:
    """Build the rule that keeps ``active``, ``closed_at`` and ``closed_by`` in step with the state."""
    def run(change: Change) -> Values:
        if change.became("state", *model.closed):
            return {"active": "false", "closed_at": change.now, "closed_by": change.actor_id}
        if change.left("state", *model.closed):
            return {"active": "true", "closed_at": "", "closed_by": ""}
        return {}

    return run


def moving(model: StateModel) -> Callable[[Change], Values]:
    """Build the rule that aborts a move which the model does not have."""
    def run(change: Change) -> Values:
        if change.before and not model.allows(change.before["state"], change.after["state"]):
            raise aborted(change.table, "Validate state transition")
        return {}

    return run


DEFAULT_RULES: tuple[BusinessRule, ...] = (
    BusinessRule(name="Calculate priority", table="incident", run=_priority),
    BusinessRule(name="Sync state and incident state", table="incident", run=_one_state),
    BusinessRule(name="Incident state changes", table="incident", run=_incident_life),
)
