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
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from exposure_dagster import __version__
from exposure_dagster.core.tables import Column, Table
from exposure_dagster.publishing.brief import MOST_LISTED, brief
from exposure_dagster.publishing.content import (
    CAVEATS,
    METHOD,
    SAMPLE_NOTE,
    PublishedContent,
    PublishedPrompt,
    PublishedTable,
    WholeTable,
    listed_sources,
    source_lines,
)
from exposure_dagster.publishing.tables import PUBLISHED_TABLES, TABLES_OF_SOME
from exposure_dagster.publishing.workbook import MOST_ROWS, Sheet, write_workbook
from exposure_dagster.store.spool import quoted
from exposure_dagster.tables import RANKINGS, SUMMARIES, UNCERTAINTY

PROMPT_FILES = (
    *("ranking.csv", "ranking.parquet", "ranking.json", "ranking.xlsx"),
    *("summaries.csv", "summaries.parquet", "brief.md"),
)
TABLE_ENDINGS = (".csv", ".parquet", ".json")
COMMON_FILES = ("data_dictionary.md", "ATTRIBUTION.md", "manifest.json")

CSV_ENCODING = "utf-8-sig"
"""With the byte order mark by which Excel knows UTF-8."""

MOST_IN_JSON = 2_000
"""Rows of a table that is too long to be held in its JSON file, the first; its CSV and Parquet files have them all."""

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def write_exports(content: PublishedContent, folder: Path) -> None:
    """Write every exported file of a publication into `folder`."""
    with duckdb.connect() as database:  # one for all files: to make it takes longer than most of them
        _write_tables(database, content, folder)
    (folder / "data_dictionary.md").write_text(data_dictionary({one.stem for one in content.tables}), encoding="utf-8")
    (folder / "ATTRIBUTION.md").write_text(attribution(content), encoding="utf-8")
    (folder / "manifest.json").write_text(_manifest(content), encoding="utf-8")


def _write_tables(database: duckdb.DuckDBPyConnection, content: PublishedContent, folder: Path) -> None:
    for prompt in content.prompts:
        target = folder / prompt.name
        target.mkdir()
        rankings = _Rows(RANKINGS, prompt.rankings, prompt.whole)
        rankings.write(database, target / "ranking")
        sure = next((one for one in content.tables if one.table is UNCERTAINTY and one.prompt == prompt.name), None)
        uncertainty = None if sure is None else _Rows(UNCERTAINTY, sure.rows, sure.whole)
        write_workbook(
            [rows.sheet(database) for rows in (rankings, uncertainty) if rows is not None],
            target / "ranking.xlsx",
            about=_about(prompt, content),
        )
        _Rows(SUMMARIES, prompt.summaries).write(database, target / "summaries")
        (target / "ranking.json").write_text(_ranking_json(database, prompt, content), encoding="utf-8")
        text = brief(
            prompt,
            content.sources,
            uncertainty=None if sure is None else sure.rows,
            is_sample=content.is_sample,
            highest=None if prompt.whole is None else rankings.first(database, MOST_LISTED),
        )
        (target / "brief.md").write_text(text, encoding="utf-8")
    for table in content.tables:
        _write_published(database, table, content, folder)


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


def _write_published(
    database: duckdb.DuckDBPyConnection, published: PublishedTable, content: PublishedContent, folder: Path
) -> None:
    stem = folder / published.path
    rows = _Rows(published.table, published.rows, published.whole)
    rows.write(database, stem)
    by_name = {prompt.name: prompt for prompt in content.prompts}
    prompt = by_name.get(published.prompt or "")
    document = {
        **(_prompt_facts(prompt) if prompt is not None else {}),
        "sample": SAMPLE_NOTE if content.is_sample else None,
        "caveats": CAVEATS,
        "sources": listed_sources(content.sources),
        **rows.cut(published.stem),
        "rows": json.loads(rows.first(database, MOST_IN_JSON).to_json(orient="records", date_format="iso")),
    }
    Path(f"{stem}.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


@dataclass(frozen=True)
class _Rows:
    """The rows of a published table, held in `frame` or, where they are too many, on disk."""

    table: Table
    frame: pd.DataFrame
    whole: WholeTable | None = None

    def write(self, database: duckdb.DuckDBPyConnection, stem: Path) -> None:
        """Write them as CSV and as Parquet."""
        if self.whole is None:
            _write_table(database, self.frame, self.table, stem)
            return
        first, *others = self._columns(database)
        shown = ", ".join([_as_csv(first, f'"{_BYTE_ORDER_MARK}{first.name}"'), *map(_as_csv, others)])
        database.execute(
            f"COPY (SELECT {shown} FROM {self.whole.spool.source}) TO {quoted(f'{stem}.csv')} (FORMAT csv, HEADER)"
        )
        database.execute(
            f"COPY (FROM {self.whole.spool.source}) TO {quoted(f'{stem}.parquet')} (FORMAT parquet, COMPRESSION zstd)"
        )

    def first(self, database: duckdb.DuckDBPyConnection, most: int) -> pd.DataFrame:
        """The first of the rows, where they are not held; all, where they are."""
        if self.whole is None:
            return self.frame
        return database.execute(f"FROM {self.whole.spool.source} LIMIT {most}").df()

    def cut(self, stem: str) -> dict[str, object]:
        """What a file that does not have all rows says of the others."""
        if self.whole is None or self.whole.rows <= MOST_IN_JSON:
            return {}
        left_out = self.whole.rows - MOST_IN_JSON
        return {"rows_left_out": left_out, "all_rows": [f"{stem}.csv", f"{stem}.parquet"]}

    def sheet(self, database: duckdb.DuckDBPyConnection) -> Sheet:
        """The rows as a sheet of a workbook."""
        rows = _as_text(self.first(database, MOST_ROWS), self.table)
        return Sheet(self.table, rows, len(rows) if self.whole is None else self.whole.rows)

    def _columns(self, database: duckdb.DuckDBPyConnection) -> list[Column]:
        assert self.whole is not None
        found = database.execute(f"FROM {self.whole.spool.source} LIMIT 0").description or []
        there = {name for name, *_ in found}
        return [column for column in self.table.columns if column.name in there]


_BYTE_ORDER_MARK = "\ufeff"


def _as_csv(column: Column, header: str | None = None) -> str:
    """A column as the CSV files have it: as pandas writes it, and no text that a spreadsheet takes for a formula."""
    name = column.name
    header = header or name
    if column.type == "BOOLEAN":
        return f"CASE {name} WHEN true THEN 'True' WHEN false THEN 'False' END AS {header}"
    if column.type not in ("VARCHAR", "VARCHAR[]", "JSON"):
        return f"{name} AS {header}"
    text = f"array_to_string({name}, '; ')" if column.type == "VARCHAR[]" else f"({name}::VARCHAR)"
    signs = ", ".join(f"chr({ord(sign)})" for sign in _FORMULA_SIGNS)
    return f"CASE WHEN left({text}, 1) IN ({signs}) THEN chr(39) || {text} ELSE {text} END AS {header}"


def _write_table(database: duckdb.DuckDBPyConnection, frame: pd.DataFrame, table: Table, stem: Path) -> None:
    safe_for_spreadsheets(_as_text(frame, table)).to_csv(f"{stem}.csv", index=False, encoding=CSV_ENCODING)
    columns = ", ".join(
        f"{column.name}::{column.type} AS {column.name}" for column in table.columns if column.name in frame
    )
    database.register("rows_to_write", frame)
    database.execute(
        f"COPY (SELECT {columns} FROM rows_to_write) TO {quoted(f'{stem}.parquet')} (FORMAT parquet, COMPRESSION zstd)"
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


def _ranking_json(database: duckdb.DuckDBPyConnection, prompt: PublishedPrompt, content: PublishedContent) -> str:
    ranked = _Rows(RANKINGS, prompt.rankings, prompt.whole)
    head = {
        **_prompt_facts(prompt),
        "method": METHOD,
        "caveats": CAVEATS,
        "sample": SAMPLE_NOTE if content.is_sample else None,
        "sources": listed_sources(content.sources),
        **ranked.cut("ranking"),
    }
    rows = ranked.first(database, MOST_IN_JSON).drop(columns="prompt").to_json(orient="records", date_format="iso")
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
        "documents": prompt.documents,
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
