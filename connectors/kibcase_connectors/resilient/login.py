"""How requests are signed: by an API key, or by the session of a user."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import requests
from requests.auth import AuthBase

from kibcase_connectors.resilient.config import ResilientConfig


class Login(AuthBase):
    """The account of a configuration; its repr tells nothing.

    An API key signs each request (HTTP Basic). A user's password is sent once, to open a session (POST
    /rest/session); its cookies and its token (``X-sess-id``) sign the others. ``tried`` tells that a session
    has been accepted before: one that is refused then has run out, and the password is still right.
    """

    def __init__(self, config: ResilientConfig) -> None:
        self.needs_session: bool = config.email is not None
        self.tried: bool = False
        self._headers: dict[str, str] = {} if self.needs_session else {"Authorization": _basic(config)}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign a request."""
        request.headers.update(self._headers)
        return request

    @property
    def ready(self) -> bool:
        """Whether requests can be signed."""
        return bool(self._headers)

    def opened(self, answer: Mapping[str, Any], cookies: Mapping[str, str]) -> None:
        """Take over a session. Raises ``KeyError``, ``TypeError`` or ``ValueError`` if this is none."""
        pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
        token = answer["csrf_token"]
        if "JSESSIONID" not in cookies or not isinstance(token, str):
            raise ValueError("no session")
        self._headers, self.tried = {"Cookie": pairs, "X-sess-id": token}, False

    def ended(self) -> None:
        """Forget a session."""
        if self.needs_session:
            self._headers, self.tried = {}, False


def _basic(config: ResilientConfig) -> str:
    secret = config.api_key_secret.get_secret_value() if config.api_key_secret is not None else ""
    # Encoded here: requests writes texts in Latin-1, which has not every character of every secret.
    return f"Basic {base64.b64encode(f'{config.api_key_id}:{secret}'.encode()).decode('ascii')}"
