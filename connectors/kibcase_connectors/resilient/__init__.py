"""IBM QRadar SOAR (formerly Resilient) as a side of sync."""

from kibcase_connectors.resilient.config import ResilientConfig, ResilientFilter
from kibcase_connectors.resilient.connector import ResilientConnector

__all__ = ["ResilientConfig", "ResilientConnector", "ResilientFilter"]
