"""The part of Elasticsearch's ``simple_query_string`` that people type into a case search."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import overload

from kibcase.server import limits
from kibcase.server.errors import BadRequest

Tokens = Sequence[str]
Matcher = Callable[[Sequence[Tokens]], bool]

_WORD = re.compile(r"\w+(?:['\u2019.]\w+)*")
_SPACE = " \t\r\n"
_SPECIAL = '+|-"()' + _SPACE
_DEEPEST = 20


def analyse(text: str) -> list[str]:
    """Split text into lower-case words, much as the standard analyzer does."""
    return _WORD.findall(text.lower())


class Exact(tuple[str, ...]):
    """The values of a keyword field: each is found as a whole, and its letters count as they are."""

    __slots__ = ()


class Words(Sequence[str]):
    """The words of a text as ``analyse`` gives them, found only if need be.

    Most texts of a search do not even have the letters of what is looked for: those are never split.
    """

    __slots__ = ("_found", "text")

    def __init__(self, text: str) -> None:
        self.text = text.lower()
        self._found: list[str] | None = None

    @property
    def _words(self) -> list[str]:
        if self._found is None:
            self._found = _WORD.findall(self.text)
        return self._found

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self.text and word in self._words

    def __len__(self) -> int:
        return len(self._words)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        return self._words[place]


def compile_search(text: str, *, every: bool = False) -> Matcher:
    """Give a function that tells whether fields (each a list of words, or ``Words``) match the query ``text``.

    Known operators: ``+`` and, ``|`` or, ``-`` not, ``"phrase"``, ``prefix*``, ``word~2``, parentheses and
    the backslash. ``every`` makes "and" the default between terms, otherwise it is "or". Like the original,
    the function never fails: what makes no sense is ignored. A query without terms matches nothing. A term that is
    said again next to its like counts once; raises ``BadRequest`` for more than 1024 others, the clauses that
    Elasticsearch takes at least.
    """
    found = _Parser(text, every=every).group(0)
    return found if found is not None else (lambda _fields: False)


def compile_phrase_prefix(text: str) -> Matcher:
    """Give a function that tells whether a field has the words of ``text``, which ends with ``*``, as a phrase.

    The last word need only begin so. A text without the asterisk matches nothing.
    """
    words = analyse(text.removesuffix("*")) if text.strip().endswith("*") else []
    return _phrase_prefix(words) if words else (lambda _fields: False)


class _Chain:
    """Terms with "and" and "or" between them, worked off from left to right, in runs of one operator."""

    def __init__(self) -> None:
        self._runs: list[tuple[bool, dict[tuple[str, bool], Matcher]]] = []

    def add(self, said: tuple[str, bool], matcher: Matcher, *, both: bool) -> bool:
        """Join a term, which is ``said`` so; gives whether it says anything new."""
        if len(self._runs) == 1 and len(self._runs[0][1]) == 1:
            # What stands before the first operator belongs to its run.
            self._runs[0] = (both, self._runs[0][1])
        if not self._runs or self._runs[-1][0] != both:
            self._runs.append((both, {}))
        run = self._runs[-1][1]
        if said in run:
            return False
        run[said] = matcher
        return True

    def matcher(self) -> Matcher | None:
        runs = [(both, list(run.values())) for both, run in self._runs]

        def match(fields: Sequence[Tokens]) -> bool:
            matched = runs[0][0]
            for both, matchers in runs:
                if both:
                    matched = matched and all(each(fields) for each in matchers)
                else:
                    matched = matched or any(each(fields) for each in matchers)
            return matched

        return match if runs else None


@dataclass(slots=True)
class _Parser:
    text: str
    every: bool
    at: int = field(default=0)
    clauses: int = field(default=0)

    def group(self, depth: int) -> Matcher | None:
        chain = _Chain()
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
                start = self.at
                term = self.term(depth)
                if term is not None:
                    both = operator == "+" or (operator is None and self.every)
                    said = (self.text[start : self.at], negate)
                    added = chain.add(said, _negated(term) if negate else term, both=both)
                    self.count(added and character != "(")
                operator, negate = None, False
        return chain.matcher()

    def count(self, added: int) -> None:
        self.clauses += added
        if self.clauses > limits.SEARCH_CLAUSES:
            raise BadRequest(
                f"Query contains too many nested clauses; maxClauseCount is set to {limits.SEARCH_CLAUSES}"
            )

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
        whole = self.text[self.at + 1 : stop]
        words = analyse(whole)
        self.at = stop + 1
        self.slop()
        return _phrase(words, whole) if words else None

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
        whole = "".join(letters)
        self.count(max(0, len(set(analyse(whole))) - 1))
        return _word(whole, every=self.every)


def _word(text: str, *, every: bool) -> Matcher | None:
    fuzzy = re.fullmatch(r"(.+)~(\d?)", text)
    if fuzzy:
        return _fuzzy(fuzzy[1], min(int(fuzzy[2] or 2), 2))
    if text == "*":
        return lambda fields: any(fields)
    if text.endswith("*") and len(text) > 1:
        return _prefix(text[:-1])
    words = list(dict.fromkeys(analyse(text)))
    return _words(words, text, every=every) if words else None


def _has(whole: str, fields: Sequence[Tokens]) -> bool:
    return any(whole in tokens for tokens in fields if isinstance(tokens, Exact))


def _words(words: list[str], whole: str, *, every: bool) -> Matcher:
    quantified = all if every else any

    def match(fields: Sequence[Tokens]) -> bool:
        texts = [tokens for tokens in fields if not isinstance(tokens, Exact)]
        return quantified(any(word in tokens for tokens in texts) for word in words) or _has(whole, fields)

    return match


def _phrase(words: list[str], whole: str) -> Matcher:
    size = len(words)

    def match(fields: Sequence[Tokens]) -> bool:
        return _has(whole, fields) or any(
            list(tokens[start : start + size]) == words
            for tokens in fields
            if not isinstance(tokens, Exact) and words[0] in tokens
            for start in range(len(tokens) - size + 1)
        )

    return match


def _phrase_prefix(words: list[str]) -> Matcher:
    size, last = len(words), words[-1]

    def match(fields: Sequence[Tokens]) -> bool:
        return any(
            list(tokens[start : start + size - 1]) == words[:-1] and tokens[start + size - 1].startswith(last)
            for tokens in fields
            if not isinstance(tokens, Words) or last in tokens.text
            for start in range(len(tokens) - size + 1)
        )

    return match


def _prefix(start: str) -> Matcher:
    lower = start.lower()
    return lambda fields: any(
        token.startswith(start if isinstance(tokens, Exact) else lower)
        for tokens in fields
        if not isinstance(tokens, Words) or lower in tokens.text
        for token in tokens
    )


def _fuzzy(word: str, edits: int) -> Matcher:
    lower = word.lower()
    return lambda fields: any(
        _near(word if isinstance(tokens, Exact) else lower, token, edits) for tokens in fields for token in tokens
    )


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
