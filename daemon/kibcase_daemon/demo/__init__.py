"""``kibcase demo``: the main job, start to end, on systems that the demo starts itself.

Security alerts become cases, cases become tickets, both teams work, and both sides agree in the end.
"""

from kibcase_daemon.demo.performance import run

__all__ = ["run"]
