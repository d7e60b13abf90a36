"""What is said about a text that is no YAML: the parser's own words, without what it quotes from the file."""

from __future__ import annotations

from kibcase_daemon.config.document import parse


def said(text: str) -> str:
    (problem,) = parse(text).problems
    return problem.text


def test_tokens_of_the_parser_are_told_as_they_are() -> None:
    assert said("a: [1\n") == "not readable as YAML: expected ',' or ']', but got '<stream end>'"


def test_single_characters_are_told() -> None:
    assert "'\\t'" in said("a:\n\tb: 1\n")


def test_what_is_quoted_from_the_file_is_not_told() -> None:
    assert "s3cr3t" not in said("a: !s3cr3t!x 1\n")
    assert "s3cr3t" not in said("a: *s3cr3t\n")
    assert "s3cr3t" not in said("a: %s3cr3t\n")
