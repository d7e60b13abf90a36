from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from kibcase import models

ATTACHMENT: TypeAdapter[models.Attachment] = TypeAdapter(models.Attachment)
Build = Callable[..., dict[str, Any]]


def test_unknown_fields_are_kept_and_written_out_again(case_json: Build) -> None:
    sent = case_json(brand_new={"deep": [1, None]}, settings={"syncAlerts": True, "externalSync": {"autoPush": True}})
    case = models.Case.model_validate_json(json.dumps(sent))
    assert case.model_extra == {"brand_new": {"deep": [1, None]}}
    back = case.to_api()
    assert back["brand_new"] == sent["brand_new"]
    assert back["settings"] == sent["settings"]
    assert set(back) == set(sent)


def test_only_a_few_fields_are_needed() -> None:
    case = models.Case.model_validate({
        "id": "c", "version": "v", "title": "t", "status": "open", "owner": "cases",
        "created_at": "2024-05-01T10:00:00.000Z",
    })
    assert (case.tags, case.updated_at, case.severity) == ([], None, "low")
    assert case.created_at.isoformat() == "2024-05-01T10:00:00+00:00"


def test_statuses_are_members_and_new_ones_stay_text(case_json: Build) -> None:
    assert models.Case.model_validate(case_json()).status is models.CaseStatus.OPEN
    assert models.Case.model_validate(case_json(status="on-hold")).status == "on-hold"
    assert models.Case.model_validate(case_json(severity="extreme")).severity == "extreme"


def test_a_case_cannot_be_changed(case_json: Build) -> None:
    case = models.Case.model_validate(case_json())
    with pytest.raises(ValidationError, match="frozen"):
        case.title = "other"  # type: ignore[misc]


def test_the_repr_is_short_and_the_html_escaped(case_json: Build) -> None:
    case = models.Case.model_validate(case_json(title="<script>alert(1)</script>", tags=["<b>"]))
    assert repr(case) == "Case(id='c1', title='<script>alert(1)</script>', status='open')"
    assert "<script>" not in case._repr_html_()
    assert "&lt;b&gt;" in case._repr_html_()


@pytest.mark.parametrize(
    ("given_json", "kind"),
    [
        ({"type": "user", "id": "1", "comment": "hi"}, models.UserComment),
        ({"type": "alert", "id": "1", "alertId": ["a"], "index": ["i"]}, models.AlertAttachment),
        ({"type": "event", "id": "1", "eventId": ["e"], "index": ["i"]}, models.EventAttachment),
        (
            {"type": "externalReference", "id": "1", "externalReferenceId": "f",
             "externalReferenceAttachmentTypeId": ".files", "externalReferenceMetadata": {"files": []}},
            models.ExternalReference,
        ),
        ({"type": "persistableState", "id": "1", "persistableStateAttachmentTypeId": ".lens"}, models.PersistableState),
        ({"type": "actions", "id": "1", "comment": "x", "actions": {"type": "isolate"}}, models.ActionsAttachment),
        ({"type": "security.timeline", "id": "1", "data": {"x": 1}}, models.UnknownAttachment),
        ({"type": "user", "id": "1", "data": {"content": "a shape of the future"}}, models.UnknownAttachment),
        ({"id": "1"}, models.UnknownAttachment),
        ({}, models.UnknownAttachment),
    ],
)
def test_attachments_are_told_apart_and_none_is_refused(given_json: dict[str, Any], kind: type) -> None:
    found = ATTACHMENT.validate_json(json.dumps(given_json))
    assert type(found) is kind
    assert found.to_api() == given_json


def test_one_alert_as_bare_text_becomes_a_list() -> None:
    found = ATTACHMENT.validate_python({"type": "alert", "id": "1", "alertId": "a", "index": "i"})
    assert isinstance(found, models.AlertAttachment)
    assert (found.alert_ids, found.indices) == (["a"], ["i"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["x", "data", "metadata", "comment", "alertId"]), json_values), st.text())
def test_no_attachment_of_unknown_type_is_refused_or_changed(fields: dict[str, Any], kind: str) -> None:
    given_json = {**fields, "type": f"new.{kind}", "id": "1"}
    assert ATTACHMENT.validate_json(json.dumps(given_json)).to_api() == given_json


def test_activity_of_unknown_type_is_read() -> None:
    entry = models.UserAction.model_validate({
        "id": "1", "type": "sync", "action": "update", "created_at": "2024-05-01T10:00:00Z",
        "payload": {"sync": {}}, "source": {"type": "workflow"},
    })
    assert entry.type == "sync"
    assert entry.model_extra == {"source": {"type": "workflow"}}


@pytest.mark.parametrize(
    ("text", "version"),
    [("9.2.0", (9, 2, 0)), ("8.19.12-SNAPSHOT", (8, 19, 12)), ("9.4", (9, 4, 0))],
)
def test_versions(text: str, version: tuple[int, int, int]) -> None:
    assert models.Version.parse(text) == version
    assert models.Version(8, 9) < models.Version(8, 10)


def test_no_version() -> None:
    with pytest.raises(ValueError, match="not a stack version"):
        models.Version.parse("latest")


@pytest.mark.parametrize(
    ("kind", "status", "platinum"),
    [("basic", "active", False), ("platinum", "active", True), ("enterprise", "active", True),
     ("enterprise", "expired", False), ("trial", "active", True), ("gold", "active", False)],
)
def test_what_a_licence_allows(kind: str, status: str, *, platinum: bool) -> None:
    info = models.LicenseInfo.model_validate({"license": {"type": kind, "status": status, "expiryDateInMillis": 0}})
    assert info.allows("platinum") is platinum
    assert info.expires_at is not None
    assert info.expires_at.year == 1970


def test_no_licence_allows_nothing() -> None:
    assert not models.LicenseInfo.model_validate({}).allows("basic")


def test_names_to_show() -> None:
    assert models.User(username="mara", full_name="Mara Lindqvist").display_name == "Mara Lindqvist"
    assert models.User(username="mara").display_name == "mara"
    assert models.User().display_name == "unknown"
