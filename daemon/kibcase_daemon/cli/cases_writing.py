"""``kibcase cases create``, ``update``, ``close``, ``comment``, ``attach`` and ``import``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibcase_daemon.cli.cases_connection import Connection, connection_options
from kibcase_daemon.cli.cases_input import names, text_of
from kibcase_daemon.cli.cases_json import as_kibana
from kibcase_daemon.cli.entry import EXIT_TROUBLE
from kibcase_daemon.cli.output import console, json_option, write_json

if TYPE_CHECKING:
    from kibcase import Case, Changes, Kibana

_OWNERS = click.Choice(("securitySolution", "observability", "cases"))
_STATUSES = click.Choice(("open", "in-progress", "closed"))
_SEVERITIES = click.Choice(("low", "medium", "high", "critical"))


@click.command(short_help="Open a case.")
@connection_options
@click.option("--title", required=True, help="At most 160 characters.")
@click.option("--description", required=True, metavar="TEXT", help="Markdown; - reads standard input.")
@click.option("--owner", type=_OWNERS, help="Which solution's; securitySolution, or what the configuration says.")
@click.option("--severity", type=_SEVERITIES)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="May be repeated.")
@click.option("--category", metavar="NAME")
@click.option("--assignee", "assignees", multiple=True, metavar="UID", help="A profile uid; may be repeated.")
@click.option("--no-sync-alerts", is_flag=True, help="Alerts do not follow the status of the case.")
@json_option
def create(connection: Connection, *, as_json: bool, no_sync_alerts: bool, **fields: Any) -> None:
    """Open a case and print its id; with --json the case."""
    owner = fields.pop("owner") or connection.owner or "securitySolution"
    fields["description"] = text_of(fields["description"])
    fields["assignees"] = fields["assignees"] or None
    with connection.open() as kibana:
        case = kibana.cases.create(owner=owner, sync_alerts=not no_sync_alerts, **fields)
    if as_json:
        write_json(as_kibana(case))
    else:
        click.echo(case.id)


@click.command(short_help="Change cases.")
@connection_options
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--title")
@click.option("--description", metavar="TEXT", help="Markdown; - reads standard input.")
@click.option("--status", type=_STATUSES)
@click.option("--severity", type=_SEVERITIES)
@click.option("--category", metavar="NAME", help='"" takes it away.')
@click.option("--add-tag", "added", multiple=True, metavar="TAG", help="May be repeated.")
@click.option("--remove-tag", "removed", multiple=True, metavar="TAG", help="May be repeated.")
@click.option("--assignee", "assignees", multiple=True, metavar="UID", help="Instead of the present ones.")
@json_option
def update(
    connection: Connection, *, ids: tuple[str, ...], added: tuple[str, ...], removed: tuple[str, ...],
    as_json: bool, **fields: Any,
) -> int:
    """Change cases; `-` reads ids, or the lines of `kibcase cases list --json`, from standard input.

    When somebody else changes a case at the same moment, it is read again and the change is applied anew.
    """
    changes: Any = {name: value for name, value in fields.items() if value not in (None, ())}
    if not changes and not added and not removed:
        raise click.UsageError("nothing to change is given")
    if "description" in changes:
        changes["description"] = text_of(changes["description"])
    if changes.get("category") == "":
        changes["category"] = None
    from kibcase.client.limits import trimmed

    gone = set(map(trimmed, removed))

    def decide(case: Case) -> Changes:
        wanted: Changes = changes.copy()
        if added or removed:
            wanted["tags"] = [tag for tag in dict.fromkeys([*case.tags, *map(trimmed, added)]) if tag not in gone]
        return wanted

    with connection.open() as kibana:
        return _each(names(ids), lambda case_id: kibana.cases.retry(case_id, decide), as_json=as_json)


@click.command(short_help="Close cases.")
@connection_options
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", metavar="REASON", help="false_positive, duplicate, ... (stack 9.4); goes to the alerts.")
@click.option("--comment", "text", metavar="TEXT", help="Say so in a comment, too; - reads standard input.")
@json_option
def close(connection: Connection, *, ids: tuple[str, ...], reason: str | None, text: str | None, as_json: bool) -> int:
    """Close cases; `-` reads ids, or the lines of `kibcase cases list --json`, from standard input."""
    if text == "-" and "-" in ids:
        raise click.UsageError("standard input can hold either the ids or the comment")
    words = None if text is None else text_of(text)
    if words is not None:
        from kibcase.client.limits import COMMENT, check_text

        check_text("comment", words, COMMENT)
    with connection.open() as kibana:
        return _each(names(ids), lambda case_id: _close(kibana, case_id, reason, words), as_json=as_json)


def _close(kibana: Kibana, case_id: str, reason: str | None, text: str | None) -> Case:
    changes: Changes = {"status": "closed"} if reason is None else {"status": "closed", "close_reason": reason}
    before: list[str] = []

    def decide(current: Case) -> Changes | None:
        before.append(current.status)
        return None if current.status == "closed" else changes

    closed = kibana.cases.retry(case_id, decide)
    if text is None or before[-1] == "closed":
        return closed
    # Not before: of a case that may not be closed, or that others closed, no comment may say that it was.
    closed.comment(text)
    return closed.refresh()


@click.command(short_help="Comment on a case.")
@connection_options
@click.argument("case_id", metavar="ID")
@click.argument("text")
@json_option
def comment(connection: Connection, *, case_id: str, text: str, as_json: bool) -> None:
    """Comment on a case; TEXT is Markdown, `-` reads it from standard input."""
    with connection.open() as kibana:
        added = kibana.cases.get(case_id).comment(text_of(text))
    if as_json:
        write_json(as_kibana(added))
    else:
        click.echo(added.id)


@click.command(short_help="Attach files or alerts to a case.")
@connection_options
@click.argument("case_id", metavar="ID")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]...")
@click.option("--alert", "alerts", multiple=True, metavar="ID", help="An alert; may be repeated. Needs --index.")
@click.option("--index", metavar="INDEX", help="The index of the alerts.")
@json_option
def attach(
    connection: Connection, *, case_id: str, files: tuple[Path, ...], alerts: tuple[str, ...], index: str | None,
    as_json: bool,
) -> int:
    """Attach files of this machine, or alerts, to a case; names each that was attached.

    A file that cannot be attached does not keep the others from it.
    """
    if not files and not alerts:
        raise click.UsageError("name files, or alerts with --alert and --index")
    if bool(alerts) != bool(index):
        raise click.UsageError("--alert and --index go together")
    with connection.open() as kibana:
        handle = kibana.case(kibana.cases.get(case_id))
        work = [(file.name, partial(handle.attach_file, file)) for file in files]
        if alerts and index:
            work.append((f"alerts {', '.join(alerts)}", partial(handle.attach_alerts, alerts, index)))
        done = [name for name, act in work if _attached(name, act, quiet=as_json)]
        if as_json and done:
            write_json(as_kibana(handle.case))
    return 0 if len(done) == len(work) else EXIT_TROUBLE


def _attached(name: str, act: Callable[[], object], *, quiet: bool) -> bool:
    from kibcase import ApiError, AuthenticationError, InvalidValue

    try:
        act()
    except AuthenticationError:
        raise
    except (ApiError, InvalidValue, OSError) as error:
        _complain(name, error)
        return False
    if not quiet:
        click.echo(_safe(f"attached: {name}"))
    return True


@click.command("import", short_help="Open cases from a file of NDJSON.")
@connection_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True))
@click.option("--owner", type=_OWNERS, help="Make them cases of this solution instead of their own.")
@click.option("--alerts", is_flag=True, help="Attach the alerts, too: for another space of the same cluster.")
@click.option("--saved-objects", is_flag=True, help="The file is in Kibana's own format.")
@click.option("--overwrite", is_flag=True, help="With --saved-objects: keep the ids and replace what has the same.")
@json_option
def import_(
    connection: Connection, *, file: Path, owner: str | None, alerts: bool, saved_objects: bool, overwrite: bool,
    as_json: bool,
) -> int:
    """Open cases from a file that `kibcase cases export` wrote; `-` reads standard input.

    Each case is told with what could not come along.
    """
    from kibcase_daemon.cli.cases_transfer import read_export, read_saved_objects

    if overwrite and not saved_objects:
        raise click.UsageError("--overwrite goes with --saved-objects")
    if saved_objects and (owner or alerts):
        raise click.UsageError("Kibana imports its own format as it is: leave out --owner and --alerts")
    with connection.open() as kibana:
        if saved_objects:
            return read_saved_objects(kibana, file, overwrite=overwrite, as_json=as_json)
        return read_export(kibana, file, owner=owner, alerts=alerts, as_json=as_json)


def _each(ids: Iterable[str], act: Callable[[str], Case], *, as_json: bool) -> int:
    from kibcase import ApiError, AuthenticationError

    code = 0
    for case_id in ids:
        try:
            _tell(act(case_id), as_json=as_json)
        except AuthenticationError:
            raise
        except ApiError as error:
            # One case that is gone or may not be changed does not keep the others from it.
            _complain(case_id, error)
            code = EXIT_TROUBLE
    return code


def _complain(name: str, error: Exception) -> None:
    console(errors=True).print(_safe(f"kibcase: {name}: {error}"), soft_wrap=True)


def _tell(case: Case, *, as_json: bool) -> None:
    if as_json:
        write_json(as_kibana(case))
    else:
        click.echo(_safe(f"{case.id}  {case.status}  {case.title}"))


def _safe(text: str) -> str:
    # What others wrote may not steer the terminal.
    return "".join(char if char.isprintable() else " " for char in text)
