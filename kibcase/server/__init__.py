"""The embedded Kibana-compatible Cases server (extra: ``server``)."""
