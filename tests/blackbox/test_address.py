"""The environment variable that names a real Kibana."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("text", "url", "login", "key", "verify"),
    [
        ("https://elastic:p%40ss@k.example:5601", "https://k.example:5601", ("elastic", "p@ss"), None, True),
        ("http://u:p@k.example/base/path/", "http://k.example/base/path", ("u", "p"), None, True),
        ("https://apikey:YWJj%3D@k.example", "https://k.example", None, "YWJj=", True),
        ("https://u:p@k.example?verify=false", "https://k.example", ("u", "p"), None, False),
        ("https://u:p@k.example/?ca=/etc/ca.pem", "https://k.example", ("u", "p"), None, "/etc/ca.pem"),
    ],
)
def test_addresses(address_of: Any, text: str, url: str, login: Any, key: Any, verify: Any) -> None:
    address = address_of(text)
    assert (address.url, address.login, address.key, address.verify) == (url, login, key, verify)


@pytest.mark.parametrize(
    "text", ["k.example", "https://k.example", "https://u@k.example", "ftp://u:p@k.example", "https://u:p@k.example?x=1"]
)
def test_what_is_no_address(address_of: Any, text: str) -> None:
    with pytest.raises(ValueError, match="KIBCASE_BLACKBOX_KIBANA"):
        address_of(text)


def test_a_key_is_not_shown(address_of: Any) -> None:
    assert "secret" not in repr(address_of("https://apikey:secret@k.example"))
