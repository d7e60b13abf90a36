"""Whether a document is valid Atlassian Document Format, and if not, where and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .adf_rules import ALIGNED, ATTRS_NEEDED, MARKS, NODES, WITH_CODE, Check, Rule

_BARE: Final = {
    "doc": frozenset({"attrs", "marks"}), "rule": frozenset({"marks"}), "text": frozenset({"attrs"}),
    "mediaGroup": frozenset({"attrs", "marks"}),
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A node and where it stands; the path is put together only when it is told."""

    node: Any
    parent: _Place | None
    number: int

    def path(self) -> str:
        numbers: list[int] = []
        place = self
        while place.parent is not None:
            numbers.append(place.number)
            place = place.parent
        steps = [f"content[{number}]" for number in reversed(numbers)]
        return ".".join(steps if len(steps) <= 12 else [*steps[:6], "…", *steps[-6:]]) or "document"

    def kind(self) -> str:
        return str(self.node["type"])


def adf_problem(doc: object) -> str | None:
    """Return why ``doc`` is no valid ADF document (version 1), or None when it is one.

    The text names the place and the rule: ``content[0].content[1]: listItem does not allow heading``. The
    rules are those of the published JSON schema. Never raises, never recurses, linear in the size.
    """
    if not isinstance(doc, Mapping):
        return "document: is no JSON object"
    if doc.get("type") != "doc":
        return "document: type is not doc"
    if doc.get("version") != 1 or isinstance(doc.get("version"), bool):
        return "document: version is not 1"
    stack = [_Place(doc, None, 0)]
    while stack:
        place = stack.pop()
        for problem in _problems(place):
            return f"{place.path()}: {problem}"
        content = place.node.get("content", ())
        stack.extend(_Place(content[at], place, at) for at in range(len(content) - 1, -1, -1))
    return None


def _problems(place: _Place) -> Iterator[str]:
    node, parent = place.node, place.parent
    if not isinstance(node, Mapping) or not isinstance(node.get("type"), str):
        yield "is no node with a type"
        return
    kind = place.kind()
    rule = NODES.get(kind)
    if parent is not None and (kind == "doc" or rule is None or kind not in (NODES[parent.kind()].content or ())):
        yield f"{parent.kind()} does not allow {kind[:80]}"
        return
    if rule is None:
        return
    yield from _keys(node, kind)
    yield from _attributes(kind, node, rule.attrs, needed=kind in ATTRS_NEEDED)
    yield from _alternatives(node, kind, rule)
    yield from _content(node, kind, rule)
    yield from _marks(place, kind, rule)


def _keys(node: Mapping[str, Any], kind: str) -> Iterator[str]:
    own = {"doc": {"version"}, "text": {"text"}}.get(kind, set())
    inside = {"content"} if NODES[kind].content is not None else set()
    known = {"type", "attrs", "marks"} - _BARE.get(kind, frozenset()) | own | inside
    for key in node:
        if key not in known:
            yield f"{kind} has no member {str(key)[:80]}"
    if kind == "text" and not (isinstance(node.get("text"), str) and node["text"]):
        yield "text is empty"


def _attributes(name: str, node: Mapping[str, Any], checks: Mapping[str, Check], *, needed: bool) -> Iterator[str]:
    if "attrs" not in node:
        if needed:
            yield f"{name} has no attrs"
        return
    attrs = node["attrs"]
    if not isinstance(attrs, Mapping):
        yield f"the attrs of {name} are no JSON object"
        return
    known = {key.removesuffix("!"): check for key, check in checks.items()}
    for key, value in attrs.items():
        if key not in known:
            yield f"{name} has no attribute {str(key)[:80]}"
        elif not known[key](value):
            yield f"the attribute {key} of {name} has a value that is not allowed"
    for key in checks:
        if key.endswith("!") and key[:-1] not in attrs:
            yield f"{name} lacks the attribute {key[:-1]}"


def _alternatives(node: Mapping[str, Any], kind: str, rule: Rule) -> Iterator[str]:
    attrs = node.get("attrs")
    if rule.one_of and not (isinstance(attrs, Mapping) and any(key in attrs for key in rule.one_of)):
        yield f"{kind} needs one of the attributes {', '.join(rule.one_of)}"
    if kind == "media" and isinstance(attrs, Mapping):
        needed = ("url",) if attrs.get("type") == "external" else ("id", "collection")
        for key in needed:
            if key not in attrs:
                yield f"media lacks the attribute {key}"


def _content(node: Mapping[str, Any], kind: str, rule: Rule) -> Iterator[str]:
    if rule.content is None:
        return
    if "content" not in node:
        if rule.needs_content or rule.least:
            yield f"{kind} has no content"
        return
    content = node["content"]
    if not isinstance(content, list):
        yield f"the content of {kind} is no array"
    elif len(content) < rule.least:
        yield f"{kind} needs at least {rule.least} in its content"
    elif rule.most is not None and len(content) > rule.most:
        yield f"{kind} holds at most {rule.most} in its content"


def _marks(place: _Place, kind: str, rule: Rule) -> Iterator[str]:
    marks = place.node.get("marks", [])
    if not isinstance(marks, list):
        yield f"the marks of {kind} are no array"
        return
    names = [mark.get("type") if isinstance(mark, Mapping) else None for mark in marks]
    allowed = _allowed(place, kind, rule)
    for mark, name in zip(marks, names, strict=True):
        if not isinstance(name, str) or name not in allowed:
            yield f"{kind} does not allow the mark {str(name)[:80]} here"
            return
        needed = any(key.endswith("!") for key in MARKS[name])
        yield from _attributes(f"the mark {name}", mark, MARKS[name], needed=needed)
    if "code" in names and not WITH_CODE.issuperset(map(str, names)):
        yield "a text marked as code bears other marks than link"


def _allowed(place: _Place, kind: str, rule: Rule) -> frozenset[str]:
    parent = place.parent.kind() if place.parent else ""
    if kind == "text" and parent == "codeBlock":
        return frozenset()
    if kind in {"paragraph", "heading"} and parent not in ALIGNED:
        return rule.marks & {"fontSize"}
    if "breakout" in rule.marks and parent != "doc":
        return rule.marks - {"breakout"}
    return rule.marks
