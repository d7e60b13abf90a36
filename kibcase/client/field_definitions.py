"""Extended fields: reusable definitions, and which fields apply to a case (Kibana Cases API). Since stack 9.5."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.attachments_calls import case_id_of
from kibcase.client.filters import SortOrder
from kibcase.client.limits import DEFINITION, TEMPLATE_DESCRIPTION, TEMPLATE_NAME, check_text
from kibcase.models.case import Case
from kibcase.models.template import ApplicableField, ApplicableFields, FieldDefinition, FoundFieldDefinitions
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request, Transport

_ONE = TypeAdapter(FieldDefinition)
_FOUND = TypeAdapter(FoundFieldDefinitions)
_APPLICABLE = TypeAdapter(ApplicableFields)
_PATH = "/api/cases/field_definitions"

FieldSortField = Literal["name", "owner", "isGlobal", "displayOrder"]


class FieldsApi:
    """``kibana.fields``. Every method can raise the errors of ``Transport.send``, ``UnsupportedByStack`` too.

    Writing needs the privilege to manage templates. A definition is YAML text of at most 30,000 characters.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(
        self, *, owner: str, page: int = 1, per_page: int = 20, sort_field: FieldSortField = "name",
        sort_order: SortOrder = "asc", is_global: bool | None = None, search: str | None = None,
    ) -> FoundFieldDefinitions:
        """Find the field definitions of an owner, one page of at most 100 (GET /api/cases/field_definitions)."""
        check_page(page, per_page)
        query = [
            ("owner", owner), ("page", str(page)), ("perPage", str(per_page)), ("sortField", sort_field),
            ("sortOrder", sort_order),
        ]
        query += [] if is_global is None else [("isGlobal", str(is_global).lower())]
        query += [("search", search)] if search else []
        return decode(self._transport.send(Request(method="GET", path=_PATH, query=query)), _FOUND)

    def iter(
        self, *, owner: str, per_page: int = MAX_PER_PAGE, is_global: bool | None = None
    ) -> Iterator[FieldDefinition]:
        """Yield all field definitions of an owner by name, each once, as ``kibana.cases.iter`` does."""

        def fetch(page: int, size: int) -> Page[FieldDefinition]:
            found = self.find(owner=owner, page=page, per_page=size, is_global=is_global)
            return Page(items=found.field_definitions, total=found.total)

        return walk(fetch, key=lambda definition: definition.id, per_page=per_page)

    def get(self, definition_id: str) -> FieldDefinition:
        """Read a field definition (GET .../{id}); raises ``NotFoundError``."""
        return decode(self._transport.send(Request(method="GET", path=f"{_PATH}/{segment(definition_id)}")), _ONE)

    def create(
        self, *, owner: str, definition: str, name: str | None = None, description: str | None = None,
        is_global: bool | None = None,
    ) -> FieldDefinition:
        """Create a field definition (POST /api/cases/field_definitions).

        ``name`` may be left out: the definition has it. ``is_global``: all cases of the owner have the field.
        Raises ``ConflictError`` for a name that is taken, ``BadRequestError`` for a definition that is not valid
        or for more than 200 of them, ``LimitError``.
        """
        body = _body(owner, definition, name, description, is_global)
        return decode(self._transport.send(Request(method="POST", path=_PATH, json=body)), _ONE)

    def replace(
        self, definition_id: str, *, owner: str, definition: str, name: str | None = None,
        description: str | None = None, is_global: bool | None = None,
    ) -> FieldDefinition:
        """Replace a field definition as a whole (PUT .../{id}).

        Raises ``ConflictError`` if the name or the type of the field would change; they never can. Otherwise
        like ``create``.
        """
        body = _body(owner, definition, name, description, is_global)
        path = f"{_PATH}/{segment(definition_id)}"
        return decode(self._transport.send(Request(method="PUT", path=path, json=body)), _ONE)

    def delete(self, definition_id: str) -> None:
        """Delete a field definition (DELETE .../{id}); raises ``ConflictError`` while a template refers to it."""
        self._transport.send(Request(method="DELETE", path=f"{_PATH}/{segment(definition_id)}"))

    def applicable(self, *, owner: str, template_id: str | None = None) -> list[ApplicableField]:
        """Return the fields that a new case of the owner, made from a template or not, can have.

        GET /api/cases/fields; ``key`` is what goes into ``extended_fields``.
        """
        query = [("owner", owner), *([] if template_id is None else [("templateId", template_id)])]
        request = Request(method="GET", path="/api/cases/fields", query=query)
        return decode(self._transport.send(request), _APPLICABLE).fields_

    def of_case(self, case: Case | str) -> list[ApplicableField]:
        """Return the fields that a case can have (GET /api/cases/{id}/fields); raises ``NotFoundError``."""
        request = Request(method="GET", path=f"/api/cases/{segment(case_id_of(case))}/fields")
        return decode(self._transport.send(request), _APPLICABLE).fields_


def _body(
    owner: str, definition: str, name: str | None, description: str | None,
    is_global: bool | None,  # noqa: FBT001 - the methods take it by name
) -> dict[str, Any]:
    check_text("definition", definition, DEFINITION)
    if name is not None:
        check_text("name", name, TEMPLATE_NAME)
    if description:
        check_text("description", description, TEMPLATE_DESCRIPTION)
    optional = {"name": name, "description": description, "isGlobal": is_global}
    return {"owner": owner, "definition": definition, **{k: v for k, v in optional.items() if v is not None}}
