"""Accounts and projects of an instance while it runs: who may do what."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from kibcase_connectors.standins.jira.catalog import Catalog, JiraUser
from kibcase_connectors.standins.jira.problem import JiraProblem


class Accounts:
    """The part of an instance's state that is its ``catalog``; changes take effect at once, from any thread."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.lock = threading.RLock()

    def user(self, username: str) -> JiraUser:
        """Give a user; raises ``KeyError``."""
        return self.catalog.users[username]

    def grant(self, username: str, *permissions: str, project: str | None = None) -> None:
        """Give a user permissions; with ``project`` (key) end what ``deny`` began there."""
        if project:
            self._deny_in(username, project, self._denied_in(username, project) - set(permissions))
        else:
            self.change_user(username, permissions=self.user(username).permissions | set(permissions))

    def deny(self, username: str, *permissions: str, project: str | None = None) -> None:
        """Take permissions from a user, in one project (key) or everywhere."""
        if project:
            self._deny_in(username, project, self._denied_in(username, project) | set(permissions))
        else:
            self.change_user(username, permissions=self.user(username).permissions - set(permissions))

    def _denied_in(self, username: str, project: str) -> frozenset[str]:
        return self.catalog.denied.get((username, project), frozenset())

    def _deny_in(self, username: str, project: str, permissions: frozenset[str]) -> None:
        with self.lock:
            denied = {**self.catalog.denied, (username, project): permissions}
            self.catalog = replace(self.catalog, denied=denied)

    def change_user(self, username: str, **changes: Any) -> None:
        """Change an account: ``active=False``, ``email_hidden=False``, ``time_zone=...``; see ``JiraUser``."""
        with self.lock:
            user = replace(self.user(username), **changes)
            self.catalog = replace(self.catalog, users={**self.catalog.users, username: user})

    def change_project(self, key: str, **changes: Any) -> None:
        """Change the rules of a project: ``required``, ``hidden``, ``workflow``, ``kind``...; see ``Project``."""
        with self.lock:
            project = replace(self.catalog.projects[key], **changes)
            self.catalog = replace(self.catalog, projects={**self.catalog.projects, key: project})

    def need(
        self, actor: str, permission: str, complaint: str, *, project: str | None = None, status: int = 403
    ) -> None:
        """Refuse with 403 (or ``status``) unless the user has the permission, in a project if one is given."""
        if permission not in self.catalog.held(actor, project):
            raise JiraProblem(status, complaint)
