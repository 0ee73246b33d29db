"""Dagster assets, a module a stage. Each reads, calls the domain, writes, and reports."""
