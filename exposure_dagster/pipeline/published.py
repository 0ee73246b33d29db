"""Publishing what is ranked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import duckdb
import pandas as pd

from exposure_dagster.core.checks import refuse_what_does_not_fit
from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.corpora.corpus import Corpus
from exposure_dagster.corpora.registry import CORPORA, JOINED_ON, corpora_of
from exposure_dagster.pipeline.history import latest_versions
from exposure_dagster.pipeline.published_tables import (
    INDEX_VALUES_SHOWN,
    Held,
    held_of,
    index_credits,
    published_from,
    published_tables,
    rows_about,
    whole_table,
)
from exposure_dagster.pipeline.ranking_inputs import ranked_as
from exposure_dagster.prompts.composites import Composite
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.publishing.content import (
    MOST_HELD,
    MOST_SHOWN,
    PUBLICATION_VERSION,
    Addresses,
    PublishedContent,
    PublishedPrompt,
    PublishedTable,
    WholeTable,
    harmless_frame,
)
from exposure_dagster.publishing.exports import write_exports
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.publishing.site import SITE_FOLDER, build_site
from exposure_dagster.publishing.site.composites import composite_rows
from exposure_dagster.publishing.site.document import site_document
from exposure_dagster.publishing.tables import COMPOSITES
from exposure_dagster.sources.sites import SiteKind
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DOCUMENT_FACTS, RANKINGS, TABLES

NOWHERE = Addresses()

FINGERPRINT = "fingerprint of what is ranked"
"""Metadata of the publication: what `ranked_fingerprint` gave when it was made."""

_READ = tuple(
    table
    for table in TABLES.values()
    if any(re.search(rf"\b{re.escape(table.full_name)}\b", source) for source in published_from(CORPORA.values()))
)


def read_content(
    warehouse: Warehouse,
    broken: Mapping[str, str] = MappingProxyType({}),
    addresses: Addresses = NOWHERE,
    composites: Sequence[Composite] = (),
    *,
    most_shown: int = MOST_SHOWN,
    most_held: int = MOST_HELD,
) -> PublishedContent:
    """Everything that is ranked, read at one moment, and the composites that can be made of it.

    `addresses` are what the site's pages name. `broken` says of prompts whose files cannot be used what is wrong; they
    are published as they stood. A prompt is published with the question that its standing answers answered and the
    definition that they were ranked by, which may be earlier versions than the file's. No text acts on a terminal (see
    `characters`). Of a corpus with more than `most_shown` documents the site shows so many, and a table of more than
    `most_held` rows stays on disk. Raises WarehouseError where nothing is ranked, and where a table does not hold to
    its key or lacks what is required.
    """
    with warehouse.snapshot() as now, now.connect(read_only=True) as connection:
        refuse_what_does_not_fit(connection, _READ)
        held = held_of(connection, most_shown, most_held)
        rankings = harmless_frame(
            connection.execute(
                "SELECT * FROM ranked.rankings WHERE NOT list_contains($long, prompt)"
                " ORDER BY prompt, rank, title, doc_id",
                {"long": sorted(held.long)},
            ).df()
        )
        summaries = harmless_frame(connection.execute("SELECT * FROM ranked.summaries").df())
        how = ranked_as(connection)
        versions = dict(
            connection.execute(
                "SELECT prompt_hash, any_value(definition) FROM scored.prompt_versions GROUP BY 1"
            ).fetchall()
        )
        long = {name: _long_rankings(connection, name, how[name].corpus, held) for name in sorted(held.long)}
        tables = tuple(replace(table, rows=harmless_frame(table.rows)) for table in published_tables(connection, held))
        enabled = {
            name for (name,) in connection.execute("SELECT prompt FROM scored.prompts WHERE is_enabled").fetchall()
        }
        corpora = corpora_of([JOINED_ON.name, *(one.corpus for one in how.values())])
        shown = {corpus.name: _shown(connection, corpus, held) for corpus in corpora}
        titles = {one.name: connection.execute(one.other_titles).df() for one in corpora if one.other_titles}
        changes = connection.execute(
            "SELECT * FROM ranked.changes WHERE NOT list_contains($long, prompt)"
            " OR doc_id IN (SELECT unnest($shown)) ORDER BY prompt, doc_id",
            {"long": sorted(held.long), "shown": [one for ids in held.shown.values() for one in ids]},
        ).df()
        history = [latest_versions(now, name) for name in rankings["prompt"].unique()]
        documents = dict(
            connection.execute(f"SELECT corpus, count(*) FROM {DOCUMENT_FACTS.full_name} GROUP BY corpus").fetchall()
        )
        credits = index_credits(connection)
        values = connection.execute(
            f"{INDEX_VALUES_SHOWN} AND list_contains($corpora, corpus) ORDER BY index, corpus, doc_id",
            {"corpora": list(shown)},
        ).df()
        is_sample = now.site_kind() == SiteKind.SAMPLE
    if rankings.empty and not long:
        raise WarehouseError(
            "nothing is ranked yet",
            where=warehouse.place,
            remedy="Score a prompt first: `exposure run`, or materialize scored and ranked for one partition.",
        )
    prompts = []
    held_rows = {str(name): rows.reset_index(drop=True) for name, rows in rankings.groupby("prompt", sort=True)}
    for name in sorted(held_rows.keys() | long.keys()):
        own = summaries[summaries["prompt"] == name].sort_values(["grouping", "group_order"], ignore_index=True)
        prompts.append(
            PublishedPrompt(
                name=name,
                asked=AskedPrompt.model_validate_json(
                    versions[long[name].prompt_hash if name in long else held_rows[name]["prompt_hash"].mode()[0]]
                ),
                definition=how[name].definition,
                rankings=long[name].rows if name in long else held_rows[name],
                summaries=own,
                out_of_date=broken.get(name),
                corpus=how[name].corpus,
                is_enabled=name in enabled,
                whole=long[name].whole if name in long else None,
                answered=long[name].answered if name in long else None,
            )
        )
    content = PublishedContent(
        tuple(prompts),
        is_sample=is_sample,
        tables=tables,
        shown={name: harmless_frame(rows) for name, rows in shown.items()},
        titles={name: harmless_frame(rows) for name, rows in titles.items()},
        changes=harmless_frame(changes),
        history=harmless_frame(pd.concat(history, ignore_index=True)) if history else pd.DataFrame(),
        index_credits=credits,
        index_values=harmless_frame(values),
        addresses=addresses,
        cut={corpus: documents.get(corpus, 0) for corpus in held.shown if corpus in shown},
    )
    return with_composites(content, composites)


@dataclass(frozen=True)
class _Long:
    """Rankings that are too long to be held: those of shown documents, all, who answered, and which version most of the
    answers are of."""

    rows: pd.DataFrame
    whole: WholeTable
    answered: pd.DataFrame
    prompt_hash: str


def _long_rankings(connection: duckdb.DuckDBPyConnection, prompt: str, corpus: str, held: Held) -> _Long:
    query = "FROM ranked.rankings WHERE prompt = $prompt ORDER BY rank, title, doc_id"
    whole = whole_table(connection, query, {"prompt": prompt}, RANKINGS)
    with duckdb.connect() as own:
        answered = own.execute(
            f"SELECT scorer, model, max(scored_at) AS scored_at FROM {whole.spool.source} GROUP BY ALL"
        ).df()
        ((version,),) = own.execute(
            f"SELECT prompt_hash FROM {whole.spool.source} WHERE prompt_hash IS NOT NULL"
            " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
        ).fetchall()
    return _Long(
        rows_about(whole, "doc_id", held.shown.get(corpus, ()), "rank, title, doc_id"), whole, answered, version
    )


def _shown(connection: duckdb.DuckDBPyConnection, corpus: Corpus, held: Held) -> pd.DataFrame:
    if corpus.name not in held.shown:
        return connection.execute(corpus.site.query).df()
    return connection.execute(
        f"SELECT * FROM ({corpus.site.query}) WHERE doc_id IN (SELECT unnest($shown))",
        {"shown": held.shown[corpus.name]},
    ).df()


def with_composites(content: PublishedContent, composites: Sequence[Composite]) -> PublishedContent:
    """The content with those of the composites that can be made of what it shows."""
    if not composites:
        return content
    rows, left_out = composite_rows(site_document(content), composites)
    made = tuple(one for one in composites if len(rows) and (rows["composite"] == one.name).any())
    table = (PublishedTable(COMPOSITES, COMPOSITES.name, rows),) if made else ()
    return replace(content, tables=(*content.tables, *table), composites=made, left_out=left_out)


def ranked_fingerprint(
    warehouse: Warehouse,
    broken: Mapping[str, str] = MappingProxyType({}),
    addresses: Addresses = NOWHERE,
    composites: Sequence[Composite] = (),
) -> str | None:
    """Changes whenever what is to be published does, or how, without reading it all; None where nothing is ranked.

    `broken` says of prompts whose files cannot be used what is wrong: they are published as they stood, and marked.
    """
    if not warehouse.exists:
        return None
    ranked = [name for (name,) in warehouse.rows("SELECT DISTINCT corpus FROM scored.prompts WHERE corpus IS NOT NULL")]
    sources = published_from(corpora_of([*CORPORA, *ranked]))
    parts = [f"SELECT count(*) AS n, bit_xor(hash(t)) AS h FROM {source} t" for source in sources]
    rows = warehouse.rows(" UNION ALL ".join(parts))
    if not rows[0][0]:
        return None
    presented = [addresses.site, addresses.code, *(one.model_dump() for one in composites)]
    return content_hash([PUBLICATION_VERSION, [list(row) for row in rows], sorted(broken.items()), presented])


def publish_content(content: PublishedContent, place: PublishedFolder | Path) -> Path:
    """Write the files and the site of `content` and make them current; returns their folder in the home."""

    def write(folder: Path) -> None:
        write_exports(content, folder)
        build_site(content, folder / SITE_FOLDER)

    published = PublishedFolder(place) if isinstance(place, Path) else place
    return published.publish(content.digest, write)
