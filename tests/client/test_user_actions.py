from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from kibcase import Kibana, LimitError, UnifiedAttachment, UnsupportedByStack, UserComment
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"


def status(version: str) -> dict[str, object]:
    return {"version": {"number": version}, "status": {"overall": {"level": "available"}}}


def test_search_asks_for_all_it_was_told(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/status", json=status("9.5.0"))
    remote.get(f"{URL}/internal/cases/c1/user_actions/_find", json={
        "userActions": [], "page": 1, "perPage": 5, "total": 0,
        "latestAttachments": [{"type": "user", "id": "1", "comment": "now"}],
    })
    found = kibana.user_actions.search(
        "c1", text="x", authors=["mara"], types=["comment"], sort_order="desc", per_page=5
    )
    assert parse_qsl(urlsplit(str(remote.calls[1].request.url)).query) == [
        ("page", "1"), ("perPage", "5"), ("sortOrder", "desc"), ("types", "comment"), ("authors", "mara"),
        ("search", "x"),
    ]
    assert isinstance(found.latest_attachments[0], UserComment)


def test_search_has_limits(kibana: Kibana, remote: responses.RequestsMock) -> None:
    with pytest.raises(LimitError, match="authors"):
        kibana.user_actions.search("c1", authors=["a"] * 101)
    with pytest.raises(LimitError, match="search"):
        kibana.user_actions.search("c1", text="x" * 257)
    remote.get(f"{URL}/api/status", json=status("9.4.0"))
    with pytest.raises(UnsupportedByStack, match="authors"):
        kibana.user_actions.search("c1", text="x")


def test_older_statistics(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/internal/cases/c1/user_actions/_stats", json={
        "total": 3, "total_comments": 1, "total_other_actions": 2,
    })
    stats = kibana.user_actions.stats("c1")
    assert (stats.total, stats.total_deletions) == (3, None)


@pytest.fixture
def real() -> Iterator[Kibana]:
    with (
        CasesServer(stack_version="9.5.0") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


def test_with_the_server(real: Kibana) -> None:
    case = real.cases.create(title="t", description="d", owner="cases")
    comment = real.comments.add(case, "First")
    real.comments.update(case.id, comment, "Second")
    stats = real.user_actions.stats(case)
    assert (stats.total, stats.total_comment_creations, stats.total_hidden_comment_updates) == (3, 1, 0)
    found = real.user_actions.search(case, types=["comment"])
    [latest] = found.latest_attachments
    assert isinstance(latest, UnifiedAttachment)
    assert latest.content == "Second"
    assert real.user_actions.search(case, text="no such text").total == 0
    assert real.user_actions.search(case, authors=["elastic"]).total == 3
    assert real.user_actions.connectors(case) == {}
