"""Artifacts as observables: read, added once, removed only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import Create, SetFields
from kibcase_connectors.errors import NotFound, OutcomeUnknown, Refused
from kibcase_connectors.mapping import NotCarriedError, UnmappedError
from kibcase_connectors.model import Snapshot
from kibcase_connectors.observables import TYPES, element
from kibcase_connectors.resilient.artifacts import ARTIFACT_TYPES, ArtifactCodec, item_of, type_for
from kibcase_connectors.standins.resilient import ArtifactType

if TYPE_CHECKING:
    from tests.connectors.resilient.conftest import Bench, MakeBench

MD5, SHA1, SHA256, SHA512 = "a" * 32, "b" * 40, "c" * 64, "d" * 128
IP, URL = "ipv4 203.0.113.7", "url https://evil.example.com/a?b=1"


def change(
    bench: Bench, ticket: Snapshot, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), **fields: str
) -> Any:
    action = SetFields(
        key=ticket.key, version=ticket.version, fields=fields, add={"observables": add}, remove={"observables": remove}
    )
    return bench.connector.apply(action, bench.announced).stored


def held(bench: Bench, key: str) -> list[tuple[str, str]]:
    """Give the artifacts that the platform holds: type and value."""
    names = {one.id: one.name for one in bench.soar.state.catalog.artifact_types}
    return [(names[one.type], one.value) for one in bench.maria.incident(int(key)).artifacts]


def test_artifacts_are_read_oldest_first_and_each_once(bench: Bench) -> None:
    number = bench.maria.create("x")
    for kind, value in (
        ("IP Address", "203.0.113.7"), ("IP Address", "2001:db8::7"), ("DNS Name", "Evil.Example.com"),
        ("System Name", "WKS-7"), ("Email Recipient", "ann@example.com"), ("Malware SHA-1 Hash", SHA1),
        ("File Path", r"C:\Program Files\x y.exe"), ("DNS Name", "evil.example.com"), ("Email Subject", "Hello"),
        ("IP Address", "203.0.113.0/24"),
    ):
        bench.maria.add_artifact(number, kind, value)
        bench.clock.forward(seconds=1)
    assert bench.connector.read(str(number)).fields["observables"] == [
        "ipv4 203.0.113.7", "ipv6 2001:db8::7", "domain Evil.Example.com", "hostname WKS-7", "email ann@example.com",
        f"file-hash {SHA1}", r"file-path C:\Program Files\x y.exe",
    ]


def test_ids_of_types_differ_between_organisations(make: MakeBench) -> None:
    bench = make(artifact_types=(ArtifactType(id=901, name="URL"), ArtifactType(id=902, name="ip address")))
    ticket = bench.ticket()
    assert change(bench, ticket, (IP, URL)) == {"observables": [IP, URL]}
    assert [one.type for one in bench.maria.incident(int(ticket.key)).artifacts] == [902, 901]


def test_each_is_added_in_a_request_of_its_own_announced_before_it(bench: Bench) -> None:
    ticket = bench.ticket()
    stored = change(bench, ticket, (IP, f"file-hash {SHA256}", "user Maria Lindqvist"), title="Renamed")
    assert stored == {"title": "Renamed", "observables": [IP, f"file-hash {SHA256}", "user Maria Lindqvist"]}
    added = ("POST", f"incidents/{ticket.key}/artifacts")
    assert bench.changing == [("PATCH", f"incidents/{ticket.key}"), added, added, added]
    assert [values.get("observables") for values in bench.announced.values] == [
        None, [IP], [IP, f"file-hash {SHA256}"], [IP, f"file-hash {SHA256}", "user Maria Lindqvist"],
    ]
    assert held(bench, ticket.key) == [
        ("IP Address", "203.0.113.7"), ("Malware SHA-256 Hash", SHA256), ("User Account", "Maria Lindqvist"),
    ]
    (first, *_) = bench.maria.incident(int(ticket.key)).artifacts
    assert first.description == "From Kibana case"
    assert bench.connector.read(ticket.key).fields["observables"] == stored["observables"]


def test_what_is_there_is_not_added_again(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.add_artifact(int(ticket.key), "DNS Name", "EVIL.example.com")
    assert change(bench, ticket, ("domain evil.example.com",)) == {"observables": ["domain EVIL.example.com"]}
    assert bench.changing == []
    assert bench.announced.values == []


def test_one_whose_answer_is_lost_is_there_once(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(Fault(method="POST", path=".*/artifacts", when="after", drop=True))
    with pytest.raises(OutcomeUnknown):
        change(bench, ticket, (IP,))
    again = bench.connector.read(ticket.key)
    assert again.fields["observables"] == [IP]
    change(bench, again, (IP,))
    assert len(held(bench, ticket.key)) == 1


def test_a_failure_after_the_first_write_is_no_refusal(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(Fault(method="POST", path=".*/artifacts", status=400))
    with pytest.raises(OutcomeUnknown, match="in part"):
        change(bench, ticket, (IP,), title="Renamed")
    again = bench.connector.read(ticket.key)
    bench.soar.faults.arm(Fault(method="POST", path=".*/artifacts", status=400))
    with pytest.raises(Refused):
        change(bench, again, (IP,))


def test_removal_is_only_of_what_was_asked(bench: Bench) -> None:
    ticket = bench.ticket()
    for kind, value in (("IP Address", "203.0.113.7"), ("IP Address", "203.0.113.7"), ("URL", "http://a.example")):
        bench.maria.add_artifact(int(ticket.key), kind, value)
    ticket = bench.connector.read(ticket.key)
    bench.soar.faults.forget()
    assert change(bench, ticket, remove=(IP, "domain not.there")) == {"observables": ["url http://a.example"]}
    assert [method for method, _ in bench.changing] == ["DELETE", "DELETE"]
    assert held(bench, ticket.key) == [("URL", "http://a.example")]


def test_one_that_a_person_has_removed_meanwhile_is_removed(bench: Bench) -> None:
    ticket = bench.ticket()
    (number,) = bench.maria.add_artifact(int(ticket.key), "IP Address", "203.0.113.7")
    ticket = bench.connector.read(ticket.key)
    bench.announced.then = lambda: bench.maria.delete_artifact(int(ticket.key), number)
    assert change(bench, ticket, remove=(IP,)) == {"observables": []}


def test_an_incident_that_is_gone_takes_no_artifact(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.announced.then = lambda: bench.maria.delete(int(ticket.key))
    with pytest.raises(NotFound):
        change(bench, ticket, (IP,))


@pytest.mark.parametrize(("item", "told"), [
    ("agent-id 7", "no counterpart"), (f"file-hash {SHA512}", "no counterpart"),
    ("hostname wks 7", "no counterpart"), ("ipv4 203.0.113.0/24", "no counterpart"),
    ("registry " + "x" * 4001, "no counterpart"), ("email", "no counterpart"),
])
def test_what_cannot_be_an_artifact_is_refused_before_anything_is_sent(bench: Bench, item: str, told: str) -> None:
    ticket = bench.ticket()
    with pytest.raises(Refused, match=told) as refused:
        change(bench, ticket, (IP, item), title="Renamed")
    assert refused.value.field == "observables"
    assert bench.changing == []


def test_types_that_the_organisation_lacks_or_that_split_are_refused(make: MakeBench) -> None:
    bench = make(artifact_types=(
        ArtifactType(id=1, name="User Account", multi_aware=True), ArtifactType(id=2, name="File Path", file=True),
    ))
    ticket = bench.ticket()
    for item, told in ((IP, "no artifact type"), ("user two words", "several"), ("file-path /x", "are files")):
        with pytest.raises(Refused, match=told):
            change(bench, ticket, (item,))
    assert bench.changing == []


def test_a_type_that_was_added_since_is_found(make: MakeBench) -> None:
    bench = make(artifact_types=())
    ticket = bench.ticket()
    with pytest.raises(Refused):
        change(bench, ticket, (IP,))
    object.__setattr__(bench.soar.state.catalog, "artifact_types", (ArtifactType(id=5, name="IP Address"),))
    bench.clock.forward(minutes=2)
    assert change(bench, ticket, (IP,)) == {"observables": [IP]}


def test_what_the_platform_made_of_a_value_is_what_is_stored(bench: Bench) -> None:
    ticket = bench.ticket()
    body = b'[{"id": 1, "type": 3, "value": "http://a"}, {"id": 2, "type": 3, "value": "http://b"}]'
    bench.soar.faults.arm(Fault(method="POST", path=".*/artifacts", status=200, body=body))
    assert change(bench, ticket, ("url http://a,http://b",)) == {"observables": ["url http://a", "url http://b"]}


def test_an_incident_is_created_with_them_in_one_request(bench: Bench) -> None:
    action = Create(mark="kibcase-kibana-0-1", fields={"title": "x", "observables": (IP, URL)}, origin_label="case 7")
    receipt = bench.connector.apply(action, bench.announced)
    assert bench.changing == [("POST", "incidents")]
    assert receipt.stored == bench.connector.read(receipt.key).fields
    assert receipt.stored["observables"] == [IP, URL]


def test_all_pages_are_read(make: MakeBench) -> None:
    bench = make()
    number = bench.maria.create("x")
    for each in range(5):
        bench.maria.add_artifact(number, "DNS Name", f"d{each}.example.com")
    bench.soar.limit_pages(2)
    shown = bench.connector.read(str(number)).fields["observables"]
    assert shown == [f"domain d{each}.example.com" for each in range(5)]


def test_they_make_another_version_and_are_noticed_though_the_incident_is_not_modified(bench: Bench) -> None:
    number = bench.maria.create("x")
    cursor = bench.connector.changes(None).cursor
    bench.clock.forward(hours=1)
    before = bench.connector.read(str(number))
    cursor = bench.connector.changes(cursor).cursor
    bench.maria.add_artifact(number, "IP Address", "203.0.113.7")
    after = bench.connector.read(str(number))
    assert after.version != before.version
    assert str(number) in {item.key for item in bench.connector.changes(cursor).items if item.version == after.version}


def test_without_a_rule_that_carries_them_nothing_is_asked(bench: Bench) -> None:
    alone = bench.connect(parts=("title", "comments"))
    number = bench.maria.create("x")
    assert "observables" not in alone.read(str(number)).fields
    assert [path for _, path in bench.requests if "artifact" in path or "attachments" in path] == []
    with pytest.raises(Refused):
        alone.apply(SetFields(key=str(number), version=alone.read(str(number)).version,
                              add={"observables": (IP,)}), bench.announced)


def test_an_answer_without_an_end_is_not_read_for_ever(bench: Bench) -> None:
    number = bench.maria.create("x")
    body = b'{"recordsFiltered": 500, "data": [{"id": 1, "type": 1, "value": "203.0.113.7", "created": 5}]}'
    bench.soar.faults.arm(Fault(method="POST", path=".*/artifacts/query_paged", status=200, body=body, times=None))
    assert bench.connector.read(str(number)).fields["observables"] == [IP]
    assert len([path for _, path in bench.requests if path.endswith("artifacts/query_paged")]) == 2


@given(st.sampled_from(TYPES), st.text(min_size=1, max_size=40))
def test_what_is_written_is_read_as_the_same(kind: str, value: str) -> None:
    item = element(kind, value)
    codec = ArtifactCodec(ARTIFACT_TYPES)
    try:
        native = codec.native((item,))
    except (NotCarriedError, UnmappedError):
        return
    assert native == [item]
    name = type_for(ARTIFACT_TYPES, item)
    assert name is not None
    assert item_of(ARTIFACT_TYPES, name, item.partition(" ")[2]) == item


@pytest.mark.parametrize(("value", "name"), [
    (MD5, "Malware MD5 Hash"), (SHA1, "Malware SHA-1 Hash"), (SHA256, "Malware SHA-256 Hash"), (SHA512, None),
    ("not a hash", None),
])
def test_the_type_of_a_hash(value: str, name: str | None) -> None:
    assert type_for(ARTIFACT_TYPES, f"file-hash {value}") == name
    assert type_for({"Hash": "file-hash"}, f"file-hash {value}") == "Hash"
