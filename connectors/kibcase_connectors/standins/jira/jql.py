"""A parser of the part of JQL that integrations use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kibcase_connectors.standins.jira.problem import JiraProblem

RESERVED_WORDS = frozenset({
    "and", "or", "not", "in", "is", "was", "changed", "empty", "null", "order", "by", "asc", "desc", "after", "before",
    "during", "on", "from", "to", "like", "between", "select", "insert", "update", "delete", "where", "case", "check",
    "file", "help", "public", "access", "view", "table", "user", "group", "having", "index",
})
OPERATORS = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"
MAX_QUERY = 100_000
MAX_DEPTH = 100

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|!~|=|<|>|~)"""
    r"""|(?P<mark>[(),])|(?P<word>[\w:-]+)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r"}

Kind = Literal["text", "op", "mark", "word", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the query; ``at`` is its offset."""

    kind: Kind
    text: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A value: ``quoted`` text or a bare word, a ``function`` call, or EMPTY (``kind="empty"``)."""

    kind: Literal["value", "function", "empty"]
    text: str = ""
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """``field operator operands``; operators are lower case, ``in``, ``not in``, ``is``, ``is not`` included."""

    field: str
    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """Parts joined by AND."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """Parts joined by OR."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The opposite of ``part``."""

    part: Node


Node = Clause | Both | Either | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One field of ORDER BY; ``descending`` None means that the query does not say."""

    field: str
    descending: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed query; ``where`` None means that nothing restricts it."""

    where: Node | None
    order: tuple[Order, ...]


def parse(text: str) -> Query:
    """Parse a query; raises ``JiraProblem`` (400, "Error in the JQL Query: ...")."""
    if len(text) > MAX_QUERY:
        raise _error("The query is too long.")
    return _Parser(text).query()


def _error(what: str) -> JiraProblem:
    return JiraProblem(400, f"Error in the JQL Query: {what}")


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _error(_bad_character(text, at))
        kind = match.lastgroup
        if kind == "text":
            yield Token("text", _unescape(match[0][1:-1]), at)
        elif kind in ("op", "mark", "word"):
            yield Token(kind, match[0], at)  # type: ignore[arg-type]
        at = match.end()
    yield Token("end", "", at)


def _bad_character(text: str, at: int) -> str:
    where = _where(text, at)
    if text[at] in "\"'":
        return f"The quoted string '{text[at + 1 : at + 60]}' has not been completed. {where}"
    return (
        f"The character '{text[at]}' is a reserved JQL character. You must enclose it in a string or use the "
        f"escape '\\u{ord(text[at]):04x}' instead. {where}"
    )


def _unescape(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        body = match[1]
        return chr(int(body[1:], 16)) if len(body) == 5 else _PLAIN.get(body, body)

    return _ESCAPE.sub(plain, text)


def _where(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    return f"(line {line}, character {at - (text.rfind(chr(10), 0, at) + 1) + 1})"


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def query(self) -> Query:
        where = None if self._sees("order") or self._now.kind == "end" else self._either()
        order = self._order() if self._takes("order") else ()
        if self._now.kind != "end":
            raise self._surprise("either 'OR' or 'AND'")
        return Query(where=where, order=order)

    @property
    def _now(self) -> Token:
        return self._tokens[self._next]

    def _step(self) -> Token:
        token = self._now
        self._next += token.kind != "end"
        return token

    def _sees(self, *words: str) -> bool:
        return self._now.kind in ("word", "mark", "op") and self._now.text.lower() in words

    def _takes(self, *words: str) -> bool:
        found = self._sees(*words)
        if found:
            self._step()
        return found

    def _surprise(self, expected: str) -> JiraProblem:
        got = f"got '{self._now.text}'" if self._now.kind != "end" else "there were no more characters"
        return _error(f"Expecting {expected} but {got}. {_where(self._text, self._now.at)}")

    def _either(self) -> Node:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(parts=tuple(parts))

    def _both(self) -> Node:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(parts=tuple(parts))

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _error("The query is nested too deeply.")
        try:
            if self._takes("not"):
                return Not(part=self._one())
            if self._takes("("):
                inner = self._either()
                self._expect(")")
                return inner
            return self._clause()
        finally:
            self._depth -= 1

    def _expect(self, mark: str) -> None:
        if not self._takes(mark):
            raise self._surprise(f"'{mark}'")

    def _name(self) -> str:
        token = self._now
        if token.kind not in ("word", "text"):
            raise self._surprise("a field name")
        self._refuse_reserved(token, "a field name")
        return self._step().text.lower()

    def _refuse_reserved(self, token: Token, use: str) -> None:
        if token.kind == "word" and token.text.lower() in RESERVED_WORDS:
            raise _error(
                f"'{token.text}' is a reserved JQL word. You must surround it in quotation marks to use it as "
                f"{use}. {_where(self._text, token.at)}"
            )

    def _clause(self) -> Clause:
        name = self._name()
        operator = self._operator()
        operands = self._many() if operator in ("in", "not in") else (self._operand(),)
        if operator.startswith("is") and operands[0].kind != "empty":
            raise _error(f"The operator '{operator}' can only be used with EMPTY or NULL.")
        return Clause(field=name, operator=operator, operands=operands)

    def _operator(self) -> str:
        if self._now.kind == "op":
            return self._step().text
        if self._takes("in"):
            return "in"
        if self._takes("is"):
            return "is not" if self._takes("not") else "is"
        if self._takes("not"):
            if self._takes("in"):
                return "not in"
            raise self._surprise("'IN'")
        raise _error(
            f"Expecting operator but got '{self._now.text}'. The valid operators are {OPERATORS}. "
            f"{_where(self._text, self._now.at)}"
        )

    def _many(self) -> tuple[Operand, ...]:
        self._expect("(")
        operands = [self._operand()]
        while self._takes(","):
            operands.append(self._operand())
        self._expect(")")
        return tuple(operands)

    def _operand(self) -> Operand:
        if self._takes("empty", "null"):
            return Operand(kind="empty")
        token = self._now
        if token.kind not in ("word", "text"):
            raise self._surprise("either a value, list or function")
        self._refuse_reserved(token, "a value")
        self._step()
        if token.kind == "word" and self._takes("("):
            self._expect(")")
            return Operand(kind="function", text=token.text.lower())
        return Operand(kind="value", text=token.text, quoted=token.kind == "text")

    def _order(self) -> tuple[Order, ...]:
        self._expect("by")
        orders = [self._order_field()]
        while self._takes(","):
            orders.append(self._order_field())
        return tuple(orders)

    def _order_field(self) -> Order:
        name = self._name()
        if self._takes("desc"):
            return Order(field=name, descending=True)
        return Order(field=name, descending=False if self._takes("asc") else None)
