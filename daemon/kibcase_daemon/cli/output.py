"""What every command needs to read its configuration and to write its answer."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from kibcase_daemon.config import Config
    from kibcase_daemon.store.api import AuditEntry, Link

_F = TypeVar("_F", bound=Callable[..., Any])
_PIPE_WIDTH = 140


def config_option(command: _F) -> _F:
    """Add ``-c/--config``."""
    option = click.option(
        "-c", "--config", "config_file", required=True, type=click.Path(path_type=Path), metavar="FILE",
        envvar="KIBCASE_CONFIG", show_envvar=True, help="The configuration file.",
    )
    return option(command)


def json_option(command: _F) -> _F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Write one line of JSON instead of tables.")(command)


def read_config(path: Path) -> Config:
    """Load the configuration with the environment of the process. Raises ``ConfigError``."""
    from kibcase_daemon.config import load_config

    return load_config(path, env=os.environ)


def console(*, errors: bool = False) -> Console:
    """Give a console that interprets nothing in what it prints; plain and wide when it is no terminal."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width)


def write_json(value: object) -> None:
    """Write one line of JSON to standard output, at once."""
    click.echo(json.dumps(value, ensure_ascii=True))
    sys.stdout.flush()


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """Give an audit entry as JSON."""
    return asdict(entry)


def link_json(link: Link) -> dict[str, Any]:
    """Give a link as JSON, without its base."""
    return {
        "link": link.id, "rule": link.rule, "case": link.labels.case, "ticket": link.labels.ticket,
        "case_key": link.keys.case, "ticket_key": link.keys.ticket, "state": link.state.value,
        "reason": link.reason, "retry_at": link.retry_at, "attempts": link.attempts,
    }
