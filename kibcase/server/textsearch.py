"""The part of Elasticsearch's ``simple_query_string`` that people type into a case search."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Tokens = Sequence[str]
Matcher = Callable[[Sequence[Tokens]], bool]

_WORD = re.compile(r"\w+(?:['\u2019.]\w+)*")
_SPACE = " \t\r\n"
_SPECIAL = '+|-"()' + _SPACE
_DEEPEST = 20


def analyse(text: str) -> list[str]:
    """Split text into lower-case words, much as the standard analyzer does."""
    return _WORD.findall(text.lower())


def compile_search(text: str, *, every: bool = False) -> Matcher:
    """Give a function that tells whether fields (each a list of words) match the query ``text``.

    Known operators: ``+`` and, ``|`` or, ``-`` not, ``"phrase"``, ``prefix*``, ``word~2``, parentheses and
    the backslash. ``every`` makes "and" the default between terms, otherwise it is "or". Like the original,
    the function never fails: what makes no sense is ignored. A query without terms matches nothing.
    """
    parser = _Parser(text, every=every)
    found = parser.group(0)
    return found if found is not None else (lambda _fields: False)


@dataclass(slots=True)
class _Parser:
    text: str
    every: bool
    at: int = field(default=0)

    def group(self, depth: int) -> Matcher | None:
        result: Matcher | None = None
        operator: str | None = None
        negate = False
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == ")" and depth:
                self.at += 1
                break
            if character in "+|":
                operator, self.at = character, self.at + 1
            elif character == "-":
                negate, self.at = not negate, self.at + 1
            elif character in _SPACE + ")":
                self.at += 1
            else:
                term = self.term(depth)
                if term is not None:
                    result = self.joined(result, _negated(term) if negate else term, operator)
                operator, negate = None, False
        return result

    def joined(self, left: Matcher | None, right: Matcher, operator: str | None) -> Matcher:
        if left is None:
            return right
        both = operator == "+" or (operator is None and self.every)
        if both:
            return lambda fields: left(fields) and right(fields)
        return lambda fields: left(fields) or right(fields)

    def term(self, depth: int) -> Matcher | None:
        character = self.text[self.at]
        if character == "(" and depth < _DEEPEST:
            self.at += 1
            return self.group(depth + 1)
        if character == '"':
            return self.phrase()
        if character == "(":
            self.at += 1
            return None
        return self.word()

    def phrase(self) -> Matcher | None:
        end = self.text.find('"', self.at + 1)
        stop = len(self.text) if end < 0 else end
        words = analyse(self.text[self.at + 1 : stop])
        self.at = stop + 1
        self.slop()
        return _phrase(words) if words else None

    def slop(self) -> None:
        found = re.compile(r"~\d+").match(self.text, self.at)
        if found:
            self.at = found.end()

    def word(self) -> Matcher | None:
        letters: list[str] = []
        start = self.at
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "\\" and self.at + 1 < len(self.text):
                letters.append(self.text[self.at + 1])
                self.at += 2
                continue
            # A hyphen inside a word is part of it: only a leading one negates.
            if character in _SPECIAL and not (character == "-" and self.at > start):
                break
            letters.append(character)
            self.at += 1
        return _word("".join(letters), every=self.every)


def _word(text: str, *, every: bool) -> Matcher | None:
    fuzzy = re.fullmatch(r"(.+)~(\d?)", text)
    if fuzzy:
        return _fuzzy(fuzzy[1].lower(), min(int(fuzzy[2] or 2), 2))
    if text == "*":
        return lambda fields: any(fields)
    if text.endswith("*") and len(text) > 1:
        return _prefix(text[:-1].lower())
    words = analyse(text)
    return _words(words, every=every) if words else None


def _words(words: list[str], *, every: bool) -> Matcher:
    quantified = all if every else any
    return lambda fields: quantified(any(word in tokens for tokens in fields) for word in words)


def _phrase(words: list[str]) -> Matcher:
    size = len(words)

    def match(fields: Sequence[Tokens]) -> bool:
        return any(
            list(tokens[start : start + size]) == words
            for tokens in fields
            for start in range(len(tokens) - size + 1)
        )

    return match


def _prefix(start: str) -> Matcher:
    return lambda fields: any(token.startswith(start) for tokens in fields for token in tokens)


def _fuzzy(word: str, edits: int) -> Matcher:
    return lambda fields: any(_near(word, token, edits) for tokens in fields for token in tokens)


def _near(one: str, other: str, edits: int) -> bool:
    if abs(len(one) - len(other)) > edits:
        return False
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, start=1):
        previous, row[0] = row[0], number
        for place, against in enumerate(other, start=1):
            previous, row[place] = row[place], min(
                row[place] + 1, row[place - 1] + 1, previous + (letter != against)
            )
    return row[-1] <= edits


def _negated(matcher: Matcher) -> Matcher:
    return lambda fields: not matcher(fields)
