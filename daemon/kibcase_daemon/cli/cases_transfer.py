"""Files of cases: where they are written to and read from."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from kibcase_daemon.cli.cases_json import as_kibana
from kibcase_daemon.cli.entry import EXIT_TROUBLE
from kibcase_daemon.cli.output import write_json

if TYPE_CHECKING:
    from kibcase import Case, Kibana

_STANDARD = Path("-")


def write_export(kibana: Kibana, cases: Iterable[Case], output: Path, *, files: bool) -> int:
    """Write kibcase's own format and give how many cases; what is not in it is told on standard error.

    Raises ``click.ClickException`` if it cannot be written.
    """

    def write(into: BinaryIO) -> int:
        exported = kibana.transfer.export(cases, into, files=files)
        for each in exported.left:
            click.echo(_safe(f"left out: {each.what}: {each.why}"), err=True)
        return exported.cases

    return _write(output, write)


def write_saved_objects(kibana: Kibana, ids: Sequence[str], output: Path) -> int:
    """Write Kibana's own format and give how many cases; raises ``click.ClickException`` if it cannot be written."""
    if not ids:
        raise click.ClickException("there is no case to export")
    return _write(output, lambda into: kibana.saved_objects.export_cases(ids, into).cases)


def read_export(kibana: Kibana, file: Path, *, owner: str | None, alerts: bool, as_json: bool) -> int:
    """Open the cases of an export and tell each with what could not come along; gives the exit code."""
    code = 0
    with _source(file) as source:
        for restored in kibana.transfer.import_(source, owner=owner, alerts=alerts):
            code = code if restored.case else EXIT_TROUBLE
            left = [{"what": each.what, "why": each.why} for each in restored.left]
            if as_json:
                case = None if restored.case is None else as_kibana(restored.case)
                write_json({"source": restored.source.id, "case": case, "left": left})
                continue
            made = "not made" if restored.case is None else restored.case.id
            click.echo(_safe(f"{made}  {restored.source.title}"))
            for each in left:
                click.echo(_safe(f"  left out: {each['what']}: {each['why']}"))
    return code


def read_saved_objects(kibana: Kibana, file: Path, *, overwrite: bool, as_json: bool) -> int:
    """Give a file of saved objects to Kibana and tell what it made of them; gives the exit code."""
    with _source(file) as source:
        result = kibana.saved_objects.import_(source.read(), create_new_copies=not overwrite, overwrite=overwrite)
    if as_json:
        write_json(as_kibana(result))
    else:
        click.echo(f"{result.success_count} objects imported")
        for error in result.errors:
            click.echo(_safe(f"  not imported: {error.type} {error.id}: {error.reason}"))
    return 0 if result.success else EXIT_TROUBLE


def _write(output: Path, write: Callable[[BinaryIO], int]) -> int:
    if output == _STANDARD:
        count = write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return count
    try:
        return _replace(output, write)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror or error}") from error


def _replace(output: Path, write: Callable[[BinaryIO], int]) -> int:
    # Half an export must not stand where a whole one is expected; cases are nobody else's to read.
    with tempfile.NamedTemporaryFile(dir=output.absolute().parent, prefix=f".{output.name}.", delete=False) as file:
        try:
            count = write(file)  # type: ignore[arg-type]  # a binary file in all but its declared type
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(output)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    return count


@contextmanager
def _source(file: Path) -> Iterator[BinaryIO]:
    if file == _STANDARD:
        yield sys.stdin.buffer
        return
    with file.open("rb") as source:
        yield source


def _safe(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
