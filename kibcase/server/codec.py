"""Check untrusted JSON the way Kibana's codecs do, with the texts Kibana answers.

A codec is a function of a value, the path to it and a report; it returns the value, or writes errors into
the report. Codecs are strict: keys they do not know are reported as Kibana reports them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kibcase.server.errors import BadRequest
from kibcase.server.jstext import as_double, js_number, length, trim


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = _Undefined()
Path = tuple[str, ...]


@dataclass(slots=True)
class Report:
    """What one decoding found: ``errors`` first of all, ``excess`` keys only if there are none."""

    errors: list[str] = field(default_factory=list)
    excess: list[str] = field(default_factory=list)

    def invalid(self, value: Any, path: Path) -> None:
        """Note that ``value`` is of the wrong type or not among the allowed values."""
        self.errors.append(f'Invalid value "{_shown(value)}" supplied to "{",".join(path)}"')


Codec = Callable[[Any, Path, Report], Any]


def decode(codec: Codec, value: Any) -> Any:
    """Return ``value`` as ``codec`` sees it; raises ``BadRequest`` with every error, then with excess keys."""
    report = Report()
    result = codec(value, (), report)
    if report.errors:
        raise BadRequest(",".join(dict.fromkeys(report.errors)))
    if report.excess:
        raise BadRequest(f'invalid keys "{",".join(dict.fromkeys(report.excess))}"')
    return result


def string(value: Any, path: Path, report: Report) -> Any:
    """Accept any string."""
    if not isinstance(value, str):
        report.invalid(value, path)
    return value


def boolean(value: Any, path: Path, report: Report) -> Any:
    """Accept true and false."""
    if not isinstance(value, bool):
        report.invalid(value, path)
    return value


def number(value: Any, path: Path, report: Report) -> Any:
    """Accept a JSON number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        report.invalid(value, path)
    return value


def null(value: Any, path: Path, report: Report) -> Any:
    """Accept null alone."""
    if value is not None:
        report.invalid(value, path)
    return value


def one_of(*allowed: str) -> Codec:
    """Accept one of some strings."""
    known = frozenset(allowed)

    def check(value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str) or value not in known:
            report.invalid(value, path)
        return value

    return check


def limited(name: str, low: int, high: int) -> Codec:
    """Accept a string whose trimmed length is within limits; the value itself is kept as it is."""

    def check(value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            report.invalid(value, path)
            return value
        size = length(trim(value))
        if size == 0 and low > 0:
            report.errors.append(f"The {name} field cannot be an empty string.")
        elif size < low:
            report.errors.append(f"The length of the {name} is too short. The minimum length is {low}.")
        elif size > high:
            report.errors.append(f"The length of the {name} is too long. The maximum length is {high}.")
        return value

    return check


def matching(codec: Codec, pattern: str, message: str) -> Codec:
    """Accept what ``codec`` accepts if it also matches ``pattern`` in full; else ``message``."""

    def check(value: Any, path: Path, report: Report) -> Any:
        before = len(report.errors)
        result = codec(value, path, report)
        if len(report.errors) == before and not re.fullmatch(pattern, value):
            report.errors.append(message)
        return result

    return check


def safe_integer(name: str) -> Codec:
    """Accept a whole number that a double holds exactly."""

    def check(value: Any, path: Path, report: Report) -> Any:
        before = len(report.errors)
        number(value, path, report)
        if len(report.errors) == before and not (abs(value) < 2**53 and float(value).is_integer()):
            report.errors.append(
                f"The {name} field should be an integer between -(2^53 - 1) and 2^53 - 1, inclusive."
            )
        return value

    return check


def array(codec: Codec, name: str | None = None, low: int = 0, high: int | None = None) -> Codec:
    """Accept a list of what ``codec`` accepts, of ``low`` to ``high`` items; ``name`` appears in the message."""

    def check(value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, list):
            report.invalid(value, path)
            return value
        before = len(report.errors)
        items = [codec(item, path, report) for item in value]
        if len(report.errors) > before:
            return value
        if len(items) < low:
            report.errors.append(
                f"The length of the field {name} is too short. Array must be of length >= {low}."
            )
        elif high is not None and len(items) > high:
            report.errors.append(
                f"The length of the field {name} is too long. Array must be of length <= {high}."
            )
        return items

    return check


def union(*codecs: Codec) -> Codec:
    """Accept what any of ``codecs`` accepts, the first that does; the errors of all of them otherwise."""

    def check(value: Any, path: Path, report: Report) -> Any:
        errors: list[str] = []
        for codec in codecs:
            trial = Report()
            result = codec(value, path, trial)
            if not trial.errors:
                report.excess.extend(trial.excess)
                return result
            errors.extend(trial.errors)
        report.errors.extend(dict.fromkeys(errors))
        return value

    return check


def nullable(codec: Codec) -> Codec:
    """Accept null, or what ``codec`` accepts."""
    return union(codec, null)


def strict(required: Mapping[str, Codec], optional: Mapping[str, Codec] | None = None) -> Codec:
    """Accept an object with all ``required`` keys, perhaps ``optional`` ones, and no others."""
    extra = optional or {}

    def check(value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            report.invalid(value, path)
            return value
        result = {}
        for name, codec in required.items():
            result[name] = codec(value.get(name, UNDEFINED), (*path, name), report)
        for name, codec in extra.items():
            if name in value:
                result[name] = codec(value[name], (*path, name), report)
        report.excess.extend(name for name in value if name not in required and name not in extra)
        return {name: result[name] for name in value if name in result}

    return check


def record(value: Any, path: Path, report: Report) -> Any:
    """Accept an object of any JSON values."""
    if not isinstance(value, dict):
        report.invalid(value, path)
    return value


def record_of(codec: Codec) -> Codec:
    """Accept an object whose values are all what ``codec`` accepts."""

    def check(value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            report.invalid(value, path)
            return value
        return {name: codec(item, (*path, name), report) for name, item in value.items()}

    return check


def tagged(tag: str, variants: Mapping[str, Codec]) -> Codec:
    """Accept an object by the codec that its ``tag`` names."""

    def check(value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, dict):
            report.invalid(value, path)
            return value
        name = value.get(tag, UNDEFINED)
        codec = variants.get(name) if isinstance(name, str) else None
        if codec is None:
            report.invalid(name, (*path, tag))
            return value
        return codec(value, path, report)

    return check


def whole_number(value: Any, path: Path, report: Report) -> Any:
    """Accept an integer, or a string of digits as query strings have it; give the integer."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,15}\s*", value):
        return int(value)
    report.invalid(value, path)
    return value


def number_from_text(value: Any, path: Path, report: Report) -> Any:
    """Accept a JSON number, or a text that JavaScript makes a number of, as query strings have it; give the number.

    A whole number comes back as an integer. An empty text is 0, fractions and infinities are numbers.
    """
    before = len(report.errors)
    found = js_number(value) if isinstance(value, str) else None
    if found is None:
        number(value, path, report)
        if isinstance(value, str):
            report.errors.append("cannot parse to a number")
        if len(report.errors) > before:
            return value
        found = as_double(value)
    return int(found) if found.is_integer() else found


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is UNDEFINED:
        return "undefined"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def as_list(value: str | Iterable[str] | None) -> list[str]:
    """Give a query value as a list: none for None, one for a string."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)
