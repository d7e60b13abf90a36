"""Files to and from Jira, in pieces."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import quote, urljoin, urlsplit

import requests

from kibcase_connectors.errors import NotFound, Unavailable
from kibcase_connectors.jira import failures, wire
from kibcase_connectors.jira.client import JiraClient
from kibcase_connectors.jira.failures import Deed
from kibcase_connectors.jira.form import PIECE, Form

if TYPE_CHECKING:
    from jira import JIRA

_SLOWEST: Final = 4_096
_PATIENCE: Final = 60.0
_REDIRECTS: Final = 3
_REDIRECTING: Final = (301, 302, 303, 307, 308)


class JiraTransfer(JiraClient):
    """Uploads and downloads of attachments; see ``JiraClient`` for the policy."""

    def attachment_settings(self) -> tuple[bool, int]:
        """Tell whether files can be attached, and the largest size in bytes (GET attachment/meta)."""
        what = "asking about attachments"
        raw = self._ask(what, "attachment/meta", dict)
        return self._decode(what, lambda: (raw["enabled"] is True, int(raw.get("uploadLimit") or 0)))

    def upload(self, key: str, name: str, size: int, media_type: str, content: BinaryIO) -> wire.JiraFile:
        """Attach a file (POST issue/{key}/attachments); ``name`` must be fit (see ``form.unfit``)."""
        deed = self._deed(f"attaching a file to ticket {key}", writes=True)
        form = Form(name, size, media_type, content, boundary=secrets.token_hex(24))
        # Without the token's header Jira takes the request for a forged one.
        headers = {"Content-Type": form.media_type, "X-Atlassian-Token": "no-check"}

        def send(jira: JIRA) -> wire.JiraFile:
            url = self._url(f"issue/{quote(key, safe='')}/attachments")
            rows: list[Mapping[str, Any]] = self._session(jira).post(url, data=form, headers=headers).json()
            (made,) = wire.files(rows)
            return made

        return self._call(deed, send)

    def detach(self, attachment: str) -> None:
        """Delete an attachment (DELETE attachment/{id})."""
        path = f"attachment/{quote(attachment, safe='')}"
        self._write(f"deleting attachment {attachment}", "DELETE", path, None, lambda _: None)

    def download(self, attachment: str, name: str, size: int, into: BinaryIO) -> None:
        """Write the content of an attachment to ``into``.

        Cloud leads to a host for media, which gets no credentials. Raises ``Unavailable`` unless there are
        exactly ``size`` bytes.
        """
        deed = self._deed(f"fetching attachment {attachment}")

        def send(jira: JIRA) -> None:
            with self._unredirected(self._session(jira), self._content(attachment, name)) as answer:
                if self.cloud and answer.status_code in _REDIRECTING:
                    self._elsewhere(deed, answer, size, into)
                elif answer.status_code == 404 and not failures.login_failed(answer.headers):
                    # Data Center says so with a page for people.
                    raise NotFound(deed.system, deed.what, said="HTTP 404")
                elif answer.status_code != 200 or failures.login_failed(answer.headers):
                    raise failures.from_answer(deed, answer)
                else:
                    _copy(deed, answer, size, into)

        self._call(deed, send)

    @staticmethod
    def _unredirected(session: requests.Session, url: str) -> requests.Response:
        try:
            return session.get(url, stream=True, allow_redirects=False)
        except requests.TooManyRedirects as redirected:
            # The session follows none, and says so even where none is to be followed.
            answer = redirected.response
        if answer is None:
            raise requests.ConnectionError
        return answer

    def _content(self, attachment: str, name: str) -> str:
        # Not the address that Jira gives: behind a gateway or a proxy that is another host's.
        if self.cloud:
            return self._url(f"attachment/content/{quote(attachment, safe='')}")
        return f"{self._config.url}/secure/attachment/{quote(attachment, safe='')}/{quote(name, safe='')}"

    def _elsewhere(self, deed: Deed, answer: requests.Response, size: int, into: BinaryIO) -> None:
        with requests.Session() as stranger:
            self._counted(stranger)
            stranger.auth = _nobody
            stranger.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            for _ in range(_REDIRECTS):
                target = urljoin(answer.url, answer.headers.get("Location", ""))
                if urlsplit(target).scheme not in ("https", urlsplit(self._config.url).scheme):
                    raise Unavailable(deed.system, deed.what, said="Jira leads to an address that is not encrypted")
                answer = stranger.get(
                    target, stream=True, allow_redirects=False, timeout=self._config.timeout, verify=self._verify
                )
                if answer.status_code == 200:
                    _copy(deed, answer, size, into)
                    return
                if answer.status_code not in _REDIRECTING:
                    break
        raise Unavailable(deed.system, deed.what, said=f"the host for media answers HTTP {answer.status_code}")


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Log in as nobody; without this, requests would look for a password in .netrc."""
    return request


def _copy(deed: Deed, answer: requests.Response, size: int, into: BinaryIO) -> None:
    end = time.monotonic() + _PATIENCE + size / _SLOWEST
    done = 0
    for piece in answer.iter_content(PIECE):
        done += len(piece)
        if done > size or time.monotonic() > end:
            break
        into.write(piece)
    if done != size:
        said = f"{done:,} bytes came" if done <= size else f"more than {size:,} bytes came"
        raise Unavailable(deed.system, deed.what, said=f"{said} where {size:,} were expected")
