"""Dagster resources: settings as fields, the work in the domain."""
