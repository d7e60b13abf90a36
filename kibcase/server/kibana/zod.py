"""Check untrusted JSON as the routes of Elastic Security do, with the texts of their schemas (zod 3); pure.

A check is a function of a value, the path to it and a report. Keys that a schema does not name are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kibcase.server.errors import BadRequest

_MOST = 5


class _Missing:
    pass


MISSING: Final = _Missing()


@dataclass(slots=True)
class Report:
    """What one check found; ``aborted`` if the type is wrong, not just the size.

    An issue is a text, or for a union the issues of each of its options.
    """

    issues: list[Any] = field(default_factory=list)
    aborted: bool = False

    def add(self, path: str, text: str, *, abort: bool = True) -> None:
        """Note an issue."""
        self.issues.append(f"{path}: {text}" if path else text)
        self.aborted = self.aborted or abort


Check = Callable[[Any, str, Report], None]


def validate(check: Check, body: Any) -> None:
    """Raise ``BadRequest`` with the first five issues, if there are any."""
    report = Report()
    check(body, "", report)
    if report.issues:
        raise BadRequest(f"[request body]: {_described(report.issues)}")


def string(value: Any, path: str, report: Report) -> None:
    """Accept any string."""
    _typed(value, path, report, "string")


def boolean(value: Any, path: str, report: Report) -> None:
    """Accept true and false."""
    _typed(value, path, report, "boolean")


def record(value: Any, path: str, report: Report) -> None:
    """Accept an object with any keys."""
    _typed(value, path, report, "object")


def filled(value: Any, path: str, report: Report) -> None:
    """Accept a string that is not blank."""
    if not _typed(value, path, report, "string"):
        return
    if not value:
        report.add(path, "String must contain at least 1 character(s)", abort=False)
    if not value.strip():
        report.add(path, "No empty strings allowed", abort=False)


def count(value: Any, path: str, report: Report) -> None:
    """Accept a whole number from 0 on."""
    if not _typed(value, path, report, "number"):
        return
    if value != int(value):
        report.add(path, "Expected integer, received float", abort=False)
    if value < 0:
        report.add(path, "Number must be greater than or equal to 0", abort=False)


def one_of(*allowed: str) -> Check:
    """Accept one of some strings."""
    expected = " | ".join(f"'{name}'" for name in allowed)

    def check(value: Any, path: str, report: Report) -> None:
        if value is MISSING:
            report.add(path, "Required")
        elif not isinstance(value, str):
            report.add(path, f"Expected {expected}, received {_kind(value)}")
        elif value not in allowed:
            report.add(path, f"Invalid enum value. Expected {expected}, received '{value}'")

    return check


def array(item: Check, least: int = 0) -> Check:
    """Accept a list of at least ``least`` items."""

    def check(value: Any, path: str, report: Report) -> None:
        if not _typed(value, path, report, "array"):
            return
        if len(value) < least:
            report.add(path, f"Array must contain at least {least} element(s)", abort=False)
        for index, each in enumerate(value):
            item(each, _below(path, str(index)), report)

    return check


def structure(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Accept an object with these keys; others do not matter."""

    def check(value: Any, path: str, report: Report) -> None:
        if not _typed(value, path, report, "object"):
            return
        for name, inner in required.items():
            inner(value.get(name, MISSING), _below(path, name), report)
        for name, inner in (optional or {}).items():
            if name in value:
                inner(value[name], _below(path, name), report)

    return check


def union(*options: Check) -> Check:
    """Accept what any option accepts; where only sizes are wrong, the first such option has the say."""

    def check(value: Any, path: str, report: Report) -> None:
        trials = []
        for option in options:
            trials.append(trial := Report())
            option(value, path, trial)
            if not trial.issues:
                return
        near = next((trial for trial in trials if not trial.aborted), None)
        if near is not None:
            report.issues.extend(near.issues)
        else:
            report.issues.append([issue for trial in trials for issue in trial.issues])
            report.aborted = True

    return check


def _typed(value: Any, path: str, report: Report, expected: str) -> bool:
    found = _kind(value)
    if found != expected:
        report.add(path, "Required" if value is MISSING else f"Expected {expected}, received {found}")
    return found == expected


def _kind(value: Any) -> str:
    if value is MISSING:
        return "undefined"
    if value is None:
        return "null"
    names: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "boolean"}
    return names.get(type(value), "number")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _described(issues: Sequence[Any]) -> str:
    # What the options of a union say comes after everything else, as the routes' own formatter queues it.
    queue, texts = list(issues), []
    while queue:
        issue = queue.pop(0)
        if isinstance(issue, list):
            queue.extend(issue)
        else:
            texts.append(issue)
    more = [f"and {len(texts) - _MOST} more"] if len(texts) > _MOST else []
    return ", ".join([*texts[:_MOST], *more])
