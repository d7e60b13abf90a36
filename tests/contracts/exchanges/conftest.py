"""The life of some cases, by way of the library: every operation of the documents is in it."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
import requests

from kibcase import ApiError, Kibana, KibcaseError, Request, UnsupportedByStack
from kibcase.models.attachment import Rule
from kibcase.models.attachment_request import CommentRequest, PersistableStateRequest
from kibcase.models.case import ConnectorRef
from kibcase.models.configuration import ConfiguredTemplate, CustomFieldDefinition, ObservableType
from kibcase.models.observable import Observable
from kibcase.models.unified import UnifiedReference, UnifiedValue
from kibcase.server.app import CasesServer
from kibcase_connectors.standins.jira import DEFAULT_USERS, JiraStandin

OWNER = "securitySolution"
ALERTS = ".alerts-security.alerts-default"
ALERTS_INDEX = ".internal.alerts-security.alerts-default-000001"
WORKFLOW_STATUS = "kibana.alert.workflow_status"
UID = "u_elastic_0"
FIELD = "name: risk\nlabel: Risk\ntype: keyword\ncontrol: INPUT_TEXT\n"
TEMPLATE = """\
name: Phishing
fields:
  - name: priority
    label: Priority
    type: keyword
    control: SELECT_BASIC
    metadata:
      options: [low, high]
      default: low
"""


@pytest.fixture(scope="session")
def life_of() -> type[Life]:
    """``Life`` itself."""
    return Life


class Life:
    """What people and scripts do, by way of the library; what it has no method for is sent as it is."""

    def __init__(self, server: CasesServer, recorder: Any, jira: JiraStandin, stack: tuple[int, ...]) -> None:
        self.kibana = Kibana.over(recorder)
        self.elasticsearch_url = server.elasticsearch_url
        self.recorder = recorder
        self.jira = jira
        self.stack = stack

    def live(self) -> None:
        self.platform()
        self.configuration()
        case = self.case()
        self.comments(case.id)
        self.alerts(case.id)
        self.files(case.id)
        self.bulk(case.id)
        self.observables(case.id)
        self.unified(case.id)
        self.connectors(case.id)
        self.templates(case.id)
        self.reads(case.id)
        self.activity(case.id)
        self.profiles()
        self.older(case.id)
        self.detections()
        self.saved_objects(case.id)
        self.end(case.id)

    def send(self, method: str, path: str, body: Any = None, **query: str) -> None:
        with suppress(KibcaseError):
            self.recorder.send(Request(method=method, path=path, json=body, query=tuple(query.items())))

    def platform(self) -> None:
        kibana = self.kibana
        kibana.status.get()
        kibana.status.license()
        kibana.spaces.create("soc", "SOC", description="Analysts")
        with suppress(ApiError):
            kibana.spaces.create("soc", "SOC again")
        kibana.spaces.update(kibana.spaces.get("soc"))
        kibana.spaces.all()
        kibana.spaces.delete("soc")

    def configuration(self) -> None:
        api = self.kibana.configuration
        text = CustomFieldDefinition(key="ticket", label="Ticket", type="text", default_value="none")
        toggle = CustomFieldDefinition(key="vip", label="VIP", type="toggle", default_value=False)
        made = api.replace(OWNER, custom_fields=[text, toggle], closure_type="close-by-user")
        if self.stack >= (8, 18):
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
        cases.set_custom_field(case, "ticket", "INC-2")
        with suppress(ApiError):
            cases.set_custom_field(case, "ticket", "stale")
        with suppress(ApiError):
            cases.set_custom_field(cases.get(case.id), "nothing", "INC-3")
        return case

    def comments(self, case_id: str) -> None:
        comments, case = self.kibana.comments, self.kibana.cases.get(case_id)
        first = comments.add(case, "Looks like a beacon")
        comments.update(case, first, "It is a beacon")
        comments.get(case, first.id)
        second = comments.add(case, "gone soon")
        comments.delete(case, second.id)
        comments.delete_many(case, [comments.add(case, text).id for text in ("gone", "gone too")])
        comments.delete_many(case, ["no-such-comment"])
        comments.find(case, page=1, per_page=10, sort_order="desc")
        self.kibana.attachments.create(case, {
            "type": "externalReference", "externalReferenceId": "i1", "externalReferenceAttachmentTypeId": "indicator",
            "externalReferenceStorage": {"type": "elasticSearchDoc"}, "externalReferenceMetadata": None,
        })

    def alerts(self, case_id: str) -> None:
        alerts, case = self.kibana.alerts, self.kibana.cases.get(case_id)
        alerts.attach(case, ["a1", "a2"], ALERTS, Rule(id="r1", name="Beacon"))
        alerts.of_case(case)
        alerts.cases_of("a1", owner=OWNER)
        with suppress(UnsupportedByStack):
            alerts.cases_with_all(["a1"], [case])

    def files(self, case_id: str) -> None:
        files, case = self.kibana.files, self.kibana.cases.get(case_id)
        uploaded = [files.upload(case, b"sample", name=f"evidence{number}.txt") for number in range(2)]
        files.info(uploaded[0])
        files.read(uploaded[0])
        with suppress(ApiError):
            files.info("no-such-file", owner=OWNER)
        with suppress(ApiError):
            files.read("no-such-file", owner=OWNER)
        files.delete(case, uploaded[1])

    def bulk(self, case_id: str) -> None:
        attachments, case = self.kibana.attachments, self.kibana.cases.get(case_id)
        attachments.create_many(case, [
            CommentRequest(comment="one of two"),
            PersistableStateRequest(state_type_id=".lens", state={"attributes": {}}),
        ])
        attachments.create_many(case, [PersistableStateRequest(state_type_id="no-such-type", state={})])
        found = attachments.all(case)
        attachments.get_many(case, [*[str(each.id) for each in found], "no-such-attachment"])
        self.kibana.cases.bulk_get([case_id, "no-such-case"])
        self.kibana.cases.resolve(case_id)

    def observables(self, case_id: str) -> None:
        observables, case = self.kibana.observables, self.kibana.cases.get(case_id)
        other = self.kibana.cases.create(title="Same address", description="d", owner=OWNER)
        with suppress(KibcaseError):
            for each in (case, other):
                observables.add(each, "observable-type-ipv4", "10.0.0.1")
            added = observables.add(case, "observable-type-domain", "c2.example", description="sinkholed")
            observables.update(case, added.observables[-1], value="c3.example")
            observables.remove(case, added.observables[-1])
            observables.add(case, "observable-type-ipv4", "10.0.0.1")
        more = [Observable(type_key="observable-type-ipv4", value=f"10.0.1.{number}") for number in range(2)]
        with suppress(KibcaseError):
            observables.add_many(case, more)
        with suppress(KibcaseError):
            observables.remove_many(case, [each.id or "" for each in observables.of_case(case)[-2:]] or ["none"])
        with suppress(KibcaseError):
            observables.remove_many(case, ["no-such-observable"])
        with suppress(KibcaseError):
            self.kibana.cases.similar(case)
        for failing in (
            lambda: observables.update(case, "no-such-observable", value="x"),
            lambda: observables.remove(case, "no-such-observable"),
        ):
            with suppress(KibcaseError):
                failing()
        self.kibana.cases.delete(other)

    def unified(self, case_id: str) -> None:
        unified, case = self.kibana.attachments.unified, self.kibana.cases.get(case_id)
        if self.stack < (9, 5):
            for call in (
                lambda: unified.create(case, UnifiedValue.of_comment("too early")), lambda: unified.find(case),
                lambda: unified.get(case, "any"), lambda: unified.delete(case, "any"), lambda: unified.delete_all(case),
            ):
                with pytest.raises(UnsupportedByStack):
                    call()
            return
        made = unified.create(case, UnifiedValue.of_comment("in one shape"))
        alerts = UnifiedReference.to_alerts(OWNER, ["a3"], [ALERTS], {"id": "r1", "name": "Beacon"})
        unified.create(case, alerts)
        unified.find(case, types=["comment", "security.alert"], sort_order="desc")
        unified.find(case)
        unified.get(case, made.id)
        unified.replace(case, made, UnifiedValue.of_comment("in another"))
        with suppress(ApiError):
            unified.replace(case, made, UnifiedValue.of_comment("stale"))
        unified.delete(case, made.id)
        with suppress(ApiError):
            unified.get(case, made.id)
        other = self.kibana.cases.create(title="All of it", description="d", owner=OWNER)
        unified.create(other, UnifiedValue.of_comment("gone"))
        unified.delete_all(other)
        with suppress(ApiError):
            unified.delete_all(other)
        self.kibana.cases.delete(other)

    def connectors(self, case_id: str) -> None:
        connectors = self.kibana.connectors
        connectors.types(feature="cases")
        config = {"apiUrl": self.jira.url, "projectKey": "SOC"}
        secrets = {"email": DEFAULT_USERS[0].username, "apiToken": DEFAULT_USERS[0].secret}
        made = connectors.create(
            name="Jira", connector_type=".jira", config=config, secrets=secrets, connector_id="jira-one"
        )
        unnamed = connectors.create(name="Jira two", connector_type=".jira", config=config, secrets=secrets)
        connectors.delete(unnamed.id)
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
        self.kibana.user_actions.connectors(case_id)
        with suppress(KibcaseError):
            self.kibana.cases.sync_external(case_id)
        connectors.delete(made.id)

    def templates(self, case_id: str) -> None:
        fields, templates = self.kibana.fields, self.kibana.templates
        if self.stack < (9, 5):
            # The library asks all the same: it knows better only after the refusal.
            for call in (
                lambda: fields.find(owner=OWNER), lambda: fields.get("f1"), lambda: fields.delete("f1"),
                lambda: fields.create(owner=OWNER, definition=FIELD),
                lambda: fields.replace("f1", owner=OWNER, definition=FIELD),
                lambda: fields.applicable(owner=OWNER), lambda: fields.of_case(case_id),
                lambda: templates.find(), lambda: templates.get("t1"), lambda: templates.delete("t1"),
                lambda: templates.create(owner=OWNER, definition=TEMPLATE),
                lambda: templates.replace("t1", owner=OWNER, definition=TEMPLATE),
            ):
                with pytest.raises(UnsupportedByStack):
                    call()
            return
        field = fields.create(owner=OWNER, definition=FIELD, description="How bad", is_global=True)
        with suppress(ApiError):
            fields.create(owner=OWNER, definition=FIELD)
        fields.find(owner=OWNER, is_global=True, search="risk")
        fields.get(field.id)
        fields.replace(field.id, owner=OWNER, definition=FIELD, is_global=True)
        templates.validate(owner=OWNER, definition=TEMPLATE)
        made = templates.create(owner=OWNER, definition=TEMPLATE, description="Usual mail", tags=["mail"], enabled=True)
        with suppress(ApiError):
            templates.create(owner=OWNER, definition=TEMPLATE)
        templates.get(made.id, version=1)
        made = templates.replace(made.id, owner=OWNER, definition=TEMPLATE, tags=["mail"])
        templates.find(owner=OWNER, search="phish", tags=["mail"], enabled=True)
        templates.find()
        self.extended(case_id, made)
        templates.delete(made.id)
        fields.delete(field.id)
        for missing in (templates.get, templates.delete, fields.get, fields.delete):
            with suppress(ApiError):
                missing("no-such-thing")

    def extended(self, case_id: str, template: Any) -> None:
        """Cases with extended fields."""
        cases, fields = self.kibana.cases, self.kibana.fields
        fields.applicable(owner=OWNER, template_id=template.id)
        fields.of_case(case_id)
        made = cases.create(
            title="From a template", description="d", owner=OWNER,
            template={"id": template.id, "version": template.version}, extended_fields={"risk_as_keyword": "high"},
        )
        cases.update(made, extended_fields={"risk_as_keyword": "low"})
        cases.search(owner=OWNER, extended_fields={"Risk": "low"})
        cases.resolve(made.id)
        self.kibana.user_actions.search(made.id)
        cases.delete(made.id)

    def reads(self, case_id: str) -> None:
        cases = self.kibana.cases
        cases.get(case_id)
        cases.find(
            status=["in-progress"], severity=["critical"], tags=["c2"], owner=[OWNER], reporters=["elastic"],
            search="host", search_fields=["title", "description"], search_operator="AND", per_page=5,
            sort_field="updatedAt", sort_order="desc", created_from="now-1d", created_to="now",
        )
        cases.find(assignees=["none"], category=["malware"])
        cases.search(owner=OWNER, search="host", search_fields=["title", "description"], tags=["c2"], status=["open"])
        cases.search(owner=OWNER, custom_fields={"vip": [True]}, sort_field="closedAt", sort_order="asc")
        with suppress(ApiError):
            cases.search(owner=OWNER, custom_fields={"nothing": [True]})
        cases.tags(owner=OWNER)
        cases.reporters(owner=OWNER)
        cases.categories(owner=OWNER)

    def activity(self, case_id: str) -> None:
        actions, metrics = self.kibana.user_actions, self.kibana.metrics
        actions.find(case_id, per_page=100)
        actions.find(case_id, types=["status", "user", "alert"], sort_order="desc")
        actions.search(case_id, per_page=100, types=["user"])
        actions.search(case_id, per_page=100)
        if self.stack >= (9, 5):
            actions.search(case_id, text="beacon", authors=["elastic"])
        actions.stats(case_id)
        actions.users(case_id)
        metrics.of_case(case_id)
        metrics.across(owner=OWNER, created_from="now-1d", created_to="now")
        for missing in (actions.stats, actions.users, actions.connectors, actions.search, metrics.of_case):
            with suppress(ApiError):
                missing("no-such-case")

    def profiles(self) -> None:
        profiles = self.kibana.profiles
        profiles.suggest("ela", owners=[OWNER], size=5)
        profiles.get_many([UID])
        profiles.current()

    def older(self, case_id: str) -> None:
        """What 9.x has no more."""
        self.send("GET", "/api/cases/status", owner=OWNER)
        self.send("GET", f"/api/cases/{case_id}/comments")
        self.send("GET", f"/api/cases/{case_id}/user_actions")
        if self.stack < (9, 0):
            self.send("GET", f"/api/cases/{case_id}", includeComments="false")

    def detections(self) -> None:
        for identifier in ("a1", "a2"):
            source = {"@timestamp": "2026-03-01T10:00:00.000Z", WORKFLOW_STATUS: "open"}
            url = f"{self.elasticsearch_url}/{ALERTS_INDEX}/_doc/{identifier}"
            requests.put(url, json=source, auth=("elastic", "changeme"), timeout=10).raise_for_status()
        detections = self.kibana.detections
        detections.set_status("a1", "acknowledged")
        detections.set_status_by_query({"match_all": {}}, "closed")
        detections.change_tags(["a1", "a2"], add="seen")
        detections.change_assignees("a1", add=UID)
        detections.search(query={"match_all": {}}, size=1)

    def saved_objects(self, case_id: str) -> None:
        saved_objects, exported = self.kibana.saved_objects, BytesIO()
        saved_objects.export_cases([case_id], exported)
        saved_objects.import_(exported.getvalue())
        saved_objects.import_(exported.getvalue(), create_new_copies=False)
        saved_objects.import_(exported.getvalue(), create_new_copies=False, overwrite=True)

    def end(self, case_id: str) -> None:
        self.kibana.cases.update(case_id, status="closed")
        self.kibana.metrics.of_case(case_id)
        self.kibana.comments.delete_all(case_id)
        self.kibana.cases.delete(case_id)
        with suppress(ApiError):
            self.kibana.cases.get(case_id)
