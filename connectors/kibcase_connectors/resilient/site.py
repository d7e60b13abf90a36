"""One organisation as configured, with what was learnt of it: what every operation works on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from kibcase_connectors.api import Context
from kibcase_connectors.errors import Conflict, ConnectorError, NotFound, OutcomeUnknown, Refused
from kibcase_connectors.mapping import FieldMap
from kibcase_connectors.model import (
    ASSIGNEE,
    COMMENTS,
    DESCRIPTION,
    FILES,
    MARK_PREFIX,
    OBSERVABLES,
    SEVERITY,
    STATUS,
    TAGS,
    TITLE,
    UNSET,
    Canonical,
    Comment,
    File,
    Json,
)
from kibcase_connectors.resilient import artifacts, customs
from kibcase_connectors.resilient import mapping as own
from kibcase_connectors.resilient.artifacts import Artifact
from kibcase_connectors.resilient.config import ResilientConfig
from kibcase_connectors.resilient.files import Attachment, file_of
from kibcase_connectors.resilient.notes import comment_of
from kibcase_connectors.resilient.persons import Asked, Persons
from kibcase_connectors.resilient.rest import ResilientRest
from kibcase_connectors.resilient.richtext import normal, without_footer
from kibcase_connectors.resilient.values import is_empty, spelled
from kibcase_connectors.resilient.wire import FieldDef, Incident, Note

_REMEMBERED: Final = 10_000
_CHECK: Final = "kibcase check tells what the organisation has."

SET_UP: Final = (
    "In SOAR open Administrator Settings, Customization Settings, Layouts (the incident tab), and add a field of the "
    "type Text with the API access name {name}; or set mark_field to null to carry marks in incidents' names."
)
"""How a person makes the field for marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A configured organisation and the client to reach it.

    ``asked`` says when what was asked for again. ``versions`` holds the versions last read, by id.
    """

    name: str
    config: ResilientConfig
    client: ResilientRest
    mapping: FieldMap
    context: Context
    asked: Asked
    persons: Persons
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> Callable[[], datetime]:
        """The daemon's clock."""
        return self.context.clock

    @property
    def fields(self) -> frozenset[str]:
        """The fields that take part."""
        further = {ASSIGNEE, OBSERVABLES, *self.config.custom}
        without = {name for name in further if not self.context.wants(name)}
        without |= set() if self.config.tags_field else {TAGS}
        without |= set() if self.config.artifact_types else {OBSERVABLES}
        return frozenset(self.mapping.codecs) - without

    def mark(self, number: int) -> str:
        """Give the mark of an incident; it depends on the platform's address, the organisation and the id."""
        where = f"{self.config.url.casefold()}/{self.client.org().id}"
        return f"{MARK_PREFIX}resilient-{hashlib.sha256(where.encode()).hexdigest()[:8]}-{number}"

    def browse(self, key: str) -> str:
        """Give the address at which people open an incident."""
        return f"{self.config.browse_url or self.config.url}/#incidents/{key}"

    # -- fields and their labels ------------------------------------------------------------------

    def field_def(self, name: str, *, why: str = "") -> FieldDef:
        """Give the definition of a field by its bare name. Raises ``Refused`` if there is none."""
        found = self.client.fields().get(name) or self._learn(name).get(name)
        if found is None:
            raise Refused(
                self.name, f"looking for the field {name}{f', {why}' if why else ''}", said="there is no such field",
                field=name, advice=_CHECK,
            )
        return found

    def mark_def(self) -> FieldDef:
        """Give the definition of the field that holds marks. Raises ``Refused`` with how to make it."""
        name = self.config.mark_field or ""
        found = self.client.fields().get(name) or self._learn(name).get(name)
        if found is None or not found.custom or found.input_type != "text":
            said = "there is no such custom text field" if found is None else "it is no custom text field"
            raise Refused(
                self.name, f"looking for {name}, the field for marks", said=said, field=name,
                advice=SET_UP.format(name=name),
            )
        return found

    def custom_def(self, name: str) -> FieldDef:
        """Give the definition of the field that holds a custom field. Raises ``Refused`` for none and for several."""
        spec = self.config.custom[name].field
        found = customs.matching(self.client.fields(), spec) or customs.matching(self._learn(spec), spec)
        if len(found) != 1:
            several = ", ".join(one.name for one in found[:5])
            said = f"several fields are called so: {several}; name one of them" if found else "there is no such field"
            what = f"looking for {spec!r}, the field for {name}"
            raise Refused(self.name, what, said=said, field=name, advice=_CHECK)
        if found[0].input_type not in customs.KINDS:
            said = f"it is of the type {found[0].input_type}, which cannot be carried"
            raise Refused(self.name, f"using {found[0].name}, the field for {name}", said=said, field=name)
        return found[0]

    def label(self, name: str, value: object) -> str:
        """Give the label of a choice; "" for none, and ``#id`` for an id that the definition does not hold."""
        if value is None:
            return ""
        found = self.field_def(name).label(value)
        if found is None:
            learnt = self._learn(name).get(name)
            found = learnt.label(value) if learnt else None
        return f"#{value}" if found is None else found

    def labels(self, name: str, values: object) -> tuple[str, ...]:
        """Give the labels of a multiselect's choices."""
        return tuple(self.label(name, value) for value in (values if isinstance(values, list) else ()))

    def _learn(self, name: str) -> Mapping[str, FieldDef]:
        """Ask for the fields anew, since people may have added some."""
        return self.client.fields(again=self.asked.due(name))

    def types(self, *, lacking: bool = False) -> artifacts.Types:
        """Give the artifact types; ``lacking`` tells that one was looked for in vain."""
        return self.client.artifact_types(again=lacking and self.asked.due("artifact_types"))

    # -- incidents --------------------------------------------------------------------------------

    def incident(self, key: str) -> Incident:
        """Read an incident. Raises ``NotFound`` only if the key and the organisation are in order."""
        try:
            return self.client.incident(key)
        except NotFound as gone:
            self.confirm()
            raise gone

    @property
    def has_children(self) -> bool:
        """Whether anything that hangs on incidents takes part."""
        return OBSERVABLES in self.fields or self.context.wants(COMMENTS) or self.context.wants(FILES)

    def children(self, key: str) -> own.Children:
        """Read what hangs on an incident, as far as it takes part."""
        wants = self.context.wants
        return own.Children(
            notes=self.client.notes(key) if wants(COMMENTS) else (),
            artifacts=self.client.artifacts(key) if OBSERVABLES in self.fields else (),
            files=self.client.attachments(key) if wants(FILES) else (),
        )

    def shown(self, held: Sequence[Artifact]) -> list[tuple[str, Artifact]]:
        """Give the artifacts that are observables, each with its element."""
        types = self.types() if held else {}
        if any(isinstance(one.type, int) and one.type not in types for one in held):
            types = self.types(lacking=True)
        return artifacts.shown(self.config.artifact_types, held, types)

    def comment(self, note: Note) -> Comment:
        """Give a note in the common form."""
        found = comment_of(note, self.client.offset)
        return replace(found, author=self.persons.called(note.principal, found.author))

    def file(self, held: Attachment) -> File:
        """Give a file in the common form."""
        return file_of(held, self.persons.called(held.creator, ""), self.client.offset)

    def remember(self, key: str, version: str) -> None:
        """Keep the version of an incident as it was read last."""
        if len(self.versions) >= _REMEMBERED:
            self.versions.clear()
        self.versions[key] = version

    def unchanged(self, key: str, expected: str) -> Incident:
        """Read an incident that is about to be written. Raises ``Conflict`` if it is past version ``expected``."""
        incident = self.incident(key)
        if own.stamp(incident) != own.stamp_in(expected):
            said = "it has changed since it was read"
            raise Conflict(self.name, f"writing incident {key}", said=said, advice="Read it again.")
        return incident

    def confirm(self) -> None:
        """Make sure that the key is accepted and the organisation open to it; raises ``Denied`` if not.

        The platform answers 404 for what is deleted and for what this key may not see.
        """
        self.client.org(again=True)

    def natives(self, incident: Incident) -> dict[str, Json]:
        """Give the fields that sync speaks of in the form of snapshots; observables are none of the incident's own."""
        config = self.config
        name = incident.text("name")
        shown: dict[str, Json] = {
            TITLE: name if config.mark_field else own.without_marks(name),
            DESCRIPTION: normal(without_footer(incident.text("description"))),
            STATUS: self._status(incident),
        }
        if SEVERITY in self.mapping.codecs:
            shown[SEVERITY] = self.label("severity_code", incident.values.get("severity_code"))
        if config.tags_field:
            shown[TAGS] = [*self._tags(incident, config.tags_field)]
        if ASSIGNEE in self.fields:
            shown[ASSIGNEE] = self.persons.owner(incident.values.get("owner_id"))
        for custom in self.fields.intersection(config.custom):
            found = self.custom_def(custom)
            shown[custom] = customs.text_of(found, incident.values.get(found.path))
        return shown

    def _status(self, incident: Incident) -> str:
        plan = str(incident.values.get("plan_status"))
        if plan == own.CLOSED or self.config.status_field is None:
            return plan
        found = self.field_def(self.config.status_field, why="the field that tells statuses apart")
        return f"{plan}/{self.label(found.name, incident.values.get(found.path))}"

    def _tags(self, incident: Incident, name: str) -> list[str]:
        found = self.field_def(name, why="the field for tags")
        if found.many:
            return list(self.labels(name, incident.values.get(found.path)))
        return own.tags_of(incident.text(found.path))

    def marks(self, incident: Incident) -> tuple[str, ...]:
        """Give the marks that an incident carries."""
        if self.config.mark_field is None:
            return own.marks_in(incident.text("name"))
        held = incident.text(f"properties.{self.config.mark_field}").strip()
        return (held,) if held.startswith(MARK_PREFIX) and not any(c.isspace() for c in held) else ()

    def incident_types(self, incident: Incident) -> tuple[str, ...]:
        """Give the labels of an incident's types."""
        return self.labels("incident_type_ids", incident.values.get("incident_type_ids"))

    def lacks(self, incident: Incident, found: FieldDef) -> bool:
        """Tell whether a field of an incident is empty."""
        return is_empty(incident.values.get(found.path))

    # -- writing ----------------------------------------------------------------------------------

    def native(self, field_name: str, value: Canonical) -> Json:
        """Give the value to write for a canonical one. Raises ``Refused`` if there is none."""
        said = "such a value cannot be written as a field"
        try:
            found = self.mapping.native(field_name, value)
        except ValueError as unwritable:
            found, said = UNSET, str(unwritable)
        except KeyError:
            found, said = UNSET, "this organisation is configured without the field"
        if found is UNSET or field_name == STATUS:
            advice = "Complete the mapping in the configuration."
            raise Refused(self.name, f"setting {field_name}", said=said, field=field_name, advice=advice)
        return found

    def wanted(self, name: str, value: Canonical) -> Json:
        """Give what a write of a canonical value will be shown as. Raises ``Refused``."""
        if name == ASSIGNEE and name in self.fields:
            return self.persons.assignee(value)
        native = self.native(name, value)
        try:
            if name == SEVERITY and isinstance(native, str):
                return spelled(self.field_def("severity_code"), native)
            if name in self.config.custom and isinstance(native, str):
                return customs.spelled_text(self.custom_def(name), native)
        except ValueError as unknown:
            raise self.refused(f"setting {name}", name, unknown) from unknown
        return native

    def refused(self, what: str, field_name: str, error: ValueError) -> Refused:
        """Give the error for a value that the organisation does not offer."""
        return Refused(self.name, what, said=str(error), field=field_name, advice=_CHECK)

    def unknown(self, what: str, error: ConnectorError) -> OutcomeUnknown:
        """Turn the failure of a read that follows a write into what it means for the write."""
        return OutcomeUnknown(self.name, what, said=f"the answer could not be read back: {error}")
