"""The change feed over real HTTP: complete, and cheap when nothing happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.errors import Denied, Unavailable
from kibcase_connectors.kibana import CaseFilter
from kibcase_connectors.model import Changed, Changes

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench


def listed(changes: Changes) -> dict[str, Changed]:
    found = {item.key: item for item in changes.items}
    assert len(found) == len(changes.items)
    return found


def settled(bench: Bench) -> str:
    """Give the cursor of a space that has been quiet for long enough."""
    cursor = bench.connector.changes(None).cursor
    bench.clock.pass_seconds(61)
    cursor = bench.connector.changes(cursor).cursor
    return bench.connector.changes(cursor).cursor


def test_an_empty_space(bench: Bench) -> None:
    first = bench.connector.changes(None)
    assert first.items == ()
    assert bench.connector.changes(first.cursor).items == ()
    key = bench.case()
    assert set(listed(bench.connector.changes(first.cursor))) == {key}


def test_the_first_look_lists_every_case_of_the_owner(bench: Bench) -> None:
    keys = {bench.case(f"Case {number}") for number in range(230)}
    bench.case(owner="observability")
    assert set(listed(bench.connector.changes(None))) == keys


def test_the_version_listed_is_that_of_the_snapshot(bench: Bench) -> None:
    key = bench.case()
    [item] = bench.connector.changes(None).items
    assert item == Changed(key=key, version=bench.connector.read(key).version, eligible=True, marked=False)


@pytest.mark.parametrize("number", [1, 10, 200])
def test_an_idle_look_costs_two_requests(bench: Bench, number: int) -> None:
    for each in range(number):
        bench.analyst.cases.update(bench.case(f"Case {each}"), severity="high")
    cursor = settled(bench)
    before = bench.mark
    again = bench.connector.changes(cursor)
    assert [seen.path for seen in bench.requests(before)] == ["/api/cases/_find"] * 2
    assert len(again.items) <= 2
    assert again.cursor == cursor


def test_a_case_that_is_only_created_and_one_that_is_changed_are_listed(bench: Bench) -> None:
    quiet, changed = bench.case("quiet"), bench.case("changed")
    cursor = settled(bench)
    bench.clock.pass_seconds(1000)
    bench.analyst.comments.add(changed, "Looks bad", "securitySolution")
    new = bench.case("new")
    items = listed(bench.connector.changes(cursor))
    assert {new, changed} <= set(items)
    assert items[changed].version == bench.connector.read(changed).version
    assert quiet not in items or items[quiet].version == bench.connector.read(quiet).version


def test_updates_within_one_millisecond_are_all_listed(bench: Bench) -> None:
    keys = [bench.case(f"Case {number}") for number in range(30)]
    cursor = settled(bench)
    bench.clock.pass_seconds(100)
    bench.clock.step *= 0
    for key in keys:
        bench.analyst.cases.update(key, severity="high")
    items = listed(bench.connector.changes(cursor))
    assert {key: bench.connector.read(key).version for key in keys} == {
        key: item.version for key, item in items.items() if key in keys
    }


def test_an_update_with_the_stamp_of_the_last_one_seen_is_listed(bench: Bench) -> None:
    first, second = bench.case("first"), bench.case("second")
    bench.clock.pass_seconds(100)
    bench.clock.step *= 0
    bench.analyst.cases.update(first, severity="high")
    cursor = bench.connector.changes(None).cursor
    version = bench.analyst.cases.update(second, severity="high").version
    assert listed(bench.connector.changes(cursor))[second].version == version


def test_an_update_that_appears_late_is_listed(bench: Bench) -> None:
    early, late = bench.case("early"), bench.case("late")
    bench.clock.pass_seconds(100)
    bench.analyst.cases.update(early, severity="high")
    cursor = bench.connector.changes(bench.connector.changes(None).cursor).cursor
    # Another node of Kibana, whose clock is half a minute behind.
    bench.clock.pass_seconds(-30)
    version = bench.analyst.cases.update(late, severity="high").version
    assert listed(bench.connector.changes(cursor))[late].version == version


@pytest.mark.parametrize("number", [101, 240])
def test_more_than_a_page_of_changes_is_listed(bench: Bench, number: int) -> None:
    keys = [bench.case(f"Case {each}") for each in range(number + 20)]
    cursor = settled(bench)
    bench.clock.pass_seconds(1000)
    versions = {key: bench.analyst.cases.update(key, severity="high").version for key in keys[20:]}
    items = listed(bench.connector.changes(cursor))
    assert {key: items[key].version for key in versions} == versions


def test_a_change_during_the_walk_is_listed_then_or_next_time(bench: Bench) -> None:
    keys = [bench.case(f"Case {each}") for each in range(150)]
    cursor = settled(bench)
    bench.clock.pass_seconds(1000)
    for key in keys[:140]:
        bench.analyst.cases.update(key, severity="high")
    moved: dict[str, str] = {}

    def move(_: Any) -> None:
        # Straight into the state: a request from here would wait for the fault to end.
        for key in (keys[3], keys[145]):
            moved[key] = bench.analyst.cases.update(key, title="moved").version

    for wait in range(3):
        bench.server.kibana.arm(Fault(path="/api/cases/_find", call=None if wait < 2 else move))
    first = bench.connector.changes(cursor)
    second = bench.connector.changes(first.cursor)
    assert moved
    seen = {item.version for item in (*first.items, *second.items)}
    assert set(moved.values()) <= seen
    assert set(keys[:140]) <= {item.key for item in (*first.items, *second.items)}


def test_a_cursor_that_cannot_be_read_lists_everything(bench: Bench) -> None:
    keys = {bench.case(f"Case {each}") for each in range(3)}
    cursor = settled(bench)
    damaged = json.dumps({**json.loads(cursor), "v": 99})
    assert set(listed(bench.connector.changes(damaged))) == keys


def test_the_filter_and_the_mark(bench: Bench) -> None:
    plain, vip = bench.case(), bench.case(tags=["vip"])
    copy = bench.create(tags=("vip",)).key
    items = listed(bench.connect(CaseFilter(tags=("vip",))).changes(None))
    assert {key: (item.eligible, item.marked) for key, item in items.items()} == {
        plain: (False, False), vip: (True, False), copy: (True, True),
    }


def test_a_space_of_its_own(bench: Bench) -> None:
    bench.case()
    bench.server.cases.spaces.create({"id": "soc", "name": "SOC"})
    connector = bench.connect(space="soc")
    assert connector.changes(None).items == ()
    with bench.analyst.space("soc") as analyst:
        key = analyst.cases.create(title="t", description="d", owner="securitySolution").id
    assert set(listed(connector.changes(None))) == {key}
    assert connector.read(key).url == f"{bench.server.kibana_url}/s/soc/app/security/cases/{key}"


def test_wrong_credentials_are_denied(bench: Bench) -> None:
    with pytest.raises(Denied, match="password"):
        bench.connect(password="wrong").changes(None)


def test_a_missing_right_is_the_whole_connections(bench: Bench) -> None:
    body = b'{"statusCode":403,"error":"Forbidden","message":"Unauthorized to find cases of any owner"}'
    bench.server.kibana.arm(Fault(path="/api/cases/_find", status=403, body=body))
    with pytest.raises(Denied, match="privilege"):
        bench.connector.changes(None)


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}, {"status": 502, "body": b"<html>"}])
def test_no_answer_is_tried_later_and_not_at_once(bench: Bench, fault: dict[str, Any]) -> None:
    bench.case()
    bench.server.kibana.arm(Fault(path="/api/cases/_find", times=None, **fault))
    before = bench.mark
    with pytest.raises(Unavailable):
        bench.connector.changes(None)
    assert len(bench.requests(before)) == 1
