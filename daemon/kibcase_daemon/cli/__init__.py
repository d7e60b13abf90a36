"""The ``kibcase`` command."""

from kibcase_daemon.cli.entry import main

__all__ = ["main"]
