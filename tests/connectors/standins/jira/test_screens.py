"""Required and hidden fields, sub-tasks and parents, permissions by project, people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kibcase_connectors.standins.jira import DEFAULT_USERS, CustomField, JiraProblem, JiraStandin, Named, Project

UNKNOWN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
HELP = Project(id="10001", key="HELP", name="Help Desk", kind="service_desk")


def given(**fields: Any) -> dict[str, Any]:
    return {"fields": {"project": {"key": "SOC"}, "issuetype": {"name": "Task"}, "summary": "s", **fields}}


def screen(rest: Any, cloud: bool, type_id: str = "10002") -> dict[str, Any]:
    page = rest("GET", f"issue/createmeta/SOC/issuetypes/{type_id}?maxResults=200").json()
    return {each["fieldId"]: each for each in page["fields" if cloud else "values"]}


def test_required_fields(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    site = CustomField(id="customfield_10050", name="Site", kind="option", required=True,
                       options=(Named(id="1", name="Athens"),))
    standin = run("datacenter", custom_fields=[site], project=Project(
        id="10000", key="SOC", name="Operations", required=("duedate", "labels", "description", "assignee"),
    ))
    rest = rest_to(standin)
    refused = rest("POST", "issue", given(labels=[]))
    assert (refused.status_code, refused.json()["errors"]) == (400, {
        "duedate": "Due date is required.", "labels": "Labels is required.",
        "description": "Description is required.", "assignee": "Assignee is required.",
        "customfield_10050": "Site is required.",
    })
    full = {"duedate": "2026-03-04", "labels": ["a"], "description": "d", "assignee": {"name": "kibcase"},
            "customfield_10050": {"value": "Athens"}}
    key = rest("POST", "issue", given(**full)).json()["key"]
    assert {name for name, each in screen(rest, cloud=False).items() if each["required"]} == {
        "summary", "issuetype", "project", *full
    }
    emptied = rest("PUT", f"issue/{key}", {"fields": {"duedate": None}, "update": {"labels": [{"remove": "a"}]}})
    assert emptied.json()["errors"] == {"duedate": "Due date is required.", "labels": "Labels is required."}
    assert rest("PUT", f"issue/{key}", {"fields": {"summary": "other"}}).status_code == 204


def test_hidden_fields(standin: JiraStandin, rest: Any) -> None:
    standin.state.change_project("SOC", hidden=("priority", "duedate"))
    assert rest("POST", "issue", given(priority={"name": "High"})).json()["errors"] == {
        "priority": UNKNOWN.format("priority")
    }
    key = rest.create()
    assert rest("PUT", f"issue/{key}", {"fields": {"duedate": "2026-03-04"}}).json()["errors"] == {
        "duedate": UNKNOWN.format("duedate")
    }
    assert not {"priority", "duedate"} & set(screen(rest, standin.state.catalog.cloud))
    assert not {"priority", "duedate"} & set(rest("GET", f"issue/{key}/editmeta").json()["fields"])
    assert rest.fields(key)["priority"]["name"] == "Medium"


def test_sub_tasks(standin: JiraStandin, rest: Any) -> None:
    cloud = standin.state.catalog.cloud
    above = rest.create(summary="Above")
    kind = {"name": "Sub-task"}
    orphan = rest("POST", "issue", given(issuetype=kind))
    assert orphan.json()["errors"] == {
        "issuetype": "Issue type is a sub-task but parent issue key or id not specified."
    }
    key = rest.create(issuetype=kind, parent={"key": above}, summary="Below")
    parent = rest.fields(key)["parent"]
    assert (parent["key"], parent["fields"]["summary"], parent["fields"]["status"]["name"]) == (above, "Above", "To Do")
    (below,) = rest.fields(above)["subtasks"]
    assert (below["key"], below["fields"]["issuetype"]["subtask"]) == (key, True)
    assert screen(rest, cloud, "10003")["parent"]["required"] is True
    assert ("parent" in screen(rest, cloud)) is cloud
    nested = rest("POST", "issue", given(issuetype=kind, parent={"key": key}))
    assert nested.json()["errors"] == {
        "parentId": "Given parent work item does not belong to appropriate hierarchy."
    }
    flat = rest("POST", "issue", given(parent={"key": above}))
    assert flat.json()["errors"] == (
        {"parentId": "Given parent work item does not belong to appropriate hierarchy."} if cloud
        else {"parent": UNKNOWN.format("parent")}
    )
    alone = rest("PUT", f"issue/{key}", {"fields": {"parent": None}})
    assert alone.status_code == 400
    other = rest.create(summary="Other")
    assert rest("PUT", f"issue/{key}", {"fields": {"parent": {"key": other}}}).status_code == 204
    assert (rest.fields(above)["subtasks"], rest.fields(other)["subtasks"][0]["key"]) == ([], key)


def test_epics_have_tasks_on_cloud(cloud: JiraStandin, rest_to: Callable[..., Any]) -> None:
    rest = rest_to(cloud)
    epic = rest.create(issuetype={"name": "Epic"})
    key = rest.create(parent={"key": epic})
    assert rest.fields(key)["parent"]["key"] == epic
    assert rest.fields(epic)["subtasks"] == []


def test_sub_tasks_stay_in_the_project_of_their_parent(run: Callable[..., JiraStandin],
                                                       rest_to: Callable[..., Any]) -> None:
    standin = run("cloud", more_projects=[HELP])
    rest = rest_to(standin)
    above = rest.create()
    far = rest("POST", "issue", given(project={"key": "HELP"}, issuetype={"name": "Sub-task"}, parent={"key": above}))
    assert far.json()["errors"] == {
        "pid": "Issues with this Issue Type must be created in the same project as the parent."
    }


def test_deleting_what_has_sub_tasks(standin: JiraStandin, rest: Any) -> None:
    standin.state.grant("kibcase", "DELETE_ISSUES")
    above = rest.create()
    below = rest.create(issuetype={"name": "Sub-task"}, parent={"key": above})
    refused = rest("DELETE", f"issue/{above}")
    assert (refused.status_code, "deleteSubtasks" in refused.json()["errorMessages"][0]) == (400, True)
    assert rest("DELETE", f"issue/{above}?deleteSubtasks=true").status_code == 204
    assert [rest("GET", f"issue/{each}").status_code for each in (above, below)] == [404, 404]


def test_permissions_by_project(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    standin = run("cloud", more_projects=[HELP])
    rest = rest_to(standin)
    here, there = rest.create(), rest.create(project={"key": "HELP"})
    standin.state.deny("kibcase", "BROWSE_PROJECTS", project="HELP")
    assert [rest("GET", f"issue/{each}").status_code for each in (here, there)] == [200, 404]
    assert rest("GET", "project/HELP").status_code == 404
    assert [each["key"] for each in rest("GET", "project").json()] == ["SOC"]
    assert [each["key"] for each in rest("GET", "project/search").json()["values"]] == ["SOC"]
    found = rest("GET", "search/jql?jql=created>=-1d&fields=key").json()["issues"]
    assert [each["key"] for each in found] == [here]
    standin.state.grant("kibcase", "BROWSE_PROJECTS", project="HELP")
    assert rest("GET", f"issue/{there}").status_code == 200
    standin.state.deny("kibcase", "EDIT_ISSUES", "CREATE_ISSUES", "CREATE_ATTACHMENTS", project="HELP")
    edit = {"fields": {"summary": "x"}}
    assert [rest("PUT", f"issue/{each}", edit).status_code for each in (here, there)] == [204, 403]
    assert rest("POST", "issue", given(project={"key": "HELP"})).status_code == 403
    assert rest("GET", f"issue/{there}/editmeta").json() == {"fields": {}}
    upload = {"files": [("file", ("a.txt", b"A"))], "headers": {"X-Atlassian-Token": "no-check"}}
    assert rest("POST", f"issue/{there}/attachments", **upload).status_code == 403
    asked = "mypermissions?permissions=EDIT_ISSUES&"
    held = {where: rest("GET", asked + where).json()["permissions"]["EDIT_ISSUES"]["havePermission"]
            for where in ("projectKey=SOC", "projectKey=HELP", f"issueKey={there}", "projectId=10001")}
    assert held == {"projectKey=SOC": True, "projectKey=HELP": False, f"issueKey={there}": False,
                    "projectId=10001": False}
    assert rest("GET", asked + "projectKey=NOPE").status_code == 404


def test_transitions_need_the_permission(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    standin.state.deny("kibcase", "TRANSITION_ISSUES")
    assert rest("GET", f"issue/{key}/transitions").json()["transitions"] == []
    answer = rest("POST", f"issue/{key}/transitions", {"transition": {"id": "11"}})
    assert (answer.status_code, rest.fields(key)["status"]["name"]) == (400, "To Do")


def test_assigning_needs_the_permission(standin: JiraStandin, rest: Any) -> None:
    key, handle = rest.create(), "accountId" if standin.state.catalog.cloud else "name"
    maria = standin.state.user("maria.lindqvist")
    ref = {handle: maria.account_id if handle == "accountId" else maria.username}
    standin.state.deny("kibcase", "ASSIGN_ISSUES")
    edit = rest("PUT", f"issue/{key}", {"fields": {"assignee": ref}})
    assert (edit.status_code, edit.json()["errors"]) == (400, {"assignee": UNKNOWN.format("assignee")})
    assert rest("PUT", f"issue/{key}/assignee", ref).status_code == 403
    assert "assignee" not in rest("GET", f"issue/{key}/editmeta").json()["fields"]
    standin.state.grant("kibcase", "ASSIGN_ISSUES")
    standin.state.deny("kibcase", "EDIT_ISSUES")
    assert rest("PUT", f"issue/{key}/assignee", ref).status_code == 204
    assert rest.fields(key)["assignee"]["displayName"] == "Maria Lindqvist"


def test_inactive_users(standin: JiraStandin, rest: Any, rest_to: Callable[..., Any]) -> None:
    cloud = standin.state.catalog.cloud
    key = rest.create()
    standin.as_person("maria.lindqvist").edit(key, assignee="tomasz.nowak")
    standin.state.change_user("tomasz.nowak", active=False)
    assert rest.fields(key)["assignee"]["active"] is False
    name = "query" if cloud else "username"
    assert rest("GET", f"user/search?{name}=tomasz").json() == []
    assert "Tomasz Nowak" not in {
        each["displayName"] for each in rest("GET", f"user/assignable/search?issueKey={key}").json()
    }
    tomasz = standin.state.user("tomasz.nowak")
    ref = {"accountId": tomasz.account_id} if cloud else {"name": tomasz.username}
    refused = rest("PUT", f"issue/{rest.create()}", {"fields": {"assignee": ref}})
    assert "cannot be assigned issues" in refused.json()["errors"]["assignee"]
    assert rest_to(standin, "tomasz.nowak")("GET", "myself").status_code == 401


def test_hidden_addresses(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    users = (DEFAULT_USERS[0], replace(DEFAULT_USERS[1], email_hidden=False), DEFAULT_USERS[2])
    rest = rest_to(run("cloud", users=users))
    (maria,), (tomasz,) = (rest("GET", f"user/search?query={name}").json() for name in ("maria", "tomasz"))
    assert maria["emailAddress"] == "maria.lindqvist@example.com"
    assert "emailAddress" not in tomasz
    assert rest("GET", "myself").json()["emailAddress"] == "kibcase@example.com"
    assert len(rest("GET", "user/search?query=tomasz.nowak@example.com").json()) == 1
    assert rest("GET", "user/search?query=tomasz.nowak@").json() == []


def test_classic_create_screens(cloud: JiraStandin, datacenter: JiraStandin, rest_to: Callable[..., Any]) -> None:
    path = "issue/createmeta?projectKeys=SOC&issuetypeNames=Sub-task&expand=projects.issuetypes.fields"
    (project,) = rest_to(cloud)("GET", path).json()["projects"]
    (kind,) = project["issuetypes"]
    assert (project["key"], kind["subtask"], kind["fields"]["parent"]["required"]) == ("SOC", True, True)
    assert rest_to(datacenter)("GET", path).status_code == 404


def test_service_desk(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    standin = run("cloud", more_projects=[HELP])
    rest = rest_to(standin)
    key = rest.create(project={"key": "HELP"})
    assert rest("GET", "project/HELP").json()["projectTypeKey"] == "service_desk"
    internal = [{"key": "sd.public.comment", "value": {"internal": True}}]
    public = rest("POST", f"issue/{key}/comment", {"body": "For all"}).json()
    hidden = rest("POST", f"issue/{key}/comment", {"body": "For us", "properties": internal}).json()
    assert (public["jsdPublic"], hidden["jsdPublic"]) == (True, False)
    maria = standin.as_person("maria.lindqvist")
    maria.comment(key, "Among us", internal=True)
    maria.edit_comment(key, hidden["id"], "Still for us")
    assert [each.body for each in standin.customer_comments(key)] == ["For all"]
    with pytest.raises(JiraProblem, match="no service desk"):
        standin.customer_comments(rest.create())
    with pytest.raises(JiraProblem, match="404"):
        standin.customer_comments("HELP-99")
