"""What the daemon raises.

::

    DaemonError
    ├── ConfigError     the configuration cannot be used; names the file and the place in it
    └── StoreError      the state store cannot be used
        └── StoreBusy   another process is using it
"""

from __future__ import annotations

from kibcase.errors import KibcaseError


class DaemonError(KibcaseError):
    """The root of what the daemon raises."""


class ConfigError(DaemonError):
    """The configuration cannot be used.

    ``source`` is the file, ``problems`` one line per mistake: the place in the file and what is wrong there.
    """

    def __init__(self, source: str, problems: tuple[str, ...]) -> None:
        self.source = source
        self.problems = problems
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{source} cannot be used:\n{lines}")


class StoreError(DaemonError):
    """The state store cannot be used."""


class StoreBusy(StoreError):
    """Another process is using the state store."""
