"""Import sets: rows that a transform map turns into incidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kibcase_connectors.standins.servicenow import writing
from kibcase_connectors.standins.servicenow.instance import OBSERVABLE_TYPES
from kibcase_connectors.standins.servicenow.problem import ServiceNowProblem
from kibcase_connectors.standins.servicenow.state import ServiceNowState
from kibcase_connectors.standins.servicenow.values import plain
from kibcase_connectors.standins.servicenow.writing import Writing

_FIRST_SET = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticApp:
    """One of Elastic's store apps: its scope, the table it fills, and the import set that it adds."""

    scope: str
    table: str
    staging: str
    name: str


ELASTIC_APPS: tuple[ElasticApp, ...] = (
    ElasticApp(
        scope="x_elas2_inc_int", table="incident", staging="x_elas2_inc_int_elastic_incident", name="Elastic for ITSM"
    ),
    ElasticApp(
        scope="x_elas2_sir_int", table="sn_si_incident", staging="x_elas2_sir_int_elastic_si_incident",
        name="Elastic for Security Operations (SecOps)",
    ),
)


def load(state: ServiceNowState, actor: str, app: ElasticApp, staged: Mapping[str, Any]) -> dict[str, Any]:
    """Put one row through the transform map; gives the body of the answer.

    ``elastic_incident_id`` names the record to update. Staging columns are named ``u_`` and the column of the table;
    people are named by user name. Empty values are not copied. A row that cannot be used has the status ``error``.
    """
    with state.lock:
        made = {"import_set": f"ISET{state.number('ISET', _FIRST_SET):07d}", "staging_table": app.staging}
        try:
            result = _transform(state, actor, app, staged)
        except ServiceNowProblem as problem:
            text = problem.detail or problem.message
            result = {"transform_map": app.name, "table": app.table, "status": "error", "error_message": text,
                      "status_message": problem.message}
        return made | {"result": [result]}


def _transform(state: ServiceNowState, actor: str, app: ElasticApp, staged: Mapping[str, Any]) -> dict[str, Any]:
    job = Writing(state=state, actor=actor, table=app.table)
    given = _mapped(state, app.table, staged)
    wanted = plain(staged.get("elastic_incident_id"))
    if wanted:
        before = state.read(actor, app.table, wanted)
        row = writing.update(job, wanted, given)
        status = "ignored" if row is before else "updated"
    else:
        row, status = writing.create(job, given), "inserted"
    return {
        "transform_map": app.name, "table": app.table, "display_name": "number", "display_value": row["number"],
        "record_link": f"{state.instance.base}/api/now/table/{app.table}/{row.sys_id}", "status": status,
        "sys_id": row.sys_id,
    }


def _mapped(state: ServiceNowState, table: str, staged: Mapping[str, Any]) -> dict[str, str]:
    columns = state.instance.schema.columns(table)
    people = {each.user_name: each.sys_id for each in state.instance.users.values()}
    given = {}
    for name, raw in staged.items():
        bare = name.removeprefix("u_")
        target = bare if bare in columns else name
        text = plain(raw)
        if target in columns and text:
            given[target] = people.get(text, text) if columns[target].reference == "sys_user" else text
    return given


def add_observables(
    state: ServiceNowState, actor: str, sys_id: str, observables: list[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Link observables ``{value, type}`` to a security incident, new ones included; gives their ids.

    Raises ``ServiceNowProblem`` (404 no such incident, 400 no value or type, 403 no right to change the incident).
    """
    with state.lock:
        owner = writing.attached_to(state, actor, "sn_si_incident", sys_id)
        made = []
        for each in observables:
            value, kind = plain(each.get("value")), plain(each.get("type"))
            name = OBSERVABLE_TYPES.get(kind.lower(), kind)
            row = next((one for one in state.rows("sn_ti_observable_type") if one["name"] == name), None)
            if not value or row is None:
                raise ServiceNowProblem(400, "Bad Request", "An observable needs a value and a known type")
            found = _observable(state, actor, owner.sys_id, value, row.sys_id)
            made.append({"value": value, "observable_sys_id": found})
        return made


def _observable(state: ServiceNowState, actor: str, task: str, value: str, kind: str) -> str:
    known = [row for row in state.rows("sn_ti_observable") if row["value"] == value and row["type"] == kind]
    row = known[0] if known else state.blank("sn_ti_observable", actor, {"value": value, "type": kind})
    linked = any(
        each["task"] == task and each["observable"] == row.sys_id
        for each in state.rows("sn_ti_m2m_task_observable")
    )
    link = [] if linked else [
        state.blank("sn_ti_m2m_task_observable", actor, {"task": task, "observable": row.sys_id})
    ]
    state.commit([*([] if known else [row]), *link])
    return row.sys_id
