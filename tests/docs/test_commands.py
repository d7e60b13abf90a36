"""docs/commands.md tells every command and every option, and nothing else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Protocol

import click
import pytest

from kibcase_daemon.cli.app import app

Read = Callable[[str], "Document"]


class Document(Protocol):
    name: str
    text: str
    prose: str

    def blocks(self, language: str) -> list[str]: ...

    def section(self, heading: str) -> str: ...


def options_of(command: click.Command) -> set[str]:
    return {name for option in command.params if isinstance(option, click.Option) for name in option.opts}


def command_lines(text: str) -> list[list[str]]:
    """Give the arguments of the `kibcase` command lines of console blocks."""
    found = re.findall(r"^\$ kibcase (.*)$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in found]


def test_every_command_has_a_section(document: Read) -> None:
    headings = re.findall(r"^## (.*)$", document("docs/commands.md").text, re.MULTILINE)
    assert set(headings) == set(app.commands)


@pytest.mark.parametrize("name", sorted(app.commands))
def test_options_and_an_example(name: str, document: Read) -> None:
    section = document("docs/commands.md").section(name)
    told = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", section))
    assert told == options_of(app.commands[name])
    assert any(arguments[0] == name for arguments in command_lines(section))


@pytest.mark.parametrize("name", sorted(app.commands))
def test_defaults_are_told(name: str, document: Read) -> None:
    section = document("docs/commands.md").section(name)
    for option in app.commands[name].params:
        if isinstance(option, click.Option) and not option.is_flag and isinstance(option.default, str | int | float):
            value = f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
            if value != "0":
                assert value in section, f"{option.opts[-1]} is {value} by default"


def test_command_lines_are_accepted(any_document: Document) -> None:
    lines = [line for block in any_document.blocks("console") for line in command_lines(block)]
    for name, *arguments in lines:
        command = app.commands[name]
        with click.Context(command, info_name=name, resilient_parsing=False) as context:
            command.parse_args(context, list(arguments))


def test_commands_named_in_prose_exist(any_document: Document) -> None:
    named = set(re.findall(r"`kibcase ([a-z]+)", any_document.prose))
    assert named <= set(app.commands)
