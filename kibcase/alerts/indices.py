"""The alert indices of one Elasticsearch, as seen from one Kibana space."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

from kibcase.alerts import status as workflow
from kibcase.alerts.connect import connect, credentials
from kibcase.alerts.failures import item_error, translated
from kibcase.alerts.model import Alert, AlertRef, StatusReport
from kibcase.alerts.query import AlertFilter, build
from kibcase.alerts.writing import batches, set_status
from kibcase.errors import InvalidValue, LimitError, NotFoundError, NoUsableAnswer

SECURITY_ALERTS = ".alerts-security.alerts-{space}"
"""The alias of the detection rules' alerts; ``{space}`` stands for the space of the ``AlertIndices``."""

MAX_WINDOW = 10_000
PAGE = 500
_KEEP_ALIVE = "2m"
_UUID = "kibana.alert.uuid"
Refresh = bool | Literal["wait_for"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AlertIndices:
    """Reads alerts and sets their workflow status, through Elasticsearch's own API.

    ``url`` is Elasticsearch's. Give ``username`` and ``password``, or ``api_key`` (encoded, as Kibana shows it), or
    neither where security is off. TLS is verified against ``ca_certs`` (a file) or the system's authorities, unless
    ``verify`` is False. ``timeout`` is in seconds, per request; no request is repeated. An ``index`` argument is a
    name, comma list or wildcard, in which ``{space}`` stands for ``space``. Works with 8.x and 9.x.

    Raises ``MissingExtraError`` without the ``elasticsearch`` package. Every method that sends a request raises
    ``ConnectionFailed``, ``RequestTimeout``, ``InvalidAnswer`` or a kind of ``ApiError``.
    """

    def __init__(
        self, url: str, *, username: str | None = None, password: str | None = None, api_key: str | None = None,
        space: str = "default", ca_certs: str | Path | None = None, verify: bool = True, timeout: float = 30.0,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        auth = credentials(username, password, api_key)
        self._client = connect(url, auth=auth, ca_certs=ca_certs, verify=verify, timeout=timeout)
        self._shown = f"{type(self).__name__}({url!r}, space={space!r}, auth={auth!r})"
        self._clock = clock
        self.space = space

    def find(
        self, index: str = SECURITY_ALERTS, *, ids: Iterable[str] | None = None,
        status: str | Iterable[str] | None = None, rule: str | Iterable[str] | None = None,
        since: datetime | str | None = None, query: Mapping[str, Any] | None = None, size: int = 100,
    ) -> list[Alert]:
        """Find at most ``size`` (up to 10,000) alerts, newest ``@timestamp`` first (POST _search).

        See ``stream`` for the filters and for more alerts than that. Raises ``LimitError`` for a larger ``size``,
        ``NotFoundError`` if a plainly named index does not exist.
        """
        _check("size", size, 0)
        name = self._named(index)
        wanted = build(AlertFilter(ids=ids, status=status, rule=rule, since=since, query=query))
        with translated("POST", f"/{name}/_search"):
            found = self._client.search(
                index=name, query=wanted, size=size, sort=[_by_time("desc")], track_total_hits=False
            )
        return [_alert(hit) for hit in found["hits"]["hits"]]

    def stream(
        self, index: str = SECURITY_ALERTS, *, ids: Iterable[str] | None = None,
        status: str | Iterable[str] | None = None, rule: str | Iterable[str] | None = None,
        since: datetime | str | None = None, query: Mapping[str, Any] | None = None, page: int = PAGE,
    ) -> Iterator[Alert]:
        """Give every matching alert once, oldest ``@timestamp`` first, page by page as they are asked for.

        Filters, all of which must hold: ``ids``; ``status``, ``rule`` (name, uuid or rule_id), each one value or
        several; ``since``, an aware time or date math such as ``now-24h``; ``query`` in Elasticsearch's query
        language. Reads from a point in time, so changes made meanwhile, by the caller too, do not disturb it.
        ``page`` is how many (up to 10,000) come with one request.
        """
        wanted = build(AlertFilter(ids=ids, status=status, rule=rule, since=since, query=query))
        _check("page", page, 1)
        return self._stream(self._named(index), wanted, page)

    def get(self, index: str, id: str) -> Alert:  # noqa: A002 - Elasticsearch's own word
        """Read one alert (GET _doc); raises ``NotFoundError`` if it, or the index, does not exist."""
        name = self._named(index)
        path = f"/{name}/_doc/{quote(id, safe='')}"
        with translated("GET", path):
            found = self._client.options(ignore_status=404).get(index=name, id=id)
        if not found.get("found"):
            raise item_error(404, found.body, "GET", path, fallback=f"no alert {id!r} in {name}")
        return _alert(found)

    def set_status(
        self, alerts: Iterable[AlertRef | Alert], status: str, *, reason: str | None = None, refresh: Refresh = False
    ) -> StatusReport:
        """Set the workflow status (open, acknowledged, closed) of alerts, and say what became of each.

        Reads each alert with its version and writes it only if it still has that version (POST _mget, then POST
        _bulk with if_seq_no), so nothing that somebody else has just written is lost: such alerts are in
        ``conflicts``. Alerts that have the status already are not written. ``reason`` (1-1024 characters) goes with
        closed only. ``refresh`` is Elasticsearch's: False lets searches see the change a little later. Raises
        ``ValueError`` for another status, before anything is sent.
        """
        workflow.check(status, reason)
        refs = (each.ref if isinstance(each, Alert) else each for each in alerts)
        return set_status(self._client, refs, status, reason=reason, refresh=refresh, clock=self._clock)

    def index(
        self, documents: Iterable[Mapping[str, Any]], *, into: str = SECURITY_ALERTS, refresh: Refresh = "wait_for"
    ) -> list[AlertRef]:
        """Store new alert documents, for demonstrations and tests, and say where they are (POST _bulk, create).

        The ``_id`` is the document's ``kibana.alert.uuid``, as in Kibana, or automatic without one. Raises the
        error of the first document that was refused (``ConflictError`` if its id is taken); others are stored.
        """
        name = self._named(into)
        return [ref for batch in batches(documents) for ref in self._create(name, batch, refresh)]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return self._shown

    def _named(self, index: str) -> str:
        name = index.replace("{space}", self.space)
        if not name:
            raise InvalidValue("name an index; the empty name would mean all of them")
        return name

    def _stream(self, name: str, wanted: dict[str, Any], page: int) -> Iterator[Alert]:
        with translated("POST", f"/{name}/_pit"):
            pit = self._client.open_point_in_time(index=name, keep_alive=_KEEP_ALIVE)["id"]
        reachable = True
        try:
            after: list[Any] | None = None
            while hits := (found := self._page(pit, wanted, page, after))["hits"]["hits"]:
                pit = found.get("pit_id", pit)
                yield from map(_alert, hits)
                after = hits[-1]["sort"]
        except NoUsableAnswer:
            # A server out of reach cannot close it either; it expires by itself.
            reachable = False
            raise
        finally:
            if reachable:
                self._close_point(pit)

    def _page(self, pit: str, wanted: dict[str, Any], page: int, after: list[Any] | None) -> Any:
        with translated("POST", "/_search"):
            return self._client.search(
                pit={"id": pit, "keep_alive": _KEEP_ALIVE}, query=wanted, size=page, sort=[_by_time("asc")],
                search_after=after, track_total_hits=False,
            )

    def _close_point(self, pit: str) -> None:
        try:
            with translated("DELETE", "/_pit"):
                self._client.close_point_in_time(id=pit)
        except NotFoundError:
            # It expired while the caller was busy with the last page: gone is what was wanted.
            return

    def _create(self, name: str, batch: list[Mapping[str, Any]], refresh: Refresh) -> list[AlertRef]:
        lines: list[Mapping[str, Any]] = []
        for document in batch:
            given = {"_id": document[_UUID]} if document.get(_UUID) else {}
            lines += [{"create": given}, document]
        with translated("POST", f"/{name}/_bulk"):
            items = self._client.bulk(index=name, operations=lines, refresh=refresh)["items"]
        outcomes = [item["create"] for item in items]
        refused = next((outcome for outcome in outcomes if "error" in outcome), None)
        if refused is not None:
            raise item_error(refused["status"], refused, "POST", f"/{name}/_bulk")
        return [AlertRef(index=outcome["_index"], id=outcome["_id"]) for outcome in outcomes]


def _alert(hit: Any) -> Alert:
    return Alert(id=hit["_id"], index=hit["_index"], source=hit["_source"])


def _check(name: str, number: int, least: int) -> None:
    if number < least:
        raise InvalidValue(f"{name} is at least {least}, given {number}")
    if number > MAX_WINDOW:
        raise LimitError(f"alerts in one search ({name})", MAX_WINDOW, number, advice="Use stream() for more.")


def _by_time(order: str) -> dict[str, Any]:
    return {"@timestamp": {"order": order, "unmapped_type": "date"}}
