"""Who a request comes from, as Kibana's security plugin tells it."""

from __future__ import annotations

import base64
from typing import Any

Json = dict[str, Any]

_BUILT_IN = "elastic"
_RESERVED: Json = {"name": "reserved", "type": "reserved"}
_NATIVE: Json = {"name": "default_native", "type": "native"}
_KEYS: Json = {"name": "_es_api_key", "type": "_es_api_key"}


def whoami(user: Json, authorization: str) -> Json:
    """Build the answer of ``GET /internal/security/me`` for a user who has proved who they are.

    ``user`` is the person as cases show them, ``authorization`` the header that was accepted. With an API key
    the answer names the key and its owner, and no roles: a key has privileges of its own.
    """
    scheme, _, token = authorization.strip().partition(" ")
    shared = {
        **user, "enabled": True, "authentication_provider": {"type": "http", "name": "__http__"},
        "elastic_cloud_user": False,
    }
    return shared | (_key(token) if scheme.lower() == "apikey" else _realm(user["username"]))


def _realm(username: str) -> Json:
    reserved = username == _BUILT_IN
    realm = _RESERVED if reserved else _NATIVE
    return {
        "roles": ["superuser"], "metadata": {"_reserved": True} if reserved else {}, "authentication_realm": realm,
        "lookup_realm": realm, "authentication_type": "realm",
    }


def _key(token: str) -> Json:
    # The keys of this server have no names, Elasticsearch's always do: the id stands in.
    identifier = base64.b64decode(token).decode().partition(":")[0]
    return {
        "roles": [], "metadata": {}, "authentication_realm": _KEYS, "lookup_realm": _KEYS,
        "authentication_type": "api_key", "api_key": {"id": identifier, "name": identifier},
    }
