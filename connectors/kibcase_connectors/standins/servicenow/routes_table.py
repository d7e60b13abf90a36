"""Handlers of the Table API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from kibcase_connectors.standins.servicenow import writing
from kibcase_connectors.standins.servicenow.call import Call, answer, empty
from kibcase_connectors.standins.servicenow.problem import no_record
from kibcase_connectors.standins.servicenow.records import Row
from kibcase_connectors.standins.servicenow.render import View

LIMIT = 10_000


def listing(call: Call) -> Response:
    """GET /table/{table}; version 1 answers 404 if there is nothing."""
    table = call.path("table")
    view = call.view()
    rows, headers = page(call, table, LIMIT)
    if not rows and "/v1/" in call.request.url.path:
        raise no_record("Records matching query not found")
    shown = [call.show.record(row, view, table) for row in rows]
    quota = call.switches.quota
    if quota is not None and len(rows) > quota:
        return answer(_cancelled(shown[:quota]), 200, headers)
    return answer({"result": shown}, 200, headers)


def page(call: Call, table: str, default_limit: int) -> tuple[list[Row], dict[str, str]]:
    """Give one page of a list, with the headers for paging; the limit counts records that the user cannot see."""
    found = call.state.select(call.actor, table, call.filter())
    limit, offset = call.number("sysparm_limit", default_limit), call.number("sysparm_offset", 0)
    shown = [row for row in found[offset : offset + limit] if call.state.visible(call.actor, row)]
    headers = {} if call.flag("sysparm_no_count") else {"X-Total-Count": str(len(found))}
    links = _links(call, limit, offset, len(found))
    if links and not call.flag("sysparm_suppress_pagination_header"):
        headers["Link"] = ",".join(f'<{url}>;rel="{name}"' for name, url in links.items())
    return shown, headers


def _links(call: Call, limit: int, offset: int, total: int) -> dict[str, str]:
    if not limit or total <= limit:
        return {}
    starts = {"first": 0}
    if offset:
        starts["prev"] = max(0, offset - limit)
    if offset + limit < total:
        starts["next"] = offset + limit
    if not call.flag("sysparm_no_count"):
        starts["last"] = (total - 1) // limit * limit
    rest = [(k, v) for k, v in call.request.query_params.multi_items() if k not in ("sysparm_limit", "sysparm_offset")]
    base = call.state.instance.base + call.request.url.path
    return {
        name: f"{base}?{urlencode([*rest, ('sysparm_limit', limit), ('sysparm_offset', start)])}"
        for name, start in starts.items()
    }


def _cancelled(partial: list[dict[str, Any]]) -> dict[str, Any]:
    # The status line is sent by the time the quota strikes, so both members are in a body of status 200.
    return {
        "result": partial, "status": "failure",
        "error": {
            "message": "Transaction cancelled: maximum execution time exceeded",
            "detail": "maximum execution time exceeded Check logs for error trace",
        },
    }


def read(call: Call) -> Response:
    """GET /table/{table}/{sys_id}."""
    table = call.path("table")
    return _one(call, call.state.read(call.actor, table, call.path("sys_id")), table)


def create(call: Call) -> Response:
    """POST /table/{table}."""
    table = call.path("table")
    row = writing.create(call.writing(table), call.document())
    return _one(call, row, table, 201, {"Location": call.show.link(table, row.sys_id)})


def update(call: Call) -> Response:
    """PUT and PATCH /table/{table}/{sys_id}; both change what is given."""
    table = call.path("table")
    return _one(call, writing.update(call.writing(table), call.path("sys_id"), call.document()), table)


def delete(call: Call) -> Response:
    """DELETE /table/{table}/{sys_id}."""
    writing.delete(call.state, call.actor, call.path("table"), call.path("sys_id"))
    return empty()


def _one(call: Call, row: Row, table: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    view: View = call.view()
    return answer({"result": call.show.record(row, view, table)}, status, headers)
