"""Logging of the daemon: one event per line, as text or as JSON."""

from __future__ import annotations

import json
import logging
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

LOGGER: Final = "kibcase_daemon"
"""The logger of the daemon's own events."""

_OURS = ("kibcase_daemon", "kibcase_connectors", "kibcase")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+:/#@")

Value = str | int | float | bool | None


def log_event(level: int, event: str, *, trace: BaseException | None = None, **fields: Value) -> None:
    """Log one event with its fields; None leaves one out, ``trace`` is an error whose traceback goes along."""
    logging.getLogger(LOGGER).log(level, event, extra={"fields": fields}, exc_info=trace)


def set_up_logging(stream: TextIO, *, format: Literal["text", "json"], level: str) -> None:  # noqa: A002 - as configured
    """Let log lines go to ``stream``: kibcase's own from ``level`` on, those of libraries from warnings on.

    Libraries stay at warnings whatever the level is: their finer records hold addresses and headers.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    # Its failures are logged by the service, as events.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


class TextLines(logging.Formatter):
    """``time LEVEL event name=value ...``; values that are not plain words are quoted as in JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, with the traceback (if any) on lines of its own."""
        fields = "".join(f" {name}={_word(value)}" for name, value in _fields(record).items())
        line = f"{_time(record)} {record.levelname} {_one_line(record.getMessage())}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, event, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line; everything that is not ASCII is escaped."""
        line: dict[str, Value] = {
            "time": _time(record), "level": record.levelname.lower(), "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in _fields(record).items() if name not in line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _fields(record: logging.LogRecord) -> Mapping[str, Value]:
    fields: Mapping[str, Value] = getattr(record, "fields", {})
    return {name: value for name, value in fields.items() if value is not None}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _word(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"
    if isinstance(value, str) and not (value and _PLAIN.issuperset(value)):
        return json.dumps(_one_line(value), ensure_ascii=False)
    return str(value)


def _one_line(text: str) -> str:
    # Titles and messages of others must neither begin a line of their own nor steer a terminal.
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") else char for char in text)
