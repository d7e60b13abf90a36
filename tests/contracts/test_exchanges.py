"""Every request that the library sends and every answer of the server, held against the OpenAPI document.

What differs from the document is listed, with the reason, in ``differences.yaml``. A difference that nobody
listed fails, and so does a listed one that does not occur.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from kibcase import ApiError, BasicAuth, Kibana, KibcaseError, Request
from kibcase.models.attachment import Rule
from kibcase.models.case import ConnectorRef
from kibcase.models.configuration import ConfiguredTemplate, CustomFieldDefinition, ObservableType
from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.standins.jira import DEFAULT_USERS, JiraStandin

pytestmark = pytest.mark.contract
STACKS = ("8.18.0", "8.19.0", "9.0.0", "9.2.0", "9.4.0", "9.5.0")
OWNER = "securitySolution"
ALERTS = ".alerts-security.alerts-default"
UID = "u_elastic_0"
DIFFERENCES = Path(__file__).parent / "differences.yaml"
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One listed place: ``since`` the stack it begins with, ``before`` the one it has ended with."""

    name: str
    operation: str
    at: str
    text: str
    since: Version
    before: Version

    def covers(self, violation: Any, stack: Version) -> bool:
        return (
            self.since <= stack < self.before
            and fnmatchcase(violation.operation, self.operation)
            and fnmatchcase(violation.at, self.at.replace("[", "[[]"))
            and self.text in violation.text
        )


def listed() -> list[Difference]:
    entries = yaml.safe_load(DIFFERENCES.read_text(encoding="utf-8"))
    assert all(entry["why"] for entry in entries)
    return [
        Difference(
            name=f"{operation}: {at}: {entry['says']}", operation=operation, at=at, text=entry["says"],
            since=_version(entry.get("since", "8.17")), before=_version(entry.get("before", "99.0")),
        )
        for entry in entries for operation in entry["in"] for at in entry.get("at", [""])
    ]


def _version(text: str) -> Version:
    return tuple(int(part) for part in str(text).split(".")[:2])


@pytest.fixture(scope="module")
def found(document: Any) -> dict[str, list[Any]]:
    """Everything that is not as documented, by the stack that was played."""
    return {stack: [hit for each in _lived(stack) for hit in document.violations(each)] for stack in STACKS}


@pytest.mark.parametrize("stack", STACKS)
def test_every_difference_from_the_document_is_listed(found: dict[str, list[Any]], stack: str) -> None:
    differences = listed()
    strange = [
        str(violation) for violation in found[stack]
        if not any(difference.covers(violation, _version(stack)) for difference in differences)
    ]
    assert sorted(set(strange)) == []


def test_every_listed_difference_occurs(found: dict[str, list[Any]]) -> None:
    idle = [
        difference.name for difference in listed()
        if not any(difference.covers(each, _version(stack)) for stack, hits in found.items() for each in hits)
    ]
    assert idle == [], "\n".join(idle)


def test_every_documented_operation_was_tried(document: Any) -> None:
    tried = {document.operation(each.method, each.path) for stack in STACKS[:1] for each in _lived(stack)}
    assert document.operations - tried == set()


_lives: dict[str, list[Any]] = {}


def _lived(stack: str) -> list[Any]:
    if stack not in _lives:
        pytest.fail("no life was lived on this stack")
    return _lives[stack]


@pytest.fixture(scope="module", autouse=True)
def lives(record: Callable[..., Any]) -> None:
    """Live the life of some cases, once on every stack, and keep what went over the wire."""
    people = {"elastic": User(password="changeme", full_name="Elastic", email="e@soc.example", profile_uid=UID)}
    for stack in STACKS:
        with JiraStandin(deployment="datacenter") as jira, CasesServer(stack_version=stack, users=people) as server:
            recorder = record(server.kibana_url, auth=BasicAuth("elastic", "changeme"))
            Life(Kibana.over(recorder), recorder, jira, _version(stack)).live()
            _lives[stack] = recorder.exchanges


class Life:
    """What people and scripts do, by way of the library; what it has no method for is sent as it is."""

    def __init__(self, kibana: Kibana, recorder: Any, jira: JiraStandin, stack: Version) -> None:
        self.kibana = kibana
        self.recorder = recorder
        self.jira = jira
        self.stack = stack

    def live(self) -> None:
        self.platform()
        self.configuration()
        case = self.case()
        self.comments(case.id)
        self.alerts(case.id)
        self.connectors(case.id)
        self.reads(case.id)
        self.older(case.id)
        self.detections()
        self.end(case.id)

    def send(self, method: str, path: str, body: Any = None, **query: str) -> None:
        with suppress(KibcaseError):
            self.recorder.send(Request(method=method, path=path, json=body, query=tuple(query.items())))

    def platform(self) -> None:
        kibana = self.kibana
        kibana.status.get()
        kibana.spaces.create("soc", "SOC", description="Analysts")
        kibana.spaces.update(kibana.spaces.get("soc"))
        kibana.spaces.all()
        kibana.spaces.delete("soc")

    def configuration(self) -> None:
        api = self.kibana.configuration
        text = CustomFieldDefinition(key="ticket", label="Ticket", type="text", default_value="none")
        toggle = CustomFieldDefinition(key="vip", label="VIP", type="toggle", default_value=False)
        made = api.replace(OWNER, custom_fields=[text, toggle], closure_type="close-by-user")
        made = api.update(made, observable_types=[ObservableType(key="wallet", label="Wallet")])
        made = api.update(made, custom_fields=[], templates=[
            ConfiguredTemplate(key="t1", name="Phishing", description="Usual mail", tags=["mail"]),
        ])
        api.update(made, custom_fields=[text, toggle], templates=[])
        api.all(owner=OWNER)

    def case(self) -> Any:
        cases = self.kibana.cases
        plain = cases.create(title="Plain", description="Nothing chosen", owner=OWNER)
        with suppress(ApiError):
            cases.create(title="Nobody's", description="d", owner="nobody")
        case = cases.create(
            title="Beaconing", description="Every **60** s", owner=OWNER, tags=["c2", "lab"], severity="high",
            category="malware", assignees=[UID], custom_fields=[
                {"key": "ticket", "type": "text", "value": "INC-1"}, {"key": "vip", "type": "toggle", "value": True},
            ],
        )
        case = cases.update(
            case, title="Beaconing host", description="Every 90 s", tags=["c2", "prod"], severity="critical",
            category=None, assignees=[], status="in-progress",
            settings={"syncAlerts": False},
        )
        with suppress(ApiError):
            cases.update(plain.id, version="WzAsMV0=", title="stale")
        with suppress(ApiError):
            cases.update(plain, title="Plain")
        cases.delete(plain)
        return case

    def comments(self, case_id: str) -> None:
        comments, case = self.kibana.comments, self.kibana.cases.get(case_id)
        first = comments.add(case, "Looks like a beacon")
        comments.update(case, first, "It is a beacon")
        comments.get(case, first.id)
        second = comments.add(case, "gone soon")
        comments.delete(case, second.id)
        comments.find(case, page=1, per_page=10, sort_order="desc")
        self.kibana.files.upload(case, b"sample", name="evidence.txt")
        self.kibana.attachments.create(case, {
            "type": "externalReference", "externalReferenceId": "i1", "externalReferenceAttachmentTypeId": "indicator",
            "externalReferenceStorage": {"type": "elasticSearchDoc"}, "externalReferenceMetadata": None,
        })

    def alerts(self, case_id: str) -> None:
        alerts, case = self.kibana.alerts, self.kibana.cases.get(case_id)
        alerts.attach(case, ["a1", "a2"], ALERTS, Rule(id="r1", name="Beacon"))
        alerts.of_case(case)
        alerts.cases_of("a1", owner=OWNER)

    def connectors(self, case_id: str) -> None:
        connectors = self.kibana.connectors
        connectors.types(feature="cases")
        config = {"apiUrl": self.jira.url, "projectKey": "SOC"}
        secrets = {"email": DEFAULT_USERS[0].username, "apiToken": DEFAULT_USERS[0].secret}
        made = connectors.create(
            name="Jira", connector_type=".jira", config=config, secrets=secrets, connector_id="jira-one"
        )
        connectors.update(made.id, name="Jira SOC", config=config, secrets=secrets)
        connectors.get(made.id)
        connectors.all()
        connectors.for_cases()
        fields = {"issueType": "10002", "priority": "High", "parent": None}
        reference = ConnectorRef(id=made.id, name="Jira SOC", type=".jira", fields=fields)
        case = self.kibana.cases.update(case_id, connector=reference)
        self.kibana.cases.push(case)
        with suppress(ApiError):
            connectors.incident(made.id, "10001")
        self.kibana.cases.update(case_id, title="Beaconing host, pushed")
        connectors.delete(made.id)

    def reads(self, case_id: str) -> None:
        cases = self.kibana.cases
        cases.get(case_id)
        cases.find(
            status=["in-progress"], severity=["critical"], tags=["c2"], owner=[OWNER], reporters=["elastic"],
            search="host", search_fields=["title", "description"], search_operator="AND", per_page=5,
            sort_field="updatedAt", sort_order="desc", created_from="now-1d", created_to="now",
        )
        cases.find(assignees=["none"], category=["malware"])
        cases.tags(owner=OWNER)
        cases.reporters(owner=OWNER)
        self.kibana.user_actions.find(case_id, per_page=100)
        self.kibana.user_actions.find(case_id, types=["status", "user", "alert"], order="desc")

    def older(self, case_id: str) -> None:
        """What 9.x has no more."""
        self.send("GET", "/api/cases/status", owner=OWNER)
        self.send("GET", f"/api/cases/{case_id}/comments")
        self.send("GET", f"/api/cases/{case_id}/user_actions")
        if self.stack < (9, 0):
            self.send("GET", f"/api/cases/{case_id}", includeComments="false")

    def detections(self) -> None:
        base = "/api/detection_engine/signals"
        self.send("POST", f"{base}/status", {"signal_ids": ["a1"], "status": "acknowledged"})
        self.send("POST", f"{base}/tags", {"ids": ["a1"], "tags": {"tags_to_add": ["seen"], "tags_to_remove": []}})
        self.send("POST", f"{base}/assignees", {"ids": ["a1"], "assignees": {"add": [UID], "remove": []}})
        self.send("POST", f"{base}/search", {"query": {"match_all": {}}, "size": 1})

    def end(self, case_id: str) -> None:
        self.kibana.cases.update(case_id, status="closed")
        self.kibana.comments.delete_all(case_id)
        self.kibana.cases.delete(case_id)
        with suppress(ApiError):
            self.kibana.cases.get(case_id)
