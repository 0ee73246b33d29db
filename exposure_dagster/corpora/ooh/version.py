"""The version of what reads pages."""

PARSER_VERSION = "2"
"""Changes whenever the same page would give another record."""
