"""Elastic's store apps: import sets, health, observables; and a push from the embedded Cases server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.users import User
from kibcase_connectors.standins.servicenow import Column, ServiceNowStandin

ITSM = "import/x_elas2_inc_int_elastic_incident"
SIR = "import/x_elas2_sir_int_elastic_si_incident"


class Kibana:
    """The embedded Cases server with one connector to a stand-in."""

    def __init__(self, server: CasesServer) -> None:
        self.url = server.kibana_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = ("mara", "secret")
        self.session.headers["kbn-xsrf"] = "true"

    def post(self, path: str, body: Any) -> Any:
        answer = self.session.post(self.url + path, json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def connector(self, kind: str, standin: ServiceNowStandin, fields: dict[str, Any], *, table_api: bool) -> Any:
        made = self.post("/api/actions/connector", {
            "name": "SN", "connector_type_id": kind, "config": {"apiUrl": standin.url, "usesTableApi": table_api},
            "secrets": {"username": "kibcase", "password": "kibcase-password"},
        })
        return {"id": made["id"], "name": "SN", "type": kind, "fields": fields}

    def run(self, connector: Any, action: str, **params: Any) -> Any:
        body = {"params": {"subAction": action, "subActionParams": params}}
        answer = self.post(f"/api/actions/connector/{connector['id']}/_execute", body)
        assert answer["status"] == "ok", answer
        return answer["data"]

    def case(self, connector: Any) -> Any:
        return self.post("/api/cases", {
            "title": "Beaconing host", "description": "Traffic every 60 s.", "tags": [], "severity": "high",
            "owner": "securitySolution", "settings": {"syncAlerts": False}, "connector": connector,
        })

    def comment(self, case: Any, text: str) -> None:
        self.post(f"/api/cases/{case['id']}/comments", {"type": "user", "comment": text, "owner": "securitySolution"})

    def push(self, case: Any, connector: Any) -> Any:
        return self.post(f"/api/cases/{case['id']}/connector/{connector['id']}/_push", {})["external_service"]


@pytest.fixture
def kibana(clock: Any) -> Iterator[Kibana]:
    with CasesServer(clock=clock, users={"mara": User(password="secret", full_name="Mara Lindqvist")}) as server:
        face = Kibana(server)
        yield face
        face.session.close()


ITSM_FIELDS = {"impact": "1", "severity": "2", "urgency": "1", "category": "network", "subcategory": "dns"}
SIR_FIELDS = {
    "destIp": True, "sourceIp": True, "malwareHash": True, "malwareUrl": True, "priority": "1",
    "category": "Denial of Service", "subcategory": "12",
}


@pytest.mark.parametrize("table_api", [True, False])
@pytest.mark.parametrize("kind", [".servicenow", ".servicenow-sir"])
def test_kibana_pushes_a_case(
    kibana: Kibana, standin: ServiceNowStandin, clock: Any, kind: str, table_api: bool
) -> None:
    security = kind.endswith("sir")
    table = "sn_si_incident" if security else "incident"
    connector = kibana.connector(kind, standin, SIR_FIELDS if security else ITSM_FIELDS, table_api=table_api)
    case = kibana.case(connector)
    kibana.comment(case, "look here")
    external = kibana.push(case, connector)
    row, = standin.state.rows(table)
    assert (external["external_id"], external["external_title"]) == (row.sys_id, row["number"])
    assert external["external_url"] == f"{standin.url}/nav_to.do?uri={table}.do?sys_id={row.sys_id}"
    assert (row["short_description"], row["priority"]) == ("Beaconing host", "1")
    assert (row["correlation_id"], row["correlation_display"]) == (case["id"], "Elastic Case")
    assert row["sys_updated_by"] == "kibcase"
    if table == "incident":
        # The Table API wants a sys_id and drops the user name; the app's transform map looks it up.
        assert standin.state.walk(row, "caller_id.user_name") == ("" if table_api else "kibcase")
    notes = standin.as_person("maria.lindqvist").journal(row["number"])
    assert [(each["element"], each["value"].split("\n")[0]) for each in notes] == [("work_notes", "look here")]
    clock.forward(minutes=1)
    standin.as_person("tomasz.nowak").edit(row["number"], short_description="Renamed by a person")
    kibana.comment(case, "again")
    assert kibana.push(case, connector)["external_id"] == row.sys_id
    now, = standin.state.rows(table)
    assert now["short_description"] == "Beaconing host"
    assert len(standin.as_person("maria.lindqvist").journal(row["number"])) == 2


def test_kibana_reads_choices_and_closes(kibana: Kibana, standin: ServiceNowStandin) -> None:
    connector = kibana.connector(".servicenow", standin, ITSM_FIELDS, table_api=True)
    case = kibana.case(connector)
    sys_id = kibana.push(case, connector)["external_id"]
    labels = {each["label"] for each in kibana.run(connector, "getChoices", fields=["category", "impact"])}
    assert {"Network", "1 - High"} <= labels
    lengths = {each["element"]: each["max_length"] for each in kibana.run(connector, "getFields")}
    assert lengths["short_description"] == "160"
    assert kibana.run(connector, "getIncident", externalId=sys_id)["number"] == "INC0010001"
    kibana.run(connector, "closeIncident", incident={"correlation_id": case["id"], "externalId": None})
    row, = standin.state.rows("incident")
    assert (row["state"], row["close_code"], row["active"]) == ("7", "Closed/Resolved by Caller", "false")


def test_import_sets(run: Any, rest_to: Any) -> None:
    standin = run(columns=[("incident", Column(name="u_site", label="Site"))])
    rest = rest_to(standin)
    body = {"u_short_description": "x", "u_impact": "1", "u_caller_id": "kibcase", "u_site": "Lund", "u_nothing": "?"}
    answer = rest("POST", ITSM, body)
    assert answer.status_code == 201
    row, = answer.json()["result"]
    assert row == {
        "transform_map": "Elastic for ITSM", "table": "incident", "display_name": "number",
        "display_value": "INC0010001", "status": "inserted", "sys_id": row["sys_id"],
        "record_link": f"{standin.url}/api/now/table/incident/{row['sys_id']}",
    }
    assert answer.json()["import_set"] == "ISET0010001"
    assert answer.json()["staging_table"] == ITSM.removeprefix("import/")
    made = rest.record(row["sys_id"], sysparm_exclude_reference_link="true")
    assert (made["u_site"], made["impact"]) == ("Lund", "1")
    assert made["caller_id"] == standin.state.user("kibcase").sys_id

    def again(**columns: Any) -> Any:
        return rest("POST", ITSM, {"elastic_incident_id": row["sys_id"], **columns}).json()["result"][0]

    assert again(u_short_description=None, u_impact="")["status"] == "ignored"
    assert (again(u_short_description="y")["status"], again(u_work_notes="n")["status"]) == ("updated", "updated")
    failed = again(u_state="6")
    assert (failed["status"], "Resolution code" in failed["error_message"]) == ("error", True)
    assert again(elastic_incident_id="0" * 32)["status"] == "error"
    rest.refused(400, "POST", "import/nothing", {})
    rest.refused(405, "GET", ITSM)


def test_health_and_missing_apps(run: Any, rest_to: Any) -> None:
    standin = run(elastic_apps=["x_elas2_inc_int"])
    rest = rest_to(standin)
    rest.base = f"{standin.url}/api/"
    health = rest("GET", "x_elas2_inc_int/elastic_api/health").json()["result"]
    assert (health["scope"], health.keys()) == ("x_elas2_inc_int", {"name", "scope", "version"})
    rest.refused(400, "GET", "x_elas2_sir_int/elastic_api/health")
    rest.refused(400, "POST", f"now/{SIR}", {})


def test_observables(standin: ServiceNowStandin, rest: Any) -> None:
    made = rest.create("sn_si_incident")
    rest.base = f"{standin.url}/api/"
    path = f"x_elas2_sir_int/elastic_api/incident/{made['sys_id']}/observables"
    bulk = [{"value": "10.0.0.1", "type": "ipv4-addr"}, {"value": "ab" * 32, "type": "SHA256"}]
    first = rest("POST", f"{path}/bulk", bulk).json()["result"]
    assert [each["value"] for each in first] == ["10.0.0.1", "ab" * 32]
    assert rest("POST", path, bulk[0]).json()["result"] == first[:1]
    rest.base = f"{standin.url}/api/now/"
    links = rest.find(f"task={made['sys_id']}", "sn_ti_m2m_task_observable", sysparm_fields="observable.value")
    assert [each["observable.value"] for each in links] == ["10.0.0.1", "ab" * 32]
    rest.base = f"{standin.url}/api/"
    rest.refused(400, "POST", path, {"value": "x"})
    rest.refused(400, "POST", f"{path}/bulk", {"value": "x"})
    rest.refused(404, "POST", path.replace(made["sys_id"], "0" * 32), bulk[0])


def test_observables_without_the_app(standin: ServiceNowStandin, rest: Any) -> None:
    task = rest.create("sn_si_incident")["sys_id"]
    observable = rest("POST", "table/sn_ti_observable", {"value": "evil.example", "type": "URL"}).json()["result"]
    link = {"task": task, "observable": observable["sys_id"]}
    assert rest("POST", "table/sn_ti_m2m_task_observable", link).status_code == 201
    standin.state.take_roles("kibcase", "sn_ti.read", "sn_ti.write")
    assert rest.find("", "sn_ti_observable") == []
    rest.refused(403, "POST", "table/sn_ti_observable", {"value": "x"})
