"""What all models of the Kibana API have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class ApiModel(BaseModel):
    """An object of the Kibana API: immutable, and tolerant of fields it does not know.

    Fields that a newer Kibana adds are kept in ``model_extra`` and written out again by ``to_api``.
    Attributes are in snake_case; where Kibana spells a field otherwise, both spellings construct it.
    """

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    def to_api(self) -> dict[str, Any]:
        """Return the object as Kibana spells it: JSON values of the fields given, unknown ones too."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
