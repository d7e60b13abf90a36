"""Jira, Cloud and Data Center, as a side of sync."""

from kibcase_connectors.jira.config import JiraConfig, JiraFilter
from kibcase_connectors.jira.connector import JiraConnector

__all__ = ["JiraConfig", "JiraConnector", "JiraFilter"]
