"""The exported files of each prompt, and what explains them.

In a publication: `<prompt>/ranking.csv`, `.parquet`, `.json`, `.xlsx`, `summaries.csv`, `.parquet`,
`brief.md`, `provenance`, `uncertainty`, where documents were answered several times `reliability`, where the prompt
declares one the result of its formula, `ai_resilience` or `task_rollups`, and of own documents that were matched
`role_occupations`; `occupations`, joined across
the systems, `handbook`, `titles`, `sections`, `prompts`, `prompt_versions`, `changes`, and where indices
are set `agreement` and `disagreements`; beside them
`data_dictionary.md`, `ATTRIBUTION.md` and `manifest.json`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import duckdb
import pandas as pd

from exposure_dagster import __version__
from exposure_dagster.core.tables import Table
from exposure_dagster.publishing.brief import brief
from exposure_dagster.publishing.content import (
    CAVEATS,
    METHOD,
    SAMPLE_NOTE,
    PublishedContent,
    PublishedPrompt,
    PublishedTable,
    listed_sources,
    source_lines,
)
from exposure_dagster.publishing.tables import PUBLISHED_TABLES, TABLES_OF_SOME
from exposure_dagster.publishing.workbook import write_workbook
from exposure_dagster.tables import RANKINGS, SUMMARIES, UNCERTAINTY

PROMPT_FILES = (
    *("ranking.csv", "ranking.parquet", "ranking.json", "ranking.xlsx"),
    *("summaries.csv", "summaries.parquet", "brief.md"),
)
TABLE_ENDINGS = (".csv", ".parquet", ".json")
COMMON_FILES = ("data_dictionary.md", "ATTRIBUTION.md", "manifest.json")

CSV_ENCODING = "utf-8-sig"
"""With the byte order mark by which Excel knows UTF-8."""

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def write_exports(content: PublishedContent, folder: Path) -> None:
    """Write every exported file of a publication into `folder`."""
    for prompt in content.prompts:
        target = folder / prompt.name
        target.mkdir()
        _write_table(prompt.rankings, RANKINGS, target / "ranking")
        ranked = _as_text(prompt.rankings, RANKINGS)
        write_workbook(ranked, RANKINGS, target / "ranking.xlsx", about=_about(prompt, content))
        _write_table(prompt.summaries, SUMMARIES, target / "summaries")
        (target / "ranking.json").write_text(_ranking_json(prompt, content), encoding="utf-8")
        uncertainty = next(
            (one.rows for one in content.tables if one.table is UNCERTAINTY and one.prompt == prompt.name), None
        )
        text = brief(prompt, content.sources, uncertainty=uncertainty, is_sample=content.is_sample)
        (target / "brief.md").write_text(text, encoding="utf-8")
    for table in content.tables:
        _write_published(table, content, folder)
    (folder / "data_dictionary.md").write_text(data_dictionary({one.stem for one in content.tables}), encoding="utf-8")
    (folder / "ATTRIBUTION.md").write_text(attribution(content), encoding="utf-8")
    (folder / "manifest.json").write_text(_manifest(content), encoding="utf-8")


def missing_files(content: PublishedContent, folder: Path) -> list[str]:
    """Names of the files that a publication should hold and `folder` does not, or holds empty."""
    names = [f"{prompt.name}/{name}" for prompt in content.prompts for name in PROMPT_FILES]
    names += [f"{table.path}{ending}" for table in content.tables for ending in TABLE_ENDINGS]
    return [
        name for name in [*names, *COMMON_FILES] if not (folder / name).is_file() or (folder / name).stat().st_size == 0
    ]


def safe_for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy in which no text cell can be taken for a formula: those that begin like one get an apostrophe."""
    safe = frame.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(
                lambda value: f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_SIGNS) else value
            )
    return safe


def data_dictionary(published: Collection[str] = ()) -> str:
    """What every exported column means, as Markdown. `published` are the stems of the tables that are written."""
    files = [*PUBLISHED_TABLES, *((stem, table) for stem, table in TABLES_OF_SOME if stem in published)]
    lines = ["# Data dictionary", "", f"Written by exposure_dagster {__version__}.", ""]
    for file, table in files:
        lines += [f"## {file}.csv, .parquet", "", f"{table.rows_are} {table.description}", ""]
        lines += _column_table(table)
    lines += [
        "In the CSV files a text that begins with `=`, `+`, `-` or `@` has an apostrophe before it, so that a "
        "spreadsheet does not take it for a formula. The Parquet, JSON and Excel files hold it as it is.",
        "",
        "The CSV files are in UTF-8 and begin with a byte order mark, by which Excel knows it. DuckDB, pandas and R "
        'pass over it; Python\'s own `csv` reads them with `encoding="utf-8-sig"`.',
        "",
    ]
    return "\n".join(lines)


def attribution(content: PublishedContent) -> str:
    """Sources and licences, as Markdown."""
    lines = ["# Sources", "", *source_lines(content.sources)]
    return "\n".join([*lines, "", *([SAMPLE_NOTE, ""] if content.is_sample else []), METHOD, "", CAVEATS, ""])


def _column_table(table: Table) -> list[str]:
    rows = [f"| `{c.name}` | {c.type} | {c.unit or ''} | {c.description} |" for c in table.columns]
    return ["| column | type | unit | meaning |", "|---|---|---|---|", *rows, ""]


def _write_published(published: PublishedTable, content: PublishedContent, folder: Path) -> None:
    stem = folder / published.path
    _write_table(published.rows, published.table, stem)
    by_name = {prompt.name: prompt for prompt in content.prompts}
    prompt = by_name.get(published.prompt or "")
    document = {
        **(_prompt_facts(prompt) if prompt is not None else {}),
        "sample": SAMPLE_NOTE if content.is_sample else None,
        "caveats": CAVEATS,
        "sources": listed_sources(content.sources),
        "rows": json.loads(published.rows.to_json(orient="records", date_format="iso")),
    }
    Path(f"{stem}.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def _write_table(frame: pd.DataFrame, table: Table, stem: Path) -> None:
    safe_for_spreadsheets(_as_text(frame, table)).to_csv(f"{stem}.csv", index=False, encoding=CSV_ENCODING)
    target = f"{stem}.parquet".replace("'", "''")
    columns = ", ".join(
        f"{column.name}::{column.type} AS {column.name}" for column in table.columns if column.name in frame
    )
    with duckdb.connect() as connection:
        connection.register("rows_to_write", frame)
        connection.execute(
            f"COPY (SELECT {columns} FROM rows_to_write) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )


def _as_text(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Lists as texts with semicolons, for files that know no lists."""
    lists = [column.name for column in table.columns if column.type == "VARCHAR[]" and column.name in frame]
    return frame.assign(**{name: frame[name].map("; ".join, na_action="ignore") for name in lists})


def _about(prompt: PublishedPrompt, content: PublishedContent) -> list[str]:
    """What a workbook that is handed on alone has to say of itself."""
    notes = [
        prompt.definition.title,
        prompt.definition.description,
        f"Answered by: {prompt.answered_by}" if prompt.answered_by else None,
        f"Prompt version: {prompt.asked.prompt_hash}",
        f"Out of date: {prompt.out_of_date}" if prompt.out_of_date else None,
        prompt.baseline_note,
        SAMPLE_NOTE if content.is_sample else None,
        METHOD,
        CAVEATS,
        "Sources:",
        *(" ".join(filter(None, (f"{title}.", url, licence))) for title, url, licence in content.sources),
    ]
    return [note for note in notes if note]


def _ranking_json(prompt: PublishedPrompt, content: PublishedContent) -> str:
    head = {
        **_prompt_facts(prompt),
        "method": METHOD,
        "caveats": CAVEATS,
        "sample": SAMPLE_NOTE if content.is_sample else None,
        "sources": listed_sources(content.sources),
    }
    rows = prompt.rankings.drop(columns="prompt").to_json(orient="records", date_format="iso")
    summaries = prompt.summaries.drop(columns="prompt").to_json(orient="records")
    document = {**head, "summaries": json.loads(summaries), "ranking": json.loads(rows)}
    return json.dumps(document, ensure_ascii=False, indent=1)


def _prompt_facts(prompt: PublishedPrompt) -> dict[str, object]:
    return {
        "prompt": prompt.name,
        "title": prompt.definition.title,
        "prompt_hash": prompt.asked.prompt_hash,
        "ranking_hash": prompt.definition.ranking_hash,
        "scorers": prompt.scorers,
        "models": prompt.models,
        "note": prompt.baseline_note,
        "out_of_date": prompt.out_of_date,
        "scored_at": prompt.scored_at.isoformat() if prompt.scored_at else None,
        "documents": len(prompt.rankings),
    }


def _manifest(content: PublishedContent) -> str:
    manifest = {
        "digest": content.digest,
        "version": __version__,
        "sample": SAMPLE_NOTE if content.is_sample else None,
        "prompts": [_prompt_facts(prompt) for prompt in content.prompts],
        **({"left_out": content.left_out} if content.left_out else {}),
        "sources": listed_sources(content.sources),
    }
    return json.dumps(manifest, ensure_ascii=False, indent=1)
