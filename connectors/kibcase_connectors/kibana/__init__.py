"""Kibana Cases as a side of sync, like any other system."""

from kibcase_connectors.kibana.config import CaseFilter, KibanaConfig
from kibcase_connectors.kibana.connector import KibanaConnector

__all__ = ["CaseFilter", "KibanaConfig", "KibanaConnector"]
