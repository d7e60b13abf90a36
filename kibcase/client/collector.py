"""Keep Python's cycle collector out of the parsing of large answers."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_was_enabled = False


@contextmanager
def paused() -> Iterator[None]:
    """Collect no cycles in this process meanwhile; threads may be inside at the same time.

    For code that makes many objects that cannot be garbage yet: their number sets the collector off again and
    again, and each time it looks at more objects. A collector that was off before stays off.
    """
    global _inside, _was_enabled
    with _lock:
        if not _inside:
            _was_enabled = gc.isenabled()
            gc.disable()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _was_enabled:
                gc.enable()
