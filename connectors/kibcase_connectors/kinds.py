"""Kinds of systems: the four that ship, and those that other packages register.

A package registers a kind with an entry point of the group ``kibcase.connectors``: its name is the ``type`` in
the configuration, its object a ``ConnectorKind`` or a callable without arguments that gives one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from pydantic import BaseModel

from kibcase.errors import KibcaseError
from kibcase_connectors.api import Connector, Context

GROUP: Final = "kibcase.connectors"
"""The group of entry points."""


class BadKindError(KibcaseError):
    """A registered kind of system cannot be used: what it is called, where it comes from, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorKind:
    """One kind of system: its settings, its filter, and how a connector is made from both.

    ``settings`` has a field ``type`` with the kind's name. ``connect`` takes the system's configured name, the
    settings, the filter (or None) and the context; it sends nothing yet and raises ``ValueError`` or ``OSError``
    for settings that cannot be used. Custom fields are read from ``settings.custom`` (see
    ``kibcase_connectors.custom``), if there is such a field.
    """

    settings: type[BaseModel]
    filter: type[BaseModel]
    connect: Callable[[str, Any, Any, Context], Connector]


def _kibana() -> ConnectorKind:
    from kibcase_connectors.kibana import CaseFilter, KibanaConfig, KibanaConnector

    return ConnectorKind(
        settings=KibanaConfig, filter=CaseFilter,
        connect=lambda name, settings, wanted, context: KibanaConnector(name, settings, wanted, context=context),
    )


def _jira() -> ConnectorKind:
    from kibcase_connectors.jira import JiraConfig, JiraConnector, JiraFilter

    return ConnectorKind(
        settings=JiraConfig, filter=JiraFilter,
        connect=lambda name, settings, wanted, context: JiraConnector(name, settings, wanted, context=context),
    )


def _resilient() -> ConnectorKind:
    from kibcase_connectors.resilient import ResilientConfig, ResilientConnector, ResilientFilter

    return ConnectorKind(
        settings=ResilientConfig, filter=ResilientFilter,
        connect=lambda name, settings, wanted, context: ResilientConnector(name, settings, wanted, context=context),
    )


def _servicenow() -> ConnectorKind:
    from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector, ServiceNowFilter

    return ConnectorKind(
        settings=ServiceNowConfig, filter=ServiceNowFilter,
        connect=lambda name, settings, wanted, context: ServiceNowConnector(name, settings, wanted, context=context),
    )


BUILT_IN: Final[Mapping[str, Callable[[], ConnectorKind]]] = {
    "kibana": _kibana, "jira": _jira, "resilient": _resilient, "servicenow": _servicenow,
}
"""The kinds that ship, each loaded only when it is named; calling one may raise ``MissingExtraError``."""


def kinds() -> dict[str, Callable[[], ConnectorKind]]:
    """Give every kind that can be configured, by its name; a registered one cannot take a shipped one's place."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    return {**{name: _loader(points) for name, points in found.items()}, **BUILT_IN}


def _loader(points: Sequence[EntryPoint]) -> Callable[[], ConnectorKind]:
    point, *others = points

    def load() -> ConnectorKind:
        if others:
            packages = ", ".join(sorted(map(_package, points)))
            raise BadKindError(f"several packages register a connector {point.name!r}: {packages}; keep one of them")
        try:
            given = point.load()
            kind = given if isinstance(given, ConnectorKind) else given()
        except (Exception, SystemExit) as error:
            # Another package's code: whatever it raises, people must learn whose it is.
            raise BadKindError(_told(point, f"{type(error).__name__}: {error}")) from error
        if not isinstance(kind, ConnectorKind):
            raise BadKindError(_told(point, f"it gives a {type(kind).__name__}, not a ConnectorKind"))
        faults = list(_faults(kind))
        if faults:
            raise BadKindError(_told(point, ", ".join(faults)))
        return kind

    return load


def _faults(kind: ConnectorKind) -> Iterator[str]:
    for name, model in (("settings are", kind.settings), ("filter is", kind.filter)):
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            yield f"its {name} no pydantic model"
    if "type" not in getattr(kind.settings, "model_fields", ("type",)):
        yield "its settings have no field 'type'"
    if not callable(kind.connect):
        yield "its connect cannot be called"


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"


def _told(point: EntryPoint, why: str) -> str:
    told = f"the connector {point.name!r} of {_package(point)} ({point.value})"
    return f"{told} cannot be loaded: {why}; update or remove it"
