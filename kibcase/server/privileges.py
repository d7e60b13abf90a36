"""What Kibana's feature privileges allow: pure values, no users, no requests.

The feature and privilege names are those of Kibana's role API (``PUT /api/security/role/{name}``) and of the
application privileges that Elasticsearch keeps for it (application ``kibana-.kibana``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Self

Json = dict[str, Any]

APPLICATION: Final = "kibana-.kibana"
EVERYWHERE: Final = "*"
OWNERS: Final = ("cases", "observability", "securitySolution")

_READ = frozenset(
    {"getCase", "getComment", "getTags", "getReporters", "getUserActions", "findConfigurations", "getFieldDefinitions"}
)
_WRITE = _READ | {"createCase", "updateCase", "updateComment", "pushCase"}
_SUB: Mapping[str, frozenset[str]] = {
    "cases_delete": frozenset({"deleteCase", "deleteComment"}),
    "cases_settings": frozenset({"createConfiguration", "updateConfiguration"}),
    "create_comment": frozenset({"createComment"}),
    "case_reopen": frozenset({"reopenCase"}),
    "cases_assign": frozenset({"assignCase"}),
    "cases_manage_templates": frozenset({"manageTemplate", "getFieldDefinitions"}),
}
EVERY_OPERATION: Final = _WRITE.union(*_SUB.values())

# What "minimal_all" of the older generations holds beyond the newest one's: later generations made these
# sub-privileges of their own.
_GENERATIONS: Mapping[str, frozenset[str]] = {
    "": _SUB["create_comment"] | _SUB["case_reopen"] | _SUB["cases_assign"],
    "V2": _SUB["cases_assign"] | _SUB["cases_manage_templates"],
    "V3": frozenset(),
}
_STEMS = {"generalCases": "cases", "observabilityCases": "observability", "securitySolutionCases": "securitySolution"}
_OWNER_OF = {stem + generation: owner for stem, owner in _STEMS.items() for generation in _GENERATIONS}
_ACTIONS: Mapping[str, frozenset[str]] = {
    "all": frozenset({"get", "execute", "create", "update", "delete"}),
    "read": frozenset({"get", "execute"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Kibana privileges in some spaces.

    ``privileges`` are ``all`` or ``read`` (of everything), ``{feature}.{privilege}``, or ``*`` (a superuser's);
    ``spaces`` are space ids, or ``*`` for every one.
    """

    privileges: frozenset[str]
    spaces: frozenset[str]

    def covers(self, space: str) -> bool:
        """Tell whether the grant is good in a space."""
        return EVERYWHERE in self.spaces or space in self.spaces


SUPERUSER: Final = (Grant(privileges=frozenset({"*"}), spaces=frozenset({EVERYWHERE})),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a caller may do in one space.

    ``owners`` are the solutions whose cases feature the space has, ``allowed`` Kibana's operations by owner,
    ``connectors`` the operations on connectors. ``enters`` tells whether the caller has any privilege in the space,
    ``administers`` whether they may do everything everywhere, ``manages_spaces`` whether they may create spaces.
    """

    owners: frozenset[str]
    allowed: Mapping[str, frozenset[str]]
    connectors: frozenset[str]
    enters: bool
    administers: bool
    manages_spaces: bool

    def within(self, other: Rights) -> Rights:
        """Give what both allow: an API key never has more than its owner had."""
        return Rights(
            owners=self.owners & other.owners,
            allowed=MappingProxyType({owner: self.allowed[owner] & other.allowed[owner] for owner in OWNERS}),
            connectors=self.connectors & other.connectors,
            enters=self.enters and other.enters,
            administers=self.administers and other.administers,
            manages_spaces=self.manages_spaces and other.manages_spaces,
        )

    @classmethod
    def unlimited(cls) -> Self:
        """Give the rights of a superuser in a space that hides nothing."""
        everything = MappingProxyType(dict.fromkeys(OWNERS, EVERY_OPERATION))
        return cls(
            owners=frozenset(OWNERS), allowed=everything, connectors=_ACTIONS["all"], enters=True, administers=True,
            manages_spaces=True,
        )


@lru_cache(maxsize=512)
def rights_in(grants: tuple[Grant, ...], space: str, disabled: frozenset[str] = frozenset()) -> Rights:
    """Work out what ``grants`` allow in a space whose ``disabledFeatures`` are ``disabled``."""
    held = frozenset[str]().union(*(grant.privileges for grant in grants if grant.covers(space)))
    everywhere = frozenset[str]().union(*(grant.privileges for grant in grants if EVERYWHERE in grant.spaces))
    hidden = {_OWNER_OF[feature] for feature in disabled if feature in _OWNER_OF}
    return Rights(
        owners=frozenset(OWNERS) - hidden,
        allowed=MappingProxyType({owner: _operations(held, owner) for owner in OWNERS}),
        connectors=_connectors(held),
        enters=bool(held),
        administers="*" in everywhere,
        manages_spaces=bool(everywhere & {"*", "all"}),
    )


def grants_of_role(sections: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """Read the ``kibana`` list of a role: ``{base: [...], feature: {name: [...]}, spaces: [...]}`` each.

    ``spaces`` left out means all. Features that have nothing to do with cases are kept as they are. Raises
    ``ValueError`` for an unknown key, a base privilege that is neither ``all`` nor ``read``, base and feature
    together, or a privilege that a cases feature does not have.
    """
    return tuple(_grant(section) for section in sections)


def grants_of_applications(applications: Iterable[Mapping[str, Any]]) -> tuple[Grant, ...]:
    """Read the ``applications`` of an Elasticsearch role; those of other applications grant nothing here."""
    return tuple(
        Grant(
            privileges=frozenset(_from_elasticsearch(name) for name in entry["privileges"]),
            spaces=frozenset(name.removeprefix("space:") for name in entry["resources"]),
        )
        for entry in applications
        if fnmatchcase(APPLICATION, entry["application"])
    )


def applications_of(grants: Iterable[Grant]) -> list[Json]:
    """Write grants as the ``applications`` of an Elasticsearch role."""
    return [
        {
            "application": APPLICATION,
            "privileges": sorted(_to_elasticsearch(name, grant) for name in grant.privileges),
            "resources": [name if name == EVERYWHERE else f"space:{name}" for name in sorted(grant.spaces)],
        }
        for grant in grants
    ]


def sections_of(grants: Iterable[Grant]) -> list[Json]:
    """Write grants as the ``kibana`` list of a role."""
    return [_section(grant) for grant in grants]


def _operations(held: frozenset[str], owner: str) -> frozenset[str]:
    if held & {"*", "all"}:
        return EVERY_OPERATION
    found = _READ if "read" in held else frozenset[str]()
    for name in held:
        feature, _, privilege = name.partition(".")
        if _OWNER_OF.get(feature) == owner:
            # Privileges that no feature has registered are legal in Elasticsearch, and allow nothing.
            found |= _cases_privileges(feature).get(privilege, frozenset())
    return found


def _connectors(held: frozenset[str]) -> frozenset[str]:
    if held & {"*", "all", "actions.all", "actions.minimal_all"}:
        return _ACTIONS["all"]
    return _ACTIONS["read"] if held & {"read", "actions.read", "actions.minimal_read"} else frozenset()


@lru_cache(maxsize=16)
def _cases_privileges(feature: str) -> Mapping[str, frozenset[str]]:
    generation = feature[-2:] if feature[-2:] in _GENERATIONS else ""
    minimal = _WRITE | _GENERATIONS[generation]
    levels = {"all": EVERY_OPERATION, "minimal_all": minimal, "read": _READ, "minimal_read": _READ}
    return levels | {name: value for name, value in _SUB.items() if not value <= _GENERATIONS[generation]}


def _grant(section: Mapping[str, Any]) -> Grant:
    unknown = section.keys() - {"base", "feature", "spaces"}
    if unknown:
        raise ValueError(f"a Kibana privilege has no key {min(unknown)!r}, only base, feature and spaces")
    base = _names(section.get("base", []), "base")
    features = section.get("feature", {})
    if not isinstance(features, Mapping):
        raise ValueError("the feature of a Kibana privilege must be a mapping of feature names to lists")
    if base and features:
        raise ValueError("a Kibana privilege has either base or feature, not both")
    wrong = [name for name in base if name not in ("all", "read")]
    if wrong:
        raise ValueError(f"base privileges are 'all' and 'read', not {wrong[0]!r}")
    named = [(feature, name) for feature, given in features.items() for name in _names(given, feature)]
    for feature, name in named:
        check_privilege(feature, name)
    spaces = _names(section.get("spaces", [EVERYWHERE]), "spaces")
    return Grant(privileges=frozenset([*base, *(f"{f}.{n}" for f, n in named)]), spaces=frozenset(spaces))


def check_privilege(feature: str, privilege: str) -> None:
    """Raise ``ValueError`` if ``feature`` is a cases feature that has no such ``privilege``."""
    if feature in _OWNER_OF and privilege not in _cases_privileges(feature):
        known = ", ".join(sorted(_cases_privileges(feature)))
        raise ValueError(f"Feature [{feature}] does not support privilege [{privilege}]; it has {known}")


def _names(value: Any, what: str) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"{what} of a Kibana privilege must be a list of names")
    return list(value)


def _from_elasticsearch(name: str) -> str:
    return name.removeprefix("space_") if name in ("space_all", "space_read") else name.removeprefix("feature_")


def _to_elasticsearch(name: str, grant: Grant) -> str:
    if name in ("all", "read"):
        return name if EVERYWHERE in grant.spaces else f"space_{name}"
    return f"feature_{name}" if "." in name else name


def _section(grant: Grant) -> Json:
    features: dict[str, list[str]] = {}
    for name in sorted(grant.privileges):
        feature, dot, privilege = name.partition(".")
        if dot:
            features.setdefault(feature, []).append(privilege)
    base = sorted(name for name in grant.privileges if name in ("all", "read", "*"))
    return {"base": base, "feature": features, "spaces": sorted(grant.spaces)}
