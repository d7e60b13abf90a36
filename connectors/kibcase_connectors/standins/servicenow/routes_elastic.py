"""Handlers of import sets and of the APIs that Elastic's store apps add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kibcase_connectors.standins.servicenow import importing
from kibcase_connectors.standins.servicenow.call import Call, answer
from kibcase_connectors.standins.servicenow.importing import ELASTIC_APPS, ElasticApp
from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem, invalid_table, no_resource

APP_VERSION = "1.0.4"


def load(call: Call) -> Response:
    """POST /import/{staging}; 201 even if the row could not be used."""
    staging = call.path("staging")
    app = next((each for each in _installed(call) if each.staging == staging), None)
    if app is None:
        raise invalid_table(staging)
    return answer(importing.load(call.state, call.actor, app, call.document()), 201)


def health(call: Call) -> Response:
    """GET /api/{scope}/elastic_api/health."""
    app = _app(call, call.path("scope"))
    return answer({"result": {"name": app.name, "scope": app.scope, "version": APP_VERSION}})


def add_observable(call: Call) -> Response:
    """POST /api/x_elas2_sir_int/elastic_api/incident/{sys_id}/observables."""
    return _add(call, [call.document()])


def add_observables(call: Call) -> Response:
    """POST /api/x_elas2_sir_int/elastic_api/incident/{sys_id}/observables/bulk."""
    body = call.json()
    if not isinstance(body, list) or not all(isinstance(each, Mapping) for each in body):
        raise ServiceNowProblem(400, "Bad Request", "The body must be a list of observables")
    return _add(call, body)


def _add(call: Call, observables: list[Mapping[str, Any]]) -> Response:
    _app(call, "x_elas2_sir_int")
    return answer({"result": importing.add_observables(call.state, call.actor, call.path("sys_id"), observables)})


def _installed(call: Call) -> list[ElasticApp]:
    return [each for each in ELASTIC_APPS if each.scope in call.state.instance.elastic_apps]


def _app(call: Call, scope: str) -> ElasticApp:
    app = next((each for each in _installed(call) if each.scope == scope), None)
    if app is None:
        raise no_resource()
    return app
