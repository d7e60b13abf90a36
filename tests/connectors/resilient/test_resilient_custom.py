"""Custom fields of every type, both ways, by API name, id or label."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.actions import Create
from kibcase_connectors.errors import Conflict, Refused
from kibcase_connectors.resilient import customs
from kibcase_connectors.resilient.wire import Choice as Offered
from kibcase_connectors.resilient.wire import FieldDef
from kibcase_connectors.standins.resilient import DEFAULT_CUSTOM_FIELDS, Choice, Field

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

LABELS = ("C2", "Phishing, by mail", "EDR")
TOPICS = tuple(Choice(value=71 + place, label=label) for place, label in enumerate(LABELS))
SITES = (Choice(value=81, label="Berlin"), Choice(value=82, label="Oslo", enabled=False))
FIELDS = (
    *DEFAULT_CUSTOM_FIELDS,
    Field(id=2001, name="asset", text="Asset tag", input_type="text", prefix="properties", max_length=20),
    Field(id=2002, name="story", text="Story", input_type="textarea", rich_text=True, prefix="properties"),
    Field(id=2003, name="site", text="Site", input_type="select", prefix="properties", choices=SITES),
    Field(id=2004, name="topics", text="Topics", input_type="multiselect", prefix="properties", choices=TOPICS),
    Field(id=2005, name="score", text="Score", input_type="number", prefix="properties"),
    Field(id=2006, name="reported", text="Reported", input_type="boolean", prefix="properties"),
    Field(id=2007, name="due_on", text="Due on", input_type="datepicker", prefix="properties"),
    Field(id=2008, name="seen_at", text="Seen at", input_type="datetimepicker", prefix="properties"),
    Field(id=2009, name="twin_a", text="Twin", input_type="text", prefix="properties"),
    Field(id=2010, name="twin_b", text="twin", input_type="text", prefix="properties"),
    Field(id=2011, name="lead", text="Lead", input_type="select_owner", prefix="properties"),
)
ALL = {
    name: {"field": name} for name in ("asset", "story", "site", "topics", "score", "reported", "due_on", "seen_at")
}
NOON, DAY = 1_772_452_800_000, 1_772_409_600_000

VALUES: list[tuple[str, str, Any, str]] = [
    ("asset", "WKS-7", "WKS-7", "WKS-7"),
    ("site", "berlin", 81, "Berlin"),
    ("topics", "EDR, Phishing, by mail", (72, 73), "Phishing, by mail, EDR"),
    ("score", "7", 7, "7"),
    ("score", "7.50", 7.5, "7.5"),
    ("reported", "Yes", True, "true"),
    ("reported", "false", False, "false"),
    ("due_on", "2026-03-02", DAY, "2026-03-02"),
    ("seen_at", "2026-03-02T13:00:00+01:00", NOON, "2026-03-02T12:00:00Z"),
    ("seen_at", "2026-03-02T12:00:00", NOON, "2026-03-02T12:00:00Z"),
]


@pytest.fixture
def bench(make: MakeBench) -> Bench:
    return make(custom_fields=FIELDS, settings={"custom": ALL})


@pytest.mark.parametrize(("name", "text", "held", "shown"), VALUES)
def test_a_value_goes_there_and_comes_back(bench: Bench, name: str, text: str, held: Any, shown: str) -> None:
    ticket = bench.ticket()
    assert ticket.fields[name] is None
    assert bench.set(ticket, **{name: text}).stored == {name: shown}
    assert bench.announced.values == [{name: shown}]
    assert bench.value(ticket.key, f"properties.{name}") == held
    again = bench.connector.read(ticket.key)
    assert again.fields[name] == shown
    bench.set(again, **{name: shown})
    assert len(bench.changing) == 1
    assert bench.set(again, **{name: ""}).stored == {name: None}


def test_rich_text_is_markdown(bench: Bench) -> None:
    ticket = bench.ticket()
    assert bench.set(ticket, story="**seen** <b>").stored == {"story": "**seen** \\<b>"}
    assert "<strong>seen</strong> &lt;b&gt;" in bench.value(ticket.key, "properties.story")


def test_an_incident_is_created_with_them_in_one_request(bench: Bench) -> None:
    given = {"asset": "WKS-7", "site": "Berlin", "topics": "C2", "score": "1", "reported": "no", "due_on": ""}
    action = Create(mark="kibcase-kibana-0-1", fields={"title": "x", **given}, origin_label="case 7")
    receipt = bench.connector.apply(action, bench.announced)
    assert bench.changing == [("POST", "incidents")]
    assert receipt.stored == bench.connector.read(receipt.key).fields
    assert {name: receipt.stored[name] for name in given} == {**given, "reported": "false", "due_on": None}


@pytest.mark.parametrize(("name", "text"), [
    ("site", "Oslo"), ("site", "Paris"), ("topics", "C2, C3"), ("score", "many"), ("score", "nan"), ("score", "1e400"),
    ("reported", "maybe"), ("due_on", "tomorrow"), ("seen_at", "noon"), ("seen_at", "99999-01-01"),
    ("asset", "x" * 21),
])
def test_what_does_not_fit_is_refused_with_the_field(bench: Bench, name: str, text: str) -> None:
    ticket = bench.ticket()
    with pytest.raises(Refused) as refused:
        bench.set(ticket, **{name: text})
    assert refused.value.field == name
    assert bench.connector.read(ticket.key).version == ticket.version


def test_a_person_who_was_faster_is_not_overwritten(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.announced.then = lambda: bench.maria.edit(int(ticket.key), asset="theirs")
    with pytest.raises(Conflict) as conflict:
        bench.set(ticket, asset="ours")
    assert conflict.value.field == "asset"
    assert bench.value(ticket.key, "properties.asset") == "theirs"


@pytest.mark.parametrize("spec", ["asset", "properties.asset", "2001", "Asset tag", "ASSET TAG"])
def test_a_field_is_found_by_api_name_id_or_label(make: MakeBench, spec: str) -> None:
    bench = make(custom_fields=FIELDS, settings={"custom": {"device": {"field": spec}}})
    assert bench.set(bench.ticket(), device="WKS-7").stored == {"device": "WKS-7"}
    assert "device" in bench.connector.capabilities.fields


@pytest.mark.parametrize(("spec", "told"), [
    ("nowhere", "no such field"), ("Twin", "twin_a, twin_b"), ("lead", "type select_owner"),
])
def test_a_field_that_cannot_be_used_is_told_by_check_and_refused_at_use(
    make: MakeBench, spec: str, told: str
) -> None:
    bench = make(custom_fields=FIELDS, settings={"custom": {"device": {"field": spec}}})
    (problem,) = [one for one in bench.connector.check() if one.level == "problem"]
    assert problem.subject == "custom.device"
    assert told in problem.text
    with pytest.raises(Refused) as refused:
        bench.connector.read(str(bench.maria.create("x")))
    assert refused.value.field == "device"
    unasked = bench.connect(custom={"device": {"field": spec}}, parts=("title",))
    unasked.read(str(bench.maria.create("x")))


def test_a_table_of_values_is_looked_at_by_check(make: MakeBench) -> None:
    custom = {"site": {"field": "site", "values": {"Berlin": "BER", "Rome": "FCO"}}}
    bench = make(custom_fields=FIELDS, settings={"custom": custom})
    told = {one.text for one in bench.connector.check() if one.level == "problem"}
    assert told == {"Site (site) has no value 'Rome'; there is Berlin"}
    ticket = bench.ticket()
    assert bench.set(ticket, site="BER").stored == {"site": "Berlin"}
    assert bench.connector.mapping.canonical("site", "Berlin") == "BER"


def test_a_field_of_every_organisation_may_be_one(make: MakeBench) -> None:
    bench = make(settings={"custom": {"town": {"field": "city"}}})
    ticket = bench.ticket()
    assert bench.set(ticket, town="Oslo").stored == {"town": "Oslo"}
    assert bench.value(ticket.key, "city") == "Oslo"


def test_a_label_that_is_offered_no_longer_is_still_read(bench: Bench) -> None:
    number = int(bench.ticket().key)
    bench.soar.state._incidents[number].values["properties.site"] = 82  # type: ignore[index]
    assert bench.connector.read(str(number)).fields["site"] == "Oslo"
    bench.soar.state._incidents[number].values["properties.site"] = 99  # type: ignore[index]
    assert bench.connector.read(str(number)).fields["site"] == "#99"


def definition(kind: str) -> FieldDef:
    choices = tuple(Offered(id=place, label=label) for place, label in enumerate(LABELS))
    return FieldDef(name="x", text="X", input_type=kind, choices=choices)


@given(st.sampled_from(customs.KINDS), st.text(max_size=40))
def test_any_text_is_refused_or_shown_stably(kind: str, text: str) -> None:
    found = definition(kind)
    try:
        shown = customs.spelled_text(found, text)
    except ValueError:
        return
    if shown is not None:
        assert customs.spelled_text(found, str(shown)) == shown


@given(st.lists(st.sampled_from(LABELS), unique=True))
def test_labels_with_commas_are_told_apart(labels: list[str]) -> None:
    wire = customs.wire_of(definition("multiselect"), ", ".join(labels))
    assert isinstance(wire, list)
    assert {LABELS[one["id"]] for one in wire} == set(labels)  # type: ignore[call-overload, index]


@given(st.datetimes(timezones=st.just(UTC)))
def test_dates_come_back_to_the_millisecond(at: datetime) -> None:
    found = definition("datetimepicker")
    shown = customs.spelled_text(found, at.isoformat())
    assert timedelta() <= at - datetime.fromisoformat(str(shown)) < timedelta(milliseconds=1)
