"""What the change feed lists, what it costs and that it leaves nothing out."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Denied, Unavailable
from kibcase_connectors.jira import JiraFilter, feed
from kibcase_connectors.jira.cursor import Cursor, advanced, loads
from kibcase_connectors.jira.wire import Issue, Page
from tests.connectors.jira.conftest import Clock

if TYPE_CHECKING:
    from tests.connectors.jira.conftest import Bench, Deployment, MakeBench


def searches(bench: Bench) -> int:
    return sum(path in ("search", "search/jql") for _, path in bench.requests)


def labels(bench: Bench, cursor: str | None) -> tuple[set[str], str]:
    """Give the keys of the tickets that are listed, and the next cursor."""
    found = bench.connector.changes(cursor)
    return {bench.maria.issue(item.key).key for item in found.items}, found.cursor


def test_the_first_run_lists_everything_and_later_ones_what_changed(make: MakeBench, deployment: Deployment) -> None:
    clock = Clock()
    bench = make(deployment, clock=clock)
    for number in range(4):
        bench.maria.create(f"no {number}", project="SOC")
        clock.forward(minutes=20)
    found, cursor = labels(bench, None)
    assert found == {"SOC-1", "SOC-2", "SOC-3", "SOC-4"}
    clock.forward(minutes=20)
    bench.maria.edit("SOC-2", summary="new")
    found, cursor = labels(bench, cursor)
    assert found == {"SOC-2", "SOC-4"}
    assert labels(bench, cursor)[0] == {"SOC-2"}


def test_a_line_of_the_feed_has_the_version_of_the_snapshot(bench: Bench) -> None:
    ticket = bench.ticket()
    (item,) = bench.connector.changes(None).items
    assert (item.key, item.version, item.marked, item.eligible) == (ticket.key, ticket.version, True, True)


@pytest.mark.parametrize(
    "change",
    [
        {"summary": "x"}, {"description": "x"}, {"priority": "Low"}, {"labels": ["x"]},
    ],
)
def test_every_change_makes_another_version(bench: Bench, change: dict[str, Any]) -> None:
    before = bench.ticket()
    bench.maria.edit(before.key, **change)
    assert bench.connector.changes(None).items[0].version != before.version


def test_changes_without_fields_make_another_version_too(bench: Bench) -> None:
    versions = [bench.ticket().version]
    comment = bench.maria.comment("SOC-1", "x")
    versions.append(bench.connector.changes(None).items[0].version)
    bench.maria.edit_comment("SOC-1", comment, "y")
    versions.append(bench.connector.changes(None).items[0].version)
    bench.maria.transition("SOC-1", "In Progress")
    versions.append(bench.connector.changes(None).items[0].version)
    assert len(set(versions)) == 4


def test_the_filter_says_what_is_eligible(bench: Bench) -> None:
    bench.maria.create("a", project="SOC", labels=["sec"])
    bench.maria.create("b", project="SOC", labels=["other"])
    bench.maria.create("c", project="SOC", labels=["sec"], issuetype="Bug")
    strict = bench.connect(JiraFilter(labels=("sec", "soc"), issue_types=("task",)))
    eligible = {bench.maria.issue(item.key).key for item in strict.changes(None).items if item.eligible}
    assert eligible == {"SOC-1"}
    assert len(strict.changes(None).items) == 3


def test_the_time_zone_of_the_account_does_not_matter(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, time_zone="America/New_York")
    bench.create()
    cursor = bench.connector.changes(None).cursor
    bench.maria.edit("SOC-1", summary="x")
    assert labels(bench, cursor)[0] == {"SOC-1"}


@pytest.mark.parametrize("count", [1, 10, 90])
def test_an_idle_call_costs_one_request(make: MakeBench, deployment: Deployment, count: int) -> None:
    bench = make(deployment)
    for number in range(count):
        bench.maria.create(f"no {number}", project="SOC")
    cursor = bench.connector.changes(None).cursor
    bench.jira.faults.forget()
    for _ in range(3):
        cursor = bench.connector.changes(cursor).cursor
    assert len(bench.requests) == 3


def test_an_idle_call_after_a_mass_change_costs_one_request_once_the_index_is_settled(make: MakeBench) -> None:
    clock = Clock()
    bench = make("cloud", clock=clock)
    bench.connector = bench.connect(clock=clock)
    for number in range(130):
        bench.maria.create(f"no {number}", project="SOC")
        clock.forward(milliseconds=1)
    clock.forward(seconds=2)  # the Date of an answer is in whole seconds, and the cursor never passes it
    cursor = bench.connector.changes(None).cursor
    clock.forward(minutes=6)
    cursor = bench.connector.changes(cursor).cursor
    bench.jira.faults.forget()
    found = bench.connector.changes(cursor)
    assert len(bench.requests) == 1
    assert len(found.items) == 1
    assert bench.connector.changes(found.cursor).cursor == cursor


def test_more_than_a_page_of_changes(bench: Bench) -> None:
    for number in range(130):
        bench.maria.create(f"no {number}", project="SOC")
    bench.jira.limit_pages(50)
    assert len(bench.connector.changes(None).items) == 130


def test_a_mass_change_in_one_instant_is_walked(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, clock=Clock(datetime(2026, 3, 2, 14, 30, tzinfo=UTC)))
    for number in range(43):
        bench.maria.create(f"no {number}", project="SOC")
    bench.jira.limit_pages(10)
    assert len(bench.connector.changes(None).items) == 43


@pytest.mark.parametrize("apart", [5, 600])
def test_a_change_during_the_walk_hides_no_other_ticket(make: MakeBench, deployment: Deployment, apart: int) -> None:
    clock = Clock()
    bench = make(deployment, clock=clock)
    bench.connector = bench.connect(clock=clock)
    for number in range(12):
        bench.maria.create(f"no {number}", project="SOC")
        clock.forward(seconds=apart)
    bench.jira.limit_pages(4)
    bench.jira.faults.arm(
        Fault(
            path=".*/search(/jql)?", when="after",
            call=lambda _: [bench.maria.edit(f"SOC-{n}", summary="moved") for n in (1, 2, 3)],  # type: ignore[func-returns-value]
        )
    )
    found, cursor = labels(bench, None)
    again = labels(bench, cursor)[0]
    assert {"SOC-1", "SOC-2", "SOC-3"} <= again
    assert found | again == {f"SOC-{n}" for n in range(1, 13)}
    if apart == 600:
        assert found == found | again


def test_a_change_during_the_walk_of_one_second_hides_no_other_ticket(make: MakeBench) -> None:
    clock = Clock()
    bench = make("datacenter", clock=clock)
    bench.connector = bench.connect(clock=clock)
    for number in range(12):
        bench.maria.create(f"no {number}", project="SOC")
    clock.forward(hours=1)
    bench.jira.limit_pages(4)

    def move(first: int, _: object) -> None:
        for number in (first, first + 1):
            bench.maria.edit(f"SOC-{number}", summary="moved")

    for one in (1, 3, 5):
        bench.jira.faults.arm(Fault(path=".*/search", when="after", call=partial(move, one)))
    found, _ = labels(bench, None)
    assert found == {f"SOC-{n}" for n in range(1, 13)}


class Index:
    """A search whose hits are sorted by what the index knew, and show what is true now."""

    date = datetime(2026, 3, 2, 12, tzinfo=UTC)
    size = 4

    def __init__(self, *, cloud: bool, changed: int) -> None:
        self.cloud = cloud
        self._indexed = [self.date - timedelta(hours=20 - n) for n in range(12)]
        self._changed = changed

    def search(
        self, _what: str, query: str, _fields: object, *, start: int = 0, token: str | None = None
    ) -> Page:
        since = int((re.search(r">= (\d+)", query) or ["", "0"])[1])
        hits = [n for n, at in enumerate(self._indexed) if at.timestamp() * 1000 >= since]
        begin = int(token) if token else start
        page = tuple(self._shown(n) for n in hits[begin : begin + self.size])
        end = begin + self.size
        follows = str(end) if self.cloud and end < len(hits) else None
        return Page(issues=page, token=follows, total=None if self.cloud else len(hits))

    def _shown(self, number: int) -> Issue:
        return Issue(
            id=str(number), key=f"SOC-{number}", natives={"tags": []},
            updated=self.date if number == self._changed else self._indexed[number],
        )


@pytest.mark.parametrize("changed", range(12))
def test_a_ticket_that_shows_a_later_time_than_the_index_leads_past_no_other(
    deployment: Deployment, changed: int
) -> None:
    index: Any = Index(cloud=deployment == "cloud", changed=changed)
    found = feed.changes(
        index, system="jira", project="SOC", accepts=JiraFilter(), text=None, clock=lambda: Index.date
    )
    assert {item.key for item in found.items} == {str(n) for n in range(12)}


@pytest.mark.parametrize(("lag", "known"), [(240.0, None), (900.0, 900.0)])
def test_a_ticket_that_the_index_finds_after_the_cursor_has_passed(
    make: MakeBench, lag: float, known: float | None
) -> None:
    clock = Clock()
    bench = make("cloud", clock=clock, search_lag=lag)
    bench.connector = bench.connect(clock=clock, find_lag=known)
    bench.maria.create("late", project="SOC")
    clock.forward(seconds=lag / 2)
    cursor = bench.connector.changes(None).cursor
    clock.forward(seconds=lag / 2 + 1)
    assert labels(bench, cursor)[0] == {"SOC-1"}


def test_a_ticket_indexed_late_is_not_missed(make: MakeBench) -> None:
    clock = Clock()
    bench = make("cloud", clock=clock, search_lag=60.0)
    bench.connector = bench.connect(clock=clock)
    bench.maria.create("a", project="SOC")
    clock.forward(minutes=2)
    cursor = bench.connector.changes(None).cursor
    bench.maria.edit("SOC-1", summary="late")
    assert all("late" not in item.key for item in bench.connector.changes(cursor).items)
    version = bench.connector.read(bench.connector.changes(cursor).items[0].key).version
    cursor = bench.connector.changes(cursor).cursor
    clock.forward(seconds=61)
    assert version in [item.version for item in bench.connector.changes(cursor).items]


def test_an_expired_token_never_looks_like_no_change(bench: Bench) -> None:
    bench.create()
    cursor = bench.connector.changes(None).cursor
    bench.jira.expire_credentials()
    for _ in range(2):
        with pytest.raises(Denied):
            bench.connector.changes(cursor)
    bench.jira.renew_credentials()
    assert len(bench.connector.changes(cursor).items) == 1


def test_an_empty_answer_is_doubted(bench: Bench) -> None:
    bench.create()
    cursor = bench.connector.changes(None).cursor
    empty = json.dumps({"issues": [], "isLast": True, "total": 0, "startAt": 0, "maxResults": 50}).encode()
    bench.jira.faults.arm(Fault(path=".*/search(/jql)?", status=200, body=empty))
    bench.jira.faults.arm(Fault(path=".*/myself", status=401))
    with pytest.raises(Denied):
        bench.connector.changes(cursor)


def test_a_project_that_is_not_visible_is_denied(bench: Bench) -> None:
    with pytest.raises(Denied, match="NOPE"):
        bench.connect(project="NOPE").changes(None)


def test_a_project_key_with_quotes_stays_a_value(bench: Bench) -> None:
    bench.create()
    with pytest.raises(Denied):
        bench.connect(project='NOPE" OR project = "SOC').changes(None)


def test_an_unreadable_cursor_lists_everything(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.create()
    for text in ("", "{}", "[1]", '{"updated": "x", "first": 1, "settled": true}'):
        assert len(bench.connector.changes(text).items) == 1
    assert "cannot be read" in caplog.text


def test_an_empty_project(bench: Bench) -> None:
    found = bench.connector.changes(None)
    assert found.items == ()
    bench.create()
    assert len(bench.connector.changes(found.cursor).items) == 1


def test_a_search_that_goes_round_in_circles_is_unavailable(cloud: Bench) -> None:
    cloud.create()
    body = json.dumps({"issues": [], "nextPageToken": "same"}).encode()
    cloud.jira.faults.arm(Fault(path=".*/search/jql", status=200, body=body, times=None))
    with pytest.raises(Unavailable, match="again and again"):
        cloud.connector.changes(None)


def test_the_kind_of_jira_can_be_given(bench: Bench) -> None:
    bench.create()
    given = bench.connect(deployment=bench.deployment)
    assert given.capabilities.find_lag == (90.0 if bench.deployment == "cloud" else 35.0)
    assert len(given.changes(None).items) == 1
    assert bench.connect(find_lag=1.5).capabilities.find_lag == 1.5


times = st.integers(min_value=0, max_value=4_000_000_000_000)


@given(seen=st.lists(times), begun=times, now=times)
def test_the_cursor_never_passes_the_start_of_the_walk(seen: list[int], begun: int, now: int) -> None:
    after = advanced(None, seen, begun=begun, now=now, overlap=1000)
    assert after.updated <= begun
    assert loads(after.dumps()) == after


cursors = st.builds(Cursor, updated=times, first=times, settled=st.booleans())


@given(last=cursors, seen=st.lists(times), begun=times, now=times)
def test_the_cursor_never_goes_back(last: Cursor, seen: list[int], begun: int, now: int) -> None:
    after = advanced(last, seen, begun=begun, now=now, overlap=1000)
    assert after.updated >= last.updated
    if after.updated > last.updated:
        assert after.since(1000) == after.updated - 1000


def test_the_cursor_settles_only_after_the_overlap() -> None:
    last = Cursor(updated=5000, first=10_000)
    assert not advanced(last, [5000], begun=9000, now=11_000, overlap=1000).settled
    assert advanced(last, [5000], begun=9000, now=11_001, overlap=1000).settled
