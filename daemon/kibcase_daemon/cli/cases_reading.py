"""``kibcase cases list``, ``show`` and ``export``."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibcase_daemon.cli.cases_connection import Connection, connection_options
from kibcase_daemon.cli.cases_input import names
from kibcase_daemon.cli.cases_json import as_kibana
from kibcase_daemon.cli.output import console, json_option, write_json

if TYPE_CHECKING:
    from kibcase import Filters

_OWNERS = click.Choice(("securitySolution", "observability", "cases"))
_STATUSES = click.Choice(("open", "in-progress", "closed"))
_SEVERITIES = click.Choice(("low", "medium", "high", "critical"))
_SORTS = click.Choice(("createdAt", "updatedAt", "closedAt", "title", "category", "status", "severity"))
_FILTERS = (
    click.option("--status", multiple=True, type=_STATUSES, help="Only with this status; may be repeated."),
    click.option("--severity", multiple=True, type=_SEVERITIES, help="Only of this severity; may be repeated."),
    click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only with this tag; may be repeated."),
    click.option("--owner", multiple=True, type=_OWNERS, help="Only of this solution; may be repeated."),
    click.option("--category", multiple=True, metavar="NAME", help="Only of this category; may be repeated."),
    click.option("--assignee", "assignees", multiple=True, metavar="UID", help="Only assigned to this profile."),
    click.option("--since", "created_from", metavar="TIME", help="Only created since: a date, or now-7d and the like."),
    click.option("--until", "created_to", metavar="TIME", help="Only created until."),
    click.option("--search", metavar="TEXT", help="Only with these words in title or description."),
)
_FILTER_NAMES = ("status", "severity", "tags", "owner", "category", "assignees", "created_from", "created_to", "search")


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose cases."""
    for option in reversed(_FILTERS):
        command = option(command)
    return command


def filters_of(arguments: dict[str, Any], connection: Connection) -> Filters:
    """Give the filters among the arguments of a command; a configured system keeps to its own owner."""
    found = {name: arguments.pop(name) for name in _FILTER_NAMES}
    chosen: Any = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items() if value}
    if connection.owner is not None:
        chosen.setdefault("owner", connection.owner)
    filters: Filters = chosen
    return filters


@click.command("list", short_help="List cases.")
@connection_options
@filter_options
@click.option("--sort", type=_SORTS, default="createdAt", show_default=True, help="What to sort by.")
@click.option("--order", type=click.Choice(("asc", "desc")), default="desc", show_default=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@json_option
def list_(connection: Connection, *, sort: Any, order: Any, limit: int, as_json: bool, **arguments: Any) -> None:
    """List cases, newest first. With --json one case per line, to be read by other commands."""
    filters = filters_of(arguments, connection)
    with connection.open() as kibana:
        size = min(limit, 100)
        walk = kibana.cases.iter(per_page=size, sort_field=sort, sort_order=order, **filters)
        found = itertools.islice(walk, limit)
        if as_json:
            for case in found:
                write_json(as_kibana(case))
            return
        cases = list(found)
    from kibcase_daemon.cli.cases_output import cases_table

    out = console()
    out.print(cases_table(cases) if cases else "No case matches.")
    if len(cases) == limit:
        console(errors=True).print(f"The first {limit}; there may be more: --limit.")


@click.command(short_help="Show a case with what is attached.")
@connection_options
@click.argument("case_id", metavar="ID")
@json_option
def show(connection: Connection, *, case_id: str, as_json: bool) -> None:
    """Show a case with its description, comments and other attachments.

    With --json the attachments are under `attachments`, each as Kibana spells it.
    """
    with connection.open() as kibana:
        case = kibana.cases.get(case_id)
        attachments = kibana.attachments.all(case_id)
    if as_json:
        write_json({**as_kibana(case), "attachments": [as_kibana(each) for each in attachments]})
        return
    from kibcase_daemon.cli.cases_output import case_details

    console().print(case_details(case, attachments))


@click.command(short_help="Write cases to a file of NDJSON.")
@connection_options
@filter_options
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True), default="-", metavar="FILE",
    help="Where to write; - is standard output.",
)
@click.option("--files", is_flag=True, help="Put the files that are attached into it, too.")
@click.option("--saved-objects", is_flag=True, help="Write Kibana's own format, which Kibana's page can import.")
def export(
    connection: Connection, *, ids: tuple[str, ...], output: Path, files: bool, saved_objects: bool, **arguments: Any
) -> None:
    """Write cases with comments, alerts and observables to a file of NDJSON, which `kibcase cases import` reads.

    The cases are those named (`-` reads ids from standard input), or all that the filters choose.
    """
    if ids and any(arguments.values()):
        raise click.UsageError("name cases, or choose them with filters, not both")
    if saved_objects and files:
        raise click.UsageError("Kibana's own format holds no content of files: leave out --files")
    filters = filters_of(arguments, connection)
    from kibcase_daemon.cli.cases_transfer import write_export, write_saved_objects

    with connection.open() as kibana:
        # No id on standard input means no case, not all of them.
        named = (kibana.cases.get(each) for each in names(ids))
        chosen = named if ids else kibana.cases.iter(sort_order="asc", **filters)
        if saved_objects:
            count = write_saved_objects(kibana, [case.id for case in chosen], output)
        else:
            count = write_export(kibana, chosen, output, files=files)
    console(errors=True).print(f"{count} case{'' if count == 1 else 's'} exported.")

