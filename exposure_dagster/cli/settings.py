"""`exposure settings`."""

from __future__ import annotations

import click
from pydantic import SecretStr
from rich.table import Table

from exposure_dagster.cli.terminal import OUT
from exposure_dagster.settings import Settings, load_settings, variable_of


@click.command()
def settings() -> None:
    """List every setting, its value and what it means."""
    current = load_settings()
    table = Table("variable", box=None, pad_edge=False)
    for column in ("value", "default", "meaning"):
        table.add_column(column, overflow="fold")
    for name, field in Settings.model_fields.items():
        value = getattr(current, name)
        shown = "(set)" if isinstance(value, SecretStr) or (name == "contact" and value) else _text(value)
        table.add_row(variable_of(name), shown, _text(field.default), field.description or "")
    OUT.print(table)
    OUT.print(f"\nScorer in force: {current.scorer_in_force.value}", markup=False)


def _text(value: object) -> str:
    return "none" if value is None else str(value)
