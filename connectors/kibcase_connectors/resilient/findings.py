"""Findings of ``check`` in few words; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kibcase_connectors.model import Finding
from kibcase_connectors.resilient.wire import FieldDef


def ok(subject: str, text: str) -> Finding:
    """Give a finding that all is well."""
    return Finding(level="ok", subject=subject, text=text)


def note(subject: str, text: str) -> Finding:
    """Give a finding that a person should know of."""
    return Finding(level="note", subject=subject, text=text)


def problem(subject: str, text: str) -> Finding:
    """Give a finding that something will not work."""
    return Finding(level="problem", subject=subject, text=text)


def offered(key: str, found: FieldDef, labels: Sequence[str]) -> Iterator[Finding]:
    """Tell of labels that a field does not offer."""
    known = {label.casefold() for label in found.labels}
    for label in dict.fromkeys(labels):
        if label.casefold() not in known:
            said = f"{found.text} ({found.name}) has no value {label!r}; there is {listed(found.labels)}"
            yield problem(key, said)


def listed(values: Sequence[str]) -> str:
    """Give values in one line, the first 20 of them."""
    shown = ", ".join(values[:20])
    return f"{shown}, ..." if len(values) > 20 else shown or "none"
