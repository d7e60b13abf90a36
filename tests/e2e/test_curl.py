"""The calls of Kibana's documentation, sent with curl as it is."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kibcase.server.app import CasesServer
from kibcase_connectors.standins.jira import JiraStandin

CURL = shutil.which("curl")
KEY = "key1:opensesame"
ENCODED = base64.b64encode(KEY.encode()).decode()
INDEX = ".internal.alerts-security.alerts-default-000001"
JSON_HEADERS = ("-H", "kbn-xsrf: true", "-H", "Content-Type: application/json")
NO_CONNECTOR = {"id": "none", "name": "none", "type": ".none", "fields": None}

pytestmark = pytest.mark.skipif(CURL is None, reason="there is no curl on this machine")


class Curl:
    """Runs curl against one Kibana; the user's own configuration and proxies do not count."""

    def __init__(self, url: str, login: tuple[str, ...] = ("-H", f"Authorization: ApiKey {ENCODED}")) -> None:
        self.url = url
        self.login = login

    def __call__(self, method: str, path: str, *arguments: str) -> tuple[int, Any]:
        assert CURL is not None
        run = subprocess.run(
            [
                CURL, "-q", "--noproxy", "*", "--silent", "--show-error", "--max-time", "30", "-X", method, *self.login,
                "-w", "\n%{http_code}", *arguments, self.url + path,
            ],
            capture_output=True, text=True, timeout=60, check=True,
        )
        text, _, status = run.stdout.rpartition("\n")
        return int(status), json.loads(text) if text else None

    def ok(self, method: str, path: str, *arguments: str) -> Any:
        status, body = self(method, path, *arguments)
        assert status == 200, body
        return body

    def sent(self, method: str, path: str, body: Any) -> Any:
        return self.ok(method, path, *JSON_HEADERS, "-d", json.dumps(body))

    def case(self, **fields: Any) -> Any:
        return self.sent("POST", "/api/cases", {
            "title": "A case", "description": "A case description.", "tags": ["tag 1"], "owner": "cases",
            "connector": NO_CONNECTOR, "settings": {"syncAlerts": True}, **fields,
        })


@pytest.fixture(scope="module", params=["8.19", "9.2", "9.5"])
def server(request: pytest.FixtureRequest) -> Iterator[CasesServer]:
    with CasesServer(stack_version=request.param, api_keys={KEY: "elastic"}) as server:
        yield server


@pytest.fixture
def curl(server: CasesServer) -> Curl:
    return Curl(server.kibana_url)


def test_create_and_read(curl: Curl) -> None:
    jira = {
        "id": "131d4448-abe0-4789-939d-8ef60680b498", "name": "My connector", "type": ".jira",
        "fields": {"issueType": "10006", "priority": None, "parent": None},
    }
    made = curl.case(connector=jira, owner="securitySolution")
    read = curl.ok("GET", f"/api/cases/{made['id']}")
    assert (read["title"], read["status"], read["connector"]) == ("A case", "open", jira)


def test_update(curl: Curl) -> None:
    made = curl.case()
    entry = {"id": made["id"], "version": made["version"], "status": "closed", "tags": ["tag 1", "tag 2"]}
    (changed,) = curl.sent("PATCH", "/api/cases", {"cases": [entry]})
    assert (changed["status"], changed["tags"]) == ("closed", ["tag 1", "tag 2"])
    status, said = curl("PATCH", "/api/cases", *JSON_HEADERS, "-d", json.dumps({"cases": [entry]}))
    assert (status, said["error"]) == (409, "Conflict")


def test_comment_and_alert(curl: Curl) -> None:
    made = curl.case(settings={"syncAlerts": False})
    where = f"/api/cases/{made['id']}/comments"
    (comment,) = curl.sent("POST", where, {"type": "user", "owner": "cases", "comment": "A new comment."})["comments"]
    named = {"id": comment["id"], "version": comment["version"]}
    changed = {**named, "type": "user", "owner": "cases", "comment": "Updated."}
    assert curl.sent("PATCH", where, changed)["comments"][0]["comment"] == "Updated."
    alert = {
        "type": "alert", "owner": "cases", "alertId": "a6e12ac4", "index": INDEX,
        "rule": {"id": "94d80550-aaf4-11ec-985f-97e55adae8b9", "name": "security_rule"},
    }
    assert curl.sent("POST", where, alert)["totalAlerts"] == 1
    assert [one["id"] for one in curl.ok("GET", f"/api/cases/{made['id']}/alerts")] == ["a6e12ac4"]
    assert [one["id"] for one in curl.ok("GET", "/api/cases/alerts/a6e12ac4?owner=cases")] == [made["id"]]
    assert curl.ok("GET", f"{where}/_find?page=1&perPage=1&sortOrder=asc")["total"] == 1
    assert curl("DELETE", f"{where}/{comment['id']}", "-H", "kbn-xsrf: true") == (204, None)
    assert curl("DELETE", where, "-H", "kbn-xsrf: true") == (204, None)
    assert curl("DELETE", f"/api/cases?ids=[%22{made['id']}%22]", "-g", "-H", "kbn-xsrf: true") == (204, None)


def test_find(curl: Curl) -> None:
    made = curl.case(tags=["find me", "ümlaut & co"])
    found = curl.ok(
        "GET", "/api/cases/_find", "-G", "-d", "status=open", "-d", "status=in-progress", "-d", "sortField=updatedAt",
        "-d", "sortOrder=desc", "--data-urlencode", "tags=ümlaut & co", "--data-urlencode", "search=A case",
        "-d", "searchFields=title", "-d", "from=now-1d",
    )
    assert [case["id"] for case in found["cases"]] == [made["id"]]
    assert "ümlaut & co" in curl.ok("GET", "/api/cases/tags?owner=cases")
    assert [one["username"] for one in curl.ok("GET", "/api/cases/reporters?owner=cases")] == ["elastic"]


@pytest.mark.parametrize("how", ["quotes as they are", "quotes escaped", "everything escaped"])
def test_delete(curl: Curl, how: str) -> None:
    ids = [curl.case()["id"] for _ in range(2)]
    xsrf = ("-H", "kbn-xsrf: true")
    if how == "everything escaped":
        given: tuple[str, ...] = ("/api/cases", "-G", "--data-urlencode", f"ids={json.dumps(ids)}", *xsrf)
    else:
        quote = '"' if how == "quotes as they are" else "%22"
        given = (f"/api/cases?ids=[{','.join(quote + one + quote for one in ids)}]", "-g", *xsrf)
    assert curl("DELETE", *given) == (204, None)
    assert [curl("GET", f"/api/cases/{one}")[0] for one in ids] == [404, 404]


def test_configure(curl: Curl, server: CasesServer) -> None:
    server.cases.spaces.create({"id": "settings", "name": "Settings"})
    field = {"key": "d312efda", "label": "my custom field", "type": "text", "defaultValue": "x", "required": True}
    body = {
        "owner": "cases", "closure_type": "close-by-user", "connector": NO_CONNECTOR, "customFields": [field],
        "templates": [],
    }
    made = curl.sent("POST", "/s/settings/api/cases/configure", body)
    assert (made["owner"], made["customFields"]) == ("cases", [field])
    change = {
        "version": made["version"], "closure_type": "close-by-pushing", "connector": NO_CONNECTOR,
        "customFields": [field], "templates": [],
    }
    changed = curl.sent("PATCH", f"/s/settings/api/cases/configure/{made['id']}", change)
    assert changed["closure_type"] == "close-by-pushing"
    assert [one["id"] for one in curl.ok("GET", "/s/settings/api/cases/configure?owner=cases")] == [made["id"]]
    assert curl.ok("GET", "/api/cases/configure?owner=cases") == []


def test_push(curl: Curl) -> None:
    with JiraStandin() as jira:
        connector = curl.sent("POST", "/api/actions/connector", {
            "name": "My connector", "connector_type_id": ".jira", "config": {"apiUrl": jira.url, "projectKey": "SOC"},
            "secrets": {"email": "kibcase@example.com", "apiToken": "kibcase-token"},
        })
        usable = curl.ok("GET", "/api/cases/configure/connectors/_find")
        assert connector["id"] in [one["id"] for one in usable]
        fields = {"issueType": None, "priority": None, "parent": None}
        made = curl.case(connector={"id": connector["id"], "name": "My connector", "type": ".jira", "fields": fields})
        where = f"/api/cases/{made['id']}/connector/{connector['id']}/_push"
        # The documented call has an empty object as its body; none at all does as well.
        assert curl.sent("POST", where, {})["external_service"]["external_title"] == "SOC-1"
        assert curl.ok("POST", where, "-H", "kbn-xsrf: true")["external_service"]["external_title"] == "SOC-1"
        actions = curl.ok("GET", f"/api/cases/{made['id']}/user_actions/_find?types=pushed&sortOrder=asc")
        assert actions["total"] == 2


def test_files(curl: Curl, tmp_path: Path) -> None:
    made = curl.case()
    path = tmp_path / "evidence.txt"
    # Beyond 1 MiB curl waits to be told to go on.
    path.write_bytes(b"line\n" * 600_000)
    where = f"/api/cases/{made['id']}/files"
    whole = curl.ok("POST", where, "-H", "kbn-xsrf: true", "-F", f"file=@{path}", "-F", "filename=named")
    (attached,) = whole["comments"]
    assert attached["externalReferenceMetadata"]["files"][0]["name"] == "named"
    whole = curl.ok("POST", where, "-H", "kbn-xsrf: true", "-F", f"file=@{path};type=text/plain")
    assert [one["externalReferenceMetadata"]["files"][0]["name"] for one in whole["comments"]] == ["named", "evidence"]
    assert CURL is not None
    blob = f"{curl.url}/api/files/files/casesFilesCases/{attached['externalReferenceId']}/blob"
    run = subprocess.run(
        [CURL, "-q", "--noproxy", "*", "-sS", "--max-time", "30", *curl.login, "-o", str(tmp_path / "back"), blob],
        timeout=60, check=True,
    )
    assert run.returncode == 0
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


def test_what_is_forgotten_is_told(curl: Curl, server: CasesServer) -> None:
    content = ("-H", "Content-Type: application/json", "-d", "{}")
    status, said = curl("POST", "/api/cases", *content)
    assert (status, said["message"]) == (400, "Request must contain a kbn-xsrf header.")
    status, said = Curl(server.kibana_url, ())("GET", "/api/cases/_find")
    assert (status, said["error"]) == (401, "Unauthorized")
    status, said = Curl(server.kibana_url, ("-u", "elastic:wrong"))("GET", "/api/cases/_find")
    assert (status, said["error"]) == (401, "Unauthorized")
    status, said = curl("POST", "/api/cases", *JSON_HEADERS, "-d", '{"title": "half')
    assert (status, said["error"]) == (400, "Bad Request")


def test_a_password_and_a_newer_header_do_as_well(server: CasesServer) -> None:
    curl = Curl(server.kibana_url, ("-u", "elastic:changeme"))
    versioned = ("-H", "elastic-api-version: 2023-10-31")
    assert curl.ok("GET", "/api/cases/_find", *versioned)["per_page"] == 20
    status, told = Curl(server.kibana_url, ())("GET", "/api/status")
    assert (status, told["status"]["overall"]["level"]) == (200, "available")
