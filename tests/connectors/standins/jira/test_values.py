"""The pure parts: field values and workflow rules as functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.standins.jira.catalog import DEFAULT_USERS, Catalog, Project
from kibcase_connectors.standins.jira.changes import Stamp, edited, milliseconds
from kibcase_connectors.standins.jira.fields import Scene, fields_of
from kibcase_connectors.standins.jira.records import Issue

PROJECT = Project(id="10000", key="SOC", name="Security Operations")
CATALOG = Catalog(
    deployment="cloud", base="http://jira.example", users={each.username: each for each in DEFAULT_USERS},
    projects={"SOC": PROJECT},
)
SCENE = Scene(catalog=CATALOG, project=PROJECT, find_issue=lambda _: None)
START = datetime(2026, 1, 1, tzinfo=UTC)
ISSUE = Issue(
    id=1, project="SOC", number=1, creator="kibcase", created=START, updated=START, status="10000",
    status_since=START,
    values={name: [] if field.array else None for name, field in fields_of(CATALOG).items()} | {"summary": "s"},
)
labels = st.text(alphabet="abc", min_size=1, max_size=2)
operations = st.lists(st.tuples(st.sampled_from(["add", "remove"]), labels), max_size=8)
times = st.integers(-86_400_000_000, 86_400_000_000).map(lambda each: START + timedelta(microseconds=each))


def stamp(now: datetime, number: int = 1) -> Stamp:
    return Stamp(actor="kibcase", now=now, history_id=str(number))


@given(st.lists(labels), operations)
def test_label_operations_are_those_of_sets(given_labels: list[str], steps: list[tuple[str, str]]) -> None:
    start = edited(ISSUE, {"labels": given_labels}, {}, SCENE, stamp(START))
    after = edited(start, {}, {"labels": [{verb: label} for verb, label in steps]}, SCENE, stamp(START))
    expected = set(given_labels)
    for verb, label in steps:
        expected = expected | {label} if verb == "add" else expected - {label}
    assert after.values["labels"] == sorted(expected)
    assert (after is start) == (set(start.values["labels"]) == expected)


@given(st.lists(st.tuples(times, labels), max_size=10))
def test_updated_only_ever_grows_whatever_the_clock_does(edits: list[tuple[datetime, str]]) -> None:
    issue = ISSUE
    for number, (now, summary) in enumerate(edits):
        after = edited(issue, {"summary": summary}, {}, SCENE, stamp(now, number))
        changed = summary != issue.values["summary"]
        assert (after.updated > issue.updated) == changed
        assert len(after.histories) == len(issue.histories) + changed
        if changed:
            assert after.updated in (milliseconds(now), issue.updated + timedelta(milliseconds=1))
            assert after.updated.microsecond % 1000 == 0
        issue = after


@given(st.lists(labels, min_size=1, max_size=6))
def test_the_changelog_tells_the_whole_way_back(summaries: list[str]) -> None:
    issue = ISSUE
    for summary in summaries:
        issue = edited(issue, {"summary": summary}, {}, SCENE, stamp(START))
    told = [(item.old_text, item.new_text) for entry in issue.histories for item in entry.items]
    way = ["s", *(new for _, new in told)]
    assert [old for old, _ in told] == way[:-1]
    assert way[-1] == issue.values["summary"]
