"""Every known trap of QRadar SOAR and of IBM's library has a test that fails if it is sprung; some are here."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

import kibcase_connectors.resilient
from kibcase.server.faults import Fault
from kibcase_connectors.actions import AddComment, AddFile, EditComment, SetFields, SetStatus
from kibcase_connectors.errors import ConnectorError, Denied, Unavailable
from kibcase_connectors.standins.resilient import Choice
from tests.connectors.resilient.conftest import Bench, bench, make
from tests.connectors.traps.conftest import idle, lost

ROOT = Path(__file__).parents[3]
OWN = "tests/connectors/resilient/test_resilient_"
HERE = "tests/connectors/traps/test_resilient_traps.py"
__all__ = ["bench", "make"]

COVERED: Mapping[str, str] = {
    # Logging in
    "a user's session takes a cookie and the token X-sess-id": f"{OWN}login.py::test_the_password_is_sent_once",
    "a session runs out": f"{OWN}login.py::test_a_session_that_has_run_out_is_opened_anew_and_nothing_is_lost",
    "paths hold the organisation's id, people know its name": f"{OWN}read.py::test_the_organisation_by_name",
    "an organisation is listed and not open to us": f"{OWN}failures.py::test_an_organisation_that_is_closed_to_us",
    "repeated wrong keys lock the key or the address":
        f"{OWN}failures.py::test_after_the_first_401_nothing_is_sent_any_more",
    "repeated wrong passwords lock the user": f"{OWN}login.py::test_a_wrong_password_is_sent_once_and_never_again",
    "a client certificate is asked for": f"{OWN}login.py::test_a_client_certificate_is_shown_to_the_platform",
    # Creating
    "name and date of discovery are always required":
        f"{OWN}create.py::test_an_incident_is_made_with_its_mark_in_one_request",
    "the date of discovery is one of the platform's clock":
        f"{OWN}create.py::test_a_dated_platform_gets_its_own_time_as_date_of_discovery",
    "organisations require further fields": f"{OWN}check.py::test_required_fields",
    "a select field takes an id, people know its label":
        f"{OWN}create.py::test_severities_are_named_by_label_since_their_ids_differ",
    "ids of severities differ between organisations":
        f"{OWN}create.py::test_severities_are_named_by_label_since_their_ids_differ",
    "an answer to a creation is lost": f"{OWN}create.py::test_a_creation_whose_answer_is_lost_is_found_again",
    "the field for marks is not there": f"{OWN}create.py::test_without_the_field_for_marks_nothing_is_sent",
    "without a field, marks stand in names and queries find longer ones": f"{OWN}create.py::test_marks_in_names",
    "a look-up that knows only open incidents makes a second one":
        f"{OWN}create.py::test_find_gives_exactly_what_carries_the_mark_oldest_first_and_closed_ones_too",
    # Reading
    "a description is a text, an object, or null":
        f"{OWN}read.py::test_a_description_is_a_text_an_object_or_null",
    "an id comes as a text": f"{OWN}failures.py::test_ids_may_come_as_text",
    "an incident has no severity": f"{OWN}read.py::test_empty_values",
    "404 means deleted, or invisible, or another organisation":
        f"{OWN}read.py::test_nothing_is_gone_unless_the_organisation_is_open_to_us",
    "a proxy answers 404 for everything": f"{OWN}failures.py::test_nothing_is_gone_because_a_proxy_knows_no_way",
    "an incident does not tell who changed it last":
        f"{OWN}read.py::test_an_incident_changed_since_its_creation_may_have_been_touched_in_any_field",
    "a newsfeed need not be readable, nor of a known form":
        f"{OWN}people.py::test_a_newsfeed_that_cannot_be_read_tells_nothing_wrong",
    # What has changed
    "one page sorted by creation loses what lies behind it": f"{OWN}changes.py::test_a_walk_over_many_pages",
    "what changes during a walk moves to its end":
        f"{OWN}changes.py::test_what_moves_to_the_end_during_the_walk_leaves_no_gap",
    "many incidents change in one millisecond":
        f"{OWN}changes.py::test_what_moves_away_from_many_of_one_millisecond_leaves_no_gap",
    "a short page is not the last one": f"{OWN}changes.py::test_a_walk_over_many_pages",
    "a short page of the look in turn is not the last one":
        f"{OWN}changes.py::test_a_short_page_of_notes_does_not_end_the_turn",
    "times are milliseconds of the platform's clock": f"{OWN}changes.py::test_a_platform_with_another_clock",
    "the index lags behind": f"{OWN}changes.py::test_what_the_index_hid_from_the_first_walk_is_not_missed",
    "pages of a lower level have no custom fields":
        f"{OWN}changes.py::test_no_page_is_asked_for_with_names_of_people_or_without_custom_fields",
    "a note does not change its incident's version or date":
        f"{OWN}changes.py::test_notes_of_people_are_noticed_whether_they_change_the_date_or_not",
    "an artifact does not change its incident's version or date":
        f"{OWN}artifacts.py::test_they_make_another_version_and_are_noticed_though_the_incident_is_not_modified",
    "a file does not change its incident's version or date":
        f"{OWN}files.py::test_a_new_file_makes_another_version_and_is_noticed",
    "looking for new notes costs more the more there is":
        f"{OWN}changes.py::test_an_idle_cycle_costs_the_same_however_much_there_is",
    # Changing
    "a refusal has status 200": f"{OWN}edit.py::test_a_refusal_with_status_200_is_a_refusal",
    "an old value that is not the present one is refused with status 200":
        f"{OWN}edit.py::test_the_old_value_is_a_lock_although_the_answer_has_status_200",
    "an answer that does not say how it went": f"{OWN}edit.py::test_an_answer_that_does_not_say_how_it_went",
    "409 is a conflict in the database, to be met once":
        f"{OWN}edit.py::test_a_conflict_in_the_database_is_left_to_the_next_look",
    "custom fields are bare in changes and have a prefix in queries":
        f"{OWN}create.py::test_custom_fields_have_their_prefix_in_queries_and_none_in_changes",
    "a multiselect takes a list, and says only Bad Request to a text":
        f"{OWN}create.py::test_tags_of_a_multiselect_are_a_list_of_ids",
    "PUT of a whole incident overwrites what others did": f"{HERE}::test_no_incident_is_ever_replaced_as_a_whole",
    "an old value of rich text is never quite what was sent":
        f"{OWN}edit.py::test_an_announced_description_is_recognised_in_what_the_platform_kept",
    "a playbook changes what we have just written":
        f"{OWN}edit.py::test_what_a_playbook_makes_of_our_change_counts_as_theirs",
    "a playbook that always has the last word makes a loop":
        f"{OWN}sync.py::test_a_playbook_that_always_has_the_last_word_ends_in_no_loop",
    "an owner must be of the workspace":
        f"{OWN}people.py::test_who_is_not_of_the_workspace_is_refused_by_the_platform",
    "an owner may be a group": f"{OWN}people.py::test_a_group_is_shown_and_not_carried",
    # Closing
    "closing requires fields that the organisation chooses":
        f"{OWN}status.py::test_every_field_required_on_closing_must_be_configured",
    "ids of resolutions differ between organisations":
        f"{HERE}::test_resolutions_are_named_by_label_since_their_ids_differ",
    "a resolution's summary is rich text, and null at first":
        f"{OWN}status.py::test_closing_fills_what_is_required_in_one_request",
    "an open task keeps an incident open": f"{OWN}status.py::test_open_tasks_may_keep_an_incident_open",
    "there is no status in progress": f"{OWN}status.py::test_without_a_field_an_active_incident_stands_for_both",
    # Notes
    "replies are inside what they reply to": f"{OWN}read.py::test_notes_replies_among_them_oldest_first",
    "a deleted note has no text": f"{OWN}read.py::test_a_deleted_note_has_no_text_and_is_none_though_its_replies_are",
    "notes of API keys have no names":
        f"{OWN}read.py::test_notes_of_api_keys_have_no_names_and_get_their_principals",
    "text that is sent as HTML is not escaped": f"{OWN}edit.py::test_a_note_is_written_with_its_mark",
    "what Kibana's own connector wrote comes back": f"{OWN}read.py::test_what_kibana_pushed_is_a_copy",
    # Artifacts and files
    "ids of artifact types differ between organisations":
        f"{OWN}artifacts.py::test_ids_of_types_differ_between_organisations",
    "one value becomes several artifacts":
        f"{OWN}artifacts.py::test_what_the_platform_made_of_a_value_is_what_is_stored",
    "a second artifact with the same value is not rejected":
        f"{OWN}artifacts.py::test_what_is_there_is_not_added_again",
    "an answer about artifacts has no end": f"{OWN}artifacts.py::test_an_answer_without_an_end_is_not_read_for_ever",
    "a failed download is a page with status 200":
        f"{OWN}files.py::test_a_page_about_a_failed_download_is_no_file",
    "a page about a failed download has just the length of the file":
        f"{OWN}files.py::test_a_page_of_just_the_files_length_is_no_file_either",
    "a download breaks off": f"{OWN}files.py::test_another_number_of_bytes_is_no_file",
    "a file is too large": f"{OWN}files.py::test_a_file_that_is_too_large_is_refused_with_the_limit",
    # Errors and limits
    "400 and 403 say no more than their names": f"{OWN}edit.py::test_missing_rights_park_the_incident",
    "pages of HTML come during an upgrade": f"{OWN}failures.py::test_maintenance_ends_by_itself",
    "429 and 503 tell when to come back, or do not": f"{OWN}failures.py::test_a_rate_limit_says_when_to_come_back",
    "a name is too long": f"{OWN}create.py::test_the_name_is_cut_before_the_platform_refuses_it",
    # IBM's library
    "the library ends the process on 401": f"{HERE}::test_a_wrong_key_does_not_end_the_process",
    "the library connects for ever": f"{OWN}failures.py::test_a_platform_that_is_not_there",
    "the library repeats creations": f"{OWN}failures.py::test_each_request_is_sent_once",
    "the library stalls for half a minute on 404": f"{HERE}::test_a_refusal_is_not_repeated",
    "the library has no time-out": f"{OWN}failures.py::test_a_slow_platform",
    "the library drops the client certificate on PATCH":
        f"{HERE}::test_each_method_shows_the_certificate_and_keeps_to_the_time_outs",
    "the library repeats a PATCH on 409 without end":
        f"{OWN}edit.py::test_a_conflict_in_the_database_is_left_to_the_next_look",
    "the library raises ValueError where nothing differs": f"{OWN}edit.py::test_only_real_differences_are_sent",
    "the library takes success:false without field failures for a success":
        f"{OWN}edit.py::test_a_refusal_with_status_200_is_a_refusal",
    "the library cannot change a field whose value is an object":
        f"{OWN}edit.py::test_fields_are_set_in_one_request",
    "the library gives bytes in the place of an error": f"{OWN}failures.py::test_what_an_answer_means",
    "the library's errors hold the whole answer": f"{OWN}failures.py::test_what_an_answer_means",
    "the library's cookies outlive a request": f"{OWN}failures.py::test_no_cookie_is_kept_and_no_redirect_followed",
    "the library lets the environment replace proxies": f"{OWN}failures.py::test_tls_and_proxies",
    "the library answers from a cache": f"{HERE}::test_what_is_read_is_never_minutes_old",
    "the library logs names and bodies": f"{HERE}::test_nothing_of_the_organisation_is_logged",
    "the library is a heavy dependency": f"{HERE}::test_the_library_is_not_used",
}
"""Each trap in few words, and the test that fails if it is sprung."""


def test_every_trap_has_its_test() -> None:
    assert lost(COVERED) == []


def test_every_test_here_covers_a_trap() -> None:
    assert idle(COVERED, HERE, Path(__file__)) == set()


def live(bench: Bench) -> None:
    """Do one thing of each kind."""
    ticket = bench.ticket()
    apply = bench.connector.apply
    bench.set(ticket, title="New", description="*new*", severity="low")
    ticket = bench.connector.read(ticket.key)
    seen = {"observables": ("ipv4 203.0.113.7",)}
    apply(SetFields(key=ticket.key, version=ticket.version, add=seen), bench.announced)
    note = apply(AddComment(key=ticket.key, mark="kibcase-kibana-0-1#1", body="x"), bench.announced).comment
    assert note is not None
    apply(EditComment(key=ticket.key, comment=note.key, mark="kibcase-kibana-0-1#1", body="y"), bench.announced)
    with (ROOT / "pyproject.toml").open("rb") as content:
        size = (ROOT / "pyproject.toml").stat().st_size
        file = AddFile(key=ticket.key, name="a.toml", size=size, media_type="text/plain", content=content)
        apply(file, bench.announced)
    ticket = bench.connector.read(ticket.key)
    apply(SetFields(key=ticket.key, version=ticket.version, remove=seen), bench.announced)
    ticket = bench.connector.read(ticket.key)
    apply(SetStatus(key=ticket.key, version=ticket.version, status="closed"), bench.announced)


def test_no_incident_is_ever_replaced_as_a_whole(bench: Bench) -> None:
    live(bench)
    replaced = [path for method, path in bench.changing if method == "PUT" and "/comments/" not in path]
    assert replaced == []
    assert {method for method, _ in bench.changing} == {"POST", "PATCH", "PUT", "DELETE"}


def test_resolutions_are_named_by_label_since_their_ids_differ(bench: Bench) -> None:
    catalog, other = bench.soar.state.catalog, (Choice(value=77, label="Resolved"), Choice(value=10, label="Duplicate"))
    fields = tuple(replace(one, choices=other) if one.name == "resolution_id" else one for one in catalog.fields)
    bench.soar.state.catalog = replace(catalog, fields=fields)
    ticket = bench.ticket()
    bench.move(ticket, "closed")
    assert bench.value(ticket.key, "resolution_id") == 77


def test_a_wrong_key_does_not_end_the_process(bench: Bench) -> None:
    wrong = bench.connect(api_key_secret="wrong")
    # SystemExit would pass through here, and end the test run.
    with pytest.raises(Denied):
        wrong.changes(None)
    assert wrong.check()[0].level == "problem"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500, 503])
def test_a_refusal_is_not_repeated(bench: Bench, status: int) -> None:
    ticket = bench.ticket()
    bench.soar.faults.arm(Fault(method="POST", path=".*/comments", status=status, times=None))
    with pytest.raises(ConnectorError):
        bench.connector.apply(AddComment(key=ticket.key, mark="kibcase-kibana-0-1#1", body="x"), bench.announced)
    assert [method for method, path in bench.requests if path.endswith("/comments")] == ["POST"]


def test_each_method_shows_the_certificate_and_keeps_to_the_time_outs(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tmp_path / "client.pem"
    certificate.write_text("-", encoding="ascii")
    bench.connector = bench.connect(client_certificate=certificate, timeout=(4.0, 7.0))
    seen: list[tuple[str | None, object, object]] = []
    send = HTTPAdapter.send

    def noted(self: HTTPAdapter, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        seen.append((request.method, more.get("cert"), more.get("timeout")))
        return send(self, request, **more)

    monkeypatch.setattr(HTTPAdapter, "send", noted)
    live(bench)
    assert {method for method, _, _ in seen} == {"GET", "POST", "PATCH", "PUT", "DELETE"}
    assert {(cert, timeout) for _, cert, timeout in seen} == {(str(certificate), (4.0, 7.0))}


def test_what_is_read_is_never_minutes_old(bench: Bench) -> None:
    ticket = bench.ticket()
    bench.maria.edit(int(ticket.key), name="New")
    assert bench.connector.read(ticket.key).fields["title"] == "New"


def test_nothing_of_the_organisation_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    live(bench)
    bench.soar.faults.arm(Fault(method="GET", path=".*/incidents/.*", status=500, body=b"a body"))
    with pytest.raises(Unavailable):
        bench.connector.read("2095")
    ours = [record for record in caplog.records if not record.name.startswith(("uvicorn", "asyncio"))]
    assert ours == []


def test_the_library_is_not_used() -> None:
    script = "import sys, kibcase_connectors.resilient as it; assert 'resilient' not in sys.modules, it"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0
    for path in Path(str(kibcase_connectors.resilient.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            assert not [name for name in named if name.partition(".")[0] in ("resilient", "resilient_lib")], path
