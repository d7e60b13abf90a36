"""Import the packages of optional extras, or say which command installs them."""

from __future__ import annotations

import importlib
from types import ModuleType

from kibcase.errors import MissingExtraError


def require(package: str, extra: str) -> ModuleType:
    """Import and return ``package`` ("elasticsearch", "starlette.routing").

    Raises ``MissingExtraError`` if the package is not installed; its message holds the command
    ``pip install 'kibcase[extra]'``. An import error inside an installed package is passed on.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name and (package == error.name or package.startswith(f"{error.name}.")):
            raise MissingExtraError(extra, package) from error
        raise
