"""Search over HTTP: two APIs, paging, lag, time zones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kibcase_connectors.standins.jira import JiraStandin


@pytest.fixture
def on_cloud(cloud: JiraStandin, rest_to: Callable[..., Any]) -> Any:
    return rest_to(cloud)


@pytest.fixture
def on_dc(datacenter: JiraStandin, rest_to: Callable[..., Any]) -> Any:
    return rest_to(datacenter)


def keys(rest: Any, jql: str) -> list[str]:
    cloud = rest("GET", "serverInfo").json()["deploymentType"] == "Cloud"
    answer = rest("GET", "search/jql" if cloud else "search", params={"jql": jql, "fields": "summary"})
    assert answer.status_code == 200, answer.text
    return [each["key"] for each in answer.json()["issues"]]


def test_each_deployment_has_its_own_api(on_cloud: Any, on_dc: Any) -> None:
    for method, body in (("GET", None), ("POST", {"jql": "project = SOC"})):
        gone = on_cloud(method, "search?jql=project=SOC", body)
        assert gone.status_code == 410
        assert gone.json()["errorMessages"][0].startswith("The requested API has been removed. Please migrate")
        assert on_dc(method, "search/jql?jql=project=SOC", body).status_code == 404
    assert on_dc("POST", "search/approximate-count", {"jql": "project = SOC"}).status_code == 404


@pytest.mark.parametrize("jql", ["", "ORDER BY updated ASC"])
def test_unbounded(on_cloud: Any, on_dc: Any, jql: str) -> None:
    on_dc.create()
    answer = on_cloud("POST", "search/jql", {"jql": jql})
    assert (answer.status_code, answer.json()["errorMessages"]) == (
        400, ["Unbounded JQL queries are not allowed here. Please add a search restriction to your query."]
    )
    assert on_dc("POST", "search", {"jql": jql}).json()["total"] == 1


def test_cloud_gives_ids_only_unless_fields_are_asked(on_cloud: Any) -> None:
    key = on_cloud.create()
    bare = on_cloud("GET", "search/jql?jql=project=SOC").json()
    assert bare == {"issues": [{"id": "10001"}], "isLast": True}
    (issue,) = on_cloud("GET", "search/jql?jql=project=SOC&fields=key").json()["issues"]
    assert (issue["key"], "fields" in issue) == (key, False)
    two = on_cloud("GET", "search/jql?jql=project=SOC&fields=summary&fields=updated").json()["issues"][0]["fields"]
    assert set(two) == {"summary", "updated"}
    by_comma = on_cloud("GET", "search/jql?jql=project=SOC&fields=*all,-comment&expand=changelog").json()["issues"][0]
    assert "attachment" in by_comma["fields"]
    assert "comment" not in by_comma["fields"]
    assert by_comma["changelog"]["total"] == 0


def test_data_center_gives_navigable_fields(on_dc: Any) -> None:
    on_dc.create()
    body = on_dc("GET", "search?jql=project=SOC&validateQuery=True").json()
    assert (body["startAt"], body["maxResults"], body["total"]) == (0, 50, 1)
    fields = body["issues"][0]["fields"]
    assert "summary" in fields
    assert not {"comment", "attachment"} & set(fields)


def test_token_paging(cloud: JiraStandin, on_cloud: Any) -> None:
    made = [on_cloud.create() for _ in range(7)]
    cloud.limit_pages(3)
    seen, token, pages = [], None, 0
    while True:
        page = on_cloud("POST", "search/jql", {
            "jql": "project = SOC ORDER BY key ASC", "fields": ["key"], "expand": None, "properties": None,
            "reconcileIssues": [], "maxResults": 100, **({"nextPageToken": token} if token else {}),
        }).json()
        seen += [each["key"] for each in page["issues"]]
        pages += 1
        assert ("total" in page, page["isLast"]) == (False, "nextPageToken" not in page)
        token = page.get("nextPageToken")
        if token is None:
            break
    assert (seen, pages) == (made, 3)


@pytest.mark.parametrize("token", ["nonsense", "WzEsICJ4Il0=", "e30=", "é"])
def test_tokens_are_checked(on_cloud: Any, token: str) -> None:
    answer = on_cloud("GET", "search/jql", params={"jql": "project = SOC", "nextPageToken": token})
    assert answer.status_code == 400


def test_page_sizes(on_cloud: Any, on_dc: Any, cloud: JiraStandin) -> None:
    for _ in range(101):
        cloud.as_person("maria.lindqvist").create("x", project="SOC")
    sizes = {}
    for fields in ("key", "summary"):
        page = on_cloud("GET", f"search/jql?jql=project=SOC&fields={fields}&maxResults=5000").json()
        sizes[fields] = len(page["issues"])
    assert sizes == {"key": 101, "summary": 100}
    assert on_dc("GET", "search?jql=project=SOC&maxResults=5000").json()["maxResults"] == 1000
    assert on_dc("GET", "search?jql=project=SOC&maxResults=many").status_code == 400


def test_start_at_paging_slips_when_an_issue_is_edited(on_dc: Any, clock: Any) -> None:
    made = []
    for _ in range(4):
        made.append(on_dc.create())
        clock.forward(seconds=1)
    order = "search?jql=project=SOC ORDER BY updated ASC&maxResults=2&fields=key&startAt="
    first = [each["key"] for each in on_dc("GET", order + "0").json()["issues"]]
    on_dc("PUT", f"issue/{made[0]}", {"fields": {"summary": "edited"}})
    second = [each["key"] for each in on_dc("GET", order + "2").json()["issues"]]
    assert (first, second) == (made[:2], [made[3], made[0]])


def test_search_lags_and_reads_do_not(
    run: Callable[..., JiraStandin], rest_to: Callable[..., Any], clock: Any
) -> None:
    standin = run("cloud", search_lag=30.0)
    rest = rest_to(standin)
    key = rest.create(labels=["fresh"])
    assert rest.fields(key)["labels"] == ["fresh"]
    assert keys(rest, "labels = fresh") == []
    clock.forward(seconds=29)
    assert keys(rest, "labels = fresh") == []
    clock.forward(seconds=1)
    assert keys(rest, "labels = fresh") == [key]
    rest("PUT", f"issue/{key}", {"fields": {"labels": ["newer"]}})
    standin.as_person("maria.lindqvist").comment(key, "while the index is late")
    assert keys(rest, "labels = newer") == []
    assert keys(rest, "labels = fresh") == [key]
    fresh = {"jql": "labels = newer", "fields": ["key"], "reconcileIssues": [10001]}
    assert [each["key"] for each in rest("POST", "search/jql", fresh).json()["issues"]] == [key]
    standin.as_person("maria.lindqvist").delete(key)
    assert keys(rest, "labels = fresh") == [key]
    clock.forward(seconds=30)
    assert keys(rest, "labels in (fresh, newer)") == []


def test_at_most_fifty_issues_are_reconciled(on_cloud: Any) -> None:
    body = {"jql": "project = SOC", "reconcileIssues": list(range(51))}
    assert on_cloud("POST", "search/jql", body).status_code == 400


def test_dates_are_read_in_the_zone_of_the_user(rest: Any, clock: Any) -> None:
    key = rest.create()
    utc = clock.now
    local = utc.astimezone(ZoneInfo("America/New_York"))
    assert keys(rest, f'updated >= "{utc:%Y/%m/%d %H:%M}"') == []
    assert keys(rest, f'updated >= "{local:%Y/%m/%d %H:%M}"') == [key]
    assert keys(rest, f"updated >= '{local:%Y-%m-%d %H:%M}' and created <= '{local:%Y-%m-%d} 23:59'") == [key]


def test_the_zone_of_the_integration_user_can_be_set(
    run: Callable[..., JiraStandin], rest_to: Callable[..., Any], clock: Any
) -> None:
    rest = rest_to(run("datacenter", time_zone="UTC"))
    key = rest.create()
    assert keys(rest, f'updated >= "{clock.now:%Y/%m/%d %H:%M}"') == [key]
    assert rest("GET", "myself").json()["timeZone"] == "UTC"


def test_epoch_milliseconds_are_exact(rest: Any, clock: Any) -> None:
    key = rest.create()
    stamp = round(clock.now.timestamp() * 1000)
    assert keys(rest, f"updated >= {stamp}") == [key]
    assert keys(rest, f"updated > {stamp}") == []
    assert keys(rest, f"updated >= {stamp + 1}") == []


def test_periods_count_back_from_now(rest: Any, clock: Any) -> None:
    key = rest.create()
    clock.forward(minutes=10)
    assert keys(rest, 'updated >= "-9m"') == []
    assert keys(rest, 'updated >= "-10m"') == [key]
    assert keys(rest, "updated >= -1d AND updated <= now()") == [key]
    assert keys(rest, 'updated >= "-1h 5m"') == [key]


@pytest.mark.parametrize(("jql", "text"), [
    ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
    ("key = SOC-99", "An issue with key 'SOC-99' does not exist for field 'key'."),
    ("id in (10001, 99999)", "A value with ID '99999' does not exist for the field 'id'."),
    ("status = Nirvana", "The value 'Nirvana' does not exist for the field 'status'."),
])
def test_what_does_not_exist_fails_the_query(on_dc: Any, on_cloud: Any, jql: str, text: str) -> None:
    key = on_dc.create()
    on_cloud.create()
    refused = on_dc("GET", "search", params={"jql": jql})
    assert (refused.status_code, refused.json()) == (400, {"errorMessages": [text], "errors": {}})
    assert on_cloud("GET", "search/jql", params={"jql": jql}).json()["errorMessages"] == [text]
    lenient = on_dc("GET", "search", params={"jql": jql, "validateQuery": "false"}).json()
    assert [each["key"] for each in lenient["issues"]] == ([key] if "10001" in jql else [])


def test_a_deleted_issue_fails_a_query_that_names_it(standin: JiraStandin, rest: Any) -> None:
    keep, gone = rest.create(), rest.create()
    assert keys(rest, f"key in ({keep}, {gone}) ORDER BY id ASC") == [keep, gone]
    standin.as_person("maria.lindqvist").delete(gone)
    path = "search/jql" if standin.state.catalog.cloud else "search"
    assert rest("GET", path, params={"jql": f"key in ({keep}, {gone})"}).status_code == 400


def test_without_an_order_the_newest_comes_first(rest: Any) -> None:
    made = [rest.create() for _ in range(3)]
    assert keys(rest, "project = SOC") == made[::-1]


def test_clauses_of_filters(standin: JiraStandin, rest: Any) -> None:
    maria = standin.as_person("maria.lindqvist")
    a = maria.create("Phishing wave", project="SOC", priority="High", assignee="tomasz.nowak", labels=["Mail"])
    b = maria.create("Other", project="SOC", issuetype="Bug")
    maria.transition(b, "In Progress")
    for jql, found in {
        "statusCategory != Done AND labels = Mail": [a], "labels = mail": [], "labels is EMPTY": [b],
        "labels not in (Mail)": [], "labels != Mail OR labels is empty": [b], 'status in ("In Progress")': [b],
        "statusCategory = 'To Do'": [a], "priority = high": [a], "type = Bug": [b], "assignee is not EMPTY": [a],
        "resolution = NULL and not issuetype = Bug": [a], "reporter = currentUser()": [],
        'summary ~ "phishing"': [a], f"(key = {a} or priority = Medium) order by priority desc": [a, b],
        "project = 'Security Operations' ORDER BY status DESC, summary": [b, a],
        f"issuekey = {b.lower()}": [b], "resolved is EMPTY ORDER BY created ASC, key": [a, b],
    }.items():
        assert keys(rest, jql) == found, jql
