"""The unmodified ``jira`` client walks an issue through its life, on Cloud and on Data Center."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from jira import JIRA, JIRAError

from kibcase_connectors.standins.jira import JiraStandin, Project

FIELDS = {
    "project": {"key": "SOC"}, "issuetype": {"name": "Bug"}, "summary": "Beacon to 203.0.113.7",
    "description": "Seen on *laptop-17*.", "labels": ["kbn-case-1", "beacon"], "priority": {"name": "High"},
}


@pytest.fixture
def client(standin: JiraStandin, client_of: Callable[..., Any]) -> Any:
    return client_of(standin)


def test_start_up(client: Any, standin: JiraStandin) -> None:
    me = client.myself()
    assert (client._is_cloud, me["timeZone"]) == (standin.state.catalog.cloud, "America/New_York")
    assert ("accountId" in me) is client._is_cloud
    assert ("name" in me) is not client._is_cloud
    assert {"Summary", "Case"} <= {each["name"] for each in client.fields()}
    assert [each.name for each in client.priorities()] == ["Highest", "High", "Medium", "Low", "Lowest"]
    assert [each.name for each in client.statuses()] == ["To Do", "In Progress", "In Review", "Done"]
    assert [each.key for each in client.projects()] == ["SOC"]
    assert client.project("SOC").name == "Security Operations"
    assert [each.name for each in client.issue_types_for_project("SOC")] == ["Task", "Bug", "Sub-task", "Epic"]


def test_create_and_read(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    assert (issue.key, issue.fields.summary, issue.fields.status.name) == ("SOC-1", FIELDS["summary"], "To Do")
    assert issue.fields.labels == ["beacon", "kbn-case-1"]
    assert (issue.fields.priority.name, issue.fields.resolution, issue.fields.assignee) == ("High", None, None)
    assert issue.fields.reporter.displayName == "Kibcase Sync"
    assert client.issue("SOC-1", fields="summary").raw["fields"] == {"summary": FIELDS["summary"]}


def test_update_fields_and_labels(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    issue.update(fields={"summary": "Beacon", "customfield_10012": {"value": "Malware"}},
                 update={"labels": [{"add": "urgent"}, {"remove": "beacon"}]})
    assert (issue.fields.summary, issue.fields.labels) == ("Beacon", ["kbn-case-1", "urgent"])
    assert issue.fields.customfield_10012.value == "Malware"


@pytest.mark.parametrize("number", [3, 205])
def test_search_to_the_end(client: Any, standin: JiraStandin, number: int) -> None:
    maria = standin.as_person("maria.lindqvist")
    keys = [maria.create(f"Alert {each}", project="SOC", labels=["flood"]) for each in range(number)]
    found = client.search_issues("project = SOC AND labels = flood ORDER BY created ASC, key ASC", maxResults=False)
    assert [each.key for each in found] == keys
    assert found[0].fields.summary == "Alert 0"
    page = client.search_issues("project = SOC", maxResults=2, fields="summary")
    assert len(page) == 2


def test_cloud_search_by_post(cloud: JiraStandin, client_of: Callable[..., Any]) -> None:
    client = client_of(cloud)
    client.create_issue(fields=FIELDS)
    found = client.enhanced_search_issues("labels = beacon", maxResults=False, use_post=True)
    assert [each.key for each in found] == ["SOC-1"]
    assert client.approximate_issue_count("project = SOC") == 1


def test_status_needs_a_path_and_a_resolution(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    assert [each["name"] for each in client.transitions(issue)] == ["Start progress"]
    client.transition_issue(issue, "11")
    client.transition_issue(issue, "ask for review")
    (done,) = client.transitions(issue, expand="transitions.fields")
    assert done["to"]["statusCategory"]["key"] == "done"
    assert done["fields"]["resolution"]["required"] is True
    assert "Won't Do" in [each["name"] for each in done["fields"]["resolution"]["allowedValues"]]
    with pytest.raises(JIRAError) as refused:
        client.transition_issue(issue, done["id"])
    assert (refused.value.status_code, refused.value.text) == (400, "Resolution is required.")
    client.transition_issue(issue, done["id"], fields={"resolution": {"name": "Won't Do"}}, comment="Not ours.")
    closed = client.issue(issue.id)
    assert (closed.fields.status.name, closed.fields.resolution.name) == ("Done", "Won't Do")
    assert [each.body for each in closed.fields.comment.comments] == ["Not ours."]
    client.transition_issue(issue, "Reopen")
    reopened = client.issue(issue.id)
    assert (reopened.fields.status.name, reopened.fields.resolution) == ("In Progress", None)


def test_comments(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    first = client.add_comment(issue, "One", is_internal=True)
    client.add_comment(issue, "Two", visibility={"type": "role", "value": "Administrators"})
    first.update(body="One, corrected")
    assert first.body == "One, corrected"
    assert [each.body for each in client.comments(issue)] == ["One, corrected", "Two"]
    first.delete()
    assert [each.body for each in client.comments(issue)] == ["Two"]


def test_properties_and_remote_links(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    assert client.add_issue_property(issue, "kibcase", {"case_id": "c1"}).status_code == 201
    assert client.add_issue_property(issue, "kibcase", {"case_id": "c2"}).status_code == 200
    assert client.issue_property(issue, "kibcase").value.case_id == "c2"
    assert [each.key for each in client.issue_properties(issue)] == ["kibcase"]
    link = client.add_remote_link(issue, {"url": "https://kibana.example/c1", "title": "Case 1"}, globalId="c1")
    client.add_remote_link(issue, {"url": "https://kibana.example/c1", "title": "Case one"}, globalId="c1")
    (found,) = client.remote_links(issue)
    assert (found.id, found.object.title) == (link.id, "Case one")
    client.remote_link(issue, str(link.id)).delete()
    assert client.remote_links(issue) == []


def test_attachments(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    content = bytes(range(256)) + b"\r\n--boundary\r\n"
    added = client.add_attachment(issue, io.BytesIO(content), filename='Überblick "1".bin')
    assert (added.filename, added.size, added.get()) == ('Überblick "1".bin', len(content), content)
    assert [each.id for each in client.issue(issue.id).fields.attachment] == [added.id]
    assert client.attachment_meta()["enabled"] is True
    client.delete_attachment(added.id)
    assert client.issue(issue.id).fields.attachment == []


def test_people_and_assignment(client: Any, standin: JiraStandin) -> None:
    issue = client.create_issue(fields=FIELDS)
    (maria,) = client.search_users(query="maria") if client._is_cloud else client.search_users(user="maria")
    assert maria.displayName == "Maria Lindqvist"
    client.assign_issue(issue, "maria.lindqvist@example.com" if client._is_cloud else "maria.lindqvist")
    assert client.issue(issue.id).fields.assignee.displayName == "Maria Lindqvist"
    client.assign_issue(issue, None)
    assert client.issue(issue.id).fields.assignee is None


def test_delete_needs_the_permission(client: Any, standin: JiraStandin) -> None:
    issue = client.create_issue(fields=FIELDS)
    with pytest.raises(JIRAError) as refused:
        issue.delete()
    assert refused.value.status_code == 403
    standin.state.grant("kibcase", "DELETE_ISSUES")
    issue.delete()
    with pytest.raises(JIRAError) as gone:
        client.issue(issue.id)
    assert gone.value.text == "Issue does not exist or you do not have permission to see it."


def test_create_screens_on_data_center(datacenter: JiraStandin, client_of: Callable[..., Any]) -> None:
    client = client_of(datacenter)
    types = {each.name: each.id for each in client.project_issue_types("SOC")}
    fields = {each.fieldId: each for each in client.project_issue_fields("SOC", types["Task"])}
    assert fields["summary"].required is True
    assert fields["priority"].allowedValues[0].name == "Highest"


def test_attachments_come_down_from_the_media_host(cloud: JiraStandin, client_of: Callable[..., Any]) -> None:
    client = client_of(cloud)
    issue = client.create_issue(fields=FIELDS)
    client.add_attachment(issue, io.BytesIO(b"pcap"), filename="a.pcap")
    (file,) = client.issue(issue.id).fields.attachment
    assert b"".join(file.iter_content()) == b"pcap"
    assert [each.authorized for each in cloud.media.requests] == [False]


def test_an_empty_upload_is_there_although_the_library_says_no(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    with pytest.raises(JIRAError, match="empty"):
        client.add_attachment(issue, io.BytesIO(b""), filename="nothing.txt")
    assert [each.size for each in client.issue(issue.id).fields.attachment] == [0]


def test_issue_links(client: Any) -> None:
    assert [each.name for each in client.issue_link_types()] == ["Blocks", "Cloners", "Duplicate", "Relates"]
    one, two = (client.create_issue(fields=FIELDS) for _ in range(2))
    client.create_issue_link("Blocks", one.key, two.key, comment={"body": "Waits for it."})
    (link,) = client.issue(one.id).fields.issuelinks
    assert (link.type.outward, link.outwardIssue.key) == ("blocks", two.key)
    (back,) = client.issue(two.id).fields.issuelinks
    assert (back.inwardIssue.key, back.inwardIssue.fields.status.name) == (one.key, "To Do")
    assert client.issue_link(link.id).inwardIssue.key == one.key
    client.delete_issue_link(link.id)
    assert client.issue(one.id).fields.issuelinks == []


def test_sub_tasks(client: Any) -> None:
    above = client.create_issue(fields=FIELDS)
    below = client.create_issue(fields={**FIELDS, "issuetype": {"name": "Sub-task"}, "parent": {"key": above.key}})
    assert below.fields.parent.key == above.key
    assert [each.key for each in client.issue(above.id).fields.subtasks] == [below.key]
    with pytest.raises(JIRAError) as refused:
        client.create_issue(fields={**FIELDS, "issuetype": {"name": "Sub-task"}})
    assert "parent issue key or id not specified" in str(refused.value.text)


def test_transitions_by_name_and_back(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    for name in ("Start Progress", "Ask For Review"):
        client.transition_issue(issue, name)
    client.transition_issue(issue, "Done", resolution={"name": "Done"})
    assert client.issue(issue.id).fields.status.name == "Done"
    assert client.find_transitionid_by_name(issue, "reopen") == "41"
    with pytest.raises(JIRAError, match="Invalid transition name"):
        client.transition_issue(issue, "Nowhere")


def test_internal_comments_of_a_service_desk(run: Callable[..., JiraStandin], client_of: Callable[..., Any]) -> None:
    standin = run("cloud", project=Project(id="10000", key="SOC", name="Desk", kind="service_desk"))
    client = client_of(standin)
    issue = client.create_issue(fields=FIELDS)
    hidden = client.add_comment(issue, "For us", is_internal=True)
    shown = client.add_comment(issue, "For all")
    assert (hidden.jsdPublic, shown.jsdPublic) == (False, True)
    hidden.update(body="Still for us", is_internal=True)
    assert [each.body for each in standin.customer_comments(issue.key)] == ["For all"]
    assert client.project("SOC").projectTypeKey == "service_desk"


def test_edit_screen_and_permissions(client: Any) -> None:
    issue = client.create_issue(fields=FIELDS)
    fields = client.editmeta(issue)["fields"]
    assert fields["customfield_10012"]["allowedValues"][0]["value"] == "Phishing"
    held = client.my_permissions(projectKey="SOC", permissions="EDIT_ISSUES,ADMINISTER")["permissions"]
    assert (held["EDIT_ISSUES"]["havePermission"], held["ADMINISTER"]["havePermission"]) == (True, False)
    found = client.search_assignable_users_for_issues(project="SOC", **(
        {"query": "tomasz"} if client._is_cloud else {"username": "tomasz"}
    ))
    assert [each.displayName for each in found] == ["Tomasz Nowak"]


def test_classic_create_screens_on_cloud(cloud: JiraStandin, client_of: Callable[..., Any]) -> None:
    found = client_of(cloud).createmeta(projectKeys="SOC", expand="projects.issuetypes.fields")
    kinds = {each["name"]: each["fields"] for each in found["projects"][0]["issuetypes"]}
    assert kinds["Sub-task"]["parent"]["required"] is True


def test_documents_with_the_third_version(cloud: JiraStandin) -> None:
    login = ("kibcase@example.com", "kibcase-token")
    client: Any = JIRA(
        cloud.url, options={"rest_api_version": "3"}, basic_auth=login, max_retries=0, timeout=10, logging=False
    )
    text = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "Seen", "marks": [{"type": "em"}]}]}
    ]}
    issue = client.create_issue(fields={**FIELDS, "description": text})
    assert client.issue(issue.id).raw["fields"]["description"] == text
    assert issue.raw["self"].startswith(f"{cloud.url}/rest/api/3/issue/")
    issue.update(fields={"description": {**text, "content": []}})
    assert cloud.as_person("maria.lindqvist").issue(issue.key).values["description"] is None
    found = client.enhanced_search_issues("project = SOC", maxResults=False)
    assert [each.key for each in found] == [issue.key]
    with pytest.raises(JIRAError) as refused:
        client.create_issue(fields=FIELDS)
    assert "Atlassian Document" in str(refused.value.text)
    client.close()


def test_personal_access_token(datacenter: JiraStandin) -> None:
    client: Any = JIRA(datacenter.url, token_auth="kibcase-token", max_retries=0, timeout=10, logging=False)
    assert client.myself()["name"] == "kibcase"
    client.close()


def test_context_path(run: Callable[..., JiraStandin], client_of: Callable[..., Any]) -> None:
    standin = run("datacenter", context_path="/jira")
    issue = client_of(standin).create_issue(fields=FIELDS)
    issue.update(summary="Under a context path")
    assert issue.raw["self"].startswith(f"{standin.url}/rest/api/2/issue/")
    assert issue.fields.summary == "Under a context path"
