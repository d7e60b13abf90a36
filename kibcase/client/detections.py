"""The alerts of Elastic Security's detection rules, through Kibana (POST /api/detection_engine/signals/...).

Alerts of other solutions, and more than one index, are for ``kibcase.alerts``, which speaks to Elasticsearch itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from kibcase.alerts import status as workflow
from kibcase.alerts.model import Alert
from kibcase.alerts.query import AlertFilter, build
from kibcase.client.answers import decode
from kibcase.client.batches import encoded, split
from kibcase.client.features import require_support
from kibcase.client.filters import Many
from kibcase.client.limits import ALERTS_PER_REQUEST, ALERTS_PER_SEARCH, BODY_BYTES, check_body, check_ids
from kibcase.client.status import StatusApi
from kibcase.errors import InvalidValue, LimitError
from kibcase.models.detection import AlertHit, FoundAlerts, UpdatedAlerts
from kibcase.transport import Request, Transport

AlertStatus = Literal["open", "acknowledged", "closed"]
Json = Mapping[str, Any]

_BASE = "/api/detection_engine/signals"
_UPDATED = TypeAdapter(UpdatedAlerts)
_FOUND = TypeAdapter(FoundAlerts)
_TIME = "@timestamp"
_NEWEST_FIRST = ({_TIME: {"order": "desc", "unmapped_type": "date"}},)
_OLDEST_FIRST = ({_TIME: {"order": "asc", "unmapped_type": "date"}},)
_FEWER = "Name fewer ids or values at once."
_NO_TIME = 2**63 - 1  # how Elasticsearch sorts a document without the date to the end


class DetectionsApi:
    """``kibana.detections``: the detection alerts of this client's space.

    The rights are those of Elastic Security and of its alert indices, not those of cases. An alert is named by its
    ``_id``, which equals ``kibana.alert.uuid``. Kibana makes a change searchable before it answers; each call costs a
    refresh of the index, so give many ids to one call. Where the ids are too many for one request there are several:
    if a later one fails the earlier ones stay, and the call can be repeated. Ids that no alert has are no error: look
    at ``UpdatedAlerts.total``. Every method can raise the errors of ``Transport.send``; ``ConflictError`` means that
    somebody else changed one of the alerts at the same time, and that others may have been changed.
    """

    def __init__(self, transport: Transport, status: StatusApi) -> None:
        self._transport = transport
        self._status = status

    def set_status(self, ids: Many, status: AlertStatus, *, reason: str | None = None) -> UpdatedAlerts:
        """Set the workflow status of alerts (POST .../status).

        ``reason`` is why they are closed, since stack 9.2: false_positive, duplicate, true_positive, benign_positive,
        automated_closure, other, or one that the space has configured; alerts that are closed already keep theirs.
        Raises ``ValueError`` for another status or a reason with any but closed, ``LimitError`` for a reason of more
        than 1024 characters, ``UnsupportedByStack``, ``BadRequestError`` for a reason that is not known.
        """
        common = self._status_body(status, reason)
        return self._change("status", "signal_ids", ids, common)

    def set_status_by_query(
        self, query: Json, status: AlertStatus, *, reason: str | None = None,
        conflicts: Literal["abort", "proceed"] = "abort",
    ) -> UpdatedAlerts:
        """Set the workflow status of all alerts that an Elasticsearch query matches (POST .../status).

        ``conflicts`` "proceed" leaves alerts that somebody else changes at the same time as they are and counts them
        in ``version_conflicts``; "abort" stops there with ``ConflictError``. Raises like ``set_status``.
        """
        body = {**self._status_body(status, reason), "query": dict(query), "conflicts": conflicts}
        return self._post("status", body)

    def change_tags(self, ids: Many, *, add: Many = (), remove: Many = ()) -> UpdatedAlerts:
        """Add tags to alerts and remove others (POST .../tags).

        Raises ``ValueError`` if there is nothing to do, a tag is blank, or the same is to be added and removed,
        ``NotFoundError`` in a space that has never had alerts.
        """
        new, gone = _apart("tags", add, remove)
        return self._change("tags", "ids", ids, {"tags": {"tags_to_add": new, "tags_to_remove": gone}})

    def change_assignees(self, ids: Many, *, add: Many = (), remove: Many = ()) -> UpdatedAlerts:
        """Assign people to alerts and unassign others, by profile uid (POST .../assignees); see ``kibana.profiles``.

        Raises like ``change_tags``.
        """
        new, gone = _apart("assignees", add, remove)
        return self._change("assignees", "ids", ids, {"assignees": {"add": new, "remove": gone}})

    def search(
        self, *, ids: Many | None = None, status: Many | None = None, rule: Many | None = None,
        since: datetime | str | None = None, query: Json | None = None, size: int = 100,
        sort: Sequence[str | Json] = _NEWEST_FIRST, source: bool | Sequence[str] = True, fields: Sequence[str] = (),
        aggs: Json | None = None, runtime_mappings: Json | None = None, track_total_hits: bool = True,
    ) -> FoundAlerts:
        """Find at most ``size`` (up to 10,000) alerts, newest first unless sorted otherwise (POST .../search).

        Each filter that is given must hold. ``rule`` is a name, uuid or rule_id; ``since`` an aware time or date math
        ("now-24h") of ``@timestamp``; ``query`` any further query in Elasticsearch's language. ``source`` names the
        fields to send, False none; ``fields``, ``aggs`` and ``runtime_mappings`` are Elasticsearch's. See ``iter`` for
        more alerts than that. Raises ``LimitError`` for a larger ``size`` and for ids that do not fit
        into one request of 1 MiB, ``ValueError`` for a time without a zone.
        """
        wanted = _query(ids, status, rule, since, query)
        body = {"query": wanted, "size": _checked("size", size, 0), "sort": list(sort)}
        body |= {"_source": source if isinstance(source, bool) else list(source), "track_total_hits": track_total_hits}
        optional = {"fields": list(fields), "aggs": aggs, "runtime_mappings": runtime_mappings}
        return self._search(body | {name: value for name, value in optional.items() if value})

    def iter(
        self, *, ids: Many | None = None, status: Many | None = None, rule: Many | None = None,
        since: datetime | str | None = None, query: Json | None = None, page: int = 500,
    ) -> Iterator[Alert]:
        """Give all alerts that match, oldest ``@timestamp`` first, ``page`` (up to 10,000) per request.

        Each alert comes once, also if alerts are changed meanwhile, so that the loop may set their status. Filters and
        errors are those of ``search``, raised before the first alert is asked for.
        """
        return self._pages(_query(ids, status, rule, since, query), _checked("page", page, 1))

    # The route takes neither a point in time nor search_after: each page begins at the time where the last one ended,
    # without the alerts of that very time that were given already.
    def _pages(self, wanted: Json, page: int) -> Iterator[Alert]:
        place: int | None = None
        given: list[str] = []
        while True:
            body = {"query": _from(wanted, place, given), "size": page, "sort": list(_OLDEST_FIRST)}
            hits = self._search({**body, "track_total_hits": False}).hits.hits
            yield from (hit.alert for hit in hits)
            if len(hits) < page:
                return
            last = _time(hits[-1])
            here = [hit.id for hit in hits if _time(hit) == last]
            given = [*given, *here] if last == place else here
            place = last

    def _status_body(self, status: AlertStatus, reason: str | None) -> dict[str, Any]:
        workflow.check(status, reason)
        if reason is None:
            return {"status": status}
        require_support(["reason"], self._status.comparable_version)
        return {"status": status, "reason": reason}

    def _change(self, name: str, key: str, ids: Many, common: dict[str, Any]) -> UpdatedAlerts:
        listed = _listed("alerts", ids)
        check_ids("alerts", listed, len(listed))
        room = BODY_BYTES - len(encoded({**common, key: ""}))
        runs = split([len(encoded(each)) for each in listed], most=ALERTS_PER_REQUEST, room=room)
        return UpdatedAlerts.combined(
            [self._post(name, {**common, key: listed[run.start : run.stop]}) for run in runs]
        )

    def _post(self, name: str, body: dict[str, Any]) -> UpdatedAlerts:
        check_body(body, _FEWER)
        request = Request(method="POST", path=f"{_BASE}/{name}", json=body)
        return decode(self._transport.send(request), _UPDATED)

    def _search(self, body: dict[str, Any]) -> FoundAlerts:
        check_body(body, _FEWER)
        request = Request(method="POST", path=f"{_BASE}/search", json=body, idempotent=True)
        return decode(self._transport.send(request), _FOUND)


def _query(
    ids: Many | None, status: Many | None, rule: Many | None, since: datetime | str | None, query: Json | None
) -> dict[str, Any]:
    given = None if ids is None else _listed("alerts", ids)
    return build(AlertFilter(ids=given, status=status, rule=rule, since=since, query=query))


def _from(wanted: Json, place: int | None, given: Sequence[str]) -> Json:
    if place is None:
        return wanted
    timed = {"exists": {"field": _TIME}}
    later: dict[str, Any] = {"range": {_TIME: {"gte": place, "format": "epoch_millis"}}}
    untimed: dict[str, Any] = {"bool": {"must_not": [timed]}}
    rest = untimed if place == _NO_TIME else {"bool": {"should": [later, untimed]}}
    return {"bool": {"filter": [wanted, rest], "must_not": [{"ids": {"values": list(given)}}]}}


def _time(hit: AlertHit) -> int:
    found = hit.sort[0] if hit.sort else None
    return found if isinstance(found, int) else _NO_TIME


def _listed(name: str, given: Many) -> list[str]:
    listed = list(dict.fromkeys([given] if isinstance(given, str) else given))
    if any(not each.strip() for each in listed):
        raise InvalidValue(f"one of the {name} is blank")
    return listed


def _apart(name: str, add: Many, remove: Many) -> tuple[list[str], list[str]]:
    new, gone = _listed(name, add), _listed(name, remove)
    if not new and not gone:
        raise InvalidValue(f"no {name} to add or remove given")
    both = [each for each in new if each in gone]
    if both:
        raise InvalidValue(f"{name} to be added and removed at once: {', '.join(both)[:200]}")
    return new, gone


def _checked(name: str, number: int, least: int) -> int:
    if number < least:
        raise InvalidValue(f"{name} is at least {least}, given {number}")
    if number > ALERTS_PER_SEARCH:
        raise LimitError(f"alerts in one search ({name})", ALERTS_PER_SEARCH, number, advice="Use iter() for more.")
    return number
