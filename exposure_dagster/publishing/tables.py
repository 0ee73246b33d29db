"""The tables of a publication that are not tables of the warehouse: what a reader needs to make sense of the rankings.

They are chosen columns of the registry's tables, so that each column is explained once. `pipeline.published_tables`
fills them.
"""

from __future__ import annotations

from dataclasses import replace

from exposure_dagster.core.tables import Column, Table
from exposure_dagster.corpora.registry import CORPORA, JOINED_ON
from exposure_dagster.tables import (
    AGREEMENT,
    CHANGES,
    DEFINITIONS,
    DISAGREEMENTS,
    DOCUMENT_FACTS,
    MATCHES,
    OCCUPATIONS,
    PROMPT_VERSIONS,
    PROMPTS,
    RANKINGS,
    RELIABILITY,
    RESILIENCE,
    RESPONSES,
    SCORES,
    SUMMARIES,
    TASK_ROLLUPS,
    UNCERTAINTY,
)

SCHEMA = "published"


def columns_of(table: Table, *names: str) -> tuple[Column, ...]:
    """The columns of a table by name, in the order of the names."""
    by_name = {column.name: column for column in table.columns}
    return tuple(by_name[name] for name in names)


PUBLISHED_PROMPTS = Table(
    schema=SCHEMA,
    name="prompts",
    grain="published prompt",
    description="Every published prompt: what it is about, and how its answers are ranked and shown.",
    columns=(
        *columns_of(PROMPTS, "prompt", "title"),
        Column(name="description", type="VARCHAR", description="What the prompt is about, in a sentence or two."),
        *columns_of(PROMPTS, "corpus"),
        Column(name="scale_low", type="DOUBLE", description="Lowest answer of its scale.", unit="scale"),
        Column(name="scale_high", type="DOUBLE", description="Highest answer of its scale.", unit="scale"),
        *columns_of(DEFINITIONS, "ranking_hash", "definition"),
    ),
    key=("prompt",),
)

PUBLISHED_VERSIONS = Table(
    schema=SCHEMA,
    name="prompt_versions",
    grain="answered version of a published prompt",
    description="Every version of each prompt that was answered, with the question as it was asked.",
    columns=(
        *columns_of(PROMPT_VERSIONS, "prompt", "prompt_hash", "first_seen_at"),
        Column(name="is_standing", type="BOOLEAN", description="True where answers to this version stand now."),
        Column(
            name="model", type="VARCHAR", description="Model that the version asks; the baseline may have answered."
        ),
        Column(
            name="effort", type="VARCHAR", description="Effort that the model is asked for; null where none is set."
        ),
        Column(name="samples", type="BIGINT", description="Samples asked for of each document.", unit="samples"),
        Column(
            name="documents_per_request", type="BIGINT", description="Documents put into one request.", unit="documents"
        ),
        Column(name="question", type="VARCHAR", description="The question as it was asked.", unit="Markdown"),
    ),
    key=("prompt", "prompt_hash"),
)

PROVENANCE = Table(
    schema=SCHEMA,
    name="provenance",
    grain="prompt × document",
    description=(
        "What is behind each standing score, beside what the ranking says: the text and page that were asked about, "
        "the samples, and, where a model answered, its requests, tokens and cost. They are those of the accepted "
        "answers; answers of the baseline have none."
    ),
    columns=(
        *columns_of(SCORES, "prompt", "doc_id", "text_sha256", "samples", "score_sd", "note", "error"),
        Column(
            name="page_url",
            type="VARCHAR",
            description="Page, or release of a database, that the text comes from; null for a file.",
        ),
        Column(name="page_sha256", type="VARCHAR", description="SHA-256 of its bytes as stored now.", unit="hex"),
        Column(name="page_fetched_at", type="TIMESTAMP", description="When these bytes were fetched.", unit="UTC"),
        Column(
            name="request_ids",
            type="VARCHAR[]",
            description="The provider's ids of the requests behind the score; empty for the baseline.",
        ),
        *columns_of(RESPONSES, "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_usd"),
    ),
    key=("prompt", "doc_id"),
)

SECTIONS = Table(
    schema=SCHEMA,
    name="sections",
    grain="corpus × document × section",
    description=(
        "What more is known of documents, under headings, where their source says it: of O*NET occupations the skills "
        "and work activities that matter most, software, and the nearest relatives. The first few of each."
    ),
    columns=(
        Column(name="corpus", type="VARCHAR", description="Corpus of the document.", is_nullable=False),
        Column(name="doc_id", type="VARCHAR", description="Document.", is_nullable=False),
        Column(
            name="section", type="VARCHAR", description="Name by which prompts include the section.", is_nullable=False
        ),
        Column(name="title", type="VARCHAR", description="Heading of the section."),
        Column(name="items", type="VARCHAR[]", description="What it lists, the first what says most."),
    ),
    key=("corpus", "doc_id", "section"),
)

OF_OCCUPATION = "occupation_"
"""What facts of a role's occupation begin with, so that nobody takes them for the role's own."""

_FACTS_OF_A_MATCH = (
    *("jobs", "jobs_basis", "pay_annual", "pay_currency", "pay_basis", "pay_is_top_coded", "outlook_pct", "education"),
)

ROLE_OCCUPATIONS = Table(
    schema=SCHEMA,
    name="role_occupations",
    grain="prompt about your own documents × document",
    description=(
        "Each of your own documents with the O*NET occupation that it is taken to be, and what is known of that "
        "occupation. Jobs and pay are the occupation's, in the whole country: they say nothing of how many hold the "
        "role or what it pays, and no total weighs by them. Without an accepted occupation they are empty, and the "
        "likeliest candidate stands there to be looked at."
    ),
    columns=(
        *columns_of(RANKINGS, "prompt", "doc_id", "title", "rank", "score"),
        *columns_of(MATCHES, "onet_code", "occupation", "share", "how", "is_accepted"),
        *(
            replace(column, name=f"{OF_OCCUPATION}{column.name}")
            for column in columns_of(DOCUMENT_FACTS, *_FACTS_OF_A_MATCH)
        ),
        Column(
            name=f"{OF_OCCUPATION}indices",
            type="JSON",
            description="What each index that is set says of the occupation, by its name; null where none does.",
        ),
        Column(
            name="neighbours",
            type="VARCHAR[]",
            description="Nearest relatives of the occupation by O*NET, the nearest first; empty where it has none.",
        ),
    ),
    key=("prompt", "doc_id"),
)
COMPOSITES = Table(
    schema=SCHEMA,
    name="composites",
    grain="composite and document of its set",
    description="Layers weighed into one number by composite files (`<name>.composite.yaml`); no model is asked.",
    columns=(
        Column(name="composite", type="VARCHAR", description="Name of the file, without its ending."),
        Column(name="rank", type="BIGINT", description="1 for the highest; ties share the lowest number."),
        *columns_of(RANKINGS, "doc_id", "title"),
        Column(
            name="score",
            type="DOUBLE",
            description="Weighted mean of the layers, each put to 0–1 on its scale (turned round where its weight is "
            "below zero), times ten; null where a document lacks one of the values.",
            unit="0 to 10",
        ),
        *columns_of(RANKINGS, "jobs"),
    ),
    key=("composite", "doc_id"),
)

SHOWN_ITEMS = 5
"""Items of a section that are published; a prompt that includes it asks about twice as many."""

HANDBOOK, TITLES = (export.table for export in JOINED_ON.exports)
"""What is published of the corpus that occupations are joined on: its facts, and titles that lead to them."""

OF_PROMPT = (
    *("prompt", "doc_ids", "score", "score_low", "score_high", "rank", "tier", "quadrant", "final_ranking", "scorer"),
)
"""Columns of ranked.occupations that one prompt says; the others are the page's own."""

NOT_OF_RESILIENCE = ("prompt", "prompt_hash", "ranking_hash", "scored_at")
"""Columns of ranked.resilience that are not exported: the JSON file has them once for all rows."""

PUBLISHED_TABLES = (
    ("ranking", RANKINGS),
    ("summaries", SUMMARIES),
    (UNCERTAINTY.name, UNCERTAINTY),
    (PROVENANCE.name, PROVENANCE),
    ("ai_resilience", RESILIENCE),
    (TASK_ROLLUPS.name, TASK_ROLLUPS),
    (OCCUPATIONS.name, OCCUPATIONS),
    *((export.stem, export.table) for corpus in CORPORA.values() for export in corpus.exports),
    (SECTIONS.name, SECTIONS),
    (PUBLISHED_PROMPTS.name, PUBLISHED_PROMPTS),
    (PUBLISHED_VERSIONS.name, PUBLISHED_VERSIONS),
    (CHANGES.name, CHANGES),
)
"""Every kind of exported file, by its stem, with the table that explains its columns."""

TABLES_OF_SOME = (
    (RELIABILITY.name, RELIABILITY),
    (ROLE_OCCUPATIONS.name, ROLE_OCCUPATIONS),
    (AGREEMENT.name, AGREEMENT),
    (DISAGREEMENTS.name, DISAGREEMENTS),
    (COMPOSITES.name, COMPOSITES),
)
"""Likewise, where documents were answered several times, where own documents have an occupation, where indices are set
that scores are held against, and where there are composites."""
