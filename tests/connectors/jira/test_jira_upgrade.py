"""A state kept while kibcase spoke REST v2 to Cloud goes on with v3: the first sync writes nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kibcase import Kibana
from kibcase_daemon.config import load_config
from kibcase_daemon.sandbox import Sandbox
from kibcase_daemon.service import run_once
from kibcase_daemon.wiring import wired

TEXTS = (
    "plain", "**bold** and _it_\n\n* a\n* b\n  1. c", "- [ ] todo\n- [x] done",
    "![shot](http://a.example/x.png) <b>x</b>", "5. five\n6. six", "- a\n\n  more of a\n- b", "{x} " * 6_999 + "{x}",
    "> quoted `code`\n\n| a | b |\n| --- | --- |\n| 1 | 2 |",
)


def test_the_first_sync_with_documents_writes_nothing(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"

    def sync() -> int:
        with wired(load_config(config, env=os.environ)) as wiring:
            return run_once(wiring, full=True, wait=0, clock=time.time, sleep=time.sleep).exit_code

    with Sandbox() as sandbox, Kibana(
        sandbox.kibana.kibana_url, username="mara", password="mara-password"
    ) as mara:
        text = sandbox.config_text("state.db")
        assert "type: jira\n" in text
        config.write_text(text.replace("type: jira\n", "type: jira\n    api_version: 2\n"), "utf-8")
        made = [
            mara.cases.create(title=f"no {number}", description=each, owner="securitySolution")
            for number, each in enumerate(TEXTS)
        ]
        assert sync() == 0
        maria = sandbox.jira.as_person("maria.lindqvist")
        for key, each in zip(("SOC-1", "SOC-2", "SOC-3"), TEXTS, strict=False):
            maria.comment(key, f"seen *it* {each[:5]}")
        assert sync() == 0
        config.write_text(text, "utf-8")
        for number in range(1, len(TEXTS) + 1):
            # Whatever makes the tickets be read again.
            maria.edit(f"SOC-{number}", priority="High")
        sandbox.kibana.kibana.forget()
        sandbox.jira.faults.forget()
        assert sync() == 0
        changed = [seen.path for seen in sandbox.jira.faults.writes]
        assert changed == []
        told = [mara.cases.get(case.id) for case in made]
        assert [case.description for case in told] == list(TEXTS)
        assert [case.severity for case in told] == ["high"] * len(TEXTS)
        written = [(seen.method, seen.path) for seen in sandbox.kibana.kibana.writes]
        assert len(written) == len(TEXTS)
        assert not any("/comments" in path for _, path in written)
