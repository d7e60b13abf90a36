"""Case templates with versions (Kibana Cases API, /api/cases/templates). Since stack 9.5.

Templates in the configuration of an owner ("v1") are in ``kibana.configuration``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter

from kibcase.address import segment
from kibcase.client.answers import decode
from kibcase.client.filters import Many, SortOrder, owner_query
from kibcase.client.limits import (
    DEFINITION,
    TEMPLATE_DESCRIPTION,
    TEMPLATE_NAME,
    TEMPLATE_TAG,
    TEMPLATE_TAGS,
    check_count,
    check_text,
)
from kibcase.models.template import FoundTemplates, Template
from kibcase.paging import MAX_PER_PAGE, Page, check_page, walk
from kibcase.transport import Request, Transport

_ONE = TypeAdapter(Template)
_FOUND = TypeAdapter(FoundTemplates)
_DRY = [("dry_run", "true")]

TemplateSortField = Literal[
    "name", "templateVersion", "owner", "author", "usageCount", "fieldCount", "lastUsedAt", "isDefault"
]


class TemplatesApi:
    """``kibana.templates``. Every method can raise the errors of ``Transport.send``, ``UnsupportedByStack`` too.

    A definition is YAML text of at most 30,000 characters: default values of the case and ``fields``.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(
        self, *, page: int = 1, per_page: int = 20, sort_field: TemplateSortField = "name",
        sort_order: SortOrder = "asc", owner: Many | None = None, search: str | None = None,
        tags: Sequence[str] = (), author: Sequence[str] = (), enabled: bool | None = None,
    ) -> FoundTemplates:
        """Find templates, one page of at most 100 (GET /api/cases/templates); deleted ones are left out."""
        check_page(page, per_page)
        query = [("page", str(page)), ("perPage", str(per_page)), ("sortField", sort_field), ("sortOrder", sort_order)]
        query += owner_query(owner)
        query += [("search", search)] if search else []
        query += [("tags", each) for each in tags]
        query += [("author", each) for each in author]
        query += [] if enabled is None else [("isEnabled", str(enabled).lower())]
        request = Request(method="GET", path="/api/cases/templates", query=query)
        return decode(self._transport.send(request), _FOUND)

    def iter(
        self, *, per_page: int = MAX_PER_PAGE, owner: Many | None = None, search: str | None = None,
        enabled: bool | None = None,
    ) -> Iterator[Template]:
        """Yield every template by name, each once, as ``kibana.cases.iter`` does; the loop may delete them."""

        def fetch(page: int, size: int) -> Page[Template]:
            found = self.find(page=page, per_page=size, owner=owner, search=search, enabled=enabled)
            return Page(items=found.templates, total=found.total)

        return walk(fetch, key=lambda template: template.id, per_page=per_page)

    def get(self, template_id: str, *, version: int | None = None) -> Template:
        """Read a template, its newest version or an old one (GET .../{id}); raises ``NotFoundError``."""
        query = [] if version is None else [("version", str(version))]
        request = Request(method="GET", path=f"/api/cases/templates/{segment(template_id)}", query=query)
        return decode(self._transport.send(request), _ONE)

    def create(
        self, *, owner: str, definition: str, name: str | None = None, description: str | None = None,
        tags: Sequence[str] | None = None, enabled: bool | None = None,
    ) -> Template:
        """Create a template (POST /api/cases/templates).

        ``name`` (unique per owner, at most 50 characters) may be left out if the definition has one. Raises
        ``BadRequestError`` for a definition that is not valid or for more than 200 templates, ``ConflictError`` or
        ``BadRequestError`` for a name that is taken, ``LimitError``.
        """
        body = _body(owner, definition, name, description, tags, enabled)
        return decode(self._transport.send(Request(method="POST", path="/api/cases/templates", json=body)), _ONE)

    def replace(
        self, template_id: str, *, owner: str, definition: str, name: str | None = None,
        description: str | None = None, tags: Sequence[str] | None = None, enabled: bool | None = None,
    ) -> Template:
        """Replace a template as a whole and return its new version (PUT .../{id}). Raises like ``create``."""
        body = _body(owner, definition, name, description, tags, enabled)
        path = f"/api/cases/templates/{segment(template_id)}"
        return decode(self._transport.send(Request(method="PUT", path=path, json=body)), _ONE)

    def validate(
        self, *, owner: str, definition: str, name: str | None = None, description: str | None = None,
        tags: Sequence[str] | None = None, enabled: bool | None = None, template_id: str | None = None,
    ) -> None:
        """Let Kibana check what ``create``, or ``replace`` of ``template_id``, would write; writes nothing.

        Raises like them.
        """
        body = _body(owner, definition, name, description, tags, enabled)
        base = "/api/cases/templates"
        method, path = ("POST", base) if template_id is None else ("PUT", f"{base}/{segment(template_id)}")
        self._transport.send(Request(method=method, path=path, query=_DRY, json=body, idempotent=True))

    def delete(self, template_id: str) -> None:
        """Delete a template with all versions (DELETE .../{id}); cases made of it keep what they have."""
        self._transport.send(Request(method="DELETE", path=f"/api/cases/templates/{segment(template_id)}"))


def _body(
    owner: str, definition: str, name: str | None, description: str | None, tags: Sequence[str] | None,
    enabled: bool | None,  # noqa: FBT001 - the methods take it by name
) -> dict[str, Any]:
    check_text("definition", definition, DEFINITION)
    if name is not None:
        check_text("name", name, TEMPLATE_NAME)
    if description:
        check_text("description", description, TEMPLATE_DESCRIPTION)
    check_count("tags of a template", tags or (), TEMPLATE_TAGS)
    for tag in tags or ():
        check_text("tag of a template", tag, TEMPLATE_TAG)
    optional = {
        "name": name, "description": description, "tags": None if tags is None else list(tags), "isEnabled": enabled,
    }
    given = {key: value for key, value in optional.items() if value is not None}
    return {"owner": owner, "definition": definition, **given}
