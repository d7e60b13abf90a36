"""HTTP stand-ins of ticketing systems, for the sandbox, for examples and for tests."""
