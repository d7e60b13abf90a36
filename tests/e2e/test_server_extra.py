"""Scripts that import the embedded server without its extra are told which command installs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
try:
    import {module}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
@pytest.mark.parametrize("module", ["kibcase.server.app", "kibcase_connectors.standins.jira"])
def test_a_missing_server_extra_is_named(package: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(package=package, module=module)], capture_output=True, text=True,
        timeout=60, check=True,
    )
    assert "pip install 'kibcase[server]'" in done.stdout
