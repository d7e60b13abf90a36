"""Every known trap of Jira and of the ``jira`` library has a test that fails if it is sprung; some are here."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment, AddFile, EditComment, LinkBack, SetFields, SetStatus
from kibcase_connectors.errors import OutcomeUnknown, Throttled, Unavailable
from kibcase_connectors.standins.jira import Project
from tests.connectors.jira.conftest import MARK, Bench, MakeBench, bench, cloud, datacenter, deployment, make
from tests.connectors.traps.conftest import idle, lost

ROOT = Path(__file__).parents[3]
OWN = "tests/connectors/jira/test_jira_"
HERE = "tests/connectors/traps/test_jira_traps.py"
__all__ = ["bench", "cloud", "datacenter", "deployment", "make"]

COVERED: Mapping[str, str] = {
    # Logging in
    "two ways to log in are given, and one is used without a word":
        f"{OWN}config.py::test_what_is_wrong_is_said_without_secrets",
    "after wrong passwords a captcha is asked for, and each try deepens the lock":
        f"{OWN}failures.py::test_an_account_behind_a_captcha_sends_one_request",
    "an expired token makes us anonymous, with status 200 and an empty list":
        f"{OWN}changes.py::test_an_expired_token_never_looks_like_no_change",
    "an empty list is taken for deletions": f"{OWN}changes.py::test_an_empty_answer_is_doubted",
    "the reason of a failed login stands in a header of any answer":
        f"{OWN}failures.py::test_an_answer_for_nobody_is_denied_whatever_its_status",
    "a gateway's address has a path": f"{OWN}read.py::test_a_context_path",
    # Reading and searching
    "texts are documents in v3 and wiki markup in v2":
        f"{OWN}documents.py::test_a_text_that_was_written_is_read_as_it_is_stored",
    "what was read in one form differs from what was written in the other":
        f"{OWN}documents.py::test_after_the_step_to_documents_no_description_counts_as_changed",
    "Data Center has no v3": f"{OWN}check.py::test_a_wrong_kind_is_a_problem",
    "an answer to a creation has no fields": f"{OWN}create.py::test_a_ticket_is_created_with_its_mark",
    "a bare name of project or type makes the library look things up":
        f"{OWN}create.py::test_a_ticket_costs_two_requests",
    "keys change when an issue moves": f"{OWN}read.py::test_a_moved_ticket_keeps_its_id_and_shows_its_new_key",
    "Cloud has removed the old search": f"{HERE}::test_cloud_is_never_asked_by_the_removed_search",
    "Cloud gives ids only, unless fields are asked for":
        f"{OWN}changes.py::test_a_line_of_the_feed_has_the_version_of_the_snapshot",
    "Cloud refuses queries without a bound": f"{HERE}::test_every_query_names_the_project",
    "Cloud finds late what was written":
        f"{OWN}changes.py::test_a_ticket_that_the_index_finds_after_the_cursor_has_passed",
    "the library gives one page and stops": f"{OWN}changes.py::test_more_than_a_page_of_changes",
    "the library stops at a short page": f"{OWN}changes.py::test_a_mass_change_in_one_instant_is_walked",
    "the library gives None where it does not know the deployment":
        f"{OWN}changes.py::test_the_kind_of_jira_can_be_given",
    "times in queries are read in the account's time zone, by the minute":
        f"{OWN}changes.py::test_the_time_zone_of_the_account_does_not_matter",
    "an issue that changes during the walk shifts the others":
        f"{OWN}changes.py::test_a_change_during_the_walk_hides_no_other_ticket",
    "an issue shows a later time than the index has sorted it by":
        f"{OWN}changes.py::test_a_ticket_that_shows_a_later_time_than_the_index_leads_past_no_other",
    "so many issues change in one second that they fill pages, and move":
        f"{OWN}changes.py::test_a_change_during_the_walk_of_one_second_hides_no_other_ticket",
    "the mark of the walk passes its start":
        f"{OWN}changes.py::test_the_cursor_never_passes_the_start_of_the_walk",
    "user text becomes part of a query": f"{OWN}mapping.py::test_a_quoted_value_stays_one_literal",
    "404 means deleted, or hidden": f"{OWN}read.py::test_a_ticket_of_a_project_that_is_hidden_is_not_gone",
    "a query with the key of a missing issue fails as a whole": f"{HERE}::test_every_query_names_the_project",
    "Data Center's changelog names custom fields and gives no ids":
        f"{OWN}custom.py::test_a_custom_field_edited_by_a_person_after_our_write",
    "createmeta has other names on Cloud than on Data Center":
        f"{OWN}failures.py::test_issue_types_in_either_spelling",
    "a list says only that there is more": f"{OWN}failures.py::test_a_list_without_a_count_is_read_to_its_end",
    "Cloud demands to be told which permissions are meant": f"{OWN}check.py::test_missing_rights_are_named",
    "a changelog of more than a hundred entries is cut": f"{OWN}read.py::test_many_edits_are_all_seen",
    "comments come in pages": f"{OWN}read.py::test_all_comments_of_a_long_thread_are_read",
    "a deleted comment leaves no row, and pages move up":
        f"{OWN}read.py::test_a_comment_deleted_during_the_walk_takes_no_other_with_it",
    "a lossy text is written back": f"{OWN}documents.py::test_the_form_of_a_document_is_not_written_back",
    # Changing
    "a list of labels from a stale read drops what people added":
        f"{OWN}edit.py::test_a_label_added_by_a_person_at_the_same_time_survives",
    "a field stands in fields and in update": f"{OWN}failures.py::test_writes_to_one_issue_are_bundled",
    "labels have no white space": f"{OWN}mapping.py::test_tags_are_labels_without_marks",
    "leaving out mails to watchers needs an administrator": f"{HERE}::test_no_write_asks_for_rights_of_administrators",
    "the library writes to the link in an answer, without the path of a gateway":
        f"{OWN}edit.py::test_a_put_goes_to_the_context_path",
    "somebody else edits at the same moment (409)": f"{OWN}failures.py::test_a_concurrent_edit_is_a_conflict",
    "a person edits between our write and our read":
        f"{OWN}edit.py::test_an_edit_by_a_person_after_ours_is_not_taken_as_stored",
    "priorities differ by project": f"{OWN}check.py::test_wrong_names_are_problems_that_say_what_there_is",
    "a fuzzy search assigns the wrong person": f"{OWN}custom.py::test_nobody_is_assigned_who_is_merely_alike",
    "Cloud takes accounts, Data Center names": f"{OWN}custom.py::test_an_assignee_is_found_by_the_exact_address",
    "Cloud hides addresses": f"{OWN}custom.py::test_a_hidden_address_is_no_match_but_the_table_knows",
    "each kind of custom field has its own form": f"{OWN}custom.py::test_each_kind_of_field_is_written_and_read",
    "names of fields are not unique": f"{OWN}custom.py::test_a_field_that_cannot_be_used",
    "Jira has no observables": f"{OWN}custom.py::test_observables_stand_one_per_line",
    # Status
    "there is no set status": f"{OWN}status.py::test_the_way_from_to_do_to_done_is_found",
    "names of statuses are local; categories are not": f"{OWN}mapping.py::test_a_status_means_its_category",
    "a screen takes only its own fields": f"{OWN}status.py::test_a_listed_field_that_cannot_be_set_is_left_out",
    "a screen does not list what it demands":
        f"{OWN}status.py::test_a_resolution_that_is_demanded_though_it_was_not_listed",
    "a screen demands what nobody gave": f"{OWN}status.py::test_a_resolution_that_is_demanded_and_not_to_be_had",
    "no transition is open to us": f"{OWN}status.py::test_without_any_transition_it_is_refused",
    "a reopened issue stays resolved": f"{OWN}status.py::test_a_reopened_ticket_loses_its_resolution",
    "done without a resolution is done": f"{OWN}mapping.py::test_a_status_means_its_category",
    # Comments and files
    "customers read comments": f"{HERE}::test_customers_see_nothing_of_ours",
    "wiki markup eats braces and brackets":
        f"{OWN}edit.py::test_a_comment_is_written_with_its_mark_and_hidden_from_customers",
    "the library cannot send properties of comments":
        f"{OWN}edit.py::test_a_comment_is_written_with_its_mark_and_hidden_from_customers",
    "files need a header against forgery": f"{OWN}files.py::test_a_file_goes_there_and_back",
    "a file is too large": f"{OWN}files.py::test_a_file_that_is_too_large_is_refused_with_the_limit",
    "files come from another host, which must not get credentials": f"{OWN}files.py::test_credentials_stay_with_jira",
    "credentials for that host stand in .netrc": f"{HERE}::test_no_credentials_come_from_netrc",
    "the library fails after it has attached an empty file": f"{OWN}files.py::test_an_empty_file_is_attached_once",
    # Errors, limits, outages
    "errors come in four shapes": f"{OWN}failures.py::test_what_an_answer_means",
    "Retry-After has three spellings": f"{OWN}failures.py::test_the_spellings_of_retry_after",
    "limits have reasons, and one is per issue": f"{OWN}failures.py::test_the_reason_of_a_limit_is_told",
    "writes to one issue are limited": f"{OWN}failures.py::test_writes_to_one_issue_are_bundled",
    "429 comes without Retry-After": f"{OWN}failures.py::test_what_an_answer_means",
    "Data Center says retry-after: 0 on good answers": f"{HERE}::test_good_answers_ask_for_no_wait",
    "maintenance is HTML, with 503 or 200": f"{HERE}::test_maintenance_and_login_pages_are_outages",
    "an answer of 200 with HTML raises what is no JIRAError": f"{OWN}failures.py::test_what_an_answer_means",
    # Echoes and second copies
    "our own changes look like news": f"{HERE}::test_our_own_changes_are_no_news",
    "properties cannot be searched for": f"{OWN}create.py::test_a_ticket_is_created_with_its_mark",
    "a creation is repeated blindly":
        f"{OWN}create.py::test_a_creation_whose_answer_is_lost_is_sent_once_and_can_be_found",
    "a new issue is not found yet": f"{OWN}create.py::test_find_sees_a_ticket_after_the_lag",
    "two issues carry one mark": f"{OWN}create.py::test_two_tickets_with_one_mark_are_found_oldest_first",
    "remote links double": f"{OWN}create.py::test_the_ticket_links_back_to_its_origin_once",
    "the library asks for application links": f"{HERE}::test_nothing_but_the_rest_api_is_asked",
    # Lengths
    "a summary has one line of 255": f"{OWN}create.py::test_long_and_multiline_texts_fit",
    "administrators of Data Center set another length of texts":
        f"{OWN}documents.py::test_a_length_of_texts_that_administrators_have_set",
    "a text has 32,767 characters": f"{OWN}documents.py::test_a_text_too_long_is_cut_visibly_and_known_as_cut",
    "lengths are counted in UTF-16 units": f"{HERE}::test_a_title_of_pictures_fits",
    # What Kibana's connector sends
    "Kibana appends who wrote it": f"{OWN}documents.py::test_what_kibana_pushed_is_seen_without_its_footer",
    "Kibana's pushed comments come back as new ones":
        f"{OWN}documents.py::test_what_kibana_pushed_is_seen_without_its_footer",
    # The library
    "the library connects when it is made": f"{OWN}create.py::test_nothing_is_sent_before_it_is_needed",
    "the library has no time-out": f"{OWN}failures.py::test_every_request_has_a_time_out",
    "the library repeats what creates": f"{HERE}::test_no_write_is_repeated_and_no_time_is_slept_away",
    "the library sleeps inside a call": f"{HERE}::test_no_write_is_repeated_and_no_time_is_slept_away",
    "the library chokes on decimals and dates of Retry-After":
        f"{HERE}::test_every_spelling_of_a_wait_comes_through_the_library",
    "the library sets the level of its logger": f"{HERE}::test_the_level_of_the_library_s_logger_stays",
    "the library logs addresses and headers": f"{HERE}::test_nothing_of_the_tickets_is_logged",
    "the library's errors print cookies and headers":
        f"{OWN}failures.py::test_cookies_are_not_kept_and_not_shown",
    "the library keeps cookies": f"{OWN}failures.py::test_cookies_are_not_kept_and_not_shown",
    "the library follows redirects to a login": f"{OWN}failures.py::test_what_an_answer_means",
    "the library checks for updates at the package index": f"{HERE}::test_nothing_but_the_rest_api_is_asked",
}
"""Each trap in few words, and the test that fails if it is sprung."""


def test_every_trap_has_its_test() -> None:
    assert lost(COVERED) == []


def test_every_test_here_covers_a_trap() -> None:
    assert idle(COVERED, HERE, Path(__file__)) == set()


def live(bench: Bench) -> None:
    """Do one thing of each kind."""
    bench.connector = bench.connect(observables_field="Observables", custom={"score": {"field": "Risk score"}})
    apply, ticket = bench.connector.apply, bench.ticket()
    apply(LinkBack(key=ticket.key, mark=MARK, label="case 7", url="https://kibana.example.com/7"), bench.announced)
    note = apply(AddComment(key=ticket.key, mark=f"{MARK}#1", body="secret words"), bench.announced).comment
    assert note is not None
    apply(EditComment(key=ticket.key, comment=note.key, mark=f"{MARK}#1", body="y"), bench.announced)
    content = io.BytesIO(b"secret bytes")
    made = apply(AddFile(key=ticket.key, name="a", size=12, media_type="text/plain", content=content), bench.announced)
    assert made.file is not None
    bench.connector.fetch(ticket.key, made.file, io.BytesIO())
    ticket = bench.connector.read(ticket.key)
    fields = {"title": "secret title", "score": "7", "assignee": ""}
    changed = SetFields(
        key=ticket.key, version=ticket.version, fields=fields, add={"tags": ("x",), "observables": ("user root",)}
    )
    apply(changed, bench.announced)
    ticket = bench.connector.read(ticket.key)
    apply(SetStatus(key=ticket.key, version=ticket.version, status="closed"), bench.announced)
    bench.connector.changes(bench.connector.changes(None).cursor)
    bench.connector.find(MARK)
    assert [one for one in bench.connector.check() if one.level == "problem"] == []


def test_cloud_is_never_asked_by_the_removed_search(cloud: Bench) -> None:
    live(cloud)
    assert [path for _, path in cloud.requests if path.partition("?")[0] == "search"] == []
    assert any(path.startswith("search/jql") for _, path in cloud.requests)


def test_every_query_names_the_project(bench: Bench) -> None:
    live(bench)
    queries = [seen.query for seen in bench.jira.faults.requests if "/search" in seen.path and "jql=" in seen.query]
    assert queries
    for query in queries:
        assert "project+%3D+%22SOC%22" in query or "project%20%3D%20%22SOC%22" in query
        assert "key+in" not in query


def test_no_write_asks_for_rights_of_administrators(bench: Bench) -> None:
    live(bench)
    assert [seen.query for seen in bench.jira.faults.writes if seen.query] == []


def test_nothing_but_the_rest_api_is_asked(bench: Bench) -> None:
    live(bench)
    version = "3" if bench.deployment == "cloud" else "2"
    known = (f"/rest/api/{version}/", "/secure/attachment/")
    assert [seen.path for seen in bench.jira.faults.requests if not seen.path.startswith(known)] == []


def test_customers_see_nothing_of_ours(make: MakeBench) -> None:
    for kind in ("cloud", "datacenter"):
        bench = make(kind, project=Project(id="10000", key="SOC", name="Desk", kind="service_desk"))
        key = bench.create().key
        bench.connector.apply(AddComment(key=key, mark=f"{MARK}#1", body="internal"), bench.announced)
        assert bench.jira.customer_comments(key) == ()
        bench.connect(internal_comments=False).apply(
            AddComment(key=key, mark=f"{MARK}#2", body="open"), bench.announced
        )
        assert len(bench.jira.customer_comments(key)) == 1


def test_no_credentials_come_from_netrc(cloud: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = urlsplit(cloud.jira.url).hostname
    (tmp_path / "netrc").write_text(f"machine {host} login somebody password else\n", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    live(cloud)
    assert [seen.authorized for seen in cloud.jira.media.requests] == [False]


def test_good_answers_ask_for_no_wait(datacenter: Bench) -> None:
    live(datacenter)
    datacenter.jira.faults.arm(Fault(status=503, body=b"<html>", headers=(("retry-after", "0"),)))
    with pytest.raises(Unavailable) as down:
        datacenter.connector.changes(None)
    assert not isinstance(down.value, Throttled)


def test_maintenance_and_login_pages_are_outages(bench: Bench) -> None:
    ticket = bench.ticket()
    for trouble in (bench.jira.maintenance, lambda: bench.jira.login_page(None)):
        trouble()
        for ask in (lambda: bench.connector.changes(None), lambda: bench.connector.read(ticket.key)):
            with pytest.raises(Unavailable):
                ask()
        bench.jira.end_troubles()
        assert bench.connector.read(ticket.key).key == ticket.key


def test_no_write_is_repeated_and_no_time_is_slept_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ticket()
    monkeypatch.setattr("jira.resilientsession.time.sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    for fault in (
        Fault(method="POST", drop=True), Fault(method="POST", status=429, headers=(("Retry-After", "1"),)),
        Fault(method="POST", status=503, headers=(("Retry-After", "1"),)),
    ):
        bench.jira.faults.forget()
        bench.jira.faults.arm(fault)
        with pytest.raises((OutcomeUnknown, Throttled)):
            bench.create()
        assert len(bench.jira.faults.writes) == 1


def test_every_spelling_of_a_wait_comes_through_the_library(bench: Bench) -> None:
    bench.ticket()
    for spelling in ("integer", "decimal", "date", "reset"):
        bench.jira.throttle(90, spelling=spelling)
        with pytest.raises(Throttled) as throttled:
            bench.connector.changes(None)
        assert throttled.value.retry_after == pytest.approx(90, abs=2), spelling
    bench.jira.throttle(90, spelling="none")
    with pytest.raises(Throttled) as throttled:
        bench.connector.changes(None)
    assert throttled.value.retry_after is None


def test_our_own_changes_are_no_news(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.edit(ticket.key, summary="Hers")
    ticket = bench.connector.read(ticket.key)
    change = SetFields(key=ticket.key, version=ticket.version, fields={"title": "Ours", "severity": "low"})
    bench.connector.apply(change, bench.announced)
    assert bench.connector.read(ticket.key).touched["title"].by == "Maria Lindqvist"


def test_a_title_of_pictures_fits(bench: Bench) -> None:
    stored = bench.connector.read(bench.create(title="\N{BUG}" * 200).key).fields["title"]
    assert str(stored).endswith("\N{BUG}\N{HORIZONTAL ELLIPSIS}")
    assert len(str(stored).encode("utf-16-le")) // 2 <= 255


@pytest.mark.parametrize("level", [logging.NOTSET, logging.DEBUG, logging.ERROR])
def test_the_level_of_the_library_s_logger_stays(bench: Bench, level: int) -> None:
    library = logging.getLogger("jira")
    before = library.level
    try:
        library.setLevel(level)
        bench.ticket()
        bench.jira.outage(503)
        with pytest.raises(Unavailable):
            bench.connect().changes(None)
        assert library.level == level
    finally:
        library.setLevel(before)


def test_nothing_of_the_tickets_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("jira").setLevel(logging.DEBUG)
        live(bench)
    ours = [each for each in caplog.records if each.name.split(".")[0] in ("jira", "kibcase_connectors")]
    told = [each.getMessage() for each in ours]
    assert not any("secret" in text or "kibcase-token" in text or MARK in text for text in told)
