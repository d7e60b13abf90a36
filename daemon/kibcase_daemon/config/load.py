"""From a file to a ``Config``: every step reports, and all mistakes are told together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from kibcase_connectors.kinds import BadKindError, ConnectorKind, kinds
from kibcase_connectors.model import FIELDS, FURTHER
from kibcase_daemon.config.document import Document, parse
from kibcase_daemon.config.model import DEFAULT_STATE, Config, System
from kibcase_daemon.config.problem import Path, Problem, described, line_of, problems_of, unknown
from kibcase_daemon.config.references import References
from kibcase_daemon.errors import ConfigError

SIZE_LIMIT: Final = 256 * 1024
"""The largest configuration that is read, in bytes."""


def load_config(path: FilePath, *, env: Mapping[str, str]) -> Config:
    """Read and check a configuration file; ``env`` is where ``{env: NAME}`` looks.

    Raises ``ConfigError`` with every mistake found, and ``MissingExtraError`` if a system's connector is
    not installed.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ConfigError(str(path), (f"the file: {error.strerror or error}",)) from error
    if len(content) > SIZE_LIMIT:
        raise ConfigError(str(path), (f"the file: larger than {SIZE_LIMIT} bytes",))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(str(path), (f"the file (line {line}): is no UTF-8 text",)) from None
    config = parse_config(text, folder=path.absolute().parent, source=str(path), env=env)
    if not config.state.parent.is_dir():
        reason = f"state: {config.state} is in a folder that does not exist; make the folder first"
        raise ConfigError(str(path), (reason,))
    return config


def parse_config(text: str, *, folder: FilePath, source: str, env: Mapping[str, str]) -> Config:
    """Check the text of a configuration; ``folder`` is where relative paths in it begin.

    Reads only files that ``{file: ...}`` names. Raises as ``load_config`` does.
    """
    document = parse(text)
    reading = _Reading(document, folder)
    if not document.problems and not isinstance(document.value, dict):
        reading.problem((), "must hold keys and values, such as version, systems and links")
    references = References(env=env, folder=folder)
    config = None
    if isinstance(document.value, dict):
        tree = references.resolve(document.value)
        reading.unreadable = {problem.path for problem in (*document.problems, *references.problems)}
        config = reading.config(tree, source)
    problems = [*document.problems, *references.problems, *reading.problems]
    if config is None or problems:
        problems.sort(key=lambda problem: line_of(problem.path, document.lines))
        raise ConfigError(source, tuple(dict.fromkeys(described(problem, document.lines) for problem in problems)))
    return config


class _Unusable(BaseModel):
    pass


# Stands for a system whose mistakes are told already, so that the rest can be checked as well.
_REPORTED: Final = System(kind="", settings=_Unusable())


class _Reading:
    """One file being checked; gathers ``problems``."""

    def __init__(self, document: Document, folder: FilePath) -> None:
        self._lines = document.lines
        self._folder = folder
        self._kinds: dict[str, ConnectorKind | None] = {}
        self._known_kinds = kinds()
        self.problems: list[Problem] = []
        self.unreadable: set[Path] = set()

    def problem(self, path: Path, text: str) -> None:
        # One mistake, one line: a value that could not be read cannot be judged.
        if path not in self.unreadable:
            self.problems.append(Problem(path=path, text=text))

    def config(self, tree: dict[str, Any], source: str) -> Config | None:
        if isinstance(state := tree.get("state", DEFAULT_STATE), str):
            tree["state"] = self._folder / state
        if isinstance(tree.get("systems"), dict):
            tree["systems"] = self._systems(tree["systems"])
        for number, link in enumerate(_listed(tree.get("links"))):
            self._filters(link, ("links", number))
        systems = tree.get("systems")
        self._between(_listed(tree.get("links")), systems if isinstance(systems, dict) else {})
        self._people(_listed(tree.get("people")))
        limits = tree.get("limits")
        calls = limits.get("calls_per_hour") if isinstance(limits, dict) else None
        self._systems_named(calls, ("limits", "calls_per_hour"))
        try:
            return Config.model_validate(tree, context=source)
        except ValidationError as error:
            for found in problems_of(error, Config, (), self._lines):
                self.problem(found.path, found.text)
            return None

    def _systems(self, systems: dict[str, Any]) -> dict[str, System]:
        self._kinds = dict.fromkeys(systems)
        return {name: self._system(settings, ("systems", name)) or _REPORTED for name, settings in systems.items()}

    def _system(self, settings: Any, path: Path) -> System | None:
        if not isinstance(settings, dict):
            self.problem(path, "must hold the settings of a system, such as type and url")
            return None
        kind = settings.get("type")
        if not isinstance(kind, str) or kind not in self._known_kinds:
            text = unknown(str(kind), self._known_kinds, "type") if "type" in settings else "is missing"
            self.problem((*path, "type"), text)
            return None
        try:
            self._kinds[str(path[-1])] = found = self._known_kinds[kind]()
        except BadKindError as error:
            self.problem((*path, "type"), str(error))
            return None
        self._certificate(settings, path)
        valid = self._validated(found.settings, settings, path)
        return None if valid is None else System(kind=kind, settings=valid)

    def _certificate(self, settings: dict[str, Any], path: Path) -> None:
        verify = settings.get("verify")
        if not isinstance(verify, str):
            return
        if verify.casefold() in ("true", "false"):
            settings["verify"] = verify.casefold() == "true"
            return
        settings["verify"] = self._folder / verify
        if not settings["verify"].is_file():
            self.problem((*path, "verify"), "there is no such file of certificates")

    def _filters(self, link: Any, path: Path) -> None:
        for side, name in (("case", "cases"), ("ticket", "tickets")):
            given = link.get(name) if isinstance(link, dict) else None
            if given is None:
                continue
            kind = self._kinds.get(str(link.get(side)))
            if not isinstance(given, dict):
                self.problem((*path, name), "must hold conditions, such as tags or labels")
            link[name] = (
                self._validated(kind.filter, given, (*path, name)) if kind and isinstance(given, dict) else None
            )

    def _validated(self, model: type[BaseModel], value: dict[str, Any], path: Path) -> BaseModel | None:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for found in problems_of(error, model, path, self._lines):
                self.problem(found.path, found.text)
            return None

    def _between(self, links: list[Any], systems: dict[str, Any]) -> None:
        names: dict[str, int] = {}
        pairs: dict[frozenset[str], int] = {}
        for number, link in enumerate(links):
            if not isinstance(link, dict):
                continue
            self._known(link, ("links", number))
            self._carried(link, ("links", number), systems)
            name, case, ticket = (link.get(key) for key in ("name", "case", "ticket"))
            if isinstance(name, str) and names.setdefault(name, number) != number:
                self.problem(("links", number, "name"), f"links[{names[name]}] has this name already")
            if not (isinstance(case, str) and isinstance(ticket, str)):
                continue
            if case == ticket:
                self.problem(("links", number, "ticket"), "is the same system as case; a link needs two")
            elif pairs.setdefault(frozenset((case, ticket)), number) != number:
                first = pairs[frozenset((case, ticket))]
                self.problem(("links", number), f"links[{first}] syncs the same two systems; make one rule of both")

    def _carried(self, link: dict[str, Any], path: Path, systems: dict[str, Any]) -> None:
        given = link.get("fields")
        if not isinstance(given, dict):
            return
        sides = [systems.get(str(link.get(side))) for side in ("case", "ticket")]
        custom = [_custom(side) for side in sides if isinstance(side, System) and side is not _REPORTED]
        known = [*FIELDS, *FURTHER, *(set.intersection(*custom) if custom else ())]
        for name in given:
            if name in known or len(custom) < len(sides):
                continue
            text = unknown(str(name), known, "field")
            if any(name in names for names in custom):
                text = "only one of the two systems has this custom field; name it under custom: of the other as well"
            self.problem((*path, "fields", name), text)

    def _people(self, people: list[Any]) -> None:
        seen: dict[str, int] = {}
        for number, person in enumerate(people):
            if not isinstance(person, dict):
                continue
            key = str(person.get("email") or person.get("name")).casefold()
            if seen.setdefault(key, number) != number:
                self.problem(("people", number), f"people[{seen[key]}] is the same person; make one entry of both")
            self._systems_named(person.get("accounts"), ("people", number, "accounts"))

    def _systems_named(self, given: Any, path: Path) -> None:
        for name in given if isinstance(given, dict) else ():
            if name not in self._kinds:
                self.problem((*path, name), unknown(str(name), self._kinds, "system"))

    def _known(self, link: dict[str, Any], path: Path) -> None:
        for side in ("case", "ticket"):
            name = link.get(side)
            if isinstance(name, str) and name not in self._kinds:
                self.problem((*path, side), unknown(name, self._kinds, "system"))


def _custom(system: System) -> set[str]:
    return set(getattr(system.settings, "custom", {}))


def _listed(links: Any) -> list[Any]:
    return links if isinstance(links, list) else []
