"""Environments with one extra each: what works in it, and what is said of the rest."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.packaging.conftest import Environment

HEAVY = (
    "elasticsearch", "elastic_transport", "jira", "markdown_it", "starlette", "uvicorn", "click", "apscheduler",
    "rich", "yaml", "jwt", "cryptography",
)
ALERTS = "from kibcase.alerts import AlertIndices; AlertIndices('http://127.0.0.1:9', api_key='x')"
SERVER = "from kibcase.server.app import CasesServer; CasesServer().stop()"
KIBANA = "import kibcase_connectors.kibana, kibcase_connectors.memory"
JIRA = "import kibcase_connectors.jira"
MARKUP = "import kibcase_connectors.markup"
JWT = """
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
try:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    made = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
except ModuleNotFoundError:
    made = "x"
config = ServiceNowConfig(
    url="http://127.0.0.1:9", account="a", client_id="c", client_secret="s", jwt_key_id="k", jwt_user="u",
    jwt_private_key=made,
)
signed = lambda: ServiceNowConnector("it", config).close()
"""
STANDIN = "from kibcase_connectors.standins.jira import JiraStandin; JiraStandin().stop()"
Install = Callable[[str], "Environment"]


@pytest.fixture
def light(install: Install) -> Environment:
    return install("")


def test_the_library_is_light(light: Environment) -> None:
    code = f"""
import importlib.util, json, sys
import kibcase
heavy = {HEAVY!r}
print(json.dumps([
    [name for name in heavy if name in sys.modules],
    [name for name in heavy if importlib.util.find_spec(name)],
    kibcase.__version__, kibcase.__file__,
]))
"""
    loaded, installed, version, place = json.loads(light.python(code).stdout)
    assert (loaded, installed) == ([], [])
    assert version
    assert place.startswith(str(light.folder))


@pytest.mark.parametrize("extra", ["", "server"])
def test_importing_the_library_loads_no_extra(install: Install, extra: str) -> None:
    code = f"import sys, kibcase; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert install(extra).python(code).stdout == "[]\n"


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("", KIBANA), ("", "from kibcase.alerts import flatten"), ("alerts", ALERTS), ("server", SERVER),
        ("server", STANDIN), ("connectors", JIRA), ("connectors", MARKUP), ("daemon", ALERTS), ("daemon", JIRA),
        ("all", SERVER), ("all", STANDIN), ("all", JIRA), ("all", ALERTS),
        ("jwt", "import jwt, cryptography"), ("all", f"{JWT}\nsigned()"),
    ],
)
def test_what_an_extra_brings(install: Install, extra: str, code: str) -> None:
    done = install(extra).python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("extra", "code", "named"),
    [
        ("", ALERTS, "alerts"), ("server", ALERTS, "alerts"), ("connectors", ALERTS, "alerts"),
        ("", JIRA, "connectors"), ("server", JIRA, "connectors"), ("", MARKUP, "connectors"),
    ],
)
def test_a_missing_extra_is_named_to_scripts(install: Install, extra: str, code: str, named: str) -> None:
    catch = f"""
import kibcase
try:
    {code}
except kibcase.MissingExtraError as error:
    assert isinstance(error, ImportError)
    print(error)
"""
    done = install(extra).python(catch)
    assert done.stdout.endswith(f" is not installed. Install it with: pip install 'kibcase[{named}]'\n"), done.stderr


@pytest.mark.parametrize("extra", ["connectors", "daemon"])
def test_signed_assertions_name_their_extra(install: Install, extra: str) -> None:
    catch = f"{JWT}\nimport kibcase\ntry:\n    signed()\nexcept kibcase.MissingExtraError as error:\n    print(error)"
    done = install(extra).python(catch)
    assert done.stdout.endswith(" is not installed. Install it with: pip install 'kibcase[jwt]'\n"), done.stderr


@pytest.mark.parametrize(
    ("extra", "arguments", "named"),
    [
        ("", [], "daemon"), ("", ["--help"], "daemon"), ("", ["--version"], "daemon"), ("", ["sync"], "daemon"),
        ("", ["server"], "server"), ("", ["sandbox"], "all"), ("", ["demo"], "all"),
        ("connectors", ["sync"], "daemon"), ("alerts", ["server"], "server"),
        ("cli", ["sync", "-c", "nowhere.yaml"], "daemon"), ("cli", ["check", "-c", "nowhere.yaml"], "daemon"),
        ("cli", ["serve", "-c", "nowhere.yaml"], "daemon"), ("cli", ["sandbox"], "all"),
        ("server", ["demo"], "all"), ("daemon", ["server"], "server"), ("daemon", ["sandbox"], "all"),
        ("daemon", ["demo"], "all"), ("", ["cases", "list"], "cli"),
    ],
)
def test_a_missing_extra_is_named_on_the_command_line(
    install: Install, extra: str, arguments: list[str], named: str
) -> None:
    done = install(extra).kibcase(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("kibcase: the package ")
    assert line.endswith(f" is not installed. Install it with: pip install 'kibcase[{named}]'")


def test_the_server_runs_with_its_extra_alone(install: Install) -> None:
    process = install("server").popen("kibcase", "server", "--port", "0", "--es-port", "0", "--json")
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert set(told) == {"kibana", "elasticsearch"}
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_the_commands_of_cases_run_with_their_extra_alone(install: Install) -> None:
    done = install("cli").kibcase("cases", "list", "--url", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "say who you are" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("extra", ["cli", "server", "daemon", "all"])
def test_the_console_script_works(install: Install, extra: str) -> None:
    environment = install(extra)
    version = environment.python("import kibcase; print(kibcase.__version__)").stdout.strip()
    assert environment.kibcase("--version").stdout == f"kibcase, version {version}\n"
    done = environment.kibcase("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n  sync " in done.stdout


def test_the_daemon_reads_a_configuration_with_its_extra_alone(install: Install) -> None:
    environment = install("daemon")
    config = environment.folder / "config.yaml"
    config.write_text(
        "version: 1\nsystems:\n"
        "  soc: {type: kibana, url: 'http://127.0.0.1:9', username: u, password: p, owner: cases}\n"
        "  it: {type: jira, url: 'http://127.0.0.1:9', email: e, api_token: t, project: SOC}\n"
        "links:\n  - {name: a, case: soc, ticket: it}\n",
        encoding="utf-8",
    )
    done = environment.kibcase("sync", "-c", str(config))
    assert done.returncode == 1, done.stderr
    assert "soc: " in done.stderr
    assert "Traceback" not in done.stderr
