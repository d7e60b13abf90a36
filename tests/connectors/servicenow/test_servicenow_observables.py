"""Observables: linked rows of Threat Intelligence on security incidents, a text column on incidents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import SetFields
from kibcase_connectors.errors import Denied, OutcomeUnknown, Refused
from kibcase_connectors.mapping import NotCarriedError
from kibcase_connectors.model import Receipt, Snapshot
from kibcase_connectors.observables import TYPES, element, identity
from kibcase_connectors.servicenow.observables import edited, in_column
from kibcase_connectors.servicenow.rest import ServiceNowRest
from kibcase_connectors.servicenow.wire import Record
from kibcase_connectors.standins.servicenow import Column, Restriction
from tests.connectors.servicenow.conftest import TAGS, Clock
from tests.connectors.servicenow.test_servicenow_check import found

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench

SEEN = (
    "ipv4 203.0.113.7", "ipv6 2001:db8::7", "url https://evil.example/a?b=c^d", "domain evil.example",
    "email a@evil.example", f"file-hash {'ab' * 32}", f"file-hash {'cd' * 16}", f"file-hash {'ef' * 20}",
)
COLUMN = Column(name="u_observables", label="Observables", max_length=200)
WAYS = [(["x_elas2_sir_int"], "auto"), (["x_elas2_sir_int"], "app"), ([], "auto"), (["x_elas2_sir_int"], "tables")]


@pytest.fixture(params=WAYS, ids=["auto with app", "app", "auto without app", "tables"])
def linked(request: pytest.FixtureRequest, make: MakeBench) -> Bench:
    apps, way = request.param
    return make("sn_si_incident", elastic_apps=apps, settings={"observables": way})


def observe(bench: Bench, ticket: Snapshot, *add: str, remove: tuple[str, ...] = (), **fields: str) -> Receipt:
    action = SetFields(
        key=ticket.key, version=ticket.version, fields=fields, add={"observables": add}, remove={"observables": remove}
    )
    return bench.connector.apply(action, bench.announced)


def test_every_type_goes_there_and_back(linked: Bench) -> None:
    receipt = observe(linked, linked.ticket(), *SEEN)
    assert receipt.stored == {"observables": sorted(SEEN)}
    assert linked.connector.read(receipt.key).fields["observables"] == sorted(SEEN)
    assert linked.announced.values[-1] == receipt.stored
    types = {row.sys_id: row["name"] for row in linked.servicenow.state.rows("sn_ti_observable_type")}
    assert {types[row["type"]] for row in linked.servicenow.state.rows("sn_ti_observable")} == {
        "IP address (V4)", "IP address (V6)", "URL", "Domain name", "Email address", "SHA256 hash", "MD5 hash",
        "SHA1 hash",
    }


def test_the_app_gets_only_what_kibana_gives_it(make: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make("sn_si_incident", settings={"observable_types": {"hostname": "Host name"}})
    given_to_it: list[str] = []
    observed = ServiceNowRest.observe

    def noted(self: ServiceNowRest, record: Record, observables: Sequence[Mapping[str, str]]) -> frozenset[str]:
        given_to_it.extend(one["type"] for one in observables)
        return observed(self, record, observables)

    monkeypatch.setattr(ServiceNowRest, "observe", noted)
    receipt = observe(bench, bench.ticket(), *SEEN, "hostname ws-7")
    assert given_to_it == ["ipv4-addr", "URL", "SHA256"]
    assert bench.connector.read(receipt.key).fields["observables"] == sorted([*SEEN, "hostname ws-7"])


def test_a_new_record_has_them_too(linked: Bench) -> None:
    receipt = linked.create(observables=SEEN[:2])
    assert receipt.stored["observables"] == list(SEEN[:2])
    assert receipt.stored == linked.connector.read(receipt.key).fields


def test_what_is_there_already_is_not_written_again(linked: Bench) -> None:
    ticket, other = linked.ticket(), linked.person_makes("other")
    linked.tomasz.observe(other, "203.0.113.7")
    observe(linked, ticket, SEEN[0], SEEN[3])
    writes = len(linked.servicenow.faults.writes)
    receipt = observe(linked, ticket, "domain EVIL.example", SEEN[0])
    assert receipt.stored == {"observables": [SEEN[3], SEEN[0]]}
    assert len(linked.servicenow.faults.writes) == writes
    assert len(linked.servicenow.state.rows("sn_ti_observable")) == 2
    assert len(linked.servicenow.state.rows("sn_ti_m2m_task_observable")) == 3


def test_removing_takes_the_link_away_and_leaves_the_observable(linked: Bench) -> None:
    linked.servicenow.state.give_roles("kibcase", "sn_ti.admin")
    ticket = linked.ticket()
    observe(linked, ticket, *SEEN[:2])
    receipt = observe(linked, ticket, SEEN[3], remove=(SEEN[0],))
    assert receipt.stored == {"observables": [SEEN[3], SEEN[1]]}
    assert linked.connector.read(ticket.key).fields["observables"] == [SEEN[3], SEEN[1]]
    assert len(linked.servicenow.state.rows("sn_ti_observable")) == 3


def test_removing_without_the_right_is_refused(linked: Bench) -> None:
    ticket = linked.ticket()
    observe(linked, ticket, SEEN[0])
    with pytest.raises(Refused):
        observe(linked, ticket, remove=(SEEN[0],))


def test_observables_of_people_are_noticed_though_they_do_not_touch_the_record(make: MakeBench) -> None:
    clock = Clock()
    bench = make("sn_si_incident", clock=clock)
    bench.connector = bench.connect(clock=clock)
    key = bench.person_makes()
    cursor, before = bench.connector.changes(None).cursor, bench.connector.read(key).version
    for _ in range(3):
        clock.forward(minutes=2)
        cursor = bench.connector.changes(cursor).cursor
    bench.tomasz.observe(key, "evil.example", "domain-name")
    assert bench.row(key)["sys_mod_count"] == "0"
    (item,) = bench.connector.changes(cursor).items
    after = bench.connector.read(key)
    assert item.version == after.version != before
    assert after.fields["observables"] == ["domain evil.example"]


def test_types_that_are_not_carried_are_left_out(linked: Bench) -> None:
    ticket = linked.ticket()
    linked.tomasz.observe(ticket.key, "ws-7", "host-name")
    assert linked.connector.read(ticket.key).fields["observables"] == []
    for item in ("hostname ws-7", "file-hash abc"):
        with pytest.raises(NotCarriedError):
            linked.connector.mapping.native("observables", (item,))


def test_further_types_can_be_named(linked: Bench) -> None:
    linked.connector = linked.connect(observables="tables", observable_types={"hostname": "Host name"})
    receipt = observe(linked, linked.ticket(), "hostname ws-7")
    assert linked.connector.read(receipt.key).fields["observables"] == ["hostname ws-7"]
    linked.connector = linked.connect(observables="tables", observable_types={"user": "Account"})
    with pytest.raises(Refused, match="no 'Account'"):
        observe(linked, linked.connector.read(receipt.key), "user ann")


def test_other_fields_go_first_and_what_was_stored_is_told(linked: Bench) -> None:
    ticket = linked.ticket()
    receipt = observe(linked, ticket, SEEN[0], title="renamed")
    assert receipt.stored == {"title": "renamed", "observables": [SEEN[0]]}
    ticket = linked.connector.read(ticket.key)
    linked.servicenow.faults.arm(Fault(method="POST", status=403, body=b'{"error": {"message": "ACL"}}'))
    with pytest.raises(OutcomeUnknown, match="short_description was stored") as caught:
        observe(linked, ticket, SEEN[1], title="again")
    assert caught.value.field == "observables"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_request_is_found_out_by_looking_again(linked: Bench, when: str) -> None:
    ticket = linked.ticket()
    linked.servicenow.faults.arm(Fault(method="POST", when=when, drop=True))  # type: ignore[arg-type]
    with pytest.raises(OutcomeUnknown):
        observe(linked, ticket, SEEN[0])
    observe(linked, ticket, SEEN[0])
    assert len(linked.servicenow.state.rows("sn_ti_observable")) == 1
    assert linked.connector.read(ticket.key).fields["observables"] == [SEEN[0]]


def test_breaking_off_between_two_observables_is_told(make: MakeBench) -> None:
    bench = make("sn_si_incident", settings={"observables": "tables"})
    ticket = bench.ticket()
    first = Fault(method="POST", path=".*m2m.*", times=1, status=403, body=b'{"error": {"message": "no"}}')
    bench.servicenow.faults.arm(first)
    with pytest.raises(OutcomeUnknown, match="some were stored"):
        observe(bench, ticket, *SEEN[:2])
    observe(bench, ticket, *SEEN[:2])
    assert bench.connector.read(ticket.key).fields["observables"] == list(SEEN[:2])


def test_a_creation_whose_observables_fail_is_no_failed_creation(linked: Bench) -> None:
    linked.servicenow.faults.arm(Fault(method="POST", path=".*(sn_ti|elastic).*", status=500))
    with pytest.raises(OutcomeUnknown, match="it was created"):
        linked.create(observables=SEEN[:1])
    assert len(linked.connector.find("kibcase-kibana-0a1b2c3d")) == 1


def test_hidden_observables_are_no_missing_ones(make: MakeBench) -> None:
    bench = make("sn_si_incident")
    key = bench.person_makes()
    bench.tomasz.observe(key, "203.0.113.7")
    bench.connector.changes(None)
    bench.servicenow.state.restrict(Restriction(table="sn_ti_observable", operations=frozenset({"read"})))
    with pytest.raises(Denied, match=r"sn_ti\.read"):
        bench.connector.read(key)
    assert "hidden" in found(bench.connector, "problem")["observables"]
    bench.servicenow.state.restrict(Restriction(table="sn_ti_m2m_task_observable", operations=frozenset({"read"})))
    with pytest.raises(Denied, match="hidden"):
        bench.connector.read(key)


def test_an_instance_without_threat_intelligence(make: MakeBench) -> None:
    bench = make("sn_si_incident", elastic_apps=[])
    body = b'{"error": {"message": "Invalid table sn_ti_m2m_task_observable"}, "status": "failure"}'
    bench.servicenow.faults.arm(Fault(path=".*sn_ti.*", status=400, body=body, times=None))
    key = bench.person_makes()
    assert "observables" not in bench.connector.read(key).fields
    assert "observables" not in bench.connector.capabilities.fields
    assert "observables: off" in found(bench.connector, "problem")["observables"]
    bench.connector = bench.connect(observables="tables")
    with pytest.raises(Denied):
        bench.connector.read(key)
    off = bench.connect(observables="off")
    assert "observables" not in off.read(key).fields
    assert found(off, "problem") == {}


def test_an_app_that_is_not_there(make: MakeBench) -> None:
    bench = make("sn_si_incident", elastic_apps=[], settings={"observables": "app"})
    assert "does not answer" in found(bench.connector, "problem")["observables"]
    assert "through Elastic's app" in found(make("sn_si_incident").connector, "ok")["observables"]


def test_what_is_not_wanted_is_not_asked_for(security: Bench) -> None:
    security.connector = security.connect(parts={"title"})
    security.connector.read(security.person_makes())
    security.connector.changes(None)
    assert not [path for _, path in security.requests if "sn_ti" in path or "elastic" in path]


@pytest.mark.parametrize(("kept", "error"), [((), Refused), (SEEN[:1], OutcomeUnknown)])
def test_what_the_app_leaves_out_is_told(make: MakeBench, kept: tuple[str, ...], error: type[Exception]) -> None:
    bench = make("sn_si_incident")
    ticket = bench.ticket()
    body = json.dumps({"result": [{"value": item.partition(" ")[2], "observable_sys_id": "1"} for item in kept]})
    bench.servicenow.faults.arm(Fault(method="POST", path=".*bulk", status=200, body=body.encode()))
    with pytest.raises(error, match="did not take"):
        observe(bench, ticket, SEEN[0], SEEN[2])


def test_a_value_that_is_cut_is_not_linked(make: MakeBench) -> None:
    bench = make("sn_si_incident", settings={"observables": "tables"})
    ticket = bench.ticket()
    with pytest.raises(Refused, match="did not keep value"):
        observe(bench, ticket, f"url https://evil.example/{'x' * 1100}")
    assert bench.connector.read(ticket.key).fields["observables"] == []


# -- the column of incidents ----------------------------------------------------------------------------


@pytest.fixture
def column(make: MakeBench) -> Bench:
    return make(columns=[("incident", TAGS), ("incident", COLUMN)], settings={"observables_column": "u_observables"})


def test_the_column_holds_one_per_line(column: Bench) -> None:
    receipt = column.create(observables=("ipv4 203.0.113.7", "hostname ws-7"))
    assert column.row(receipt.key)["u_observables"] == "ipv4 203.0.113.7\nhostname ws-7"
    assert receipt.stored == column.connector.read(receipt.key).fields
    ticket = column.connector.read(receipt.key)
    receipt = observe(column, ticket, "domain evil.example", remove=("ipv4 203.0.113.7",), title="x")
    assert receipt.stored == {"title": "x", "observables": ["hostname ws-7", "domain evil.example"]}
    assert column.connector.read(receipt.key).fields["observables"] == receipt.stored["observables"]


def test_what_people_write_into_the_column_stays(column: Bench) -> None:
    key = column.person_makes(u_observables="from the phone call:\r\nipv4 203.0.113.7\nport 443")
    ticket = column.connector.read(key)
    assert ticket.fields["observables"] == ["ipv4 203.0.113.7"]
    observe(column, ticket, "url https://evil.example/", remove=("ipv4 203.0.113.7",))
    assert column.row(key)["u_observables"].splitlines() == [
        "from the phone call:", "port 443", "url https://evil.example/",
    ]


def test_what_does_not_fit_is_refused(column: Bench) -> None:
    ticket = column.ticket()
    with pytest.raises(Refused, match="u_observables holds 200") as caught:
        observe(column, ticket, f"url https://evil.example/{'x' * 200}")
    assert caught.value.field == "observables"


def test_without_a_column_incidents_have_none(incidents: Bench) -> None:
    assert "observables" not in incidents.connector.capabilities.fields
    assert "observables" not in incidents.ticket().fields


values = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=20)
items = st.builds(element, st.sampled_from(TYPES), values)
sets = st.lists(items, max_size=5, unique_by=identity)


@given(there=sets, add=sets, remove=sets)
def test_editing_the_column_is_adding_and_removing(there: list[str], add: list[str], remove: list[str]) -> None:
    before = "\n".join(there)
    after = {identity(item) for item in in_column(edited(before, add, remove))}
    gone = set(map(identity, remove))
    assert after == (set(map(identity, there)) - gone) | set(map(identity, add))
    assert in_column(before) == there


@given(text=st.text(max_size=200))
def test_any_text_in_the_column_can_be_read_and_kept(text: str) -> None:
    assert edited(text, [], []) == text.rstrip("\r\n")
    assert all(identity(item) == identity(item.strip()) for item in in_column(text))
