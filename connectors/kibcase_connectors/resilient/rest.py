"""The requests that sync sends to QRadar SOAR's REST API, one method each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final

from kibcase_connectors.errors import Denied, NotFound, Refused
from kibcase_connectors.model import Json
from kibcase_connectors.resilient import artifacts, failures, files, news, wire
from kibcase_connectors.resilient.artifacts import Artifact
from kibcase_connectors.resilient.client import ResilientClient
from kibcase_connectors.resilient.config import ResilientConfig
from kibcase_connectors.resilient.directory import Directory, Group, group, user
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
        self._types: dict[int, artifacts.ArtifactType] | None = None
        self._directory: Directory | None = None
        self._groups: dict[int, Group] | None = None
        self._const: Mapping[str, Any] | None = None

    def close(self) -> None:
        """Let go of the connections and of what is known of the organisation."""
        self._org = self._fields = self._types = self._directory = self._groups = self._const = None
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
                said = f"the account has no organisation {wanted!r}; it has {', '.join(names) or 'none'}"
                raise Denied(self._system, deed.what, said=said, advice="Give the organisation's name or id in org.")
            self._org = found
        return self._org

    def server_version(self) -> str:
        """Give the platform's version (GET const)."""
        return str(self._constants()["server_version"]["version"])

    def attachment_limit(self) -> int | None:
        """Give the most bytes of a file, asked for once (GET const); None if the platform does not say."""
        megabytes = self._constants().get("max_attachment_mb")
        if isinstance(megabytes, bool) or not isinstance(megabytes, int | float):
            return None
        return int(megabytes * 1024 * 1024)

    def _constants(self) -> Mapping[str, Any]:
        if self._const is None:
            deed = self._deed("asking for the version and limits")
            self._const = self._call(deed, "GET", "/rest/const", _constants)
        return self._const

    def artifact_types(self, *, again: bool = False) -> artifacts.Types:
        """Give the artifact types by id (GET artifact_types), asked for once unless ``again``."""
        if self._types is None or again:
            deed = self._deed("listing the artifact types")
            self._types = self._call(
                deed, "GET", self._path("artifact_types"),
                lambda raw: {one.id: one for one in map(artifacts.artifact_type, _rows(raw["entities"]))},
            )
        return self._types

    def directory(self, *, again: bool = False) -> Directory:
        """Give the users (GET users), asked for once unless ``again``."""
        if self._directory is None or again:
            deed = self._deed("listing the users")
            users = self._call(deed, "GET", self._path("users"), lambda raw: list(map(user, _entities(raw))))
            self._directory = Directory(users={one.id: one for one in users})
        return self._directory

    def groups(self, *, again: bool = False) -> Mapping[int, Group]:
        """Give the groups of users by id (GET groups), asked for once unless ``again``."""
        if self._groups is None or again:
            deed = self._deed("listing the groups")
            found = self._call(deed, "GET", self._path("groups"), lambda raw: list(map(group, _entities(raw))))
            self._groups = {one.id: one for one in found}
        return self._groups

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

    def artifacts(self, key: str) -> tuple[Artifact, ...]:
        """Read the artifacts of an incident, oldest first (POST incidents/{id}/artifacts/query_paged)."""
        what = f"reading the artifacts of incident {key}"
        path, found = self._path(f"incidents/{self._id(what, key)}/artifacts/query_paged"), dict[int, Artifact]()
        start = 0
        while True:
            rows, total = self._call(
                self._deed(what), "POST", path, _artifacts, params=_FORMS, body={"start": start, "length": PAGE}
            )
            new = {one.id: one for one in rows if one.id not in found}
            found |= new
            start += len(rows)
            if not new or (total is not None and start >= total):
                return artifacts.by_age(found.values())

    def attachments(self, key: str) -> tuple[files.Attachment, ...]:
        """List the files of an incident, oldest first (GET incidents/{id}/attachments)."""
        what = f"listing the files of incident {key}"
        return self._call(
            self._deed(what), "GET", self._path(f"incidents/{self._id(what, key)}/attachments"),
            lambda raw: files.oldest_first(_rows(raw)),
        )

    def download(self, key: str, file: str, size: int, into: BinaryIO, *, page: bool) -> None:
        """Write the content of a file to ``into`` (GET incidents/{id}/attachments/{id}/contents).

        ``page`` tells that the file may be HTML. Raises ``Unavailable`` unless exactly ``size`` bytes come.
        """
        what = f"fetching file {file} of incident {key}"
        path = self._path(f"incidents/{self._id(what, key)}/attachments/{self._id(what, file)}/contents")
        self._pour(self._deed(what), path, size, into, page=page)

    def news(self, key: str) -> tuple[news.News, ...]:
        """Read the newsfeed of an incident, oldest first (GET incidents/{id}/newsfeed).

        Raises ``NotFound`` or ``Refused`` where there is none for this account.
        """
        what = f"reading the newsfeed of incident {key}"
        return self._call(
            self._deed(what, extra=True), "GET", self._path(f"incidents/{self._id(what, key)}/newsfeed"),
            news.news,
        )

    # -- writing: each of these sends one request that writes -----------------------------------------

    def create(self, body: Mapping[str, Json], names: Mapping[str, str] | None = None) -> wire.Incident:
        """Create an incident (POST incidents); gives it as stored.

        ``names`` gives what people call the fields, by which a refusal tells which one it is about.
        """
        deed = self._deed("creating an incident", writes=True)
        try:
            return self._call(deed, "POST", self._path("incidents"), wire.incident,
                              params={"want_full_data": "true", **_FORMS}, body=dict(body))
        except Refused as refused:
            refused.field = failures.named_in(refused.said, names or {}, alone=False)
            raise

    def patch(self, key: str, vers: int, edits: Sequence[Edit]) -> None:
        """Change fields, all or none (PATCH incidents/{id}).

        Raises ``Conflict`` where a field no longer holds its old value, ``Refused`` where a rule forbids
        the change: the platform says both with status 200.
        """
        what = f"changing incident {key}"
        deed = self._deed(what, writes=True)
        changes: list[Json] = [edit.body() for edit in edits]
        names = {edit.field.name: edit.field.text for edit in edits}
        means = {edit.field.name: edit.means for edit in edits if edit.means}
        try:
            problem = self._call(
                deed, "PATCH", self._path(f"incidents/{self._id(what, key)}"),
                lambda raw: failures.from_patch(deed, dict(raw), names), params=_FORMS,
                body={"version": vers, "changes": changes},
            )
        except Refused as refused:
            name = failures.named_in(refused.said, names)
            refused.field = means.get(name or "", name)
            raise
        if problem is not None:
            problem.field = means.get(problem.field or "", problem.field)
            raise problem

    def add_note(self, key: str, html: str) -> wire.Note:
        """Write a note (POST incidents/{id}/comments); gives it as stored."""
        what = f"writing a note on incident {key}"
        return self._write_note(what, "POST", f"incidents/{self._id(what, key)}/comments", html)

    def edit_note(self, key: str, note: str, html: str) -> wire.Note:
        """Change the text of a note (PUT incidents/{id}/comments/{id}); gives it as stored."""
        what = f"changing note {note} of incident {key}"
        return self._write_note(what, "PUT", f"incidents/{self._id(what, key)}/comments/{self._id(what, note)}", html)

    def add_artifact(self, key: str, kind: int, value: str) -> tuple[Artifact, ...]:
        """Add an artifact of the type with this id (POST incidents/{id}/artifacts).

        Gives what it became: the platform may split one value into several.
        """
        what = f"adding an artifact to incident {key}"
        body: Json = {
            "type": {"id": kind}, "value": value, "description": {"format": "text", "content": artifacts.DESCRIPTION},
        }
        return self._call(
            self._deed(what, writes=True), "POST", self._path(f"incidents/{self._id(what, key)}/artifacts"),
            lambda raw: artifacts.artifacts(_rows(raw if isinstance(raw, list) else [raw])), params=_FORMS, body=body,
        )

    def remove_artifact(self, key: str, artifact: int) -> None:
        """Remove an artifact (DELETE incidents/{id}/artifacts/{id})."""
        what = f"removing artifact {artifact} of incident {key}"
        path = self._path(f"incidents/{self._id(what, key)}/artifacts/{artifact}")
        self._answer(self._deed(what, writes=True), "DELETE", path)

    def attach(self, key: str, form: files.Form) -> files.Attachment:
        """Attach a file (POST incidents/{id}/attachments); gives what the platform stored."""
        what = f"attaching a file to incident {key}"
        return self._call(
            self._deed(what, writes=True), "POST", self._path(f"incidents/{self._id(what, key)}/attachments"),
            files.attachment, form=form,
        )

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


def _entities(raw: Any) -> list[Mapping[str, Any]]:
    return _rows(raw["entities"] if isinstance(raw, Mapping) else raw)


def _artifacts(raw: Mapping[str, Any]) -> tuple[tuple[Artifact, ...], int | None]:
    total = raw.get("recordsFiltered")
    return artifacts.artifacts(_rows(raw["data"])), total if isinstance(total, int) else None


def _constants(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    str(raw["server_version"]["version"])
    return raw


def _names(raw: Mapping[str, Any]) -> list[str]:
    return [str(org.get("name") or org["id"])[:80] for org in raw["orgs"]][:20]
