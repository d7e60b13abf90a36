"""What a user of kibana-py does with cases; runs under an interpreter that has it.

Arguments: the server's URL, the stack's version, Jira's URL.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kibana import Kibana  # type: ignore[import-not-found]
from kibana.exceptions import (  # type: ignore[import-not-found]
    BadRequestError,
    ConflictError,
    NotFoundError,
    SpaceNotFoundError,
)

ALERT = ".internal.alerts-security.alerts-default-000001"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
LOGIN = ("elastic", "changeme")


def expect(name: str, got: Any, wanted: Any) -> None:
    if got != wanted:
        raise SystemExit(f"{name}: got {got!r}, wanted {wanted!r}")


@dataclass(frozen=True)
class Story:
    """One tour through the client; ``wait`` gives what a call gives, be it a value or something to await."""

    client: Any
    wait: Callable[[Any], Any]
    release: tuple[int, int]
    jira: str
    space: str | None = None

    def body(self, answer: Any) -> Any:
        return self.wait(answer).body

    def refused(self, name: str, kind: type[Exception], call: Callable[[], Any]) -> None:
        try:
            self.wait(call())
        except kind:
            return
        raise SystemExit(f"{name}: was not refused")

    def tell(self) -> None:
        for part in (
            self.status, self.connectors, self.configuration, self.around, self.cases, self.finding, self.comments,
            self.alerts, self.files, self.activity, self.pushing, self.removed,
        ):
            part()

    def made(self, **fields: Any) -> Any:
        given = {"title": "From kibana-py", "description": "d", "tags": ["py"], "space_id": self.space} | fields
        return self.body(self.client.cases.create(**given))

    def version(self, case: Any) -> str:
        return str(self.body(self.client.cases.get(case_id=case["id"], space_id=self.space))["version"])

    def update(self, case: Any, **fields: Any) -> Any:
        (changed,) = self.body(
            self.client.cases.update(id=case["id"], version=self.version(case), space_id=self.space, **fields)
        )
        return changed

    def status(self) -> None:
        told = self.body(self.client.status.get_status())
        expect("level", told["status"]["overall"]["level"], "available")
        expect("version", told["version"]["number"].split(".")[:2], [str(part) for part in self.release])

    def around(self) -> None:
        cases = self.client.cases
        case = self.made(tags=["b", "a"])
        expect("tags", sorted(self.body(cases.get_tags(owner="cases", space_id=self.space))), ["a", "b"])
        expect("no tags", self.body(cases.get_tags(owner=["observability"], space_id=self.space)), [])
        (reporter,) = self.body(cases.get_reporters(owner=["cases", "observability"], space_id=self.space))
        expect("reporter", reporter["username"], "elastic")
        self.wait(cases.delete(ids=case["id"], space_id=self.space))
        expect("no reporters", self.body(cases.get_reporters(space_id=self.space)), [])

    def cases(self) -> None:
        cases, space = self.client.cases, self.space
        made = self.made(severity="high", category="Malware", settings={"syncAlerts": False})
        expect("made", (made["severity"], made["category"], made["status"]), ("high", "Malware", "open"))
        case = self.body(cases.get(case_id=made["id"], space_id=space))
        expect("owner", (case["owner"], case["connector"]["id"]), ("cases", "none"))
        expect("comments with the case", "comments" in case, self.release < (9, 0))
        changed = self.update(
            case, status="in-progress", tags=["py", "more"], title="New", description="e", severity="low",
            category="Odd", settings={"syncAlerts": True}, assignees=[{"uid": "u_1"}],
        )
        expect("changed", [changed[name] for name in ("status", "title", "category")], ["in-progress", "New", "Odd"])
        expect("assignee", changed["assignees"][0]["uid"], "u_1")
        self.refused("stale", ConflictError, lambda: cases.update(
            id=case["id"], version=case["version"], status="closed", space_id=space
        ))
        self.refused("unknown", NotFoundError, lambda: cases.update(
            id="nope", version=case["version"], status="closed", space_id=space
        ))
        self.refused("severity", BadRequestError, lambda: cases.create(
            title="t", description="d", severity="dire", space_id=space
        ))
        other = self.made()
        both = self.body(cases.update(cases=[
            {"id": one["id"], "version": self.version(one), "title": "Both"} for one in (case, other)
        ], space_id=space))
        expect("bulk", [one["title"] for one in both], ["Both", "Both"])
        if self.release >= (9, 4):
            expect("closed", self.update(case, status="closed", close_reason="duplicate")["status"], "closed")
        else:
            self.refused("close reason", BadRequestError, lambda: cases.update(
                id=case["id"], version=self.version(case), status="closed", close_reason="duplicate", space_id=space
            ))
        self.wait(cases.delete(ids=[case["id"], other["id"]], space_id=space))
        self.refused("deleted", NotFoundError, lambda: cases.get(case_id=case["id"], space_id=space))
        self.refused("twice", NotFoundError, lambda: cases.delete(ids=case["id"], space_id=space))

    def finding(self) -> None:
        cases, space = self.client.cases, self.space
        made = [self.made(title=f"Case {number}", tags=["all", f"t{number}"]) for number in range(3)]
        self.update(made[1], status="in-progress", severity="critical", category="Kind", assignees=[{"uid": "u_1"}])
        ids = [one["id"] for one in made]

        def found(**params: Any) -> list[str]:
            answer = self.body(cases.find(sort_field="createdAt", sort_order="asc", space_id=space, **params))
            return [one["id"] for one in answer["cases"]]

        expect("all", found(), ids)
        for params in (
            {"status": "in-progress"}, {"severity": "critical"}, {"category": ["Kind", "Other"]}, {"assignees": "u_1"},
            {"tags": ["t1", "none"]}, {"page": 2, "per_page": 1},
            {"search": "Case 1", "search_fields": ["title"], "default_search_operator": "AND"},
        ):
            expect(str(params), found(**params), [ids[1]])
        for params in (
            {"owner": ["cases", "observability"]}, {"reporters": "elastic"}, {"from_": "now-1d", "to": "now"},
        ):
            expect(str(params), found(**params), ids)
        expect("nothing", found(from_="2020-01-01", to="2020-01-02", search_fields="title"), [])
        expect("others", found(owner="observability"), [])
        self.refused("too many", BadRequestError, lambda: cases.find(per_page=101, space_id=space))
        counts = self.body(cases.find(space_id=space))
        expect("counts", (counts["count_open_cases"], counts["count_in_progress_cases"], counts["total"]), (2, 1, 3))
        self.wait(cases.delete(ids=ids, space_id=space))

    def comments(self) -> None:
        cases, space = self.client.cases, self.space
        case = self.made()
        where: dict[str, Any] = {"case_id": case["id"], "space_id": space}
        (first,) = self.body(cases.add_comment(comment="first", owner="cases", **where))["comments"]
        stale = {"id": first["id"], "version": first["version"], "comment": "second", "owner": "cases"}
        (changed,) = self.body(cases.update_comment(**stale, **where))["comments"]
        expect("comment", changed["comment"], "second")
        self.refused("stale comment", ConflictError, lambda: cases.update_comment(**stale, **where))
        expect("read", self.body(cases.get_comment(comment_id=first["id"], **where))["comment"], "second")
        self.wait(cases.add_comment(comment="third", **where))
        page = self.body(cases.get_comments(page=1, per_page=1, sort_order="desc", **where))
        expect("page", (page["total"], page["comments"][0]["comment"]), (2, "third"))
        self.wait(cases.delete_comment(comment_id=first["id"], **where))
        self.refused("gone", NotFoundError, lambda: cases.get_comment(comment_id=first["id"], **where))
        self.wait(cases.delete_all_comments(**where))
        expect("after", self.body(cases.get_comments(**where))["total"], 0)
        self.refused("none left", NotFoundError, lambda: cases.delete_all_comments(**where))
        self.wait(cases.delete(ids=case["id"], space_id=space))

    def alerts(self) -> None:
        cases, space = self.client.cases, self.space
        case = self.made(settings={"syncAlerts": False})
        where: dict[str, Any] = {"case_id": case["id"], "space_id": space}
        rule = {"id": "r1", "name": "Beacon"}
        both: dict[str, Any] = {"alert_id": ["a1", "a2"], "index": [ALERT, ALERT], "rule": rule}
        whole = self.body(cases.add_comment(type="alert", **both, **where))
        expect("alerts", (whole["totalAlerts"], whole["comments"][0]["alertId"]), (2, ["a1", "a2"]))
        again = self.body(cases.add_comment(type="alert", alert_id="a1", index=ALERT, rule=rule, **where))
        expect("no alert twice", again["totalAlerts"], 2)
        expect("of the case", [one["id"] for one in self.body(cases.get_alerts(**where))], ["a1", "a2"])
        (about,) = self.body(cases.get_cases_by_alert(alert_id="a1", owner="cases", space_id=space))
        expect("of the alert", (about["id"], about["title"]), (case["id"], "From kibana-py"))
        expect("of another", self.body(cases.get_cases_by_alert(alert_id="a3", space_id=space)), [])
        self.wait(cases.delete(ids=case["id"], space_id=space))

    def files(self) -> None:
        cases, space = self.client.cases, self.space
        case = self.made()
        where: dict[str, Any] = {"case_id": case["id"], "space_id": space}
        text = self.body(cases.add_file(file="notes", filename="notes.txt", **where))
        (attached,) = text["comments"]
        (shown,) = attached["externalReferenceMetadata"]["files"]
        expect("type", attached["externalReferenceAttachmentTypeId"], ".files")
        expect("file", (shown["name"], shown["mimeType"]), ("notes.txt", "text/plain"))
        image = self.body(cases.add_file(file=PNG, filename="shot.png", mime_type="image/png", **where))
        expect("files", len(image["comments"]), 2)
        self.refused("media type", BadRequestError, lambda: cases.add_file(
            file=b"MZ", filename="x.exe", mime_type="application/x-msdownload", **where
        ))
        self.wait(cases.delete(ids=case["id"], space_id=space))

    def activity(self) -> None:
        cases, space = self.client.cases, self.space
        case = self.made()
        where: dict[str, Any] = {"case_id": case["id"], "space_id": space}
        self.wait(cases.add_comment(comment="c", **where))
        self.update(case, title="New")
        found = self.body(cases.find_user_actions(page=1, per_page=10, sort_order="asc", **where))
        expect("activity", [one["type"] for one in found["userActions"]], ["create_case", "comment", "title"])
        newest = self.body(cases.find_user_actions(per_page=1, sort_order="desc", types=["title", "comment"], **where))
        expect("newest", (newest["total"], newest["userActions"][0]["payload"]), (2, {"title": "New"}))
        self.wait(cases.delete(ids=case["id"], space_id=space))

    def configuration(self) -> None:
        cases, space = self.client.cases, self.space
        expect("none", self.body(cases.get_configuration(space_id=space)), [])
        fields = [{"key": "host", "label": "Host", "type": "text", "required": False}]
        made = self.body(cases.create_configuration(
            closure_type="close-by-user", owner="cases", custom_fields=fields, templates=[], space_id=space
        ))
        expect("made", (made["owner"], made["customFields"]), ("cases", fields))
        toggle = {"key": "vip", "label": "VIP", "type": "toggle", "required": False}
        changed = self.body(cases.update_configuration(
            configuration_id=made["id"], version=made["version"], closure_type="close-by-pushing",
            custom_fields=[*fields, toggle], space_id=space,
        ))
        expect("closure", changed["closure_type"], "close-by-pushing")
        self.refused("stale configuration", ConflictError, lambda: cases.update_configuration(
            configuration_id=made["id"], version=made["version"], closure_type="close-by-user", space_id=space
        ))
        (read,) = self.body(cases.get_configuration(owner="cases", space_id=space))
        expect("keys", [field["key"] for field in read["customFields"]], ["host", "vip"])
        values = [{"key": "host", "type": "text", "value": "srv1"}]
        case = self.made(custom_fields=values)
        expect("filled", {one["key"]: one["value"] for one in case["customFields"]}, {"host": "srv1", "vip": None})
        case = self.update(case, custom_fields=[{"key": "vip", "type": "toggle", "value": True}])
        expect("replaced", {one["key"]: one["value"] for one in case["customFields"]}, {"host": None, "vip": True})
        self.wait(cases.delete(ids=case["id"], space_id=space))
        self.wait(cases.create_configuration(closure_type="close-by-user", owner="cases", space_id=space))

    def connectors(self) -> None:
        connectors, space = self.client.connectors, self.space
        types = self.body(connectors.list_types(feature_id="cases", space_id=space))
        expect("types", {".jira", ".servicenow", ".resilient"} <= {one["id"] for one in types}, True)
        config = {"apiUrl": self.jira, "projectKey": "SOC"}
        secrets = {"email": "kibcase@example.com", "apiToken": "kibcase-token"}
        made = self.body(connectors.create(
            name="Jira", connector_type_id=".jira", config=config, secrets=secrets, space_id=space
        ))
        expect("secret", "secrets" in made, False)
        expect("read", self.body(connectors.get(id=made["id"], space_id=space))["config"]["projectKey"], "SOC")
        named = self.body(
            connectors.update(id=made["id"], name="Our Jira", config=config, secrets=secrets, space_id=space)
        )
        expect("named", named["name"], "Our Jira")
        expect("all", [one["name"] for one in self.body(connectors.get_all(space_id=space))], ["Our Jira"])
        usable = self.body(self.client.cases.find_connectors(space_id=space))
        expect("usable", [(one["id"], one["actionTypeId"]) for one in usable], [(made["id"], ".jira")])
        told = self.body(connectors.execute(
            id=made["id"], params={"subAction": "issueTypes", "subActionParams": {}}, space_id=space
        ))
        expect("issue types", (told["status"], bool(told["data"])), ("ok", True))
        wanted = f"made-{'by-hand' if space is None else space}"
        chosen = self.body(connectors.create(
            id=wanted, name="x", connector_type_id=".jira", config=config, secrets=secrets, space_id=space
        ))
        expect("id", chosen["id"], wanted)
        self.wait(connectors.delete(id=wanted, space_id=space))
        self.refused("no connector", NotFoundError, lambda: connectors.get(id=wanted, space_id=space))

    def pushing(self) -> None:
        cases, space = self.client.cases, self.space
        (connector,) = self.body(cases.find_connectors(space_id=space))
        fields = {"issueType": None, "priority": None, "parent": None}
        named = {"id": connector["id"], "name": connector["name"], "type": ".jira", "fields": fields}
        case = self.made(connector=named)
        where: dict[str, Any] = {"case_id": case["id"], "space_id": space}
        self.wait(cases.add_comment(comment="for Jira", **where))
        pushed = self.body(cases.push(connector_id=connector["id"], **where))
        service = pushed["external_service"]
        expect("pushed", (service["connector_id"], service["external_title"][:4]), (connector["id"], "SOC-"))
        issue = self.body(self.client.connectors.execute(id=connector["id"], space_id=space, params={
            "subAction": "getIncident", "subActionParams": {"externalId": service["external_id"]},
        }))
        expect("issue", (issue["status"], issue["data"]["summary"]), ("ok", "From kibana-py"))
        self.refused("no such connector", NotFoundError, lambda: cases.push(connector_id="nope", **where))
        self.wait(cases.delete(ids=case["id"], space_id=space))
        self.wait(self.client.connectors.delete(id=connector["id"], space_id=space))

    def removed(self) -> None:
        """What 9.x has no more; the client has no method for it, only its ``perform_request``."""
        case = self.made()
        prefix = "" if self.space is None else f"/s/{self.space}"
        for path in (f"/{case['id']}/comments", f"/{case['id']}/user_actions", "/status"):
            def read(path: str = path) -> Any:
                return self.client.perform_request("GET", f"{prefix}/api/cases{path}")

            if self.release < (9, 0):
                self.wait(read())
            else:
                self.refused(path, NotFoundError, read)
        self.wait(self.client.cases.delete(ids=case["id"], space_id=self.space))

    def in_a_space(self, space: str) -> None:
        """Tell the same story in a space that is made for it."""
        spaces = self.client.spaces
        made = self.body(spaces.create(id=space, name="Soc", description="x", color="#aabbcc", initials="S"))
        expect("space", (made["id"], made["color"]), (space, "#aabbcc"))
        self.refused("same space", ConflictError, lambda: spaces.create(id=space, name="Soc"))
        expect("named", self.body(spaces.update(id=space, name="SOC"))["name"], "SOC")
        expect("read", self.body(spaces.get(id=space))["name"], "SOC")
        listed = self.body(spaces.get_all(purpose="any"))
        expect("spaces", {"default", space} <= {one["id"] for one in listed}, True)
        told = self.body(spaces.get_all(include_authorized_purposes=True))
        expect("purposes", all(one["authorizedPurposes"]["any"] for one in told), True)
        Story(self.client, self.wait, self.release, self.jira, space).tell()
        scoped = self.wait(self.client.space(space))
        expect("scoped", self.body(scoped.cases.find())["total"], 0)
        self.wait(scoped.cases.create(title="goes with its space", description="d"))
        expect("elsewhere", self.body(self.client.cases.find())["total"], 0)
        self.wait(spaces.delete(id=space))
        self.refused("no space", NotFoundError, lambda: spaces.get(id=space))
        self.refused("no cases", SpaceNotFoundError, lambda: self.client.cases.find(space_id=space))
        self.refused("default", BadRequestError, lambda: spaces.delete(id="default"))


def tells_of_everything(cases: Any) -> None:
    """A method of the namespace that the story leaves out is a hole in it."""
    source = Path(__file__).read_text(encoding="utf-8")
    methods = [name for name in vars(type(cases)) if not name.startswith("_") and callable(getattr(cases, name))]
    expect("left out", [name for name in methods if f"cases.{name}(" not in source], [])


def release_of(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def main() -> None:
    url, version, jira = sys.argv[1:]
    client = Kibana(url, basic_auth=LOGIN)
    try:
        story = Story(client, lambda answer: answer, release_of(version), jira)
        tells_of_everything(client.cases)
        story.tell()
        story.in_a_space("soc")
    finally:
        client.close()
    print("ok")


if __name__ == "__main__":
    main()
