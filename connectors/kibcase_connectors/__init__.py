"""Connectors: many ticketing systems, and Kibana Cases itself, behind one vocabulary.

The vocabulary is in ``model`` (what a side looks like), ``actions`` (what can be done to it), ``api``
(the ``Connector`` protocol with its obligations), ``mapping`` (each side's own values and their common
meaning) and ``errors`` (what the caller can do about a failure).
"""
