"""The command group."""

from __future__ import annotations

from importlib.metadata import version

import click

from kibcase_daemon.cli.cases import cases
from kibcase_daemon.cli.checking import check, plan
from kibcase_daemon.cli.history import audit, link, retry, status
from kibcase_daemon.cli.servers import demo, sandbox, server
from kibcase_daemon.cli.syncing import serve, sync


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("kibcase"), prog_name="kibcase")
def app() -> None:
    """Keep Kibana cases and tickets in step.

    Exit codes: 0 all in step, 1 something is left to do or to look at, 2 bad configuration or credentials,
    130 interrupted.
    """


for command in (cases, demo, sandbox, server, check, plan, sync, serve, status, link, retry, audit):
    app.add_command(command)
