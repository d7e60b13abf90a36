"""``kibcase check`` and ``kibcase plan``: look, and write nothing."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibcase_daemon.cli.output import config_option, console, json_option, link_json, read_config, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kibcase_connectors.api import Connector
    from kibcase_connectors.model import Finding, Side
    from kibcase_daemon.config import Config
    from kibcase_daemon.config.model import LinkConfig
    from kibcase_daemon.engine import Engine, Preview
    from kibcase_daemon.sync.types import Both
    from kibcase_daemon.wiring import Wiring


@click.command(short_help="Look at accounts, rights and mappings.")
@config_option
@json_option
def check(config_file: Path, *, as_json: bool) -> int:
    """Look at everything that can be wrong with the set-up: accounts, rights, projects, mappings.

    Exits with 0 if nothing is wrong, 1 with problems, 2 if credentials are refused.
    """
    config = read_config(config_file)
    answers = []
    codes = [0]
    with ExitStack() as ends:
        for title, connector, further in _connectors(config, ends):
            findings, code = _findings(connector)
            codes += [code, 1 if any(finding.level == "problem" for finding in further) else 0]
            answers.append((title, [*findings, *further]))
    if as_json:
        found = [{"system": title, "findings": [asdict(finding) for finding in found]} for title, found in answers]
        write_json({"ok": max(codes) == 0, "systems": found})
        return max(codes)
    from kibcase_daemon.render import findings_table

    out = console()
    for title, findings in answers:
        out.print(findings_table(title, findings))
    problems = sum(finding.level == "problem" for _, findings in answers for finding in findings)
    out.print("Nothing is wrong." if not problems else f"{problems} problem{'s' if problems > 1 else ''}.")
    return max(codes)


def _connectors(config: Config, ends: ExitStack) -> Iterator[tuple[str, Connector, list[Finding]]]:
    """Give a connector for every system with every filter that the rules put on it, and findings about the rules."""
    from kibcase_connectors.model import Side
    from kibcase_daemon.sync.types import Both
    from kibcase_daemon.wiring import connect, connector_for, unreadable_templates

    guarded = _guarding(config, ends)
    for link in config.links:
        both: Both[Connector] = Both(case=connector_for(config, link, Side.CASE), ticket=connector_for(
            config, link, Side.TICKET
        ))
        problems = unreadable_templates(link, Both(case=both.case.mapping, ticket=both.ticket.mapping))
        for side in Side:
            name = link.case if side is Side.CASE else link.ticket
            title = f"{name} ({config.systems[name].kind}), the {side} side of {link.name}"
            yield title, ends.enter_context(closing(guarded(name, both.of(side)))), [
                *(_template_finding(text) for of, text in problems if of is side),
                *_left_out(config, link, side),
                *_unmatched(link.written(side), both, side),
            ]
    used = {name for link in config.links for name in (link.case, link.ticket)}
    for name, system in config.systems.items():
        if name not in used:
            connector = guarded(name, connect(config, name))
            yield f"{name} ({system.kind}), used by no link", ends.enter_context(closing(connector)), []


def _template_finding(text: str) -> Finding:
    from kibcase_connectors.model import Finding

    return Finding(level="problem", subject="templates", text=text)


def _left_out(config: Config, link: LinkConfig, side: Side) -> Iterator[Finding]:
    """Give a note for each custom field that only the system of this side names."""
    from kibcase_connectors.model import Finding, Side

    name, other = (link.case, link.ticket) if side is Side.CASE else (link.ticket, link.case)
    own = getattr(config.systems[name].settings, "custom", {})
    able = hasattr(config.systems[other].settings, "custom")
    advice = f"name it under custom: of {other} as well" if able else f"{other} has no custom fields"
    for field in sorted(set(own) - set(config.custom_fields(link))):
        yield Finding(level="note", subject=field, text=f"takes no part: {advice}")


def _unmatched(written: frozenset[str], both: Both[Connector], side: Side) -> Iterator[Finding]:
    """Give a problem for each field with values of the other side that have no counterpart on this one."""
    from kibcase_connectors.model import SEVERITIES, SEVERITY, STATUS, STATUSES, Finding

    here, there = both.of(side), both.of(side.other)
    for field, values in ((STATUS, STATUSES), (SEVERITY, SEVERITIES)):
        if field not in written & here.capabilities.fields & there.capabilities.fields:
            continue
        lost = [value for value in values if _has(there, field, value) and not _has(here, field, value)]
        if lost:
            text = f"no counterpart of {', '.join(lost)} is configured; a {side.other} that is so would park its link"
            yield Finding(level="problem", subject=field, text=text)


def _has(connector: Connector, field: str, value: str) -> bool:
    from kibcase_connectors.mapping import UnmappedError

    try:
        connector.mapping.native(field, value)
    except UnmappedError:
        return False
    return True


def _guarding(config: Config, ends: ExitStack) -> Callable[[str, Connector], Connector]:
    """Give what puts a connector behind the guard that the state keeps: a check that goes well ends its wait."""
    from kibcase_connectors.guarded import GuardedConnector
    from kibcase_daemon.store.sqlite import SqliteStore
    from kibcase_daemon.wiring import guard_for, requests_of

    if not config.state.exists():
        return lambda _, connector: connector
    store = ends.enter_context(closing(SqliteStore(config.state)))
    guards = {name: guard_for(config, name, store) for name in config.systems}
    return lambda name, connector: GuardedConnector(connector, guards[name], sent=requests_of(connector))


def _findings(connector: Connector) -> tuple[list[Finding], int]:
    from kibcase_connectors.errors import ConnectorError, Denied
    from kibcase_connectors.model import Finding

    try:
        findings = connector.check()
    except ConnectorError as error:
        finding = Finding(level="problem", subject="connection", text=str(error))
        return [finding], 2 if isinstance(error, Denied) else 1
    problems = [finding for finding in findings if finding.level == "problem"]
    if any(finding.subject == "account" for finding in problems):
        return findings, 2
    return findings, 1 if problems else 0


@click.command(short_help="Show what sync would do; write nothing.")
@config_option
@click.option("--full", is_flag=True, help="Look at every link, not only at what has changed.")
@json_option
def plan(config_file: Path, *, full: bool, as_json: bool) -> int:
    """Show what `kibcase sync` would do and why, without writing anything anywhere."""
    from kibcase_daemon.wiring import previewing

    config = read_config(config_file)
    with previewing(config) as wiring:
        answers = [_preview(wiring, rule.name, engine, full) for rule, engine in zip(
            wiring.rules, wiring.engines, strict=True
        )]
    if as_json:
        write_json({"rules": [_plan_json(*answer[:3]) for answer in answers]})
    else:
        for answer in answers:
            _show(*answer[:3])
    return max(code for *_, code in answers)


def _preview(wiring: Wiring, rule: str, engine: Engine, full: bool) -> tuple[str, list[Preview], str, int]:  # noqa: FBT001
    from kibcase_connectors.errors import ConnectorError, Denied
    from kibcase_daemon.store.api import LinkState
    from kibcase_daemon.sync.guards import flood_suspected

    try:
        previews = engine.preview(full=full)
    except ConnectorError as error:
        return rule, [], str(error), 2 if isinstance(error, Denied) else 1
    new = sum(preview.link.state is LinkState.NEW for preview in previews)
    return rule, previews, flood_suspected(new, wiring.config.limits.limits()) or "", 0


def _plan_json(rule: str, previews: list[Preview], problem: str) -> dict[str, Any]:
    from kibcase_daemon.render import steps

    links = [
        {**link_json(preview.link), "note": preview.note, "steps": [asdict(step) for step in steps(preview)]}
        for preview in previews
    ]
    return {"rule": rule, "problem": problem, "links": links}


def _show(rule: str, previews: list[Preview], problem: str) -> None:
    from kibcase_daemon.render import plain, plan_table

    out = console()
    number = f"{len(previews)} link{'' if len(previews) == 1 else 's'} to work on"
    out.print(plain(f"{rule}: {number}" if previews or not problem else rule, "bold"))
    if previews:
        out.print(plan_table(previews))
    if problem:
        console(errors=True).print(plain(f"{rule}: {problem}", limit=2000), soft_wrap=True)
