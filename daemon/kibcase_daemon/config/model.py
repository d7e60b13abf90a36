"""The configuration as frozen values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from kibcase_connectors.model import ASSIGNEE, COMMENTS, CREATE, FIELDS, FILES, FURTHER, SETS, Side
from kibcase_connectors.people import People, Person
from kibcase_connectors.settings import unquoted_off
from kibcase_daemon.sync.guards import Limits
from kibcase_daemon.sync.templates import TEMPLATED, Template, Templates
from kibcase_daemon.sync.types import FILE_LIMIT, Both, Direction, FieldRule, Policy, Rules

_DIRECTIONS: Final = {ASSIGNEE: Direction.OFF}
DEFAULT_STATE: Final = "kibcase.db"


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}", text):
        raise ValueError("must be 1 to 50 letters, digits, - and _, with a letter or digit first")
    return text


Name = Annotated[str, AfterValidator(_name)]
Way = Annotated[Literal["both", "to_ticket", "to_case", "off"], BeforeValidator(unquoted_off)]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One configured system: its kind, and the settings that its connector defines."""

    kind: str
    settings: BaseModel


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class FieldConfig(_Part):
    """How one field is synced; what is left out keeps its default."""

    direction: Annotated[Direction, BeforeValidator(unquoted_off)] = Field(
        Direction.BOTH, description="both, to_ticket, to_case, once or off; of the assignee off unless it is given."
    )
    policy: Policy = Field(
        Policy.NEWEST, description="Who wins when both sides changed the field: case, ticket, newest or manual."
    )
    removals: bool = Field(default=False, description="For tags and observables: whether a removal is carried over.")


class TemplateConfig(_Part):
    """What a side's titles and descriptions are wrapped in when they are written there."""

    title: str | None = Field(None, max_length=200, description="Around the title, such as: [SOC {label}] {title}")
    description: str | None = Field(
        None, max_length=4000, description="Around the description; {description}, {label} and {url} are known."
    )

    @field_validator("title", "description")
    @classmethod
    def _readable(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None:
            Template.parse(str(info.field_name), text)
        return text

    def templates(self) -> dict[str, Template]:
        """Give the templates that are set, by field."""
        texts = {name: getattr(self, name) for name in TEMPLATED}
        return {name: Template.parse(name, text) for name, text in texts.items() if text is not None}


class TemplatesConfig(_Part):
    """The templates of the two sides."""

    ticket: TemplateConfig = Field(default_factory=TemplateConfig, description="For what is written to tickets.")
    case: TemplateConfig = Field(default_factory=TemplateConfig, description="For what is written to cases.")


class PersonConfig(_Part):
    """One person, and the accounts in the configured systems."""

    name: str = Field(min_length=1, max_length=200, description="What others are told the person is called.")
    email: str = Field("", max_length=320, description="The e-mail address, by which systems know the person.")
    accounts: Mapping[str, str] = Field(
        default_factory=dict, description="The account in each system, by the system's name in this file."
    )

    @field_validator("email")
    @classmethod
    def _address(cls, text: str) -> str:
        if text and not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
            raise ValueError("must be an e-mail address")
        return text

    def person(self) -> Person:
        """Give it as connectors take it."""
        return Person(name=self.name, email=self.email, accounts=self.accounts)


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
    fields: Mapping[str, FieldConfig] = Field(default_factory=dict, description="Overrides, field by field.")
    comments: Way = Field("both", description="Which way comments go.")
    files: Way = Field("both", description="Which way files go.")
    max_file_size: int = Field(FILE_LIMIT, ge=1, description="The size of the largest file to copy, in bytes.")
    templates: TemplatesConfig = Field(
        default_factory=TemplatesConfig, description="What titles and descriptions are wrapped in."
    )

    @field_validator("fields")
    @classmethod
    def _fitting(cls, fields: Mapping[str, FieldConfig], info: ValidationInfo) -> Mapping[str, FieldConfig]:
        for name, field in fields.items():
            if name in SETS and "policy" in field.model_fields_set:
                raise ValueError(f"{name} takes no policy: additions on both sides are merged")
            if name not in SETS and "removals" in field.model_fields_set:
                raise ValueError(f"{name} takes no removals: that is for {', '.join(sorted(SETS))}")
        _check_titled(fields.get("title", FieldConfig()).direction, info.data)
        return fields

    def rules(self, custom: Iterable[str] = ()) -> Rules:
        """Give the rules of sync: every field, with its override or the defaults; ``custom`` names custom fields."""
        return Rules(
            fields={name: self._rule(name) for name in (*FIELDS, *FURTHER, *custom)},
            comments=Direction(self.comments), files=Direction(self.files), file_limit=self.max_file_size,
        )

    def _rule(self, name: str) -> FieldRule:
        given = self.fields.get(name, FieldConfig())
        direction = given.direction if "direction" in given.model_fields_set else _DIRECTIONS.get(name, given.direction)
        return FieldRule(direction=direction, policy=given.policy, removals=given.removals)

    def parts(self, custom: Iterable[str] = ()) -> frozenset[str]:
        """Give the fields that are carried at all, with ``comments`` and ``files``."""
        rules = self.rules(custom)
        carried = {name for name, rule in rules.fields.items() if rule.direction is not Direction.OFF}
        ways = {COMMENTS: rules.comments, FILES: rules.files}
        return frozenset(carried | {name for name, way in ways.items() if way is not Direction.OFF})

    def written(self, side: Side, custom: Iterable[str] = ()) -> frozenset[str]:
        """Give what may be written to a side, with ``create`` if copies are made there."""
        rules = self.rules(custom)
        creates = self.create_cases if side is Side.CASE else self.create_tickets
        ways = {name: rule.direction for name, rule in rules.fields.items()}
        ways |= {COMMENTS: rules.comments, FILES: rules.files}
        written = {name for name, way in ways.items() if way.carries(side) or (creates and way is Direction.ONCE)}
        return frozenset(written | ({CREATE} if creates else set()))

    def worn(self) -> Templates:
        """Give the templates per side that is written."""
        return Both(case=self.templates.case.templates(), ticket=self.templates.ticket.templates())


def _check_titled(direction: Direction, link: Mapping[str, Any]) -> None:
    """Refuse to make copies without a title: most systems take none, and nobody can work with one."""
    for side, what in ((Side.TICKET, "tickets"), (Side.CASE, "cases")):
        if link.get(f"create_{what}") and not (direction is Direction.ONCE or direction.carries(side)):
            raise ValueError(
                f"with title: {{direction: {direction}}} new {what} would have no title; give it a direction that "
                f"reaches {what}, such as once, or set create_{what}: false"
            )


class LimitsConfig(_Part):
    """What is taken for a mistake rather than carried out."""

    creations: int = Field(50, ge=1, description="How many copies a rule may make in one cycle.")
    loop_writes: int = Field(4, ge=2, description="How often the same value may be written within loop_seconds.")
    calls_per_hour: Mapping[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="How many calls may be made to a system in an hour, by its name; the rest waits.",
    )
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
    people: tuple[PersonConfig, ...] = Field((), description="Who is who in which system.")
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    schedule: ScheduleConfig = Field(default_factory=ScheduleConfig)
    log: LogConfig = Field(default_factory=LogConfig)
    _source: str = PrivateAttr("")

    def directory(self) -> People:
        """Give the table of people as connectors take it."""
        return People(person.person() for person in self.people)

    def custom_fields(self, link: LinkConfig) -> tuple[str, ...]:
        """Give the names of the custom fields that both systems of a rule have, sorted."""
        names = [set(getattr(self.systems[name].settings, "custom", {})) for name in (link.case, link.ticket)]
        return tuple(sorted(names[0] & names[1]))

    @property
    def source(self) -> str:
        """The file that the configuration was read from, for messages."""
        return self._source

    def model_post_init(self, context: Any, /) -> None:
        """Keep the context of the validation, which is the name of the file."""
        self._source = str(context or "")
