"""What ``check`` finds, on one screen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kibcase_connectors.errors import Unavailable
from kibcase_connectors.resilient import ResilientFilter
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, Choice, Field, catalog, standin

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

CAUSE = Field(
    id=1010, name="root_cause", text="Root cause", input_type="select", required="close", prefix="properties",
    choices=(Choice(value=91, label="Human error"),),
)
SITE = Field(
    id=1011, name="site", text="Site", input_type="select", required="always", prefix="properties",
    choices=(Choice(value=81, label="Berlin"), Choice(value=82, label="Closed site", enabled=False)),
)
TOPICS = Field(
    id=1012, name="topics", text="Topics", input_type="multiselect", prefix="properties",
    choices=(Choice(value=71, label="C2"),),
)
BOX = Field(id=1013, name="box", text="Box", input_type="boolean", prefix="properties")
DAY = Field(id=1014, name="day", text="Day", input_type="datepicker", prefix="properties")
COUNT = Field(id=1015, name="hosts", text="Hosts", input_type="number", prefix="properties")


def problems(bench: Bench, accepts: ResilientFilter | None = None, **settings: Any) -> dict[str, str]:
    found = bench.connect(accepts, **settings).check()
    return {finding.subject: finding.text for finding in found if finding.level == "problem"}


def test_a_good_set_up(bench: Bench) -> None:
    bench.ticket()
    found = bench.connector.check()
    assert found[0].subject == "account"
    assert found[0].text == "API key with principal 5, organisation Northwind SOC (201)"
    assert [finding for finding in found if finding.level == "problem"] == []
    told = {finding.subject: finding.text for finding in found if finding.level == "ok"}
    assert told["server"] == "QRadar SOAR 51.0.9.0.9, times in UTC"
    assert "kibana_case_id" in told["mark_field"]
    assert "resolution_id, resolution_summary" in told["close_fields"]
    assert "name, discovered_date, workspace" in told["create_fields"]
    assert len(found) < 20
    assert bench.changing == []


def test_the_wrong_key_is_tried_once(bench: Bench) -> None:
    wrong = bench.connect(api_key_secret="wrong")
    (finding,) = wrong.check()
    assert (finding.level, finding.subject) == ("problem", "account")
    assert len(bench.soar.faults.requests) == 1


def test_the_wrong_organisation(bench: Bench) -> None:
    (finding,) = bench.connect(org="Elsewhere").check()
    assert "Northwind SOC" in finding.text


def test_an_organisation_that_the_key_may_not_enter(make: MakeBench) -> None:
    bench = make()
    bench.soar.state.deny(5, "write", "close")
    bench.maria.create("x")
    assert problems(bench)["permissions"].startswith("the account may not write, close")


def test_no_incident_to_tell_the_permissions_from(bench: Bench) -> None:
    notes = [finding.text for finding in bench.connector.check() if finding.level == "note"]
    assert any("no incident is visible" in text for text in notes)


def test_the_field_for_marks(make: MakeBench) -> None:
    assert "Customization Settings" in problems(make(custom_fields=()))["mark_field"]
    bench = make(custom_fields=(BOX,))
    assert "no custom text field" in problems(bench, mark_field="box")["mark_field"]
    assert "no custom text field" in problems(bench, mark_field="city")["mark_field"]
    assert problems(bench, mark_field=None) == {}


def test_required_fields(make: MakeBench) -> None:
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, CAUSE, SITE))
    found = problems(bench)
    assert found["create_fields"] == "new incidents require Site (site), one of: Berlin; give it in create_fields"
    assert found["close_fields"].startswith("closing requires Root cause (root_cause), one of: Human error")
    given: dict[str, Any] = {"create_fields": {"site": "Berlin"}, "close_fields": {"root_cause": "human error"}}
    assert problems(bench, **given) == {}


@pytest.mark.parametrize(("settings", "subject", "text"), [
    ({"create_fields": {"site": "Closed site"}}, "create_fields", "has no value 'Closed site'"),
    ({"create_fields": {"nowhere": 1}}, "create_fields", "there is no field nowhere"),
    ({"create_fields": {"site": "Berlin", "hosts": "seven"}}, "create_fields", "Hosts (hosts) takes a number"),
    ({"create_fields": {"site": "Berlin", "hosts": float("nan")}}, "create_fields", "Hosts (hosts) takes a number"),
    ({"create_fields": {"site": "Berlin", "box": "yes"}}, "create_fields", "Box (box) takes true or false"),
    ({"create_fields": {"site": "Berlin", "day": "soon"}}, "create_fields", "Day (day) takes a date in ISO 8601"),
    ({"create_fields": {"site": "Berlin", "day": True}}, "create_fields", "Day (day) takes a date in ISO 8601"),
    ({"create_fields": {"site": "Berlin", "city": 7}}, "create_fields", "City (city) takes a text"),
    ({"close_fields": {"hosts": "seven"}}, "closing", "Hosts (hosts) takes a number"),
    ({"close_fields": {"topics": "C2"}}, "closing", "takes a list"),
    ({"resolution": "Won"}, "closing", "has no value 'Won'"),
    ({"severity_labels": {"high": "Severe"}}, "severity_labels", "there is Low, Medium, High"),
    ({"incident_types": ["Alien"]}, "incident_types", "has no value 'Alien'"),
    ({"link_field": "nowhere"}, "link_field", "there is no field nowhere"),
    ({"link_field": "box"}, "link_field", "type boolean; it must be text or textarea"),
    ({"tags_field": "topics"}, "tag_values", "is a multiselect"),
    ({"tags_field": "topics", "tag_values": ["EDR"]}, "tag_values", "has no value 'EDR'"),
    ({"status_field": "name", "statuses": {"a": "open", "b": "in-progress"}}, "status_field", "must be select"),
    ({"status_field": "phase_id", "statuses": {"Initial": "open", "Gone": "in-progress"}}, "statuses", "'Gone'"),
])
def test_what_in_the_configuration_will_not_work(
    make: MakeBench, settings: dict[str, Any], subject: str, text: str
) -> None:
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, TOPICS, BOX, SITE, DAY, COUNT))
    found = problems(bench, **{"create_fields": {"site": "Berlin"}, **settings})
    assert text in found[subject]


def test_values_of_every_type_can_be_given_for_new_incidents(make: MakeBench) -> None:
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, BOX, DAY, COUNT))
    given = {"hosts": 7, "box": True, "day": "2026-03-02", "city": "Bergen"}
    bench.connector = bench.connect(create_fields=given)
    assert [finding for finding in bench.connector.check() if finding.level == "problem"] == []
    key = bench.create().key
    assert [bench.value(key, name) for name in ("properties.hosts", "properties.box", "city")] == [7, True, "Bergen"]
    assert bench.value(key, "properties.day") == 1_772_409_600_000


def test_what_the_case_fills_is_not_asked_for(make: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    there = catalog.built_in_fields
    monkeypatch.setattr(standin, "built_in_fields", lambda *given: tuple(
        replace(one, required="always") if one.name == "description" else one for one in there(*given)
    ))
    topics, link = replace(TOPICS, required="always"), replace(BOX, input_type="text", required="always")
    bench = make(custom_fields=(*DEFAULT_CUSTOM_FIELDS, topics, link))
    wrong = problems(bench, tags_field="topics", tag_values=["C2"], link_field="box")
    assert wrong == {"link_field": "new incidents require Box (box), which kibcase writes later; make it optional"}
    notes = bench.connect(tags_field="topics", tag_values=["C2"]).check()
    assert "new incidents require Topics (topics): cases without tags get none" in [one.text for one in notes]


def test_the_filters_labels(bench: Bench) -> None:
    assert "'Alien'" in problems(bench, ResilientFilter(incident_types=("Alien",)))["filter"]
    assert "'Severe'" in problems(bench, ResilientFilter(severities=("Severe",)))["filter"]


def test_labels_that_mean_nothing_are_noted(make: MakeBench) -> None:
    bench = make(severities={1: "Low", 2: "Medium", 3: "High", 4: "Catastrophic"})
    notes = [finding.text for finding in bench.connector.check() if finding.level == "note"]
    assert "Catastrophic means no severity; name it in severities" in notes


@pytest.mark.parametrize(("children_count", "told"), [(False, True), (True, False)])
def test_notes_that_nobody_would_look_for(make: MakeBench, children_count: bool, told: bool) -> None:
    bench = make(children_count=children_count)
    number = bench.maria.create("x")
    bench.clock.forward(minutes=1)
    bench.maria.comment(number, "note")
    assert ("notes" in problems(bench, notes_per_cycle=0)) is told
    assert "notes" not in problems(bench)


def test_what_is_unsafe_is_noted(bench: Bench) -> None:
    notes = [finding.text for finding in bench.connect(verify=False).check() if finding.level == "note"]
    assert any("not encrypted" in text for text in notes)
    assert any("certificate is not checked" in text for text in notes)


def test_another_clock_is_noted(make: MakeBench) -> None:
    bench = make()
    ahead = bench.connect(clock=lambda: bench.clock.now.replace(hour=20))
    notes = [finding.text for finding in ahead.check() if finding.level == "note"]
    assert any("behind this machine's" in text for text in notes)


def test_a_platform_that_cannot_be_asked_raises(bench: Bench) -> None:
    bench.soar.start_maintenance()
    with pytest.raises(Unavailable):
        bench.connector.check()
