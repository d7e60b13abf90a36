"""Custom fields: columns found by name or label, and what each type of column takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kibcase_connectors.errors import Refused
from kibcase_connectors.servicenow import ServiceNowConfig
from kibcase_connectors.servicenow.columns import CustomColumn
from kibcase_connectors.servicenow.wire import ColumnInfo, Record
from kibcase_connectors.standins.servicenow import DEFAULT_CHOICES, Choice, Column, Restriction
from tests.connectors.servicenow.test_servicenow_check import found

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench

COLUMNS = [
    Column(name="u_plant", label="Plant", max_length=20),
    Column(name="u_impacted", label="Impacted systems", kind="integer"),
    Column(name="u_cost", label="Cost", kind="decimal"),
    Column(name="u_known", label="Known", kind="boolean"),
    Column(name="u_seen", label="First seen", kind="glide_date_time"),
    Column(name="u_due", label="Due", kind="glide_date"),
    Column(name="u_zone", label="Zone", choice=True),
    Column(name="u_owner", label="Owner group", kind="reference", reference="sys_user_group"),
    Column(name="u_twin_a", label="Twin"), Column(name="u_twin_b", label="Twin"),
    Column(name="u_log", label="Log", kind="journal_input"),
    Column(name="u_fixed", label="Fixed", read_only=True),
]
CHOICES = (
    Choice(table="incident", element="u_zone", value="1", label="Office"),
    Choice(table="incident", element="u_zone", value="2", label="Plant floor"),
)
FIELDS = {
    "plant": "u_plant", "systems": "impacted systems", "cost": "u_cost", "known": "Known", "seen": "First seen",
    "due": "u_due", "zone": "Zone", "owner": "u_owner",
}
GOOD = {
    "plant": ("Athens", "Athens", "Athens"), "systems": ("12", "12", "12"), "cost": ("-3.50", "-3.50", "-3.50"),
    "known": ("true", "true", "true"), "zone": ("plant floor", "2", "Plant floor"),
    "due": ("2026-03-31", "2026-03-31", "2026-03-31"),
    "seen": ("2026-03-31T10:00:00+02:00", "2026-03-31 08:00:00", "2026-03-31T08:00:00Z"),
}
BAD = [
    ("plant", "x" * 21), ("systems", "twelve"), ("systems", "1.5"), ("cost", "1,5"), ("known", "perhaps"),
    ("seen", "2026-03-31"), ("seen", "2026-03-31T10:00:00"), ("due", "tomorrow"), ("zone", "Garden"), ("zone", "1"),
    ("owner", "Nobody"), ("owner", "javascript:x"),
]


@pytest.fixture
def custom(make: MakeBench) -> Bench:
    columns, choices = [("incident", one) for one in COLUMNS], (*DEFAULT_CHOICES, *CHOICES)
    return make(columns=columns, choices=choices, settings=named(FIELDS))


def named(fields: dict[str, str]) -> dict[str, Any]:
    return {"custom": {name: {"field": column} for name, column in fields.items()}}


def column_of(name: str) -> str:
    by_label = {one.label.casefold(): one.name for one in COLUMNS}
    return by_label.get(FIELDS[name].casefold(), FIELDS[name])


@pytest.mark.parametrize("name", GOOD)
def test_values_are_translated_by_the_type_of_the_column(custom: Bench, name: str) -> None:
    given_, stored, native = GOOD[name]
    ticket = custom.ticket()
    receipt = custom.set_fields(ticket, **{name: given_})
    assert custom.row(ticket.key)[column_of(name)] == stored
    assert receipt.stored == {name: native}
    assert custom.announced.values[-1] == {name: native}
    assert custom.connector.read(ticket.key).fields[name] == native
    assert name in custom.connector.capabilities.fields


def test_references_go_by_name(custom: Bench) -> None:
    ticket = custom.ticket()
    receipt = custom.set_fields(ticket, owner="Service Desk")
    assert receipt.stored == {"owner": "Service Desk"}
    assert custom.connector.read(ticket.key).fields["owner"] == "Service Desk"
    receipt = custom.set_fields(custom.connector.read(ticket.key), owner="")
    assert receipt.stored == {"owner": None}


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_does_not_fit_is_refused_with_the_field(custom: Bench, name: str, value: str) -> None:
    ticket = custom.ticket()
    with pytest.raises(Refused) as caught:
        custom.set_fields(ticket, **{name: value})
    assert caught.value.field == name
    assert custom.connector.read(ticket.key).version == ticket.version


def test_a_new_record_has_them_from_the_start(custom: Bench) -> None:
    receipt = custom.create(**{name: value[0] for name, value in GOOD.items()}, owner="Service Desk")
    assert receipt.stored == custom.connector.read(receipt.key).fields
    assert {name: receipt.stored[name] for name in GOOD} == {name: value[2] for name, value in GOOD.items()}


def test_a_choice_cannot_be_emptied_and_that_is_told(custom: Bench) -> None:
    ticket = custom.ticket()
    custom.set_fields(ticket, zone="Office")
    with pytest.raises(Refused, match="u_zone") as caught:
        custom.set_fields(custom.connector.read(ticket.key), zone="")
    assert caught.value.field == "zone"


def test_changes_of_people_are_noticed(custom: Bench) -> None:
    ticket = custom.ticket()
    custom.maria.edit(ticket.key, u_zone="Office")
    after = custom.connector.read(ticket.key)
    assert (after.fields["zone"], after.version != ticket.version) == ("Office", True)
    assert after.touched["zone"].by == "Maria Lindqvist"


def test_values_have_a_common_meaning(custom: Bench) -> None:
    values = {"Office": "it", "Plant floor": "ot"}
    custom.connector = custom.connect(custom={"zone": {"field": "Zone", "values": values}})
    receipt = custom.create(zone="ot")
    assert custom.row(receipt.key)["u_zone"] == "2"
    assert custom.connector.mapping.canonical("zone", receipt.stored["zone"]) == "ot"
    with pytest.raises(Refused, match="no counterpart"):
        custom.create(zone="lab")


@pytest.mark.parametrize(("spelled", "why"), [
    ("u_none", "no column 'u_none'"), ("twin", "several columns are called 'twin': u_twin_a, u_twin_b"),
    ("Log", "journal_input are not carried"), ("u_fixed", "u_fixed is read-only"),
])
def test_columns_that_will_not_do_are_told(custom: Bench, spelled: str, why: str) -> None:
    custom.connector = custom.connect(**named({"odd": spelled}))
    assert why in found(custom.connector, "problem")["custom"]
    with pytest.raises(Refused):
        custom.set_fields(custom.ticket(), odd="x")


def test_a_good_column_is_told_with_what_it_takes(custom: Bench) -> None:
    text = found(custom.connector, "ok")["custom"]
    for part in ("zone is kept in u_zone (one of Office, Plant floor)", "cost is kept in u_cost (decimal)",
                 "owner is kept in u_owner (the name of a record of sys_user_group)"):
        assert part in text
    custom.connector = custom.connect(custom={"zone": {"field": "Zone", "values": {"Attic": "x"}}})
    assert "no choice Attic; it has Office, Plant floor" in found(custom.connector, "problem")["custom"]


def test_without_a_dictionary_custom_fields_are_not_guessed(custom: Bench) -> None:
    custom.servicenow.state.restrict(Restriction(table="sys_dictionary", operations=frozenset({"read"})))
    ticket = custom.ticket()
    assert not set(FIELDS).intersection(ticket.fields)
    with pytest.raises(Refused):
        custom.set_fields(ticket, plant="x")
    assert "plant" in found(custom.connector, "problem")["custom"]


def test_what_is_not_wanted_is_left_alone(custom: Bench) -> None:
    custom.connector = custom.connect(parts={"title", "plant"}, **named(FIELDS))
    assert set(custom.connector.capabilities.fields).intersection(FIELDS) == {"plant"}
    assert set(custom.ticket().fields).intersection(FIELDS) == {"plant"}


@pytest.mark.parametrize("wrong", [
    {"custom": {"title": {"field": "u_x"}}}, {"custom": {"x": {"field": "short_description"}}},
    {"custom": {"x": {"field": "u_x"}, "y": {"field": "u_x"}}},
    {"custom": {"x": {"field": "u_tags"}}, "tags_column": "u_tags"},
    {"observables_column": "u_x", "table": "sn_si_incident"}, {"observable_types": {"nonsense": "X"}},
    {"client_key": "key.pem"},
])
def test_settings_that_contradict_themselves(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServiceNowConfig(url="https://x.example", username="a", password="b", **wrong)


KINDS = ["string", "integer", "decimal", "boolean", "glide_date", "glide_date_time"]


@given(kind=st.sampled_from(KINDS), text=st.text(max_size=40) | st.datetimes().map(lambda at: f"{at.isoformat()}Z"))
def test_what_is_written_reads_as_something_that_is_written_alike(kind: str, text: str) -> None:
    info = ColumnInfo(
        name="u_x", label="X", length=40, mandatory=False, read_only=False, has_default=False, kind=kind
    )
    column = CustomColumn(name="x", info=info)
    try:
        stored = column.stored(text)
    except ValueError:
        return
    native = column.native(Record(values={"u_x": stored}))
    assert column.stored("" if native is None else str(native)) == stored
