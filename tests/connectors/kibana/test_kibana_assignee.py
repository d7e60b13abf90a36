"""Who a case is assigned to: the first of several, found by table or e-mail address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from kibcase.server.faults import Fault
from kibcase.server.users import User
from kibcase_connectors.actions import Create, SetFields
from kibcase_connectors.errors import Refused
from kibcase_connectors.kibana import KibanaConnector
from kibcase_connectors.mapping import UnmappedError
from kibcase_connectors.model import ASSIGNEE, FIELDS, Json, Receipt
from kibcase_connectors.people import People, Person
from tests.connectors.kibana.conftest import PASSWORD

if TYPE_CHECKING:
    from tests.connectors.kibana.conftest import Bench

ANN = {"id": "u_ann_0", "name": "Ann Berg", "email": "ann@example.com", "login": "ann"}
BO = {"id": "u_bo_0", "name": "Bo Dahl", "email": "Bo@example.com", "login": "bo"}
PROFILES = "/internal/security/user_profile/_bulk_get"


def assign(bench: Bench, connector: KibanaConnector, key: str, person: str) -> Receipt:
    version = bench.analyst.cases.get(key).version
    return connector.apply(SetFields(key=key, version=version, fields={ASSIGNEE: person}), bench.announced)


def uids(bench: Bench, key: str) -> list[str]:
    return [one.uid for one in bench.analyst.cases.get(key).assignees]


@pytest.mark.parametrize("stack", ["8.18", "9.2", "9.5"])
def test_the_first_assignee_with_the_others(serve: Callable[..., Bench], stack: str) -> None:
    bench = serve(stack_version=stack)
    key, connector = bench.case(assignees=["u_bo_0", "u_ann_0"]), bench.whole()
    native = connector.read(key).fields[ASSIGNEE]
    assert native == {**BO, "others": [ANN]}
    mapping = connector.mapping
    assert mapping.canonical(ASSIGNEE, native) == "bo@example.com"
    assert mapping.same(ASSIGNEE, native, "bo@example.com")
    assert mapping.same(ASSIGNEE, native, "ann@example.com")
    assert not mapping.same(ASSIGNEE, native, "mara@example.com")
    assert not mapping.same(ASSIGNEE, native, "")
    assert mapping.same(ASSIGNEE, None, "")


def test_profiles_are_asked_for_once(bench: Bench) -> None:
    key, connector = bench.case(assignees=["u_bo_0"]), bench.whole()
    connector.read(key)
    before = bench.mark
    connector.read(key)
    assert PROFILES not in [seen.path for seen in bench.requests(before)]


@pytest.mark.parametrize(
    ("present", "person", "after"),
    [
        ([], "ann@example.com", ["u_ann_0"]), (["u_bo_0"], "ann@example.com", ["u_ann_0"]),
        (["u_bo_0", "u_mara_0"], "ann@example.com", ["u_ann_0", "u_mara_0"]),
        (["u_mara_0", "u_bo_0"], "bo@example.com", ["u_bo_0"]),
        (["u_bo_0", "u_ann_0"], "", ["u_ann_0"]), (["u_bo_0"], "", []), ([], "", []),
    ],
)
def test_the_first_is_replaced_and_the_others_stay(
    bench: Bench, present: list[str], person: str, after: list[str]
) -> None:
    key, connector = bench.case(assignees=present), bench.whole()
    receipt = assign(bench, connector, key, person)
    assert uids(bench, key) == after
    assert receipt.stored[ASSIGNEE] == connector.read(key).fields[ASSIGNEE]
    assert bench.announced.values == ([] if present == after else [{ASSIGNEE: receipt.stored[ASSIGNEE]}])


@pytest.mark.parametrize("account", ["bo", "BO", "u_bo_0"])
def test_the_table_goes_before_the_address(bench: Bench, account: str) -> None:
    people = People([Person(name="Bosse", email="ann@example.com", accounts={"soc": account})])
    key, connector = bench.case(), bench.whole(people)
    assign(bench, connector, key, "ann@example.com")
    assert uids(bench, key) == ["u_bo_0"]
    seen = connector.read(key)
    assert connector.mapping.canonical(ASSIGNEE, seen.fields[ASSIGNEE]) == "ann@example.com"


@pytest.mark.parametrize("person", ["nobody@example.com", "an@example.com", "ann@example.co"])
def test_who_is_unknown_or_not_the_only_one_is_refused(bench: Bench, person: str) -> None:
    key, connector = bench.case(assignees=["u_bo_0"]), bench.whole()
    with pytest.raises(Refused, match="no user profiles of") as caught:
        assign(bench, connector, key, person)
    assert caught.value.field == ASSIGNEE
    assert uids(bench, key) == ["u_bo_0"]


def test_two_of_one_address_are_refused(serve: Callable[..., Bench]) -> None:
    twins = {
        name: User(password=PASSWORD, email="twin@example.com", profile_uid=f"u_{name}_0") for name in ("one", "two")
    }
    bench = serve(users=twins)
    key, connector = bench.case(), bench.whole()
    with pytest.raises(Refused, match=r"2 user profiles of twin@example\.com"):
        assign(bench, connector, key, "twin@example.com")


def test_a_copy_is_assigned_from_the_start(bench: Bench) -> None:
    connector = bench.whole()
    fields = {"title": "Beacon", ASSIGNEE: "ann@example.com"}
    receipt = connector.apply(Create(mark="kibcase-jira-1-2", fields=fields, origin_label="SOC-1"), bench.announced)
    assert uids(bench, receipt.key) == ["u_ann_0"]
    assert receipt.stored[ASSIGNEE] == ANN
    assert bench.announced.values[0][ASSIGNEE] == ANN


def test_who_assigned_it_and_when(bench: Bench) -> None:
    key, connector = bench.case(), bench.whole()
    assert ASSIGNEE not in connector.read(key).touched
    bench.analyst.cases.update(bench.analyst.cases.get(key), assignees=["u_ann_0"])
    assert connector.read(key).touched[ASSIGNEE].by == "Mara Lindqvist"


def test_a_profile_that_is_gone_is_named_by_its_id(bench: Bench) -> None:
    key, connector = bench.case(assignees=["u_gone_0"]), bench.whole()
    native = connector.read(key).fields[ASSIGNEE]
    assert native == {"id": "u_gone_0", "name": "u_gone_0", "email": "", "login": ""}
    with pytest.raises(UnmappedError):
        connector.mapping.canonical(ASSIGNEE, native)


def test_profiles_that_may_not_be_read_leave_the_ids(bench: Bench) -> None:
    refusal = b'{"statusCode":403,"error":"Forbidden","message":"no"}'
    bench.server.kibana.arm(Fault(path=PROFILES, status=403, body=refusal, times=None))
    key, people = bench.case(assignees=["u_ann_0"]), People([Person(name="Ann", accounts={"soc": "u_ann_0"})])
    connector = bench.whole(people)
    native: Json | Mapping[str, Json] = connector.read(key).fields[ASSIGNEE]
    assert connector.mapping.canonical(ASSIGNEE, native) == "Ann"  # type: ignore[arg-type]


@pytest.mark.parametrize("license", ["basic", "gold"])
def test_a_licence_without_assignees(serve: Callable[..., Bench], license: str) -> None:  # noqa: A002
    bench = serve(license=license)
    key, connector = bench.case(), bench.whole()
    assert ASSIGNEE not in connector.read(key).fields
    assert connector.capabilities.fields == frozenset(FIELDS)
    with pytest.raises(Refused, match="needs a Platinum licence") as caught:
        assign(bench, connector, key, "ann@example.com")
    assert caught.value.field == ASSIGNEE
    made = Create(mark="kibcase-jira-1-2", fields={ASSIGNEE: "ann@example.com"}, origin_label="SOC-1")
    assert ASSIGNEE not in connector.apply(made, bench.announced).stored
    found = {finding.subject: finding for finding in connector.check()}
    assert (found[ASSIGNEE].level, found[ASSIGNEE].text) == ("note", "not carried: needs a Platinum licence")
