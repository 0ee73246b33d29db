"""Where each column comes from: from raw pages and prompt files to what is ranked, declared once.

Data only. The metadata that Dagster shows is made from it in `assets`; a test holds it against the registry
of tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exposure_dagster.tables import TABLES

PROMPT_FILE = "the prompt file"
ANSWER = "the model's answer"
RUN = "the run itself"


@dataclass(frozen=True)
class Origin:
    """What a column is made from: a column of a table, or (with `column` None) something outside the warehouse."""

    source: str
    column: str | None = None

    def __str__(self) -> str:
        return self.source if self.column is None else f"{self.source}.{self.column}"


Origins = Mapping[str, tuple[Origin, ...]]


def _from(columns: str, *origins: str) -> dict[str, tuple[Origin, ...]]:
    """Each of the columns is made from all of the origins."""
    return dict.fromkeys(columns.split(), tuple(_origin(name) for name in origins))


def _same(table: str, columns: str) -> dict[str, tuple[Origin, ...]]:
    """Each of the columns is the one of its name in another table."""
    return {name: (Origin(table, name),) for name in columns.split()}


def _origin(name: str) -> Origin:
    table, _, column = name.rpartition(".")
    return Origin(table, column) if table in TABLES else Origin(name)


_SCORE = ("scored.scores.score", "scored.scores.attributes", "scored.scores.status", "ranked.definitions.definition")
_VERSION_SCORE = (
    "scored.score_versions.score",
    "scored.score_versions.attributes",
    "scored.score_versions.status",
    "ranked.definitions.definition",
)
_BASELINE = ("parsed.documents.text", "parsed.ooh_titles.title", "scored.prompts.baseline_definition")
_RANKED = "ranked.rankings"
_CORPUS_TABLES = ("parsed.ooh_occupations", "parsed.onet_occupations", "parsed.onet_tasks", "raw.own_documents")
_TEXTS = (
    "parsed.ooh_occupations.text",
    "parsed.onet_occupations.text",
    "parsed.onet_tasks.task",
    "raw.own_documents.title",
    "raw.own_documents.text",
)
_JOBS = ("parsed.ooh_occupations.jobs", "parsed.soc_crosswalk.jobs_share", "raw.own_documents.jobs")
_PAY = (
    "parsed.ooh_occupations.median_pay_annual",
    "parsed.onet_occupations.median_wage_annual",
    "raw.own_documents.median_pay_annual",
)
_ONET = ("raw.onet_pages.body", "raw.onet_database.body")

LINEAGE: Mapping[str, Origins] = MappingProxyType(
    {
        "parsed.ooh_titles": _from("title slug is_alias", "raw.ooh_index.body"),
        "parsed.ooh_occupations": {
            **_from(
                "title url soc_code soc_codes onet_codes median_pay_annual median_pay_hourly pay_basis "
                "pay_is_top_coded pay_year entry_education work_experience training jobs projected_jobs outlook_pct "
                "outlook_desc employment_change base_year projection_year last_modified description text",
                "raw.ooh_pages.body",
            ),
            **_same("raw.ooh_pages", "slug category content_sha256"),
            **_from("parser_version", RUN),
        },
        "parsed.ooh_projections": {
            **_same("raw.ooh_pages", "slug"),
            **_from(
                "row level occupation_title soc_code is_total employment projected_employment change_pct change",
                "raw.ooh_pages.body",
            ),
        },
        "parsed.ooh_unread": {
            **_same("raw.ooh_pages", "slug"),
            **_from("field found", "raw.ooh_pages.body"),
        },
        "parsed.documents": {
            **_from("corpus", RUN),
            **_from(
                "doc_id",
                "parsed.ooh_occupations.slug",
                "parsed.onet_occupations.onet_code",
                "parsed.onet_tasks.doc_id",
                "raw.own_documents.doc_id",
            ),
            **_from("title", *(f"{table}.title" for table in _CORPUS_TABLES)),
            **_from("text text_sha256", *_TEXTS),
        },
        "parsed.texts": _same("parsed.documents", "text_sha256 text"),
        "scored.prompts": _from(
            "prompt prompt_hash corpus title model baseline_hash baseline_definition source is_enabled", PROMPT_FILE
        ),
        "scored.prompt_versions": {
            **_same("scored.prompts", "prompt prompt_hash"),
            **_from("definition", PROMPT_FILE),
            **_from("first_seen_at", RUN),
        },
        "scored.inputs": {
            **_same("scored.prompts", "prompt prompt_hash"),
            **_same("parsed.documents", "doc_id text_sha256"),
            **_from(
                "input_hash",
                "scored.prompts.prompt_hash",
                "scored.prompts.baseline_hash",
                "parsed.documents.doc_id",
                "parsed.documents.text_sha256",
            ),
        },
        "scored.responses": {
            **_same("scored.inputs", "prompt prompt_hash doc_id text_sha256"),
            **_from("attributes rationale status error", ANSWER),
        },
        "scored.scores": {
            **_same("scored.inputs", "prompt prompt_hash doc_id text_sha256 input_hash"),
            **_from("score attributes", "scored.responses.attributes", *_BASELINE),
            **_from("rationale", "scored.responses.rationale", *_BASELINE),
            **_from("status", "scored.responses.status"),
            **_from("error", "scored.responses.error"),
            **_from("note", "scored.responses.note"),
            **_from("scorer", "scored.responses.scorer"),
            **_from("model", "scored.responses.model"),
            **_from("samples", "scored.responses.sample"),
            **_from("score_sd", "scored.responses.attributes"),
            **_from("scored_at", "scored.responses.created_at"),
        },
        "scored.score_versions": {
            **_same(
                "scored.scores",
                "prompt doc_id prompt_hash text_sha256 score attributes rationale status scorer model input_hash "
                "samples score_sd scored_at error note",
            ),
            **_same("parsed.documents", "title"),
            **_from("version versioned_at", RUN),
        },
        "ranked.definitions": _from("prompt ranking_hash definition", PROMPT_FILE),
        "ranked.inputs": {
            **_same("ranked.definitions", "prompt ranking_hash"),
            **_from("scores_digest", *_SCORE, "scored.scores.rationale"),
            **_from("facts_digest", *_JOBS, *_PAY),
            **_from("formula_version", RUN),
            **_from("ranking_input_hash", *_SCORE, "scored.scores.rationale", *_JOBS, *_PAY),
        },
        "ranked.rankings": {
            **_same("scored.scores", "prompt doc_id score_sd rationale status scorer model prompt_hash scored_at"),
            **_same("scored.scores", "attributes"),
            **_from("title", *(f"{table}.title" for table in _CORPUS_TABLES)),
            **_from("jobs", *_JOBS),
            **_from("median_pay_annual", *_PAY),
            **_from(
                "pay_basis",
                "parsed.ooh_occupations.pay_basis",
                *_PAY[1:],
                "parsed.onet_occupations.median_wage_hourly",
            ),
            **_from(
                "pay_is_top_coded",
                "parsed.ooh_occupations.pay_is_top_coded",
                "parsed.onet_occupations.wage_is_top_coded",
            ),
            **_from(
                "outlook_pct",
                "parsed.ooh_occupations.outlook_pct",
                "parsed.onet_occupations.employment_change_pct",
            ),
            **_from(
                "outlook_desc",
                "parsed.ooh_occupations.outlook_desc",
                "parsed.onet_occupations.growth_category",
            ),
            **_from(
                "entry_education",
                "parsed.ooh_occupations.entry_education",
                "parsed.onet_occupations.education_top",
            ),
            **_from("soc_code", "parsed.ooh_occupations.soc_code", "parsed.onet_occupations.soc_code"),
            **_from("url", "parsed.ooh_occupations.url", "parsed.onet_occupations.url"),
            **_from(
                "category",
                "parsed.ooh_occupations.category",
                "parsed.onet_occupations.job_zone",
                "parsed.onet_occupations.title",
            ),
            **_from("score rank percentile tier", *_SCORE),
            **_from("quadrant", "scored.scores.attributes", "ranked.definitions.definition"),
            **_from("wages", *_JOBS, *_PAY),
            **_from(
                "soc_major_group",
                "parsed.ooh_occupations.soc_code",
                "parsed.ooh_occupations.soc_codes",
                "parsed.onet_occupations.soc_code",
            ),
            **_same("ranked.definitions", "ranking_hash"),
        },
        "ranked.summaries": {
            **_same(_RANKED, "prompt jobs wages"),
            **_from(
                "grouping group_label group_order",
                *(
                    f"{_RANKED}.{name}"
                    for name in [
                        "tier",
                        "quadrant",
                        "median_pay_annual",
                        "entry_education",
                        "category",
                        "outlook_desc",
                        "soc_major_group",
                        "score",
                    ]
                ),
            ),
            **_from("occupations", f"{_RANKED}.doc_id"),
            **_from("scored mean_score", f"{_RANKED}.score"),
            **_from("job_weighted_mean", f"{_RANKED}.score", f"{_RANKED}.jobs"),
        },
        "ranked.changes": {
            **_same("scored.score_versions", "prompt doc_id title"),
            **_from("score_before score_after shift change rank_before rank_after", *_VERSION_SCORE),
            **_from("rationale_before rationale_after", "scored.score_versions.rationale"),
            **_from("from_version to_version", "scored.score_versions.version"),
            **_from("from_prompt_hash to_prompt_hash", "scored.score_versions.prompt_hash"),
            **_from("from_model to_model", "scored.score_versions.model"),
        },
        "parsed.onet_occupations": {
            **_from("onet_code soc_code title is_scoreable", "raw.onet_list.body"),
            **_from("job_zone text tasks_count", *_ONET),
            **_from("sample_titles url description median_wage_hourly", *_ONET),
            **_from(
                "median_wage_annual wage_is_top_coded growth_category employment_change_pct openings education_top",
                *_ONET,
                "raw.employment_projections.body",
            ),
        },
        "parsed.onet_tasks": _from("doc_id onet_code title task_id task task_type importance", *_ONET),
        "parsed.employment_projections": _from(
            "soc_code title employment projected_employment openings", "raw.employment_projections.body"
        ),
        "parsed.soc_crosswalk": {
            **_same("parsed.onet_occupations", "onet_code soc_code"),
            **_from("slug", "parsed.ooh_occupations.onet_codes", "parsed.ooh_occupations.soc_codes"),
            **_from("jobs_share", "parsed.employment_projections.employment"),
        },
        "ranked.resilience": {
            **_same(
                "parsed.onet_occupations",
                "onet_code title job_zone median_wage_annual growth_category employment_change_pct openings "
                "sample_titles",
            ),
            **_from(" ".join(f"a{number}" for number in range(1, 11)), "scored.scores.attributes"),
            **_from("defensive offensive ai_proof_score", "scored.scores.attributes", "ranked.definitions.definition"),
            **_from(
                "growth_norm growth_source",
                "parsed.onet_occupations.employment_change_pct",
                "parsed.onet_occupations.growth_category",
            ),
            **_from("openings_norm", "parsed.onet_occupations.openings"),
            **_from(
                "final_ranking rank",
                "scored.scores.attributes",
                "ranked.definitions.definition",
                "parsed.onet_occupations.employment_change_pct",
                "parsed.onet_occupations.openings",
            ),
            **_from("key_drivers", "scored.scores.rationale"),
            **_same("scored.scores", "status scorer model prompt prompt_hash scored_at"),
            **_same("ranked.definitions", "ranking_hash"),
        },
        "ranked.task_rollups": {
            **_same("scored.scores", "prompt scorer"),
            **_same("parsed.onet_tasks", "onet_code title"),
            **_from("rank score", *_SCORE, "parsed.onet_tasks.importance", "parsed.onet_tasks.task_type"),
            **_from("tasks", "parsed.onet_tasks.doc_id"),
            **_from("scored_tasks", "scored.scores.status"),
            **_from("scored_weight", "scored.scores.status", "parsed.onet_tasks.importance"),
            **_same("ranked.definitions", "ranking_hash"),
        },
        "ranked.occupations": {
            **_same(
                "parsed.ooh_occupations",
                "slug title category url onet_codes jobs median_pay_annual pay_basis pay_is_top_coded outlook_pct",
            ),
            **_from("onet_jobs", "parsed.soc_crosswalk.jobs_share"),
            **_from("exposure", f"{_RANKED}.score"),
            **_from("exposure_rank", f"{_RANKED}.rank"),
            **_from("exposure_tier", f"{_RANKED}.tier"),
            **_from("exposure_scorer", f"{_RANKED}.scorer"),
            **_from("quadrant", f"{_RANKED}.quadrant"),
            **_from("quadrant_prompt", f"{_RANKED}.prompt"),
            **_from("resilience resilience_low resilience_high resilience_codes", "ranked.resilience.ai_proof_score"),
            **_from("final_ranking", "ranked.resilience.final_ranking"),
            **_from("resilience_scorer", "ranked.resilience.scorer"),
        },
    }
)
"""By table and column: what the column is made from, one step back."""


def beginnings(table: str, column: str) -> tuple[Origin, ...]:
    """What a column is made from in the end: columns that nothing is declared for, and things outside."""
    found: dict[Origin, None] = {}
    open_ones = list(LINEAGE[table][column])
    seen: set[Origin] = set()
    while open_ones:
        origin = open_ones.pop(0)
        if origin in seen:
            continue
        seen.add(origin)
        further = LINEAGE.get(origin.source, {}).get(origin.column or "", ())
        open_ones += further
        if not further:
            found[origin] = None
    return tuple(sorted(found, key=str))


def lineage_table(table: str) -> str:
    """Where a table's columns come from, one step back and in the end, as a Markdown table."""
    lines = ["| column | made from | which begins as |", "|---|---|---|"]
    for column, origins in LINEAGE[table].items():
        cells = (", ".join(f"`{origin}`" for origin in part) for part in (origins, beginnings(table, column)))
        lines.append(f"| `{column}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
