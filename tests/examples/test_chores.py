"""The examples that do everyday work, each as a process of its own, against the embedded server."""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from kibcase import Case, Kibana, Observable
from kibcase.alerts import AlertIndices
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault, Seen
from kibcase_daemon.demo.alerts import security_alerts

OWNER = "securitySolution"


class Kit(Protocol):
    ahead: timedelta
    server: CasesServer

    def now(self) -> datetime: ...

    def run(self, name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]: ...

    def lines(self, name: str, *arguments: str) -> list[str]: ...


def make(kibana: Kibana, title: str = "Beacon", **more: Any) -> Case:
    return kibana.cases.create(title=title, description="Seen.", owner=OWNER, **more)


def test_bulk_close(kit: Kit, kibana: Kibana) -> None:
    noise, kept = make(kibana, "Noise \x1b[31m", tags=["scanner"]), make(kibana, "Kept")
    shown = kit.lines("bulk_close.py", "--tag", "scanner", "--comment", "Ours.")
    assert shown == ["would be closed  Noise  [31m", "1 cases with the tag scanner"]
    assert kit.lines("bulk_close.py", "--tag", "scanner", "--comment", "Ours.", "--yes")[0].startswith("closed  ")
    assert [kibana.cases.get(each.id).status for each in (noise, kept)] == ["closed", "open"]
    assert [str(getattr(each, "comment", "")) for each in kibana.comments.iter(noise.id)] == ["Ours."]
    again = kit.lines("bulk_close.py", "--tag", "scanner", "--comment", "Ours.", "--yes")
    assert again == ["0 cases with the tag scanner"]


def test_bulk_close_with_a_reason_names_what_the_stack_lacks(kit: Kit, kibana: Kibana) -> None:
    case = make(kibana, tags=["scanner"])
    done = kit.run(
        "bulk_close.py", "--tag", "scanner", "--comment", "Ours.", "--reason", "false_positive", "--yes"
    )
    assert done.returncode == 1
    assert "9.4" in done.stderr
    assert kibana.cases.get(case.id).status == "open"
    assert list(kibana.comments.iter(case.id)) == []


def test_bulk_close_says_nothing_on_a_case_that_others_close_meanwhile(kit: Kit, kibana: Kibana) -> None:
    case = make(kibana, tags=["scanner"])

    def others_first(_: Seen) -> None:
        kit.server.kibana.disarm()
        case.refresh().close()

    kit.server.kibana.arm(Fault(method="PATCH", path="/api/cases", call=others_first))
    told = kit.lines("bulk_close.py", "--tag", "scanner", "--comment", "Ours.", "--yes")
    assert told == ["was closed       Beacon", "1 cases with the tag scanner"]
    assert list(kibana.comments.iter(case.id)) == []


def test_bulk_close_refuses_a_comment_before_it_closes(kit: Kit, kibana: Kibana) -> None:
    case = make(kibana, tags=["scanner"])
    done = kit.run("bulk_close.py", "--tag", "scanner", "--comment", "x" * 30_001, "--yes")
    assert (done.returncode, "30001" in done.stderr) == (2, True)
    assert kibana.cases.get(case.id).status == "open"


def test_weekly_metrics(kit: Kit, kibana: Kibana) -> None:
    monday = datetime.now(UTC) - timedelta(days=datetime.now(UTC).weekday())
    kit.ahead = monday - timedelta(days=5) - datetime.now(UTC)
    case = make(kibana)
    case.attach_alerts(["a", "b"], ".alerts")
    kit.ahead += timedelta(hours=3)
    kibana.case(case.id).close()
    kit.ahead = timedelta()
    make(kibana, "This week")
    rows = list(csv.reader(io.StringIO("\n".join(kit.lines("weekly_metrics.py", "--weeks", "2", "--csv")))))
    assert rows[0] == ["week of", "opened", "closed", "alerts", "median hours"]
    assert rows[1:] == [
        [f"{monday - timedelta(weeks=1):%Y-%m-%d}", "1", "1", "2", "3.0"], [f"{monday:%Y-%m-%d}", "1", "0", "0", "-"],
    ]
    assert len(kit.lines("weekly_metrics.py", "--weeks", "3")) == 4


def test_tag_cleanup(kit: Kit, kibana: Kibana) -> None:
    case = make(kibana, tags=["EDR", " edr ", "C&C", "keep"])
    make(kibana, "Tidy", tags=["edr"])
    wanted = ("tag_cleanup.py", "--rename", "c&c=c2")
    assert kit.lines(*wanted)[-1] == "1 cases would be changed"
    assert kibana.cases.get(case.id).tags == case.tags
    assert kit.lines(*wanted, "--yes")[-1] == "1 cases changed"
    assert kibana.cases.get(case.id).tags == ["edr", "c2", "keep"]
    assert kit.lines(*wanted, "--yes") == ["0 cases changed"]
    assert kit.run("tag_cleanup.py", "--rename", "nothing").returncode == 2


def test_copy_case(kit: Kit, kibana: Kibana) -> None:
    kit.server.cases.spaces.create({"id": "ir", "name": "Incident response"})
    case = make(kibana, tags=["edr"])
    case.comment("Isolated.")
    case.attach_alerts("a1", ".alerts")
    told = kit.lines("copy_case.py", case.id, "--to-space", "ir", "--close")
    copy = kibana.space("ir").cases.get(told[-1])
    assert (copy.title, copy.tags, copy.status, copy.total_alerts) == ("Beacon", ["edr"], "open", 1)
    assert kibana.cases.get(case.id).status == "closed"
    *_, last = kibana.comments.iter(case.id)
    assert copy.id in str(last)


def test_upload_evidence(kit: Kit, kibana: Kibana, tmp_path: Path) -> None:
    case = make(kibana)
    (tmp_path / "notes.txt").write_bytes(b"evidence")
    (tmp_path / "table.csv").write_bytes(b"a,b\n")
    given = [case.id, str(tmp_path / "notes.txt"), str(tmp_path / "table.csv")]
    assert kit.lines("upload_evidence.py", *given)[-1] == "2 files attached, 0 were there"
    stored = {file.file_name: kibana.files.read(file) for file in kibana.files.list(case)}
    assert stored == {"notes.txt": b"evidence", "table.csv": b"a,b\n"}
    text = " ".join(str(getattr(each, "comment", "")) for each in kibana.comments.iter(case.id))
    assert hashlib.sha256(b"evidence").hexdigest() in text
    assert kit.lines("upload_evidence.py", *given) == ["0 files attached, 2 were there"]
    assert kit.run("upload_evidence.py", case.id, str(tmp_path / "nowhere")).returncode == 2


def test_import_csv(kit: Kit, kibana: Kibana, tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    rows = "title,description,severity,tags\nOpen port,Telnet.,High,net; legacy\nOld,Seen.,,\n"
    file.write_text(rows, encoding="utf-8")
    assert kit.lines("import_csv.py", str(file), "--dry-run") == ["would be opened: Open port", "would be opened: Old"]
    ids = kit.lines("import_csv.py", str(file))
    first, second = (kibana.cases.get(each) for each in ids)
    assert (first.title, first.severity, first.tags) == ("Open port", "high", ["net", "legacy"])
    assert (second.severity, second.category) == ("low", None)
    again = kit.run("import_csv.py", str(file))
    assert (again.stdout, again.stderr) == ("", "there already: Open port\nthere already: Old\n")
    assert kibana.cases.find().total == 2


@pytest.mark.parametrize(("row", "said"), [
    ("x,,low,", "the description"), ("x,y,worst,", "the severity"), ("x", "the description"),
    ("x,y,low,a,b", "there are more cells"), ("x" * 161 + ",y,,", "limit exceeded: length of the title"),
    ("x," + "y" * 30_001 + ",,", "limit exceeded: length of the description"), ("x," + "y" * 200_000 + ",,", "field"),
    ("x,y,,a;" + "t" * 257, "limit exceeded: length of the tag"), ('x,"y', "unexpected end"),
])
def test_import_csv_opens_nothing_if_a_row_is_wrong(
    row: str, said: str, kit: Kit, kibana: Kibana, tmp_path: Path
) -> None:
    file = tmp_path / "findings.csv"
    file.write_text(f"title,description,severity,tags\nGood,Seen.,,\n{row}\n", encoding="utf-8")
    told = refused(kit.run("import_csv.py", str(file)))
    assert f"line 3: {said}" in told
    assert kibana.cases.find().total == 0


@pytest.mark.parametrize(("content", "said"), [
    (b"", "no column description"), (b"title;description\nx;y\n", "no column description"),
    ("title,description\nx,y\n".encode("utf-16"), "is not UTF-8"), (None, "No such file"),
])
def test_import_csv_tells_of_a_file_that_is_none(content: bytes | None, said: str, kit: Kit, tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    if content is not None:
        file.write_bytes(content)
    assert said in refused(kit.run("import_csv.py", str(file)))


def test_import_csv_opens_equal_titles_of_a_file_once(kit: Kit, kibana: Kibana, tmp_path: Path) -> None:
    file = tmp_path / "findings.csv"
    file.write_text("title,description\nSame,First.\nSame ,Second.\n", encoding="utf-8-sig")
    for more in (("--dry-run",), ()):
        done = kit.run("import_csv.py", str(file), *more)
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
        assert done.stderr == "there already: Same\n"
    assert [case.description for case in kibana.cases.iter()] == ["First."]


def test_find_similar(kit: Kit, kibana: Kibana) -> None:
    wanted = [Observable(type_key="observable-type-ipv4", value="10.0.0.7")]
    first, second, other = make(kibana, "First"), make(kibana, "Second"), make(kibana, "Other")
    for case in (first, second):
        assert kibana.observables.add_many(case.id, wanted).complete
    (line,) = kit.lines("find_similar.py", first.id, "--tag-them", "campaign-7")
    assert line.startswith(second.id)
    assert "10.0.0.7" in line
    tags = [kibana.cases.get(case.id).tags for case in (first, second, other)]
    assert tags == [["campaign-7"], ["campaign-7"], []]
    assert kit.lines("find_similar.py", other.id) == ["No other case has one of its observables."]


def test_attach_alerts(kit: Kit, kibana: Kibana) -> None:
    documents = security_alerts(datetime.now(UTC))
    host = next(document["host"]["name"] for document in documents if "host" in document)
    there = sum(document.get("host", {}).get("name") == host for document in documents)
    with AlertIndices(kit.server.elasticsearch_url, username="elastic", password="changeme") as indices:
        indices.index(documents)
    case = make(kibana)
    wanted = ("attach_alerts.py", case.id, "--where", f"host.name={host}")
    assert kit.lines(*wanted) == [f"{there} alerts would be attached, 0 were there"]
    assert kibana.cases.get(case.id).total_alerts == 0
    assert kit.lines(*wanted, "--yes") == [f"{there} alerts attached, 0 were there"]
    assert kibana.cases.get(case.id).total_alerts == there
    assert kit.lines(*wanted, "--yes") == [f"0 alerts attached, {there} were there"]


@pytest.mark.parametrize(("script", "more"), [
    ("open_cases_from_alerts.py", ()), ("attach_alerts.py", ("{id}", "--yes")),
])
def test_no_alerts_at_all(script: str, more: tuple[str, ...], kit: Kit, kibana: Kibana) -> None:
    case = make(kibana)
    done = kit.run(script, *(each.format(id=case.id) for each in more))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Space default has no index of alerts yet")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("script", "more"), [
    ("weekly_metrics.py", ("--weeks", "0")), ("weekly_metrics.py", ("--weeks=-1",)),
    ("weekly_metrics.py", ("--weeks", "99999999999")), ("triage_report.py", ("--days=-3",)),
    ("triage_report.py", ("--days", "0")), ("close_stale_cases.py", ("--days", "9999999")),
    ("close_stale_cases.py", ("--days=-1", "--yes")), ("watch_case.py", ("x", "--every=-1")),
    ("watch_case.py", ("x", "--every", "inf")), ("watch_case.py", ("x", "--every", "nan")),
])
def test_numbers_that_make_no_sense(script: str, more: tuple[str, ...], kit: Kit) -> None:
    assert "argument --" in refused(kit.run(script, *more))
    assert kit.server.kibana.requests == []


@pytest.mark.parametrize(("env", "said"), [
    ({"KIBCASE_URL": "foo"}, "begins with http"), ({"KIBCASE_USER": ""}, "user name"),
    ({"KIBCASE_PASSWORD": ""}, "password"), ({"KIBCASE_API_KEY": "no key"}, "key"),
    ({"KIBCASE_SPACE": "No Space"}, "space"), ({"REQUESTS_CA_BUNDLE": "/nowhere"}, "/nowhere"),
])
def test_an_environment_that_makes_no_sense(env: dict[str, str], said: str, kit: Kit) -> None:
    for script in ("weekly_metrics.py", "open_cases_from_alerts.py"):
        assert said in refused(kit.run(script, **env))


def test_the_environment_names_the_space(kit: Kit) -> None:
    kit.server.cases.spaces.create({"id": "soc", "name": "SOC"})
    assert kit.run("weekly_metrics.py", KIBCASE_SPACE="soc").returncode == 0
    assert {seen.path for seen in kit.server.kibana.requests} == {"/s/soc/api/cases/_find"}


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Give the last line of what argparse says about wrong usage; the ones before it are the usage."""
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("usage: ")
    last = done.stderr.splitlines()[-1]
    assert ": error: " in last
    return last


@pytest.mark.parametrize(("script", "more"), [
    ("bulk_close.py", ("--tag", "x", "--comment", "y")), ("weekly_metrics.py", ()), ("tag_cleanup.py", ()),
    ("copy_case.py", ("some-id", "--to-space", "x")), ("upload_evidence.py", ("some-id", __file__)),
    ("find_similar.py", ("some-id",)), ("attach_alerts.py", ("some-id",)),
])
def test_errors_are_one_line_without_the_password(script: str, more: tuple[str, ...], kit: Kit) -> None:
    assert "KIBCASE_URL" in kit.run(script, "--help").stdout
    done = kit.run(script, *more, KIBCASE_PASSWORD="wr0ng-one")
    assert (done.returncode, done.stdout) == (1, "")
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr
    assert "wr0ng-one" not in done.stderr
    nowhere = kit.run(script, *more, KIBCASE_URL="")
    assert (nowhere.returncode, "KIBCASE_URL" in nowhere.stderr) == (2, True)
