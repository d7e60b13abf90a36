"""Notes, artifacts and files."""

from __future__ import annotations

from typing import Any

import pytest

from kibcase_connectors.standins.resilient import ArtifactType, ResilientStandin

MARIA = "maria.lindqvist@example.com"


def test_notes(rest: Any, standin: ResilientStandin, clock: Any) -> None:
    number, maria = rest.create(), standin.as_person(MARIA)
    path = f"/incidents/{number}/comments"
    mine = rest.ok("POST", path, {"text": {"format": "text", "content": "1 < 2"}})
    assert (mine["user_id"], mine["user_fname"], mine["modify_principal"]["id"]) == (5, None, 5)
    assert mine["text"] == '<div class="rte">1 &lt; 2</div>'
    hers = maria.comment(number, "<p>seen</p>", reply_to=mine["id"])
    (shown,) = rest.ok("GET", f"{path}?text_content_output_format=objects_convert_text")
    (reply,) = shown["children"]
    assert (reply["id"], reply["user_lname"], reply["text"]) == (
        hers, "Lindqvist", {"format": "text", "content": "seen"}
    )
    assert (reply["comment_perms"]["update"], shown["comment_perms"]["update"]) == (False, True)
    assert rest("PUT", f"{path}/{hers}", {"text": "not mine"}).status_code == 403
    clock.forward(seconds=1)
    edited = rest.ok("PUT", f"{path}/{mine['id']}", {"text": {"format": "html", "content": "<i>3</i>"}})
    assert (edited["create_date"], edited["modify_date"]) == (clock.millis - 1000, clock.millis)
    assert rest.ok("DELETE", f"{path}/{mine['id']}")["success"] is True
    (left,) = rest.ok("GET", path)
    assert (left["is_deleted"], left["text"], len(left["children"])) == (True, None, 1)
    maria.delete_comment(number, hers)
    assert rest("GET", f"{path}/{hers}").status_code == 404
    assert rest.ok("GET", f"/incidents/{number}")["vers"] == 1


@pytest.mark.parametrize("body", [{}, {"text": None}, {"text": " "}, {"text": {"content": 5}}, {"text": 5}])
def test_empty_notes(rest: Any, body: Any) -> None:
    assert rest("POST", f"/incidents/{rest.create()}/comments", body).status_code == 400


def test_children_may_count(run: Any, rest_to: Any) -> None:
    rest = rest_to(run(children_count=True))
    number = rest.create()
    rest.ok("POST", f"/incidents/{number}/comments", {"text": "x"})
    assert rest.ok("GET", f"/incidents/{number}")["vers"] == 2


@pytest.mark.parametrize("kind", ["IP Address", 1, {"name": "IP Address"}, {"id": 1}])
def test_artifacts(rest: Any, standin: ResilientStandin, kind: Any) -> None:
    number = rest.create()
    path = f"/incidents/{number}/artifacts"
    body = {"type": kind, "value": "192.0.2.7 192.0.2.8", "description": {"format": "text", "content": "a & b"}}
    first, second = rest.ok("POST", path, body)
    assert (first["value"], second["value"], first["type"], first["description"]) == (
        "192.0.2.7", "192.0.2.8", 1, "a & b"
    )
    assert rest.ok("GET", f"{path}/{first['id']}?handle_format=names")["type"] == "IP Address"
    (twin,) = standin.as_person(MARIA).add_artifact(number, "IP Address", "192.0.2.7")
    page = rest.ok("POST", f"{path}/query_paged", {"start": 1, "length": 5})
    assert ([each["id"] for each in page["data"]], page["recordsTotal"]) == ([second["id"], twin], 3)
    changed = rest.ok("PUT", f"{path}/{twin}", {"description": "new"})
    assert (changed["description"], changed["value"]) == ("new", "192.0.2.7")
    rest.ok("DELETE", f"{path}/{twin}")
    assert len(rest.ok("GET", path)) == 2
    assert rest("POST", path, {"type": "Nonsense", "value": "x"}).status_code == 400
    assert rest("POST", path, {"type": 1, "value": " "}).status_code == 400
    standin.state.deny(5, "list_artifacts")
    assert rest("GET", path).status_code == 403


def test_values_with_commas(rest: Any) -> None:
    path = f"/incidents/{rest.create()}/artifacts"
    assert len(rest.ok("POST", path, {"type": "User Account", "value": "a, b c"})) == 1
    made = rest.ok("POST", path, {"type": "User Account", "value": "a, b c", "parse_as_csv": True})
    assert [each["value"] for each in made] == ["a", "b c"]


def test_files(rest: Any, standin: ResilientStandin) -> None:
    number = rest.create()
    path = f"/incidents/{number}/attachments"
    meta = rest.ok("POST", path, files={"file": ("é.bin", b"\x00\r\n\xff", "application/x-test")})
    assert (meta["name"], meta["size"], meta["content_type"], meta["creator_id"]) == (
        "é.bin", 4, "application/x-test", 5
    )
    assert rest.ok("GET", f"{path}/{meta['id']}") == meta
    assert rest("GET", f"{path}/{meta['id']}/contents").content == b"\x00\r\n\xff"
    standin.break_downloads()
    broken = rest("GET", f"{path}/{meta['id']}/contents")
    assert (broken.status_code, "<title>Download error</title>" in broken.text) == (200, True)
    standin.as_person(MARIA).attach(number, "b.txt", b"b")
    assert len(rest.ok("GET", path)) == 2
    assert rest("DELETE", f"{path}/{meta['id']}").status_code == 403
    standin.as_person(MARIA).delete_attachment(number, meta["id"])
    assert rest("GET", f"{path}/{meta['id']}/contents").status_code == 404
    assert rest("POST", path, data=b"x", headers={"content-type": "text/plain"}).status_code == 400
    standin.state.deny(5, "attach_file", "read_attachments")
    assert rest("POST", path, files={"file": ("a", b"a")}).status_code == 403
    assert rest("GET", path).status_code == 403


def test_files_have_a_largest_size_and_a_longest_name(run: Any, rest_to: Any) -> None:
    rest = rest_to(run(attachment_mb=0.001))
    path = f"/incidents/{rest.create()}/attachments"
    assert rest.session.get(rest.base.partition("/orgs")[0] + "/const", timeout=10).json()["max_attachment_mb"] == 0.001
    assert rest("POST", path, files={"file": ("a", b"x" * 1049)}).status_code == 413
    assert rest.ok("POST", path, files={"file": ("a", b"x" * 1048)})["size"] == 1048
    assert rest.ok("POST", path, files={"file": ("a" * 255, b"")})["size"] == 0
    assert rest("POST", path, files={"file": ("a" * 256, b"")}).status_code == 400


def test_organisations_have_their_own_artifact_types(run: Any, rest_to: Any) -> None:
    kinds = (ArtifactType(id=901, name="Host", multi_aware=True), ArtifactType(id=902, name="Sample", file=True))
    rest = rest_to(run(artifact_types=kinds))
    listed = rest.ok("GET", "/artifact_types")["entities"]
    assert [(each["id"], each["name"], each["multi_aware"], each["file"]) for each in listed] == [
        (901, "Host", True, False), (902, "Sample", False, True),
    ]
    path = f"/incidents/{rest.create()}/artifacts"
    assert [each["type"] for each in rest.ok("POST", path, {"type": "Host", "value": "a b"})] == [901, 901]
    assert rest("POST", path, {"type": "IP Address", "value": "192.0.2.7"}).status_code == 400
    assert rest("POST", path, {"type": "Sample", "value": "x"}).status_code == 400
