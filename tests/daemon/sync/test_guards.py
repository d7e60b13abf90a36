"""What looks so wrong that a person should see it first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.model import Side
from kibcase_daemon.sync.guards import Limits, Written, flood_suspected, loop_suspected, outcome, shown
from kibcase_daemon.sync.types import Base, FieldChange, Plan, Verdict

LIMITS = Limits(loop_writes=3, loop_seconds=60.0, creations=5)


def about(**more: object) -> Plan:
    given: dict[str, object] = {
        "field": "title", "verdict": Verdict.CARRY, "why": "changed", "to": Side.TICKET, "value": "mine", **more,
    }
    return Plan(base=Base(), changes=(FieldChange(**given),))  # type: ignore[arg-type]


def wrote(at: float, meant: str = "mine", side: Side = Side.TICKET, field: str = "title") -> Written:
    return Written(at=at, side=side, field=field, meant=meant)


def test_the_same_value_again_and_again_is_a_loop_and_the_reason_says_what() -> None:
    doubt = loop_suspected(about(), [wrote(90), wrote(80), wrote(70)], 100.0, LIMITS)
    assert doubt == (
        "title of the ticket was set to the same value 3 times within 1 minutes and is different again: "
        "something else keeps undoing it"
    )


def test_one_time_fewer_is_none() -> None:
    assert loop_suspected(about(), [wrote(90), wrote(80)], 100.0, LIMITS) is None


def test_what_is_long_ago_does_not_count() -> None:
    assert loop_suspected(about(), [wrote(90), wrote(80), wrote(39.9)], 100.0, LIMITS) is None
    assert loop_suspected(about(), [wrote(90), wrote(80), wrote(40.0)], 100.0, LIMITS) is not None


def test_other_values_fields_and_sides_do_not_count() -> None:
    mixed = [wrote(90), wrote(90, meant="else"), wrote(90, side=Side.CASE), wrote(90, field="severity")]
    assert loop_suspected(about(), mixed, 100.0, LIMITS) is None


def test_what_writes_nothing_is_no_loop() -> None:
    many = [wrote(90)] * 9
    assert loop_suspected(about(to=None, verdict=Verdict.HELD), many, 100.0, LIMITS) is None
    assert loop_suspected(Plan(base=Base()), many, 100.0, LIMITS) is None


def test_the_same_elements_again_and_again_are_a_loop() -> None:
    plan = about(field="tags", value=("apt",), add=("apt",))
    assert loop_suspected(plan, [wrote(90, "+apt", field="tags")] * 3, 100.0, LIMITS) is not None
    assert loop_suspected(plan, [wrote(90, "-apt", field="tags")] * 3, 100.0, LIMITS) is None


@given(st.integers(0, 100))
def test_a_flood_is_more_than_the_limit(creations: int) -> None:
    why = flood_suspected(creations, LIMITS)
    assert (why is None) == (creations <= 5)
    assert why is None or why.startswith(f"{creations} new copies would be made at once")


def test_values_are_shown_as_people_call_them() -> None:
    assert shown({"id": "3", "name": "Done"}) == "Done"
    assert shown({"b": 1, "a": "\u00e9"}) == '{"a": "\u00e9", "b": 1}'
    assert shown(["a", "b"]) == shown(("a", "b")) == "a, b"
    assert shown(None) == ""
    assert shown(7) == "7"


def test_the_outcome_of_a_set_is_what_changes_in_it() -> None:
    (change,) = about(field="tags", value=("a", "b"), add=("a", "b"), remove=("c",)).changes
    assert outcome(change) == "+a, +b, -c"
