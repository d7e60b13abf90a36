"""The entry point: run a command, and turn what it raises into one message and an exit code.

Only the standard library is imported before a command runs; ``kibcase --help`` loads neither the client
library nor the engine.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Final, NoReturn

EXIT_TROUBLE: Final = 1
EXIT_CONFIG: Final = 2
EXIT_INTERRUPTED: Final = 130

_PACKAGES = frozenset(
    {"apscheduler", "click", "elasticsearch", "jira", "markdown_it", "rich", "starlette", "uvicorn", "yaml"}
)
_EXTRAS = {"cases": "cli", "server": "server", "sandbox": "all", "demo": "all"}


def main() -> NoReturn:
    """Run ``kibcase`` with the arguments of the process and exit with its code."""
    _open_streams()
    sys.exit(run(sys.argv[1:]))


def _open_streams() -> None:
    # A job may run with closed streams, and a terminal may not know every character that people write.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for the whole process
        elif name == "stdout" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run(arguments: list[str]) -> int:
    """Run one command line; gives the exit code, with every foreseen failure told on standard error."""
    try:
        return _invoke(arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        extra = _EXTRAS.get(next((word for word in arguments if not word.startswith("-")), ""), "daemon")
        return _fail(f"the package {package!r} is not installed. Install it with: pip install 'kibcase[{extra}]'")


def _invoke(arguments: list[str]) -> int:
    import click

    from kibcase_daemon.cli.app import app

    try:
        result = app.main(arguments, prog_name="kibcase", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except ModuleNotFoundError:
        raise
    except Exception as error:
        # Only here are the error classes imported, to keep the start short; what is not foreseen goes on as it is.
        code = exit_code_of(error)
        if code is None:
            raise
        return _fail(str(error), code)
    return result if isinstance(result, int) else 0


def exit_code_of(error: Exception) -> int | None:
    """Give the exit code for an error that is told to people as it is; None for one that is a bug."""
    from kibcase.errors import AuthenticationError, KibcaseError, MissingExtraError
    from kibcase_connectors.errors import Denied
    from kibcase_daemon.errors import ConfigError

    if isinstance(error, AuthenticationError | ConfigError | Denied | MissingExtraError):
        return EXIT_CONFIG
    return EXIT_TROUBLE if isinstance(error, KibcaseError | OSError) else None


def _fail(message: str, code: int = EXIT_CONFIG) -> int:
    # What a remote side said is in here: it may not steer the terminal.
    safe = "".join(char if char.isprintable() or char == "\n" else " " for char in message)
    print(f"kibcase: {safe}", file=sys.stderr)
    return code
