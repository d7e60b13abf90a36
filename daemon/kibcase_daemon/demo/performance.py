"""Run the demo and say how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

import requests
from rich.console import Console

from kibcase import KibcaseError
from kibcase.alerts import AlertIndices
from kibcase_daemon.demo.people import Analyst, Engineer
from kibcase_daemon.demo.screen import Screen
from kibcase_daemon.demo.stage import Stage, opened_stage
from kibcase_daemon.demo.story import JIRA, KIBANA, STEPS, Story

_EVERY: Final = 2.0

Hook = Callable[[Stage], None]
"""Is given the running systems."""


def _nothing(_: Stage) -> None:
    return


def run(*, keep: bool, console: Console, before_check: Hook = _nothing) -> int:
    """Play the demo on ``console``; 0 if both sides agree at the end, else 1.

    ``keep`` leaves everything running, sync included, until Ctrl-C. ``before_check`` is called just before
    both sides are read and compared, so that a test can put something in the way. Raises ``OSError`` if
    the systems cannot be started; a Ctrl-C before the end raises ``KeyboardInterrupt`` with all closed.
    """
    screen = Screen(console, clock=time.monotonic, steps=STEPS)
    with ExitStack() as ends:
        screen.step(f"Start {KIBANA} with Elasticsearch, and {JIRA}, on this machine")
        stage = ends.enter_context(opened_stage())
        screen.rows(("System", "Address"), _addresses(stage))
        problems = _played(stage, screen, ends, before_check)
        _conclude(screen, problems)
        if keep:
            _keep(stage, screen)
    return 1 if problems else 0


def _played(stage: Stage, screen: Screen, ends: ExitStack, before_check: Hook) -> list[str]:
    story = Story(
        stage, screen,
        analyst=ends.enter_context(Analyst(stage.kibana_url, stage.analyst)),
        engineer=ends.enter_context(Engineer(stage.jira_url, stage.engineer)),
        indices=ends.enter_context(
            AlertIndices(stage.elasticsearch_url, username=stage.analyst.login, password=stage.analyst.secret)
        ),
    )
    try:
        story.play(lambda: before_check(stage))
    except (KibcaseError, requests.RequestException) as error:
        return [*story.problems, f"the demo could not go on: {error}"]
    return story.problems


def _conclude(screen: Screen, problems: list[str]) -> None:
    if not problems:
        screen.verdict(f"Both sides agree. ({screen.elapsed:.1f} s)", good=True)
        return
    screen.verdict(f"Both sides do NOT agree. ({screen.elapsed:.1f} s)", good=False)
    for problem in problems:
        screen.say(f"- {problem}", style="red")


def _addresses(stage: Stage) -> list[tuple[str, str]]:
    return [(KIBANA, stage.kibana_url), ("Elasticsearch", stage.elasticsearch_url), (JIRA, stage.jira_url)]


def _keep(stage: Stage, screen: Screen) -> None:
    """Leave all running and go on syncing; Ctrl-C ends it."""
    screen.verdict("Everything keeps running and stays in step. Ctrl-C ends it.", good=True)
    analyst, engineer = stage.analyst, stage.engineer
    screen.rows(
        ("System", "Address", "Log in as", "Password or token"),
        [
            (KIBANA, stage.kibana_url, analyst.login, analyst.secret),
            ("Elasticsearch", stage.elasticsearch_url, analyst.login, analyst.secret),
            (f"{JIRA}, project {stage.project}", stage.jira_url, engineer.login, engineer.secret),
        ],
    )
    screen.say("Change something, and see it arrive on the other side:")
    screen.command(
        f"curl -u {engineer.login}:{engineer.secret} -H 'Content-Type: application/json' "
        f"-d '{{\"body\": \"Hello from IT\"}}' {stage.jira_url}/rest/api/2/issue/{stage.project}-1/comment"
    )
    try:
        while True:
            time.sleep(_EVERY)
            report = stage.sync()
            if report.applied:
                screen.changes(report.applied, case_system=KIBANA, ticket_system=JIRA)
            if report.error:
                screen.say(report.error, style="red")
    except KeyboardInterrupt:
        screen.say("Stopped; nothing is left behind.")
