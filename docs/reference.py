"""The reference pages of the documentation, from the code: settings, commands, tables, API.

`conf.py` has them written into `docs/reference/` whenever the documentation is built; they are in no commit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from exposure_dagster.api import Publications, create_app
from exposure_dagster.cli.main import main
from exposure_dagster.settings import PROVIDER_VARIABLES, Settings, project_root, variable_of
from exposure_dagster.tables import TABLES

COLUMNS = 100


def write(folder: Path) -> None:
    """Write every page; one that says what it said before keeps its time, by which the build passes it over."""
    folder.mkdir(exist_ok=True)
    for name, made in {"settings": settings, "commands": commands, "tables": tables, "api": api}.items():
        path, text = folder / f"{name}.md", "\n".join(made()) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def settings() -> Iterator[str]:
    yield "# Settings\n"
    yield (
        "Environment variables, or lines of a file `.env` in the project's folder, which the environment goes before. "
        "A variable that begins with `EXPOSURE_` and is none of these is an error that names the nearest. Relative "
        "paths are relative to the project. `exposure settings` prints this list with the values in force.\n"
    )
    yield from _table(
        ("variable", "default", "meaning"),
        (
            (f"`{variable_of(name)}`", _default(field.default), field.description or "")
            for name, field in Settings.model_fields.items()
            if name != "provider_variables"
        ),
    )
    yield "\n## Keys and addresses of who answers\n"
    yield from _table(("variable", "meaning"), ((f"`{name}`", text) for name, text in PROVIDER_VARIABLES.items()))


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Path) and value.is_absolute():
        value = value.relative_to(project_root())
    return f"`{value}`"


def commands() -> Iterator[str]:
    yield "# Commands\n"
    yield "What `--help` says of each. `exposure` lies in `.venv/bin` of the checkout, or where a wheel was put.\n"
    for path, context in _contexts(main, "exposure", None):
        yield f"## {path}\n\n```text\n{context.command.get_help(context)}\n```\n"


def _contexts(command: click.Command, path: str, parent: click.Context | None) -> Iterator[tuple[str, click.Context]]:
    context = click.Context(
        command,
        info_name=path.rpartition(" ")[2],
        parent=parent,
        terminal_width=COLUMNS,
        help_option_names=["-h", "--help"],
    )
    yield path, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _contexts(below, f"{path} {name}", context)


def tables() -> Iterator[str]:
    yield "# Tables\n"
    yield (
        "`exposure.duckdb` in the home holds them; any program that reads DuckDB opens it while no run is under way. "
        "Where several machines share their data the same tables lie in DuckLake. A column without “may be null” never "
        "is.\n"
    )
    for schema in dict.fromkeys(table.schema for table in TABLES.values()):
        yield f"## Schema {schema}\n"
        for table in (one for one in TABLES.values() if one.schema == schema):
            yield f"### {table.full_name}\n\n{_plain(table.description)} {table.rows_are}"
            yield f"Key: {', '.join(f'`{name}`' for name in table.key) or 'none'}.\n"
            yield from _table(
                ("column", "type", "unit", "meaning"),
                (
                    (
                        f"`{column.name}`",
                        column.type + (", may be null" if column.is_nullable else ""),
                        column.unit or "",
                        column.description,
                    )
                    for column in table.columns
                ),
            )
            yield ""


def api() -> Iterator[str]:
    with TemporaryDirectory() as nothing:
        schema = create_app(Publications(Path(nothing))).openapi()
    yield "# API\n"
    yield (
        "What `exposure serve` answers ([how it is served](../output.md#the-api)); a running server has the same at "
        "`/docs`, and for programs at `/openapi.json`.\n"
    )
    models = schema["components"]["schemas"]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            yield f"## {method.upper()} {path}\n\n{_plain(operation['summary'])}.\n"
            if parameters := operation.get("parameters"):
                yield from _table(
                    ("parameter", "where", "kind", "meaning"),
                    (
                        (f"`{one['name']}`", one["in"], _kind(one["schema"]), one.get("description", ""))
                        for one in parameters
                    ),
                )
            answer = _named(operation["responses"]["200"])
            if answer:
                yield f"\nAnswer: [{answer}](#{answer.lower()}).\n"
    yield "## What answers hold\n"
    for name, model in models.items():
        if "properties" in model:
            yield f"### {_name(name)}\n"
            yield from _table(
                ("field", "kind", "meaning"),
                ((f"`{field}`", _kind(one), one.get("description", "")) for field, one in model["properties"].items()),
            )
            yield ""


def _named(response: Mapping[str, Any]) -> str | None:
    (media,) = response["content"].values()
    reference = media["schema"].get("$ref")
    return None if reference is None else _name(reference)


def _name(reference: str) -> str:
    """The name of a model; of one whose name another module has too, with the module."""
    return reference.rpartition("/")[2].removeprefix("exposure_dagster__").replace("__", ".")


def _kind(schema: Mapping[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return _name(schema["$ref"])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "any"))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(_plain(cell) for cell in row)} |"


def _plain(text: str) -> str:
    """On one line, with nothing that Markdown would take for HTML or for the end of a cell."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
