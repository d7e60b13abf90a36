from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kibcase.alerts import Alert
from kibcase_daemon.demo.alerts import BURSTS, security_alerts
from kibcase_daemon.demo.incidents import INCIDENTS, table
from kibcase_daemon.demo.views import words

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def alerts() -> list[dict[str, Any]]:
    return security_alerts(NOW)


def read(document: dict[str, Any]) -> Alert:
    return Alert(id=document["kibana.alert.uuid"], index=".internal.alerts-x", source=document)


def test_the_same_time_and_seed_give_the_same_alerts(alerts: list[dict[str, Any]]) -> None:
    assert security_alerts(NOW) == alerts
    assert security_alerts(NOW, seed=1) != alerts


def test_the_zone_of_the_time_does_not_matter(alerts: list[dict[str, Any]]) -> None:
    assert security_alerts(NOW.astimezone()) == alerts


def test_there_are_24_alerts_of_5_rules_each_with_its_own_id(alerts: list[dict[str, Any]]) -> None:
    assert len({alert["kibana.alert.uuid"] for alert in alerts}) == len(alerts) == 24
    assert sorted(Counter(alert["kibana.alert.rule.name"] for alert in alerts).values()) == [3, 4, 4, 6, 7]


def test_all_of_it_happened_within_the_last_hour_and_before_it_was_noticed(alerts: list[dict[str, Any]]) -> None:
    written = [datetime.fromisoformat(alert["@timestamp"]) for alert in alerts]
    happened = [datetime.fromisoformat(alert["kibana.alert.original_time"]) for alert in alerts]
    assert written == sorted(written)
    assert all(NOW - timedelta(hours=1) <= early < late <= NOW for early, late in zip(happened, written, strict=True))


def test_kibana_keys_are_dotted_and_ecs_fields_nested(alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        assert "kibana" not in alert
        dotted = {key for key in alert if "." in key}
        assert {key for key in dotted if not key.startswith("kibana.")} == {"event.kind"}
        # A document may hold a prefix both ways: the copied event nested, its new kind dotted beside it.
        assert alert["event.kind"] == "signal"
        assert "kind" not in alert["event"]
        assert alert["kibana.alert.original_event.kind"] in ("event", "alert")


@pytest.mark.parametrize(
    "field",
    [
        "@timestamp", "kibana.alert.uuid", "kibana.alert.status", "kibana.alert.workflow_status",
        "kibana.alert.rule.uuid", "kibana.alert.rule.name", "kibana.alert.rule.category",
        "kibana.alert.rule.consumer", "kibana.alert.rule.producer", "kibana.alert.rule.rule_type_id",
        "kibana.alert.rule.revision", "kibana.alert.severity", "kibana.alert.reason", "kibana.space_ids",
    ],
)
def test_required_fields_are_there(alerts: list[dict[str, Any]], field: str) -> None:
    assert all(alert.get(field) not in (None, "", []) for alert in alerts)


def test_the_library_reads_them(alerts: list[dict[str, Any]]) -> None:
    severity = {burst.rule.uuid: burst.rule.severity for burst in BURSTS}
    for alert in map(read, alerts):
        assert alert.status == "open"
        assert alert.severity == severity[alert.rule_id or ""]
        assert alert.space_ids == ("default",)
        assert alert.field("event.kind") == ["signal"]
        assert [ancestor["depth"] for ancestor in alert.field("kibana.alert.ancestors")] == [0]


def test_what_a_rule_sees_differs_as_it_does_in_life(alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        module = alert["event"]["module"]
        assert ("process" in alert) is (module == "endpoint")
        assert ("host" in alert) is (module != "azure")
        new_terms = alert["kibana.alert.rule.rule_type_id"] == "siem.newTermsRule"
        assert ("kibana.alert.new_terms" in alert) is new_terms


def test_every_alert_belongs_to_exactly_one_incident(alerts: list[dict[str, Any]]) -> None:
    taken = [
        alert.id for incident in INCIDENTS for _, some in incident.alerts_among(list(map(read, alerts)))
        for alert in some
    ]
    assert sorted(taken) == sorted(alert["kibana.alert.uuid"] for alert in alerts)


def test_a_description_has_a_line_for_each_alert(alerts: list[dict[str, Any]]) -> None:
    found = list(map(read, alerts))
    for incident in INCIDENTS:
        lines = [line for line in incident.description(found).split("\n") if line.startswith("|")]
        assert len(lines) == 2 + sum(len(some) for _, some in incident.alerts_among(found))
        assert {line.count("|") for line in lines} == {len(incident.columns) + 1}
        assert all(words(line) for line in lines[2:])


def test_a_bar_in_a_cell_does_not_end_the_cell() -> None:
    assert table(("A",), [("x|y",)]).split("\n")[-1] == r"| x\|y |"
