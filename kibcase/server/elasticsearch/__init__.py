"""Elasticsearch's face of the embedded server: indices, aliases, documents and searches, and the alerts in them."""
