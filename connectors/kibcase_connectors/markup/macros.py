"""The block macros of Jira wiki markup: ``{code}``, ``{noformat}``, ``{quote}`` and ``{panel}``."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from .escape import EDGE, escaped
from .nodes import CodeBlock

_TAG = re.compile(r"\\.|\{\{|\{(code|noformat|quote|panel)(?::([^{}\n]*))?\}", re.DOTALL)
_CLOSERS = re.compile(r"\\[^\n]|\}\}|\n")
_GUARDED = re.compile("\\{\u200b(?=\u200b*(?:code|noformat)[:}])", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9+#_.-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A ``{quote}`` or ``{panel}`` and what is in it; ``title`` is the panel's."""

    name: str
    title: str
    lines: tuple[Line, ...]


Line = str | CodeBlock | Box


@dataclass(slots=True, kw_only=True)
class _Frame:
    tag: str = ""
    name: str = ""
    title: str = ""
    parts: list[Line] = field(default_factory=list)
    first: str = ""

    def push(self, part: Line) -> None:
        """Append ``part`` and keep the first visible character of the line it ends on in ``first``."""
        self.parts.append(part)
        if not isinstance(part, str):
            self.first = ""
            return
        line = part[part.rfind("\n") + 1 :]
        if not self.first or len(line) < len(part):
            self.first = line.lstrip(" \t")[:1]


def split_macros(text: str) -> tuple[Line, ...]:
    """Return the lines of ``text`` with its block macros taken out into nodes of their own.

    A macro that is never closed is text. A macro in ``{{monospaced}}`` text is text, too. A blank line
    in the result is one that was typed, never the rest of a line a macro stood on.
    """
    frames = [_Frame()]
    scanner = _Scanner(text)
    position = 0
    while match := _TAG.search(text, position):
        frames[-1].push(text[position : match.start()])
        position = scanner.take(match, frames)
    frames[-1].push(text[position:])
    while len(frames) > 1:
        _give_up(frames)
    return _lines(frames[0].parts)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._missing: set[str] = set()
        marks = [match for match in _CLOSERS.finditer(text) if match[0] in {"}}", "\n"}]
        self._marks = [match.start() for match in marks]
        self._closes = [match[0] == "}}" for match in marks]

    def take(self, match: re.Match[str], frames: list[_Frame]) -> int:
        name, arguments = match[1], match[2] or ""
        if name is None:
            end = self._after_monospaced(match) if match[0] == "{{" else match.end()
            frames[-1].push(self._text[match.start() : end])
            return end
        if name in {"quote", "panel"}:
            _toggle(frames, match[0], name, _parameter(arguments, "title"))
            return match.end()
        return self._code(match, frames[-1])

    def _after_monospaced(self, match: re.Match[str]) -> int:
        index = bisect_left(self._marks, match.end())
        if index < len(self._marks) and self._closes[index]:
            return self._marks[index] + 2
        return match.start() + 1

    def _code(self, match: re.Match[str], frame: _Frame) -> int:
        closer = f"{{{match[1]}}}"
        end = -1 if closer in self._missing else self._text.find(closer, match.end())
        if end < 0:
            self._missing.add(closer)
            frame.push(match[0])
            return match.end()
        body = _GUARDED.sub("{", self._text[match.end() : end])
        if frame.first == "|":
            frame.push(_monospaced(body))
        else:
            language = _language(match[2] or "") if match[1] == "code" else ""
            frame.push(CodeBlock(language=language, value=body.removeprefix("\n").removesuffix("\n")))
        return end + len(closer)


def _monospaced(body: str) -> str:
    words = " ".join(body.split())
    return f"{{{{{escaped(words, before=EDGE, after=EDGE)}}}}}" if words else ""


def _toggle(frames: list[_Frame], tag: str, name: str, title: str) -> None:
    if all(frame.name != name for frame in frames):
        frames.append(_Frame(tag=tag, name=name, title=title))
        return
    while frames[-1].name != name:
        _give_up(frames)
    frame = frames.pop()
    frames[-1].push(Box(name=name, title=frame.title, lines=_lines(frame.parts)))


def _give_up(frames: list[_Frame]) -> None:
    frame = frames.pop()
    frames[-1].push(frame.tag)
    for part in frame.parts:
        frames[-1].push(part)


def _lines(parts: list[Line]) -> tuple[Line, ...]:
    out: list[Line] = []
    run: list[str] = []
    after_node = False
    for part in [*parts, None]:
        if isinstance(part, str):
            run.append(part)
            continue
        lines = "".join(run).split("\n")
        run.clear()
        if after_node and not lines[0].strip():
            del lines[0]
        if part is not None and lines and not lines[-1].strip():
            del lines[-1]
        out.extend(lines)
        if part is not None:
            out.append(part)
            after_node = True
    return tuple(out)


def _parameter(arguments: str, key: str) -> str:
    for argument in arguments.split("|"):
        name, equals, value = argument.partition("=")
        if equals and name.strip() == key:
            return value.strip()
    return ""


def _language(arguments: str) -> str:
    first = arguments.split("|")[0].strip()
    language = _parameter(arguments, "language") if "=" in first else first
    return language if _LANGUAGE.fullmatch(language) else ""
