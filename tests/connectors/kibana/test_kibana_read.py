"""What a case looks like to sync."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment
from kibcase_connectors.errors import NotFound, Unavailable
from kibcase_connectors.kibana.access import clock_offset

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench


def test_a_case_with_everything(bench: Bench) -> None:
    key = bench.case(tags=["vip", "kibcase-jira-1-2"], severity="critical")
    bench.analyst.comments.add(key, "First", "securitySolution")
    bench.connector.apply(AddComment(key=key, mark="kibcase-jira-1-2#77", body="Second"), bench.announced)
    seen = bench.connector.read(key)
    assert seen.key == key
    assert seen.label == f"case {key[:8]}"
    assert seen.url == f"{bench.server.kibana_url}/app/security/cases/{key}"
    assert seen.mark == f"kibcase-kibana-{key}"
    assert seen.marks == ("kibcase-jira-1-2",)
    assert seen.fields == {
        "title": "Suspicious login", "description": "From a new country.", "status": "open",
        "severity": "critical", "tags": ["vip", "kibcase-jira-1-2"],
    }
    assert seen.created is not None
    assert seen.created.by == "Mara Lindqvist"
    assert [(one.body, one.author, one.mark) for one in seen.comments] == [
        ("First", "Mara Lindqvist", None), ("Second", "elastic", "kibcase-jira-1-2#77"),
    ]
    assert seen.version == bench.analyst.cases.get(key).version


def test_a_numbered_case_is_called_by_its_number(serve: Callable[..., Bench]) -> None:
    bench = serve(incremental_ids=True, incremental_id_delay=0)
    seen = bench.connector.read(bench.case())
    assert seen.label == "case 1"
    assert [item.version for item in bench.connector.changes(None).items] == [seen.version]


@pytest.mark.parametrize(
    ("owner", "path"),
    [
        ("observability", "/app/observability/cases/"),
        ("cases", "/app/management/insightsAndAlerting/cases/"),
    ],
)
def test_each_owner_has_its_own_page(bench: Bench, owner: str, path: str) -> None:
    key = bench.case(owner=owner)
    assert bench.connect(owner=owner).read(key).url == f"{bench.server.kibana_url}{path}{key}"


def test_who_touched_what_last_and_when_by_our_clock(serve: Callable[..., Bench]) -> None:
    ahead = timedelta(hours=3)
    bench = serve(clock=lambda: datetime.now(UTC), ours=lambda: datetime.now(UTC) + ahead)
    cases = bench.analyst.cases
    case = cases.get(bench.case(tags=["a"]))
    case = cases.update(case, status="in-progress")
    case = cases.update(case, tags=["b"], severity="high")
    case = cases.update(case, status="closed")
    seen = bench.connector.read(case.id)
    now = datetime.now(UTC) + ahead
    assert set(seen.touched) == {"status", "tags", "severity"}
    assert {touch.by for touch in seen.touched.values()} == {"Mara Lindqvist"}
    assert all(abs(touch.at - now) < timedelta(seconds=10) for touch in seen.touched.values())
    assert seen.touched["status"].at > seen.touched["tags"].at


def test_an_old_change_is_not_hidden_by_many_new_ones(bench: Bench) -> None:
    key = bench.case()
    bench.analyst.cases.update(key, title="Renamed")
    for number in range(105):
        bench.analyst.cases.update(key, severity="high" if number % 2 else "low", status=("closed", "open")[number % 2])
    assert set(bench.connector.read(key).touched) == {"title", "severity", "status"}


@pytest.mark.parametrize(
    ("date", "now", "seconds"),
    [("12:00:00", "12:00:01", 0), ("12:00:00", "12:00:10", 9.5), ("12:00:10", "12:00:00", -10.5)],
)
def test_the_offset_of_the_clocks(date: str, now: str, seconds: float) -> None:
    day = "2025-05-01T"
    given = (datetime.fromisoformat(f"{day}{text}+00:00") for text in (date, now))
    assert clock_offset(*given) == timedelta(seconds=seconds)


def test_many_comments_come_in_order_and_other_attachments_not_at_all(bench: Bench) -> None:
    key = bench.case()
    for number in range(105):
        bench.analyst.comments.add(key, f"Comment {number}", "securitySolution")
    bench.analyst.alerts.attach(
        key, alert_ids=["a1"], index=".alerts-x", rule={"id": "r", "name": "R"}, owner="securitySolution"
    )
    bodies = [comment.body for comment in bench.connector.read(key).comments]
    assert bodies == [f"Comment {number}" for number in range(105)]


def test_the_digest_follows_kibanas_own_text(bench: Bench) -> None:
    key = bench.case()
    comment = bench.analyst.comments.add(key, "One", "securitySolution")
    [before] = bench.connector.read(key).comments
    edited = bench.analyst.comments.update(key, comment, "Two")
    [after] = bench.connector.read(key).comments
    assert before.updated is None
    assert after.updated == edited.updated_at
    assert (after.key, after.created, after.body) == (before.key, before.created, "Two")
    assert after.digest != before.digest
    assert bench.connector.read(key).comments == (after,)


def test_a_case_that_moves_while_it_is_read_is_read_again(bench: Bench) -> None:
    key = bench.case()

    def rename(_: Any) -> None:
        bench.analyst.cases.update(key, title="Renamed")

    bench.server.kibana.arm(Fault(method="GET", path=".*/comments/_find", call=rename))
    seen = bench.connector.read(key)
    assert seen.fields["title"] == "Renamed"
    assert "title" in seen.touched
    assert seen.version == bench.analyst.cases.get(key).version


def test_a_case_that_never_holds_still_has_an_old_version(bench: Bench) -> None:
    key = bench.case()
    versions: list[str] = []

    def comment(_: Any) -> None:
        bench.analyst.comments.add(key, f"Comment {len(versions)}", "securitySolution")
        versions.append(bench.analyst.cases.get(key).version)

    bench.server.kibana.arm(Fault(method="GET", path=".*/comments/_find", call=comment, times=None))
    seen = bench.connector.read(key)
    assert len(seen.comments) == len(versions) == 3
    assert seen.version == versions[-2]


def test_a_case_that_is_gone(bench: Bench) -> None:
    key = bench.case()
    bench.analyst.cases.delete(key)
    for missing in (key, "nothing/../here?x=1"):
        with pytest.raises(NotFound, match="read case"):
            bench.connector.read(missing)


def test_an_address_without_cases_does_not_make_them_gone(bench: Bench) -> None:
    key = bench.case()
    connector = bench.connect(url=f"{bench.server.kibana_url}/wrong/base")
    with pytest.raises(Unavailable, match="Check url and space"):
        connector.read(key)
    with pytest.raises(Unavailable, match="Check url and space"):
        bench.connect(space="missing").read(key)


def test_find_gives_the_oldest_first(bench: Bench) -> None:
    keys = [bench.case(tags=["kibcase-jira-1-2", "x"]) for _ in range(3)]
    bench.case(tags=["kibcase-jira-1-22"])
    bench.case(tags=["kibcase-jira-1-2"], owner="observability")
    assert bench.connector.find("kibcase-jira-1-2") == tuple(keys)
    assert bench.connector.find("kibcase-jira-1") == ()
