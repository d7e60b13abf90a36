"""A pytest plugin: a running server and a client for anybody's tests of scripts for Kibana Cases.

It comes with ``pip install 'kibcase[server]'`` and needs no ``conftest.py``::

    def test_my_script_closes_what_is_stale(kibana, kibcase_server):
        case = kibana.cases.create(title="Old", description="Seen.", owner="securitySolution")
        my_script.main(["--url", kibcase_server.kibana_url])
        assert kibana.cases.get(case.id).status == "closed"

    @pytest.mark.kibcase(stack_version="8.19.0", license="basic", space="soc")
    def test_on_an_old_stack(kibana): ...

The server is started for the first fixture that needs it, is new for every test, and is loaded no sooner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from kibcase.client.kibana import Kibana
    from kibcase.server.app import CasesServer

MARKER: Final = "kibcase"
_CLIENT: Final = frozenset({"space"})
_INI: Final = {
    "kibcase_stack_version": "the version of the Elastic stack that kibcase_server plays",
    "kibcase_license": "the licence of kibcase_server: basic, gold, platinum, enterprise or trial",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings ``kibcase_stack_version`` and ``kibcase_license``."""
    for name, text in _INI.items():
        parser.addini(name, text, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(space='default', **options): the space of the fixture kibana (made if need be), and options of "
        "kibcase.server.app.CasesServer for the fixture kibcase_server",
    )


@pytest.fixture
def kibcase_server(request: pytest.FixtureRequest) -> Iterator[CasesServer]:
    """Serve a Kibana with Cases, and an Elasticsearch, on free ports of this machine, in memory.

    The marker ``kibcase`` gives any option of ``CasesServer``. Raises ``ModuleNotFoundError`` with the command to
    install what is missing, ``TypeError`` for an unknown option.
    """
    from kibcase.server.app import CasesServer

    options = {name.removeprefix("kibcase_"): value for name in _INI if (value := request.config.getini(name))}
    given = {name: value for name, value in _marked(request).items() if name not in _CLIENT}
    with CasesServer(**{**options, **given}) as server:
        yield server


@pytest.fixture
def kibana(request: pytest.FixtureRequest, kibcase_server: CasesServer) -> Iterator[Kibana]:
    """Give a client of ``kibcase_server``, as its first user, in the space that the marker ``kibcase`` names."""
    from kibcase.client.kibana import Kibana
    from kibcase.server.users import DEFAULT_USERS

    username, password = _login(_marked(request).get("users") or DEFAULT_USERS)
    space = _marked(request).get("space", "default")
    with Kibana(kibcase_server.kibana_url, username=username, password=password, space=space) as client:
        if not kibcase_server.cases.spaces.has(space):
            kibcase_server.cases.spaces.create({"id": space, "name": space})
        yield client


@pytest.fixture
def elasticsearch_url(kibcase_server: CasesServer) -> str:
    """Give the address of the Elasticsearch that goes with ``kibcase_server``, without a trailing slash."""
    return kibcase_server.elasticsearch_url


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    # The closest marker says most: one on the test comes after one on its class or module.
    found: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        found |= marker.kwargs
    return found


def _login(users: Mapping[str, Any]) -> tuple[str, str]:
    username, password = next(iter(users.items()))
    return username, password if isinstance(password, str) else password.password
