"""Files on cases."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def upload(kibana: Any) -> Any:
    def do(case: Any, name: str, content: bytes, media: str = "text/plain", **fields: str) -> Any:
        files = {"file": (name, content, media)}
        return kibana.send("POST", f"/api/cases/{case['id']}/files", files=files, data=fields)

    return do


def test_a_file_is_attached_and_comes_back(kibana: Any, upload: Any) -> None:
    case = kibana.create()
    response = upload(case, "notes.txt", b"some notes")
    assert response.status_code == 200, response.text
    (attached,) = response.json()["comments"]
    assert (attached["type"], attached["externalReferenceAttachmentTypeId"]) == ("externalReference", ".files")
    (told,) = attached["externalReferenceMetadata"]["files"]
    assert (told["name"], told["extension"], told["mimeType"]) == ("notes", "txt", "text/plain")
    assert told["created"]
    blob = kibana.send("GET", f"/api/files/files/casesFilesCases/{attached['externalReferenceId']}/blob")
    assert (blob.status_code, blob.content) == (200, b"some notes")


def test_a_file_may_be_named(kibana: Any, upload: Any) -> None:
    response = upload(kibana.create(), "notes.txt", b"x", filename="Evidence 1")
    assert response.status_code == 200, response.text
    assert response.json()["comments"][0]["externalReferenceMetadata"]["files"][0]["name"] == "Evidence 1"


def test_a_file_is_no_comment(kibana: Any, upload: Any) -> None:
    case = kibana.create()
    upload(case, "a.txt", b"x")
    (found,) = kibana.find(search=case["id"])["cases"]
    assert (found["totalComment"], found["totalAlerts"]) == (0, 0)
    assert found["updated_at"] is not None


def test_what_is_refused(kibana: Any, upload: Any) -> None:
    case = kibana.create()
    assert upload(case, "x.exe", b"MZ", "application/x-msdownload").status_code == 400
    assert upload(case, "x.txt", b"x", filename="n" * 161).status_code == 400
    bare = kibana.send("POST", f"/api/cases/{case['id']}/files", files={"other": ("a.txt", b"x", "text/plain")})
    assert bare.status_code == 400
    # An answer to a comment has every attachment of the case.
    assert len(kibana.comment(case)["comments"]) == 1


def test_a_file_for_no_case(kibana: Any, upload: Any) -> None:
    case = kibana.create()
    kibana.delete(case)
    assert upload(case, "a.txt", b"x").status_code == 404


def test_files_are_deleted_together(kibana: Any, upload: Any) -> None:
    case = kibana.create()
    upload(case, "a.txt", b"a")
    attached = upload(case, "b.txt", b"b").json()["comments"]
    ids = [one["externalReferenceId"] for one in attached]
    path = f"/internal/cases/{case['id']}/attachments/files/_bulk_delete"
    kibana.refused(400, "POST", path, {"ids": []})
    kibana.refused(400, "POST", path, {"ids": ["x"] * 11})
    assert kibana.send("POST", path, json={"ids": ids}).status_code == 204
    assert len(kibana.comment(case)["comments"]) == 1
    assert kibana.send("GET", f"/api/files/files/casesFilesCases/{ids[0]}/blob").status_code == 404


def test_a_deleted_case_takes_its_files_along(kibana: Any, upload: Any) -> None:
    case = kibana.create()
    (attached,) = upload(case, "a.txt", b"a").json()["comments"]
    kibana.delete(case)
    response = kibana.send("GET", f"/api/files/files/casesFilesCases/{attached['externalReferenceId']}/blob")
    assert response.status_code == 404
