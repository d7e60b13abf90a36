"""ServiceNow, incidents (ITSM) and security incidents (SecOps), as a side of sync."""

from kibcase_connectors.servicenow.config import ServiceNowConfig, ServiceNowFilter
from kibcase_connectors.servicenow.connector import ServiceNowConnector

__all__ = ["ServiceNowConfig", "ServiceNowConnector", "ServiceNowFilter"]
