"""Export and import of cases as saved objects, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer

Json = dict[str, Any]
NONE = {"id": "none", "name": "none", "type": ".none", "fields": None}
# What a Kibana 8.1 wrote: statuses as names, no severity, and more besides that is long gone.
OLD: list[Json] = [
    {
        "attributes": {
            "closed_at": None, "closed_by": None, "connector": {"fields": [], "name": "none", "type": ".none"},
            "created_at": "2021-12-14T13:59:41.342Z", "created_by": {"email": "", "full_name": "", "username": "cn"},
            "description": "a description", "external_service": None, "owner": "securitySolution",
            "settings": {"syncAlerts": True}, "status": "open", "tags": ["some tags"], "title": "A case to export",
            "type": "individual", "updated_at": None, "updated_by": None,
        },
        "coreMigrationVersion": "8.1.0", "id": "c-old", "migrationVersion": {"cases": "8.0.0"}, "references": [],
        "type": "cases",
    },
    {
        "attributes": {
            "associationType": "case", "comment": "A comment for my case", "created_at": "2021-12-14T13:59:53.303Z",
            "created_by": {"email": "", "full_name": "", "username": "cn"}, "owner": "securitySolution",
            "pushed_at": None, "pushed_by": None, "type": "user", "updated_at": None, "updated_by": None,
        },
        "id": "k-old", "references": [{"id": "c-old", "name": "associated-cases", "type": "cases"}],
        "type": "cases-comments",
    },
    {
        "attributes": {
            "action": "create", "created_at": "2021-12-14T13:59:54.039Z",
            "created_by": {"email": "", "full_name": "", "username": "cn"}, "owner": "securitySolution",
            "payload": {"comment": {"comment": "A comment for my case", "owner": "securitySolution", "type": "user"}},
            "type": "comment",
        },
        "id": "u-old", "type": "cases-user-actions", "references": [
            {"id": "c-old", "name": "associated-cases", "type": "cases"},
            {"id": "k-old", "name": "associated-cases-comments", "type": "cases-comments"},
        ],
    },
    {
        "excludedObjects": [], "excludedObjectsCount": 0, "exportedCount": 3, "missingRefCount": 0,
        "missingReferences": [],
    },
]


class Api:
    """A client that says what it sends."""

    def __init__(self, server: CasesServer) -> None:
        self.server = server

    def send(self, method: str, path: str, *, space: str = "", **more: Any) -> requests.Response:
        prefix = f"/s/{space}" if space else ""
        return requests.request(
            method, f"{self.server.kibana_url}{prefix}{path}", auth=("elastic", "changeme"), timeout=10,
            headers={"kbn-xsrf": "true"}, **more,
        )

    def json(self, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        response = self.send(method, path, **more)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def make(self, **more: Any) -> Json:
        body = {
            "title": "Beacon", "description": "Seen.", "owner": "securitySolution", "tags": ["edr"], "connector": NONE,
            "settings": {"syncAlerts": True}, **more,
        }
        made: Json = self.json("POST", "/api/cases", json=body)
        return made

    def comment(self, case_id: str, text: str) -> None:
        body = {"type": "user", "comment": text, "owner": "securitySolution"}
        self.json("POST", f"/api/cases/{case_id}/comments", json=body)

    def export(self, *, space: str = "", **body: Any) -> list[Json]:
        response = self.send("POST", "/api/saved_objects/_export", space=space, json=body)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/ndjson"
        assert response.headers["content-disposition"] == 'attachment; filename="export.ndjson"'
        return [json.loads(line) for line in response.text.split("\n")]

    def load(self, objects: list[Json], query: str = "", *, space: str = "", status: int = 200) -> Json:
        content = "\n".join(json.dumps(each) for each in objects).encode()
        answer: Json = self.json(
            "POST", f"/api/saved_objects/_import{query}", space=space, status=status,
            files={"file": ("export.ndjson", content)},
        )
        return answer


@pytest.fixture
def server() -> Iterator[CasesServer]:
    with CasesServer() as running:
        running.cases.spaces.create({"id": "soc", "name": "SOC"})
        yield running


@pytest.fixture
def api(server: CasesServer) -> Api:
    return Api(server)


def test_export_as_kibana_writes_it(api: Api) -> None:
    made = api.make(severity="high")
    api.json("GET", f"/api/cases/{made['id']}")
    api.comment(made["id"], "Isolated.")
    objects = api.export(type=["cases"], includeReferencesDeep=True, excludeExportDetails=True)
    assert [each["type"] for each in objects] == ["cases", "cases-comments", "cases-user-actions", "cases-user-actions"]
    case, comment, created, commented = objects
    assert (case["id"], case["references"]) == (made["id"], [])
    attributes = case["attributes"]
    assert (attributes["status"], attributes["severity"], attributes["title"]) == (0, 20, "Beacon")
    assert attributes["connector"] == {"name": "none", "type": ".none", "fields": []}
    assert not {"id", "version", "incremental_id"} & set(attributes)
    assert comment["references"] == [{"id": made["id"], "name": "associated-cases", "type": "cases"}]
    assert comment["attributes"]["comment"] == "Isolated."
    assert created["attributes"]["payload"]["connector"] == {"name": "none", "type": ".none", "fields": None}
    assert commented["references"][1] == {
        "id": comment["id"], "name": "associated-cases-comments", "type": "cases-comments"
    }
    assert "comment_id" not in commented["attributes"]


def test_export_ends_with_details(api: Api) -> None:
    made = api.make()
    *objects, details = api.export(objects=[{"type": "cases", "id": made["id"]}])
    assert details == {
        "excludedObjects": [], "excludedObjectsCount": 0, "exportedCount": len(objects), "missingRefCount": 0,
        "missingReferences": [],
    }


@pytest.mark.parametrize(("body", "message"), [
    ({}, "Either `type` or `objects` are required."),
    ({"type": "cases", "objects": [{"type": "cases", "id": "x"}]},
     'Can\'t specify both "types" and "objects" properties when exporting'),
    ({"objects": [{"type": "cases", "id": "x"}], "search": "y"},
     'Can\'t specify both "search" and "objects" properties when exporting'),
    ({"type": ["cases-comments"]}, "Trying to export non-exportable type(s): cases-comments"),
    ({"objects": [{"type": "cases-comments", "id": "x"}]},
     "Trying to export object(s) with non-exportable types: cases-comments:x"),
    ({"type": "cases", "more": 1}, "[request body.more]: definition for this key is missing"),
    ({"type": "cases", "includeReferencesDeep": "x"},
     "[request body.includeReferencesDeep]: expected value of type [boolean] but got [string]"),
    ({"objects": [{"type": "cases"}]},
     "[request body.objects.0.id]: expected value of type [string] but got [undefined]"),
])
def test_export_of_what_cannot_be(body: Json, message: str, api: Api) -> None:
    answer = api.json("POST", "/api/saved_objects/_export", json=body, status=400)
    assert answer == {"statusCode": 400, "error": "Bad Request", "message": message}


def test_export_of_a_missing_case_and_of_another_spaces(api: Api) -> None:
    made = api.make()
    body = {"objects": [{"type": "cases", "id": made["id"]}]}
    answer = api.json("POST", "/api/saved_objects/_export", space="soc", json=body, status=400)
    assert answer["message"] == "Error fetching objects to export"
    (missing,) = answer["attributes"]["objects"]
    assert missing["error"]["message"] == f"Saved object [cases/{made['id']}] not found"


def test_import_of_an_old_export(api: Api) -> None:
    answer = api.load(OLD, "?overwrite=true")
    assert (answer["success"], answer["successCount"], answer["warnings"]) == (True, 3, [])
    assert answer["successResults"][0] == {
        "type": "cases", "id": "c-old", "managed": False,
        "meta": {"title": "Case: A case to export", "icon": "casesApp"},
    }
    case = api.json("GET", "/api/cases/c-old")
    assert (case["title"], case["severity"], case["status"], case["totalComment"]) == (
        "A case to export", "low", "open", 1
    )
    assert case["connector"] == NONE
    assert not {"type", "associationType"} & set(case)
    comments = api.json("GET", "/api/cases/c-old/comments/_find")["comments"]
    assert [each["comment"] for each in comments] == ["A comment for my case"]
    (action,) = api.json("GET", "/api/cases/c-old/user_actions/_find")["userActions"]
    assert (action["type"], action["comment_id"]) == ("comment", "k-old")


@pytest.mark.parametrize("version", ["8.17.0", "9.2.0", "9.4.0"])
def test_round_trip_as_new_copies(version: str) -> None:
    with CasesServer(stack_version=version) as server:
        api = Api(server)
        made = api.make(severity="critical", assignees=[{"uid": "u1"}])
        api.comment(made["id"], "Isolated.")
        alert = {"type": "alert", "alertId": ["a1"], "index": [".alerts"], "rule": {"id": None, "name": None},
                 "owner": "securitySolution"}
        case = api.json("POST", f"/api/cases/{made['id']}/comments", json=alert)
        change = {"cases": [{"id": made["id"], "version": case["version"], "status": "closed"}]}
        (case,) = api.json("PATCH", "/api/cases", json=change)
        answer = api.load(api.export(type="cases"), "?createNewCopies=true")
        assert answer["success"]
        copy_id = next(each["destinationId"] for each in answer["successResults"] if each["type"] == "cases")
        copy = api.json("GET", f"/api/cases/{copy_id}")
        differing = {"id", "version", "incremental_id", "comments"}
        assert {name: value for name, value in copy.items() if name not in differing} == {
            name: value for name, value in case.items() if name not in differing
        }
        server.number_cases()
        numbers = [api.json("GET", f"/api/cases/{each}").get("incremental_id") for each in (made["id"], copy_id)]
        assert numbers == ([1, 2] if version > "9" else [None, None])
        known = api.json("GET", f"/api/cases/{copy_id}/user_actions/_find?perPage=100")["userActions"]
        before = api.json("GET", f"/api/cases/{made['id']}/user_actions/_find?perPage=100")["userActions"]
        assert [each["type"] for each in known] == [each["type"] for each in before]
        renamed, former = ({each["comment_id"] for each in some} - {None} for some in (known, before))
        kinds = [api.json("GET", f"/api/cases/{copy_id}/comments/{each}")["type"] for each in renamed]
        assert sorted(kinds) == ["alert", "user"]
        assert not renamed & former


def test_what_is_there_already_is_a_conflict_unless_overwritten(api: Api) -> None:
    made = api.make()
    objects = api.export(type="cases")
    change = {"cases": [{"id": made["id"], "version": made["version"], "title": "Changed"}]}
    api.json("PATCH", "/api/cases", json=change)
    answer = api.load(objects)
    assert (answer["success"], answer["successCount"]) == (False, 0)
    assert {each["error"]["type"] for each in answer["errors"]} == {"conflict"}
    assert api.json("GET", f"/api/cases/{made['id']}")["title"] == "Changed"
    answer = api.load(objects, "?overwrite=true")
    assert answer["success"]
    assert answer["successResults"][0]["overwrite"] is True
    assert api.json("GET", f"/api/cases/{made['id']}")["title"] == "Beacon"


def test_ids_of_another_space_are_not_taken_over(api: Api) -> None:
    made = api.make()
    api.comment(made["id"], "Isolated.")
    answer = api.load(api.export(type="cases"), space="soc")
    assert answer["success"]
    new = answer["successResults"][0]["destinationId"]
    assert new != made["id"]
    assert api.json("GET", f"/api/cases/{new}", space="soc")["totalComment"] == 1


def test_import_tells_what_it_could_not_take(api: Api) -> None:
    objects = [
        {"type": "dashboard", "id": "d", "attributes": {"title": "Board"}, "references": []},
        {**OLD[1], "id": "k2", "references": [{"id": "nowhere", "name": "associated-cases", "type": "cases"}]},
    ]
    answer = api.load(objects)
    assert not answer["success"]
    assert {each["id"]: each["error"]["type"] for each in answer["errors"]} == {
        "d": "unsupported_type", "k2": "missing_references"
    }


@pytest.mark.parametrize(("number", "changes"), [
    (0, {"title": None}), (0, {"status": 99}), (0, {"severity": "worst"}), (0, {"connector": []}),
    (0, {"created_at": "yesterday"}), (0, {"tags": "a"}), (1, {"type": 1}), (1, {"created_at": ""}),
    (1, {"type": "alert", "alertId": 7}), (2, {"payload": []}), (2, {"payload": {"connector": {}}, "action": None}),
])
def test_import_of_broken_objects_leaves_them_out(number: int, changes: Json, api: Api) -> None:
    objects = [dict(each) for each in OLD]
    objects[number]["attributes"] = {**objects[number]["attributes"], **changes}
    answer = api.load(objects)
    broken = [each for each in answer["errors"] if each["error"]["type"] == "unknown"]
    assert [each["id"] for each in broken] == [OLD[number]["id"]]
    assert api.json("GET", "/api/cases/_find")["total"] == (0 if number == 0 else 1)


def test_import_of_numbered_cases_is_refused(api: Api) -> None:
    attributes: Any = OLD[0]["attributes"]
    answer = api.load([{**OLD[0], "attributes": {**attributes, "incremental_id": 7}}], status=500)
    assert answer["statusCode"] == 500
    api.json("GET", "/api/cases/c-old", status=404)


def test_import_of_what_cannot_be(api: Api) -> None:
    assert "Non-unique import objects detected: [cases:c-old]" in api.load([OLD[0], OLD[0]], status=400)["message"]
    both = api.load(OLD, "?overwrite=true&createNewCopies=true", status=400)
    assert both["message"] == "[request query]: cannot use [overwrite] with [createNewCopies]"
    text = {"file": ("export.txt", b"{}")}
    answer = api.json("POST", "/api/saved_objects/_import", files=text, status=400)
    assert answer["message"] == "Invalid file extension .txt"
    broken = {"file": ("export.ndjson", b"{nonsense")}
    assert api.json("POST", "/api/saved_objects/_import", files=broken, status=400)["statusCode"] == 400
    api.json("POST", "/api/saved_objects/_import", json={}, status=415)
    api.json("POST", "/api/saved_objects/_import?overwrite=maybe", files=broken, status=400)


def test_a_user_without_rights_may_neither_export_nor_import() -> None:
    from kibcase.server.users import User

    reader = {"feature": {"securitySolutionCasesV3": ["read"]}, "spaces": ["*"]}
    users: dict[str, Any] = {"elastic": "changeme", "reader": User(password="reader", privileges=[reader])}
    with CasesServer(users=users) as server:
        api = Api(server)
        api.make()
        content = {"file": ("export.ndjson", "\n".join(map(json.dumps, OLD)).encode())}
        refused = requests.post(
            f"{server.kibana_url}/api/saved_objects/_import", auth=("reader", "reader"), timeout=10,
            headers={"kbn-xsrf": "true"}, files=content,
        )
        assert refused.status_code == 403
        assert refused.json()["message"] == "Unable to bulk_create cases"
