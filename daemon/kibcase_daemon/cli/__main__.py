"""``python -m kibcase_daemon.cli``."""

from kibcase_daemon.cli.entry import main

main()
