"""How long ``kibcase --help`` takes, next to an interpreter that does nothing.

    python -m benchmarks.startup [--rounds 10]

Best of all rounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.support import Figure, show, timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    show(figures(parser.parse_args().rounds))


def figures(rounds: int) -> list[Figure]:
    script = str(Path(sys.executable).with_name("kibcase"))
    return [
        Figure(name="an interpreter that does nothing", value=best([sys.executable, "-c", ""], rounds), unit="s"),
        Figure(name="kibcase --help", value=best([script, "--help"], rounds), unit="s", goal=0.3, most=True),
    ]


def best(command: list[str], rounds: int) -> float:
    return min(
        timed(lambda: subprocess.run(command, check=True, capture_output=True, timeout=60)) for _ in range(rounds)
    )


if __name__ == "__main__":
    main()
