"""The configuration as frozen values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, InstanceOf, PrivateAttr, field_validator

from kibcase_connectors.model import FIELDS, SETS
from kibcase_daemon.sync.guards import Limits
from kibcase_daemon.sync.types import Direction, FieldRule, Policy, Rules

FieldName = Literal["title", "description", "status", "severity", "tags"]
DEFAULT_STATE: Final = "kibcase.db"


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", text):
        raise ValueError("must be 1 to 50 letters, digits, - and _, with a letter or digit first")
    return text


Name = Annotated[str, AfterValidator(_name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One configured system: its kind, and the settings that its connector defines."""

    kind: str
    settings: BaseModel


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class FieldConfig(_Part):
    """How one field is synced; what is left out keeps its default."""

    direction: Direction = Field(Direction.BOTH, description="both, to_ticket, to_case, once or off.")
    policy: Policy = Field(
        Policy.NEWEST, description="Who wins when both sides changed the field: case, ticket, newest or manual."
    )
    removals: bool = Field(default=False, description="For tags: whether a removal is carried over.")


class LinkConfig(_Part):
    """One link rule: which system's cases are kept in step with which system's tickets.

    ``cases`` and ``tickets`` are filters as the connectors define them: what may get a copy on the other side.
    """

    name: Name = Field(description="What the rule is called in messages, in the audit and in the state.")
    case: str = Field(description="The name of the system that holds the cases.")
    ticket: str = Field(description="The name of the system that holds the tickets.")
    create_tickets: bool = Field(default=True, description="Make tickets for the cases that the filter accepts.")
    create_cases: bool = Field(default=False, description="Make cases for the tickets that the filter accepts.")
    cases: InstanceOf[BaseModel] | None = Field(None, description="Which cases may get a ticket.")
    tickets: InstanceOf[BaseModel] | None = Field(None, description="Which tickets may get a case.")
    fields: Mapping[FieldName, FieldConfig] = Field(default_factory=dict, description="Overrides, field by field.")
    comments: Literal["both", "to_ticket", "to_case", "off"] = Field("both", description="Which way comments go.")

    @field_validator("fields")
    @classmethod
    def _fitting(cls, fields: Mapping[FieldName, FieldConfig]) -> Mapping[FieldName, FieldConfig]:
        for name, field in fields.items():
            if name in SETS and "policy" in field.model_fields_set:
                raise ValueError(f"{name} takes no policy: additions on both sides are merged")
            if name not in SETS and "removals" in field.model_fields_set:
                raise ValueError(f"{name} takes no removals: that is for {', '.join(sorted(SETS))}")
        return fields

    def rules(self) -> Rules:
        """Give the rules of sync: every field, with its override or the defaults."""
        given: Mapping[str, FieldConfig] = {str(name): field for name, field in self.fields.items()}
        chosen = {name: given.get(name, FieldConfig()) for name in FIELDS}
        return Rules(
            fields={
                name: FieldRule(direction=field.direction, policy=field.policy, removals=field.removals)
                for name, field in chosen.items()
            },
            comments=Direction(self.comments),
        )


class LimitsConfig(_Part):
    """What is taken for a mistake rather than carried out."""

    creations: int = Field(50, ge=1, description="How many copies a rule may make in one cycle.")
    loop_writes: int = Field(4, ge=2, description="How often the same value may be written within loop_seconds.")
    loop_seconds: float = Field(900.0, gt=0, description="The span for loop_writes, in seconds.")

    def limits(self) -> Limits:
        """Give them as the engine takes them."""
        return Limits(creations=self.creations, loop_writes=self.loop_writes, loop_seconds=self.loop_seconds)


class ScheduleConfig(_Part):
    """When ``kibcase serve`` works, in seconds."""

    every: float = Field(60.0, ge=1, description="Seconds from one cycle of a rule to the next.")
    reconcile: float = Field(86400.0, ge=1, description="Seconds from one full look at every link to the next.")


class LogConfig(_Part):
    """How ``kibcase serve`` logs, to standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(_Part):
    """The whole configuration; secrets in it are ``SecretStr`` and show in no repr."""

    version: Literal[1] = Field(description="The version of the file's format.")
    state: Path = Field(Path(DEFAULT_STATE), description="The state file, from the configuration's folder on.")
    systems: Mapping[Name, InstanceOf[System]] = Field(min_length=1)
    links: tuple[LinkConfig, ...] = Field(min_length=1)
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    schedule: ScheduleConfig = Field(default_factory=ScheduleConfig)
    log: LogConfig = Field(default_factory=LogConfig)
    _source: str = PrivateAttr("")

    @property
    def source(self) -> str:
        """The file that the configuration was read from, for messages."""
        return self._source

    def model_post_init(self, context: Any, /) -> None:
        """Keep the context of the validation, which is the name of the file."""
        self._source = str(context or "")
