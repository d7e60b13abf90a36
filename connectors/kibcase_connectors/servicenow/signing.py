"""Signed assertions, for which ServiceNow gives OAuth tokens (RFC 7523; extra: ``jwt``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from kibcase.extras import require
from kibcase_connectors.servicenow.config import ServiceNowConfig

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""The ``grant_type`` that goes with an assertion (RFC 7523, 8.1)."""

LIFESPAN: Final = timedelta(minutes=5)
"""For how long an assertion can be exchanged for a token; that has a lifespan of its own."""

_EXTRA: Final = "jwt"
_LEAST_BITS: Final = 2048
_FORM: Final = "-----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or ENCRYPTED PRIVATE KEY, with its line ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Signs assertions of one OAuth client for one user; the key shows in no text."""

    client_id: str
    key_id: str
    user: str
    key: RSAPrivateKey = field(repr=False)

    def assertion(self, now: datetime, unique: str) -> str:
        """Give a JSON web token, signed with RS256, that ends ``LIFESPAN`` after ``now``.

        ``unique`` (claim ``jti``) must be another one each time: an instance may take each only once. ``aud`` and
        ``iss`` are the client's id, ``sub`` is the user, ``kid`` names the entry of the client's JWT verifier maps
        (ServiceNow: OAuth JWT API endpoint for external clients).
        """
        issued = int(now.timestamp())
        claims = {
            "sub": self.user, "aud": self.client_id, "iss": self.client_id, "jti": unique,
            "iat": issued, "exp": issued + int(LIFESPAN.total_seconds()),
        }
        encode = require("jwt", _EXTRA).encode
        return str(encode(claims, self.key, algorithm="RS256", headers={"kid": self.key_id}))


def signer(config: ServiceNowConfig) -> Signer | None:
    """Give what signs assertions, None for another way to log in.

    Raises ``ValueError`` for a private key or password that cannot be used, ``MissingExtraError``.
    """
    if not (config.client_id and config.jwt_key_id and config.jwt_user and config.jwt_private_key):
        return None
    require("jwt", _EXTRA)
    return Signer(
        client_id=config.client_id, key_id=config.jwt_key_id, user=config.jwt_user,
        key=_opened(config.jwt_private_key, config.jwt_private_key_password),
    )


def _opened(text: SecretStr, password: SecretStr | None) -> RSAPrivateKey:
    require("cryptography", _EXTRA)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    secret = None if password is None else password.get_secret_value().encode()
    try:
        key = load_pem_private_key(text.get_secret_value().encode(), secret)
    except TypeError:
        # The library's way to say that a password is missing, or that there is nothing to open with it.
        said = "is encrypted; give jwt_private_key_password" if secret is None else (
            "is not encrypted; leave jwt_private_key_password out"
        )
        raise ValueError(f"jwt_private_key {said}") from None
    except (ValueError, UnsupportedAlgorithm):
        # The texts of these may quote what was read.
        more = "" if secret is None else ", or jwt_private_key_password is wrong"
        raise ValueError(f"jwt_private_key is no private key in PEM form ({_FORM}){more}") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("jwt_private_key is no RSA key; assertions are signed with RS256")
    if key.key_size < _LEAST_BITS:
        raise ValueError(f"jwt_private_key has {key.key_size} bits; RS256 needs {_LEAST_BITS} or more (RFC 7518, 3.3)")
    return key
