"""Logging in with a signed assertion (OAuth, JWT bearer)."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from kibcase import MissingExtraError
from kibcase.server.faults import Fault
from kibcase_connectors.api import now
from kibcase_connectors.errors import ConnectorError, Denied, NotFound
from kibcase_connectors.servicenow import ServiceNowConfig, ServiceNowConnector
from kibcase_connectors.servicenow.signing import LIFESPAN, signer
from kibcase_connectors.standins.servicenow import OAuthApp
from kibcase_connectors.standins.servicenow.oauth import Tokens, verified
from kibcase_connectors.standins.servicenow.people import RsaPublicKey
from tests.connectors.servicenow.conftest import Clock
from tests.connectors.servicenow.test_servicenow_check import found

if TYPE_CHECKING:
    from tests.connectors.servicenow.conftest import Bench, MakeBench

Forms = list[dict[str, str]]
SECRET = "kibcase-client-secret"
OPENS = "kibcase-key-password"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def pem(key: Any, *, password: str | None = None, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    lock = NoEncryption() if password is None else BestAvailableEncryption(password.encode())
    return bytes(key.private_bytes(Encoding.PEM, form, lock)).decode()


def settings(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "username": None, "password": None, "account": "kibcase", "client_id": "soc", "client_secret": SECRET,
        "jwt_key_id": "key-1", "jwt_user": "kibcase@example.com", "jwt_private_key": key, **changes,
    }


def config(key: str, **changes: Any) -> ServiceNowConfig:
    values = {"url": "https://example.service-now.com", **settings(key, **changes)}
    return ServiceNowConfig(**{name: value for name, value in values.items() if value is not None})


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@pytest.fixture(scope="module")
def key(rsa_key: rsa.RSAPrivateKey) -> str:
    return pem(rsa_key)


@pytest.fixture(scope="module")
def public(rsa_key: rsa.RSAPrivateKey) -> RsaPublicKey:
    return RsaPublicKey(modulus=rsa_key.public_key().public_numbers().n)


@pytest.fixture
def protected(make: MakeBench, public: RsaPublicKey) -> Bench:
    app = OAuthApp(
        client_id="soc", client_secret=SECRET, grants=frozenset({"urn:ietf:params:oauth:grant-type:jwt-bearer"}),
        jwt_keys={"key-1": public},
    )
    return make(oauth_apps=(app,))


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> Forms:
    """What came in to get tokens, in the order of arrival."""
    came: Forms = []
    grant = Tokens.grant

    def noted(tokens: Tokens, form: Mapping[str, str]) -> dict[str, Any]:
        came.append(dict(form))
        return grant(tokens, form)

    monkeypatch.setattr(Tokens, "grant", noted)
    return came


def test_one_token_serves_everything(protected: Bench, key: str, forms: Forms) -> None:
    protected.connector = protected.connect(audit=False, **settings(key))
    record = protected.create().key
    protected.comment(record)
    protected.set_status(record, "closed")
    assert protected.row(record)["sys_updated_by"] == "kibcase"
    (form,) = forms
    assert set(form) == {"grant_type", "client_id", "client_secret", "assertion"}
    assert (form["grant_type"], form["client_id"], form["client_secret"]) == (GRANT, "soc", SECRET)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key(protected: Bench, rsa_key: rsa.RSAPrivateKey, form: PrivateFormat) -> None:
    locked = pem(rsa_key, password=OPENS, form=form)
    connector = protected.connect(**settings(locked, jwt_private_key_password=OPENS))
    assert connector.changes(None).items == ()


def test_what_an_assertion_says(key: str, rsa_key: rsa.RSAPrivateKey) -> None:
    made = signer(config(key))
    assert made is not None
    at = datetime(2026, 3, 2, 14, 30, 15, 999_000, tzinfo=UTC)
    token = made.assertion(at, "one")
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    issued = int(at.timestamp())
    said = jwt.decode(
        token, rsa_key.public_key(), algorithms=["RS256"], audience="soc", issuer="soc",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert said == {
        "sub": "kibcase@example.com", "aud": "soc", "iss": "soc", "jti": "one", "iat": issued, "exp": issued + 300,
    }


@given(at=st.floats(9e8, 7e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)), unique=st.text())
def test_an_assertion_holds_at_its_time_and_not_for_long(
    at: datetime, unique: str, rsa_key: rsa.RSAPrivateKey, public: RsaPublicKey, key: str
) -> None:
    made = signer(config(key))
    assert made is not None
    claims = verified(made.assertion(at, unique), {"key-1": public})
    assert claims["jti"] == unique
    assert claims["iat"] <= at.timestamp() < claims["exp"] <= (at + LIFESPAN).timestamp()


def test_every_assertion_is_another_one(protected: Bench, key: str, forms: Forms) -> None:
    connector = protected.connect(**settings(key))
    for _ in range(3):
        connector.changes(None)
        protected.servicenow.revoke_tokens()
    connector.changes(None)
    sent = [form["assertion"] for form in forms]
    seen = [jwt.decode(each, options={"verify_signature": False})["jti"] for each in sent]
    assert len(set(seen)) == len(seen) == 4


@pytest.mark.parametrize("hours", [-2, 2])
def test_clocks_that_disagree(protected: Bench, key: str, hours: int, forms: Forms) -> None:
    connector = protected.connect(clock=lambda: now() + timedelta(hours=hours), **settings(key))
    connector.changes(None)
    # A clock that is behind signs what has expired already; the refusal tells the instance's time.
    assert len(forms) == (2 if hours < 0 else 1)
    protected.servicenow.revoke_tokens()
    connector.changes(None)
    issued = jwt.decode(forms[-1]["assertion"], options={"verify_signature": False})["iat"]
    assert abs(issued - now().timestamp()) < 30


def test_a_token_is_replaced_before_it_runs_out(make: MakeBench, key: str, public: RsaPublicKey, forms: Forms) -> None:
    clock = Clock()
    bench = make(clock=clock, oauth_apps=(OAuthApp(client_id="soc", client_secret=SECRET, jwt_keys={"key-1": public}),))
    bench.connector = bench.connect(clock=clock, **settings(key))
    record = bench.create().key
    clock.forward(minutes=28)
    bench.connector.read(record)
    assert len(forms) == 1
    clock.forward(seconds=61)
    bench.connector.read(record)
    assert len(forms) == 2
    assert all(seen.status != 401 for seen in bench.servicenow.faults.requests)


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_a_refusal_ends_the_token(protected: Bench, key: str, status: int, forms: Forms) -> None:
    connector = protected.connect(**settings(key))
    record = protected.person_makes()
    connector.changes(None)
    protected.servicenow.faults.arm(Fault(method="GET", path=f".*/{record}", status=status, body=b'{"error": {}}'))
    with pytest.raises(ConnectorError):
        connector.read(record)
    assert connector.read(record).key == record
    assert len(forms) == 2


def test_an_outage_does_not_end_the_token(protected: Bench, key: str, forms: Forms) -> None:
    connector = protected.connect(**settings(key))
    record = protected.person_makes()
    connector.changes(None)
    protected.servicenow.faults.arm(Fault(method="GET", path=f".*/{record}", status=503))
    with pytest.raises(ConnectorError):
        connector.read(record)
    assert connector.read(record).key == record
    assert len(forms) == 1


@pytest.mark.parametrize("wrong", [
    {"jwt_key_id": "key-2"}, {"jwt_user": "nobody@example.com"}, {"client_secret": "no"}, {"client_id": "no"},
])
def test_what_the_instance_does_not_take(protected: Bench, key: str, wrong: dict[str, Any], forms: Forms) -> None:
    connector = protected.connect(**settings(key, **wrong))
    with pytest.raises(Denied, match="jwt_key_id names an entry"):
        connector.changes(None)
    assert len(forms) == 1
    (finding,) = connector.check()
    assert (finding.level, finding.subject) == ("problem", "account")
    assert "jwt_user" in finding.text


def test_another_key_than_the_instance_knows(protected: Bench) -> None:
    other = pem(rsa.generate_private_key(public_exponent=65_537, key_size=2048))
    with pytest.raises(Denied, match="certificate of jwt_private_key"):
        protected.connect(**settings(other)).changes(None)


def test_the_check_knows_whom_the_assertion_is_for(protected: Bench, key: str) -> None:
    fine = protected.connect(**settings(key, jwt_user="kibcase@example.com"))
    assert found(fine, "ok")["account"] == "Kibcase Sync (kibcase)"
    assert "jwt_user" not in found(fine, "note").get("account", "")
    another = protected.connect(**settings(key, jwt_user="tomasz.nowak@example.com"))
    assert "jwt_user, tomasz.nowak@example.com, is neither" in found(another, "note")["account"]


def refused(key: str, **changes: Any) -> str:
    with pytest.raises(ValueError, match="jwt_private_key") as caught:
        ServiceNowConnector("snow", config(key, **changes))
    text = "".join(traceback.format_exception(caught.value))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert OPENS not in text
    return str(caught.value)


def test_keys_that_cannot_be_used_are_told_at_the_start(rsa_key: rsa.RSAPrivateKey, key: str) -> None:
    locked = pem(rsa_key, password=OPENS)
    assert "is encrypted; give" in refused(locked)
    assert "is wrong" in refused(locked, jwt_private_key_password="other")
    assert "is not encrypted" in refused(key, jwt_private_key_password=OPENS)
    assert "no private key in PEM form" in refused(key.replace("\n", "\\n"))
    assert "no private key in PEM form" in refused("nonsense")
    assert "no RSA key" in refused(pem(ec.generate_private_key(ec.SECP256R1())))
    small = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    assert "has 1024 bits" in refused(pem(small))


@given(text=st.text(min_size=1, max_size=200), password=st.none() | st.text(max_size=20))
def test_nonsense_is_told_as_such(text: str, password: str | None) -> None:
    begun = f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"
    for each in (text, begun):
        with pytest.raises(ValueError, match="no private key in PEM form"):
            signer(config(each, jwt_private_key_password=password))


@pytest.mark.parametrize(("change", "said"), [
    ({"jwt_key_id": None}, "without jwt_key_id"), ({"jwt_user": None}, "without jwt_user"),
    ({"jwt_private_key": None}, "without jwt_private_key"),
    ({"client_id": None, "client_secret": None}, "without client_id"),
    ({"client_id": None, "client_secret": None, "token": "t"}, "without client_id"),
    ({"jwt_key_id": None, "jwt_user": None, "jwt_private_key": None, "jwt_private_key_password": "p"},
     "without jwt_key_id"),
    ({"username": "u", "password": "p"}, "exactly one"), ({"api_key": "k"}, "exactly one"),
    ({"account": None}, "account is needed"),
])
def test_mistakes_in_the_configuration(key: str, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        config(key, **change)
    assert key.splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize("package", ["jwt", "cryptography"])
def test_a_missing_extra_is_named(key: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def find_spec(self, name: str, *_: object) -> None:
            if name == package:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Gone(), *sys.meta_path])
    with pytest.raises(MissingExtraError, match=r"kibcase\[jwt\]"):
        ServiceNowConnector("snow", config(key))


def test_secrets_show_nowhere(
    protected: Bench, rsa_key: rsa.RSAPrivateKey, caplog: pytest.LogCaptureFixture, forms: Forms
) -> None:
    locked = pem(rsa_key, password=OPENS)
    given = settings(locked, jwt_private_key_password=OPENS)
    texts = [repr(config(locked, jwt_private_key_password=OPENS))]
    with caplog.at_level(logging.DEBUG):
        connector = protected.connect(**given)
        connector.changes(None)
        texts += [repr(connector), repr(connector._site), str(vars(connector._site.client))]
        for fault in (Fault(drop=True), Fault(status=500), Fault(status=401, times=3), Fault(status=403, body=b"{}")):
            protected.servicenow.revoke_tokens()
            protected.servicenow.faults.arm(fault)
            with pytest.raises(ConnectorError) as caught:
                connector.changes(None)
            texts += ["".join(traceback.format_exception(caught.value))]
    texts += [caplog.text]
    signatures = [form["assertion"].rpartition(".")[2] for form in forms]
    secrets = [SECRET, OPENS, *locked.splitlines()[1:-1], *signatures]
    assert signatures
    assert not [secret for secret in secrets for text in texts if secret in text]


def test_every_request_is_counted(protected: Bench, key: str) -> None:
    connector = protected.connect(**settings(key))
    assert connector.requests_sent == 0
    record = protected.person_makes()
    before = len(protected.servicenow.faults.requests)
    connector.changes(None)
    connector.read(record)
    with pytest.raises(NotFound):
        connector.read("0" * 32)
    assert connector.requests_sent == len(protected.servicenow.faults.requests) - before > 3
