"""The actions API: connectors to external systems, and running them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kibcase.server.cases.actions_params import RefusedParams, decode_params
from kibcase.server.cases.actions_schema import Schema, SchemaError, defaulted, obj, record, text
from kibcase.server.cases.actions_store import ConnectorRecord, ConnectorStore
from kibcase.server.cases.actions_types import TYPES, ConnectorType, checked_settings, type_of
from kibcase.server.cases.authorization import authorize_connectors
from kibcase.server.cases.context import Caller
from kibcase.server.errors import BadRequest, Conflict, saved_object_missing
from kibcase.server.external.failures import ServiceError
from kibcase.server.external.http import ExternalHttp
from kibcase.server.external.service import Setting
from kibcase.server.external.services import run
from kibcase.server.stack import Stack

Json = dict[str, Any]
_log = logging.getLogger(__name__)
_FAILED = "an error occurred while running the action"
_MOST_FOR_CASES = 1000


def _filled(value: Any, path: tuple[str, ...]) -> Any:
    name = text(value, path)
    if not name.strip():
        raise SchemaError(path, f"value '{name}' is not valid")
    return name


_SETTINGS: dict[str, Schema] = {
    "config": defaulted(record(), {}), "secrets": defaulted(record(), {}), "name": _filled,
}
_CREATE = obj({"connector_type_id": text} | _SETTINGS)
_UPDATE = obj(_SETTINGS)
_EXECUTE = obj({"params": record()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectors:
    """The connectors of every space; raises ``KibanaError`` as ``/api/actions`` answers.

    Secrets are stored, used and never answered. ``run`` waits for the external system, so it must not be called
    inside a transaction.
    """

    store: ConnectorStore
    stack: Stack
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    http: ExternalHttp

    def types(self, caller: Caller, query: Mapping[str, Any]) -> list[Json]:
        """List the connector types (``GET connector_types``), those of ``feature_id`` if it is given."""
        authorize_connectors(caller, "get")
        feature = _feature(query)
        kinds = [kind for kind in TYPES.values() if feature is None or feature in kind.features]
        return [self._shown_type(kind) for kind in kinds]

    def all(self, caller: Caller) -> list[Json]:
        """List the connectors (``GET connectors``), by name, with how often they are referred to."""
        authorize_connectors(caller, "get")
        found = self.store.all(caller.space)
        counts = self.store.references() if found else {}
        return [self._shown(each) | {"referenced_by_count": counts.get(each.id, 0)} for each in found]

    def for_cases(self, caller: Caller) -> list[Json]:
        """List the connectors that cases can be pushed to (``GET /api/cases/configure/connectors/_find``)."""
        authorize_connectors(caller, "get")
        found = [each for each in self.store.all(caller.space) if self._fits_cases(each)][:_MOST_FOR_CASES]
        counts = self.store.references() if found else {}
        return [self._shown_for_cases(each, counts.get(each.id, 0)) for each in found]

    def get(self, caller: Caller, identifier: str) -> Json:
        """Read a connector (``GET connector/{id}``)."""
        authorize_connectors(caller, "get")
        return self._shown(self.existing(caller, identifier))

    def create(self, caller: Caller, body: Any, identifier: str | None = None) -> Json:
        """Create a connector (``POST connector[/{id}]``)."""
        request = _decoded(_CREATE, body)
        authorize_connectors(caller, "create", request["connector_type_id"])
        kind = type_of(request["connector_type_id"])
        config, secrets = checked_settings(kind, request["config"], request["secrets"])
        kind.ensure_enabled(self.stack)
        made = ConnectorRecord(
            id=identifier or self.new_id(), type=kind.id, name=request["name"], config=config, secrets=secrets
        )
        if not self.store.add(caller.space, made):
            raise Conflict(f"Saved object [action/{made.id}] conflict")
        return self._shown(made)

    def update(self, caller: Caller, identifier: str, body: Any) -> Json:
        """Replace name, config and secrets of a connector (``PUT connector/{id}``)."""
        request = _decoded(_UPDATE, body)
        authorize_connectors(caller, "update")
        found = self.existing(caller, identifier)
        kind = type_of(found.type)
        config, secrets = checked_settings(kind, request["config"], request["secrets"])
        kind.ensure_enabled(self.stack)
        changed = replace(found, name=request["name"], config=config, secrets=secrets)
        self.store.put(caller.space, changed)
        return self._shown(changed)

    def delete(self, caller: Caller, identifier: str) -> None:
        """Delete a connector (``DELETE connector/{id}``); cases that name it are left as they are."""
        authorize_connectors(caller, "delete")
        if not self.store.delete(caller.space, identifier):
            raise saved_object_missing("action", identifier)

    def execute(self, caller: Caller, identifier: str, body: Any) -> Json:
        """Run a connector (``POST connector/{id}/_execute``); a failure is an answer with status ``error``."""
        params = _decoded(_EXECUTE, body)["params"]
        return self.run(caller, identifier, params)

    def run(self, caller: Caller, identifier: str, params: Any) -> Json:
        """Run a connector: ``{status, connector_id, data}``, or ``{status: error, message, service_message?, ...}``."""
        authorize_connectors(caller, "execute")
        found = self.existing(caller, identifier)
        type_of(found.type).ensure_enabled(self.stack)
        try:
            sub_action, checked = decode_params(found.type, params, connector=found.id, name=found.name)
        except RefusedParams as error:
            return _failed(found, str(error), in_run=error.in_run)
        setting = Setting(
            connector=found.id, config=found.config, secrets=found.secrets, http=self.http, clock=self.clock
        )
        try:
            data = run(found.type, setting, sub_action, checked)
        except ServiceError as error:
            _log.warning("connector %s (%s): %s", found.id, found.type, error)
            return _failed(found, str(error), in_run=True)
        return {"status": "ok", "data": {} if data is None else data, "connector_id": found.id}

    def existing(self, caller: Caller, identifier: str) -> ConnectorRecord:
        """Read a connector of the caller's space; raises ``NotFound``."""
        found = self.store.get(caller.space, identifier)
        if found is None:
            raise saved_object_missing("action", identifier)
        return found

    def _fits_cases(self, record: ConnectorRecord) -> bool:
        kind = TYPES.get(record.type)
        return kind is not None and kind.for_cases and kind.enabled(self.stack)

    def _shown_type(self, kind: ConnectorType) -> Json:
        enabled = kind.enabled(self.stack)
        shown: Json = {
            "id": kind.id, "name": kind.name, "enabled": enabled, "enabled_in_config": True,
            "enabled_in_license": enabled, "minimum_license_required": kind.license,
            "supported_feature_ids": list(kind.features), "is_system_action_type": False,
        }
        return shown | ({"is_deprecated": False} if self.stack.names_deprecated_connectors else {})

    def _shown(self, record: ConnectorRecord) -> Json:
        shown: Json = {
            "id": record.id, "name": record.name, "config": record.config, "connector_type_id": record.type,
            "is_preconfigured": False, "is_deprecated": _is_deprecated(record), "is_missing_secrets": False,
            "is_system_action": False,
        }
        newer = {"is_connector_type_deprecated": False} if self.stack.names_deprecated_connectors else {}
        return shown | newer

    def _shown_for_cases(self, record: ConnectorRecord, references: int) -> Json:
        return {
            "id": record.id, "actionTypeId": record.type, "name": record.name, "config": record.config,
            "isMissingSecrets": False, "isPreconfigured": False, "isDeprecated": _is_deprecated(record),
            "isSystemAction": False, "referencedByCount": references,
        }


def _failed(record: ConnectorRecord, message: str, *, in_run: bool) -> Json:
    if in_run:
        told: Json = {"message": _FAILED, "service_message": message, "retry": True, "errorSource": "framework"}
    else:
        told = {"message": message, "retry": False, "errorSource": "user"}
    return {"status": "error", "connector_id": record.id} | told


def _is_deprecated(record: ConnectorRecord) -> bool:
    # A ServiceNow connector that does without Elastic's app on the instance.
    return record.type in (".servicenow", ".servicenow-sir") and bool(record.config.get("usesTableApi", True))


def _feature(query: Mapping[str, Any]) -> str | None:
    for name in query:
        if name != "feature_id":
            raise BadRequest(f"[request query.{name}]: definition for this key is missing")
    feature: str | None = query.get("feature_id")
    return feature


def _decoded(schema: Schema, body: Any) -> Json:
    try:
        decoded: Json = schema({} if body is None else body, ())
    except SchemaError as error:
        where = ".".join(("body", *error.path))
        raise BadRequest(f"[request {where}]: {error.message}") from error
    return decoded
