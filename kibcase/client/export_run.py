"""Make cases anew from their records, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kibcase.client.export_format import End, Header, Record, UnreadableExport
from kibcase.client.export_restore import Options, Restored, Restoring
from kibcase.client.export_text import counted
from kibcase.errors import KibcaseError
from kibcase.models.case import Case

if TYPE_CHECKING:
    from kibcase.client.kibana import Kibana


class BrokenOff(KibcaseError):
    """Making cases anew ended before its time; ``__cause__`` is why.

    ``made`` is how many cases were finished before, ``half`` the one that was begun and is not whole (None if
    there is none): delete it, or complete it by hand.
    """

    def __init__(self, reason: str, *, made: int, half: Restored | None) -> None:
        self.made = made
        self.half = half
        parts = [reason if reason.endswith((".", "!", "?")) else f"{reason}."]
        if half is not None and half.case is not None:
            parts.append(f"The case {half.case.id} was begun there and is not whole: delete it before you try again.")
        if made:
            parts.append(f"Made before: {counted(made, 'case')}.")
        super().__init__(" ".join(parts))


def restore(target: Kibana, source: Iterable[Record], options: Options) -> Iterator[Restored]:
    """Make every case anew as its records come, and tell what became of it.

    A case that is refused does not keep the others from it. When the records turn out to be broken, the case in the
    making is told first, with what is missing, then ``UnreadableExport`` is raised. What else goes wrong (connection,
    credentials, reading the original) raises ``BrokenOff``, or the error itself if nothing was made.
    """
    work = _Work(target, options)
    try:
        for record in source:
            yield from work.take(record)
        yield from work.finish()
    except UnreadableExport as error:
        yield from work.cut_off(str(error))
        raise UnreadableExport(error.reason, error.line, made=work.made) from error
    except (KibcaseError, OSError) as error:
        half = work.half
        if half is None and not work.made:
            raise
        raise BrokenOff(str(error), made=work.made, half=half) from error


@dataclass(slots=True)
class _Work:
    """All cases, one after the other."""

    target: Kibana
    options: Options
    header: Header = field(default_factory=Header)
    running: Restoring | None = None
    made: int = 0

    def take(self, record: Record) -> Iterator[Restored]:
        """Take one record; a case before it is finished when the next one comes."""
        if isinstance(record, Header):
            self.header = record
        elif isinstance(record, Case):
            yield from self.finish()
            self.running = Restoring(self.target, record, self.options, self.header)
            self.running.begin()
        elif isinstance(record, End):
            yield from self.finish()
        elif self.running is not None:
            self.running.take(record)

    def finish(self) -> Iterator[Restored]:
        """Tell what became of the case in the making, if there is one."""
        if self.running is not None:
            yield self._told(self.running.finish())

    def cut_off(self, why: str) -> Iterator[Restored]:
        """Tell what became so far of the case in the making, if there is one."""
        if self.running is not None:
            yield self._told(self.running.break_off(why))

    @property
    def half(self) -> Restored | None:
        """The case in the making, if it was made."""
        return None if self.running is None or self.running.case is None else self.running.so_far()

    def _told(self, restored: Restored) -> Restored:
        self.running = None
        self.made += restored.case is not None
        return restored
