"""Workflows with conditions, validators, global transitions and dead ends, and who may read them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kibcase_connectors.standins.jira import (
    JiraStandin,
    Project,
    ScreenField,
    Status,
    Transition,
    Validator,
    Workflow,
)

OPEN = Status(id="1", name="Open", category="new")
WORK = Status(id="3", name="In Progress", category="indeterminate")
CLOSED = Status(id="6", name="Closed", category="done")
LOST = Status(id="7", name="Archived", category="done")


def way(number: int, target: Status, *sources: Status, **more: Any) -> Transition:
    return Transition(id=str(number), name=f"To {target.name}", target=target.id,
                      sources=frozenset(each.id for each in sources) or None, **more)


FLOW = Workflow(statuses=(OPEN, WORK, CLOSED, LOST), transitions=(
    way(11, WORK, OPEN, filled=frozenset({"assignee"})),
    way(21, CLOSED, WORK, screen=(ScreenField(id="resolution", required=True), ScreenField(id="customfield_10012")),
        validators=(Validator(field="customfield_10012", message="Name the attack vector."),
                    Validator(field="resolution", message="Only done is done.", values=("Done",), on_field=True))),
    way(31, OPEN, CLOSED),
    way(41, LOST, CLOSED, permission="ADMINISTER_PROJECTS"),
    way(51, WORK),
))


@pytest.fixture
def standin(run: Callable[..., JiraStandin], request: pytest.FixtureRequest) -> JiraStandin:
    return run("cloud", workflow=FLOW, project=Project(id="10000", key="SOC", name="Ops", resolution_editable=True))


def names(rest: Any, key: str) -> list[str]:
    return [each["name"] for each in rest("GET", f"issue/{key}/transitions").json()["transitions"]]


def take(rest: Any, key: str, number: int, **more: Any) -> Any:
    return rest("POST", f"issue/{key}/transitions", {"transition": {"id": str(number)}, **more})


def close(rest: Any) -> str:
    key: str = rest.create(customfield_10012={"value": "Web"})
    assert take(rest, key, 51).status_code == 204
    assert take(rest, key, 21, fields={"resolution": {"name": "Done"}}).status_code == 204
    return key


def test_a_condition_hides_the_transition(standin: JiraStandin, rest: Any) -> None:
    key = rest.create()
    assert names(rest, key) == ["To In Progress"]
    assert take(rest, key, 11).status_code == 400
    assert rest.fields(key)["status"]["name"] == "Open"
    standin.as_person("maria.lindqvist").edit(key, assignee="maria.lindqvist")
    shown = rest("GET", f"issue/{key}/transitions").json()["transitions"]
    assert [(each["id"], each["isConditional"], each["isGlobal"]) for each in shown] == [
        ("11", True, False), ("51", False, True)
    ]
    assert take(rest, key, 11).status_code == 204


def test_validators_refuse_and_change_nothing(rest: Any) -> None:
    key = rest.create()
    take(rest, key, 51)
    before = rest.fields(key)
    answer = take(rest, key, 21, fields={"resolution": {"name": "Duplicate"}})
    assert (answer.status_code, answer.json()) == (400, {
        "errorMessages": ["Name the attack vector."], "errors": {"resolution": "Only done is done."}
    })
    assert rest.fields(key) == before
    fields = {"resolution": {"name": "Done"}, "customfield_10012": {"value": "Web"}}
    assert take(rest, key, 21, fields=fields).status_code == 204


def test_reopening_keeps_the_resolution_until_it_is_edited(rest: Any, clock: Any) -> None:
    key = close(rest)
    assert take(rest, key, 31, fields={"resolution": None}).json()["errors"].keys() == {"resolution"}
    assert take(rest, key, 31).status_code == 204
    fields = rest.fields(key)
    assert (fields["status"]["name"], fields["resolution"]["name"]) == ("Open", "Done")
    assert fields["resolutiondate"] is not None
    assert "resolution" in rest("GET", f"issue/{key}/editmeta").json()["fields"]
    clock.forward(minutes=1)
    assert rest("PUT", f"issue/{key}", {"fields": {"resolution": None, "summary": "again"}}).status_code == 204
    fields = rest.fields(key)
    assert (fields["resolution"], fields["resolutiondate"], fields["summary"]) == (None, None, "again")
    newest = rest("GET", f"issue/{key}?expand=changelog").json()["changelog"]["histories"][0]
    assert [(each["field"], each["fromString"], each["toString"]) for each in newest["items"]] == [
        ("resolution", "Done", None), ("summary", "Phishing mail", "again")
    ]


def test_the_resolution_is_on_the_edit_screen_of_some_projects_only(standin: JiraStandin, rest: Any) -> None:
    key = close(rest)
    standin.state.change_project("SOC", resolution_editable=False)
    refused = rest("PUT", f"issue/{key}", {"fields": {"resolution": None}})
    assert refused.json()["errors"].keys() == {"resolution"}


def test_a_dead_end(standin: JiraStandin, rest: Any) -> None:
    standin.state.change_project("SOC", workflow=Workflow(statuses=FLOW.statuses, transitions=FLOW.transitions[:4]))
    maria = standin.as_person("maria.lindqvist")
    key = maria.create("s", assignee="maria.lindqvist", customfield_10012="Web")
    for target in ("In Progress", "Closed"):
        maria.transition(key, target)
    assert names(rest, key) == ["To Open"]
    maria.transition(key, "Archived")
    assert maria.issue(key).status == LOST.id
    assert names(rest, key) == []


def test_a_project_with_a_workflow_of_its_own(run: Callable[..., JiraStandin], rest_to: Callable[..., Any]) -> None:
    standin = run("datacenter", more_projects=[Project(id="10001", key="OPS", name="Ops", workflow=FLOW)])
    rest = rest_to(standin)
    assert rest.fields(rest.create(project={"key": "OPS"}))["status"]["name"] == "Open"
    key = rest.create()
    assert rest.fields(key)["status"]["name"] == "To Do"
    shown = {project: [each["name"] for each in rest("GET", f"project/{project}/statuses").json()[0]["statuses"]]
             for project in ("SOC", "OPS")}
    assert shown == {"SOC": ["To Do", "In Progress", "In Review", "Done"],
                     "OPS": ["Open", "In Progress", "Closed", "Archived"]}
    moved = standin.as_person("maria.lindqvist").move(key, "OPS")
    assert rest.fields(moved)["status"]["name"] == "Open"
    assert rest("GET", "search?jql=status=Open").json()["total"] == 2


def test_workflows_are_for_administrators(standin: JiraStandin, rest: Any, rest_to: Callable[..., Any],
                                          datacenter: JiraStandin) -> None:
    body = {"workflowNames": ["Default workflow"]}
    for refused in (rest("GET", "workflow/search"), rest("POST", "workflows", body)):
        assert (refused.status_code, len(refused.json()["errorMessages"])) == (403, 1)
    admin = rest_to(standin, "maria.lindqvist")
    (found,) = admin("GET", "workflow/search?expand=transitions,statuses").json()["values"]
    assert found["id"]["name"] == "Default workflow"
    assert [(each["id"], each["from"], each["to"], each["type"]) for each in found["transitions"]][:2] == [
        ("1", [], "1", "initial"), ("11", ["1"], "3", "directed")
    ]
    for asked in (body, {"workflowIds": [found["id"]["entityId"]]}, {"projectAndIssueTypes": [
        {"projectId": "10000", "issueTypeId": "10002"}
    ]}):
        whole = admin("POST", "workflows", asked).json()
        (flow,) = whole["workflows"]
        arrows = {each["id"]: (each["type"], [link["fromStatusReference"] for link in each["links"]],
                               each["toStatusReference"]) for each in flow["transitions"]}
        assert arrows == {
            "1": ("INITIAL", [], "1"), "11": ("DIRECTED", ["1"], "3"), "21": ("DIRECTED", ["3"], "6"),
            "31": ("DIRECTED", ["6"], "1"), "41": ("DIRECTED", ["6"], "7"), "51": ("GLOBAL", [], "3"),
        }
        assert {each["statusReference"]: each["statusCategory"] for each in whole["statuses"]} == {
            "1": "TODO", "3": "IN_PROGRESS", "6": "DONE", "7": "DONE"
        }
    assert admin("POST", "workflows", {}).status_code == 400
    assert rest_to(datacenter, "maria.lindqvist")("GET", "workflow/search").status_code == 404
