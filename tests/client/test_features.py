from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import pytest
import responses

from kibcase import CaseChange, EndpointNotFound, Kibana, NotFoundError, UnsupportedByStack, Version
from kibcase.client.endpoints import ENDPOINTS, OLDEST, EndpointFact, endpoint_of
from kibcase.client.features import FEATURES
from kibcase.server.app import CasesServer

URL = "http://kibana.test:5601"


def status(version: str) -> dict[str, Any]:
    return {"version": {"number": version}, "status": {"overall": {"level": "available"}}}


@pytest.mark.parametrize("fact", ENDPOINTS, ids=lambda fact: fact.title)
def test_every_endpoint_has_a_method_or_a_reason(kibana: Kibana, fact: EndpointFact) -> None:
    if fact.library:
        assert callable(attrgetter(fact.library)(kibana))
    else:
        assert fact.note


def test_no_endpoint_is_there_twice() -> None:
    titles = [fact.title for fact in ENDPOINTS]
    assert len(titles) == len(set(titles))
    assert {fact.licence for fact in ENDPOINTS} <= {"basic", "gold", "platinum", "enterprise"}
    assert all(fact.internal for fact in ENDPOINTS if fact.path.startswith("/internal/"))


@pytest.mark.parametrize("fact", ENDPOINTS, ids=lambda fact: fact.title)
def test_every_endpoint_is_found_by_a_path_of_its_own(fact: EndpointFact) -> None:
    path = re.sub(r"\{\w+\}", "a%2Fb", fact.path)
    assert endpoint_of(fact.method, path) == fact
    assert endpoint_of("TRACE", path) is None


def test_fixed_segments_win() -> None:
    found = endpoint_of("GET", "/api/cases/tags")
    assert found is not None
    assert found.library == "cases.tags"


def test_versions_are_plausible() -> None:
    assert all(OLDEST <= fact.since <= Version(9, 6) for fact in ENDPOINTS)
    assert all(Version(8, 0) <= fact.since <= Version(9, 6) for fact in FEATURES)
    assert all(fact.until is None or fact.until > fact.since for fact in ENDPOINTS)


def test_a_missing_endpoint_names_the_version(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/fields", status=404, json={"message": "Saved object [cases/fields] not found"})
    remote.get(f"{URL}/api/status", json=status("9.2.0"))
    with pytest.raises(UnsupportedByStack) as caught:
        kibana.fields.applicable(owner="cases")
    assert (caught.value.feature, caught.value.needs, caught.value.version) == (
        "GET /api/cases/fields", "9.5.0", "9.2.0",
    )
    assert isinstance(caught.value.__cause__, NotFoundError)


def test_what_is_new_enough_stays_not_found(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/c1/fields", status=404, json={"message": "Saved object [cases/c1] not found"})
    remote.get(f"{URL}/api/status", json=status("9.5.1"))
    with pytest.raises(NotFoundError):
        kibana.fields.of_case("c1")


def test_an_object_of_an_old_endpoint_asks_for_no_version(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/c1", status=404, json={"message": "Saved object [cases/c1] not found"})
    with pytest.raises(NotFoundError):
        kibana.cases.get("c1")
    assert len(remote.calls) == 1


def test_a_stack_that_does_not_tell_explains_nothing(kibana: Kibana, remote: responses.RequestsMock) -> None:
    remote.get(f"{URL}/api/cases/templates/t1", status=404, json={"message": "Not Found"})
    remote.get(f"{URL}/api/status", status=401, json={"message": "no"})
    with pytest.raises(EndpointNotFound):
        kibana.templates.get("t1")


@pytest.fixture(scope="module")
def oldest() -> Iterator[Kibana]:
    with (
        CasesServer(stack_version="8.17.0") as server,
        Kibana(server.kibana_url, username="elastic", password="changeme") as kibana,
    ):
        yield kibana


@pytest.mark.parametrize(
    "call",
    [
        lambda kibana: kibana.templates.find(),
        lambda kibana: kibana.templates.create(owner="cases", definition="fields: []"),
        lambda kibana: kibana.fields.find(owner="cases"),
        lambda kibana: kibana.fields.applicable(owner="cases"),
        lambda kibana: kibana.fields.of_case("c1"),
        lambda kibana: kibana.observables.add("c1", "observable-type-ipv4", "10.0.0.1"),
        lambda kibana: kibana.observables.remove_many("c1", ["o1"]),
        lambda kibana: kibana.cases.similar("c1"),
        lambda kibana: kibana.cases.sync_external("c1"),
        lambda kibana: kibana.cases.find(search="7", search_fields="incremental_id.text"),
        lambda kibana: kibana.user_actions.search("c1", text="x"),
    ],
)
def test_the_oldest_stack_lacks(oldest: Kibana, call: Callable[[Kibana], object]) -> None:
    with pytest.raises(UnsupportedByStack, match=r"this Kibana is 8\.17\.0"):
        call(oldest)


def test_the_oldest_stack_has_the_rest(oldest: Kibana) -> None:
    case = oldest.cases.create(title="t", description="d", owner="cases", severity="high", category="c")
    assert (case.total_events, case.observables, case.incremental_id, case.template) == (0, [], None, None)
    assert oldest.cases.resolve(case.id).case.id == case.id
    assert oldest.cases.counts().open == 1
    assert [each.id for each in oldest.cases.iter_search(owner="cases", search="t", search_fields="title")] == [case.id]
    assert oldest.user_actions.stats(case).total == 1
    unknown = CaseChange(id="no", version="v", changes={"title": "y"})
    result = oldest.cases.update_many([CaseChange.of(case, title="x"), unknown])
    assert ([each.title for each in result.updated], [each.item for each in result.failed]) == (["x"], ["no"])
    assert oldest.cases.delete_many([case, "no"]).done == [case.id]
