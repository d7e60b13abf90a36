"""``kibcase cases`` in real processes, against the embedded server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import requests

from kibcase import Case, Kibana
from kibcase.server.app import CasesServer
from kibcase.server.faults import Fault, Seen
from kibcase_daemon.cli.app import app
from kibcase_daemon.sandbox import Sandbox

OWNER = "securitySolution"
Done = subprocess.CompletedProcess[str]


class Shell:
    """Runs ``kibcase cases`` with an environment that says where Kibana is."""

    def __init__(self, server: CasesServer) -> None:
        self.server = server
        taken = ("KIBCASE_", "COLUMNS", "LINES")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
        self.env |= {"KIBCASE_URL": server.kibana_url, "KIBCASE_USER": "elastic", "KIBCASE_PASSWORD": "changeme"}

    def run(self, *arguments: str | Path, stdin: str = "", **env: str | None) -> Done:
        whole = {name: value for name, value in {**self.env, **env}.items() if value is not None}
        return subprocess.run(
            [sys.executable, "-m", "kibcase_daemon.cli", "cases", *map(str, arguments)], env=whole, input=stdin,
            capture_output=True, text=True, timeout=60, check=False,
        )

    def ok(self, *arguments: str | Path, stdin: str = "") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str | Path, stdin: str = "") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ok(*arguments, "--json", stdin=stdin).splitlines()]


@pytest.fixture
def server() -> Iterator[CasesServer]:
    with CasesServer(incremental_ids=False) as running:
        yield running


@pytest.fixture
def shell(server: CasesServer) -> Shell:
    return Shell(server)


@pytest.fixture
def kibana(server: CasesServer) -> Iterator[Kibana]:
    with Kibana(server.kibana_url, username="elastic", password="changeme") as client:
        yield client


def make(kibana: Kibana, title: str = "Beacon", **more: Any) -> Case:
    return kibana.cases.create(title=title, description="Seen by EDR.", owner=OWNER, **more)


def test_create(shell: Shell, kibana: Kibana) -> None:
    told = shell.ok(
        "create", "--title", "Beacon", "--description", "-", "--tag", "a", "--tag", "b", "--severity", "high",
        "--category", "malware", "--no-sync-alerts", stdin="First line\n\nSecond\n",
    )
    case_id = told.removesuffix("\n")
    case = kibana.cases.get(case_id)
    assert (case.status, case.title) == ("open", "Beacon")
    assert (case.description, case.tags, case.severity, case.category) == (
        "First line\n\nSecond", ["a", "b"], "high", "malware"
    )
    assert case.settings is not None
    assert not case.settings.sync_alerts
    (same,) = shell.json("list")
    assert same["id"] == case_id


def test_list_for_people_and_programs(shell: Shell, kibana: Kibana) -> None:
    wanted = make(kibana, "Beacon \x1b[31mon WKS-7 [bold]x[/]", severity="high", tags=["edr"])
    make(kibana, "Odd logon")
    table = shell.ok("list", "--severity", "high")
    assert wanted.id in table
    assert "Beacon [31mon WKS-7 [bold]x[/]" in table
    assert "\x1b" not in table
    assert "Odd logon" not in table
    titles = [each["title"] for each in shell.json("list", "--sort", "title", "--order", "asc")]
    assert titles == [wanted.title, "Odd logon"]
    assert [each["id"] for each in shell.json("list", "--tag", "edr", "--search", "beacon")] == [wanted.id]
    assert shell.ok("list", "--status", "closed") == "No case matches.\n"
    limited = shell.run("list", "--limit", "1")
    assert "there may be more" in limited.stderr


def test_show(shell: Shell, kibana: Kibana) -> None:
    case = make(kibana)
    case.comment("Isolated \x1b[2J the host.\nSecond line.")
    case.attach_alerts("a1", ".alerts")
    told = shell.ok("show", case.id)
    assert "Seen by EDR." in told
    assert "Isolated [2J the host.\nSecond line.\n" in told
    assert "a1" in told
    (whole,) = shell.json("show", case.id)
    assert [each["type"] for each in whole["attachments"]] == ["user", "alert"]


def test_json_is_what_kibana_says(shell: Shell, server: CasesServer, kibana: Kibana) -> None:
    case = make(kibana, tags=["edr"])
    case.comment("Isolated.")
    case.attach_alerts(["a1", "a2"], [".alerts", ".alerts"])

    def said(path: str) -> Any:
        headers = {"x-elastic-internal-origin": "Kibana"}
        answer = requests.get(server.kibana_url + path, auth=("elastic", "changeme"), headers=headers, timeout=30)
        return answer.json()

    (shown,) = shell.json("show", case.id)
    attachments = shown.pop("attachments")
    assert shown == said(f"/api/cases/{case.id}")
    assert attachments == said(f"/api/cases/{case.id}/resolve?includeComments=true")["case"]["comments"]
    assert shell.json("list") == said("/api/cases/_find")["cases"]
    (closed,) = shell.json("close", case.id)
    assert closed == {**said(f"/api/cases/{case.id}"), "comments": []}  # Kibana's own: PATCH never reads comments


def test_show_heads_a_file_with_its_name(shell: Shell, kibana: Kibana, tmp_path: Path) -> None:
    case = make(kibana)
    (tmp_path / "dump.txt").write_text("evidence")
    case.attach_file(tmp_path / "dump.txt")
    (heading,) = (line for line in shell.ok("show", case.id).splitlines() if "dump.txt" in line)
    assert heading.startswith("file dump.txt 20")
    assert "externalReference" not in shell.ok("show", case.id)


def test_a_pipe_of_list_and_close(shell: Shell, kibana: Kibana) -> None:
    for title in ("One", "Two"):
        make(kibana, title, tags=["noise"])
    kept = make(kibana, "Kept")
    found = shell.ok("list", "--tag", "noise", "--json")
    closed = shell.json("close", "-", "--comment", "Noise.", stdin=found)
    assert {(each["title"], each["status"], each["totalComment"]) for each in closed} == {
        ("One", "closed", 1), ("Two", "closed", 1)
    }
    assert kept.refresh().status == "open"
    assert shell.json("close", "-", "--comment", "Noise.", stdin=found)[0]["totalComment"] == 1


def test_nothing_is_said_on_a_case_that_others_close_meanwhile(
    shell: Shell, server: CasesServer, kibana: Kibana
) -> None:
    case = make(kibana)

    def others_first(_: Seen) -> None:
        server.kibana.disarm()
        case.refresh().close()

    server.kibana.arm(Fault(method="PATCH", path="/api/cases", call=others_first))
    assert shell.ok("close", case.id, "--comment", "Noise.").split()[1] == "closed"
    assert list(kibana.comments.iter(case.id)) == []


def test_one_case_that_is_gone_does_not_keep_the_others(shell: Shell, kibana: Kibana) -> None:
    case = make(kibana)
    done = shell.run("close", "nowhere", case.id)
    assert done.returncode == 1
    assert done.stderr.startswith("kibcase: nowhere: not found (404)")
    assert len(done.stderr.splitlines()) == 1
    assert kibana.cases.get(case.id).status == "closed"


def test_update(shell: Shell, kibana: Kibana) -> None:
    case = make(kibana, tags=["a", "b"], category="old")
    shell.ok("update", case.id, "--title", "New", "--status", "in-progress", "--add-tag", "c", "--remove-tag", "a",
             "--category", "")
    now = kibana.cases.get(case.id)
    assert (now.title, now.status, now.tags, now.category) == ("New", "in-progress", ["b", "c"], None)
    shell.ok("update", "-", "--description", "Anew.", stdin=f"{case.id}\n\n{case.id}\n")
    assert kibana.cases.get(case.id).description == "Anew."


def test_update_overcomes_a_conflict(shell: Shell, server: CasesServer, kibana: Kibana) -> None:
    case = make(kibana, tags=["a"])

    def others_first(_: Seen) -> None:
        server.kibana.disarm()
        kibana.cases.update(case, tags=["a", "theirs"])

    server.kibana.arm(Fault(method="PATCH", path="/api/cases", call=others_first))
    shell.ok("update", case.id, "--add-tag", "mine")
    assert kibana.cases.get(case.id).tags == ["a", "theirs", "mine"]


def test_comment(shell: Shell, kibana: Kibana) -> None:
    case = make(kibana)
    first = shell.ok("comment", case.id, "Looked at.").strip()
    (second,) = shell.json("comment", case.id, "-", stdin="From a pipe.\n")
    assert [(each.id, getattr(each, "comment", "")) for each in kibana.comments.iter(case.id)] == [
        (first, "Looked at."), (second["id"], "From a pipe.")
    ]


def test_attach_alerts(shell: Shell, kibana: Kibana) -> None:
    case = make(kibana)
    shell.ok("attach", case.id, "--alert", "a1", "--alert", "a2", "--index", ".alerts")
    assert {each.id for each in kibana.alerts.of_case(case.id)} == {"a1", "a2"}


def test_attach_files(shell: Shell, kibana: Kibana, tmp_path: Path) -> None:
    case = make(kibana)
    (tmp_path / "dump.txt").write_text("evidence")
    assert shell.ok("attach", case.id, tmp_path / "dump.txt") == "attached: dump.txt\n"
    (file,) = kibana.files.list(case.id)
    assert kibana.files.read(file) == b"evidence"


def test_attach_names_what_it_attached_and_what_not(shell: Shell, kibana: Kibana, tmp_path: Path) -> None:
    case = make(kibana)
    names = ("a.txt", "b.exe", "c.txt")
    for name in names:
        (tmp_path / name).write_text("evidence")
    given = [tmp_path / name for name in names]
    done = shell.run("attach", case.id, *given, "--alert", "a1", "--index", ".alerts")
    assert (done.returncode, done.stdout) == (1, "attached: a.txt\nattached: c.txt\nattached: alerts a1\n")
    assert done.stderr.startswith("kibcase: b.exe: ")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(file.file_name for file in kibana.files.list(case.id)) == ["a.txt", "c.txt"]
    assert kibana.cases.get(case.id).total_alerts == 1
    (told,) = shell.json("attach", case.id, given[0])
    assert told["id"] == case.id


def test_export_and_import(shell: Shell, kibana: Kibana, tmp_path: Path) -> None:
    case = make(kibana, "Beacon", tags=["edr"], severity="critical")
    case.comment("Isolated.")
    case.close()
    file = tmp_path / "cases.ndjson"
    assert shell.run("export", "--output", file).stderr == "1 case exported.\n"
    assert file.stat().st_mode & 0o077 == 0
    assert shell.ok("export", case.id).splitlines()[1:] == file.read_text().splitlines()[1:]
    (told,) = shell.json("import", file, "--owner", "observability")
    copy = kibana.cases.get(told["case"]["id"])
    assert (copy.title, copy.tags, copy.severity, copy.status, copy.owner) == (
        "Beacon", ["edr"], "critical", "closed", "observability"
    )
    assert told["source"] == case.id
    assert f"{copy.total_comments}" == "2"


def test_an_export_tells_which_files_are_not_in_it(shell: Shell, kibana: Kibana, tmp_path: Path) -> None:
    case = make(kibana)
    kibana.files.upload(case, b"sample", name="sample.txt")
    shell.server.kibana.arm(Fault(
        method="GET", path="/api/files/files/.*/blob", status=404, body=b'{"message":"File not found"}', times=None,
    ))
    done = shell.run("export", "--files", "--output", tmp_path / "cases.ndjson")
    told, count = done.stderr.splitlines()
    assert told.startswith(f"left out: the file sample.txt of the case {case.id}: ")
    assert count == "1 case exported."


def test_a_broken_export_changes_no_file_and_says_where(shell: Shell, kibana: Kibana, tmp_path: Path) -> None:
    case = make(kibana)
    file = tmp_path / "cases.ndjson"
    file.write_text("precious")
    assert shell.run("export", case.id, "nowhere", "-o", file).returncode == 1
    assert file.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["cases.ndjson"]
    done = shell.run("import", file)
    assert done.returncode == 1
    assert done.stderr.startswith("kibcase: the export cannot be read: line 1: it is not JSON")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("arguments", "env", "said"), [
    (["list"], {"KIBCASE_URL": None}, "--url or KIBCASE_URL"),
    (["list", "--url", "ftp://x"], {}, "http"),
    (["list"], {"KIBCASE_USER": None}, "say who you are"),
    (["list"], {"KIBCASE_PASSWORD": None}, "belongs into KIBCASE_PASSWORD"),
    (["list", "--password-env", "NOWHERE"], {}, "NOWHERE is not set"),
    (["list", "--url", "http://x", "-c", "x.yaml"], {}, "not both"),
    (["list", "--system", "soc"], {}, "-c FILE"),
    (["list", "--ca", "nowhere.pem"], {}, "no such certificate file"),
    (["list", "--space", "No Space"], {}, "space"),
    (["update", "x"], {}, "nothing to change"),
    (["attach", "x"], {}, "name files"),
    (["attach", "x", "--alert", "a"], {}, "--index"),
    (["close", "-", "--comment", "-"], {}, "either the ids or the comment"),
    (["close", "-"], {"stdin": '{"no": 1}'}, "line 1 of standard input"),
    (["close", "-"], {"stdin": '{"id": 5}'}, "line 1 of standard input"),
    (["close", "-"], {"stdin": "x\n{broken"}, "line 2 of standard input"),
])
def test_wrong_usage(arguments: list[str], env: dict[str, Any], said: str, shell: Shell) -> None:
    done = shell.run(*arguments, **env)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["list"], ["close", "a", "b"], ["show", "a"]])
def test_refused_credentials(arguments: list[str], shell: Shell) -> None:
    done = shell.run(*arguments, KIBCASE_PASSWORD="wr0ng-one")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "401" in done.stderr
    assert "wr0ng-one" not in done.stderr


def test_an_unreachable_kibana(shell: Shell) -> None:
    done = shell.run("show", "a", KIBCASE_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("kibcase: connection failed")


def test_an_api_key_and_a_space() -> None:
    with CasesServer(api_keys={"id:key": "elastic"}) as server:
        server.cases.spaces.create({"id": "soc", "name": "SOC"})
        shell = Shell(server)
        key: dict[str, Any] = {"KIBCASE_USER": None, "KIBCASE_PASSWORD": None, "MY_KEY": "aWQ6a2V5"}
        done = shell.run(
            "create", "--title", "t", "--description", "d", "--api-key-env", "MY_KEY", "--json", KIBCASE_SPACE="soc",
            **key,
        )
        assert done.returncode == 0, done.stderr
        assert {seen.path for seen in server.kibana.writes} == {"/s/soc/api/cases"}
        assert shell.ok("list") == "No case matches.\n"


def test_a_system_of_a_configuration(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        config = tmp_path / "config.yaml"
        config.write_text(sandbox.config_text("state.db"), encoding="utf-8")
        shell = Shell(sandbox.kibana)
        bare: dict[str, Any] = {"KIBCASE_URL": None, "KIBCASE_USER": None, "KIBCASE_PASSWORD": None}
        done = shell.run("create", "-c", config, "--title", "t", "--description", "d", "--json", **bare)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["owner"] == OWNER
        assert shell.run("list", "--json", KIBCASE_CONFIG=str(config), **bare).stdout.count("\n") == 1
        unknown = shell.run("list", "-c", config, "--system", "nowhere", **bare)
        assert (unknown.returncode, "called nowhere" in unknown.stderr) == (2, True)


def test_every_option_of_every_command_is_told() -> None:
    group = app.commands["cases"]
    assert isinstance(group, click.Group)
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    told = text.partition("\n## cases\n")[2].partition("\n## ")[0]
    for name, command in group.commands.items():
        assert f"kibcase cases {name}" in told
        for option in command.params:
            assert not isinstance(option, click.Option) or option.opts[-1] in told, f"{name} {option.opts}"
