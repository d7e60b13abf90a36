"""All benchmarks that have a goal, in one run, and how they stand to it.

    python -m benchmarks [--quick]

Ends with 1 if a goal is missed. ``--quick`` measures little: it shows that everything runs, no more.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import find_scale, parse, server, startup
from benchmarks.support import show


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    # The server's rates come last: from there on this process stays on one processor.
    figures = [
        *startup.figures(rounds=1 if quick else 10),
        *parse.figures(200 if quick else 10_000, rounds=1 if quick else 15),
        *find_scale.figures([100, 300] if quick else [1000, 100_000], attachments=10, rounds=1 if quick else 5),
        *server.figures(20 if quick else 2000, rounds=1 if quick else 3),
    ]
    print()
    show(figures)
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
