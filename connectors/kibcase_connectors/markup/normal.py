"""Text in the form in which two systems' values are compared, and single-line fields."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from .characters import clean, prefix_of, units

LABEL_LIMIT = 255
_DIGEST = 10
_SPACE = re.compile(r"[\s\ufeff]+")


def normalise(text: str) -> str:
    r"""Return ``text`` in its comparable form.

    Newlines become ``\n``, white space at line ends and around the text goes, characters XML 1.0 forbids
    go, and the rest is in Unicode form NFC. ``normalise(normalise(x)) == normalise(x)``.
    """
    lines = unicodedata.normalize("NFC", clean(text)).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def one_line(text: str, limit: int = 255) -> str:
    """Return ``text`` on one line of at most ``limit`` UTF-16 code units, for a Jira summary.

    Runs of newlines become ``", "`` and the ends are trimmed, as Kibana's Jira connector does
    (``fields.summary``); a longer text is cut to ``limit - 1`` and ends in an ellipsis.
    Raises ``ValueError`` when ``limit`` is below 1.
    """
    if limit < 1:
        raise ValueError(f"A line of {limit} characters cannot hold anything; give a limit of at least 1.")
    line = _fold(clean(text).strip())
    if units(line) <= limit:
        return line
    return _whole(prefix_of(line, limit - 1), line).rstrip() + "…"


def _fold(text: str) -> str:
    return ", ".join(part.strip() for part in re.split(r"[\n\u0085\u2028\u2029]+", text) if part.strip())


def _whole(prefix: str, text: str) -> str:
    """Take marks off the end of ``prefix`` that would part a character from what belongs to it."""
    at = boundary_before(text, len(prefix))
    return text[:at] if at else prefix


def boundary_before(text: str, at: int) -> int:
    """Return the last position up to ``at`` that no combining sequence spans; 0 when there is none.

    Kept together: combining marks, variation selectors, zero width joiner sequences, skin tones and the
    two halves of a flag. A sequence longer than 64 characters is cut like any other text.
    """
    lowest = max(0, at - 64)
    for position in range(at, lowest, -1):
        if not _continues(text, position):
            return position
    return at


def _continues(text: str, at: int) -> bool:
    if at >= len(text):
        return False
    char, previous = text[at], text[at - 1]
    if unicodedata.category(char)[0] == "M" or char == "\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    return previous == "\u200d" or (_is_flag(char) and _is_flag(previous) and _flags_before(text, at) % 2 == 1)


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    count = 0
    while count < 128 and count < at and _is_flag(text[at - 1 - count]):
        count += 1
    return count


def label_of(tag: str) -> str:
    """Return the Jira label for a case tag: no white space, at most 255 UTF-16 code units.

    Each run of white space becomes ``-``, as in Kibana's push to Jira. A longer label is cut and ends in
    ``-`` and ten hexadecimal digits of the SHA-256 of the whole, so different tags stay different.
    Raises ``ValueError`` when nothing is left of ``tag``.
    """
    label = _SPACE.sub("-", clean(tag))
    if not label:
        raise ValueError("The tag has no character that a Jira label may hold.")
    if units(label) <= LABEL_LIMIT:
        return label
    digest = hashlib.sha256(label.encode()).hexdigest()[:_DIGEST]
    return f"{_whole(prefix_of(label, LABEL_LIMIT - _DIGEST - 1), label)}-{digest}"
