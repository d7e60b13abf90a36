"""Log lines: one event, one line, whatever the text of others holds."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_daemon.logs import JsonLines, TextLines, log_event, set_up_logging

NAMES = ("kibcase_daemon", "kibcase_connectors", "kibcase", "apscheduler", "")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give a stream to log to; the loggers are put back as they were."""
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in NAMES}
    yield io.StringIO()
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def record(**fields: str | int | float | bool | None) -> logging.LogRecord:
    made = logging.LogRecord("kibcase_daemon", logging.INFO, "", 0, "cycle", None, None)
    made.created = 0.25
    made.__dict__["fields"] = fields
    return made


def test_text() -> None:
    line = TextLines().format(record(rule="soc-to-it", seconds=0.5, title="two words", left="", none=None, ok=True))
    assert line == '1970-01-01T00:00:00.250Z INFO cycle rule=soc-to-it seconds=0.5 title="two words" left="" ok=True'


def test_json() -> None:
    line = JsonLines().format(record(rule="a", level="mine", none=None))
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.250Z", "level": "info", "logger": "kibcase_daemon", "event": "cycle", "rule": "a",
    }


@given(st.text())
def test_no_text_begins_a_line_or_steers_the_terminal(text: str) -> None:
    for formatter in (TextLines(), JsonLines()):
        line = formatter.format(record(title=text))
        assert line.splitlines() == [line]
        assert line.replace(" ", "").isprintable() or not text.isprintable()
        assert "\x1b" not in line
        assert "\u202e" not in line


def test_levels(stream: io.StringIO) -> None:
    set_up_logging(stream, format="json", level="info")
    logging.getLogger("urllib3").info("GET /?secret=1")
    logging.getLogger("kibcase_connectors.jira").info("ours")
    logging.getLogger("kibcase_daemon").debug("too fine")
    log_event(logging.INFO, "cycle", rule="a")
    logging.getLogger("urllib3").warning("theirs")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["ours", "cycle", "theirs"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_tracebacks_go_along(stream: io.StringIO, form: str) -> None:
    set_up_logging(stream, format="json" if form == "json" else "text", level="info")
    try:
        raise ZeroDivisionError("a bug")
    except ZeroDivisionError as error:
        log_event(logging.ERROR, "cycle-failed", trace=error)
    assert "ZeroDivisionError: a bug" in stream.getvalue()
    assert "Traceback" in stream.getvalue()
