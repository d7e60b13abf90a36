"""The sync core: pure functions over values.

Nothing here reads a clock, opens a connection or a file, or logs; import-linter holds it to that.
"""
