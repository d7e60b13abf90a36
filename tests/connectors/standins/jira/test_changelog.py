"""Times, histories, transitions, moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kibcase_connectors.standins.jira import (
    JiraProblem,
    JiraStandin,
    Project,
    ScreenField,
    Status,
    Transition,
    Workflow,
)


def histories(rest: Any, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rest("GET", f"issue/{key}?expand=changelog").json()["changelog"]["histories"]
    return found


def test_times_have_milliseconds_and_never_stand_still(rest: Any) -> None:
    key = rest.create()
    seen = [rest.fields(key)["updated"]]
    assert seen == ["2026-03-02T14:30:15.250+0000"]
    for number in range(3):
        rest("PUT", f"issue/{key}", {"fields": {"summary": f"edit {number}"}})
        seen.append(rest.fields(key)["updated"])
    assert seen[1:] == [f"2026-03-02T14:30:15.25{n}+0000" for n in (1, 2, 3)]


def test_an_edit_without_a_difference_leaves_no_trace(rest: Any, clock: Any) -> None:
    key = rest.create(labels=["a"])
    before = rest.fields(key)
    clock.forward(minutes=1)
    assert rest("PUT", f"issue/{key}", {"fields": {"labels": ["a"], "summary": before["summary"]}}).status_code == 204
    assert rest.fields(key) == before
    assert histories(rest, key) == []


def test_what_moves_updated(rest: Any, clock: Any) -> None:
    key = rest.create()

    def moves(method: str, path: str, body: object = None) -> bool:
        before = rest.fields(key)["updated"]
        clock.forward(seconds=1)
        assert rest(method, f"issue/{key}/{path}", body).ok
        return bool(rest.fields(key)["updated"] != before)

    assert moves("POST", "comment", {"body": "c"})
    (comment,) = rest.fields(key)["comment"]["comments"]
    assert moves("PUT", f"comment/{comment['id']}", {"body": "d"})
    assert moves("DELETE", f"comment/{comment['id']}")
    assert not moves("PUT", "properties/kibcase", {"a": 1})
    assert moves("POST", "remotelink", {"object": {"url": "https://k.example", "title": "Case"}})


def test_the_words_of_the_changelog(standin: JiraStandin, rest: Any) -> None:
    key = rest.create(description="long " * 200)
    maria = standin.as_person("maria.lindqvist")
    maria.edit(key, description="short", priority="Low", labels=["b", "a"], assignee="tomasz.nowak",
               customfield_10012="Web")
    (entry,) = histories(rest, key)
    assert entry["author"]["displayName"] == "Maria Lindqvist"
    assert entry["created"] == rest.fields(key)["updated"]
    found = {item["field"]: item for item in entry["items"]}
    assert found["description"] == {
        "field": "description", "fieldtype": "jira", "from": None, "fromString": "long " * 200, "to": None,
        "toString": "short", **({"fieldId": "description"} if standin.state.catalog.cloud else {}),
    }
    ids = {name: (found[name]["from"], found[name]["fromString"], found[name]["to"], found[name]["toString"])
           for name in ("priority", "labels", "Attack vector")}
    assert ids == {
        "priority": ("3", "Medium", "4", "Low"), "labels": (None, "", None, "a b"),
        "Attack vector": (None, None, "10022", "Web"),
    }
    tomasz = standin.state.user("tomasz.nowak")
    expected = tomasz.account_id if standin.state.catalog.cloud else tomasz.user_key
    assert (found["assignee"]["to"], found["assignee"]["toString"]) == (expected, "Tomasz Nowak")
    named = "customfield_10012" if standin.state.catalog.cloud else None
    assert (found["Attack vector"].get("fieldId"), found["Attack vector"]["fieldtype"]) == (named, "custom")


def test_order_of_histories(cloud: JiraStandin, datacenter: JiraStandin, rest_to: Callable[..., Any]) -> None:
    for standin, expected in ((cloud, ["c", "b"]), (datacenter, ["b", "c"])):
        rest = rest_to(standin)
        key = rest.create(summary="a")
        for summary in ("b", "c"):
            rest("PUT", f"issue/{key}", {"fields": {"summary": summary}})
        assert [each["items"][0]["toString"] for each in histories(rest, key)] == expected


def test_paged_changelog_is_cloud_only(
    cloud: JiraStandin, datacenter: JiraStandin, rest_to: Callable[..., Any]
) -> None:
    rest = rest_to(cloud)
    key = rest.create(summary="0")
    for number in range(1, 131):
        rest("PUT", f"issue/{key}", {"fields": {"summary": str(number)}})
    inside = rest("GET", f"issue/{key}?expand=changelog").json()["changelog"]
    assert (len(inside["histories"]), inside["total"]) == (100, 130)
    pages = [rest("GET", f"issue/{key}/changelog?startAt={start}").json() for start in (0, 100)]
    assert [page["isLast"] for page in pages] == [False, True]
    assert [each["items"][0]["toString"] for page in pages for each in page["values"]] == [
        str(number) for number in range(1, 131)
    ]
    rest = rest_to(datacenter)
    assert rest("GET", f"issue/{rest.create()}/changelog").status_code == 404


def test_closing_and_reopening(rest: Any, clock: Any) -> None:
    key = rest.create()
    clock.forward(minutes=5)
    rest.walk(key, "11", "21", "31")
    closed = rest.fields(key)
    assert (closed["status"]["statusCategory"]["key"], closed["resolution"]["name"]) == ("done", "Done")
    assert closed["resolutiondate"] == closed["updated"]
    last = max(histories(rest, key), key=lambda each: int(each["id"]))
    assert [(item["field"], item["from"], item["to"], item["toString"]) for item in last["items"]] == [
        ("resolution", None, "10000", "Done"), ("status", "10001", "10002", "Done"),
    ]
    rest.walk(key, "41")
    reopened = rest.fields(key)
    assert (reopened["status"]["name"], reopened["resolution"], reopened["resolutiondate"]) == (
        "In Progress", None, None
    )


@pytest.mark.parametrize(("body", "errors", "messages"), [
    ({"transition": {"id": "11"}, "fields": {"resolution": {"name": "Done"}}},
     {"resolution": "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."}, []),
    ({"transition": {"id": "31"}}, {}, ["Transition id '31' is not valid for this issue."]),
    ({"transition": {"id": "999"}}, {}, ["Transition id '999' is not valid for this issue."]),
    ({"transition": {"name": "Start progress"}}, {}, ["Missing 'transition' identifier"]),
    ({"transition": {"id": "Done"}}, {}, ["'transition' identifier must be an integer"]),
    ({"transition": {"id": "11"}, "update": {"comment": [{"add": {"body": " "}}]}},
     {"comment": "Comment body can not be empty!"}, []),
])
def test_refused_transitions(rest: Any, body: object, errors: object, messages: object) -> None:
    key = rest.create()
    answer = rest("POST", f"issue/{key}/transitions", body)
    assert (answer.status_code, answer.json()) == (400, {"errorMessages": messages, "errors": errors})
    assert rest.fields(key)["status"]["name"] == "To Do"


def test_transition_id_may_be_a_number_and_the_resolution_an_id(rest: Any) -> None:
    key = rest.create()
    rest.walk(key, "11", "21")
    answer = rest("POST", f"issue/{key}/transitions", {"transition": {"id": 31}, "fields": {
        "resolution": {"id": "10002"}}})
    assert answer.status_code == 204
    assert answer.content == b""
    assert rest.fields(key)["resolution"]["name"] == "Duplicate"
    rest.walk(key, "41", "21")
    unknown = {"transition": {"id": 31}, "fields": {"resolution": {"name": "Meh"}}}
    assert rest("POST", f"issue/{key}/transitions", unknown).json()["errors"] == {
        "resolution": "Resolution name 'Meh' is not valid"
    }


OPEN = Status(id="1", name="Offen", category="new")
SHUT = Status(id="2", name="Geschlossen", category="done")


def test_a_workflow_of_ones_own(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    flow = Workflow(statuses=(OPEN, SHUT), transitions=(
        Transition(id="5", name="Schließen", sources=None, target="2", users=frozenset({"kibcase"}), screen=(
            ScreenField(id="resolution", required=True, default="Won't Do"),
            ScreenField(id="customfield_10010", required=True, listed=False),
        )),
    ))
    standin = run("cloud", workflow=flow)
    rest = rest_to(standin)
    key = rest.create()
    assert rest.fields(key)["status"]["name"] == "Offen"
    (offered,) = rest("GET", f"issue/{key}/transitions?expand=transitions.fields").json()["transitions"]
    assert (list(offered["fields"]), offered["fields"]["resolution"]["hasDefaultValue"]) == (["resolution"], True)
    answer = rest("POST", f"issue/{key}/transitions", {"transition": {"id": "5"}})
    assert answer.json()["errors"] == {"customfield_10010": "Case is required."}
    body = {"transition": {"id": "5"}, "fields": {"customfield_10010": "c1"}}
    assert rest("POST", f"issue/{key}/transitions", body).status_code == 204
    fields = rest.fields(key)
    assert (fields["status"]["name"], fields["resolution"]["name"], fields["customfield_10010"]) == (
        "Geschlossen", "Won't Do", "c1"
    )
    assert rest_to(standin, "maria.lindqvist")("GET", f"issue/{key}/transitions").json()["transitions"] == []


def test_a_workflow_must_know_its_statuses() -> None:
    with pytest.raises(ValueError, match="unknown statuses \\['9'\\]"):
        Workflow(statuses=(OPEN,), transitions=(Transition(id="1", name="x", sources=None, target="9"),))


def test_no_transition_without_the_permission(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    standin.state.deny("kibcase", "TRANSITION_ISSUES")
    assert rest("GET", f"issue/{key}/transitions").json()["transitions"] == []
    assert rest("POST", f"issue/{key}/transitions", {"transition": {"id": "11"}}).status_code == 400


def test_a_moved_issue_keeps_its_id_and_its_old_key(
    run: Callable[..., JiraStandin], rest_to: Callable[..., Any]
) -> None:
    standin = run("cloud", more_projects=[Project(id="10001", key="HELP", name="Help Desk")])
    rest, maria = rest_to(standin), standin.as_person("maria.lindqvist")
    key = rest.create()
    assert maria.move(key, "HELP") == "HELP-1"
    by_old, by_new = rest("GET", f"issue/{key}").json(), rest("GET", "issue/help-1").json()
    assert by_old == by_new
    assert (by_old["key"], by_old["id"], by_old["fields"]["project"]["key"]) == ("HELP-1", "10001", "HELP")
    assert [each["key"] for each in rest("GET", f"search/jql?jql=key={key}&fields=key").json()["issues"]] == ["HELP-1"]
    assert rest("GET", "search/jql?jql=project=SOC").json()["issues"] == []
    assert rest.create() == "SOC-2"
    with pytest.raises(JiraProblem, match="is in HELP already"):
        maria.move(key, "HELP")


def test_person(standin: JiraStandin, rest: Any) -> None:
    maria = standin.as_person("maria.lindqvist")
    key = maria.create("Seen by people", project="SOC", issuetype="Bug", customfield_10013=["Lund"],
                       customfield_10016="tomasz.nowak")
    maria.transition(key, "in progress")
    maria.transition(key, "Ask for review")
    maria.transition(key, "Done")
    comment = maria.comment(key, "one")
    maria.edit_comment(key, comment, "two")
    fields = rest.fields(key)
    assert (fields["issuetype"]["name"], fields["resolution"]["name"]) == ("Bug", "Done")
    assert [each["value"] for each in fields["customfield_10013"]] == ["Lund"]
    assert fields["customfield_10016"]["displayName"] == "Tomasz Nowak"
    assert [(each["body"], each["author"]["displayName"]) for each in fields["comment"]["comments"]] == [
        ("two", "Maria Lindqvist")
    ]
    maria.delete_comment(key, comment)
    maria.delete_attachment(maria.attach(key, "a.txt", b"x"))
    maria.remove_labels(key, "none")
    with pytest.raises(JiraProblem, match="no transition to 'To Do' now; open are: Reopen"):
        maria.transition(key, "To Do")
    maria.delete(key)
    assert rest("GET", f"issue/{key}").status_code == 404
    with pytest.raises(KeyError):
        standin.as_person("nobody")
