"""The endings that Kibana's own push leaves on a ticket's description and comments."""

from __future__ import annotations

import re

_ADDED = re.compile(
    r"\n[ \t]*\n[ \t]*Added by [^\n]{1,512}\.[ \t]*"
    r"(?:\s{1,8}For more details, view (?:this case|the alerts) in Kibana\.?[ \t]*)?"
    r"(?:\n[ \t]*(?:Case|Alerts) URL: [^\s]{1,4096}[ \t]*)?"
)
_BRACKETED = re.compile(r"(?:\A|[ \t\n])\((?:created|updated|added) at [^\s()]{4,64} by [^\n]{1,1024}\)")
_OPENINGS = ("(created at ", "(updated at ", "(added at ")
_TAIL = 8192


def strip_kibana_footer(text: str) -> str:
    r"""Return ``text`` without the footers Kibana's push appends, and without white space at its end.

    Newlines come back as ``\n``.

    Taken off, at the end only and as often as they stand there:

    * a paragraph ``Added by <name>.`` after a blank line, with the optional lines ``For more details, view
      this case in Kibana.`` and ``Case URL: <url>`` (Kibana 8 and 9, ``xpack.cases.server.addedBy`` and
      its neighbours, English locale);
    * a bracketed ``(created at <time> by <name>)``, ``(updated at ...)`` or ``(added at ...)`` (7.x).
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    while (shorter := _without_one(text)) != text:
        text = shorter
    return text


def _without_one(text: str) -> str:
    offset = max(0, len(text) - _TAIL)
    start = text.rfind("Added by ", offset)
    if start >= 0:
        start = text.rfind("\n", offset, start)
        start = text.rfind("\n", offset, start) if start > offset else -1
    if start >= 0 and _ADDED.fullmatch(text, start):
        return text[:start].rstrip()
    start = max(text.rfind(opening, offset) for opening in _OPENINGS)
    if start >= 0 and _BRACKETED.fullmatch(text, max(0, start - 1)):
        return text[:start].rstrip()
    return text
