"""The routes of Elastic Security that act on detection alerts: status, tags, assignees, search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from kibcase.server.cases.advanced_settings import AdvancedSettings
from kibcase.server.cases.patching_reasons import REASONS_SETTING, SECURITY_REASONS
from kibcase.server.elasticsearch.detections import DetectionAlerts, alias_of, by_ids
from kibcase.server.elasticsearch.errors import ElasticsearchError
from kibcase.server.errors import Forbidden, KibanaError
from kibcase.server.kibana import zod
from kibcase.server.kibana.endpoint import Call, Endpoint, Reply, ok
from kibcase.server.privileges import Grant
from kibcase.server.privileges_principal import Principal
from kibcase.server.stack import Stack

Json = dict[str, Any]
_BASE = "/api/detection_engine/signals"
_FEATURES: Final = ("siem", "securitySolutionAlerts", "securitySolutionRules")
_WRITING: Final = frozenset({"all", "minimal_all"})
_READING: Final = _WRITING | {"read", "minimal_read"}

_IDS = zod.array(zod.filled, 1)
_NAMES = zod.array(zod.filled)
_STATUS = zod.one_of("open", "closed", "acknowledged", "in-progress")
_CONFLICTS = zod.one_of("abort", "proceed")
_TAGS = zod.structure(
    {"tags": zod.structure({"tags_to_add": _NAMES, "tags_to_remove": _NAMES}), "ids": _IDS}
)
_ASSIGNEES = zod.structure({"assignees": zod.structure({"add": _NAMES, "remove": _NAMES}), "ids": _IDS})
_SORT = zod.union(zod.string, zod.record)
_SEARCH = zod.structure({}, {
    "query": zod.record, "aggs": zod.record, "size": zod.count, "track_total_hits": zod.boolean,
    "_source": zod.union(zod.boolean, zod.string, zod.array(zod.string)), "fields": zod.array(zod.string),
    "runtime_mappings": zod.record, "sort": zod.union(_SORT, zod.array(_SORT)),
})
_SEARCHED = ("query", "aggs", "_source", "fields", "track_total_hits", "size", "sort")


class SecurityRefusal(KibanaError):
    """A refusal with the envelope of Elastic Security: ``{"message", "status_code"}``."""

    def __init__(self, status: int, said: str | list[str]) -> None:
        super().__init__(str(said), status=status)
        self._said = said

    @property
    def body(self) -> Json:
        """The envelope, as JSON values."""
        return {"message": self._said, "status_code": self.status}


def detection_routes(alerts: DetectionAlerts, settings: AdvancedSettings, stack: Stack) -> list[Endpoint]:
    """Build the routes; they act on ``.alerts-security.alerts-{space}`` alone."""
    detections = _Detections(alerts, settings, stack)
    return [
        detections.route("status", detections.status, writes=True),
        detections.route("tags", detections.tags, writes=True),
        detections.route("assignees", detections.assignees, writes=True),
        detections.route("search", detections.search, writes=False),
    ]


class _Detections:
    def __init__(self, alerts: DetectionAlerts, settings: AdvancedSettings, stack: Stack) -> None:
        self._alerts = alerts
        self._settings = settings
        self._stack = stack
        optional = {"reason": zod.string} if stack.has_alert_reasons else {}
        self._by_ids = zod.structure({"signal_ids": _IDS, "status": _STATUS}, optional)
        self._by_query = zod.structure(
            {"query": zod.record, "status": _STATUS}, {"conflicts": _CONFLICTS, **optional}
        )

    def route(self, name: str, answer: Callable[[Call], Json], *, writes: bool) -> Endpoint:
        path = f"{_BASE}/{name}"

        def handle(call: Call) -> Reply:
            self._authorize(call, path, writes=writes)
            try:
                return ok(answer(call))
            except ElasticsearchError as error:
                raise SecurityRefusal(error.status, str(error)) from error

        return Endpoint(method="POST", path=path, handle=handle)

    def status(self, call: Call) -> Json:
        zod.validate(zod.union(self._by_ids, self._by_query), call.body)
        body, trial = call.body, zod.Report()
        self._by_ids(body, "", trial)
        query = {"bool": {"filter": body["query"]}} if trial.issues else by_ids(body["signal_ids"])
        return self._alerts.set_status(
            call.by.space, query, body["status"], user=call.by.user.get("profile_uid"),
            reason=self._reason(call), has_reasons=self._stack.has_alert_reasons,
        )

    def tags(self, call: Call) -> Json:
        zod.validate(_TAGS, call.body)
        add, remove = call.body["tags"]["tags_to_add"], call.body["tags"]["tags_to_remove"]
        _check_apart("tags", add, remove, "tags_to_add and tags_to_remove")
        return self._alerts.change_tags(call.by.space, call.body["ids"], add=add, remove=remove)

    def assignees(self, call: Call) -> Json:
        zod.validate(_ASSIGNEES, call.body)
        add, remove = call.body["assignees"]["add"], call.body["assignees"]["remove"]
        _check_apart("assignees", add, remove, "add and remove")
        return self._alerts.change_assignees(call.by.space, call.body["ids"], add=add, remove=remove)

    def search(self, call: Call) -> Json:
        zod.validate(_SEARCH, call.body)
        if all(call.body.get(name) is None for name in _SEARCHED):
            raise SecurityRefusal(400, '"value" must have at least 1 children')
        return self._alerts.search(call.by.space, call.body)

    def _reason(self, call: Call) -> str | None:
        reason: str | None = call.body.get("reason")
        if not self._stack.has_alert_reasons or call.body["status"] != "closed" or reason is None:
            return None
        custom = self._settings.value(call.by.space, REASONS_SETTING)
        if reason not in (*SECURITY_REASONS, *(custom if isinstance(custom, list) else ())):
            raise SecurityRefusal(400, f"{reason} is an invalid closing reason.")
        return reason

    def _authorize(self, call: Call, path: str, *, writes: bool) -> None:
        principal, space = call.principal, call.by.space
        if principal is None:
            raise RuntimeError("this route is open to anonymous callers")
        if _may(principal, space, _WRITING if writes else _READING):
            return
        if self._stack.has_alert_privileges or not _may(principal, space, _READING):
            split = "alerts-all" if writes else "alerts-read"
            needed = split if self._stack.has_alert_privileges else "securitySolution"
            said = f"API [POST {path}] is unauthorized for user, this action is granted by the Kibana privileges"
            raise Forbidden(f"{said} [{needed}]")
        # Older stacks let whoever may see Security pass, and Elasticsearch refuses those who may not write alerts.
        raise SecurityRefusal(403, _index_refusal(principal, space))


def _may(principal: Principal, space: str, levels: Iterable[str]) -> bool:
    return all(
        _held(grants, space, frozenset(levels)) for grants in (principal.grants, principal.limits) if grants is not None
    )


def _held(grants: Iterable[Grant], space: str, levels: frozenset[str]) -> bool:
    held = [name for grant in grants if grant.covers(space) for name in grant.privileges]
    return any(
        name == "*" or name in levels or (name.startswith(_FEATURES) and _is_detections(name, levels)) for name in held
    )


def _is_detections(name: str, levels: frozenset[str]) -> bool:
    feature, _, level = name.partition(".")
    generation = next(feature.removeprefix(stem) for stem in _FEATURES if feature.startswith(stem))
    return level in levels and (generation == "" or (generation[0] == "V" and generation[1:].isdecimal()))


def _index_refusal(principal: Principal, space: str) -> str:
    roles = ",".join(sorted(principal.roles))
    return (
        f"security_exception: action [indices:data/write/update/byquery] is unauthorized for user [{principal.name}] "
        f"with effective roles [{roles}] on indices [{alias_of(space)}], this action is granted by the index "
        "privileges [index,write,all]"
    )


def _check_apart(what: str, add: list[str], remove: list[str], where: str) -> None:
    twice = [each for each in add if each in remove]
    if twice:
        listed = json.dumps(twice, separators=(",", ":"), ensure_ascii=False)
        raise SecurityRefusal(400, [f"Duplicate {what} {listed} were found in the {where} parameters."])
