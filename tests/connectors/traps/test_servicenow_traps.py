"""The traps of ServiceNow, each with the test that fails if it is sprung.

``COVERED`` names each trap in own words. What is not covered beside the connector or the stand-in is tested here.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

import kibcase_connectors.servicenow
from kibcase.server.faults import Fault, Seen
from kibcase_connectors.actions import AddFile, SetFields
from kibcase_connectors.errors import Refused, Unavailable
from kibcase_connectors.servicenow import query, walk
from kibcase_connectors.servicenow.failures import Answer, Deed, from_answer
from kibcase_connectors.standins.servicenow import OAuthApp
from tests.connectors.servicenow.conftest import MARK, Bench, MakeBench
from tests.connectors.servicenow.conftest import make as _make
from tests.connectors.traps.conftest import idle, lost

make = _make
TESTS = Path(__file__).parents[1]
SN, STANDIN, HERE = "servicenow/test_servicenow", "standins/servicenow/test", "traps/test_servicenow_traps.py"

COVERED: dict[str, str] = {
    # logging in
    "an expired or revoked OAuth token is refused in the middle of work":
        f"{SN}_login.py::test_a_token_that_was_revoked_is_replaced_once",
    "a token runs out between a read and the write that follows":
        f"{SN}_login.py::test_a_token_is_replaced_before_it_runs_out",
    "OAuth tells errors as texts where the Table API has an object": f"{HERE}::test_errors_in_every_shape_are_told",
    "a grant is switched off on the instance": f"{SN}_login.py::test_wrong_credentials_are_denied",
    "a request for a token never ends": f"{HERE}::test_a_log_in_that_hangs_is_unavailable",
    "a client certificate is needed and not sent":
        "servicenow/test_servicenow_certificate.py::test_the_certificate_logs_in",
    "plain roles may not read journals, and see them empty":
        f"{SN}_read.py::test_a_closed_journal_is_never_taken_for_an_empty_one",
    "a node that restarts loses sessions: 401 without a wrong password":
        f"{SN}_login.py::test_a_session_lost_for_a_moment_is_no_lost_right",
    "401 before a write says nothing of the rights":
        f"{SN}_write.py::test_a_session_lost_before_a_write_is_no_lost_right",
    # lists
    "version 1 answers 404 where a list is empty":
        f"{SN}_changes.py::test_version_one_tells_an_empty_list_as_not_found",
    "the Attachment API has no version 2": f"{HERE}::test_attachments_are_asked_for_without_a_version",
    "a condition that is not understood is left out, and everything is a hit":
        f"{SN}_read.py::test_an_ignored_condition_is_never_taken_for_a_hit",
    "a bound in a search for changes is left out": f"{SN}_changes.py::test_an_ignored_bound_is_noticed",
    "a condition on who is meant is left out":
        f"{SN}_people.py::test_an_answer_that_does_not_satisfy_the_query_is_nobody",
    "a condition on attachments is left out":
        f"{SN}_files.py::test_a_list_that_takes_no_notice_of_the_record_is_not_believed",
    "a strict instance gives no rows for one wrong condition": f"{HERE}::test_no_query_of_ours_is_invalid",
    "a caret in a value ends the condition": f"{HERE}::test_values_in_queries_stay_values",
    "a value that begins with javascript: is run": f"{HERE}::test_nothing_that_would_be_run_is_sent",
    "^OR binds to the condition before it alone": f"{HERE}::test_no_query_of_ours_relies_on_or",
    "other parameters filter where there is no query": f"{HERE}::test_every_list_has_a_query",
    "dates in queries are read in the zone of the account":
        f"{SN}_changes.py::test_literals_in_the_zone_of_the_account_are_noticed",
    "display values of times follow the preferences of the account":
        f"{SN}_read.py::test_times_are_never_read_from_display_values",
    "stamps have whole seconds: a second write in the same one":
        f"{SN}_changes.py::test_a_second_write_in_the_same_second_is_listed",
    "two writes in one second differ in the count alone":
        f"{SN}_read.py::test_two_changes_in_one_second_are_told_apart_by_the_count",
    "thousands of records in one second": f"{SN}_changes.py::test_a_mass_change_in_one_second_is_walked_by_id",
    "the limit is applied before access control: short and empty pages":
        f"{SN}_changes.py::test_hidden_records_make_short_and_empty_pages_but_no_end",
    "paging by offset loses rows when the list moves":
        f"{SN}_changes.py::test_a_change_during_the_walk_hides_no_other_record",
    "one page is taken for the whole list": f"{SN}_changes.py::test_more_than_a_page_of_changes",
    "one page is taken for all attachments": f"{HERE}::test_more_attachments_than_a_page",
    "lists lag behind what was written": f"{SN}_changes.py::test_a_replica_that_lags_is_made_up_for",
    "a transaction is cancelled with result and error in one body of status 200":
        f"{SN}_changes.py::test_a_page_that_is_cancelled_is_thrown_away_and_asked_for_in_halves",
    "a transaction is cancelled before its status is sent":
        f"{SN}_changes.py::test_a_list_that_is_cancelled_before_its_status_is_sent_is_asked_for_in_halves",
    "choices have a label in each language": f"{SN}_check.py::test_choices_in_several_languages_are_told_in_english",
    "a record is cut off in the middle": f"{SN}_read.py::test_an_answer_that_is_cut_off_in_the_middle_is_not_used",
    # reading
    "404 is absent or hidden": f"{SN}_read.py::test_lost_roles_do_not_look_like_deleted_records",
    "a gateway answers 404 for everything": f"{SN}_read.py::test_nothing_is_gone_because_a_gateway_knows_no_way",
    "404 of a file may be a lost role": f"{SN}_files.py::test_a_file_is_not_gone_because_roles_are_lost",
    "attachments are there, but hidden": f"{SN}_files.py::test_hidden_attachments_are_no_missing_ones",
    "a reset instance knows none of the records":
        f"{SN}_sync.py::test_reset_instances_are_not_filled_again_without_asking",
    "journals read as empty on the record": f"{SN}_read.py::test_the_journal_is_read_oldest_first_with_author_and_time",
    "journals may hold HTML between [code] tags": f"{SN}_read.py::test_html_in_the_journal_becomes_text",
    "a journal entry need not touch its record":
        f"{SN}_changes.py::test_a_note_that_does_not_touch_its_record_is_listed",
    "an attachment need not touch its record":
        f"{SN}_files.py::test_a_file_is_noticed_whether_it_touches_its_record_or_not",
    "an observable does not touch its record":
        f"{SN}_observables.py::test_observables_of_people_are_noticed_though_they_do_not_touch_the_record",
    "observables are there, but their rows are hidden":
        f"{SN}_observables.py::test_hidden_observables_are_no_missing_ones",
    "Elastic's app is known to take three types only":
        f"{SN}_observables.py::test_the_app_gets_only_what_kibana_gives_it",
    "a download is a page of HTML, or shorter than it says":
        f"{SN}_files.py::test_anything_but_the_exact_content_is_an_error",
    "a redirection takes the credentials along": f"{SN}_files.py::test_credentials_do_not_follow_a_redirection",
    # writing
    "unknown and forbidden columns are dropped at creation":
        f"{SN}_write.py::test_columns_dropped_at_creation_are_told",
    "the mark is among the columns dropped at creation":
        f"{SN}_write.py::test_without_a_mark_no_second_record_is_made",
    "unknown and forbidden columns are dropped by an update":
        f"{SN}_write.py::test_columns_that_are_dropped_without_a_word_are_told",
    "the state is dropped": f"{SN}_status.py::test_a_state_that_is_dropped_without_a_word_is_told",
    "long texts are cut without a word": f"{SN}_write.py::test_without_the_dictionary_a_silent_cut_is_noticed",
    "lengths differ by customer": f"{SN}_write.py::test_lengths_are_those_of_the_dictionary",
    "a text that was cut is taken for an edit": f"{SN}_sync.py::test_a_cut_description_never_comes_back",
    "the correlation id is cut, and the record never found again":
        f"{SN}_write.py::test_a_mark_that_would_be_cut_is_not_written",
    "a choice cannot be emptied": f"{SN}_custom.py::test_a_choice_cannot_be_emptied_and_that_is_told",
    "references want ids, not names": f"{SN}_write.py::test_further_columns_are_filled",
    "a caller is mandatory by data policy": f"{SN}_write.py::test_what_a_data_policy_asks_for_is_told_by_field",
    "there is no optimistic lock": f"{SN}_write.py::test_a_record_that_has_changed_is_not_written",
    "somebody writes between our read and our write": f"{SN}_write.py::test_a_write_between_our_read_and_ours_is_noted",
    "update stamps can be switched off, which hides the write": f"{HERE}::test_update_stamps_are_never_switched_off",
    "priority is computed and overwritten":
        f"{SN}_write.py::test_severities_of_incidents_are_written_as_impact_and_urgency",
    "sys_tags cannot be written": f"{SN}_write.py::test_tags_live_in_a_column_of_the_customers",
    "somebody outside the group is emptied out of assigned_to":
        f"{SN}_people.py::test_somebody_outside_the_group_is_told",
    "inactive and ambiguous users": f"{SN}_people.py::test_the_inactive_and_the_ambiguous_are_refused",
    "business rules change what was written":
        f"{SN}_write.py::test_what_a_business_rule_makes_of_a_value_is_what_was_stored",
    "a business rule writes again under our name":
        f"{SN}_read.py::test_a_business_rule_that_writes_afterwards_is_a_change",
    "import sets answer 201 with an error in the body": f"{HERE}::test_import_sets_are_not_used",
    # states
    "resolving without code and notes is refused": f"{SN}_status.py::test_an_incident_is_resolved_with_code_and_notes",
    "close codes differ by release and customer": f"{SN}_check.py::test_everything_that_will_not_work_is_told_at_once",
    "On Hold needs a reason": f"{SN}_status.py::test_on_hold_takes_its_reason_from_the_configuration",
    "7 is read-only and cannot be reopened": f"{SN}_status.py::test_what_is_closed_for_good_is_not_reopened",
    "the process of security incidents limits the order":
        f"{SN}_status.py::test_a_security_incident_goes_through_every_phase",
    "a rule moves the state on": f"{SN}_status.py::test_a_rule_that_moves_on_by_itself_is_followed",
    # journals
    "comments can be seen by the caller": f"{SN}_journal.py::test_comments_for_the_caller_only_if_configured",
    "the same note sent twice makes two entries":
        f"{SN}_journal.py::test_a_comment_whose_answer_is_lost_is_not_written_again",
    "a lagging journal does not show the entry yet": f"{SN}_journal.py::test_a_replica_that_lags_makes_no_second_entry",
    "entries cannot be edited": f"{SN}_journal.py::test_entries_cannot_be_edited",
    "[code] in a comment becomes HTML": f"{SN}_journal.py::test_code_tags_in_a_comment_never_become_html",
    # attachments
    "size and extensions are limited": f"{SN}_files.py::test_what_is_too_large_is_refused_with_the_limit",
    "an extension is not allowed": f"{SN}_files.py::test_extensions_that_the_instance_does_not_take",
    "a name is altered, and the copy not known again":
        f"{SN}_files.py::test_a_copy_under_another_name_is_taken_away_again",
    "a lost answer makes a second copy":
        f"{SN}_files.py::test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_again",
    # errors and outages
    "403 is access control, data policy or business rule":
        f"{SN}_write.py::test_an_abort_by_a_business_rule_is_a_refusal",
    "403 for lack of a role": f"{SN}_write.py::test_missing_roles_are_a_refusal_with_advice",
    "budgets are per hour: waits of tens of minutes": f"{SN}_write.py::test_an_hourly_budget_says_when_to_come_back",
    "the wait is told in four ways": f"{SN}_login.py::test_when_to_come_back",
    "the Attachment API has a budget of its own": f"{SN}_files.py::test_a_spent_budget_holds_for_attachments_too",
    "a sleeping instance answers 200 with HTML": f"{SN}_login.py::test_an_instance_that_is_away",
    "2xx without a result is an outage": f"{SN}_login.py::test_a_read_without_a_usable_answer_is_unavailable",
    "error may be null, a text, or an object": f"{HERE}::test_errors_in_every_shape_are_told",
    # identity
    "the correlation id is not unique: keep the oldest":
        f"{SN}_read.py::test_find_gives_the_oldest_first_and_only_exact_hits",
    "a creation whose answer is lost is made again":
        f"{SN}_sync.py::test_breaking_off_at_any_write_changes_nothing_in_the_end",
    "Kibana's own push uses the same pair of columns":
        f"{SN}_read.py::test_incidents_that_kibana_pushed_are_adopted_only_if_configured",
    "the alerting connector's correlation ids are no cases": f"{HERE}::test_incidents_of_alerts_are_never_adopted",
    "Kibana's footers come back as text": f"{SN}_read.py::test_what_kibana_pushed_is_a_copy",
    # pysnow
    "parameters of one request go on into the next": f"{HERE}::test_no_request_carries_parameters_of_another",
    "an update by query hits the wrong record": f"{HERE}::test_writes_go_to_one_record_by_its_id",
    "the whole file is read, with a guessed content type": f"{HERE}::test_files_are_streamed",
    "zero-byte files": f"{SN}_files.py::test_files_of_any_size",
    "errors hold the address with the query": f"{SN}_login.py::test_secrets_show_nowhere",
    "no time-out": f"{SN}_login.py::test_a_slow_instance_is_unavailable",
    "the library is unmaintained and pinned": f"{HERE}::test_pysnow_is_not_needed",
    "the stand-in is not what clients expect": f"{STANDIN}_pysnow.py::test_the_life_of_a_ticket",
}


def test_every_trap_has_its_test() -> None:
    assert lost(COVERED, TESTS) == []


def test_every_test_here_covers_a_trap() -> None:
    assert idle(COVERED, HERE, Path(__file__)) == set()


@pytest.fixture(params=["incident", "sn_si_incident"])
def bench(request: pytest.FixtureRequest, make: MakeBench) -> Bench:
    return make(request.param, settings={"tags_column": "u_tags", "url_column": "u_case_url"})


def life(bench: Bench) -> None:
    """Do everything that a connector can do to a record."""
    bench.connector.check()
    receipt = bench.create(tags=("a", "b"), assignee="maria.lindqvist@example.com")
    bench.comment(receipt.key)
    bench.tomasz.attach(receipt.key, "a.txt", b"1")
    ticket = bench.connector.read(receipt.key)
    bench.connector.fetch(receipt.key, ticket.files[0], io.BytesIO())
    observed: dict[str, Any] = {"observables": ("ipv4 203.0.113.7",)} if bench.table == "sn_si_incident" else {}
    bench.connector.apply(
        SetFields(key=ticket.key, version=ticket.version, fields={"title": "x"}, add=observed), bench.announced
    )
    content = io.BytesIO(b"12")
    bench.connector.apply(
        AddFile(key=ticket.key, name="b.txt", size=2, media_type="text/plain", content=content), bench.announced
    )
    bench.set_status(ticket.key, "closed")
    bench.connector.changes(bench.connector.changes(None).cursor)
    assert bench.connector.find(MARK) == (ticket.key,)


@pytest.fixture
def lived(bench: Bench) -> list[Seen]:
    life(bench)
    return bench.servicenow.faults.requests


def given(seen: Seen) -> dict[str, list[str]]:
    return parse_qs(seen.query, keep_blank_values=True)


def lists(requests: list[Seen]) -> Iterator[dict[str, list[str]]]:
    for seen in requests:
        last = seen.path.rpartition("/")[2]
        if seen.method == "GET" and len(last) != 32 and last not in ("health", "file"):
            yield given(seen)


def test_errors_in_every_shape_are_told() -> None:
    deed = Deed(system="snow", what="x")
    shapes = {
        b'{"error": {"message": "a", "detail": "b"}}': "a: b", b'{"error": {"message": "a", "detail": null}}': "a",
        b'{"error": null, "status": "failure"}': "HTTP 400", b'{"error": "invalid_grant"}': "invalid_grant",
        b'{"error": "x", "error_description": "wrong"}': "x: wrong", b'{"error": 7}': "HTTP 400", b"[]": "HTTP 400",
    }
    for body, told in shapes.items():
        answer = Answer(status=400, headers={}, content=body)
        assert told in from_answer(deed, answer).said


def test_a_log_in_that_hangs_is_unavailable(make: MakeBench) -> None:
    app = OAuthApp(client_id="soc", client_secret="s", acts_as="kibcase")
    bench = make(oauth_apps=(app,), settings={"client_id": "soc", "client_secret": "s", "timeout": [1, 0.2]})
    bench.servicenow.faults.arm(Fault(path="/oauth_token.do", delay=1))
    with pytest.raises(Unavailable, match="no answer in time"):
        bench.connector.changes(None)


def test_attachments_are_asked_for_without_a_version(lived: list[Seen]) -> None:
    paths = [seen.path for seen in lived if "attachment" in seen.path]
    assert len(paths) > 3
    assert all(path.startswith("/api/now/attachment") for path in paths)


@pytest.mark.parametrize("table", ["incident", "sn_si_incident"])
def test_no_query_of_ours_is_invalid(make: MakeBench, table: str) -> None:
    settings = {"tags_column": "u_tags", "url_column": "u_case_url", "audit": False}
    bench = make(table, invalid_query_returns_no_rows=True, settings=settings)
    life(bench)
    ticket = bench.connector.read(bench.rows()[0].sys_id)
    assert (len(ticket.comments), len(ticket.files)) == (1, 2)


def test_values_in_queries_stay_values(make: MakeBench) -> None:
    bench = make()
    key = bench.create(mark="kibcase-a^b").key
    bench.create(mark="kibcase-other")
    assert bench.connector.find("kibcase-a^b") == (key,)
    assert bench.connector.find("kibcase-a^ORcorrelation_id=kibcase-other") == ()


@pytest.mark.parametrize("text", ["javascript:gs.getUserID()", " JavaScript:x", "a\nb", "a\x00"])
def test_nothing_that_would_be_run_is_sent(make: MakeBench, text: str) -> None:
    with pytest.raises(ValueError, match=r"javascript|printable"):
        query.equal("email", text)
    bench = make()
    with pytest.raises(Refused):
        bench.create(assignee=f"{text}@example.com")


def test_no_query_of_ours_relies_on_or(lived: list[Seen]) -> None:
    queries = [value for seen in lived for value in given(seen).get("sysparm_query", [])]
    assert len(queries) > 10
    assert not [text for text in queries if "^OR" in text.replace("^ORDERBY", "")]


def test_every_list_has_a_query(lived: list[Seen]) -> None:
    asked = list(lists(lived))
    assert len(asked) > 10
    assert all(parameters["sysparm_query"][0] for parameters in asked)


def test_more_attachments_than_a_page(make: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "PAGE", 5)
    bench = make()
    key = bench.person_makes()
    made = {bench.tomasz.attach(key, f"{number}.txt", b"1") for number in range(23)}
    assert {file.key for file in bench.connector.read(key).files} == made


def test_update_stamps_are_never_switched_off(lived: list[Seen]) -> None:
    names = {name for seen in lived for name in given(seen)}
    assert "sysparm_query" in names
    assert not names & {"sysparm_suppress_auto_sys_field", "sysparm_input_display_value"}


def test_import_sets_are_not_used(lived: list[Seen]) -> None:
    assert not [seen for seen in lived if "/import/" in seen.path]


def test_incidents_of_alerts_are_never_adopted(make: MakeBench) -> None:
    bench = make(settings={"adopt_pushed": True})
    alert = bench.person_makes(correlation_id="rule-1:alert-1", correlation_display="Elastic Alert")
    case = bench.person_makes(correlation_id="7c1f", correlation_display="Elastic Case")
    assert bench.connector.find("kibcase-kibana-7c1f") == (case,)
    assert bench.connector.find("kibcase-kibana-rule-1:alert-1") == ()
    assert bench.connector.read(alert).marks == ()


def test_no_request_carries_parameters_of_another(lived: list[Seen]) -> None:
    for seen in lived:
        names = set(given(seen))
        if seen.method in ("POST", "PATCH", "DELETE"):
            assert "sysparm_query" not in names
        if not seen.path.endswith("/attachment/file"):
            assert all(name.startswith("sysparm_") for name in names)


def test_writes_go_to_one_record_by_its_id(lived: list[Seen]) -> None:
    changed = [seen.path for seen in lived if seen.method in ("PATCH", "PUT", "DELETE")]
    assert changed
    assert all(len(path.rpartition("/")[2]) == 32 for path in changed)
    assert not [seen for seen in lived if seen.method == "PUT"]


class Counting(io.BytesIO):
    """Notes how much is asked for at once."""

    most = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size >= 0
        self.most = max(self.most, size)
        return super().read(size)


def test_files_are_streamed(make: MakeBench) -> None:
    bench, size = make(), 3_000_000
    content = Counting(b"x" * size)
    action = AddFile(key=bench.person_makes(), name="a.log", size=size, media_type="text/x-log", content=content)
    receipt = bench.connector.apply(action, bench.announced)
    assert receipt.file is not None
    assert (receipt.file.media_type, content.most <= 64 * 1024) == ("text/x-log", True)


def test_pysnow_is_not_needed() -> None:
    folder = Path(kibcase_connectors.servicenow.__file__).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in named if name.partition(".")[0] == "pysnow"]
