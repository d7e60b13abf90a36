"""The connector types of Kibana's actions plugin that this server knows, and what their settings must be; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from kibcase.server.cases.actions_schema import (
    Schema,
    SchemaError,
    defaulted,
    flag,
    literal,
    nullable,
    obj,
    one_of,
    record,
    text,
)
from kibcase.server.errors import BadRequest, Forbidden
from kibcase.server.stack import Stack

Json = dict[str, Any]
Check = Callable[[Json, Json], str | None]
_RANKS = ("basic", "gold", "platinum", "enterprise", "trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorType:
    """A type: its name, the licence it needs, where it can be used, and the shapes of its settings.

    ``url`` names the setting that holds a URL; ``check`` looks at config and secrets together and tells what is
    wrong with them.
    """

    id: str
    name: str
    license: Literal["basic", "gold", "platinum"]
    features: tuple[str, ...]
    config: Schema
    secrets: Schema
    url: tuple[str, ...] = ()
    check: Check | None = None

    @property
    def for_cases(self) -> bool:
        """Cases can be pushed through it."""
        return "cases" in self.features

    def enabled(self, stack: Stack) -> bool:
        """Tell whether the licence of the stack is enough."""
        return _RANKS.index(stack.license) >= _RANKS.index(self.license)

    def ensure_enabled(self, stack: Stack) -> None:
        """Raise ``Forbidden`` in Kibana's words unless the licence is enough."""
        if not self.enabled(stack):
            raise Forbidden(
                f"Action type {self.id} is disabled because your {stack.license} license does not support it. "
                "Please upgrade your license."
            )


def _basic_or_oauth(config: Json, secrets: Json) -> str | None:
    oauth = config["isOAuth"]
    noun = "isOAuth = true" if oauth else "isOAuth = false"
    own = [(name, config[name]) for name in ("userIdentifierValue", "clientId", "jwtKeyId")]
    own += [(name, secrets[name]) for name in ("clientSecret", "privateKey")]
    basic = [(name, secrets[name]) for name in ("username", "password")]
    missing = [name for name, value in (own if oauth else basic) if value is None]
    if missing:
        return f"{missing[0]} must be provided when {noun}"
    if oauth and any(value for _, value in basic):
        return f"Username and password should not be provided with {noun}"
    if not oauth and any(value for _, value in own):
        names = "clientId, clientSecret, userIdentifierValue, jwtKeyId and privateKey"
        return f"{names} should not be provided with {noun}"
    return None


def _webhook_credentials(config: Json, secrets: Json) -> str | None:
    if config["hasAuth"] and not (secrets["user"] and secrets["password"]):
        return "must specify a user and a password when hasAuth is true"
    return None


_FIELD = nullable(obj({"id": text, "key": text, "name": text, "fieldType": text}))
_MAPPINGS = obj(
    dict.fromkeys(
        (
            "ruleNameConfig", "alertIdConfig", "caseIdConfig", "caseNameConfig", "commentsConfig", "severityConfig",
            "descriptionConfig",
        ),
        _FIELD,
    )
)
_NULLABLE_TEXT = nullable(text)
_SERVICENOW = obj(
    {
        "apiUrl": text, "isOAuth": defaulted(flag, default=False), "userIdentifierValue": _NULLABLE_TEXT,
        "clientId": _NULLABLE_TEXT, "jwtKeyId": _NULLABLE_TEXT, "usesTableApi": defaulted(flag, default=True),
    }
)
_SERVICENOW_SECRETS = obj(
    dict.fromkeys(("password", "username", "clientSecret", "privateKey", "privateKeyPassword"), _NULLABLE_TEXT)
)


def _method(default: str, *others: str) -> Schema:
    return one_of(*(literal(name) for name in (*others, default)), default=default)


def _headers(value: Any, path: tuple[str, ...]) -> Any:
    return {name: text(each, (*path, name)) for name, each in record()(value, path).items()}


_WEBHOOK_AUTH: Final = {
    "headers": nullable(_headers),
    "hasAuth": defaulted(flag, default=True),
    "authType": one_of(literal("webhook-authentication-basic"), literal(None), default=None),
    "verificationMode": one_of(
        literal("none"), literal("certificate"), literal("full"), default=None
    ),
}
_CASES_WEBHOOK = obj(
    {
        "createIncidentUrl": text, "createIncidentMethod": _method("post", "put"), "createIncidentJson": text,
        "createIncidentResponseKey": text, "getIncidentMethod": _method("get", "post"), "getIncidentUrl": text,
        "getIncidentJson": _NULLABLE_TEXT, "getIncidentResponseExternalTitleKey": text, "viewIncidentUrl": text,
        "updateIncidentUrl": text, "updateIncidentMethod": _method("put", "post", "patch"), "updateIncidentJson": text,
        "createCommentUrl": _NULLABLE_TEXT, "createCommentMethod": nullable(_method("put", "post", "patch")),
        "createCommentJson": _NULLABLE_TEXT,
    }
    | _WEBHOOK_AUTH
)
_USER = obj({"user": _NULLABLE_TEXT, "password": _NULLABLE_TEXT})

_TYPES: Final = (
    ConnectorType(
        id=".index", name="Index", license="basic", features=("alerting", "uptime", "siem"),
        config=obj(
            {"index": text, "refresh": defaulted(flag, default=False), "executionTimeField": _NULLABLE_TEXT}
        ),
        secrets=obj({}),
    ),
    ConnectorType(
        id=".server-log", name="Server log", license="basic", features=("alerting", "uptime"), config=obj({}),
        secrets=obj({}),
    ),
    ConnectorType(
        id=".webhook", name="Webhook", license="gold", features=("alerting", "uptime", "siem"), url=("url",),
        config=obj({"url": text, "method": _method("post", "put")} | _WEBHOOK_AUTH), secrets=_USER,
        check=_webhook_credentials,
    ),
    ConnectorType(
        id=".cases-webhook", name="Webhook - Case Management", license="gold", features=("cases",),
        config=_CASES_WEBHOOK, secrets=_USER, check=_webhook_credentials,
        url=("createIncidentUrl", "getIncidentUrl", "updateIncidentUrl", "viewIncidentUrl"),
    ),
    ConnectorType(
        id=".jira", name="Jira", license="gold", features=("alerting", "cases", "uptime", "siem"), url=("apiUrl",),
        config=obj({"apiUrl": text, "projectKey": text}), secrets=obj({"email": text, "apiToken": text}),
    ),
    ConnectorType(
        id=".resilient", name="IBM Resilient", license="platinum", features=("alerting", "cases", "siem"),
        config=obj({"apiUrl": text, "orgId": text}), secrets=obj({"apiKeyId": text, "apiKeySecret": text}),
        url=("apiUrl",),
    ),
    ConnectorType(
        id=".servicenow", name="ServiceNow ITSM", license="platinum", url=("apiUrl",), check=_basic_or_oauth,
        features=("alerting", "cases", "uptime", "siem"), config=_SERVICENOW, secrets=_SERVICENOW_SECRETS,
    ),
    ConnectorType(
        id=".servicenow-sir", name="ServiceNow SecOps", license="platinum", url=("apiUrl",), check=_basic_or_oauth,
        features=("alerting", "cases", "siem"), config=_SERVICENOW, secrets=_SERVICENOW_SECRETS,
    ),
    ConnectorType(
        id=".swimlane", name="Swimlane", license="gold", features=("alerting", "cases", "siem"), url=("apiUrl",),
        config=obj(
            {
                "apiUrl": text, "appId": text, "mappings": _MAPPINGS,
                "connectorType": one_of(literal("all"), literal("alerts"), literal("cases")),
            }
        ),
        secrets=obj({"apiToken": text}),
    ),
    ConnectorType(
        id=".thehive", name="TheHive", license="gold", features=("alerting", "cases", "uptime", "siem"), url=("url",),
        config=obj({"url": text, "organisation": _NULLABLE_TEXT}), secrets=obj({"apiKey": text}),
    ),
)
TYPES: Final[Mapping[str, ConnectorType]] = {each.id: each for each in _TYPES}


def type_of(identifier: str) -> ConnectorType:
    """Give a type by id; raises ``BadRequest`` in Kibana's words."""
    found = TYPES.get(identifier)
    if found is None:
        raise BadRequest(f'Action type "{identifier}" is not registered.')
    return found


def checked_settings(kind: ConnectorType, config: Any, secrets: Any) -> tuple[Json, Json]:
    """Check the settings of a connector and add defaults; raises ``BadRequest`` in Kibana's words."""
    checked: Json = _fitting(kind.config, config, "connector type config")
    for name in kind.url:
        _check_url(checked[name])
    hidden: Json = _fitting(kind.secrets, secrets, "connector type secrets")
    wrong = kind.check(checked, hidden) if kind.check else None
    if wrong is not None:
        raise BadRequest(f"error validating action type connector: {wrong}")
    return checked, hidden


def _fitting(schema: Schema, value: Any, noun: str) -> Any:
    try:
        return schema(value, ())
    except SchemaError as error:
        raise BadRequest(f"error validating {noun}: {error}") from error


def _check_url(url: str) -> None:
    if not _is_url(url):
        raise BadRequest(
            "error validating connector type config: error configuring connector action: "
            f"error parsing url '{url}': Invalid URL"
        )


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
