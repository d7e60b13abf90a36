"""Custom fields, observables and assignees of a ticket."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import SetFields
from kibcase_connectors.errors import Conflict, Refused
from kibcase_connectors.jira import indicators, kinds
from kibcase_connectors.jira.dialect import Adf, Wiki
from kibcase_connectors.jira.layout import found_aliases
from kibcase_connectors.jira.wire import untold
from kibcase_connectors.people import People, Person
from kibcase_connectors.standins.jira import DEFAULT_USERS, CustomField
from kibcase_connectors.standins.jira.catalog import DEFAULT_CUSTOM_FIELDS

if TYPE_CHECKING:
    from kibcase_connectors.model import Receipt
    from tests.connectors.jira.conftest import Bench, Deployment, MakeBench

KINDS: dict[str, tuple[str, str, str, Any]] = {
    "case": ("Case", "kb 7", "kb 7", "kb 7"),
    "notes": ("customfield_10011", "*raw* [x]\n\n  {noformat} h1. y", "*raw* [x]\n\n  {noformat} h1. y", None),
    "vector": ("attack VECTOR", "Malware", "Malware", "10021"),
    "seen": ("Detected at", "2026-03-02T14:30:00+02:00", "2026-03-02T12:30:00Z", None),
    "score": ("Risk score", "7.50", "7.5", 7.5),
    "lead": ("Incident lead", "tomasz.nowak@example.com", "tomasz.nowak@example.com", "tomasz.nowak"),
    "due": ("Report due", "2026-03-04", "2026-03-04", "2026-03-04"),
    "techniques": ("Techniques", "T1566 T1204", "T1204 T1566", ["T1204", "T1566"]),
    "playbook": ("Playbook", "https://wiki.example.com/a_b", "https://wiki.example.com/a_b", None),
}
PUBLIC = [replace(each, email_hidden=False) for each in DEFAULT_USERS]


def wide(make: MakeBench, deployment: Deployment, **settings: Any) -> Bench:
    bench = make(deployment, users=PUBLIC)
    custom = {name: {"field": field} for name, (field, *_) in KINDS.items()}
    bench.connector = bench.connect(**{"custom": custom, **settings})
    return bench


def change(bench: Bench, fields: dict[str, str] | None = None, **more: Any) -> Receipt:
    ticket = bench.connector.read("SOC-1")
    action = SetFields(key=ticket.key, version=ticket.version, fields=fields or {}, **more)
    return bench.connector.apply(action, bench.announced)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_field_is_written_and_read(make: MakeBench, deployment: Deployment, name: str) -> None:
    bench = wide(make, deployment)
    _, text, shown, stored = KINDS[name]
    key = bench.create(**{name: text}).key
    assert bench.connector.read(key).fields[name] == shown
    change(bench, {name: ""})
    assert bench.connector.read(key).fields[name] is None
    bench.announced.values.clear()
    assert change(bench, {name: text}).stored == {name: shown}
    assert bench.announced.values == [{name: shown if name != "techniques" else text}]
    if stored is not None:
        field = next(each.id for each in DEFAULT_CUSTOM_FIELDS if KINDS[name][0].casefold() in (
            each.name.casefold(), each.id
        ))
        assert bench.maria.issue(key).values[field] == stored


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("score", "many"), ("score", "NaN"), ("due", "tomorrow"), ("seen", "2026-03-02T14:30:00"), ("case", "x" * 256),
        ("case", "two\nlines"), ("playbook", "javascript:alert(1)"), ("vector", "Nonsense"),
        ("lead", "no.one@example.com"), ("lead", "Tomasz Nowak"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_name_of_the_field(
    make: MakeBench, deployment: Deployment, name: str, text: str
) -> None:
    bench = wide(make, deployment)
    bench.create()
    with pytest.raises(Refused) as refused:
        change(bench, {name: text})
    assert refused.value.field == name
    assert bench.connector.read("SOC-1").fields[name] is None


@pytest.mark.parametrize(
    ("field", "why"),
    [
        ("No such", "no field 'No such'"), ("Affected sites", "are not carried"), ("Summary", "fills 'Summary' itself"),
        ("Twice", "customfield_1, customfield_2; give the id"),
    ],
)
def test_a_field_that_cannot_be_used(make: MakeBench, deployment: Deployment, field: str, why: str) -> None:
    twice = (CustomField(id=f"customfield_{n}", name="Twice", kind="string") for n in (1, 2))
    bench = make(deployment, custom_fields=(*DEFAULT_CUSTOM_FIELDS, *twice))
    bench.connector = bench.connect(custom={"odd": {"field": field}})
    found = [one.text for one in bench.connector.check() if (one.level, one.subject) == ("problem", "odd")]
    assert len(found) == 1
    assert why in found[0]
    assert "odd" not in bench.connector.read(bench.maria.create("x")).fields
    with pytest.raises(Refused) as refused:
        change(bench, {"odd": "x"})
    assert refused.value.field == "odd"


def test_the_fields_are_asked_for_once_and_only_if_wanted(make: MakeBench, deployment: Deployment) -> None:
    bench = wide(make, deployment)
    key = bench.create().key
    bench.connector.read(key)
    assert bench.requests.count(("GET", "field")) == 1
    narrow = bench.connect(parts=frozenset({"title"}), custom={"odd": {"field": "Case"}})
    bench.jira.faults.forget()
    seen = narrow.read(key)
    assert "odd" not in narrow.capabilities.fields
    assert "assignee" not in seen.fields
    assert [path for _, path in bench.requests if path != "serverInfo"] == [f"issue/{key}"]


# -- observables ---------------------------------------------------------------------------------------


def test_observables_stand_one_per_line(bench: Bench) -> None:
    bench.connector = bench.connect(observables_field="Observables")
    key = bench.create(observables=("ipv4 203.0.113.7", "domain evil.example")).key
    assert bench.connector.read(key).fields["observables"] == ["ipv4 203.0.113.7", "domain evil.example"]
    bench.maria.edit(key, customfield_10011="Seen in mail:\n* IPv4: 203.0.113.7\nurl  http://a.example/x\n??")
    shown = bench.connector.read(key).fields["observables"]
    assert shown == ["ipv4 203.0.113.7", "url http://a.example/x"]
    fresh, gone = ("user  root", "URL http://a.example/x"), ("ipv4 203.0.113.7",)
    receipt = change(bench, add={"observables": fresh}, remove={"observables": gone})
    assert receipt.stored["observables"] == bench.connector.read(key).fields["observables"]
    text = bench.maria.issue(key).values["customfield_10011"].replace("\\", "")
    assert "Seen in mail:" in text
    assert "??" in text
    assert "user root" in text
    assert "203.0.113.7" not in text


def test_too_many_observables_are_refused(bench: Bench) -> None:
    bench.connector = bench.connect(observables_field="customfield_10011")
    bench.create()
    with pytest.raises(Refused, match="32,767") as refused:
        change(bench, add={"observables": tuple(f"domain {n:05}.example.com" for n in range(2000))})
    assert refused.value.field == "observables"


def test_observables_need_a_field_of_many_lines(bench: Bench) -> None:
    bench.connector = bench.connect(observables_field="Case")
    assert any(one.subject == "observables" and "multi-line" in one.text for one in bench.connector.check())
    with pytest.raises(Refused, match="multi-line"):
        bench.create(observables=("ipv4 203.0.113.7",))
    bench.create()
    with pytest.raises(Refused, match="multi-line"):
        change(bench, add={"observables": ("ipv4 203.0.113.7",)})


words = st.from_regex(r"(ipv4|domain|user) [a-z0-9.]{1,9}", fullmatch=True)


noise = st.text(alphabet="ab :-\t*", max_size=8)


@given(lines=st.lists(st.one_of(words, noise)), add=st.lists(words), remove=st.lists(words))
def test_adding_and_removing_lines(lines: list[str], add: list[str], remove: list[str]) -> None:
    before = "\n".join(lines)
    after = indicators.changed(before, add, remove)
    kept = [item for item in indicators.listed(before) if item not in remove]
    assert set(indicators.listed(after)) == {*kept, *add}
    assert indicators.changed(after, add, ()) == after


@given(st.text(alphabet="ab{}[]*_\\|h1. \n#-`<&", max_size=60))
def test_plain_text_survives_both_forms(text: str) -> None:
    told = kinds.spelled("area", text)
    for dialect in (Wiki(), Adf()):
        assert dialect.plain(dialect.plain_wire(told)) == told


def test_the_text_of_a_document_that_people_laid_out() -> None:
    def paragraph(*nodes: dict[str, Any]) -> dict[str, Any]:
        return {"type": "paragraph", "content": list(nodes)}

    item = {"type": "listItem", "content": [paragraph({"type": "text", "text": "ipv4 203.0.113.7"})]}
    card = {"type": "inlineCard", "attrs": {"url": "http://a.example"}}
    document = {"type": "doc", "version": 1, "content": [
        {"type": "bulletList", "content": [item, item]}, paragraph({"type": "text", "text": "url "}, card), 7,
    ]}
    assert Adf().plain(document) == "ipv4 203.0.113.7\nipv4 203.0.113.7\nurl http://a.example"


# -- people --------------------------------------------------------------------------------------------


def test_a_custom_field_edited_by_a_person_after_our_write(make: MakeBench, deployment: Deployment) -> None:
    bench = wide(make, deployment)
    bench.create(case="a", score="1")

    def meddle(_: object) -> None:
        bench.maria.edit("SOC-1", customfield_10010="theirs", customfield_10015=3)

    bench.jira.faults.arm(Fault(method="PUT", path=".*/issue/.*", when="after", call=meddle))
    assert change(bench, {"case": "ours", "score": "2"}).stored == {"case": "ours", "score": "2"}
    touched = bench.connector.read("SOC-1").touched
    assert (touched["case"].by, touched["score"].by) == ("Maria Lindqvist", "Maria Lindqvist")


def test_a_changelog_that_names_one_of_two_fields_of_a_name_tells_nothing() -> None:
    known = [{"id": "customfield_1", "name": "Cost"}, {"id": "customfield_2", "name": "Cost"},
             {"id": "customfield_3", "name": "Case"}]
    assert found_aliases(["customfield_1", "customfield_3"], known) == {untold("Case"): "customfield_3"}


def test_an_assignee_is_found_by_the_exact_address(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, users=PUBLIC)
    key = bench.create(assignee="Tomasz.Nowak@example.com").key
    assert bench.maria.issue(key).values["assignee"] == "tomasz.nowak"
    shown = bench.connector.read(key).fields["assignee"]
    assert bench.connector.mapping.canonical("assignee", shown) == "tomasz.nowak@example.com"
    assert change(bench, {"assignee": ""}).stored == {"assignee": None}
    assert bench.maria.issue(key).values["assignee"] is None
    bench.announced.values.clear()
    receipt = change(bench, {"assignee": "maria.lindqvist@example.com"})
    assert bench.announced.values == [receipt.stored] == [{"assignee": bench.connector.read(key).fields["assignee"]}]


@pytest.mark.parametrize("person", ["nowak@example.com", "tomasz", "tomasz.nowak@example.co", "Tomasz Nowak"])
def test_nobody_is_assigned_who_is_merely_alike(make: MakeBench, deployment: Deployment, person: str) -> None:
    bench = make(deployment, users=PUBLIC)
    key = bench.create().key
    with pytest.raises(Refused) as refused:
        change(bench, {"assignee": person, "title": "Other"})
    assert refused.value.field == "assignee"
    seen = bench.connector.read(key).fields
    assert (seen["assignee"], seen["title"]) == (None, "Beacon on WKS-7")


def test_a_hidden_address_is_no_match_but_the_table_knows(cloud: Bench) -> None:
    cloud.create()
    with pytest.raises(Refused, match="under people"):
        change(cloud, {"assignee": "tomasz.nowak@example.com"})
    account = "557058:7d2f6a90-51c4-4e0b-8f2e-2b9c4d7fe002"
    table = People([Person(name="Tom", email="tomasz.nowak@example.com", accounts={"jira": account})])
    cloud.connector = cloud.connect(people=table)
    change(cloud, {"assignee": "tomasz.nowak@example.com"})
    seen = cloud.connector.read("SOC-1")
    assert seen.fields["assignee"] == {"id": account, "name": "Tomasz Nowak", "email": ""}
    assert cloud.connector.mapping.canonical("assignee", seen.fields["assignee"]) == "tomasz.nowak@example.com"


def test_names_come_from_the_table(bench: Bench) -> None:
    known = PUBLIC[1]
    account = known.account_id if bench.deployment == "cloud" else known.username
    bench.connector = bench.connect(people=People([Person(name="M. L.", accounts={"jira": account})]))
    key = bench.create().key
    bench.maria.comment(key, "x")
    bench.maria.attach(key, "a.txt", b"x")
    bench.maria.edit(key, summary="y")
    seen = bench.connector.read(key)
    assert (seen.comments[0].author, seen.files[0].author, seen.touched["title"].by) == ("M. L.", "M. L.", "M. L.")


def test_accounts_that_do_not_exist_or_are_inactive(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, users=[*PUBLIC[:2], replace(PUBLIC[2], active=False)])
    gone = PUBLIC[2].account_id if deployment == "cloud" else PUBLIC[2].username
    table = People([
        Person(name="Ann", email="ann@example.com", accounts={"jira": "nobody"}),
        Person(name="Tom", email="tom@example.com", accounts={"jira": gone}),
    ])
    bench.connector = bench.connect(people=table)
    bench.create()
    for person in ("ann@example.com", "tom@example.com", "tomasz.nowak@example.com"):
        with pytest.raises(Refused) as refused:
            change(bench, {"assignee": person})
        assert refused.value.field == "assignee"
    problems = [one.text for one in bench.connector.check() if (one.level, one.subject) == ("problem", "people")]
    assert len(problems) == 2


def test_a_change_of_assignee_makes_another_version(make: MakeBench, deployment: Deployment) -> None:
    bench = make(deployment, users=PUBLIC)
    ticket = bench.ticket()
    bench.maria.edit(ticket.key, assignee="tomasz.nowak")
    assert bench.connector.changes(None).items[0].version == bench.connector.read(ticket.key).version != ticket.version
    with pytest.raises(Conflict):
        bench.connector.apply(SetFields(key=ticket.key, version=ticket.version, fields={"title": "x"}), bench.announced)
