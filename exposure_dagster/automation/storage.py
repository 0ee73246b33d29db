"""Dagster's own records in the PostgreSQL database that several machines share; a `dagster.yaml` names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import make_url


class SharedStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage at the address of EXPOSURE_DATABASE_URL, as that is written everywhere else."""

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Mapping[str, Any]) -> DagsterPostgresStorage:  # type: ignore[override]
        """Made by Dagster from its configuration: `postgres_url`."""
        return super().from_config_value(
            inst_data,
            {**config_value, "postgres_url": with_driver(config_value["postgres_url"])},  # type: ignore[typeddict-item]
        )


def with_driver(url: str) -> str:
    """The address as Dagster's storage needs it.

    It names the driver that `dagster-postgres` is written for, where SQLAlchemy 2.1 would take another, and the schema
    of Dagster's tables: for a user who is called as our own schema, PostgreSQL would look there first, and it has a
    table `runs` too.
    """
    address = make_url(f"postgresql+psycopg2://{url.partition('://')[2]}")
    options = " ".join([*address.normalized_query.get("options", ()), "-csearch_path=public"])
    return address.update_query_dict({"options": options}).render_as_string(hide_password=False)
