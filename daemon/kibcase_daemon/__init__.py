"""The daemon: keeps cases and tickets in step, as a service, from cron, or by hand."""
