"""What the change feed lists, what it costs and that it leaves nothing out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Denied, Unavailable
from kibcase_connectors.servicenow import ServiceNowFilter, walk
from kibcase_connectors.servicenow.cursor import Cursor, advanced, loads
from kibcase_connectors.standins.servicenow import JOURNAL_CLOSED, Restriction
from tests.connectors.servicenow.conftest import Clock

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench, Table


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(make: MakeBench, table: Table, clock: Clock) -> Bench:
    """A bench where instance and daemon have one clock, which stands still."""
    bench = make(table, clock=clock)
    bench.connector = bench.connect(clock=clock)
    return bench


def keys(bench: Bench, cursor: str | None) -> tuple[set[str], str]:
    found = bench.connector.changes(cursor)
    assert len({item.key for item in found.items}) == len(found.items)
    return {item.key for item in found.items}, found.cursor


def settled(bench: Bench, clock: Clock) -> str:
    """Give a cursor behind which nothing more is expected."""
    cursor = bench.connector.changes(None).cursor
    clock.forward(minutes=5)
    return bench.connector.changes(cursor).cursor


def test_the_first_run_lists_everything_and_later_ones_what_changed(timed: Bench, clock: Clock) -> None:
    made = []
    for number in range(4):
        made.append(timed.person_makes(f"no {number}"))
        clock.forward(minutes=20)
    found, cursor = keys(timed, None)
    assert found == set(made)
    timed.tomasz.edit(made[1], short_description="new")
    found, cursor = keys(timed, cursor)
    assert found == {made[1], made[3]}
    assert keys(timed, cursor)[0] == {made[1]}


def test_a_line_of_the_feed_has_the_version_of_the_snapshot(bench: Bench) -> None:
    ticket = bench.ticket()
    (item,) = bench.connector.changes(None).items
    assert (item.key, item.version, item.marked, item.eligible) == (ticket.key, ticket.version, True, True)
    bench.comment(ticket.key)
    (item,) = bench.connector.changes(bench.connector.changes(None).cursor).items
    assert item.version == bench.connector.read(ticket.key).version


def test_a_second_write_in_the_same_second_is_listed(timed: Bench, clock: Clock) -> None:
    key = timed.person_makes()
    cursor = timed.connector.changes(None).cursor
    first = timed.connector.changes(cursor).items[0].version
    timed.tomasz.edit(key, short_description="x")
    assert timed.connector.changes(cursor).items[0].version != first
    cursor = settled(timed, clock)
    # Even where nothing more is expected the last second counts as open.
    assert keys(timed, cursor)[0] == {key}


def test_a_note_that_does_not_touch_its_record_is_listed(timed: Bench, clock: Clock) -> None:
    key, other = timed.person_makes(), timed.person_makes()
    clock.forward(minutes=5)
    cursor = settled(timed, clock)
    timed.late_entry(key, "quiet")
    found = timed.connector.changes(cursor)
    versions = {item.key: item.version for item in found.items}
    assert versions[key] == timed.connector.read(key).version
    assert "+" in versions[key]
    assert versions[key] == {item.key: item.version for item in timed.connector.changes(None).items}[key]
    cursor = found.cursor
    clock.forward(minutes=5)
    for _ in range(3):
        found = timed.connector.changes(cursor)
        assert [(item.key, item.version) for item in found.items] == [(key, versions[key])]
        cursor = found.cursor
    assert other not in keys(timed, cursor)[0]


def test_notes_of_other_tables_are_nobodys(timed: Bench, clock: Clock) -> None:
    other = "sn_si_incident" if timed.table == "incident" else "incident"
    timed.person_makes()
    clock.forward(minutes=5)
    cursor = settled(timed, clock)
    foreign = timed.tomasz.create("elsewhere", table=other)
    values = {"name": "task", "element": "work_notes", "element_id": foreign, "value": "x"}
    timed.servicenow.state.commit([timed.servicenow.state.blank("sys_journal_field", "tomasz.nowak", values)])
    assert foreign not in keys(timed, cursor)[0]


@pytest.mark.parametrize("count", [1, 10, 300])
@pytest.mark.parametrize(("table", "parts", "price"), [
    ("incident", {"title"}, 1), ("incident", {"title", "comments"}, 2), ("incident", {"comments", "files"}, 3),
    ("incident", None, 3), ("sn_si_incident", None, 4),
])
def test_an_idle_call_costs_one_request_for_each_thing_that_may_not_touch_its_record(
    make: MakeBench, count: int, table: Table, parts: set[str] | None, price: int
) -> None:
    clock = Clock()
    bench = make(table, clock=clock)
    bench.connector = bench.connect(clock=clock, parts=parts)
    for number in range(count):
        bench.person_makes(f"no {number}")
    cursor = settled(bench, clock)
    bench.servicenow.faults.forget()
    sizes = []
    for _ in range(3):
        found = bench.connector.changes(cursor)
        cursor = found.cursor
        sizes.append(len(found.items))
    # A second with more records than fit half a page is not listed again as a whole.
    assert len(bench.requests) == 3 * (price if count < 300 else price + 1)
    assert sizes == [1 if count == 300 else count] * 3


def test_what_is_not_polled_costs_nothing(timed: Bench, clock: Clock) -> None:
    timed.person_makes()
    timed.connector = timed.connect(
        clock=clock, poll_journal=False, poll_attachments=False, observables="off"
    )
    cursor = settled(timed, clock)
    timed.servicenow.faults.forget()
    timed.connector.changes(cursor)
    assert len(timed.requests) == 1


def test_more_than_a_page_of_changes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGE", 20)
    made = {bench.person_makes(f"no {number}") for number in range(57)}
    assert keys(bench, None)[0] == made


def test_a_mass_change_in_one_second_is_walked_by_id(timed: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGE", 10)
    made = {timed.person_makes(f"no {number}") for number in range(43)}
    assert keys(timed, None)[0] == made


def test_seconds_of_all_sizes_are_walked(timed: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGE", 10)
    made = set()
    for size in (3, 9, 1, 25, 1, 10, 4):
        made |= {timed.person_makes() for _ in range(size)}
        clock.forward(seconds=1)
    assert keys(timed, None)[0] == made


def test_a_change_during_the_walk_hides_no_other_record(
    timed: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "PAGE", 4)
    made = []
    for number in range(12):
        made.append(timed.person_makes(f"no {number}"))
        clock.forward(seconds=5)

    def move(_: object) -> None:
        for key in made[:3]:
            timed.tomasz.edit(key, short_description="moved")

    timed.servicenow.faults.arm(Fault(path=f".*/{timed.table}", when="after", call=move))
    found, _ = keys(timed, None)
    assert found == set(made)


@pytest.mark.parametrize("hidden", [range(30), range(5, 25), [0, 3, 4, 5, 6, 29]])
def test_hidden_records_make_short_and_empty_pages_but_no_end(
    timed: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch, hidden: Any
) -> None:
    monkeypatch.setattr(walk, "PAGE", 4)
    shown = set()
    for number in range(30):
        key = timed.person_makes("hidden" if number in hidden else "seen")
        shown |= set() if number in hidden else {key}
        clock.forward(seconds=1)
    shown.add(timed.person_makes("seen"))
    timed.servicenow.state.restrict(
        Restriction(table=timed.table, operations=frozenset({"read"}),
                    rows=lambda row: row["short_description"] == "hidden")
    )
    assert keys(timed, None)[0] == shown


def test_a_page_that_is_cancelled_is_thrown_away_and_asked_for_in_halves(timed: Bench) -> None:
    made = {timed.person_makes() for _ in range(50)}
    timed.servicenow.cancel_lists_beyond(20)
    assert keys(timed, None)[0] == made
    limits = [seen.query for seen in timed.servicenow.faults.requests if seen.path.endswith(timed.table)]
    assert "sysparm_limit=250" in limits[0]
    timed.servicenow.cancel_lists_beyond(0)
    with pytest.raises(Unavailable, match="Transaction cancelled"):
        timed.connector.changes(None)


@pytest.mark.parametrize("status", [400, 500])
def test_a_list_that_is_cancelled_before_its_status_is_sent_is_asked_for_in_halves(timed: Bench, status: int) -> None:
    key = timed.person_makes()
    timed.connector.changes(None)
    told = {"message": "Transaction cancelled: maximum execution time exceeded", "detail": None}
    body = json.dumps({"error": told, "status": "failure"}).encode()
    timed.servicenow.faults.forget()
    timed.servicenow.faults.arm(Fault(path=f".*/{timed.table}", status=status, body=body, times=1))
    assert keys(timed, None)[0] == {key}
    limits = [seen.query for seen in timed.servicenow.faults.requests if seen.path.endswith(timed.table)]
    assert "sysparm_limit=125" in limits[1]


@pytest.mark.parametrize("zone", ["", "America/New_York", "UTC"])
def test_the_time_zone_of_the_account_does_not_matter_where_literals_are_utc(
    make: MakeBench, table: Table, clock: Clock, zone: str
) -> None:
    bench = make(table, clock=clock, time_zone=zone)
    bench.connector = bench.connect(clock=clock)
    key = bench.person_makes()
    cursor = bench.connector.changes(None).cursor
    bench.tomasz.edit(key, short_description="x")
    assert keys(bench, cursor)[0] == {key}


@pytest.mark.parametrize("zone", ["", "America/New_York", "Asia/Tokyo"])
def test_literals_in_the_zone_of_the_account_are_noticed(make: MakeBench, table: Table, zone: str) -> None:
    bench = make(table, time_zone=zone, literal_dates="user")
    for deed in (lambda: bench.connector.changes(None), lambda: bench.connector.read("0" * 32), bench.create):
        with pytest.raises(Denied, match="Set the time zone of the account"):
            deed()
    assert bench.rows() == []
    assert make(table, time_zone="UTC", literal_dates="user").connector.changes(None).items == ()


def test_an_account_changed_while_it_is_probed_is_probed_again(bench: Bench) -> None:
    def touch(_: object) -> None:
        row = bench.servicenow.state.find("sys_user", bench.servicenow.state.user("kibcase").sys_id)
        assert row is not None
        moved = {**row.values, "sys_updated_on": "2026-11-20 10:00:00"}
        bench.servicenow.state.commit([type(row)(table=row.table, order=row.order, values=moved)])

    bench.servicenow.faults.arm(Fault(path=".*/sys_user", when="after", call=touch))
    assert bench.connector.changes(None).items == ()


def test_a_replica_that_lags_is_made_up_for(make: MakeBench, table: Table, clock: Clock) -> None:
    bench = make(table, clock=clock)
    bench.connector = bench.connect(clock=clock)
    late, other = bench.person_makes("late"), bench.person_makes("other")
    clock.forward(minutes=2)
    cursor = bench.connector.changes(None).cursor
    bench.servicenow.state.list_lag = 40.0
    bench.tomasz.edit(late, short_description="changed")
    clock.forward(seconds=10)
    bench.servicenow.state.list_lag = 0.0
    bench.tomasz.edit(other, short_description="seen first")
    found = bench.connector.changes(cursor)
    assert {item.key for item in found.items} == {late, other}
    clock.forward(seconds=35)
    # The cursor is at the later of the two stamps; a search from there on goes back before the earlier one.
    assert late in keys(bench, found.cursor)[0]


def test_the_filter_says_what_is_eligible(incidents: Bench) -> None:
    group = "Security Operations"
    wanted = incidents.person_makes(assignment_group=group, category="network")
    incidents.person_makes(assignment_group="Service Desk", category="network")
    incidents.person_makes(assignment_group=group, category="inquiry")
    incidents.person_makes()
    narrow = ServiceNowFilter(assignment_groups=("security operations",), categories=("network",))
    found = incidents.connect(narrow).changes(None).items
    assert [item.key for item in found if item.eligible] == [wanted]
    assert len(found) == 4
    later = ServiceNowFilter(created_after=datetime.now(UTC) + timedelta(hours=1))
    assert not any(item.eligible for item in incidents.connect(later).changes(None).items)


def test_lost_roles_never_look_like_no_change(bench: Bench) -> None:
    bench.person_makes()
    cursor = bench.connector.changes(None).cursor
    bench.servicenow.state.take_roles("kibcase", "itil", "sn_si.analyst")
    for known in (cursor, None):
        with pytest.raises(Denied):
            bench.connector.changes(known)


def test_a_table_that_the_instance_lacks_is_denied(bench: Bench) -> None:
    body = json.dumps({"error": {"message": "Invalid table x", "detail": None}, "status": "failure"}).encode()
    bench.servicenow.faults.arm(Fault(path=f".*/{bench.table}", status=400, body=body, times=None))
    with pytest.raises(Denied, match="Invalid table"):
        bench.connector.changes(None)


def test_an_ignored_bound_is_noticed(timed: Bench, clock: Clock) -> None:
    timed.person_makes("old")
    clock.forward(hours=3)
    timed.person_makes("new")
    cursor = settled(timed, clock)
    rows = [{"sys_id": "1" * 32, "sys_updated_on": "2020-01-01 00:00:00", "sys_mod_count": "0"}]
    timed.servicenow.faults.arm(
        Fault(path=f".*/{timed.table}", status=200, body=json.dumps({"result": rows}).encode())
    )
    with pytest.raises(Denied, match="sys_updated_on"):
        timed.connector.changes(cursor)


def test_a_closed_journal_in_the_feed(bench: Bench) -> None:
    bench.tomasz.work_note(bench.person_makes(), "x")
    cursor = bench.connector.changes(None).cursor
    bench.servicenow.state.restrict(JOURNAL_CLOSED)
    # What touched its record is seen all the same; the read says what is wrong.
    assert len(bench.connector.changes(cursor).items) == 1


def test_an_unreadable_cursor_lists_everything(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.create()
    for text in ("", "[1]", '{"at": "x", "first": 1, "settled": true, "crowd": ""}', '{"at": 1}'):
        assert len(bench.connector.changes(text).items) == 1
    assert "cannot be read" in caplog.text


def test_an_empty_table(bench: Bench) -> None:
    found = bench.connector.changes(None)
    assert found.items == ()
    assert bench.connector.changes(found.cursor).items == ()
    bench.create()
    assert len(bench.connector.changes(found.cursor).items) == 1


def test_version_one_tells_an_empty_list_as_not_found(bench: Bench) -> None:
    body = json.dumps({"error": {"message": "No Record found", "detail": None}, "status": "failure"}).encode()
    bench.connector.changes(None)
    bench.servicenow.faults.arm(Fault(path=f".*/{bench.table}", status=404, body=body))
    assert bench.connector.changes(None).items == ()


def test_records_in_no_form_known(bench: Bench) -> None:
    bench.connector.changes(None)
    for row in ({"sys_id": "1"}, {"sys_id": "1", "sys_updated_on": "yesterday"}, {"sys_id": 1}):
        body = json.dumps({"result": [row]}).encode()
        bench.servicenow.faults.arm(Fault(path=f".*/{bench.table}", status=200, body=body))
        with pytest.raises((Unavailable, Denied)):
            bench.connector.changes(None)


seconds = st.integers(min_value=946_684_800, max_value=4_000_000_000)
stamps = seconds.map(lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S"))
times = st.integers(min_value=0, max_value=4_000_000_000_000)


@given(newest=st.none() | stamps, begun=st.none() | stamps, now=times)
def test_the_cursor_never_passes_the_start_of_the_walk(newest: str | None, begun: str | None, now: int) -> None:
    after = advanced(None, newest, begun=begun, now=now, overlap=60, crowd="")
    assert (after is None) == (newest is None)
    if after is not None:
        assert loads(after.dumps()) == after
        assert begun is None or after.at <= begun


cursors = st.builds(Cursor, at=stamps, first=times, settled=st.booleans())


@given(last=cursors, newest=st.none() | stamps, begun=st.none() | stamps, now=times)
def test_the_cursor_never_goes_back(last: Cursor, newest: str | None, begun: str | None, now: int) -> None:
    after = advanced(last, newest, begun=begun, now=now, overlap=60, crowd="x")
    assert after is not None
    assert after.at >= last.at
    if after.at > last.at:
        assert not after.settled
        assert after.since(60) < after.at


def test_the_cursor_settles_only_after_the_overlap() -> None:
    last = Cursor(at="2026-03-02 14:30:15", first=10_000)
    assert not _after(last, 70_000).settled
    assert _after(last, 70_001).settled
    assert _after(last, 70_001).crowd == "ff"


def _after(last: Cursor, now: int) -> Cursor:
    after = advanced(last, last.at, begun=None, now=now, overlap=60, crowd="ff")
    assert after is not None
    return after
