"""Which Kibana the ``kibcase cases`` commands speak to: options, environment, or a system of a configuration."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from kibcase_daemon.cli.output import read_config

if TYPE_CHECKING:
    from kibcase import Kibana

API_KEY_ENV: Final = "KIBCASE_API_KEY"
PASSWORD_ENV: Final = "KIBCASE_PASSWORD"  # noqa: S105 - a name, not a password

_Command = Callable[..., Any]
_GIVEN: Final = frozenset({click.core.ParameterSource.COMMANDLINE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where to connect and as whom; ``owner`` is that of the configured system, None without one."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    space: str = "default"
    verify: bool | Path = True
    timeout: tuple[float, float] = (5.0, 30.0)
    owner: str | None = None

    def open(self) -> Kibana:
        """Give the client; raises ``click.UsageError`` for an address, space or pair of credentials it refuses."""
        from kibcase import Kibana

        try:
            return Kibana(
                self.url, username=self.username, password=self.password, api_key=self.api_key, space=self.space,
                verify=self.verify, timeout=self.timeout,
            )
        except (ValueError, OSError) as error:
            raise click.UsageError(str(error)) from error


def connection_options(command: _Command) -> _Command:
    """Add the options that say which Kibana; the command gets a ``Connection`` as ``connection``."""

    @functools.wraps(command)
    def run(**arguments: Any) -> Any:
        chosen = {name: arguments.pop(name) for name in _NAMES}
        return command(connection=_connection(click.get_current_context(), chosen, os.environ), **arguments)

    for option in reversed(_OPTIONS):
        run = option(run)
    return run


_OPTIONS = (
    click.option("--url", metavar="URL", envvar="KIBCASE_URL", show_envvar=True, help="Kibana's address."),
    click.option("--user", metavar="NAME", envvar="KIBCASE_USER", show_envvar=True, help="The user to log in as."),
    click.option(
        "--password-env", metavar="NAME", default=PASSWORD_ENV, show_default=True,
        help="The environment variable that holds the password.",
    ),
    click.option(
        "--api-key-env", metavar="NAME", default=API_KEY_ENV, show_default=True,
        help="The environment variable that holds an encoded API key.",
    ),
    click.option("--space", metavar="ID", envvar="KIBCASE_SPACE", show_envvar=True, help="The space of the cases."),
    click.option("--ca", type=click.Path(path_type=Path), metavar="FILE", help="Trust the certificates in this file."),
    click.option(
        "-c", "--config", type=click.Path(path_type=Path), metavar="FILE", envvar="KIBCASE_CONFIG", show_envvar=True,
        help="Take address and account of a system from this configuration.",
    ),
    click.option("--system", metavar="NAME", help="Which system of the configuration, if it has several Kibanas."),
)
_NAMES = ("url", "user", "password_env", "api_key_env", "space", "ca", "config", "system")


def _connection(context: click.Context, chosen: Mapping[str, Any], env: Mapping[str, str]) -> Connection:
    if _from_configuration(context, chosen):
        return _configured(chosen["config"], chosen["system"], chosen["space"] if _given(context, "space") else None)
    if not chosen["url"]:
        raise click.UsageError("name Kibana's address with --url or KIBCASE_URL, or a configuration with -c")
    password, api_key = _credentials(context, chosen, env)
    return Connection(
        url=chosen["url"], username=None if api_key else chosen["user"], password=password, api_key=api_key,
        space=chosen["space"] or "default", verify=chosen["ca"] or True,
    )


def _from_configuration(context: click.Context, chosen: Mapping[str, Any]) -> bool:
    url, config = _given(context, "url"), _given(context, "config")
    if url and (config or chosen["system"]):
        raise click.UsageError("give either --url or a configuration, not both")
    if chosen["system"] and not chosen["config"]:
        raise click.UsageError("--system needs a configuration: -c FILE")
    # What is on the command line says more than the environment; of two variables the address is the plainer one.
    return bool(chosen["config"]) and not url and (config or bool(chosen["system"]) or not chosen["url"])


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) in _GIVEN


def _credentials(
    context: click.Context, chosen: Mapping[str, Any], env: Mapping[str, str]
) -> tuple[str | None, str | None]:
    for option in ("password_env", "api_key_env"):
        if _given(context, option) and not env.get(chosen[option]):
            raise click.UsageError(f"the environment variable {chosen[option]} is not set")
    api_key = env.get(chosen["api_key_env"]) or None
    if api_key and not (_given(context, "user") or _given(context, "password_env")):
        return None, api_key
    if api_key and _given(context, "api_key_env"):
        raise click.UsageError("give either a user and a password, or an API key")
    if not chosen["user"]:
        raise click.UsageError(
            f"say who you are: --user with {chosen['password_env']}, or {chosen['api_key_env']} with an API key"
        )
    password = env.get(chosen["password_env"])
    if not password:
        raise click.UsageError(f"the password of {chosen['user']} belongs into {chosen['password_env']}")
    return password, None


def _configured(path: Path, name: str | None, space: str | None) -> Connection:
    from kibcase_connectors.kibana import KibanaConfig

    systems = {
        key: system.settings for key, system in read_config(path).systems.items()
        if isinstance(system.settings, KibanaConfig)
    }
    if name is None and len(systems) != 1:
        raise click.UsageError(f"{path} has {len(systems)} systems of type kibana; choose one with --system")
    settings = next(iter(systems.values())) if name is None else systems.get(name)
    if settings is None:
        raise click.UsageError(f"{path} has no system of type kibana that is called {name}")
    return Connection(
        url=settings.url, username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        space=space or settings.space, verify=settings.verify, timeout=settings.timeout, owner=settings.owner,
    )
