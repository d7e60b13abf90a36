"""What fields take and refuse, with the vendor's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kibcase_connectors.standins.jira import JiraStandin, Project

UNKNOWN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
TOO_LONG = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."


@pytest.mark.parametrize(("field", "value", "text"), [
    ("summary", "", "You must specify a summary of the issue."),
    ("summary", "one\ntwo", "The summary is invalid because it contains newline characters."),
    ("summary", "x" * 256, "Summary can't exceed 255 characters."),
    ("description", "x" * 32_768, TOO_LONG),
    ("description", {"type": "doc"}, "Operation value must be a string"),
    ("labels", ["two words"], "The label 'two words' contains spaces which is invalid."),
    ("labels", ["tab\there"], "The label 'tab\there' contains spaces which is invalid."),
    ("labels", "beacon", "data was not an array"),
    ("priority", {"name": "Urgent"}, "Priority name 'Urgent' is not valid"),
    ("priority", {"id": "77"}, "The priority selected is invalid."),
    ("priority", "High", "Specify the Priority (name) in the string format"),
    ("issuetype", {"name": "Story"}, "valid issue type is required"),
    ("nosuchfield", "x", UNKNOWN.format("nosuchfield")),
    ("status", {"name": "Done"}, UNKNOWN.format("status")),
    ("resolution", {"name": "Done"}, UNKNOWN.format("resolution")),
    ("duedate", "2026-02-30", "Error parsing date string: the format is yyyy-MM-dd"),
    ("customfield_10012", {"value": "Carrier pigeon"}, "Option value 'Carrier pigeon' is not valid"),
    ("customfield_10014", "2026-02-28", "Error parsing time: the format is yyyy-MM-dd'T'HH:mm:ss.SSSZ"),
    ("customfield_10015", "5", "Operation value must be a number"),
    ("customfield_10010", "x" * 256, "The entered text is too long. It exceeds the allowed limit of 255 characters."),
    ("summary", "\U0001f41f" * 128, "Summary can't exceed 255 characters."),
    ("environment", "\U0001f41f" * 16_384, TOO_LONG),
    ("customfield_10017", "02/03/2026", "Error parsing date string: the format is yyyy-MM-dd"),
    ("customfield_10018", ["T1566 phishing"], "The label 'T1566 phishing' contains spaces which is invalid."),
    ("customfield_10019", "no address", "'no address' is not a valid URL"),
    ("customfield_10016", {}, "expected '{}' property to be a string"),
])
def test_refused_on_create_and_on_edit(
    standin: JiraStandin, rest: Any, field: str, value: object, text: str
) -> None:
    key = rest.create()
    before = rest.fields(key)
    given = {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s", field: value}
    text = text.replace("{}", "accountId" if standin.state.catalog.cloud else "name")
    for answer in (rest("POST", "issue", {"fields": given}), rest("PUT", f"issue/{key}", {"fields": {field: value}})):
        assert (answer.status_code, answer.json()) == (400, {"errorMessages": [], "errors": {field: text}})
    assert rest.fields(key) == before


def test_every_refusal_of_a_request_is_told(rest: Any) -> None:
    answer = rest("POST", "issue", {"fields": {"project": {"key": "SOC"}, "labels": ["a b"]}})
    assert set(answer.json()["errors"]) == {"summary", "issuetype", "labels"}


@pytest.mark.parametrize(("project", "text"), [
    (None, "project is required"), ({"key": "NOPE"}, "valid project is required"),
])
def test_project(rest: Any, project: object, text: str) -> None:
    answer = rest("POST", "issue", {"fields": {"project": project, "summary": "s", "issuetype": {"name": "Task"}}})
    assert answer.json()["errors"] == {"project": text}


@pytest.mark.parametrize(("field", "value", "stored"), [
    ("summary", "x" * 255, "x" * 255),
    ("description", "x" * 32_767, "x" * 32_767),
    ("description", "", None),
    ("labels", ["b", "a", "b", "A"], ["A", "a", "b"]),
    ("duedate", "2026-02-28", "2026-02-28"),
    ("customfield_10014", "2026-02-28T10:00:00.000+0100", "2026-02-28T10:00:00.000+0100"),
    ("customfield_10015", 7, 7.0),
    ("customfield_10013", [], None),
    ("environment", "Production", "Production"),
    ("customfield_10011", "h1. Hosts", "h1. Hosts"),
    ("customfield_10017", "2026-02-28", "2026-02-28"),
    ("customfield_10018", ["T1566", "T1059"], ["T1059", "T1566"]),
    ("customfield_10018", [], None),
    ("customfield_10019", "https://wiki.example/phishing", "https://wiki.example/phishing"),
    ("summary", "\U0001f41f" * 127, "\U0001f41f" * 127),
])
def test_stored(rest: Any, field: str, value: object, stored: object) -> None:
    assert rest.fields(rest.create(**{field: value}))[field] == stored


def test_priority_scheme_belongs_to_the_project(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    desk = Project(id="10001", key="HELP", name="Help Desk", priorities=("High", "Low"), default_priority="Low")
    standin = run("cloud", more_projects=[desk])
    rest = rest_to(standin)
    assert rest.fields(rest.create(project={"key": "HELP"}))["priority"]["name"] == "Low"
    answer = rest("POST", "issue", {"fields": {
        "project": {"key": "HELP"}, "issuetype": {"name": "Task"}, "summary": "s", "priority": {"name": "Medium"},
    }})
    assert answer.json()["errors"] == {"priority": "Priority name 'Medium' is not valid"}


def test_people_are_named_differently(cloud: JiraStandin, datacenter: JiraStandin, rest_to: Callable[..., Any]) -> None:
    by_cloud, by_name = rest_to(cloud), rest_to(datacenter)
    account = cloud.state.user("tomasz.nowak").account_id
    key = by_cloud.create(assignee={"accountId": account})
    assert by_cloud.fields(key)["assignee"]["accountId"] == account
    assert "name" not in by_cloud.fields(key)["assignee"]
    assert "emailAddress" not in by_cloud.fields(key)["assignee"]
    refused = by_cloud("PUT", f"issue/{key}", {"fields": {"assignee": {"name": "tomasz.nowak"}}})
    assert "GDPR strict mode" in refused.json()["errors"]["assignee"]
    key = by_name.create(assignee={"name": "tomasz.nowak"})
    assert by_name.fields(key)["assignee"]["emailAddress"] == "tomasz.nowak@example.com"
    refused = by_name("PUT", f"issue/{key}", {"fields": {"assignee": {"accountId": account}}})
    assert refused.json()["errors"] == {"assignee": "expected 'name' property to be a string"}


@pytest.mark.parametrize("how", ["null", "reference to null", "automatic"])
def test_unassign(standin: JiraStandin, rest: Any, how: str) -> None:
    handle = "accountId" if standin.state.catalog.cloud else "name"
    nobody = {"null": None, "reference to null": {handle: None}, "automatic": {handle: "-1"}}[how]
    key = rest.create()
    standin.as_person("maria.lindqvist").edit(key, assignee="tomasz.nowak")
    assert rest.fields(key)["assignee"]["displayName"] == "Tomasz Nowak"
    assert rest("PUT", f"issue/{key}", {"fields": {"assignee": nobody}}).status_code == 204
    assert rest.fields(key)["assignee"] is None


def test_label_operations_keep_what_others_added(standin: JiraStandin, rest: Any) -> None:
    key = rest.create(labels=["a"])
    standin.as_person("maria.lindqvist").add_labels(key, "people")
    operations = {"labels": [{"add": "b"}, {"add": "b"}, {"remove": "a"}, {"remove": "absent"}]}
    assert rest("PUT", f"issue/{key}", {"update": operations}).status_code == 204
    assert rest.fields(key)["labels"] == ["b", "people"]


def test_a_field_may_not_be_in_both_maps(rest: Any) -> None:
    key = rest.create()
    answer = rest("PUT", f"issue/{key}", {"fields": {"labels": ["a"]}, "update": {"labels": [{"add": "b"}]}})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["labels"])
    assert rest.fields(key)["labels"] == []


def test_an_edit_is_all_or_nothing(rest: Any) -> None:
    key = rest.create()
    body = {"fields": {"summary": "new"}, "update": {"labels": [{"add": "a b"}], "comment": [{"add": {"body": "c"}}]}}
    assert rest("PUT", f"issue/{key}", body).status_code == 400
    fields = rest.fields(key)
    assert (fields["summary"], fields["labels"], fields["comment"]["total"]) == ("Phishing mail", [], 0)


def test_kibana_sends_the_project_on_update_too(rest: Any) -> None:
    key = rest.create()
    sent = {"project": {"key": "SOC"}, "summary": "again", "issuetype": {"id": "10002"}}
    assert rest("PUT", f"issue/{key}", {"fields": sent}).status_code == 204
    assert rest.fields(key)["summary"] == "again"


@pytest.mark.parametrize("version", ["2", "3"])
def test_half_a_surrogate_pair_is_a_question_mark(
    cloud: JiraStandin, rest_to: Callable[..., Any], version: str
) -> None:
    rest = rest_to(cloud)
    key = rest.create()
    data = b'{"fields": {"summary": "a \\ud800 b \\ud83d\\ude00 \\u00e9", "labels": ["\\udc00"]}}'
    at, head = f"{cloud.url}/rest/api/{version}/issue/{key}", {"content-type": "application/json"}
    answer = rest.session.put(at, data=data, headers=head, timeout=10)
    assert answer.status_code == 204
    assert (rest.fields(key)["summary"], rest.fields(key)["labels"]) == ("a ? b \U0001f600 \u00e9", ["?"])


@pytest.mark.parametrize(("data", "kind", "status"), [
    (b"{", "application/json", 400), (b"[]", "application/json", 400), (b"{}", "text/plain", 415),
    (b'{"fields": []}', "application/json", 400), (b'{"feilds": {}}', "application/json", 400),
    (b'{"fields": {"customfield_10015": NaN}}', "application/json", 400), (b"[" * 100_000, "application/json", 400),
    (b'{"fields": {"customfield_10015": ' + b"9" * 5000 + b"}}", "application/json", 400),
    (b'{"fields": {"customfield_10015": ' + b"9" * 400 + b"}}", "application/json", 400),
])
def test_bad_bodies(rest: Any, data: bytes, kind: str, status: int) -> None:
    answer = rest("PUT", f"issue/{rest.create()}", data=data, headers={"content-type": kind})
    assert (answer.status_code, set(answer.json())) == (status, {"errorMessages", "errors"})


def test_notify_users_needs_an_administrator(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    edit = {"fields": {"summary": "quiet"}}
    assert rest("PUT", f"issue/{key}?notifyUsers=false", edit).status_code == 403
    standin.state.grant("kibcase", "ADMINISTER_PROJECTS")
    assert rest("PUT", f"issue/{key}?notifyUsers=false", edit).status_code == 204


def test_create_and_edit_screens(rest: Any, standin: JiraStandin) -> None:
    types = rest("GET", "issue/createmeta/SOC/issuetypes").json()
    cloud = standin.state.catalog.cloud
    assert [(each["name"], each["subtask"]) for each in types["issueTypes" if cloud else "values"]] == [
        ("Task", False), ("Bug", False), ("Sub-task", True), ("Epic", False)
    ]
    page = rest("GET", "issue/createmeta/SOC/issuetypes/10002?maxResults=100").json()
    fields = {each["fieldId"]: each for each in page["fields" if cloud else "values"]}
    assert [name for name, each in fields.items() if each["required"]] == ["summary", "issuetype", "project"]
    assert fields["customfield_10013"]["schema"] == {
        "type": "array", "items": "option", "customId": 10013,
        "custom": "com.atlassian.jira.plugin.system.customfieldtypes:multiselect",
    }
    edit = rest("GET", f"issue/{rest.create()}/editmeta").json()["fields"]
    assert edit["labels"]["operations"] == ["add", "set", "remove"]
    assert edit["comment"]["operations"] == ["add", "edit", "remove"]
    assert [each["name"] for each in fields["issuetype"]["allowedValues"]] == ["Task"]
    assert [each["value"] for each in fields["customfield_10012"]["allowedValues"]] == ["Phishing", "Malware", "Web"]
    assert (fields["priority"]["hasDefaultValue"], fields["priority"]["defaultValue"]["name"]) == (True, "Medium")
    assert fields["assignee"]["autoCompleteUrl"].endswith("/user/assignable/search?project=SOC")
    customs = {name: each["schema"]["custom"].rpartition(":")[2] for name, each in fields.items()
               if "custom" in each["schema"]}
    assert {"textfield", "textarea", "float", "select", "multiselect", "datepicker", "datetime", "userpicker", "labels",
            "url"} == set(customs.values())
    assert "project" not in edit
    assert rest("GET", "issue/createmeta/NOPE/issuetypes").status_code == 404
