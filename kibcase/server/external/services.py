"""Which service stands behind which connector type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kibcase.server.external.failures import ServiceError
from kibcase.server.external.jira import JiraService
from kibcase.server.external.resilient import ResilientService
from kibcase.server.external.service import Service, Setting
from kibcase.server.external.servicenow import ITSM, SIR, ServiceNowService
from kibcase.server.external.swimlane import SwimlaneService
from kibcase.server.external.thehive import TheHiveService
from kibcase.server.external.webhook import WebhookService

_SERVICES: Final[dict[str, Callable[[Setting], Service]]] = {
    ".jira": JiraService,
    ".servicenow": lambda setting: ServiceNowService(setting, ITSM),
    ".servicenow-sir": lambda setting: ServiceNowService(setting, SIR),
    ".resilient": ResilientService,
    ".swimlane": SwimlaneService,
    ".thehive": TheHiveService,
    ".cases-webhook": WebhookService,
}


def run(kind: str, setting: Setting, sub_action: str, params: Any) -> Any:
    """Do one sub-action of a connector of type ``kind``; gives its ``data``, raises ``ServiceError``."""
    build = _SERVICES.get(kind)
    if build is None:
        raise ServiceError(f"kibcase does not run connectors of type {kind}")
    action = build(setting).sub_actions().get(sub_action)
    if action is None:
        raise ServiceError(f"[Action][ExternalService] Unsupported subAction type {sub_action}.")
    try:
        return action(params)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # A system may answer anything; what does not have the shape of its API ends here. The error itself is not
        # told: it may quote a secret.
        raise ServiceError(f"the answer of the external system cannot be read ({type(error).__name__})") from error
