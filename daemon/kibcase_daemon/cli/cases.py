"""``kibcase cases``: list, read and change cases from a shell."""

from __future__ import annotations

import click

from kibcase_daemon.cli.cases_reading import export, list_, show
from kibcase_daemon.cli.cases_writing import attach, close, comment, create, import_, update


@click.group(short_help="List, read and change cases from a shell.")
def cases() -> None:
    """List, read and change cases from a shell.

    Kibana's address and the account come from options, from KIBCASE_URL, KIBCASE_USER, KIBCASE_PASSWORD,
    KIBCASE_API_KEY and KIBCASE_SPACE, or from a system of a configuration. Exit codes: 0 done, 1 something
    could not be done, 2 wrong usage or refused credentials.
    """


for command in (list_, show, create, update, close, comment, attach, export, import_):
    cases.add_command(command)
