"""Work until somebody says stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class StopRequested(BaseException):
    """The process was asked to end; not an ``Exception``, so that nothing takes it for a failure."""


@contextmanager
def until_stopped() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the block in good order; a second one ends the process as it always does."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}

    def stop(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signature of handlers
        for each in numbers:
            signal.signal(each, signal.SIG_DFL)
        raise StopRequested

    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    except StopRequested:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait() -> NoReturn:
    """Do nothing, for ever; left by the exception of a signal."""
    while True:
        time.sleep(3600)
