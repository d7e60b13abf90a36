"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]
OWN = "kibcase.pytest_plugin"
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def start(code: str, *arguments: str, ini: str = "") -> pytest.RunResult:
        pytester.makeini(f"[pytest]\naddopts = --strict-markers -W error\n{ini}\n")
        pytester.makepyfile(code)
        registered = entry_points(group="pytest11", name="kibcase")
        plugin = () if registered else ("-p", OWN)
        return pytester.runpytest_subprocess(*plugin, "-p", "no:cacheprovider", *arguments, timeout=60)

    return start


def test_a_server_and_a_client(run: Run) -> None:
    run("""
        import urllib.request

        def test_client(kibana, kibcase_server, elasticsearch_url):
            case = kibana.cases.create(title="Beacon", description="Seen.", owner="securitySolution")
            assert kibana.cases.get(case.id).close().status == "closed"
            assert kibcase_server.kibana.writes[0].path == "/api/cases"
            assert kibana.url == kibcase_server.kibana_url
            assert elasticsearch_url == kibcase_server.elasticsearch_url

        def test_every_test_begins_anew(kibana):
            assert kibana.cases.find().total == 0
    """).assert_outcomes(passed=2)


def test_the_marker_says_what_server_and_which_space(run: Run) -> None:
    run("""
        import pytest
        from kibcase import LicenseRequired, Version

        pytestmark = pytest.mark.kibcase(stack_version="8.19.0", license="platinum")

        @pytest.mark.kibcase(license="basic", space="soc")
        def test_closest_marker_wins(kibana):
            assert kibana.status.version == Version(8, 19, 0)
            assert kibana.space_id == "soc"
            with pytest.raises(LicenseRequired):
                kibana.cases.create(title="t", description="d", owner="cases", assignees=["u_1"])
            assert kibana.cases.find().total == 0

        @pytest.mark.kibcase(users={"mara": "s3cret"})
        def test_users(kibana):
            case = kibana.cases.create(title="t", description="d", owner="cases", assignees=["u_1"])
            assert case.created_by.username == "mara"
    """).assert_outcomes(passed=2)


def test_settings_of_the_whole_suite(run: Run) -> None:
    run("""
        def test_version(kibana):
            assert str(kibana.status.version) == "9.4.0"
            assert kibana.status.license().license.type == "gold"
    """, ini="kibcase_stack_version = 9.4.0\nkibcase_license = gold").assert_outcomes(passed=1)


def test_a_misspelt_option_is_told(run: Run) -> None:
    result = run("""
        import pytest

        @pytest.mark.kibcase(stack="9.2.0")
        def test_it(kibana):
            pass
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*TypeError*'stack'*"])


def test_a_misspelt_licence_is_told(run: Run) -> None:
    result = run("""
        import pytest

        def test_by_setting(kibcase_server): ...

        @pytest.mark.kibcase(license="platinumm")
        def test_by_marker(kibcase_server): ...
    """, ini="kibcase_license = goldd")
    result.assert_outcomes(errors=2)
    text = result.stdout.str()
    assert "ValueError: not a licence: 'goldd'; there are basic, gold, platinum, enterprise, trial" in text
    assert "ValueError: not a licence: 'platinumm'; there are basic, gold, platinum, enterprise, trial" in text


def test_ones_own_fixture_wins(run: Run) -> None:
    run("""
        import pytest

        @pytest.fixture
        def kibana():
            return "mine"

        def test_it(kibana):
            assert kibana == "mine"
    """).assert_outcomes(passed=1)


def test_nothing_of_the_server_is_loaded_before_it_is_used(run: Run) -> None:
    run("""
        import sys

        def test_it():
            assert not {"starlette", "uvicorn", "sqlite3", "kibcase.server"} & set(sys.modules)
    """).assert_outcomes(passed=1)


def test_without_the_extra_only_what_needs_it_fails(run: Run) -> None:
    result = run("""
        import sys

        sys.modules["uvicorn"] = None

        def test_server(kibcase_server):
            pass

        def test_other():
            pass
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*pip install 'kibcase?server?'*"])


def test_the_fixtures_are_documented(run: Run) -> None:
    text = str(run("", "--fixtures").stdout)
    assert all(name in text for name in ("kibcase_server", "elasticsearch_url", "kibana"))


def test_importing_the_plugin_loads_no_extra() -> None:
    code = f"import sys, {OWN}; print([name for name in ('starlette', 'uvicorn', 'click') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
