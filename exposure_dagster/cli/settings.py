"""`exposure settings`."""

from __future__ import annotations

import click
from rich.table import Table

from exposure_dagster.cli.terminal import OUT
from exposure_dagster.settings import PROVIDER_VARIABLES, Settings, load_settings, variable_of


@click.command()
def settings() -> None:
    """List every setting, its value and what it means."""
    current = load_settings()
    table = Table("variable", box=None, pad_edge=False)
    for column in ("value", "default", "meaning"):
        table.add_column(column, overflow="fold")
    for name, field in Settings.model_fields.items():
        if name == "provider_variables":
            continue
        value = getattr(current, name)
        shown = "(set)" if name in _KEPT_TO_ONESELF and value else _text(value)
        table.add_row(variable_of(name), shown, _text(field.default), field.description or "")
    for variable, meaning in PROVIDER_VARIABLES.items():
        table.add_row(variable, "(set)" if variable in current.provider_variables else "none", "none", meaning)
    OUT.print(table)
    OUT.print(f"\nScorer in force: {current.scorer_in_force.value}", markup=False)


_KEPT_TO_ONESELF = ("contact", "database_url")


def _text(value: object) -> str:
    return "none" if value is None else str(value)
