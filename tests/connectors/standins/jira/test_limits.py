"""Rate limits, outages, locked logins, clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from jira import JIRAError

from kibcase.server.faults import Fault
from kibcase_connectors.standins.jira import JiraStandin
from kibcase_connectors.standins.jira.limits import Bucket, Limits, Window, waiting

START = datetime(2026, 3, 2, 14, 30, 15, 250_000, tzinfo=UTC)
EDIT = {"fields": {"summary": "x"}}
BUCKET = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-FillRate", "X-RateLimit-Interval-Seconds",
          "Retry-After")


@pytest.mark.parametrize(("spelling", "headers"), [
    ("integer", {"Retry-After": "8", "X-RateLimit-Reset": "2026-03-02T14:30:23Z"}),
    ("decimal", {"Retry-After": "7.5"}),
    ("date", {"Retry-After": "Mon, 02 Mar 2026 14:30:23 GMT"}),
    ("reset", {"X-RateLimit-Reset": "2026-03-02T14:30:23Z"}),
    ("reset-minutes", {"X-RateLimit-Reset": "2026-03-02T14:31Z"}),
    ("none", {}),
])
def test_spellings(cloud: JiraStandin, rest_to: Callable[..., Any], spelling: Any, headers: dict[str, str]) -> None:
    rest = rest_to(cloud)
    cloud.throttle(7.5, spelling=spelling, reason="jira-quota-tenant-based", path=r".*/myself")
    answer = rest("GET", "myself")
    assert answer.status_code == 429
    found = {name: answer.headers.get(name) for name in ("Retry-After", "X-RateLimit-Reset", "RateLimit-Reason")}
    assert {k: v for k, v in found.items() if v} == {**headers, "RateLimit-Reason": "jira-quota-tenant-based"}
    assert rest("GET", "myself").status_code == 200


@given(st.floats(0.1, 10_000), st.sampled_from(["integer", "date", "reset", "reset-minutes"]),
       st.integers(0, 10**9).map(lambda each: START + timedelta(microseconds=each)))
def test_nobody_is_told_to_come_back_too_early(seconds: float, spelling: Any, now: datetime) -> None:
    headers = waiting(seconds, spelling, now)
    told = headers.get("X-RateLimit-Reset") or headers["Retry-After"]
    until = parsedate_to_datetime(told) if spelling == "date" else datetime.fromisoformat(told)
    assert until >= (now + timedelta(seconds=seconds)).replace(microsecond=0)
    assert until <= now + timedelta(seconds=seconds + 61)


@given(st.integers(1, 5), st.integers(1, 10), st.lists(st.integers(0, 5), max_size=30))
def test_a_window_never_holds_more_than_its_number(number: int, seconds: int, gaps: list[int]) -> None:
    window, now = Window(number, seconds), START
    admitted: list[datetime] = []
    for gap in gaps:
        now += timedelta(seconds=gap)
        wait = window.wait(now)
        inside = [each for each in admitted if each > now - timedelta(seconds=seconds)]
        assert (wait == 0) == (len(inside) < number)
        if wait:
            assert Window.wait(window, now + timedelta(seconds=wait)) == 0
            now += timedelta(seconds=wait)
        window.note(now)
        admitted.append(now)


def test_writes_to_an_issue_are_counted(cloud: JiraStandin, rest_to: Callable[..., Any], clock: Any) -> None:
    rest = rest_to(cloud)
    one, two = rest.create(), rest.create()
    cloud.limit_issue_writes((3, 10))
    assert [rest("PUT", f"issue/{ref}", EDIT).status_code for ref in (one, "10001")] == [204, 204]
    clock.forward(seconds=4)
    assert rest("POST", f"issue/{one}/comment", {"body": "c"}).status_code == 201
    over = rest("PUT", f"issue/{one}", {"fields": {"summary": "not written"}})
    assert (over.status_code, over.headers["RateLimit-Reason"], over.headers["Retry-After"]) == (
        429, "jira-per-issue-on-write", "6"
    )
    assert rest.fields(one)["summary"] == "x"
    assert rest("PUT", f"issue/{two}", EDIT).status_code == 204
    clock.forward(seconds=6)
    assert rest("PUT", f"issue/{one}", EDIT).status_code == 204
    cloud.lift_limits()
    assert {rest("PUT", f"issue/{one}", EDIT).status_code for _ in range(5)} == {204}


def test_the_windows_of_cloud(cloud: JiraStandin, rest_to: Callable[..., Any], clock: Any) -> None:
    rest = rest_to(cloud)
    key = rest.create()
    cloud.limit_issue_writes()
    codes = []
    for _ in range(6):
        codes += [rest("PUT", f"issue/{key}", EDIT).status_code for _ in range(20)]
        clock.forward(seconds=2)
    assert codes == [204] * 100 + [429] * 20


def test_bursts_count_by_endpoint_method_and_user(cloud: JiraStandin, rest_to: Callable[..., Any], clock: Any) -> None:
    rest, maria = rest_to(cloud), rest_to(cloud, "maria.lindqvist")
    cloud.limit_bursts((2, 1), spelling="decimal")
    assert [rest("GET", "myself").status_code for _ in range(3)] == [200, 200, 429]
    assert rest("GET", "field").status_code == 200
    assert maria("GET", "myself").status_code == 200
    clock.forward(seconds=1)
    assert rest("GET", "myself").status_code == 200


def test_every_answer_of_data_center_tells_the_bucket(datacenter: JiraStandin, rest_to: Callable[..., Any]) -> None:
    rest = rest_to(datacenter)
    key = rest.create()
    answers = [rest("GET", f"issue/{key}"), rest("GET", "issue/SOC-9"), rest("PUT", f"issue/{key}", EDIT),
               rest("GET", "no/such/path"), requests.get(f"{datacenter.url}/rest/api/2/myself", timeout=10)]
    assert [each.status_code for each in answers] == [200, 404, 204, 404, 401]
    assert all(name in each.headers for each in answers for name in BUCKET)
    assert {each.headers["Retry-After"] for each in answers} == {"0"}
    left = [int(each.headers["X-RateLimit-Remaining"]) for each in answers[:4]]
    assert left == list(range(left[0], left[0] - 4, -1))


def test_cloud_tells_no_bucket(cloud: JiraStandin, rest_to: Callable[..., Any]) -> None:
    headers = rest_to(cloud)("GET", "myself").headers
    assert [name for name in BUCKET if name in headers] == []


def test_an_empty_bucket(datacenter: JiraStandin, rest_to: Callable[..., Any], clock: Any) -> None:
    rest, maria = rest_to(datacenter), rest_to(datacenter, "maria.lindqvist")
    datacenter.limit_rate(3, 1, 5)
    answers = [rest("GET", "myself") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert [each.headers["X-RateLimit-Remaining"] for each in answers] == ["2", "1", "0", "0"]
    assert [each.headers["Retry-After"] for each in answers] == ["0", "0", "0", "5"]
    assert maria("GET", "myself").status_code == 200
    clock.forward(seconds=5)
    assert [rest("GET", "myself").status_code for _ in range(2)] == [200, 429]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 9), st.lists(st.integers(0, 30), max_size=40))
def test_a_bucket_gives_no_more_than_it_was_filled_with(
    capacity: int, fill: int, interval: int, gaps: list[int]
) -> None:
    bucket = Bucket(capacity=capacity, fill=fill, interval=interval, tokens=capacity, filled=START)
    now, taken = START, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        allowed = bucket.take(now)
        taken += allowed
        wait = int(bucket.headers(now, refused=not allowed)["retry-after"])
        assert (wait > 0) == (not allowed)
        assert 0 <= bucket.tokens <= capacity
    assert taken <= capacity + fill * ((now - START).total_seconds() // interval)


def test_nothing_is_counted_unless_asked() -> None:
    limits = Limits()
    assert all(limits.count(START, endpoint=("a", "PUT", "/issue/{ref}"), issue=1) is None for _ in range(1000))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("retry_after", [None, "3"])
def test_outages(standin: JiraStandin, rest: Any, status: Any, retry_after: str | None) -> None:
    standin.outage(status, retry_after=retry_after, times=2)
    for _ in range(2):
        answer = rest("GET", "myself")
        assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry_after)
        assert answer.headers["Content-Type"].startswith("text/html")
    assert rest("GET", "myself").status_code == 200


def test_an_outage_after_the_write(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    standin.outage(504, when="after", method="PUT")
    assert rest("PUT", f"issue/{key}", EDIT).status_code == 504
    assert rest.fields(key)["summary"] == "x"


def test_maintenance(standin: JiraStandin, rest: Any, client_of: Callable[..., Any]) -> None:
    client = client_of(standin)
    standin.maintenance()
    assert [rest("GET", "serverInfo").status_code for _ in range(3)] == [503] * 3
    with pytest.raises(JIRAError) as down:
        client.myself()
    assert (down.value.status_code, "down for maintenance" in str(down.value.text)) == (503, True)
    standin.end_troubles()
    assert client.myself()["displayName"] == "Kibcase Sync"


def test_a_login_page_instead_of_json(standin: JiraStandin, client_of: Callable[..., Any]) -> None:
    client = client_of(standin)
    standin.login_page()
    with pytest.raises(requests.exceptions.JSONDecodeError):
        client.myself()


def test_concurrent_edits(cloud: JiraStandin, rest_to: Callable[..., Any]) -> None:
    rest = rest_to(cloud)
    key = rest.create()
    cloud.conflict()
    assert rest("PUT", f"issue/{key}", EDIT).status_code == 409
    assert rest.fields(key)["summary"] == "Phishing mail"
    assert rest("PUT", f"issue/{key}", EDIT).status_code == 204


def test_captcha(datacenter: JiraStandin, client_of: Callable[..., Any], rest_to: Callable[..., Any]) -> None:
    rest, at = rest_to(datacenter), f"{datacenter.url}/rest/api/2/myself"
    wrong = [requests.get(at, auth=("kibcase", "wrong"), timeout=10).status_code for _ in range(4)]
    assert wrong == [401, 401, 401, 403]
    right = rest("GET", "myself")
    assert (right.status_code, right.headers["X-Seraph-LoginReason"]) == (403, "AUTHENTICATION_DENIED")
    assert right.headers["X-Authentication-Denied-Reason"] == (
        f"CAPTCHA_CHALLENGE; login-url={datacenter.url}/login.jsp"
    )
    token = {"Authorization": "Bearer kibcase-token"}
    assert requests.get(at, headers=token, timeout=10).status_code == 200
    assert rest_to(datacenter, "maria.lindqvist")("GET", "myself").status_code == 200
    with pytest.raises(JIRAError) as denied:
        client_of(datacenter).myself()
    assert str(denied.value.text).startswith("CAPTCHA_CHALLENGE")
    datacenter.solve_captcha("kibcase")
    assert rest("GET", "myself").status_code == 200
    datacenter.require_captcha("kibcase")
    assert rest("GET", "myself").status_code == 403


def test_a_right_password_ends_the_count(datacenter: JiraStandin, rest_to: Callable[..., Any]) -> None:
    at, rest = f"{datacenter.url}/rest/api/2/myself", rest_to(datacenter)
    for _ in range(3):
        assert [requests.get(at, auth=("kibcase", "wrong"), timeout=10).status_code for _ in range(2)] == [401, 401]
        assert rest("GET", "myself").status_code == 200
    datacenter.captcha_after(None)
    codes = {requests.get(at, auth=("kibcase", "wrong"), timeout=10).status_code for _ in range(6)}
    assert codes == {401}


def test_the_date_follows_the_clock(standin: JiraStandin, rest: Any, clock: Any) -> None:
    assert rest("GET", "myself").headers["Date"] == "Mon, 02 Mar 2026 14:30:15 GMT"
    clock.forward(hours=1)
    standin.outage()
    answers = [rest("GET", "myself"), rest("GET", "no/path"), rest("GET", "serverInfo")]
    assert {each.headers["Date"] for each in answers} == {"Mon, 02 Mar 2026 15:30:15 GMT"}
    standin.skew_clock(-90)
    key = rest.create()
    assert rest.fields(key)["created"] == "2026-03-02T15:28:45.250+0000"
    assert rest("GET", "serverInfo").json()["serverTime"] == "2026-03-02T15:28:45.250+0000"
    assert rest("GET", "myself").headers["Date"] == "Mon, 02 Mar 2026 15:28:45 GMT"
    standin.throttle(5, spelling="date")
    slow = rest("GET", "myself").headers
    assert (slow["Date"], slow["Retry-After"]) == ("Mon, 02 Mar 2026 15:28:45 GMT", "Mon, 02 Mar 2026 15:28:51 GMT")


def test_a_fault_may_bring_a_date_of_its_own(standin: JiraStandin, rest: Any) -> None:
    standin.faults.arm(Fault(status=503))
    assert rest("GET", "myself").headers["Date"] == "Mon, 02 Mar 2026 14:30:15 GMT"
    standin.faults.arm(Fault(status=503, headers=(("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),)))
    assert rest("GET", "myself").headers["Date"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert rest("GET", "myself").headers["Date"] == "Mon, 02 Mar 2026 14:30:15 GMT"


def test_the_date_without_a_faked_clock(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    standin = run("cloud", clock=lambda: datetime.now(UTC))
    told = parsedate_to_datetime(rest_to(standin)("GET", "myself").headers["Date"])
    assert abs((datetime.now(UTC) - told).total_seconds()) < 5
