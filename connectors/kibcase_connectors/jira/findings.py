"""What ``check`` of Jira tells, line by line."""

from __future__ import annotations

from kibcase_connectors.model import Finding


def ok(subject: str, text: str) -> Finding:
    """Give a line about what is as it should be."""
    return Finding(level="ok", subject=subject, text=text)


def note(subject: str, text: str) -> Finding:
    """Give a line about what a person should know."""
    return Finding(level="note", subject=subject, text=text)


def problem(subject: str, text: str) -> Finding:
    """Give a line about what will not work."""
    return Finding(level="problem", subject=subject, text=text)


def listed(values: object) -> str:
    """Give the first twenty of a list of names, or of the keys of a mapping, in one line."""
    texts = [str(value) for value in values] if isinstance(values, (list, dict)) else []
    shown = ", ".join(texts[:20])
    return f"{shown}, ..." if len(texts) > 20 else shown or "none"
