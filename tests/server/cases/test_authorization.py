"""Who may do what with cases, over HTTP, in Kibana's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from kibcase.server.app import CasesServer
from kibcase.server.cases.authorization import authorize, authorize_connectors, patch_operations, readable
from kibcase.server.cases.context import Caller
from kibcase.server.errors import Forbidden
from kibcase.server.privileges import grants_of_role, rights_in
from kibcase.server.users import ApiKey, User

SECURITY = "securitySolutionCasesV3"
SOLUTIONS = {"cases": "generalCasesV3", "observability": "observabilityCasesV3", "securitySolution": SECURITY}
Connect = Callable[..., Any]


def only(*privileges: str, feature: str = SECURITY, spaces: Iterable[str] = ("*",)) -> User:
    return User(password="word-of-ana", privileges=[{"feature": {feature: list(privileges)}, "spaces": [*spaces]}])


@pytest.fixture
def pair() -> Iterator[Connect]:
    """Start a server; give a superuser's Kibana and that of ana, who has the given privileges."""
    with ExitStack() as ends:

        def begin(ana: User, **options: Any) -> tuple[Any, Any]:
            server = ends.enter_context(CasesServer(users={"elastic": "changeme", "ana": ana}, **options))
            return Client(server, "elastic", "changeme"), Client(server, "ana", "word-of-ana")

        yield begin


class Client:
    """One account, spoken for over HTTP."""

    def __init__(self, server: CasesServer, name: str, password: str, space: str = "") -> None:
        self.server, self.name, self.password = server, name, password
        self.base = server.kibana_url + (f"/s/{space}" if space else "")

    def within(self, space: str) -> Client:
        return Client(self.server, self.name, self.password, space)

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(
            method, self.base + path, auth=(self.name, self.password), timeout=10,
            headers={"kbn-xsrf": "t", "x-elastic-internal-origin": "t"}, **more,
        )

    def told(self, method: str, path: str, **more: Any) -> Any:
        answer = self.send(method, path, **more)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def forbidden(self, method: str, path: str, **more: Any) -> str:
        answer = self.send(method, path, **more)
        assert answer.status_code == 403, answer.text
        assert (answer.json()["statusCode"], answer.json()["error"]) == (403, "Forbidden")
        message: str = answer.json()["message"]
        return message

    def create(self, **fields: Any) -> Any:
        return self.told("POST", "/api/cases", json=case(**fields))

    def patch(self, found: Any, **fields: Any) -> Any:
        return self.told("PATCH", "/api/cases", json=change(found, **fields))[0]


def case(**fields: Any) -> dict[str, Any]:
    return {
        "title": "Beacon", "description": "Seen.", "tags": ["c2"], "owner": "securitySolution",
        "connector": {"id": "none", "name": "none", "type": ".none", "fields": None},
        "settings": {"syncAlerts": True}, **fields,
    }


def change(found: Any, **fields: Any) -> Any:
    return {"cases": [{"id": found["id"], "version": found["version"], **fields}]}


def comment() -> dict[str, Any]:
    return {"type": "user", "comment": "hello", "owner": "securitySolution"}


# Privileges for something else than cases: enough to enter the spaces.
ELSEWHERE = [{"feature": {"dashboard_v2": ["all"]}, "spaces": ["*"]}]
OWNED = 'with owners: "securitySolution"'


def test_a_reader_reads_and_writes_nothing(pair: Connect) -> None:
    root, ana = pair(only("read"))
    found = root.create()
    path = f"/api/cases/{found['id']}"
    commented = root.told("POST", f"{path}/comments", json=comment())["comments"][0]
    assert ana.told("GET", path)["id"] == found["id"]
    assert ana.told("GET", "/api/cases/_find")["total"] == 1
    assert ana.told("GET", f"{path}/comments/{commented['id']}")["comment"] == "hello"
    assert ana.told("GET", f"{path}/user_actions/_find")["total"] == 2
    assert ana.told("GET", "/api/cases/tags") == ["c2"]
    assert ana.told("GET", "/api/cases/configure") == []
    assert ana.forbidden("POST", "/api/cases", json=case()) == f"Unauthorized to create case {OWNED}"
    patch = change(ana.told("GET", path), title="x")
    assert ana.forbidden("PATCH", "/api/cases", json=patch) == f"Unauthorized to update case {OWNED}"
    delete = ("DELETE", f'/api/cases?ids=["{found["id"]}"]')
    assert ana.forbidden(*delete) == f"Unauthorized to delete case {OWNED}"
    assert ana.forbidden("POST", f"{path}/comments", json=comment()) == f"Unauthorized to create comments {OWNED}"
    assert ana.forbidden("DELETE", f"{path}/comments/{commented['id']}") == f"Unauthorized to delete comments {OWNED}"
    edit = {**comment(), "id": commented["id"], "version": commented["version"]}
    assert ana.forbidden("PATCH", f"{path}/comments", json=edit) == f"Unauthorized to update comments {OWNED}"
    configuration = {"connector": case()["connector"], "closure_type": "close-by-user", "owner": "securitySolution"}
    text = ana.forbidden("POST", "/api/cases/configure", json=configuration)
    assert text == "Unauthorized to create case configuration of any owner"
    saved = root.told("POST", "/api/cases/configure", json=configuration)
    update = ("PATCH", f"/api/cases/configure/{saved['id']}")
    text = ana.forbidden(*update, json={"version": saved["version"], "closure_type": "close-by-pushing"})
    assert text == f"Unauthorized to update case configuration {OWNED}"
    assert root.told("GET", path)["title"] == "Beacon"


def test_somebody_without_privileges_is_refused_in_kibanas_words(pair: Connect) -> None:
    root, ana = pair(User(password="word-of-ana", privileges=ELSEWHERE))
    found = root.create()
    assert ana.forbidden("GET", f"/api/cases/{found['id']}") == f"Unauthorized to access case {OWNED}"
    for path, entity in (
        ("/api/cases/_find", "cases"), ("/api/cases/tags", "case"), ("/api/cases/reporters", "case"),
        ("/internal/cases/categories", "cases"), ("/api/cases/configure", "case configurations"),
        (f"/api/cases/{found['id']}/comments/_find", "comments"),
    ):
        assert ana.forbidden("GET", path) == f"Unauthorized to access {entity} of any owner"
    bulk = ("POST", "/internal/cases/_bulk_get")
    assert ana.forbidden(*bulk, json={"ids": [found["id"]]}) == "Unauthorized to access cases of any owner"
    _, nobody = pair(User(password="word-of-ana", privileges=[]))
    assert nobody.forbidden("GET", "/api/spaces/space") == "Forbidden"
    assert nobody.forbidden("GET", "/api/spaces/space/default") == "Unauthorized to get default space"
    assert ana.told("GET", "/internal/security/me")["roles"] == []
    text = ana.forbidden("GET", "/api/cases/configure/connectors/_find?a=1")
    assert text == (
        "API [GET /api/cases/configure/connectors/_find?a=1] is unauthorized for user, this action is granted by the "
        "Kibana privileges [casesGetConnectorsConfigure]"
    )


def test_lists_hold_what_the_caller_may_read(pair: Connect) -> None:
    root, ana = pair(only("read"))
    mine = root.create()
    other = root.create(owner="observability", tags=["slow"], category="net")
    assert [each["id"] for each in ana.told("GET", "/api/cases/_find")["cases"]] == [mine["id"]]
    assert ana.told("GET", "/api/cases/_find")["count_open_cases"] == 1
    assert ana.told("GET", "/api/cases/_find?owner=observability")["total"] == 0
    assert ana.told("GET", "/api/cases/tags") == ["c2"]
    assert ana.told("GET", "/internal/cases/categories") == []
    many = ana.told("POST", "/internal/cases/_bulk_get", json={"ids": [mine["id"], other["id"], "nowhere"]})
    assert [each["id"] for each in many["cases"]] == [mine["id"]]
    assert many["errors"] == [
        {"error": "Not Found", "message": "Saved object [cases/nowhere] not found", "status": 404, "caseId": "nowhere"},
        {
            "error": "Forbidden", "message": 'Unauthorized to access case with owner: "observability"', "status": 403,
            "caseId": other["id"],
        },
    ]
    text = ana.forbidden("GET", f"/api/cases/{other['id']}")
    assert text == 'Unauthorized to access case with owners: "observability"'


def test_a_missing_case_is_missing_for_everybody(pair: Connect) -> None:
    _, ana = pair(User(password="word-of-ana", privileges=ELSEWHERE))
    assert ana.send("GET", "/api/cases/nowhere").status_code == 404
    assert ana.send("DELETE", '/api/cases?ids=["nowhere"]').status_code == 404


def test_minimal_all_without_sub_privileges(pair: Connect) -> None:
    root, ana = pair(only("minimal_all"))
    found = ana.create()
    assert ana.patch(found, title="Beacon 2")["title"] == "Beacon 2"
    found = root.told("GET", f"/api/cases/{found['id']}")
    assigned = {"assignees": [{"uid": "u1"}]}
    assert ana.forbidden("POST", "/api/cases", json=case(**assigned)) == f"Unauthorized to update, create case {OWNED}"
    text = ana.forbidden("PATCH", "/api/cases", json=change(found, **assigned))
    assert text == f"Unauthorized to update case {OWNED}"
    closed = ana.patch(found, status="closed")
    reopen = change(closed, status="open")
    assert ana.forbidden("PATCH", "/api/cases", json=reopen) == f"Unauthorized to update case {OWNED}"
    assert ana.send("POST", f"/api/cases/{found['id']}/comments", json=comment()).status_code == 403
    assert ana.send("DELETE", f'/api/cases?ids=["{found["id"]}"]').status_code == 403


def test_only_to_reopen_and_only_to_assign(pair: Connect) -> None:
    root, ana = pair(only("read", "case_reopen", "cases_assign"))
    found = root.create()
    given = ana.patch(found, assignees=[{"uid": "u1"}])
    assert given["assignees"][0]["uid"] == "u1"
    assert ana.send("PATCH", "/api/cases", json=change(given, status="closed")).status_code == 403
    closed = root.patch(given, status="closed")
    assert ana.send("PATCH", "/api/cases", json=change(closed, status="open", title="x")).status_code == 403
    both = change(closed, status="open", assignees=[])
    assert ana.send("PATCH", "/api/cases", json=both).status_code == 403
    assert ana.patch(closed, status="in-progress")["status"] == "in-progress"


def test_before_8_18_assignees_are_part_of_updating(pair: Connect) -> None:
    _, ana = pair(only("minimal_all", feature="securitySolutionCasesV2"), stack_version="8.17")
    found = ana.create(assignees=[{"uid": "u1"}])
    assert ana.patch(found, assignees=[])["assignees"] == []


def test_one_forbidden_case_refuses_the_whole_patch(pair: Connect) -> None:
    root, ana = pair(only("all"))
    mine, other = root.create(), root.create(owner="cases")
    entries = [change(each, title="new")["cases"][0] for each in (mine, other)]
    text = ana.forbidden("PATCH", "/api/cases", json={"cases": entries})
    assert text == 'Unauthorized to update case with owners: "securitySolution, cases"'
    assert root.told("GET", f"/api/cases/{mine['id']}")["title"] == "Beacon"
    ids = f'["{mine["id"]}","{other["id"]}"]'
    text = ana.forbidden("DELETE", f"/api/cases?ids={ids}")
    assert text == 'Unauthorized to delete case with owners: "securitySolution, cases"'
    assert root.told("GET", "/api/cases/_find")["total"] == 2


def test_rights_end_at_the_border_of_a_space(pair: Connect) -> None:
    root, ana = pair(only("all", spaces=["soc"]))
    root.told("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"})
    ana.within("soc").create()
    assert ana.send("POST", "/api/cases", json=case()).status_code == 403
    assert [space["id"] for space in ana.told("GET", "/api/spaces/space")] == ["soc"]
    assert ana.told("GET", "/api/spaces/space/soc")["name"] == "SOC"
    new = {"id": "mine", "name": "Mine"}
    assert ana.forbidden("POST", "/api/spaces/space", json=new) == "Unauthorized to create spaces"
    assert ana.within("nowhere").send("GET", "/api/cases/_find").status_code == 404


def test_a_disabled_feature_is_refused_even_to_a_superuser(pair: Connect) -> None:
    root, _ = pair(only("all"))
    hidden = {"id": "obs", "name": "Obs", "disabledFeatures": [SECURITY, "maps"]}
    root.told("POST", "/api/spaces/space", json=hidden)
    inside = root.within("obs")
    assert inside.forbidden("POST", "/api/cases", json=case()) == f"Unauthorized to create case {OWNED}"
    inside.create(owner="observability")
    assert inside.told("GET", "/api/cases/_find")["total"] == 1
    bad = {"id": "bad", "name": "Bad", "disabledFeatures": "maps"}
    answer = root.send("POST", "/api/spaces/space", json=bad)
    assert answer.json()["message"] == (
        "[request body.disabledFeatures]: expected value of type [array] but got [string]"
    )


def test_a_key_narrows_its_owners_rights() -> None:
    reading = ApiKey(user="ana", privileges=[{"base": ["read"]}], name="reader")
    users: dict[str, str | User] = {"elastic": "changeme", "ana": only("all")}
    with CasesServer(users=users, api_keys={"kid:secret": reading}) as server:
        Client(server, "ana", "word-of-ana").create()
        headers = {"authorization": "ApiKey a2lkOnNlY3JldA==", "kbn-xsrf": "t"}
        url = f"{server.kibana_url}/api/cases"
        found = requests.get(f"{url}/_find", headers=headers, timeout=10)
        assert found.json()["total"] == 1
        assert requests.post(url, headers=headers, json=case(), timeout=10).status_code == 403
        other = requests.get(f"{url}/_find?owner=observability", headers=headers, timeout=10)
        assert other.json()["total"] == 0


def caller(**features: list[str]) -> Caller:
    grants = grants_of_role([{"feature": {SOLUTIONS[owner]: names for owner, names in features.items()}}])
    return Caller(space="default", user={}, rights=rights_in(grants, "default"))


def test_refusals_name_each_owner_and_verb_once_in_the_order_given() -> None:
    with pytest.raises(Forbidden) as caught:
        authorize(caller(cases=["all"]), ["reopenCase", "assignCase", "createCase"], ["observability", "cases"] * 2)
    assert caught.value.message == 'Unauthorized to update, create case with owners: "observability, cases"'


def test_nothing_is_asked_of_nobody() -> None:
    authorize(caller(), "deleteCase", [])


def test_unknown_owners_are_refused_to_superusers() -> None:
    with pytest.raises(Forbidden, match='with owners: "legal"'):
        authorize(Caller(space="default", user={}), "createCase", ["legal"])


def test_readable_owners() -> None:
    assert readable(caller(cases=["read"], observability=["cases_delete"]), "findCases") == {"cases"}
    with pytest.raises(Forbidden, match="Unauthorized to access case templates of any owner"):
        readable(caller(), "getTemplates")


def test_connectors() -> None:
    authorize_connectors(Caller(space="default", user={}), "create", ".jira")
    with pytest.raises(Forbidden, match="Unauthorized to get actions"):
        authorize_connectors(caller(cases=["all"]), "get")
    with pytest.raises(Forbidden, match=r'Unauthorized to create a "\.jira" action'):
        authorize_connectors(caller(cases=["all"]), "create", ".jira")


@pytest.mark.parametrize(("entries", "reopened", "assigned", "operations"), [
    (1, [], [], ["updateCase"]),
    (1, ["id version status"], [], ["reopenCase"]),
    (2, ["id version status"], [], ["reopenCase", "updateCase"]),
    (1, ["id version status title"], [], ["reopenCase", "updateCase"]),
    (1, [], ["id version assignees"], ["assignCase"]),
    (1, ["id version status assignees"], ["id version status assignees"], ["reopenCase", "assignCase", "updateCase"]),
    (2, ["id version status"], ["id version assignees"], ["reopenCase", "assignCase", "updateCase"]),
])
def test_what_a_patch_takes(entries: int, reopened: list[str], assigned: list[str], operations: list[str]) -> None:
    split = [[keys.split() for keys in group] for group in (reopened, assigned)]
    assert patch_operations(entries, *split) == operations
