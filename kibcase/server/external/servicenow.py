"""What Kibana's ServiceNow connectors (ITSM and SecOps) say: Import Set API of Elastic's app, or Table API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from kibcase.server.datemath import stamp
from kibcase.server.external.failures import BadAnswer, HttpFailure, ServiceError
from kibcase.server.external.http import Answer
from kibcase.server.external.service import Json, Setting, SubAction, base_of, push, wrong_configuration

_T = TypeVar("_T")
_CLOSED = "7"
_SEPARATORS = re.compile(r"[ ,|\r\n\t]+")
_OBSERVABLES = (
    (("dest_ip", "source_ip"), "ipv4-addr"), (("malware_hash",), "SHA256"), (("malware_url",), "URL"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """Where one kind of incident lives: its table, its import set, and the scope of Elastic's app."""

    table: str
    import_set: str
    scope: str


ITSM = Flavour(table="incident", import_set="x_elas2_inc_int_elastic_incident", scope="x_elas2_inc_int")
SIR = Flavour(
    table="sn_si_incident", import_set="x_elas2_sir_int_elastic_si_incident", scope="x_elas2_sir_int"
)


class ServiceNowService:
    """One ServiceNow instance; config ``{apiUrl, usesTableApi, ...}``, secrets ``{username, password}``.

    OAuth connectors are refused: this server does not sign tokens.
    """

    def __init__(self, setting: Setting, flavour: Flavour) -> None:
        config, secrets = setting.config, setting.secrets
        if config["isOAuth"]:
            raise ServiceError("[Action][ServiceNow]: kibcase does not log in with OAuth; use a user name and password")
        if not (config["apiUrl"] and secrets["username"] and secrets["password"]):
            raise wrong_configuration("ServiceNow")
        self._setting = setting
        self._flavour = flavour
        self._auth = (secrets["username"], secrets["password"])
        self._base = base_of(config["apiUrl"])
        self._table_api = bool(config["usesTableApi"])
        self._table = f"{self._base}/api/now/v2/table/{flavour.table}"

    def sub_actions(self) -> Mapping[str, SubAction]:
        """Give Kibana's sub-actions of a ServiceNow connector."""
        shared: dict[str, SubAction] = {
            "getFields": lambda _params: self.fields(),
            "getIncident": lambda params: self.incident(params["externalId"]),
            "getChoices": lambda params: self.choices(params["fields"]),
            "pushToService": self._push,
        }
        itsm = self._flavour is ITSM
        return shared | ({"closeIncident": lambda params: self.close(params["incident"])} if itsm else {})

    def incident(self, identifier: str) -> Json:
        """Read an incident by ``sys_id``."""
        def read() -> Json:
            if not identifier.strip():
                raise BadAnswer("Incident id is empty.")
            result: Json = self._send("GET", f"{self._table}/{quote(identifier, safe='')}").data["result"]
            return result

        return self._try(f"Unable to get incident with id {identifier}", "get", "table", read)

    def create(self, incident: Json) -> Json:
        """Create an incident, on behalf of the connector's user."""
        user = self._setting.secrets["username"]
        fields = incident | {"caller_id": user, "opened_by": user}
        where = "table" if self._table_api else "import_set"
        return self._try("Unable to create incident", "post", where, lambda: self._write(fields, "sys_created_on"))

    def update(self, identifier: str, incident: Json) -> Json:
        """Overwrite an incident."""
        method, where = ("patch", "table") if self._table_api else ("post", "import_set")
        return self._try(
            f"Unable to update incident with id {identifier}", method, where,
            lambda: self._write(incident, "sys_updated_on", identifier),
        )

    def fields(self) -> list[Json]:
        """List the text columns of an incident."""
        params = {
            "sysparm_query": f"name=task^ORname={self._flavour.table}^internal_type=string",
            "active": "true", "array": "false", "read_only": "false",
            "sysparm_fields": "max_length,element,column_label,mandatory",
        }
        url = f"{self._base}/api/now/table/sys_dictionary"
        return self._try("Unable to get fields", "get", "table", lambda: self._send("GET", url, params).data["result"])

    def choices(self, names: Sequence[str]) -> list[Json]:
        """List the choices of columns: ``[{label, value, dependent_value, element}]``."""
        elements = "^ORelement=".join(names)
        params = {
            "sysparm_query": f"name=task^ORname={self._flavour.table}^element={elements}^language=en",
            "sysparm_fields": "label,value,dependent_value,element",
        }
        url = f"{self._base}/api/now/table/sys_choice"
        return self._try("Unable to get choices", "get", "table", lambda: self._send("GET", url, params).data["result"])

    def close(self, incident: Mapping[str, Any]) -> Json:
        """Close an incident by its id or ``correlation_id``; an empty answer if there is none."""
        found = self._to_close(incident)
        if not found:
            return {}
        if found.get("state") == _CLOSED:
            return self._result(found, "sys_updated_on")
        notes = {"state": _CLOSED, "close_code": "Closed/Resolved by Caller", "close_notes": "Closed by Caller"}
        return self.update(found["sys_id"], notes)

    def _to_close(self, incident: Mapping[str, Any]) -> Json | None:
        identifier, correlation = incident.get("externalId"), incident.get("correlation_id")
        if identifier:
            return self.incident(identifier)
        if correlation is None:
            raise ServiceError(
                "[Action][ServiceNow]: Unable to close incident. Error: No correlationId or incidentId found."
            )
        params = {"sysparm_query": f"ORDERBYDESCsys_created_on^correlation_id={correlation}"}
        found = self._try(
            f"Unable to get incident by correlation ID {correlation}", "get", "table",
            lambda: self._send("GET", self._table, params).data["result"],
        )
        return found[0] if found else None

    def _push(self, params: Json) -> Json:
        given = params["incident"]
        incident = _with_observables(given, joined=self._table_api) if self._flavour is SIR else given
        plain = {name: value for name, value in incident.items() if name != "externalId"}

        def comment(result: Json, each: Mapping[str, str]) -> str:
            self.update(result["id"], plain | {"work_notes": each["comment"]})
            pushed: str = result["pushedDate"]
            return pushed

        result = push({**params, "incident": incident}, create=self.create, update=self.update, comment=comment)
        observables = _observables(given) if self._flavour is SIR and not self._table_api else []
        if observables:
            self._add_observables(result["id"], observables)
        return result

    def _add_observables(self, identifier: str, observables: list[Json]) -> None:
        url = f"{self._base}/api/x_elas2_sir_int/elastic_api/incident/{quote(identifier, safe='')}/observables/bulk"

        def add() -> None:
            self._check_app()
            self._send("POST", url, body=observables)

        self._try(
            f"Unable to add observables to security incident with id {identifier}", "post", "other", add
        )

    def _write(self, incident: Json, moment: str, identifier: str | None = None) -> Json:
        if self._table_api and incident.get("additional_fields"):
            raise BadAnswer("ServiceNow additional fields are not supported for deprecated connectors.")
        fields = {name: value for name, value in incident.items() if name != "additional_fields"}
        if self._table_api:
            url = self._table if identifier is None else f"{self._table}/{quote(identifier, safe='')}"
            made = self._send("POST" if identifier is None else "PATCH", url, body=fields).data["result"]
        else:
            made = self._import(incident, fields, identifier)
        return self._result(self.incident(made["sys_id"]), moment)

    def _import(self, incident: Json, fields: Json, identifier: str | None) -> Json:
        self._check_app()
        body = (incident.get("additional_fields") or {}) | {f"u_{name}": value for name, value in fields.items()}
        if identifier is not None:
            body["elastic_incident_id"] = identifier
        answer = self._send("POST", f"{self._base}/api/now/import/{self._flavour.import_set}", body=body)
        rows = answer.data["result"]
        if not rows:
            raise BadAnswer("Unexpected result")
        if rows[0].get("status") == "error":
            raise BadAnswer(str(rows[0].get("error_message")))
        row: Json = rows[0]
        return row

    def _check_app(self) -> None:
        if not self._table_api:
            url = f"{self._base}/api/{self._flavour.scope}/elastic_api/health"
            self._try("Unable to get application version", "get", "health", lambda: self._send("GET", url))

    def _result(self, row: Json, moment: str) -> Json:
        uri = f"{self._flavour.table}.do?sys_id={row['sys_id']}"
        return {
            "title": row.get("number"), "id": row["sys_id"], "pushedDate": self._moment(row.get(moment)),
            "url": f"{self._base}/nav_to.do?uri={uri}",
        }

    def _moment(self, text: str | None) -> str:
        if text is None:
            return self._setting.now()
        try:
            return stamp(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))
        except ValueError as error:
            raise BadAnswer("Invalid time value") from error

    def _send(
        self, method: str, url: str, params: Mapping[str, str] | None = None, *, body: Any = None
    ) -> Answer:
        answer = self._setting.http.send(method, url, auth=self._auth, body=body, params=params)
        # A hibernating instance answers 200 with a page of HTML.
        if not isinstance(answer.data, dict) or answer.data.get("result") is None:
            raise BadAnswer("There is an issue with your Service Now Instance. Please check .")
        return answer

    def _try(self, doing: str, method: str, endpoint: str, action: Callable[[], _T]) -> _T:
        context = f"[method={method}] [endpoint={endpoint}]"
        try:
            return action()
        except HttpFailure as error:
            status = "none" if error.answer is None else error.answer.status
            parts = (f"{doing}. Error: {error}", _reason(error.answer), f"[status={status}] {context}")
        except (BadAnswer, ServiceError) as error:
            parts = (f"{doing}. Error: {error}", "", f"[status=none] {context}")
        raise ServiceError("[Action][ServiceNow]: " + " ".join(part for part in parts if part))


def _reason(answer: Answer | None) -> str:
    if answer is None:
        return ""
    error = answer.data.get("error") if isinstance(answer.data, dict) else None
    if not isinstance(error, dict) or not error.get("message"):
        return "Reason: unknown: no error in error response"
    detail = error.get("detail")
    return f"Reason: {error['message']}: {detail}" if detail else f"Reason: {error['message']}"


def _with_observables(incident: Json, *, joined: bool) -> Json:
    # The app takes observables in a call of their own; the Table API takes them as texts in the record.
    values = {
        name: (_joined(incident.get(name)) if joined else None) for names, _ in _OBSERVABLES for name in names
    }
    return incident | values


def _joined(value: str | list[str] | None) -> str | None:
    return ",".join(value) if isinstance(value, list) else value


def _observables(incident: Json) -> list[Json]:
    return [
        {"value": value, "type": kind}
        for names, kind in _OBSERVABLES
        for value in dict.fromkeys(each for name in names for each in _split(incident.get(name)))
        if value
    ]


def _split(value: str | list[str] | None) -> list[str]:
    return _SEPARATORS.split(value) if isinstance(value, str) else value or []
