from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.alerts import Alert, AlertRef
from kibcase.alerts.query import AlertFilter, build
from kibcase.alerts.status import check, has_status, partial
from kibcase.errors import LimitError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATUS = "kibana.alert.workflow_status"
STAMP = "kibana.alert.workflow_status_updated_at"
REASON = "kibana.alert.workflow_reason"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
READ = ["@timestamp", STATUS, "kibana.alert.rule.name", "kibana.alert.case_ids", "kibana.space_ids", "signal", "kibana"]


def alert(**source: Any) -> Alert:
    return Alert(id="1", index="i", source=source)


def test_security_alert() -> None:
    found = alert(**{
        "@timestamp": "2026-03-01T12:00:00.000Z", "kibana.alert.rule.name": "Odd login", "kibana.alert.rule.uuid": "u",
        "kibana.alert.severity": "high", STATUS: "in-progress", "kibana.alert.reason": "because",
        "kibana.alert.case_ids": ["c1", "c2"], "kibana.space_ids": "default",
    })  # fmt: skip
    assert (found.rule_name, found.rule_id, found.severity, found.reason) == ("Odd login", "u", "high", "because")
    assert (found.status, found.field(STATUS)) == ("acknowledged", ["in-progress"])
    assert (found.case_ids, found.space_ids, found.timestamp) == (("c1", "c2"), ("default",), NOW)
    assert found.ref == AlertRef(index="i", id="1")
    assert hash(found) == hash(alert())
    assert "Odd login" not in repr(found)


def test_legacy_signal_and_dirty_status() -> None:
    legacy = alert(signal={"status": "closed", "rule": {"id": "r", "name": "Old", "severity": "low"}})
    assert (legacy.status, legacy.rule_id, legacy.rule_name, legacy.severity) == ("closed", "r", "Old", "low")
    assert alert(**{STATUS: "recovered"}).status == "recovered"


@given(st.dictionaries(st.sampled_from(READ), JSON))
def test_no_document_breaks_a_reader(source: dict[str, Any]) -> None:
    found = alert(**source)
    stamp = found.timestamp
    assert stamp is None or stamp.utcoffset() is not None
    assert all(isinstance(each, str) for each in (*found.case_ids, *found.space_ids))
    assert found.status is None or isinstance(found.status, str)
    assert found.rule_name is None or isinstance(found.rule_name, str)


@pytest.mark.parametrize(
    ("source", "status", "reason", "expected"),
    [
        ({STATUS: "open"}, "open", None, None),
        ({STATUS: "closed", REASON: "old"}, "closed", "new", None),
        ({STATUS: "open"}, "closed", "duplicate", {STATUS: "closed", REASON: "duplicate"}),
        ({STATUS: "open"}, "closed", None, {STATUS: "closed"}),
        ({STATUS: "closed", REASON: "old"}, "open", None, {STATUS: "open", REASON: None}),
        ({STATUS: "open", REASON: "stale"}, "closed", None, {STATUS: "closed"}),
        ({"signal": {"status": "open"}}, "closed", None, {"signal": {"status": "closed"}}),
        ({STATUS: "open", "signal": {"status": "open"}}, "closed", None,
         {STATUS: "closed", "signal": {"status": "closed"}}),
    ],
)  # fmt: skip
def test_partial(source: dict[str, Any], status: str, reason: str | None, expected: dict[str, Any] | None) -> None:
    change = partial(source, status, reason=reason, now=NOW.astimezone(UTC) + timedelta(microseconds=999))
    if expected is not None and STATUS in expected:
        expected = {**expected, STAMP: "2026-03-01T12:00:00.000Z"}
    assert change == expected


def test_nested_status_is_no_status() -> None:
    assert not has_status({"kibana": {"alert": {"workflow_status": "open"}}})
    assert has_status({"signal": {"status": "open"}})


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        ("in-progress", None, ValueError), ("open", "x", ValueError),
        ("closed", "", LimitError), ("closed", "x" * 1025, LimitError),
    ],
)
def test_check_refuses(status: str, reason: str | None, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        check(status, reason)


def test_build_puts_values_in_as_data() -> None:
    evil = '"}}]}, {"match_all": {}'
    assert build(AlertFilter()) == {"match_all": {}}
    assert build(AlertFilter(status="acknowledged")) == {
        "bool": {"filter": [{"terms": {STATUS: ["acknowledged", "in-progress"]}}]}
    }
    wanted = build(AlertFilter(ids=[evil], rule=evil, since=NOW, query={"exists": {"field": "x"}}))
    assert len(wanted["bool"]["filter"]) == 4
    with pytest.raises(ValueError, match="time zone"):
        build(AlertFilter(since=NOW.replace(tzinfo=None)))
