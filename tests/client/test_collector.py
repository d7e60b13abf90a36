"""The cycle collector rests while large answers are parsed, and never stays off."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter

from kibcase.client.answers import decode
from kibcase.client.collector import paused
from kibcase.errors import InvalidAnswer
from kibcase.transport import Response


@pytest.fixture(autouse=True)
def enabled() -> Iterator[None]:
    yield
    gc.enable()


def response(content: bytes) -> Response:
    return Response(status=200, headers={}, content=content, method="GET", path="/api/cases/_find")


class Watched:
    """Notes whether the collector was on while it validated."""

    def __init__(self) -> None:
        self.was_on: list[bool] = []

    def __call__(self, value: object) -> object:
        self.was_on.append(gc.isenabled())
        return value


def watching() -> tuple[Watched, TypeAdapter[object]]:
    from typing import Annotated, Any

    from pydantic import AfterValidator

    watched = Watched()
    return watched, TypeAdapter(Annotated[Any, AfterValidator(watched)])


@pytest.mark.parametrize(("size", "on"), [(100, True), (100_000, False)])
def test_it_rests_for_large_answers_only(size: int, *, on: bool) -> None:
    watched, shape = watching()
    decode(response(b'"' + b"x" * size + b'"'), shape)
    assert watched.was_on == [on]
    assert gc.isenabled()


def test_it_goes_on_after_an_answer_that_is_refused() -> None:
    with pytest.raises(InvalidAnswer):
        decode(response(b"[" * 20_000), TypeAdapter(list[int]))
    assert gc.isenabled()


def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    with paused():
        assert not gc.isenabled()
    assert not gc.isenabled()


def test_the_last_of_several_threads_turns_it_on_again() -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with paused():
            inside.set()
            assert leave.wait(30)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(30)
    with paused():
        pass
    assert not gc.isenabled()
    leave.set()
    thread.join(30)
    assert gc.isenabled()
