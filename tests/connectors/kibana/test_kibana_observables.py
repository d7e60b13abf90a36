"""Observables of cases: their elements, the limit, the routes of old and new stacks, and seeing what moved nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from kibcase.models.configuration import ObservableType
from kibcase.models.observable import Observable
from kibcase.server.faults import WRITES, Fault
from kibcase_connectors.actions import Create, SetFields
from kibcase_connectors.errors import Conflict, ConnectorError, OutcomeUnknown, Refused
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.kibana.observed import MOST, Typing
from kibcase_connectors.mapping import NotCarriedError
from kibcase_connectors.model import OBSERVABLES, Receipt

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench

IP = "ipv4 203.0.113.7"
NAME = "domain evil.example"
FIRST = ("8.18", "9.1", "9.2", "9.6")


def change(
    bench: Bench, connector: KibanaConnector, key: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = (),
    **fields: Any,
) -> Receipt:
    version = bench.analyst.cases.get(key).version
    action = SetFields(
        key=key, version=version, fields=fields, add={OBSERVABLES: add} if add else {},
        remove={OBSERVABLES: remove} if remove else {},
    )
    return connector.apply(action, bench.announced)


def values(bench: Bench, key: str) -> list[str]:
    return [one.value for one in bench.analyst.cases.get(key).observables]


@pytest.mark.parametrize("stack", FIRST)
def test_added_and_taken_away(serve: Callable[..., Bench], stack: str) -> None:
    bench = serve(stack_version=stack)
    key, connector = bench.case(), bench.whole()
    receipt = change(bench, connector, key, add=(IP, NAME, "ipv4 203.0.113.7"))
    assert receipt.stored == {OBSERVABLES: [IP, NAME]}
    seen = connector.read(key)
    assert seen.fields[OBSERVABLES] == [IP, NAME]
    assert bench.announced.values[-1] == {OBSERVABLES: [IP, NAME]}
    receipt = change(bench, connector, key, add=("url https://evil.example/x",), remove=("domain EVIL.example",))
    assert receipt.stored == {OBSERVABLES: [IP, "url https://evil.example/x"]}
    assert values(bench, key) == ["203.0.113.7", "https://evil.example/x"]


@pytest.mark.parametrize("stack", FIRST)
def test_each_request_is_announced(serve: Callable[..., Bench], stack: str) -> None:
    bench = serve(stack_version=stack)
    key, connector = bench.case(title="Old"), bench.whole()
    change(bench, connector, key, add=(IP, NAME))
    bench.announced.values.clear()
    before = bench.mark
    change(bench, connector, key, add=("email a@b.example", "hostname wks-7"), remove=(IP,), title="New")
    sent = [seen for seen in bench.requests(before) if seen.method in WRITES and "_bulk_get" not in seen.path]
    assert len(bench.announced.values) == len(sent)
    assert bench.announced.values[-1] == {"title": "New"}
    assert len(sent) == (4 if stack < "9.2" else 3)


def test_what_is_there_in_another_spelling_is_not_added(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    bench.analyst.observables.add(key, "observable-type-domain", "EVIL.example")
    receipt = change(bench, connector, key, add=(NAME,), remove=("ipv4 198.51.100.1",))
    assert receipt.stored == {OBSERVABLES: ["domain EVIL.example"]}
    assert bench.announced.values == []


def test_types_of_the_configuration(bench: Bench) -> None:
    types = [ObservableType(key="user-name", label="User name"), ObservableType(key="odd", label="Odd")]
    bench.analyst.configuration.replace("securitySolution", observable_types=types)
    key = bench.case()
    for kind, value in (("user-name", "jdoe"), ("odd", "left"), ("observable-type-ipv4", "203.0.113.7")):
        bench.analyst.observables.add(key, kind, value)
    connector = bench.whole(observable_types={"user-name": "user"})
    assert connector.read(key).fields[OBSERVABLES] == ["user jdoe", IP]
    change(bench, connector, key, add=("user asmith",))
    assert bench.analyst.cases.get(key).observables[-1].type_key == "user-name"
    assert connector.mapping.native(OBSERVABLES, ("user x",)) == ["user x"]
    with pytest.raises(NotCarriedError):
        bench.whole().mapping.native(OBSERVABLES, ("user x",))
    found = {(one.subject, one.level): one.text for one in connector.check()}
    assert "user" in found[OBSERVABLES, "ok"]
    assert "odd" in found[OBSERVABLES, "note"]
    wrong = bench.whole(observable_types={"no-such": "user"})
    assert "no-such" in {one.subject: one.text for one in wrong.check() if one.level == "problem"}[OBSERVABLES]


@pytest.mark.parametrize(
    ("types", "why"), [({"a": "colour"}, "no such type"), ({"observable-type-url": "url"}, "built in")]
)
def test_types_that_make_no_sense(bench: Bench, types: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bench.whole(observable_types=types)


def test_agent_ids_are_carried_where_the_configuration_says_so(serve: Callable[..., Bench]) -> None:
    bench = serve(stack_version="9.3")
    key, connector = bench.case(), bench.whole(observable_types={"observable-type-agent-id": "agent-id"})
    change(bench, connector, key, add=("agent-id abc-1",))
    assert connector.read(key).fields[OBSERVABLES] == ["agent-id abc-1"]


def test_fifty_are_all(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    many = tuple(f"ipv4 198.51.100.{number}" for number in range(MOST))
    change(bench, connector, key, add=many)
    bench.announced.values.clear()
    with pytest.raises(Refused, match="50 observables, this would be 51") as caught:
        change(bench, connector, key, add=(NAME,))
    assert caught.value.field == OBSERVABLES
    assert bench.announced.values == []
    change(bench, connector, key, add=(NAME,), remove=many[:1])
    assert len(values(bench, key)) == MOST


def test_a_value_that_an_old_stack_does_not_take(serve: Callable[..., Bench]) -> None:
    bench = serve(stack_version="8.18")
    key, connector = bench.case(), bench.whole()
    with pytest.raises(Refused, match="not valid"):
        change(bench, connector, key, add=("ipv4 300.1.1.1",))
    assert values(bench, key) == []


@pytest.mark.parametrize(("when", "there"), [("before", 0), ("after", 1)])
def test_a_lost_answer_is_unknown(bench: Bench, when: str, there: int) -> None:
    key, connector = bench.case(), bench.whole()
    path = f"/internal/cases/{key}/observables/_bulk_create"
    bench.server.kibana.arm(Fault(method="POST", path=path, when=when, drop=True))  # type: ignore[arg-type]
    with pytest.raises(OutcomeUnknown):
        change(bench, connector, key, add=(IP,))
    assert len(values(bench, key)) == there


def test_what_a_person_did_meanwhile_is_a_conflict(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    bench.announced.then = lambda: bench.analyst.cases.update(bench.analyst.cases.get(key), severity="high") and None
    with pytest.raises(Conflict):
        change(bench, connector, key, add=(IP,), title="New")
    assert bench.analyst.cases.get(key).title == "Suspicious login"


def test_a_copy_with_observables(bench: Bench) -> None:
    connector = bench.whole()
    made = Create(mark="kibcase-jira-1-2", fields={OBSERVABLES: (IP, NAME)}, origin_label="SOC-1")
    receipt = connector.apply(made, bench.announced)
    assert receipt.stored[OBSERVABLES] == [IP, NAME]
    assert len(bench.announced.values) == 2


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 403, "body": b'{"statusCode":403,"message":"no"}'}])
def test_a_copy_whose_observables_failed_is_there(bench: Bench, fault: dict[str, Any]) -> None:
    connector = bench.whole()
    bench.server.kibana.arm(Fault(method="POST", path="/internal/cases/.*/observables/_bulk_create", **fault))
    made = Create(mark="kibcase-jira-1-2", fields={OBSERVABLES: (IP,)}, origin_label="SOC-1")
    with pytest.raises(ConnectorError) as caught:
        connector.apply(made, bench.announced)
    assert type(caught.value) is OutcomeUnknown
    assert len(connector.find("kibcase-jira-1-2")) == 1


@pytest.mark.parametrize(
    ("options", "why"), [({"license": "basic"}, "Platinum"), ({"stack_version": "8.17"}, "needs stack 8.18")]
)
def test_a_stack_without_observables(serve: Callable[..., Bench], options: dict[str, str], why: str) -> None:
    bench = serve(**options)
    key, connector = bench.case(), bench.whole()
    assert OBSERVABLES not in connector.read(key).fields
    assert OBSERVABLES not in connector.capabilities.fields
    with pytest.raises(Refused, match=why):
        change(bench, connector, key, add=(IP,))
    found = {finding.subject: finding for finding in connector.check()}
    assert found[OBSERVABLES].level == "note"
    assert why in found[OBSERVABLES].text


def test_what_is_not_told_counts_as_offered(bench: Bench) -> None:
    refusal = b'{"statusCode":403,"error":"Forbidden","message":"no"}'
    for path in ("/api/status", "/api/licensing/info"):
        bench.server.kibana.arm(Fault(path=path, status=403, body=refusal, times=None))
    key, connector = bench.case(), bench.whole()
    change(bench, connector, key, add=(IP,))
    assert connector.read(key).fields[OBSERVABLES] == [IP]


def test_who_changed_them_last(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    assert OBSERVABLES not in connector.read(key).touched
    bench.analyst.observables.add(key, "observable-type-ipv4", "203.0.113.7")
    assert connector.read(key).touched[OBSERVABLES].by == "Mara Lindqvist"


def test_a_change_that_leaves_the_time_of_update_alone_is_seen(bench: Bench) -> None:
    keys, connector = [bench.case(f"Case {number}") for number in range(250)], bench.whole()
    cursor = connector.changes(None).cursor
    bench.clock.pass_seconds(120)
    cursor = connector.changes(cursor).cursor
    before = bench.analyst.cases.get(keys[3])
    bench.analyst.observables.add(keys[3], "observable-type-ipv4", "203.0.113.7")
    after = bench.analyst.cases.get(keys[3])
    assert (after.updated_at == before.updated_at, after.version == before.version) == (True, False)
    seen: dict[str, str] = {}
    for _ in range(3):
        start = bench.mark
        changes = connector.changes(cursor)
        assert len(bench.requests(start)) == 3
        cursor = changes.cursor
        seen |= {item.key: item.version for item in changes.items}
    assert seen[keys[3]] == after.version
    assert set(seen) == set(keys)


def test_cases_of_one_moment_are_gone_round_too(serve: Callable[..., Bench]) -> None:
    bench = serve()
    bench.clock.step *= 0
    keys, connector = {bench.case(f"Case {number}") for number in range(230)}, bench.whole()
    bench.clock.pass_seconds(1)
    keys |= {bench.case("Later")}
    cursor = connector.changes(None).cursor
    bench.clock.pass_seconds(120)
    cursor = connector.changes(cursor).cursor
    seen: set[str] = set()
    for _ in range(6):
        changes = connector.changes(cursor)
        cursor = changes.cursor
        seen |= {item.key for item in changes.items}
    assert seen == keys


def test_elements_without_a_value_are_no_elements() -> None:
    typing = Typing({})
    assert typing.elements([Observable(type_key="observable-type-url", value="  ")]) == []
    with pytest.raises(ValueError, match="cannot hold"):
        typing.fresh([], ["ipv4"])
    with pytest.raises(ValueError, match="cannot hold"):
        typing.fresh([], ["registry HKLM"])
