"""The kinds of systems, each loaded only when the configuration names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from kibcase_connectors.api import Connector


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of system: its settings, its filter, and how a connector is made from both.

    ``connect`` takes the system's name, settings, filter and a clock that gives aware datetimes; it raises
    ``ValueError`` or ``OSError`` for settings that cannot be used.
    """

    settings: type[BaseModel]
    filter: type[BaseModel]
    connect: Callable[[str, Any, Any, Callable[[], datetime]], Connector]


def _kibana() -> Kind:
    from kibcase_connectors.kibana import CaseFilter, KibanaConfig, KibanaConnector

    return Kind(settings=KibanaConfig, filter=CaseFilter, connect=KibanaConnector)


def _jira() -> Kind:
    from kibcase_connectors.jira import JiraConfig, JiraConnector, JiraFilter

    return Kind(
        settings=JiraConfig, filter=JiraFilter,
        connect=lambda name, settings, wanted, clock: JiraConnector(name, settings, wanted, clock=clock),
    )


def _resilient() -> Kind:
    from kibcase_connectors.resilient import ResilientConfig, ResilientConnector, ResilientFilter

    return Kind(
        settings=ResilientConfig, filter=ResilientFilter,
        connect=lambda name, settings, wanted, clock: ResilientConnector(name, settings, wanted, clock=clock),
    )


def _servicenow() -> Kind:
    from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector, ServiceNowFilter

    return Kind(
        settings=ServiceNowConfig, filter=ServiceNowFilter,
        connect=lambda name, settings, wanted, clock: ServiceNowConnector(name, settings, wanted, clock=clock),
    )


KINDS: Final[Mapping[str, Callable[[], Kind]]] = {
    "kibana": _kibana, "jira": _jira, "resilient": _resilient, "servicenow": _servicenow,
}
"""By the ``type`` that the configuration names; calling one may raise ``MissingExtraError``."""
