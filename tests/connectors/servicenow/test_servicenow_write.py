"""Creating records, changing columns, linking back: what is sent, what was stored, what was dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase.server.faults import Fault
from kibcase_connectors.actions import LinkBack, SetFields
from kibcase_connectors.errors import Conflict, Denied, NotFound, OutcomeUnknown, Refused, Throttled, Unavailable
from kibcase_connectors.servicenow.differences import compared
from kibcase_connectors.standins.servicenow import (
    CALLER_MANDATORY,
    BusinessRule,
    Column,
    RateRule,
    Restriction,
    aborted,
)
from kibcase_connectors.standins.servicenow.people import fixed_id
from tests.connectors.servicenow.conftest import LINK, MARK, TAGS, Clock

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench, Table

CRITICAL = {"incident": {"impact": "1", "urgency": "1", "priority": "1"}, "sn_si_incident": {"priority": "1"}}
LONG = "word " * 2000


def no_writing(table: str, *columns: str) -> Restriction:
    return Restriction(table=table, operations=frozenset({"create", "write"}), columns=frozenset(columns))


def test_a_new_record_carries_its_mark_from_the_start(bench: Bench) -> None:
    receipt = bench.create(severity="critical")
    (row,) = bench.rows()
    assert row.values.items() >= {
        "short_description": "Beacon on WKS-7", "description": "Seen by EDR.", "correlation_id": MARK,
        "correlation_display": "kibcase", "sys_mod_count": "0", "sys_created_by": "kibcase", **CRITICAL[bench.table],
    }.items()
    assert (receipt.key, receipt.label) == (row.sys_id, row["number"])
    assert receipt.stored == bench.connector.read(receipt.key).fields
    assert [method for method, _ in bench.requests if method != "GET"] == ["POST"]
    assert bench.announced.values == [
        {"title": "Beacon on WKS-7", "description": "Seen by EDR.", "severity": "1"}
    ]
    assert bench.connector.find(MARK) == (receipt.key,)


@pytest.mark.parametrize(("severity", "priority"), [("critical", "1"), ("high", "2"), ("medium", "3"), ("low", "5")])
def test_severities_of_incidents_are_written_as_impact_and_urgency(
    incidents: Bench, severity: str, priority: str
) -> None:
    receipt = incidents.create(severity=severity)
    assert receipt.stored["severity"] == incidents.announced.values[0]["severity"] == priority
    assert incidents.connector.mapping.canonical("severity", priority) == severity


def test_other_levels_can_be_configured(incidents: Bench) -> None:
    incidents.connector = incidents.connect(levels={"high": [2, 1]}, severities={"2": "high"})
    row = incidents.row(incidents.create(severity="high").key)
    assert (row["impact"], row["urgency"], row["priority"]) == ("2", "1", "2")
    with pytest.raises(Refused, match="no counterpart"):
        incidents.create(severity="low")


def test_without_levels_severity_takes_no_part(bench: Bench) -> None:
    bench.connector = bench.connect(levels={}, priorities={})
    assert "severity" not in bench.connector.capabilities.fields
    assert "severity" not in bench.connector.read(bench.person_makes()).fields


def test_further_columns_are_filled(incidents: Bench) -> None:
    incidents.connector = incidents.connect(
        create_fields={"category": "network"}, assignment_group="security operations", caller="tomasz.nowak"
    )
    for mark in ("kibcase-a", "kibcase-b"):
        row = incidents.row(incidents.create(mark).key)
    assert row["category"] == "network"
    assert row["assignment_group"] == fixed_id("sys_user_group", "Security Operations")
    assert row["caller_id"] == fixed_id("sys_user", "tomasz.nowak")
    asked = [path for _, path in incidents.requests]
    assert asked.count("table/sys_user_group") == 1


@pytest.mark.parametrize("settings", [{"assignment_group": "Nobody"}, {"caller": "javascript:x"}, {"caller": "nobody"}])
def test_a_group_or_caller_that_is_not_there(incidents: Bench, settings: dict[str, Any]) -> None:
    incidents.connector = incidents.connect(**settings)
    with pytest.raises(Refused, match="looking up"):
        incidents.create()
    assert incidents.rows() == []


def test_what_a_data_policy_asks_for_is_told_by_field(make: MakeBench) -> None:
    bench = make(policies=(CALLER_MANDATORY,))
    with pytest.raises(Refused, match="Caller") as caught:
        bench.create()
    assert caught.value.field == "Caller"
    assert "create_fields" in caught.value.advice
    bench.connector = bench.connect(caller="tomasz.nowak")
    assert bench.create().label


def test_an_abort_by_a_business_rule_is_a_refusal(make: MakeBench, table: Table) -> None:
    def stop(change: Any) -> Any:
        raise aborted(change.table, "No more incidents")

    bench = make(table, rules=(BusinessRule(name="Stop", table=table, run=stop),))
    with pytest.raises(Refused, match="No more incidents"):
        bench.create()


def test_missing_roles_are_a_refusal_with_advice(bench: Bench) -> None:
    bench.servicenow.state.restrict(Restriction(table=bench.table, operations=frozenset({"create", "write"})))
    ticket = bench.connector.read(bench.person_makes())
    with pytest.raises(Refused, match="ACL Exception") as caught:
        bench.set_fields(ticket, title="x")
    assert "itil" in caught.value.advice


def test_columns_dropped_at_creation_are_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.servicenow.state.restrict(no_writing(bench.table, "description"))
    bench.connector = bench.connect(create_fields={"u_nowhere": "x"})
    receipt = bench.create()
    assert receipt.stored["description"] == ""
    assert "did not store: u_nowhere, description" in caplog.text


def test_without_a_mark_no_second_record_is_made(bench: Bench) -> None:
    bench.servicenow.state.restrict(no_writing(bench.table, "correlation_id"))
    bench.create()
    with pytest.raises(Refused, match="correlation_id"):
        bench.create()
    assert len(bench.rows()) == 1


def test_a_mark_that_would_be_cut_is_not_written(bench: Bench) -> None:
    with pytest.raises(Refused, match="longer than correlation_id"):
        bench.create("kibcase-" + "x" * 100)
    assert bench.rows() == []


def test_long_texts_are_cut_visibly_to_the_length_of_the_column(bench: Bench) -> None:
    receipt = bench.create(title=LONG, description=LONG)
    title, description = receipt.stored["title"], receipt.stored["description"]
    assert isinstance(title, str)
    assert isinstance(description, str)
    assert (len(title) <= 160, title[-1]) == (True, "…")
    assert 3800 < len(description) <= 4000
    assert description.endswith("The full text is in the case.)")
    mapping = bench.connector.mapping
    assert mapping.loses("title", LONG)
    assert mapping.loses("description", LONG)
    assert mapping.same("description", description, LONG.strip())
    assert not mapping.loses("description", "x" * 4000)


def test_emoji_count_as_two_so_that_a_cut_text_is_known_as_one(bench: Bench) -> None:
    bench.connector.changes(None)
    text = "\U0001f525" * 100
    cut = bench.connector.mapping.native("title", text)
    assert cut != text
    assert bench.connector.mapping.loses("title", text)


@pytest.mark.parametrize(("length", "configured", "expected"), [(300, None, 300), (60, None, 60), (300, 100, 100)])
def test_lengths_are_those_of_the_dictionary(
    make: MakeBench, table: Table, length: int, configured: int | None, expected: int
) -> None:
    bench = make(
        table, columns=[(table, Column(name="short_description", label="Short", max_length=length))],
        settings={"lengths": {"short_description": configured}} if configured else {},
    )
    title = bench.create(title=LONG).stored["title"]
    assert isinstance(title, str)
    assert expected - 10 < len(title) <= expected


def test_without_the_dictionary_a_silent_cut_is_noticed(
    make: MakeBench, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(table, columns=[(table, Column(name="short_description", label="Short", max_length=60))])
    bench.servicenow.state.restrict(Restriction(table="sys_dictionary", operations=frozenset({"read"})))
    receipt = bench.create(title="x " * 70)
    assert "the end of short_description" in caplog.text
    assert len(str(receipt.stored["title"])) <= 60
    assert bench.connector.mapping.loses("title", "x " * 70)


def test_fields_are_changed_in_one_request(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.servicenow.faults.forget()
    receipt = bench.set_fields(ticket, title="New\ntitle", severity="low")
    after = bench.connector.read(ticket.key)
    assert receipt.stored == {name: after.fields[name] for name in ("title", "severity")}
    assert after.fields["title"] == "New, title"
    assert [method for method, _ in bench.requests].count("PATCH") == 1
    assert bench.row(ticket.key)["sys_mod_count"] == "1"


def test_a_record_that_has_changed_is_not_written(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.edit(ticket.key, description="x")
    with pytest.raises(Conflict):
        bench.set_fields(ticket, title="y")
    assert bench.servicenow.faults.writes[-1].method == "POST"
    with pytest.raises(NotFound):
        bench.connector.apply(SetFields(key="0" * 32, version="x", fields={"title": "y"}), bench.announced)


def test_a_note_that_did_not_touch_the_record_is_no_conflict(bench: Bench) -> None:
    key = bench.create().key
    bench.late_entry(key, "quiet")
    ticket = bench.connector.read(key)
    assert bench.set_fields(ticket, title="y").stored == {"title": "y"}


def test_columns_that_are_dropped_without_a_word_are_told(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.servicenow.state.restrict(no_writing(bench.table, "short_description"))
    with pytest.raises(Refused, match="took no notice of short_description") as caught:
        bench.set_fields(ticket, title="y")
    assert caught.value.field == "title"
    with pytest.raises(OutcomeUnknown, match="short_description and stored description"):
        bench.set_fields(bench.connector.read(ticket.key), title="y", description="z")
    assert bench.row(ticket.key)["description"] == "z"


def test_what_a_business_rule_makes_of_a_value_is_what_was_stored(make: MakeBench, table: Table) -> None:
    shout = BusinessRule(
        name="Shout", table=table, run=lambda change: {"short_description": change.after["short_description"].upper()}
    )
    bench = make(table, rules=(shout,))
    assert bench.create(title="quiet").stored["title"] == "QUIET"
    ticket = bench.connector.read(bench.rows()[0].sys_id)
    assert bench.set_fields(ticket, title="silent").stored == {"title": "SILENT"}


def test_a_write_between_our_read_and_ours_is_noted(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    ticket = bench.ticket()
    bench.announced.then = lambda: bench.maria.edit(ticket.key, description="theirs")
    with caplog.at_level("INFO"):
        bench.set_fields(ticket, title="ours")
    assert "more than our write" in caplog.text
    assert bench.row(ticket.key)["description"] == "theirs"


def test_tags_live_in_a_column_of_the_customers(make: MakeBench, table: Table) -> None:
    bench = make(table, settings={"tags_column": "u_tags"})
    bench.create(tags=("apt 29", " edr "))
    (row,) = bench.rows()
    assert row["u_tags"] == "apt 29, edr"
    ticket = bench.connector.read(row.sys_id)
    assert ticket.fields["tags"] == ["apt 29", "edr"]
    action = SetFields(
        key=ticket.key, version=ticket.version, add={"tags": ("c2",)}, remove={"tags": ("edr",)}
    )
    receipt = bench.connector.apply(action, bench.announced)
    assert receipt.stored == {"tags": ["apt 29", "c2"]} == bench.announced.values[-1]
    assert bench.row(row.sys_id)["u_tags"] == "apt 29, c2"
    with pytest.raises(Refused, match="'a,b' has no counterpart"):
        bench.create("kibcase-x", tags=("a,b",))
    with pytest.raises(Refused, match="holds 255"):
        bench.create("kibcase-x", tags=tuple(f"tag number {n}" for n in range(40)))


def test_without_a_column_tags_take_no_part(bench: Bench) -> None:
    assert "tags" not in bench.connector.capabilities.fields
    ticket = bench.connector.read(bench.create(tags=("a",)).key)
    assert "tags" not in ticket.fields


def test_the_address_of_the_case_goes_into_a_column_if_there_is_one(make: MakeBench, table: Table) -> None:
    bench = make(table, settings={"url_column": "u_case_url"})
    assert bench.connector.capabilities.links_back
    key = bench.create().key
    action = LinkBack(key=key, mark=MARK, label="case 7", url="https://kibana.example.com/c/7")
    for _ in range(2):
        bench.connector.apply(action, bench.announced)
    assert bench.row(key)["u_case_url"] == action.url
    assert bench.row(key)["sys_mod_count"] == "1"
    with pytest.raises(Refused, match="holds 255"):
        bench.connector.apply(
            LinkBack(key=key, mark=MARK, label="case 7", url="https://x/" + "y" * 300), bench.announced
        )


def test_without_a_column_there_is_no_link_back(bench: Bench) -> None:
    assert not bench.connector.capabilities.links_back
    key = bench.create().key
    with pytest.raises(Refused, match="url_column"):
        bench.connector.apply(LinkBack(key=key, mark=MARK, label="7", url="https://x"), bench.announced)


def test_an_unknown_column_for_the_link_is_told(make: MakeBench, table: Table) -> None:
    bench = make(table, columns=[(table, TAGS)], settings={"url_column": LINK.name, "lengths": {LINK.name: 255}})
    key = bench.create().key
    with pytest.raises(Refused, match="took no notice of u_case_url"):
        bench.connector.apply(LinkBack(key=key, mark=MARK, label="7", url="https://x"), bench.announced)


def test_a_lost_mark_is_put_back_unless_somebody_uses_its_place(bench: Bench) -> None:
    ticket = bench.connector.read(bench.create().key)

    def remark() -> None:
        now = bench.connector.read(ticket.key)
        bench.connector.apply(SetFields(key=now.key, version=now.version, add={"tags": (MARK,)}), bench.announced)

    for theirs in ({"correlation_id": ""}, {"correlation_id": "8e6c", "correlation_display": "Elastic Case"}):
        bench.maria.edit(ticket.key, **theirs)
        remark()
        assert bench.row(ticket.key)["correlation_id"] == MARK
    bench.maria.edit(ticket.key, correlation_id="PRB-7", correlation_display="Vendor portal")
    with pytest.raises(Refused, match="another integration"):
        remark()


# -- what happens to requests that write ---------------------------------------------------------------


def patch(bench: Bench, fault: Fault) -> Exception:
    ticket = bench.ticket()
    bench.servicenow.faults.arm(fault)
    with pytest.raises((OutcomeUnknown, Unavailable, Denied, Refused)) as caught:
        bench.set_fields(ticket, title="new")
    assert sum(method == "PATCH" for method, _ in bench.requests) == 1, "a write is never repeated"
    return caught.value


PATCH: dict[str, Any] = {"method": "PATCH"}
ASLEEP = b"<html><title>Instance Hibernating page</title></html>"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(**PATCH, when="after", drop=True), Fault(**PATCH, drop=True), Fault(**PATCH, status=500),
        Fault(**PATCH, status=503, body=b"<html>maintenance</html>"), Fault(**PATCH, status=502),
        Fault(**PATCH, when="after", status=200, body=b"<html>proxy</html>"),
        Fault(**PATCH, when="after", status=200, body=b'{"result": {"sys_id"'),
        Fault(**PATCH, when="after", status=200, body=b'{"result": {}}'),
        Fault(**PATCH, when="after", status=200, body=b'{"result": {}, "error": {"message": "cancelled"}}'),
    ],
)
def test_a_write_without_a_clear_answer_has_an_unknown_outcome(bench: Bench, fault: Fault) -> None:
    assert isinstance(patch(bench, fault), OutcomeUnknown)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(**PATCH, status=200, body=ASLEEP, headers=(("content-type", "text/html"),)), Fault(**PATCH, status=302),
        Fault(**PATCH, status=404, body=b"<html>no such gateway</html>"),
    ],
)
def test_a_write_that_certainly_did_not_happen_is_unavailable(bench: Bench, fault: Fault) -> None:
    assert isinstance(patch(bench, fault), Unavailable)


def test_a_session_lost_before_a_write_is_no_lost_right(bench: Bench) -> None:
    error = patch(bench, Fault(**PATCH, status=401, body=b'{"error": {"message": "User Not Authenticated"}}'))
    assert isinstance(error, Unavailable)
    ticket = bench.connector.read(bench.rows()[0].sys_id)
    bench.servicenow.faults.arm(Fault(**PATCH, status=401, call=lambda _: bench.servicenow.lose_sessions()))
    with pytest.raises(Denied):
        bench.set_fields(ticket, title="y")


def test_an_hourly_budget_says_when_to_come_back(make: MakeBench, table: Table) -> None:
    clock = Clock()
    bench = make(table, clock=clock)
    ticket = bench.ticket()
    bench.servicenow.limit_requests(RateRule(limit=1))
    with pytest.raises(Throttled, match="Rate limit of 1 requests per hour") as caught:
        bench.set_fields(ticket, title="y")
    assert caught.value.retry_after == pytest.approx(29 * 60 + 45)


# -- what became of a write, without any instance --------------------------------------------------------

texts = st.text(st.sampled_from("ab\r\n "), max_size=40)


@given(sent=texts, before=texts, after=texts)
def test_a_column_is_stored_or_dropped_or_cut_or_made_into_something_else(sent: str, before: str, after: str) -> None:
    found = compared({"c": sent}, {"c": before}, {"c": after})
    if _plain(sent) == _plain(after):
        assert (found.dropped, found.cut) == ((), {})
    elif found.dropped:
        assert _plain(after) == _plain(before)
    assert not (found.dropped and found.cut)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def test_a_column_that_the_answer_lacks_was_dropped() -> None:
    assert compared({"u_x": "1"}, {}, {}).dropped == ("u_x",)
