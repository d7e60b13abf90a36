"""The requests that sync sends to QRadar SOAR's REST API, one method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kibcase_connectors.errors import Denied, NotFound
from kibcase_connectors.model import Json
from kibcase_connectors.resilient import failures, wire
from kibcase_connectors.resilient.client import ResilientClient
from kibcase_connectors.resilient.config import ResilientConfig
from kibcase_connectors.resilient.values import Edit

PAGE: Final = 200
"""How many incidents one page of a query is asked to hold; the platform may give fewer."""

# Rich text as HTML, choices as ids: the forms in which old values are compared.
_FORMS: Final = {"text_content_output_format": "objects_convert_html", "handle_format": "ids"}


class ResilientRest(ResilientClient):
    """The REST API as far as sync needs it, for one organisation; see ``ResilientClient`` for the policy."""

    def __init__(self, system: str, config: ResilientConfig, clock: Callable[[], datetime]) -> None:
        super().__init__(system, config, clock)
        self._org: wire.Organisation | None = None
        self._fields: dict[str, wire.FieldDef] | None = None

    def close(self) -> None:
        """Let go of the connections and of what is known of the organisation."""
        self._org = self._fields = None
        super().close()

    # -- the organisation -------------------------------------------------------------------------

    def org(self, *, again: bool = False) -> wire.Organisation:
        """Give the organisation and who we are (GET session), asked for once unless ``again``. Raises ``Denied``."""
        if self._org is None or again:
            wanted = self._config.org
            deed = self._deed("asking who we are", whole=True)
            found, names = self._call(
                deed, "GET", "/rest/session", lambda raw: (wire.organisation(raw, wanted), _names(raw)),
                params={"include_permissions": "false"},
            )
            if found is None:
                said = f"the key has no organisation {wanted!r}; it has {', '.join(names) or 'none'}"
                raise Denied(self._system, deed.what, said=said, advice="Give the organisation's name or id in org.")
            self._org = found
        return self._org

    def server_version(self) -> str:
        """Give the platform's version (GET const)."""
        deed = self._deed("asking for the version")
        return self._call(deed, "GET", "/rest/const", lambda raw: str(raw["server_version"]["version"]))

    def fields(self, *, again: bool = False) -> Mapping[str, wire.FieldDef]:
        """Give the fields of incidents by bare name (GET types/incident/fields), asked for once unless ``again``."""
        if self._fields is None or again:
            deed = self._deed("listing the fields of incidents", whole=True)
            self._fields = self._call(
                deed, "GET", self._path("types/incident/fields"),
                lambda raw: {found.name: found for found in map(wire.field_def, _rows(raw))},
            )
        return self._fields

    # -- reading incidents ------------------------------------------------------------------------

    def query(
        self, what: str, conditions: Sequence[tuple[str, str, Json]], *, sort: str = "id", start: int = 0,
        length: int = PAGE, descending: bool = False,
    ) -> wire.Page:
        """Give one page of the incidents that meet all conditions (POST incidents/query_paged).

        A condition is a field's path, a method and a value.
        """
        listed: list[Json] = [{"field_name": name, "method": how, "value": value} for name, how, value in conditions]
        body: Json = {
            "filters": [{"conditions": listed}], "start": start, "length": length,
            "sorts": [{"field_name": sort, "type": "desc" if descending else "asc"}],
        }
        params = {"return_level": "full", **_FORMS}
        deed = self._deed(what, whole=True)
        return self._call(deed, "POST", self._path("incidents/query_paged"), wire.page, params=params, body=body)

    def incident(self, key: str) -> wire.Incident:
        """Read an incident (GET incidents/{id}). Raises ``NotFound``."""
        what = f"reading incident {key}"
        return self._call(self._deed(what), "GET", self._path(f"incidents/{self._id(what, key)}"), wire.incident,
                          params=_FORMS)

    def notes(self, key: str) -> tuple[wire.Note, ...]:
        """Read the notes of an incident with their replies, oldest first (GET incidents/{id}/comments)."""
        what = f"reading the notes of incident {key}"
        return self._call(
            self._deed(what), "GET", self._path(f"incidents/{self._id(what, key)}/comments"),
            lambda raw: wire.notes(_rows(raw)), params=_FORMS,
        )

    # -- writing: each of these sends one request that writes -----------------------------------------

    def create(self, body: Mapping[str, Json]) -> wire.Incident:
        """Create an incident (POST incidents); gives it as stored."""
        deed = self._deed("creating an incident", writes=True)
        return self._call(deed, "POST", self._path("incidents"), wire.incident,
                          params={"want_full_data": "true", **_FORMS}, body=dict(body))

    def patch(self, key: str, vers: int, edits: Sequence[Edit]) -> None:
        """Change fields, all or none (PATCH incidents/{id}).

        Raises ``Conflict`` where a field no longer holds its old value, ``Refused`` where a rule forbids
        the change: the platform says both with status 200.
        """
        what = f"changing incident {key}"
        deed = self._deed(what, writes=True)
        changes: list[Json] = [edit.body() for edit in edits]
        names = {edit.field.name: edit.field.text for edit in edits}
        problem = self._call(
            deed, "PATCH", self._path(f"incidents/{self._id(what, key)}"),
            lambda raw: failures.from_patch(deed, dict(raw), names), params=_FORMS,
            body={"version": vers, "changes": changes},
        )
        if problem is not None:
            raise problem

    def add_note(self, key: str, html: str) -> wire.Note:
        """Write a note (POST incidents/{id}/comments); gives it as stored."""
        what = f"writing a note on incident {key}"
        return self._write_note(what, "POST", f"incidents/{self._id(what, key)}/comments", html)

    def edit_note(self, key: str, note: str, html: str) -> wire.Note:
        """Change the text of a note (PUT incidents/{id}/comments/{id}); gives it as stored."""
        what = f"changing note {note} of incident {key}"
        return self._write_note(what, "PUT", f"incidents/{self._id(what, key)}/comments/{self._id(what, note)}", html)

    def _write_note(self, what: str, method: str, path: str, html: str) -> wire.Note:
        return self._call(
            self._deed(what, writes=True), method, self._path(path), wire.note, params=_FORMS,
            body={"text": {"format": "html", "content": html}},
        )

    def _path(self, below: str) -> str:
        return f"/rest/orgs/{self.org().id}/{below}"

    def _id(self, what: str, key: str) -> str:
        if not (key.isascii() and key.isdigit() and len(key) < 19):
            raise NotFound(self._system, what, said=f"{key[:40]!r} is no id of this platform")
        return key


def _rows(raw: Any) -> list[Mapping[str, Any]]:
    if not isinstance(raw, list):
        raise TypeError("a list was expected")
    return raw


def _names(raw: Mapping[str, Any]) -> list[str]:
    return [str(org.get("name") or org["id"])[:80] for org in raw["orgs"]][:20]
