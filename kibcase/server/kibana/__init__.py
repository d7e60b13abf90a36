"""Kibana's HTTP face: routes, and what every request passes before it reaches one."""
