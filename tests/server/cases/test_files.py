"""Files of cases, and the files API of the three cases file kinds."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import requests

KIND = "/api/files/files/securitySolutionFilesCases"
PNG = b"\x89PNG\r\n" + bytes(range(256)) * 5000


def upload(kibana: Any, case: Any, name: str = "report.txt", content: bytes = b"abc", **fields: str) -> Any:
    return kibana.send("POST", f"/api/cases/{case['id']}/files", files={"file": (name, content)}, data=fields)


def attach(kibana: Any, case: Any, name: str = "report.txt", content: bytes = b"abc", **fields: str) -> Any:
    response = upload(kibana, case, name, content, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(response: requests.Response, status: int) -> str:
    assert response.status_code == status, response.text
    message: str = response.json()["message"]
    return message


def new_file(kibana: Any, case: Any, **fields: Any) -> Any:
    body = {"name": "seed", "mimeType": "text/plain", "meta": {"caseIds": [case["id"]]}, **fields}
    response = kibana.send("POST", KIND, json=body)
    assert response.status_code == 200, response.text
    return response.json()["file"]


def listed(kibana: Any, **wanted: Any) -> list[str]:
    answer = kibana.send("POST", f"{KIND}/list", json=wanted).json()
    assert answer["total"] == len(answer["files"])
    return [file["name"] for file in answer["files"]]


def remove(kibana: Any, case: Any, *identifiers: str) -> requests.Response:
    path = f"/internal/cases/{case['id']}/attachments/files/_bulk_delete"
    response: requests.Response = kibana.send("POST", path, json={"ids": list(identifiers)})
    return response


def test_a_file_is_attached_and_comes_back_byte_for_byte(kibana: Any, clock: Any, mara: Any) -> None:
    case = kibana.create()
    clock.forward(seconds=1)
    whole = attach(kibana, case, "Screenshot 1.PNG", PNG)
    (attachment,) = whole["comments"]
    file_id = attachment["externalReferenceId"]
    described = {
        "name": "Screenshot 1", "extension": "png", "mimeType": "image/png", "created": "2025-03-01T12:00:01.000Z",
    }
    assert attachment["externalReferenceMetadata"] == {"files": [described]}
    assert attachment["externalReferenceStorage"] == {"type": "savedObject", "soType": "file"}
    assert (attachment["externalReferenceAttachmentTypeId"], attachment["owner"]) == (".files", "securitySolution")
    assert (whole["totalComment"], whole["updated_by"]) == (1, mara)
    (action,) = kibana.actions(case, types="attachment")
    assert action["payload"]["comment"]["externalReferenceId"] == file_id
    answer = kibana.send("GET", f"{KIND}/{file_id}/blob")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "max-age=31536000, immutable"
    assert answer.headers["content-disposition"] == "attachment; filename=Screenshot%201.png"
    head = kibana.send("HEAD", f"{KIND}/{file_id}/blob/shot.png")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(PNG)))
    file = kibana.get(f"{KIND}/{file_id}")["file"]
    assert (file["size"], file["status"], file["name"]) == (len(PNG), "READY", "Screenshot 1")
    assert file["hash"]["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert file["meta"] == {"caseIds": [case["id"]], "owner": ["securitySolution"]}


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("a.txt", {"filename": ""}, "The filename field cannot be an empty string."),
        ("a.txt", {"filename": "x" * 161}, "The length of the filename is too long. The maximum length is 160."),
        ("a.gif", {}, "The mime type field value image/gif is not allowed."),
        ("a.124zas", {}, 'Invalid value "undefined" supplied to "mimeType"'),
        ("noextension", {}, 'Invalid value "undefined" supplied to "mimeType"'),
    ],
)
def test_what_is_no_fit_file(kibana: Any, name: str, fields: dict[str, str], message: str) -> None:
    case = kibana.create()
    assert refusal(upload(kibana, case, name, b"x", **fields), 400) == message
    assert listed(kibana) == []


def test_the_form_must_be_one(kibana: Any) -> None:
    case = kibana.create()
    path = f"/api/cases/{case['id']}/files"
    assert refusal(kibana.send("POST", path, json={"file": "x"}), 415) == "Unsupported Media Type"
    no_boundary = {"content-type": "multipart/form-data"}
    assert "boundary" in refusal(kibana.send("POST", path, data=b"x", headers=no_boundary), 400)
    broken = {"content-type": "multipart/form-data; boundary=zz"}
    for raw in (b"x", b'--zz\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nabc'):
        answer = kibana.send("POST", path, data=raw, headers=broken)
        assert refusal(answer, 400) == "Invalid multipart payload format"
    answer = kibana.send("POST", path, files={"other": ("a.txt", b"x")})
    assert "mimeType" in refusal(answer, 400)


def test_names_of_every_script(kibana: Any) -> None:
    case = kibana.create()
    whole = attach(kibana, case, "böse Datei.csv", b"a,b")
    assert whole["comments"][0]["externalReferenceMetadata"]["files"][0]["name"] == "böse Datei"
    raw = b"--zz\r\ncontent-disposition: form-data; name=file; filename*=utf-8''%E2%82%AC.pdf\r\n\r\nx\r\n--zz--\r\n"
    path = f"/api/cases/{case['id']}/files"
    answer = kibana.send("POST", path, data=raw, headers={"content-type": "multipart/form-data; boundary=zz"})
    assert answer.json()["comments"][1]["externalReferenceMetadata"]["files"][0]["name"] == "€"


def test_images_have_a_smaller_limit(kibana: Any) -> None:
    case = kibana.create()
    large = bytes(10 * 1024 * 1024 + 1)
    assert refusal(upload(kibana, case, "a.png", large), 413) == "Maximum of 10485760 bytes exceeded"
    assert attach(kibana, case, "a.zip", large)["comments"][0]["externalReferenceId"]


def test_files_of_no_case_and_other_spaces(kibana: Any) -> None:
    assert refusal(upload(kibana, {"id": "nope"}), 404) == "Saved object [cases/nope] not found"
    assert kibana.send("POST", "/api/spaces/space", json={"id": "soc", "name": "SOC"}).status_code == 200
    case = kibana.create()
    file_id = attach(kibana, case)["comments"][0]["externalReferenceId"]
    assert refusal(kibana.send("GET", f"/s/soc{KIND}/{file_id}/blob"), 404) == "File not found"
    other = KIND.replace("securitySolution", "observability")
    assert refusal(kibana.send("GET", f"{other}/{file_id}"), 404) == "File not found"
    assert kibana.send("GET", f"/api/files/files/nobodyFilesCases/{file_id}").status_code == 404


def test_a_file_that_cannot_be_attached_leaves_nothing(kibana: Any) -> None:
    case = kibana.create()
    for _ in range(99):
        new_file(kibana, case)
    message = refusal(upload(kibana, case), 400)
    assert message == "Case has reached the maximum allowed number (100) of attached files."
    assert len(listed(kibana, meta={"caseIds": case["id"]})) == 99
    assert kibana.get(f"/api/cases/{case['id']}/comments/_find")["total"] == 0


def test_files_go_with_their_case(kibana: Any) -> None:
    case, other = kibana.create(), kibana.create()
    file_id = attach(kibana, case, "mine.txt")["comments"][0]["externalReferenceId"]
    attach(kibana, other, "theirs.txt")
    assert kibana.send("DELETE", "/api/cases", params={"ids": json.dumps([case["id"]])}).status_code == 204
    assert listed(kibana) == ["theirs"]
    assert kibana.send("GET", f"{KIND}/{file_id}/blob").status_code == 404


def test_files_are_removed_with_their_attachments_and_the_case_stays(kibana: Any) -> None:
    case = kibana.create()
    attach(kibana, case, "one.txt")
    before = attach(kibana, case, "two.txt")
    kibana.comment(case)
    before = kibana.get(f"/api/cases/{case['id']}")
    found = kibana.get(f"/api/cases/{case['id']}/resolve")["case"]["comments"]
    files = [each["externalReferenceId"] for each in found if each["type"] == "externalReference"]
    assert remove(kibana, case, *files, "gone").status_code == 204
    after = kibana.get(f"/api/cases/{case['id']}")
    assert (after["version"], after["updated_at"]) == (before["version"], before["updated_at"])
    left = kibana.get(f"/api/cases/{case['id']}/resolve")["case"]["comments"]
    assert [each["type"] for each in left] == ["user"]
    assert listed(kibana) == []
    deleted = [action for action in kibana.actions(case) if action["action"] == "delete"]
    assert [action["payload"]["comment"]["externalReferenceId"] for action in deleted] == files


def test_only_files_of_the_case_are_removed(kibana: Any) -> None:
    case, other = kibana.create(), kibana.create()
    for meta in ({}, {"caseIds": case["id"]}, {"caseIds": [case["id"], other["id"]]}, {"caseIds": [other["id"]]}):
        file = new_file(kibana, case, meta=meta)
        message = refusal(remove(kibana, case, file["id"]), 400)
        assert message == f"Failed to delete files because filed ids were invalid: {file['id']}"
    assert remove(kibana, case, new_file(kibana, case)["id"]).status_code == 204
    assert remove(kibana, case, "abc").status_code == 204
    assert "too short" in refusal(remove(kibana, case), 400)
    assert "too long" in refusal(remove(kibana, case, *map(str, range(11))), 400)
    assert refusal(remove(kibana, case, "abc", " "), 400) == "string must have length >= 1"
    assert refusal(remove(kibana, {"id": "nope"}, "abc"), 404) == "Saved object [cases/nope] not found"


def test_a_file_is_created_and_filled_in_two_steps(kibana: Any) -> None:
    case = kibana.create()
    file = new_file(kibana, case, alt="a note")
    assert (file["status"], file["extension"], file["alt"]) == ("AWAITING_UPLOAD", "txt", "a note")
    blob = f"{KIND}/{file['id']}/blob"
    assert refusal(kibana.send("GET", blob), 404) == "This file content is not available for download."
    plain = {"content-type": "text/plain"}
    assert kibana.send("PUT", blob, data=b"hello", headers=plain).json() == {"ok": True, "size": 5}
    assert refusal(kibana.send("PUT", blob, data=b"again", headers=plain), 400) == "Already uploaded file content."
    assert kibana.send("GET", f"{blob}/note.txt").content == b"hello"
    assert "extension" in refusal(kibana.send("GET", f"{blob}/note.exe"), 400)
    exe = {"content-type": "application/x-msdownload"}
    assert refusal(kibana.send("PUT", blob, data=b"MZ", headers=exe), 415) == "Unsupported Media Type"
    assert refusal(kibana.send("PUT", f"{KIND}/nope/blob", data=b"x", headers=plain), 404) == "File not found"
    empty = new_file(kibana, case)["id"]
    assert kibana.send("PUT", f"{KIND}/{empty}/blob", data=b"", headers=plain).json()["size"] == 0
    assert kibana.send("GET", f"{KIND}/{empty}/blob").status_code == 204


def test_files_that_are_not_created(kibana: Any) -> None:
    for body, part in (
        ({}, "name"), ({"name": ""}, "name"), ({"name": "x", "more": 1}, "more"),
        ({"name": "x", "mimeType": "text/html"}, "File type is not supported"),
    ):
        assert part in refusal(kibana.send("POST", KIND, json=body), 400)


def test_files_are_found_and_deleted_by_the_files_api(kibana: Any) -> None:
    case, other = kibana.create(), kibana.create()
    new_file(kibana, case, name="100% sure")
    new_file(kibana, other, name="100 sure", mimeType="application/json")
    attach(kibana, other, "ready.txt")
    assert listed(kibana) == ["ready", "100 sure", "100% sure"]
    assert listed(kibana, name="100%*") == ["100% sure"]
    assert listed(kibana, status="READY") == ["ready"]
    assert listed(kibana, extension=["json", "csv"]) == ["100 sure"]
    assert listed(kibana, meta={"caseIds": [case["id"]]}) == ["100% sure"]
    page = kibana.send("POST", "/api/files/find", json={"kind": "casesFilesCases"}).json()
    assert page == {"files": [], "total": 0}
    query = {"page": 2, "perPage": 2}
    page = kibana.send("POST", "/api/files/find", json={}, params=query).json()
    assert ([file["name"] for file in page["files"]], page["total"]) == (["100% sure"], 3)
    gone = page["files"][0]["id"]
    answer = kibana.send("DELETE", "/api/files/blobs", json={"ids": [gone, "nope"]}).json()
    assert answer == {"succeeded": [gone], "failed": [["nope", "File not found"]]}
    assert listed(kibana) == ["ready", "100 sure"]


def test_internal_routes_of_files(kibana: Any) -> None:
    case = kibana.create()
    file_id = attach(kibana, case)["comments"][0]["externalReferenceId"]
    del kibana.session.headers["x-elastic-internal-origin"]
    assert "current configuration" in refusal(kibana.send("GET", f"{KIND}/{file_id}"), 400)
    assert "current configuration" in refusal(remove(kibana, case, file_id), 400)
    assert kibana.send("GET", f"{KIND}/{file_id}/blob").content == b"abc"


def test_files_survive_a_restart(connect: Any, tmp_path: Any) -> None:
    first = connect(data=tmp_path / "cases.db")
    case = first.create()
    file_id = attach(first, case, "a.png", PNG)["comments"][0]["externalReferenceId"]
    first.server.stop()
    second = connect(data=tmp_path / "cases.db")
    assert second.send("GET", f"{KIND}/{file_id}/blob").content == PNG
