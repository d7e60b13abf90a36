"""Errors say what failed, on what, what the remote side said and what to do; and survive a process border."""

from __future__ import annotations

import copy
import pickle

import pytest

from kibcase.errors import KibcaseError
from kibcase_connectors.errors import (
    Conflict,
    ConnectorError,
    Denied,
    NotFound,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)

KINDS: list[type[ConnectorError]] = [Refused, Conflict, NotFound, Denied, Unavailable, Throttled, OutcomeUnknown]


def test_a_message_says_who_what_why_and_what_to_do() -> None:
    error = Refused(
        "jira-soc", "setting the priority of SOC-12", said="Priority is required.", advice="Add a priority.",
        field="severity",
    )
    assert str(error) == "jira-soc: setting the priority of SOC-12: Priority is required. Add a priority."
    assert (error.system, error.what, error.said, error.advice, error.field) == (
        "jira-soc", "setting the priority of SOC-12", "Priority is required.", "Add a priority.", "severity"
    )


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "s: w"), ({"said": "no"}, "s: w: no"), ({"advice": "Try."}, "s: w. Try."),
        ({"said": "no...", "advice": "Try."}, "s: w: no. Try."),
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_out(more: dict[str, str], text: str) -> None:
    assert str(Refused("s", "w", **more)) == text


def test_what_the_remote_side_says_is_bounded() -> None:
    error = Refused("s", "w", said="x" * 100_000)
    assert len(error.said) == 400
    assert error.said.endswith("\u2026")
    assert len(str(error)) < 500
    assert Refused("s", "w", said="x" * 400).said == "x" * 400


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_connector_error(kind: type[ConnectorError]) -> None:
    assert issubclass(kind, ConnectorError)
    assert issubclass(kind, KibcaseError)


def test_the_kinds_are_told_apart_by_what_the_caller_can_do() -> None:
    assert issubclass(Throttled, Unavailable)
    others = [kind for kind in KINDS if kind is not Throttled]
    assert all(not issubclass(one, other) for one in others for other in others if one is not other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_an_error_survives_being_copied(kind: type[ConnectorError], again: object) -> None:
    assert callable(again)
    error = kind("s", "w", said="no", advice="Try.", field="title")
    twin = again(error)
    assert type(twin) is kind
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


def test_the_time_to_wait_survives_too() -> None:
    twin = pickle.loads(pickle.dumps(Throttled("s", "w", retry_after=12.5)))
    assert twin.retry_after == 12.5
    assert Throttled("s", "w").retry_after is None


def test_the_same_error_about_another_deed() -> None:
    before = Throttled("it", "moving", said="slow", advice="Wait.", field="status", retry_after=7.0, whole=False)
    after = before.about("moving it twice")
    assert type(after) is Throttled
    assert after.what == "moving it twice"
    assert (after.said, after.advice, after.field, after.retry_after, after.whole) == (
        "slow", "Wait.", "status", 7.0, False,
    )
