"""`exposure documents`: what would be read of a file of one's own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from textwrap import shorten

import click

from exposure_dagster.cli.terminal import say
from exposure_dagster.core.progress import counted
from exposure_dagster.corpora.own.checks import grouped
from exposure_dagster.corpora.own.files import OwnDocument, OwnFile, read_own_file
from exposure_dagster.corpora.own.mapping import mapping_file
from exposure_dagster.corpora.own.names import OWN_FILE_TYPES

_SHOWN_CHARACTERS = 160
_SHOWN_KINDS = 50


@click.group()
def documents() -> None:
    """Look what would be read of a file of your own documents.

    Such a file is a corpus: EXPOSURE_DOCUMENTS names it.
    """


@documents.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rows", "count", default=3, show_default=True, type=click.IntRange(0), help="How many rows to show.")
@click.pass_context
def check(context: click.Context, file: Path, count: int) -> None:
    """Say what would be read of FILE: its form, its columns, the first rows, and every mistake in it.

    Ends with status 1 where it cannot be used. Nothing is written.
    """
    if file.suffix.lower() not in OWN_FILE_TYPES:
        raise click.ClickException(f"{file} is of no known type; those are {', '.join(OWN_FILE_TYPES)}")
    found = read_own_file(file)
    _say_how(file, found)
    if found.problems:
        kinds = grouped(found.problems)
        mistakes = f"{counted(len(found.problems), 'mistake')} of {counted(len(kinds), 'kind')}"
        say(f"\n{mistakes}; nothing of the file is read:")
        for line in kinds[:_SHOWN_KINDS]:
            say(f"- {line}")
        if len(kinds) > _SHOWN_KINDS:
            say(f"- and {len(kinds) - _SHOWN_KINDS:,} more kinds")
        context.exit(1)
    for document in found.documents[:count]:
        say(f"\n{document.doc_id}: {document.title}")
        say(f"  text ({len(document.text):,} characters): {shorten(document.text, _SHOWN_CHARACTERS)}")
        for name, value in _facts(document):
            say(f"  {name}: {value}")


def _say_how(file: Path, found: OwnFile) -> None:
    if found.form:
        documents_there = "" if found.problems else f"; {counted(len(found.documents), 'document')}"
        say(f"{file}: {found.form}{documents_there}")
    mapping = mapping_file(file)
    say(f"mapping: {mapping}" if mapping.is_file() else f"mapping: none ({mapping.name} beside the file would be one)")
    for name, titles in found.columns.items():
        said = ", ".join(titles)
        say(f"  {name}" if said == name else f"  {name} ← {said}")
    for note in found.notes:
        say(f"note: {note}")


def _facts(document: OwnDocument) -> list[tuple[str, str]]:
    """What is known of a document besides its text."""
    facts = {name: value for name, value in asdict(document).items() if value is not None}
    return [(name, _shown(value)) for name, value in facts.items() if name not in ("doc_id", "title", "text")]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(value)
    return f"{value:,g}" if isinstance(value, float) and value < 1e6 else str(value)
