"""A case is pushed to ServiceNow: incidents and security incidents, Table API and Elastic's app."""

from __future__ import annotations

from typing import Any

import pytest
import requests

TEXT = "Traffic every 60 s.\n\nAdded by Mara Lindqvist."
ROW = {"sys_id": "0a1b", "number": "INC0010001", "sys_created_on": "2025-03-01 12:00:00",
       "sys_updated_on": "2025-03-01 12:30:00", "state": "1"}
ITSM_FIELDS = {"impact": "1", "severity": "2", "urgency": "3", "category": "software", "subcategory": None}
SIR_FIELDS = {"category": "Denial of Service", "subcategory": None, "priority": "1", "destIp": True, "sourceIp": True,
              "malwareHash": True, "malwareUrl": None}
SECRETS = {"username": "elastic", "password": "sn-secret"}


def instance(seen: Any) -> Any:
    if seen.path.startswith("/api/now/import/"):
        return 201, {"result": [{"sys_id": "0a1b", "status": "inserted"}]}
    if seen.path.endswith("/elastic_api/health"):
        return {"result": {"name": "Elastic", "scope": "x_elas2_inc_int", "version": "1.0.0"}}
    if seen.path.endswith("/observables/bulk"):
        return {"result": [{"value": each["value"], "observable_sys_id": "1"} for each in seen.body]}
    if "/sys_choice" in seen.path or "/sys_dictionary" in seen.path:
        return {"result": [{"label": "Software", "value": "software", "element": "category"}]}
    return {"result": ROW}


@pytest.fixture
def servicenow(remote: Any) -> Any:
    return remote(instance)


@pytest.mark.parametrize("kind", [".servicenow", ".servicenow-sir"])
def test_table_api(kibana: Any, servicenow: Any, connector: Any, push: Any, kind: str) -> None:
    sir = kind.endswith("sir")
    fields = SIR_FIELDS if sir else ITSM_FIELDS
    made = connector(kibana, kind, {"apiUrl": servicenow.url + "/"}, SECRETS, fields)
    case = kibana.create(connector=made)
    kibana.comment(case, "look here")
    answer = push(kibana, case, made)
    table = "sn_si_incident" if sir else "incident"
    external = answer["external_service"]
    assert (external["external_id"], external["external_title"]) == ("0a1b", "INC0010001")
    assert external["external_url"] == f"{servicenow.url}/nav_to.do?uri={table}.do?sys_id=0a1b"
    created, noted = servicenow.sent("POST")[0], servicenow.sent("PATCH")[0]
    assert created.path == f"/api/now/v2/table/{table}"
    assert created.headers["authorization"] == requests.auth._basic_auth_str("elastic", "sn-secret")
    shared = {
        "short_description": "Beaconing host", "description": TEXT, "correlation_id": case["id"],
        "correlation_display": "Elastic Case", "category": fields["category"], "subcategory": None,
    }
    own = (
        {"dest_ip": "", "source_ip": "", "malware_hash": "", "malware_url": "", "priority": "1"}
        if sir
        else {"impact": "1", "severity": "2", "urgency": "3"}
    )
    assert created.body == shared | own | {"caller_id": "elastic", "opened_by": "elastic"}
    assert noted.path == f"/api/now/v2/table/{table}/0a1b"
    assert noted.body == shared | own | {"work_notes": "look here\n\nAdded by Mara Lindqvist."}
    assert push(kibana, case, made)["external_service"]["external_id"] == "0a1b"
    assert len(servicenow.sent("POST")) == 1


def test_elastics_app(kibana: Any, servicenow: Any, connector: Any, push: Any) -> None:
    config = {"apiUrl": servicenow.url, "usesTableApi": False}
    fields = ITSM_FIELDS | {"additionalFields": '{"u_site": "Lund"}'}
    made = connector(kibana, ".servicenow", config, SECRETS, fields)
    case = kibana.create(connector=made)
    push(kibana, case, made)
    push(kibana, case, made)
    first, second = servicenow.sent("POST")
    assert first.path == "/api/now/import/x_elas2_inc_int_elastic_incident"
    assert first.body["u_site"] == "Lund"
    assert (first.body["u_short_description"], first.body["u_caller_id"]) == ("Beaconing host", "elastic")
    assert "elastic_incident_id" not in first.body
    assert (second.body["elastic_incident_id"], "u_caller_id" in second.body) == ("0a1b", False)
    assert servicenow.seen[0].path == "/api/x_elas2_inc_int/elastic_api/health"


def test_observables_come_from_the_alerts(
    kibana: Any, servicenow: Any, connector: Any, push: Any, make_alert: Any
) -> None:
    for identifier, source in (("a1", "10.0.0.1"), ("a2", "10.0.0.1")):
        document = {
            "kibana.alert.workflow_status": "open", "source": {"ip": source}, "destination": {"ip": "10.9.9.9"},
            "file": {"hash": {"sha256": "ab" * 32}}, "url": {"full": "https://evil.example/x"},
        }
        url = f"{kibana.server.elasticsearch_url}/.internal.alerts-security.alerts-default-000001/_doc/{identifier}"
        assert requests.put(url, json=document, auth=kibana.session.auth, timeout=10).status_code == 201
    config = {"apiUrl": servicenow.url, "usesTableApi": False}
    made = connector(kibana, ".servicenow-sir", config, SECRETS, SIR_FIELDS)
    case = kibana.create(connector=made)
    kibana.attach(case, make_alert("a1", "a2"))
    push(kibana, case, made)
    bulk = [seen for seen in servicenow.seen if seen.path.endswith("/observables/bulk")]
    assert bulk[0].path == "/api/x_elas2_sir_int/elastic_api/incident/0a1b/observables/bulk"
    assert bulk[0].body == [
        {"value": "10.9.9.9", "type": "ipv4-addr"}, {"value": "10.0.0.1", "type": "ipv4-addr"},
        {"value": "ab" * 32, "type": "SHA256"},
    ]
    assert servicenow.sent("POST")[0].body["u_dest_ip"] is None


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((403, {"error": {"message": "Operation Failed", "detail": "ACL"}, "status": "failure"}),
         ("Unable to create incident. Error: Request failed with status code 403 Reason: Operation Failed: ACL "
          "[status=403] [method=post] [endpoint=table]")),
        ("<html>Instance Hibernating page</html>", "Error: There is an issue with your Service Now Instance."),
        ({"result": {}}, "cannot be read"),
    ],
)
def test_failures(kibana: Any, remote: Any, connector: Any, answer: Any, told: str) -> None:
    system = remote(lambda _seen: answer)
    made = connector(kibana, ".servicenow", {"apiUrl": system.url}, SECRETS, ITSM_FIELDS)
    case = kibana.create(connector=made)
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{made['id']}/_push", 424, json={})
    assert told in message
    assert "sn-secret" not in message


def test_an_import_set_that_refuses_a_row(kibana: Any, remote: Any, connector: Any) -> None:
    def refusing(seen: Any) -> Any:
        if seen.method == "POST":
            return {"result": [{"status": "error", "error_message": "no such field"}]}
        return instance(seen)

    system = remote(refusing)
    made = connector(kibana, ".servicenow", {"apiUrl": system.url, "usesTableApi": False}, SECRETS, ITSM_FIELDS)
    case = kibana.create(connector=made)
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{made['id']}/_push", 424, json={})
    assert "Unable to create incident. Error: no such field" in message


def test_the_table_api_has_no_additional_fields(kibana: Any, servicenow: Any, connector: Any) -> None:
    fields = ITSM_FIELDS | {"additionalFields": '{"u_site": "Lund"}'}
    made = connector(kibana, ".servicenow", {"apiUrl": servicenow.url}, SECRETS, fields)
    case = kibana.create(connector=made)
    message = kibana.refused("POST", f"/api/cases/{case['id']}/connector/{made['id']}/_push", 424, json={})
    assert "additional fields are not supported for deprecated connectors" in message
    assert servicenow.seen == []


@pytest.mark.parametrize(
    ("sub_action", "params", "data"),
    [
        ("getIncident", {"externalId": "0a1b"}, ROW),
        ("getChoices", {"fields": ["category", "priority"]},
         [{"label": "Software", "value": "software", "element": "category"}]),
        ("getFields", {}, [{"label": "Software", "value": "software", "element": "category"}]),
        ("closeIncident", {"incident": {"externalId": "0a1b"}}, None),
    ],
)
def test_sub_actions(
    kibana: Any, servicenow: Any, connector: Any, sub_action: str, params: Any, data: Any
) -> None:
    made = connector(kibana, ".servicenow", {"apiUrl": servicenow.url}, SECRETS)
    body = {"params": {"subAction": sub_action, "subActionParams": params}}
    answer = kibana.send("POST", f"/api/actions/connector/{made['id']}/_execute", json=body).json()
    assert answer["status"] == "ok"
    if data is None:
        assert servicenow.sent("PATCH")[0].body["state"] == "7"
    else:
        assert answer["data"] == data
