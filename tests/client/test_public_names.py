from __future__ import annotations

import subprocess
import sys
import types

import pytest

import kibcase
from kibcase.errors import MissingExtraError
from kibcase.extras import require

EXTRAS = ["elasticsearch", "starlette", "uvicorn", "jira", "click", "apscheduler", "yaml"]


def test_all_is_exactly_what_is_visible() -> None:
    visible = {
        name for name in dir(kibcase)
        if not name.startswith("_") and not isinstance(getattr(kibcase, name), types.ModuleType)
    }
    assert visible | {"__version__"} == set(kibcase.__all__)


def test_all_is_sorted() -> None:
    ordered = sorted(kibcase.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert kibcase.__all__ == ordered


def test_every_error_is_public() -> None:
    errors = {
        name for name, value in vars(kibcase.errors).items()
        if isinstance(value, type) and issubclass(value, kibcase.KibcaseError)
    }
    assert errors <= set(kibcase.__all__)


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    code = (
        "import sys, kibcase; before = {name for name in sys.modules if name.startswith('kibcase.')}; "
        "kibcase.ConflictError; assert not any(hasattr(kibcase, name) for name in ('conflict', 'client_', '_parts')); "
        "print(before, 'kibcase.errors' in sys.modules, 'pydantic' in sys.modules, kibcase.Kibana.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "set() True False Kibana"


def test_importing_the_library_loads_no_extra() -> None:
    code = f"import sys, kibcase; print([name for name in {EXTRAS!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_extra_names_the_command() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'kibcase\[server\]'"):
        require("surely_not_installed.sub", "server")


def test_a_package_that_is_there_is_imported() -> None:
    assert require("json.decoder", "server").__name__ == "json.decoder"


def test_a_package_that_lacks_something_itself_is_not_called_missing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("packages")
    (folder / "half_installed.py").write_text("import surely_not_installed\n")
    monkeypatch.syspath_prepend(str(folder))
    with pytest.raises(ModuleNotFoundError) as caught:
        require("half_installed", "server")
    assert not isinstance(caught.value, MissingExtraError)
