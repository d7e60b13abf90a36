"""A comment that Kibana stores a little differently than it was sent has been stored all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Bench


def test_a_comment_with_half_a_surrogate_pair_is_given_back(bench: Bench) -> None:
    case = bench.analyst.cases.get(bench.case("Half a character"))
    comment = bench.analyst.comments.add(case, "a\ud800b")
    assert comment.comment == "a\ufffdb"
