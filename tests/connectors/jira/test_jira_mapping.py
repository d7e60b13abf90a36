"""What Jira's values mean, what a changelog tells, and which way through a workflow is chosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.jira import JiraConfig, jql
from kibcase_connectors.jira.history import clock_offset, original, stored, touches
from kibcase_connectors.jira.mapping import field_map
from kibcase_connectors.jira.site import is_pushed
from kibcase_connectors.jira.wire import Account, Edit, JiraStatus, ScreenField, Transition
from kibcase_connectors.jira.workflow import Fillings, Goal, choose, fill, repaired
from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import UNSET, Json

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def mapping(**settings: Any) -> Any:
    return field_map(JiraConfig(url="https://j", project="SOC", token="x", **settings))


@pytest.mark.parametrize(
    ("category", "meaning"), [("new", "open"), ("indeterminate", "in-progress"), ("done", "closed")]
)
def test_a_status_means_its_category(category: str, meaning: str) -> None:
    native: Json = {"id": "1", "name": "Whatever", "category": category}
    assert mapping().canonical("status", native) == meaning
    assert mapping().same("status", native, meaning)
    assert mapping().native("status", meaning) is UNSET


def test_a_named_status_means_what_the_configuration_says() -> None:
    found = mapping(statuses={"On Hold": "open"})
    assert found.canonical("status", {"id": "1", "name": "on hold", "category": "indeterminate"}) == "open"


@pytest.mark.parametrize("native", [{"id": "1", "name": "X", "category": "undefined"}, None, "Done", {"name": 3}])
def test_a_status_without_meaning(native: Json) -> None:
    with pytest.raises(UnmappedError):
        mapping().canonical("status", native)
    assert not mapping().same("status", native, "open")


def test_unknown_canonical_statuses_are_not_written() -> None:
    with pytest.raises(UnmappedError):
        mapping().native("status", "resolved")


def test_severities_and_priorities() -> None:
    found = mapping()
    assert [found.native("severity", s) for s in ("low", "medium", "high", "critical")] == [
        "Low", "Medium", "High", "Highest",
    ]
    assert found.canonical("severity", "Lowest") == "low"
    assert found.same("severity", "lowest", "low")
    for unknown in (None, "Blocker"):
        with pytest.raises(UnmappedError):
            found.canonical("severity", unknown)
    assert "severity" not in mapping(priorities={}).codecs


def test_texts() -> None:
    found = mapping()
    assert found.native("title", "a\nb") == "a, b"
    assert found.loses("title", "x" * 256)
    assert found.loses("title", "\n".join("x" * 200))
    assert not found.loses("title", "x" * 255)
    assert found.native("description", "**a**") == "*a*"
    assert found.canonical("description", "*a*\r\n\r\nAdded by Mara.") == "**a**"
    assert found.loses("description", "{" * 20_000)
    assert not found.loses("description", "x" * 32_767)


def test_tags_are_labels_without_marks() -> None:
    found = mapping()
    assert found.native("tags", ("two words", "a")) == ["two-words", "a"]
    assert found.canonical("tags", ["two-words", "kibcase-kibana-1"]) == ("two-words",)
    assert found.key("tags", "two words") == found.key("tags", "two-words")


@given(st.text())
def test_a_quoted_value_stays_one_literal(value: str) -> None:
    literal = jql.quote(value)
    inside, position = literal[1:-1], 0
    assert literal[0] == literal[-1] == '"'
    assert literal.isprintable()
    while position < len(inside):
        assert inside[position] != '"'
        position += 2 if inside[position] == "\\" else 1
    assert position == len(inside)


def test_queries() -> None:
    assert jql.changed("SOC", 1732877091000) == (
        'project = "SOC" AND updated >= 1732877091000 ORDER BY updated ASC, key ASC'
    )
    assert jql.changed("SOC", None) == 'project = "SOC" ORDER BY updated ASC, key ASC'
    assert jql.labelled("SOC", 'a" OR "\n') == 'project = "SOC" AND labels = "a\\" OR \\"\\u000a" ORDER BY key ASC'


def edit(entry: int, by: str, old: str, new: str, field: str = "summary") -> Edit:
    return Edit(
        entry=entry, field=field, at=NOON + timedelta(seconds=entry), by=Account(id=by, name=by.title()), old=None,
        old_text=old, new_text=new,
    )


@pytest.mark.parametrize(
    ("shown", "edits", "expected"),
    [
        ("sent", [], "sent"),
        ("trimmed", [], "trimmed"),
        ("trimmed", [edit(1, "us", "a", "trimmed")], "trimmed"),
        ("theirs", [edit(1, "us", "a", "ours"), edit(2, "them", "ours", "theirs")], "ours"),
        ("trimmed", [edit(1, "them", "a", "theirs"), edit(2, "us", "theirs", "trimmed")], "trimmed"),
        ("theirs", [edit(1, "them", "same", "theirs")], "same"),
        ("x", [edit(1, "us", "a", "ours"), edit(2, "us", "ours", "x")], "ours"),
        ("theirs", [edit(1, "them", "b", "c", "description")], "theirs"),
    ],
)
def test_what_a_write_stored(shown: str, edits: list[Edit], expected: str) -> None:
    assert stored("title", "sent", shown, edits, "us") == expected


def test_what_a_creation_stored() -> None:
    later = [edit(1, "them", "a b", "b", "labels"), edit(2, "them", "", "Low", "priority")]
    assert original("tags", later, ["b"]) == ["a", "b"]
    assert original("severity", later, "Low") is None
    assert original("title", later, "x") == "x"


def test_the_last_touch_counts() -> None:
    edits = [edit(1, "us", "a", "b"), edit(2, "them", "b", "c"), edit(3, "us", "1", "2", "assignee")]
    found = touches(edits, timedelta(hours=1))
    assert set(found) == {"title"}
    assert (found["title"].by, found["title"].at) == ("Them", NOON + timedelta(hours=1, seconds=2))


@given(
    skew=st.integers(min_value=-100_000, max_value=100_000), parts=st.integers(min_value=0, max_value=999),
    took=st.integers(min_value=0, max_value=5000), stale=st.integers(min_value=0, max_value=999),
)
def test_the_clock_offset_is_right_to_two_seconds_and_the_way(skew: int, parts: int, took: int, stale: int) -> None:
    true = timedelta(milliseconds=skew)
    server = NOON + timedelta(milliseconds=parts)
    sent = server + true - timedelta(milliseconds=took / 2)
    received = server + true + timedelta(milliseconds=took / 2)
    found = clock_offset(sent, received, (server - timedelta(milliseconds=stale)).replace(microsecond=0))
    assert abs(found - true) <= timedelta(milliseconds=2000 + took)
    if skew == 0:
        assert found == timedelta()


def status(name: str) -> JiraStatus:
    category = {"n": "new", "i": "indeterminate", "d": "done"}[name[0]]
    return JiraStatus(id=name, name=name, category=category)


def meaning(found: JiraStatus) -> str | None:
    return {"new": "open", "indeterminate": "in-progress", "done": "closed"}.get(found.category)


names = st.sampled_from([f"{kind}{number}" for kind in "nid" for number in range(3)])
graphs = st.dictionaries(names, st.lists(names, max_size=4, unique=True), max_size=9)


@given(graph=graphs, start=names, goal=st.sampled_from(["open", "in-progress", "closed"]), rounds=st.just(12))
def test_a_walk_ends_and_what_was_learnt_finds_a_way_that_exists(
    graph: dict[str, list[str]], start: str, goal: str, rounds: int
) -> None:
    learnt: dict[str, tuple[JiraStatus, ...]] = {}
    arrived = False
    for _ in range(rounds):
        here, visited = status(start), [start]
        while meaning(here) != goal and len(visited) <= 8:
            options = [Transition(id=name, name=name, to=status(name)) for name in graph.get(here.id, [])]
            learnt[here.id] = tuple(option.to for option in options)
            taken = choose(
                options, Goal(status=goal), meaning=meaning, visited=frozenset(visited), learnt=learnt,
                fillings=Fillings(resolution="Done"),
            )
            if taken is None:
                break
            assert taken.to.id not in visited
            assert meaning(taken.to) == goal or taken.to.category != "done"
            here = taken.to
            visited.append(here.id)
        arrived = meaning(here) == goal
    assert arrived == reachable(graph, start, goal)


def reachable(graph: dict[str, list[str]], start: str, goal: str) -> bool:
    edge, seen = [start], {start}
    if meaning(status(start)) == goal:
        return True
    while edge:
        ahead = {name for known in edge for name in graph.get(known, []) if name not in seen}
        if any(meaning(status(name)) == goal for name in ahead):
            return True
        edge = [name for name in ahead if name[0] != "d"]
        seen |= set(edge)
    return False


def field(
    name: str, *, required: bool = True, many: bool = False, allowed: tuple[dict[str, Any], ...] = ()
) -> ScreenField:
    return ScreenField(id=name, name=name, required=required, has_default=False, allowed=allowed, many=many)


def step(*screen: ScreenField) -> Transition:
    return Transition(id="1", name="Close", to=status("d1"), screen=screen)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (field("resolution", allowed=({"id": "1", "name": "done"},)), {"resolution": {"name": "done"}}),
        (field("resolution", required=False, allowed=({"id": "1", "name": "Done"},)), {"resolution": {"name": "Done"}}),
        (field("resolution", required=False, allowed=({"id": "1", "name": "Fixed"},)), {}),
        (field("resolution"), {"resolution": {"name": "Done"}}),
        (field("resolution", allowed=({"id": "7", "name": "Fixed"},)), {"resolution": {"id": "7"}}),
        (field("cf", allowed=({"id": "7", "value": "A"},)), {"cf": {"id": "7"}}),
        (field("cf", many=True, allowed=({"id": "7", "value": "A"},)), {"cf": [{"id": "7"}]}),
        (field("given", required=False), {"given": 5}),
        (field("free", required=False), {}),
    ],
)
def test_what_is_filled_in_on_a_screen(shown: ScreenField, expected: dict[str, Json]) -> None:
    assert fill(step(shown), Fillings(resolution="Done", values={"given": 5})) == (expected, [])


def test_what_cannot_be_filled_in() -> None:
    shown = field("cf", allowed=({"id": "1"}, {"id": "2"}))
    assert fill(step(shown), Fillings(resolution="Done")) == ({}, [shown])


def test_repairs_of_a_refused_transition() -> None:
    fillings = Fillings(resolution="Done", values={"given": 5})
    assert repaired({"a": 1, "b": 2}, step(), fillings, "a", "a: Field 'a' cannot be set.") == {"b": 2}
    assert repaired({"a": 1}, step(), fillings, "a", "a: is wrong") is None
    assert repaired({}, step(), fillings, "resolution", "is required") == {"resolution": {"name": "Done"}}
    assert repaired({}, step(), fillings, "given", "is required") == {"given": 5}
    assert repaired({}, step(), fillings, "other", "is required") is None
    assert repaired({}, step(), fillings, None, "no") is None


@pytest.mark.parametrize(
    ("body", "pushed"),
    [
        ("blocked\n\nAdded by Alice Smith.", True),
        ("blocked\r\n\r\nAdded by Alice Smith.\r\n", True),
        ("Elastic Alerts attached to the case: 3", True),
        ("blocked", False),
        ("blocked   \n", False),
        ("Added by Alice Smith. And then by others.", False),
    ],
)
def test_what_kibana_pushed_is_a_copy(body: str, pushed: bool) -> None:
    assert is_pushed(body) is pushed


@pytest.mark.parametrize("text", ["😀" * 127, "😀" * 128, "a" * 255, "a" * 256, "a\nb"])
def test_a_title_loses_exactly_when_it_is_cut(text: str) -> None:
    # Jira counts UTF-16 units: a cut title that passed for a whole one would be written back over the case's.
    summary = mapping().native("title", text)
    assert mapping().loses("title", text) == summary.endswith("…")
