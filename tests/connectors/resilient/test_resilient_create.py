"""Making incidents, finding them by their mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import Create, LinkBack
from kibcase_connectors.errors import OutcomeUnknown, Refused
from kibcase_connectors.standins.resilient import Choice, Field

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

MARK = "kibcase-kibana-0a1b2c3d-4e5f"
FIELDS = (
    Field(id=1001, name="kibana_case_id", text="Kibana case id", input_type="text", prefix="properties"),
    Field(id=1002, name="labels", text="Labels", input_type="text", prefix="properties"),
    Field(id=1003, name="topics", text="Topics", input_type="multiselect", prefix="properties",
          choices=(Choice(value=71, label="C2"), Choice(value=72, label="Phishing"))),
    Field(id=1004, name="site", text="Site", input_type="select", required="always", prefix="properties",
          choices=(Choice(value=81, label="Berlin"), Choice(value=82, label="Oslo"))),
)


def test_an_incident_is_made_with_its_mark_in_one_request(bench: Bench) -> None:
    receipt = bench.create()
    expected = {
        "title": "Beacon on WKS-7", "description": "<p>Seen by <strong>EDR</strong>.</p>", "severity": "High",
    }
    assert receipt.stored == {**expected, "status": "A", "assignee": None, "observables": []}
    assert bench.announced.values == [expected]
    assert bench.changing == [("POST", "incidents")]
    assert receipt.label == receipt.key
    assert receipt.url == f"{bench.soar.url}/#incidents/{receipt.key}"
    held = bench.maria.incident(int(receipt.key)).values
    assert held["properties.kibana_case_id"] == MARK
    assert held["discovered_date"] == int(bench.clock.now.timestamp() * 1000)
    assert held["severity_code"] == 6


def test_severities_are_named_by_label_since_their_ids_differ(make: MakeBench) -> None:
    bench = make(severities={50: "Low", 51: "Medium", 52: "High"})
    assert bench.value(bench.create(severity="medium").key, "severity_code") == 51


def test_a_severity_that_the_organisation_lacks_is_refused_with_what_there_is(make: MakeBench) -> None:
    bench = make(severities={1: "Minor", 2: "Major"})
    with pytest.raises(Refused, match="Minor, Major") as refused:
        bench.create()
    assert refused.value.field == "severity"
    assert bench.changing == []


def test_the_name_is_cut_before_the_platform_refuses_it(bench: Bench) -> None:
    receipt = bench.create(title="x" * 300)
    assert receipt.stored["title"] == "x" * 199 + "…"
    assert bench.connector.mapping.loses("title", "x" * 300)


def test_a_dated_platform_gets_its_own_time_as_date_of_discovery(make: MakeBench) -> None:
    bench = make()
    ahead = bench.connect(clock=lambda: bench.clock.now.replace(hour=20))
    receipt = ahead.apply(Create(mark=MARK, fields={"title": "x"}, origin_label="x"), bench.announced)
    offset = bench.value(receipt.key, "discovered_date") - bench.clock.now.timestamp() * 1000
    assert abs(offset) < 2000


def test_without_the_field_for_marks_nothing_is_sent(make: MakeBench) -> None:
    bench = make(custom_fields=())
    with pytest.raises(Refused, match="Customization Settings") as refused:
        bench.create()
    assert refused.value.field == "kibana_case_id"
    assert bench.changing == []


def test_further_fields_types_and_tags(make: MakeBench) -> None:
    bench = make(custom_fields=FIELDS, settings={
        "create_fields": {"site": "oslo", "reporter": "kibcase", "owner_id": "Incident Response"},
        "incident_types": ["Malware"], "tags_field": "labels",
    })
    receipt = bench.create(tags=("apt 29", "edr"))
    held = bench.maria.incident(int(receipt.key)).values
    assert (held["properties.site"], held["reporter"], held["owner_id"]) == (82, "kibcase", 50)
    assert held["incident_type_ids"] == (19,)
    assert held["properties.labels"] == "apt 29, edr"
    assert receipt.stored["tags"] == ["apt 29", "edr"]


def test_tags_of_a_multiselect_are_a_list_of_ids(make: MakeBench) -> None:
    bench = make(custom_fields=FIELDS, settings={
        "create_fields": {"site": "Oslo"}, "tags_field": "topics", "tag_values": ["C2", "Phishing"],
    })
    receipt = bench.create(tags=("c2", "phishing"))
    assert bench.value(receipt.key, "properties.topics") == (71, 72)
    assert receipt.stored["tags"] == ["C2", "Phishing"]
    with pytest.raises(Refused, match="no counterpart"):
        bench.create(tags=("unknown",))


def test_a_required_field_that_is_not_configured_is_refused_in_the_platforms_words(make: MakeBench) -> None:
    bench = make(custom_fields=FIELDS)
    with pytest.raises(Refused, match="Site is required"):
        bench.create()


@pytest.mark.parametrize("key", ["nowhere", "site"])
def test_configured_values_that_the_organisation_lacks_are_refused_before_sending(make: MakeBench, key: str) -> None:
    bench = make(custom_fields=FIELDS, settings={"create_fields": {key: "Paris"}})
    with pytest.raises(Refused) as refused:
        bench.create()
    assert refused.value.field == key
    assert bench.changing == []


def test_find_gives_exactly_what_carries_the_mark_oldest_first_and_closed_ones_too(bench: Bench) -> None:
    first = bench.create()
    bench.clock.forward(minutes=1)
    second = bench.create()
    bench.create(mark=f"{MARK}-other")
    bench.maria.close(int(first.key))
    assert bench.connector.find(MARK) == (first.key, second.key)
    assert bench.connector.find("kibcase-kibana-none") == ()


def test_find_walks_all_pages(bench: Bench) -> None:
    made = [bench.create().key for _ in range(5)]
    bench.soar.limit_pages(2)
    assert bench.connector.find(MARK) == tuple(made)


def test_custom_fields_have_their_prefix_in_queries_and_none_in_changes(make: MakeBench) -> None:
    bench = make(custom_fields=FIELDS[:2], settings={"link_field": "labels"})
    ticket = bench.ticket()
    assert bench.connector.find(MARK) == (ticket.key,)
    assert ticket.marks == (MARK,)
    url = "https://kibana.example.com/app/cases/7"
    bench.connector.apply(LinkBack(key=ticket.key, mark=MARK, label="case 7", url=url), bench.announced)
    assert bench.value(ticket.key, "properties.labels") == url


def test_a_creation_whose_answer_is_lost_is_found_again(bench: Bench) -> None:
    bench.soar.faults.arm(Fault(method="POST", path=".*/incidents", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.create()
    assert len(bench.connector.find(MARK)) == 1
    assert [path for _, path in bench.changing] == ["incidents"]


def test_a_creation_that_never_arrived_is_not_found(bench: Bench) -> None:
    bench.soar.faults.arm(Fault(method="POST", path=".*/incidents", drop=True))
    with pytest.raises(OutcomeUnknown):
        bench.create()
    assert bench.connector.find(MARK) == ()


def test_what_a_playbook_makes_of_a_new_incident_is_not_taken_as_stored(bench: Bench) -> None:
    bench.soar.add_playbook(lambda written, system: system.edit(written.incident_id, severity_code="Low"))
    receipt = bench.create()
    assert receipt.stored["severity"] == "High"
    assert bench.connector.read(receipt.key).fields["severity"] == "Low"


def test_marks_in_names(make: MakeBench) -> None:
    bench = make(custom_fields=(), settings={"mark_field": None})
    receipt = bench.create(title="y" * 150)
    assert receipt.stored["title"] == "y" * 119 + "…"
    name = bench.value(receipt.key, "name")
    assert name.endswith(f"… [{MARK}]")
    assert len(name) <= 200
    bench.create(mark=f"{MARK}6")
    bench.maria.create(f"theirs [kibcase-{MARK.removeprefix('kibcase-').upper()}]")
    assert bench.connector.find(MARK) == (receipt.key,)
    snapshot = bench.connector.read(receipt.key)
    assert (snapshot.fields["title"], snapshot.marks) == ("y" * 119 + "…", (MARK,))


def test_a_mark_that_a_name_cannot_hold_is_refused(make: MakeBench) -> None:
    bench = make(settings={"mark_field": None})
    with pytest.raises(Refused, match="too long"):
        bench.create(mark="kibcase-" + "x" * 80)
    assert bench.changing == []


def test_a_field_that_was_made_meanwhile_is_found(make: MakeBench) -> None:
    bench = make()
    bench.create()
    catalog = bench.soar.state.catalog
    choice = next(each for each in catalog.fields if each.name == "severity_code")
    assert choice.choices
    bench.soar.state.catalog = type(catalog)(
        org=catalog.org, accounts=catalog.accounts, groups=catalog.groups,
        fields=(*(each for each in catalog.fields if each is not choice),
                Field(id=9, name="severity_code", text="Severity", input_type="select",
                      choices=(*choice.choices, Choice(value=77, label="Severe")))),
    )
    number = bench.maria.create("x", severity_code="Severe")
    assert bench.connector.read(str(number)).fields["severity"] == "Severe"
