"""How cases of an owner work in a space (Kibana Cases API, /api/cases/configure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar, Unpack

from pydantic import TypeAdapter, ValidationError

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.filters import Many, owner_query
from kibcase.client.limits import (
    CONFIGURED_TEMPLATES,
    CUSTOM_FIELD_KEY,
    CUSTOM_FIELD_LABEL,
    CUSTOM_FIELDS,
    OBSERVABLE_TYPES,
    check_body,
    check_count,
    check_number,
    check_text,
    is_number,
)
from kibcase.errors import InvalidValue, NotFoundError
from kibcase.models.base import ApiModel
from kibcase.models.case import NO_CONNECTOR, ConnectorRef
from kibcase.models.configuration import (
    CaseConfiguration,
    ClosureType,
    ConfiguredTemplate,
    CustomFieldDefinition,
    ObservableType,
)
from kibcase.transport import Request, Transport

_ONE = TypeAdapter(CaseConfiguration)
_MANY = TypeAdapter(list[CaseConfiguration])
_SPELLING = {"custom_fields": "customFields", "observable_types": "observableTypes"}
_MAXIMA = {
    "custom_fields": CUSTOM_FIELDS, "observable_types": OBSERVABLE_TYPES, "templates": CONFIGURED_TEMPLATES,
}

_MODELS: Mapping[str, type[ApiModel]] = {
    "custom_fields": CustomFieldDefinition, "observable_types": ObservableType, "templates": ConfiguredTemplate,
}

Keyed = CustomFieldDefinition | ObservableType | ConfiguredTemplate
K = TypeVar("K", CustomFieldDefinition, ObservableType, ConfiguredTemplate)


class ConfigurationChanges(TypedDict, total=False):
    """What can be set; each list replaces the one that was there. ``observable_types`` since stack 8.18.

    A plain mapping with the same fields will do for each item, spelled as here or as Kibana does.
    """

    closure_type: ClosureType
    connector: ConnectorRef | Mapping[str, Any]
    custom_fields: Iterable[CustomFieldDefinition | Mapping[str, Any]]
    observable_types: Iterable[ObservableType | Mapping[str, Any]]
    templates: Iterable[ConfiguredTemplate | Mapping[str, Any]]


class ConfigurationApi:
    """``kibana.configuration``. Every method can raise the errors of ``Transport.send``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self, *, owner: Many | None = None) -> list[CaseConfiguration]:
        """Return the configurations that were ever saved, one per owner (GET /api/cases/configure)."""
        request = Request(method="GET", path="/api/cases/configure", query=owner_query(owner))
        return decode(self._transport.send(request), _MANY)

    def get(self, owner: str) -> CaseConfiguration | None:
        """Return the configuration of an owner, None if none was ever saved."""
        return next((each for each in self.all(owner=owner) if each.owner == owner), None)

    def replace(self, owner: str, **settings: Unpack[ConfigurationChanges]) -> CaseConfiguration:
        """Save a configuration in the place of the owner's present one, if any (POST /api/cases/configure).

        What is not given is empty afterwards: no connector, closing by users, no fields, types or templates.
        Raises ``LimitError``, ``BadRequestError``, ``InvalidValue`` for an item that is none.
        """
        body = {"closure_type": "close-by-user", "connector": _object(NO_CONNECTOR), **_body(settings), "owner": owner}
        check_body(body)
        return decode(self._transport.send(Request(method="POST", path="/api/cases/configure", json=body)), _ONE)

    def update(
        self, configuration: CaseConfiguration | str, **changes: Unpack[ConfigurationChanges]
    ) -> CaseConfiguration:
        """Change a configuration and return it (PATCH /api/cases/configure/{id}); an owner's name reads it first.

        Kibana empties lists that an update leaves out; so all that is not changed is sent again as it was read.
        Raises ``ConflictError`` if it has changed since, ``NotFoundError`` for an owner without configuration,
        ``LimitError``, ``InvalidValue``, ``BadRequestError`` (the type of a custom field can never change).
        """
        current = self._known(configuration) if isinstance(configuration, str) else configuration
        body = {**current.full_set(), **_body(changes), "version": current.version}
        check_body(body)
        path = f"/api/cases/configure/{segment(current.id)}"
        return decode(self._transport.send(Request(method="PATCH", path=path, json=body)), _ONE)

    def ensure(
        self, owner: str, *, custom_fields: Iterable[CustomFieldDefinition | Mapping[str, Any]] = (),
        observable_types: Iterable[ObservableType | Mapping[str, Any]] = (),
        templates: Iterable[ConfiguredTemplate | Mapping[str, Any]] = (),
        closure_type: ClosureType | None = None, connector: ConnectorRef | Mapping[str, Any] | None = None,
    ) -> CaseConfiguration:
        """See to it that an owner's configuration has at least this, and return it; nothing is sent if it does.

        Items are told apart by ``key``: one that is there and differs is replaced, others stay. Raises what
        ``update`` and ``replace`` raise.
        """
        given = _typed({
            "custom_fields": custom_fields, "observable_types": observable_types, "templates": templates,
        })
        current = self.get(owner)
        wanted: ConfigurationChanges = {}
        if closure_type is not None:
            wanted["closure_type"] = closure_type
        if connector is not None:
            wanted["connector"] = connector
        if fields := merged(current.custom_fields if current else [], given["custom_fields"]):
            wanted["custom_fields"] = fields
        if types := merged(current.observable_types if current else [], given["observable_types"]):
            wanted["observable_types"] = types
        if kept := merged(current.templates if current else [], given["templates"]):
            wanted["templates"] = kept
        if current is None:
            return self.replace(owner, **wanted)
        return self.update(current, **wanted) if differs(current, wanted) else current

    def _known(self, owner: str) -> CaseConfiguration:
        found = self.get(owner)
        if found is None:
            said = f"no configuration of {owner} was ever saved"
            raise NotFoundError(404, said, "GET", "/api/cases/configure", server="kibcase")
        return found


def merged(present: Sequence[K], wanted: Iterable[K]) -> list[K]:
    """Return the list with the wanted items in it: in the place of those with the same key, or at the end."""
    items = {each.key: each for each in present}
    items.update((each.key, each) for each in wanted)
    return list(items.values())


def differs(current: CaseConfiguration, wanted: ConfigurationChanges) -> bool:
    """Whether the configuration is not yet as wanted; what was not given in a wanted item does not count."""
    for name, value in _typed(wanted).items():
        present = getattr(current, name)
        sent = _value(name, value)
        if isinstance(present, list):
            if [_subset(have.to_api(), want) for have, want in zip(present, sent, strict=False)] != sent:
                return True
            if len(present) != len(sent):
                return True
        elif sent != (_object(present) if isinstance(present, ConnectorRef) else present):
            return True
    return False


def _subset(have: Mapping[str, Any], want: Mapping[str, Any]) -> dict[str, Any]:
    return {key: have.get(key) for key in want}


def _body(settings: ConfigurationChanges) -> dict[str, Any]:
    unknown = sorted(set(settings) - set(ConfigurationChanges.__annotations__))
    if unknown:
        raise TypeError(f"not a setting: {', '.join(unknown)}")
    typed = _typed(settings)
    for name, maximum in _MAXIMA.items():
        check_count(_SPELLING.get(name, name), typed.get(name) or (), maximum)
    for each in typed.get("custom_fields") or ():
        check_text("custom field key", each.key, CUSTOM_FIELD_KEY)
        check_text("custom field label", each.label, CUSTOM_FIELD_LABEL)
        if is_number(each.default_value):
            check_number(each.key, each.default_value)
    return {_SPELLING.get(name, name): _value(name, value) for name, value in typed.items()}


def _typed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings with mappings in the lists made models."""
    return {
        name: [_model(name, _MODELS[name], each) for each in value] if name in _MODELS else value
        for name, value in settings.items()
    }


def _model(name: str, kind: type[ApiModel], item: object) -> ApiModel:
    if isinstance(item, kind):
        return item
    if not isinstance(item, Mapping):
        raise TypeError(f"each of {name} is a {kind.__name__} or a dict with its fields, not {type(item).__name__}")
    try:
        return kind.model_validate(dict(item))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidValue(f"one of {name} is no {kind.__name__}: {where}: {first['msg']}") from None


def _value(name: str, value: Any) -> Any:
    if name == "closure_type":
        return str(value)
    if name == "connector":
        return _object(value)
    return [_item(each) for each in value]


def _item(item: Keyed) -> dict[str, Any]:
    sent = item.to_api()
    if isinstance(item, CustomFieldDefinition):
        return {**sent, "required": item.required}
    # Kibana demands the key, with null for a template without values.
    return {"caseFields": None, **sent} if isinstance(item, ConfiguredTemplate) else sent


def _object(value: ApiModel | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(value, ConnectorRef):
        return {"id": value.id, "name": value.name, "type": value.type, "fields": value.fields}
    return value.to_api() if isinstance(value, ApiModel) else dict(value)
