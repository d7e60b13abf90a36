"""Every example, as a process of its own, against the embedded server."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from kibcase import Kibana
from kibcase.alerts import AlertIndices
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault, Seen
from kibcase_daemon.demo.alerts import security_alerts

OWNER = "securitySolution"
SCRIPTS = ("open_cases_from_alerts.py", "triage_report.py", "close_stale_cases.py", "watch_case.py")
CHORES = (
    "attach_alerts.py", "bulk_close.py", "copy_case.py", "find_similar.py", "import_csv.py", "tag_cleanup.py",
    "upload_evidence.py", "weekly_metrics.py",
)


class Kit(Protocol):
    ahead: timedelta
    server: CasesServer
    env: dict[str, str]

    def command(self, name: str, *arguments: str) -> list[str]: ...

    def run(self, name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]: ...

    def lines(self, name: str, *arguments: str) -> list[str]: ...


def make(kibana: Kibana, title: str, *, tags: tuple[str, ...] = (), severity: str = "low") -> str:
    return kibana.cases.create(title=title, description="Seen.", owner=OWNER, tags=tags, severity=severity).id


def test_open_cases_from_alerts(kit: Kit, kibana: Kibana) -> None:
    documents = security_alerts(datetime.now(UTC))
    with AlertIndices(kit.server.elasticsearch_url, username="elastic", password="changeme") as indices:
        indices.index(documents)
        pairs = Counter(
            (document["kibana.alert.rule.name"], document.get("host", {}).get("name", "")) for document in documents
        )
        told = kit.lines("open_cases_from_alerts.py")
        assert len(told) == len(pairs) > 4
        cases = list(kibana.cases.iter(owner=OWNER))
        assert {case.title for case in cases} == {f"{rule} on {host}" if host else rule for rule, host in pairs}
        for case in cases:
            rule, _, host = case.title.partition(" on ")
            assert case.total_alerts == pairs[rule, host]
            assert f"**{case.total_alerts} alerts.**" in case.description
        assert {case.severity for case in cases if case.title.startswith("Malware")} == {"critical"}
        assert all(alert.case_ids for alert in indices.stream())
        case_of = {alert.id: alert.case_ids[0] for alert in indices.stream()}
    for case in cases:
        attached = {alert.id for alert in kibana.alerts.of_case(case.id)}
        assert attached == {alert for alert, known in case_of.items() if known == case.id}

    again = kit.lines("open_cases_from_alerts.py")
    assert again == ["No open alert is without a case."]
    assert kibana.cases.find().total == len(pairs)


def test_triage_report(kit: Kit, kibana: Kibana) -> None:
    kit.ahead = timedelta(hours=-6)
    oldest = make(kibana, "Beacon \x1b[31mon WKS-7", severity="high", tags=("edr", "c2"))
    done = make(kibana, "Phishing", severity="high", tags=("edr",))
    kit.ahead = timedelta(hours=-2)
    kibana.cases.update(done, status="closed")
    kit.ahead = timedelta()
    make(kibana, "Odd logon")
    told = json.loads("\n".join(kit.lines("triage_report.py", "--json")))
    assert (told["cases"], told["median_hours_to_close"]) == (3, 4.0)
    assert told["by_severity"]["high"] == {"open": 1, "in-progress": 0, "closed": 1}
    assert told["by_severity"]["low"] == {"open": 1, "in-progress": 0, "closed": 0}
    assert told["tags"] == {"edr": 2, "c2": 1}
    assert (told["waiting_longest"][0]["id"], told["waiting_longest"][0]["hours"]) == (oldest, 6.0)

    lines = kit.lines("triage_report.py", "--days", "1")
    assert lines[0] == "3 cases with 0 alerts; median time to close 4.0 h"
    assert [line.split() for line in lines if line.startswith("high")] == [["high", "1", "0", "1"]]
    assert "     6.0 h  Beacon  [31mon WKS-7" in lines
    assert kit.lines("triage_report.py", "--owner", "cases")[0] == "0 cases with 0 alerts; none closed"


def test_close_stale_cases(kit: Kit, kibana: Kibana) -> None:
    kit.ahead = timedelta(days=-90)
    old, kept = make(kibana, "Old"), make(kibana, "Old, but needed", tags=("keep-open",))
    touched = make(kibana, "Old, touched lately")
    kit.ahead = timedelta()
    kibana.comments.add(touched, "Still at it.", OWNER)
    make(kibana, "New")

    assert kit.lines("close_stale_cases.py", "--days", "60") == ["would be closed  Old", "1 stale cases"]
    assert kibana.cases.get(old).status == "open"
    assert kit.lines("close_stale_cases.py", "--days", "60", "--yes") == ["closed           Old", "1 stale cases"]
    assert kibana.cases.get(old).status == "closed"
    (comment,) = kibana.comments.iter(old)
    assert "60 days" in str(comment)
    assert {kibana.cases.get(each).status for each in (kept, touched)} == {"open"}
    assert kit.lines("close_stale_cases.py", "--days", "60", "--yes") == ["No case is stale."]


def test_close_stale_cases_leaves_alone_what_changes_meanwhile(kit: Kit, kibana: Kibana) -> None:
    kit.ahead = timedelta(days=-90)
    case = make(kibana, "Old")
    kit.ahead = timedelta()

    def touch(_: Seen) -> None:
        kit.server.kibana.disarm()
        kibana.cases.update(case, title="Not so old")

    kit.server.kibana.arm(Fault(method="PATCH", path="/api/cases", call=touch))
    assert kit.lines("close_stale_cases.py", "--yes") == ["changed, left    Old", "1 stale cases"]
    assert kibana.cases.get(case).status == "open"
    assert kibana.comments.find(case).total == 0


def test_watch_case(kit: Kit, kibana: Kibana) -> None:
    case = make(kibana, "Beacon")
    with subprocess.Popen(
        kit.command("watch_case.py", case, "--every", "0.05"), env=kit.env, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert "elastic: create create_case" in process.stdout.readline()
            kibana.comments.add(case, "Isolated \x1b[2J the host.", OWNER)
            assert "elastic: create comment Isolated  [2J the host." in process.stdout.readline()
            kibana.cases.update(case, severity="critical")
            assert 'update severity "critical"' in process.stdout.readline()
            kibana.cases.update(case, status="closed")
            assert 'update status "closed"' in process.stdout.readline()
            assert process.stdout.read() == ""
            assert process.wait(30) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("script", SCRIPTS)
def test_errors_are_one_line_without_the_password(script: str, kit: Kit) -> None:
    more = ("some-id",) if script == "watch_case.py" else ()
    done = kit.run(script, *more, KIBCASE_PASSWORD="wr0ng-one")
    assert (done.returncode, done.stdout) == (1, "")
    assert "401" in done.stderr
    assert "Traceback" not in done.stderr
    assert "wr0ng-one" not in done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_and_a_missing_address(script: str, kit: Kit) -> None:
    more = ("some-id",) if script == "watch_case.py" else ()
    assert "KIBCASE_URL" in kit.run(script, "--help").stdout
    done = kit.run(script, *more, KIBCASE_URL="")
    assert done.returncode == 2
    assert "KIBCASE_URL" in done.stderr.splitlines()[-1]


def test_all_examples_are_here(request: pytest.FixtureRequest) -> None:
    folder = request.config.rootpath / "examples"
    assert {path.name for path in folder.glob("*.py")} == {*SCRIPTS, *CHORES}
