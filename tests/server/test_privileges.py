"""Kibana's feature privileges as pure values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.privileges import (
    EVERY_OPERATION,
    OWNERS,
    SUPERUSER,
    Grant,
    Rights,
    applications_of,
    grants_of_applications,
    grants_of_role,
    rights_in,
    sections_of,
)
from kibcase.server.privileges_file import parse_accounts, read_accounts
from kibcase.server.users import ApiKey, Directory, User

READING = {
    "getCase", "getComment", "getTags", "getReporters", "getUserActions", "findConfigurations", "getFieldDefinitions",
}
WRITING = READING | {"createCase", "updateCase", "updateComment", "pushCase"}


def allowed(*names: str, feature: str = "generalCasesV3", spaces: tuple[str, ...] = ("*",)) -> Rights:
    return rights_in(grants_of_role([{"feature": {feature: list(names)}, "spaces": list(spaces)}]), "default")


@pytest.mark.parametrize(("privilege", "operations"), [
    ("all", EVERY_OPERATION),
    ("minimal_all", WRITING),
    ("read", READING),
    ("minimal_read", READING),
    ("cases_delete", {"deleteCase", "deleteComment"}),
    ("cases_settings", {"createConfiguration", "updateConfiguration"}),
    ("create_comment", {"createComment"}),
    ("case_reopen", {"reopenCase"}),
    ("cases_assign", {"assignCase"}),
    ("cases_manage_templates", {"manageTemplate", "getFieldDefinitions"}),
])
def test_what_each_privilege_allows(privilege: str, operations: set[str]) -> None:
    rights = allowed(privilege)
    assert rights.allowed["cases"] == operations
    assert rights.allowed["observability"] == rights.allowed["securitySolution"] == frozenset()
    assert rights.enters
    assert not rights.administers


@pytest.mark.parametrize(("feature", "more"), [
    ("generalCases", {"createComment", "reopenCase", "assignCase"}),
    ("generalCasesV2", {"assignCase", "manageTemplate"}),
    ("generalCasesV3", set()),
])
def test_older_generations_hold_what_later_became_a_privilege_of_its_own(feature: str, more: set[str]) -> None:
    assert allowed("minimal_all", feature=feature).allowed["cases"] == WRITING | more


@pytest.mark.parametrize(("feature", "owner"), [
    ("generalCasesV2", "cases"), ("observabilityCasesV3", "observability"),
    ("securitySolutionCasesV3", "securitySolution"),
])
def test_features_belong_to_owners(feature: str, owner: str) -> None:
    rights = allowed("all", feature=feature)
    assert {name for name, operations in rights.allowed.items() if operations} == {owner}


def test_a_grant_is_good_in_its_spaces_only() -> None:
    grants = grants_of_role([{"feature": {"generalCasesV3": ["read"]}, "spaces": ["soc"]}])
    assert rights_in(grants, "soc").enters
    elsewhere = rights_in(grants, "default")
    assert not elsewhere.enters
    assert set(elsewhere.allowed.values()) == {frozenset()}


def test_base_privileges() -> None:
    everything = rights_in(grants_of_role([{"base": ["all"]}]), "x")
    assert set(everything.allowed.values()) == {EVERY_OPERATION}
    assert everything.manages_spaces
    assert not everything.administers
    reading = rights_in(grants_of_role([{"base": ["read"], "spaces": ["x"]}]), "x")
    assert set(reading.allowed.values()) == {frozenset(READING)}
    assert reading.connectors == {"get", "execute"}
    assert not reading.manages_spaces


def test_disabled_features_take_the_owner_from_everybody() -> None:
    rights = rights_in(SUPERUSER, "soc", frozenset({"securitySolutionCasesV3", "dashboard"}))
    assert rights.owners == {"cases", "observability"}
    assert rights.administers


def test_connectors_are_a_feature_of_their_own() -> None:
    assert allowed("all").connectors == frozenset()
    assert allowed("read", feature="actions").connectors == {"get", "execute"}
    assert "create" in allowed("all", feature="actions").connectors


@pytest.mark.parametrize(("section", "says"), [
    ({"feature": {"generalCasesV3": ["write"]}}, r"Feature \[generalCasesV3\] does not support privilege \[write\]"),
    ({"feature": {"generalCases": ["cases_assign"]}}, r"does not support privilege \[cases_assign\]"),
    ({"base": ["admin"]}, "base privileges are 'all' and 'read'"),
    ({"base": ["all"], "feature": {"generalCasesV3": ["all"]}}, "either base or feature"),
    ({"space": ["soc"]}, "no key 'space'"),
    ({"feature": ["generalCasesV3"]}, "must be a mapping"),
    ({"base": "all"}, "must be a list of names"),
])
def test_what_is_no_privilege(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        grants_of_role([section])


NAMES = st.sampled_from([
    "all", "read", "generalCasesV3.all", "generalCasesV2.minimal_all", "securitySolutionCasesV3.case_reopen",
    "observabilityCasesV3.read", "actions.all", "siemV5.all",
])
GRANTS = st.builds(
    Grant, privileges=st.frozensets(NAMES, min_size=1),
    spaces=st.one_of(
        st.just(frozenset({"*"})), st.frozensets(st.sampled_from(["default", "soc", "space_x"]), min_size=1)
    ),
)


@given(st.lists(GRANTS, max_size=4))
def test_grants_survive_elasticsearch(grants: list[Grant]) -> None:
    assert list(grants_of_applications(applications_of(grants))) == grants


@given(st.lists(GRANTS.filter(lambda grant: not {"all", "read"} & grant.privileges), max_size=4))
def test_grants_survive_kibana(grants: list[Grant]) -> None:
    assert list(grants_of_role(sections_of(grants))) == grants


@given(st.lists(GRANTS, max_size=3), st.lists(GRANTS, max_size=3), st.sampled_from(["default", "soc", "other"]))
def test_a_key_never_has_more_than_its_owner(owner: list[Grant], key: list[Grant], space: str) -> None:
    whole, limits = rights_in(tuple(owner), space), rights_in(tuple(key), space)
    both = whole.within(limits)
    for name in OWNERS:
        assert both.allowed[name] == whole.allowed[name] & limits.allowed[name]
    assert both.connectors <= whole.connectors
    assert both.administers <= whole.administers


def test_other_applications_and_unregistered_privileges_grant_nothing() -> None:
    grants = grants_of_applications([
        {"application": "other", "privileges": ["all"], "resources": ["*"]},
        {"application": "kibana-*", "privileges": ["feature_generalCasesV3.fly"], "resources": ["space:soc"]},
    ])
    assert set(rights_in(grants, "soc").allowed.values()) == {frozenset()}
    assert applications_of(grants)[0]["privileges"] == ["feature_generalCasesV3.fly"]


def test_accounts_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "users.yaml"
    path.write_text(
        "roles:\n  reader: [{feature: {generalCasesV3: [read]}, spaces: [soc]}]\n"
        "users:\n  ana: ana-password\n  ben: {password: ben-password, roles: [reader], full_name: Ben}\n"
        "  cem: {password: cem-password, privileges: []}\n"
        "api_keys:\n  'k:s': ana\n  'l:t': {user: ben, privileges: []}\n"
    )
    accounts = read_accounts(path)
    assert accounts.users == {
        "ana": "ana-password", "ben": User(password="ben-password", roles=["reader"], full_name="Ben"),
        "cem": User(password="cem-password", privileges=[]),
    }
    assert accounts.api_keys == {"k:s": "ana", "l:t": ApiKey(user="ben", privileges=[])}
    directory = Directory(accounts.users, accounts.api_keys, roles=accounts.roles)
    assert [person["username"] for person in directory.people()] == ["ana", "ben", "cem"]
    assert "ben-password" not in repr(accounts)


@pytest.mark.parametrize(("document", "says"), [
    ([], "must be a mapping with users"),
    ({"user": {}}, "the file has no 'user', only users, roles, api_keys"),
    ({"users": {"ana": {}}}, "users.ana needs a password"),
    ({"users": {"ana": {"password": "hidden-word", "admin": True}}}, "users.ana has no 'admin'"),
    ({"users": {"ana": {"password": "hidden-word", "roles": "reader"}}}, "users.ana.roles must be a list"),
    ({"users": {"ana": {"password": "hidden-word", "privileges": "all"}}}, "must be a list of Kibana privileges"),
    ({"users": {1: "hidden-word"}}, "the names in users must be strings"),
    ({"api_keys": {"id:hidden-word": {}}}, "an API key needs the name of its user"),
])
def test_a_file_that_is_not_understood(document: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_accounts(document)
    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize(("text", "says"), [
    ("users: [", "is not YAML"),
    ("users: {ana: {password: hidden-word, roles: [nobody]}}", "user 'ana' has the role 'nobody'"),
    ("api_keys: {'k:s': bo}", "given to user 'bo'"),
    ("roles: {r: [{feature: {generalCasesV3: [fly]}}]}", "does not support privilege"),
])
def test_a_file_that_does_not_fit_together(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "users.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=says) as caught:
        read_accounts(path)
    assert str(path) in str(caught.value)
    assert "hidden-word" not in str(caught.value)
