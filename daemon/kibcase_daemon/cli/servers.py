"""``kibcase server``, ``kibcase sandbox`` and ``kibcase demo``."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from kibcase_daemon.cli.entry import EXIT_CONFIG
from kibcase_daemon.cli.output import console, json_option, write_json
from kibcase_daemon.cli.signals import until_stopped, wait

if TYPE_CHECKING:
    from kibcase.server.privileges_file import Accounts
    from kibcase.server.stack import License
    from kibcase_daemon.sandbox import SystemName

# What the computer says of a host that is none of its own, and of one that it cannot find.
_NOT_OURS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)
_LICENSES = ("basic", "gold", "platinum", "enterprise", "trial")
_PORT = click.IntRange(0, 65535)
# As in kibcase_daemon.sandbox, which is imported only when it is run: it needs more than the command line does.
_SYSTEMS = ("jira", "servicenow", "resilient")


@click.command(short_help="Run the embedded Cases server.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=_PORT, default=5601, show_default=True, help="Kibana's port; 0: any free one.")
@click.option("--es-port", type=_PORT, default=9200, show_default=True, help="Elasticsearch's port; 0: any free one.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Keep the state there.")
@click.option("--stack-version", default="9.2", show_default=True, help="The version that it plays: 8.17 to 9.6.")
@click.option("--license", "license_", type=click.Choice(_LICENSES), default="trial", show_default=True)
@click.option(
    "--users", "users_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Users, roles and API keys (YAML or JSON), in the place of elastic / changeme.",
)
@click.option(
    "--number-after", type=click.FloatRange(min=0), default=600.0, show_default=True, metavar="SECONDS",
    help="The age at which a case gets its incremental id.",
)
@json_option
def server(
    host: str, port: int, es_port: int, data: Path | None, stack_version: str, license_: License,
    users_file: Path | None, number_after: float, *, as_json: bool,
) -> None:
    """Run the embedded Kibana-compatible Cases server until Ctrl-C.

    A server for development and tests: it listens on this machine only, unless --host says otherwise.
    """
    from kibcase.server.app import CasesServer
    from kibcase.server.privileges_file import Accounts, read_accounts
    from kibcase.server.stack import full_version
    from kibcase.server.users import DEFAULT_USERS

    _check_version(stack_version)
    accounts = Accounts() if users_file is None else _read(users_file, read_accounts)
    with until_stopped(), ExitStack() as ends:
        with _starting("server", host, ports={"--port": port, "--es-port": es_port}, data=data):
            running = CasesServer(
                host=host, port=port, es_port=es_port, data=data, stack_version=stack_version, license=license_,
                users=accounts.users, roles=accounts.roles, api_keys=accounts.api_keys,
                incremental_id_delay=number_after,
            )
        ends.enter_context(running)
        _warn(host, well_known=accounts.users is None)
        urls = {"kibana": running.kibana_url, "elasticsearch": running.elasticsearch_url}
        if as_json:
            write_json(urls)
        else:
            login = dict(zip(("username", "password"), *DEFAULT_USERS.items(), strict=True))
            known: dict[str, Any] = login if accounts.users is None else {"users": ", ".join(accounts.users)}
            facts = {**known, "version": full_version(stack_version)}
            systems = {name: {"url": url, **facts} for name, url in urls.items()}
            _announce(systems, as_json=False, host=host, kept=data, well_known=accounts.users is None)
        wait()


def _named(_context: click.Context, _option: click.Parameter, given: str) -> tuple[str, ...]:
    names = [each.strip() for each in given.split(",")]
    unknown = [each for each in names if each not in _SYSTEMS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(_SYSTEMS)}")
    return tuple(each for each in _SYSTEMS if each in names)


@click.command(short_help="Run the server and stand-ins of ticketing systems.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--kibana-port", type=_PORT, default=0, help="Kibana's port; by default any free one.")
@click.option("--es-port", type=_PORT, default=0, help="Elasticsearch's port; by default any free one.")
@click.option(
    "--with", "systems", callback=_named, default=",".join(_SYSTEMS), show_default=True, metavar="SYSTEMS",
    help="The ticketing systems to run.",
)
@click.option("--jira-port", type=_PORT, default=0, help="Jira's port; by default any free one.")
@click.option("--servicenow-port", type=_PORT, default=0, help="ServiceNow's port; by default any free one.")
@click.option("--resilient-port", type=_PORT, default=0, help="Resilient's port; by default any free one.")
@click.option(
    "--deployment", type=click.Choice(("cloud", "datacenter")), default="cloud", show_default=True,
    help="The kind of Jira.",
)
@click.option("--stack-version", default="9.2.0", show_default=True, help="The version that Kibana says it is.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Keep the state there.")
@click.option(
    "--config", "config_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write a configuration that keeps all of them in step.",
)
@json_option
def sandbox(
    host: str, kibana_port: int, es_port: int, systems: tuple[SystemName, ...], jira_port: int, servicenow_port: int,
    resilient_port: int, deployment: Literal["cloud", "datacenter"], stack_version: str, data: Path | None,
    config_file: Path | None, *, as_json: bool,
) -> None:
    """Run the embedded server and stand-ins of ticketing systems until Ctrl-C, to try things on.

    Everything is in memory and gone at the end, unless --data says where to keep it.
    """
    from kibcase_daemon.sandbox import CONFIG_HEADER, Sandbox

    _check_version(stack_version)
    if config_file is not None:
        _check_overwrite(config_file, CONFIG_HEADER)
    with until_stopped(), ExitStack() as ends:
        ports = {
            "--kibana-port": kibana_port, "--es-port": es_port, "--jira-port": jira_port,
            "--servicenow-port": servicenow_port, "--resilient-port": resilient_port,
        }
        with _starting("sandbox", host, ports=ports):
            running = Sandbox(
                systems=systems, kibana_port=kibana_port, es_port=es_port, jira_port=jira_port,
                servicenow_port=servicenow_port, resilient_port=resilient_port, deployment=deployment, host=host,
                data=data, stack_version=stack_version,
            )
        ends.enter_context(running)
        if config_file is not None:
            # The state goes with what it tells of: kept with the data, or gone with the memory.
            folder = data or Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="kibcase-sandbox-")))
            _write(config_file, running.config_text(folder.absolute() / "kibcase.db"))
        _announce(running.describe(), as_json=as_json, host=host, kept=data)
        if not as_json:
            click.echo("Faults on demand: calls below /_kibcase at each address, by elastic and maria.lindqvist.")
        if config_file is not None and not as_json:
            click.echo(f"\nKeep them in step with: kibcase sync -c {config_file}")
            if running.tags:
                click.echo(f"A case gets a ticket in each system that its tags name: {', '.join(running.tags)}.")
        wait()


@click.command(short_help="Show the main job from end to end.")
@click.option("--keep", is_flag=True, help="Leave everything running at the end, until Ctrl-C.")
def demo(*, keep: bool) -> int:
    """Show the main job from end to end: alerts, cases, tickets, both ways."""
    from kibcase_daemon.demo import run

    return run(keep=keep, console=console())


class BadSetting(click.ClickException):
    """An option whose value cannot be used, told in one line; the exit code is that of bad configuration."""

    exit_code = EXIT_CONFIG


def _check_version(text: str) -> None:
    from kibcase.server.stack import Stack, full_version

    try:
        Stack(full_version(text))
    except ValueError as error:
        raise BadSetting(f"--stack-version: {error}") from error


def _read(users_file: Path, read: Callable[[Path], Accounts]) -> Accounts:
    try:
        return read(users_file)
    except OSError as error:
        raise BadSetting(f"--users: {users_file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadSetting(f"--users: {error}") from error


@contextmanager
def _starting(name: str, host: str, *, ports: Mapping[str, int], data: Path | None = None) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        where = "" if data is None else f"; the data file is {data}"
        raise click.ClickException(f"the {name} cannot start: {error}{where}") from error
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno in _NOT_OURS:
            raise BadSetting(f"--host: {host} is no address of this machine: {error.strerror}") from error
        taken = _taken(host, ports) if error.errno == errno.EADDRINUSE else None
        raise click.ClickException(f"the {name} cannot start: {taken or error}") from error
    except ValueError as error:
        raise click.ClickException(f"the {name} cannot start: {error}") from error


def _taken(host: str, ports: Mapping[str, int]) -> str | None:
    busy = [(option, port) for option, port in ports.items() if port and not _is_free(host, port)]
    if not busy:
        return None
    named = " and ".join(f"port {port} ({option})" for option, port in busy)
    return f"{named} is in use; choose another one, or 0 for any free one"


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _warn(host: str, *, well_known: bool) -> None:
    if is_loopback(host):
        return
    passwords = "with a well-known password and " if well_known else ""
    text = f"WARNING: whoever can reach {host} can use this server, {passwords}without encryption."
    click.secho(text, err=True, bold=True, fg="red")


def _announce(
    systems: dict[str, dict[str, Any]], *, as_json: bool, host: str, kept: Path | None, well_known: bool = True
) -> None:
    if as_json:
        write_json(systems)
        return
    # Plain text: `kibcase server` must do with the server extra, which brings no tables.
    for name, facts in systems.items():
        click.secho(f"{name:14} {facts['url']}", bold=True)
        for fact, value in facts.items():
            if fact == "people":
                for person in value:
                    click.echo(f"{'':16}{' / '.join(person.values())}")
            elif fact != "url":
                click.echo(f"{'':14} {fact}: {value}")
    state = f"The state is kept in {kept}." if kept else "The state is in memory."
    click.echo(f"\n{_reach(host, well_known=well_known)} {state}")
    click.echo("For development and tests. Ctrl-C ends it.")


def _reach(host: str, *, well_known: bool) -> str:
    if is_loopback(host):
        return "Only this machine can reach it."
    passwords = "with well-known passwords and " if well_known else ""
    return f"Whoever can reach {host} can reach it, {passwords}without encryption."


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_overwrite(path: Path, header: str) -> None:
    if path.exists() and not _begins_with(path, header):
        raise click.ClickException(f"{path} exists and was not written by the sandbox; it is left alone")


def _begins_with(path: Path, header: str) -> bool:
    with path.open("rb") as file:
        return file.read(len(header.encode())) == header.encode()


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"the configuration cannot be written to {path}: {error.strerror}") from error
