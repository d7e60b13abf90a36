"""A full life of an incident as a user of IBM's ``resilient`` library drives it.

Runs under an interpreter that has the library. Arguments: URL, organisation, key id, key secret, e-mail, password.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import resilient  # type: ignore[import-not-found]
from resilient import Patch, SimpleClient
from resilient.co3 import PatchConflictException, SimpleHTTPException  # type: ignore[import-not-found]

NOW = 1_740_830_400_000
ONCE = {"max_connection_retries": 1, "request_max_retries": 1}


def expect(name: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise SystemExit(f"{name}: got {got!r}, wanted {wanted!r}")


def refused(name: str, status: int, action: Any) -> None:
    try:
        action()
    except SimpleHTTPException as error:
        expect(name, error.response.status_code, status)
        return
    raise SystemExit(f"{name}: not refused")


def connect(url: str, org: str, key: str, secret: str) -> Any:
    client = SimpleClient(org_name=org, base_url=url, **ONCE)
    session = client.set_api_key(key, secret, timeout=10)
    expect("handle", session["api_key_handle"], client.api_key_handle)
    expect("org", client.get("", timeout=10)["actions_framework_enabled"], True)
    expect("const", client.get_const(timeout=10)["server_version"]["major"], 51)
    return client


def create(client: Any) -> Any:
    fields = client.get("/types/incident", timeout=10)["fields"]
    severities = {each["label"]: each["value"] for each in fields["severity_code"]["values"]}
    made = client.post("/incidents", {
        "name": "Beaconing host", "discovered_date": NOW, "severity_code": {"id": severities["Low"]},
        "incident_type_ids": ["Malware"], "description": {"format": "text", "content": "1 < 2"},
        "properties": {"kibana_case_id": "c-1"},
    }, timeout=10)
    expect("created", (made["vers"], made["plan_status"], made["severity_code"]), (1, "A", severities["Low"]))
    refused("no name", 400, lambda: client.post("/incidents", {"discovered_date": NOW}, timeout=10))
    return made


def change(client: Any, incident: Any) -> None:
    uri = f"/incidents/{incident['id']}"
    patch = Patch(incident)
    patch.add_value("name", "Beaconing hosts")
    patch.add_value("severity_code", "High")
    patch.add_value("incident_type_ids", ["Malware", "Phishing"])
    patch.add_value("description", "<p>rewritten</p>")
    patch.add_value("kibana_case_id", "c-2", old_value="c-1")
    expect("patched", client.patch(uri, patch, timeout=10).json()["success"], True)
    after = client.get(f"{uri}?handle_format=names&text_content_output_format=always_text", timeout=10)
    expect("names", (after["severity_code"], after["incident_type_ids"]), ("High", ["Malware", "Phishing"]))
    expect("text", (after["description"], after["vers"]), ("rewritten", 2))
    conflict(client, uri, incident)
    client.get_put(uri, lambda whole: whole.update(city="Lund"), timeout=10)
    expect("put", client.get(uri, timeout=10)["city"], "Lund")


def conflict(client: Any, uri: str, stale: Any) -> None:
    patch = Patch(stale)
    patch.add_value("name", "Mine")
    try:
        client.patch(uri, patch, timeout=10)
    except PatchConflictException as error:
        expect("fields", error.patch_status.get_conflict_fields(), ["name"])
        expect("present", error.patch_status.get_actual_current_value("name"), "Beaconing hosts")
    else:
        raise SystemExit("a stale old value was accepted")
    expect("overwritten", client.patch(uri, patch, timeout=10, overwrite_conflict=True).json()["success"], True)
    expect("name", client.get(uri, timeout=10)["name"], "Mine")


def query(client: Any, number: int) -> None:
    conditions = [{"field_name": "properties.kibana_case_id", "method": "equals", "value": "c-2"}]
    body = {"filters": [{"conditions": conditions}], "start": 0, "length": 1000,
            "sorts": [{"field_name": "inc_last_modified_date", "type": "asc"}]}
    uri = "/incidents/query_paged?return_level=full"
    first = client.post(uri, body, timeout=10)
    expect("query", [each["id"] for each in first["data"]], [number])
    expect("next page", client.post(uri, body | {"start": 1}, timeout=10)["data"], [])


def attach(client: Any, number: int) -> None:
    uri = f"/incidents/{number}"
    note = client.post(f"{uri}/comments", {"text": {"format": "text", "content": "first"}}, timeout=10)
    client.put(f"{uri}/comments/{note['id']}", {"text": {"format": "html", "content": "<b>second</b>"}}, timeout=10)
    (shown,) = client.get(f"{uri}/comments?text_content_output_format=objects_convert_text", timeout=10)
    expect("note", (shown["text"]["content"], shown["user_id"]), ("second", client.api_key_handle))
    expect("deleted", client.delete(f"{uri}/comments/{note['id']}", timeout=10)["success"], True)
    made = client.post(f"{uri}/artifacts", {"type": {"name": "IP Address"}, "value": "192.0.2.7"}, timeout=10)
    found = client.post(f"{uri}/artifacts/query_paged", {}, timeout=10)["data"]
    expect("artifacts", [each["id"] for each in found], [each["id"] for each in made])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.bin")
        path.write_bytes(b"\x00\xff\r\n")
        file = client.post_attachment(f"{uri}/attachments", str(path), timeout=10)
    expect("file", (file["name"], file["size"]), ("sample.bin", 4))
    expect("bytes", client.get_content(f"{uri}/attachments/{file['id']}/contents", timeout=10), b"\x00\xff\r\n")


def close(client: Any, number: int) -> None:
    uri = f"/incidents/{number}"
    alone = Patch(client.get(uri, timeout=10))
    alone.add_value("plan_status", "C")
    expect("closed without reasons", client.patch(uri, alone, timeout=10).json()["success"], False)
    whole = Patch(client.get(uri, timeout=10))
    whole.add_value("plan_status", "C")
    whole.add_value("resolution_id", "Resolved")
    whole.add_value("resolution_summary", "cleaned")
    expect("closed", client.patch(uri, whole, timeout=10).json()["success"], True)
    expect("status", client.get(uri, timeout=10)["plan_status"], "C")
    again = Patch(client.get(uri, timeout=10))
    again.add_value("plan_status", "A")
    expect("reopened", client.patch(uri, again, timeout=10).json()["success"], True)
    refused("delete", 403, lambda: client.put("/incidents/delete", [number], timeout=10))


def as_user(url: str, org: str, email: str, password: str, number: int) -> None:
    client = SimpleClient(org_name=org, base_url=url, **ONCE)
    client.connect(email, password, timeout=10)
    client.post(f"/incidents/{number}/comments", {"text": "from a person"}, timeout=10)
    expect("author", client.get(f"/incidents/{number}/comments", timeout=10)[0]["user_id"], client.user_id)
    expect("deleted", client.put("/incidents/delete", [number], timeout=10)["success"], True)
    refused("gone", 404, lambda: client.get(f"/incidents/{number}", timeout=10))


def wrong_key(url: str, org: str, key: str) -> None:
    try:
        SimpleClient(org_name=org, base_url=url, **ONCE).set_api_key(key, "wrong", timeout=10)
    except SystemExit as left:
        # The library ends the process on 401.
        if left.code != resilient.constants.ERROR_CODE_CONNECTION_UNAUTHORIZED:
            raise
    else:
        raise SystemExit("a wrong secret was accepted")


def main() -> None:
    logging.disable(logging.WARNING)
    url, org, key, secret, email, password = sys.argv[1:]
    client = connect(url, org, key, secret)
    incident = create(client)
    number = incident["id"]
    change(client, incident)
    query(client, number)
    attach(client, number)
    close(client, number)
    as_user(url, org, email, password, number)
    wrong_key(url, org, key)
    print("ok")


if __name__ == "__main__":
    main()
