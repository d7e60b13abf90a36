"""Make a client of the elasticsearch package, with every choice made on purpose."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kibcase.address import base_url
from kibcase.auth import ApiKeyAuth, Auth, BasicAuth
from kibcase.extras import require

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

log = logging.getLogger(__name__)

_PORTS = {"http": 80, "https": 443}


def connect(
    url: str, *, auth: Auth | None, ca_certs: str | Path | None, verify: bool, timeout: float
) -> Elasticsearch:
    """Make the client; nothing is sent yet.

    No request is repeated by the client itself: whether a repeat is safe is known here, not there. Raises
    ``MissingExtraError`` without the package, ``ValueError`` for a URL that cannot be used.
    """
    library = require("elasticsearch", "alerts")
    options: dict[str, Any] = {"request_timeout": timeout, "max_retries": 0, "retry_on_timeout": False}
    address = _address(url)
    if auth is not None:
        options["headers"] = {"authorization": auth.header()}
    if address.startswith("https:"):
        options |= _tls(address, ca_certs, verify=verify)
    client: Elasticsearch = library.Elasticsearch(address, **options)
    return client


def credentials(username: str | None, password: str | None, api_key: str | None) -> Auth | None:
    """Choose the credentials; raises ``ValueError`` for half of a pair, or for two kinds at once."""
    if (username is None) != (password is None):
        raise ValueError("give username and password, or neither")
    if api_key is not None and username is not None:
        raise ValueError("give an API key, or username and password, not both")
    if api_key is not None:
        return ApiKeyAuth(api_key)
    return BasicAuth(username, password) if username is not None and password is not None else None


def _address(url: str) -> str:
    try:
        checked = base_url(url)
    except ValueError as error:
        # The check is the same for every server, its words name Kibana.
        raise ValueError(str(error).replace("Kibana", "Elasticsearch")) from None
    parts = urlsplit(checked)
    if parts.port is not None:
        return checked
    return parts._replace(netloc=f"{parts.netloc.rstrip(':')}:{_PORTS[parts.scheme]}").geturl()


def _tls(address: str, ca_certs: str | Path | None, *, verify: bool) -> dict[str, Any]:
    if not verify:
        host = urlsplit(address).hostname
        log.warning("TLS of %s is NOT verified: anybody on the way can read and change the traffic", host)
        return {"verify_certs": False, "ssl_show_warn": False}
    if ca_certs is None:
        return {"verify_certs": True}
    if not Path(ca_certs).exists():
        raise ValueError(f"no such file of certificates: {ca_certs}")
    return {"verify_certs": True, "ca_certs": str(ca_certs)}
