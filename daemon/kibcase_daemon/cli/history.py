"""``kibcase status``, ``kibcase retry`` and ``kibcase audit``: what the state tells."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibcase_daemon.cli.output import (
    config_option,
    console,
    entry_json,
    json_option,
    link_json,
    read_config,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kibcase_daemon.config import Config
    from kibcase_daemon.store.api import AuditEntry, Link, StateStore


@click.command(short_help="Show where every rule stands.")
@config_option
@json_option
def status(config_file: Path, *, as_json: bool) -> None:
    """Show where every rule stands: its last success, why its last cycle broke off, and the links in trouble."""
    from kibcase_daemon.wiring import copied_store

    config = read_config(config_file)
    with copied_store(config.state) as store:
        rules = [_standing(store, link.name) for link in config.links]
    if as_json:
        told = [{**rule, "troubled": [link_json(link) for link in rule["troubled"]]} for rule in rules]
        write_json({"state": str(config.state), "rules": told})
        return
    from kibcase_daemon.render import counts_line, links_table, moment, plain

    out = console()
    for rule in rules:
        success = "never synced" if rule["last_success"] is None else f"last success {moment(rule['last_success'])}"
        out.print(plain(f"{rule['rule']}: {success}; {counts_line(rule['links'])}", limit=400), soft_wrap=True)
        if failure := rule["failure"]:
            text = f"{rule['rule']}: the cycle of {moment(failure['at'])} broke off: {failure['said']}"
            out.print(plain(text, limit=2000), soft_wrap=True)
        if rule["troubled"]:
            out.print(links_table(rule["troubled"], time.time()))


def _standing(store: StateStore, rule: str) -> dict[str, Any]:
    from kibcase_daemon.service import last_at
    from kibcase_daemon.store.api import LinkState

    links = store.links(rule)
    counts = Counter(link.state for link in links)
    return {
        "rule": rule, "last_success": last_at(store, f"success/{rule}"), "last_full": last_at(store, f"full/{rule}"),
        "failure": store.noted(f"failure/{rule}") or None,
        "links": {state.value: counts[state] for state in LinkState},
        "troubled": [
            link for link in links if link.state in (LinkState.WAITING, LinkState.PARKED, LinkState.GONE)
        ],
    }


@click.command(short_help="Take up parked links at the next cycle.")
@config_option
@click.argument("links", nargs=-1, metavar="[LINK]...")
def retry(config_file: Path, links: tuple[str, ...]) -> None:
    """Let parked and waiting links be taken up at the next cycle.

    LINK is a link's id, or what its case or ticket is called; without any, all of them. It works while
    `kibcase serve` is running.
    """
    from kibcase_daemon.service import request_retry
    from kibcase_daemon.store.sqlite import SqliteStore

    config = read_config(config_file)
    if not config.state.exists():
        raise click.ClickException(f"there is no state yet in {config.state}; nothing is parked")
    with closing(SqliteStore(config.state)) as store:
        troubled = [link for rule in config.links for link in store.troubled(rule.name)]
        chosen = _chosen(troubled, links) if links else troubled
        for link in chosen:
            request_retry(store, link, time.time())
    click.echo(f"{len(chosen)} link{'' if len(chosen) == 1 else 's'} will be taken up at the next cycle")


def _chosen(links: list[Link], names: Iterable[str]) -> list[Link]:
    found: dict[str, Link] = {}
    for name in names:
        matching = _called(links, name)
        if not matching:
            raise click.ClickException(f"no parked or waiting link is called {name}; look at `kibcase status`")
        found |= {link.id: link for link in matching}
    return list(found.values())


@click.command(short_help="Link a case and a ticket that exist already.")
@config_option
@click.argument("rule")
@click.argument("case")
@click.argument("ticket")
def link(config_file: Path, rule: str, case: str, ticket: str) -> None:
    """Link a case and a ticket that exist already; the next cycle of the rule brings them into step.

    RULE is the name of a link rule. CASE and TICKET are what the systems know them by: a case's id, a ticket's id
    or key. Where both differ in a field, the field's policy decides.
    """
    from kibcase_daemon.linking import CannotLinkError, link_existing
    from kibcase_daemon.wiring import wired

    config = read_config(config_file)
    if rule not in (each.name for each in config.links):
        known = ", ".join(each.name for each in config.links)
        raise click.BadParameter(f"there is no link rule of this name; known: {known}", param_hint="RULE")
    with wired(config) as wiring:
        chosen = next(each for each in wiring.rules if each.name == rule)
        try:
            made = link_existing(chosen, wiring.store, case, ticket, clock=time.time)
        except CannotLinkError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{made.labels.case} and {made.labels.ticket} are linked; `kibcase sync` brings them into step")


def _called(links: Iterable[Link], name: str) -> list[Link]:
    wanted = name.casefold()
    return [
        link for link in links
        if link.id == name or wanted in (link.labels.case.casefold(), link.labels.ticket.casefold())
    ]


@click.command(short_help="Show what was written where and why.")
@config_option
@click.option("--link", "link_name", metavar="LINK", help="Only of this link: its id, or its case's or ticket's name.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many.")
@json_option
def audit(config_file: Path, link_name: str | None, limit: int, *, as_json: bool) -> None:
    """Show what was written where and why, newest first."""
    from kibcase_daemon.wiring import copied_store

    config = read_config(config_file)
    with copied_store(config.state) as store:
        entries = _entries(config, store, link_name, limit)
    if as_json:
        write_json({"entries": [entry_json(entry) for entry in entries]})
        return
    from kibcase_daemon.render import audit_table

    out = console()
    out.print(audit_table(entries) if entries else "Nothing has been written yet.")


def _entries(config: Config, store: StateStore, name: str | None, limit: int) -> list[AuditEntry]:
    if name is None:
        return store.audit(limit=limit)
    links = _called((link for rule in config.links for link in store.links(rule.name)), name)
    if not links:
        raise click.ClickException(f"no link is called {name}; look at `kibcase audit` or `kibcase status`")
    entries = [entry for link in links for entry in store.audit(limit=limit, link=link.id)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]
