"""Who a request comes from, as Kibana's security plugin and Elasticsearch tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kibcase.server.privileges_principal import Principal

Json = dict[str, Any]

_RESERVED: Json = {"name": "reserved", "type": "reserved"}
_NATIVE: Json = {"name": "default_native", "type": "native"}
_KEYS: Json = {"name": "_es_api_key", "type": "_es_api_key"}


def whoami(principal: Principal) -> Json:
    """Build the answer of ``GET /internal/security/me``.

    With an API key it names the key and its owner, and no roles: a key has privileges of its own.
    """
    return {
        **principal.person, "enabled": True, "authentication_provider": {"type": "http", "name": "__http__"},
        "elastic_cloud_user": False, **_account(principal),
    }


def authenticated(principal: Principal) -> Json:
    """Build the answer of Elasticsearch's ``GET /_security/_authenticate``."""
    person = {name: principal.person[name] for name in ("username", "full_name", "email")}
    return {**person, "enabled": True, **_account(principal)}


def _account(principal: Principal) -> Json:
    if principal.key is not None:
        return {
            "roles": [], "metadata": principal.metadata, "authentication_realm": _KEYS, "lookup_realm": _KEYS,
            "authentication_type": "api_key", "api_key": principal.key,
        }
    realm = _RESERVED if principal.metadata.get("_reserved") else _NATIVE
    return {
        "roles": list(principal.roles), "metadata": principal.metadata, "authentication_realm": realm,
        "lookup_realm": realm, "authentication_type": "realm",
    }
