"""Where each column comes from: from raw pages and prompt files to what is ranked, declared once.

Data only; what a corpus's own tables are made from stands in its folder. The metadata that Dagster shows is made from
it in `assets`; a test holds it against the registry of tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from exposure_dagster.core.lineage import RUN, Origin, Origins, made_from, same_as
from exposure_dagster.corpora.own.corpus import own_corpus
from exposure_dagster.corpora.registry import CORPORA, PUBLISHERS, ROLE_INDEX
from exposure_dagster.tables import DOCUMENT_FACTS

PROMPT_FILE = "the prompt file"
ANSWER = "the model's answer"

_SCORE = ("scored.scores.score", "scored.scores.attributes", "scored.scores.status", "ranked.definitions.definition")
_VERSION_SCORE = (
    "scored.score_versions.score",
    "scored.score_versions.attributes",
    "scored.score_versions.status",
    "ranked.definitions.definition",
)
_BASELINE = ("parsed.documents.text", "scored.prompts.baseline_definition")
_RANKED = "ranked.rankings"
_FACTS = "parsed.document_facts"
_INDICES = "parsed.index_values"
_COMPARED = (f"{_RANKED}.score", "ranked.task_rollups.score", f"{_INDICES}.value")


def _of_corpora(lineages: Iterable[Origins], corpus: str, columns: Iterable[str]) -> Origins:
    """What the columns are made from, whatever the corpus."""
    found: dict[str, dict[Origin, None]] = {name: {} for name in columns}
    for lineage in lineages:
        for name, origins in lineage.items():
            if name in found:
                found[name].update(dict.fromkeys(origins))
    return {**made_from(corpus, RUN), **{name: tuple(origins) for name, origins in found.items() if origins}}


_ALL = (*CORPORA.values(), own_corpus("own"))

_MATCHED = (*(f"raw.own_documents.{name}" for name in ("title", "text", "onet_codes")), *ROLE_INDEX.made_from)

_SECTIONS = dict.fromkeys(section.made_from for corpus in _ALL for section in corpus.sections)

LINEAGE: Mapping[str, Origins] = MappingProxyType(
    {
        **{table: origins for publisher in PUBLISHERS for table, origins in publisher.lineage.items()},
        "parsed.documents": {
            **_of_corpora((corpus.document_lineage for corpus in _ALL), "corpus", ("doc_id", "title", "text")),
            **made_from("text_sha256", "parsed.documents.text"),
        },
        _FACTS: {
            **made_from("jobs_basis education_order pay_currency", RUN),
            **_of_corpora((corpus.facts_lineage for corpus in _ALL), "corpus", DOCUMENT_FACTS.column_names),
        },
        "parsed.matches": {
            **same_as("raw.own_documents", "corpus doc_id title"),
            **made_from("onet_code occupation share how is_accepted rank", *_MATCHED),
        },
        "parsed.texts": same_as("parsed.documents", "text_sha256 text"),
        "scored.prompts": made_from(
            "prompt prompt_hash corpus title model baseline_hash baseline_definition source is_enabled", PROMPT_FILE
        ),
        "scored.prompt_versions": {
            **same_as("scored.prompts", "prompt prompt_hash"),
            **made_from("definition", PROMPT_FILE),
            **made_from("first_seen_at", RUN),
        },
        "scored.inputs": {
            **same_as("scored.prompts", "prompt prompt_hash"),
            **same_as("parsed.documents", "doc_id"),
            **made_from("text_sha256", "parsed.documents.text_sha256", *_SECTIONS),
            **made_from(
                "input_hash",
                "scored.prompts.prompt_hash",
                "scored.prompts.baseline_hash",
                "parsed.documents.doc_id",
                "parsed.documents.text_sha256",
            ),
        },
        "scored.responses": {
            **same_as("scored.inputs", "prompt prompt_hash doc_id text_sha256"),
            **made_from("attributes rationale status error", ANSWER),
        },
        "scored.scores": {
            **same_as("scored.inputs", "prompt prompt_hash doc_id text_sha256 input_hash"),
            **made_from("score attributes", "scored.responses.attributes", *_BASELINE),
            **made_from("rationale", "scored.responses.rationale", *_BASELINE),
            **made_from("status", "scored.responses.status"),
            **made_from("error", "scored.responses.error"),
            **made_from("note", "scored.responses.note"),
            **made_from("scorer", "scored.responses.scorer"),
            **made_from("model", "scored.responses.model"),
            **made_from("samples", "scored.responses.sample"),
            **made_from("score_sd attributes_sd", "scored.responses.attributes"),
            **made_from("standard_errors", *_BASELINE),
            **made_from("scored_at", "scored.responses.created_at"),
        },
        "scored.variants": {
            **same_as("scored.inputs", "prompt doc_id"),
            **made_from("variant", PROMPT_FILE),
            **made_from("score attributes sd", "scored.responses.attributes"),
            **made_from("samples", "scored.responses.sample"),
            **same_as("scored.responses", "status model error"),
            **made_from("variant_hash", "scored.prompt_versions.prompt_hash"),
        },
        "scored.score_versions": {
            **same_as(
                "scored.scores",
                "prompt doc_id prompt_hash text_sha256 score attributes rationale status scorer model input_hash "
                "samples score_sd attributes_sd standard_errors scored_at error note",
            ),
            **same_as("parsed.documents", "title"),
            **made_from("version versioned_at", RUN),
        },
        "ranked.definitions": made_from("prompt ranking_hash definition", PROMPT_FILE),
        "ranked.inputs": {
            **same_as("ranked.definitions", "prompt ranking_hash"),
            **made_from("scores_digest", *_SCORE, "scored.scores.rationale"),
            **made_from("facts_digest", *(f"{_FACTS}.{name}" for name in DOCUMENT_FACTS.column_names)),
            **made_from("formula_version", RUN),
            **made_from("indices_digest", f"{_INDICES}.value"),
            **made_from(
                "ranking_input_hash",
                *(
                    f"ranked.inputs.{name}"
                    for name in ("scores_digest", "facts_digest", "ranking_hash", "indices_digest")
                ),
            ),
        },
        _RANKED: {
            **same_as("scored.scores", "prompt doc_id rationale status scorer model prompt_hash scored_at"),
            **same_as("scored.scores", "attributes"),
            **made_from("score_sd", "scored.scores.score_sd", "scored.responses.attributes"),
            **same_as(_FACTS, "title category jobs pay_basis pay_is_top_coded outlook_pct outlook_desc soc_code url"),
            **made_from("median_pay_annual pay_currency", f"{_FACTS}.pay_annual", f"{_FACTS}.pay_currency"),
            **made_from("entry_education", f"{_FACTS}.education"),
            **made_from("soc_major_group", f"{_FACTS}.soc_code", f"{_FACTS}.soc_codes"),
            **made_from("score rank percentile tier", *_SCORE),
            **made_from("quadrant", "scored.scores.attributes", "ranked.definitions.definition"),
            **made_from("wages", f"{_FACTS}.jobs", f"{_FACTS}.pay_annual", f"{_FACTS}.pay_currency"),
            **same_as("ranked.definitions", "ranking_hash"),
        },
        "ranked.uncertainty": {
            **same_as(_RANKED, "prompt doc_id"),
            **made_from("mean", f"{_RANKED}.score"),
            **made_from("answers", "scored.responses.sample"),
            **made_from("sd_sample sd_variant", "scored.responses.attributes"),
            **made_from("method", "scored.responses.model", "scored.scores.standard_errors"),
            **made_from("se", "scored.responses.attributes", "scored.scores.standard_errors"),
            **made_from(
                "lo90 hi90 rank_lo90 rank_hi90 p_ge_threshold",
                f"{_RANKED}.score",
                "scored.responses.attributes",
                "scored.scores.standard_errors",
            ),
            **made_from(
                "p_tier",
                f"{_RANKED}.score",
                "scored.responses.attributes",
                "scored.scores.standard_errors",
                "ranked.definitions.definition",
            ),
        },
        "ranked.reliability": {
            **same_as(_RANKED, "prompt"),
            **made_from("attribute", "ranked.definitions.definition"),
            **made_from(
                "facet n k statistic value lo hi",
                *(
                    f"scored.responses.{name}"
                    for name in ("attributes", "model", "sample", "position", "request_group")
                ),
            ),
        },
        "ranked.gate": {
            **same_as(_RANKED, "prompt"),
            **made_from(
                "has_passed value n description",
                *_SCORE,
                "scored.prompts.baseline_definition",
                "parsed.documents.title",
                "ranked.agreement.spearman",
                "ranked.changes.shift",
                "ranked.reliability.value",
                "ranked.uncertainty.p_tier",
            ),
            **made_from("check_name is_essential bound", RUN),
        },
        "ranked.summaries": {
            **made_from("se se_independent se_correlated", "ranked.uncertainty.se", f"{_RANKED}.jobs"),
            **made_from("lo90 hi90", f"{_RANKED}.score", f"{_RANKED}.jobs", "ranked.uncertainty.se"),
            **made_from(
                "expected_share share_lo share_hi", f"{_RANKED}.score", f"{_RANKED}.jobs", "ranked.uncertainty.se"
            ),
            **same_as(_RANKED, "prompt jobs wages pay_currency"),
            **made_from(
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
            **made_from("occupations", f"{_RANKED}.doc_id"),
            **made_from("scored mean_score", f"{_RANKED}.score"),
            **made_from("job_weighted_mean", f"{_RANKED}.score", f"{_RANKED}.jobs"),
        },
        "ranked.changes": {
            **same_as("scored.score_versions", "prompt doc_id title"),
            **made_from("score_before score_after shift change rank_before rank_after", *_VERSION_SCORE),
            **made_from("rationale_before rationale_after", "scored.score_versions.rationale"),
            **made_from("from_version to_version", "scored.score_versions.version"),
            **made_from("from_prompt_hash to_prompt_hash", "scored.score_versions.prompt_hash"),
            **made_from("from_model to_model", "scored.score_versions.model"),
        },
        "ranked.resilience": {
            **made_from("onet_code", f"{_FACTS}.doc_id"),
            **same_as(_FACTS, "title"),
            **made_from(
                "job_zone median_wage_annual growth_category employment_change_pct openings sample_titles growth_norm "
                "growth_source openings_norm",
                f"{_FACTS}.figures",
            ),
            **made_from(" ".join(f"a{number}" for number in range(1, 11)), "scored.scores.attributes"),
            **made_from(
                "defensive offensive ai_proof_score", "scored.scores.attributes", "ranked.definitions.definition"
            ),
            **made_from(
                "final_ranking rank", "scored.scores.attributes", "ranked.definitions.definition", f"{_FACTS}.figures"
            ),
            **made_from("key_drivers", "scored.scores.rationale"),
            **same_as("scored.scores", "status scorer model prompt prompt_hash scored_at"),
            **same_as("ranked.definitions", "ranking_hash"),
        },
        "ranked.task_rollups": {
            **same_as("scored.scores", "prompt scorer"),
            **made_from("onet_code", f"{_FACTS}.parent"),
            **made_from("title", f"{_FACTS}.figures"),
            **made_from("rank score", *_SCORE, f"{_FACTS}.figures"),
            **made_from("tasks", f"{_FACTS}.doc_id"),
            **made_from("rated_tasks", f"{_FACTS}.figures"),
            **made_from("scored_tasks", "scored.scores.status"),
            **made_from("scored_weight", "scored.scores.status", f"{_FACTS}.figures"),
            **same_as("ranked.definitions", "ranking_hash"),
        },
        _INDICES: {
            **same_as("raw.indices", "index"),
            **same_as(_FACTS, "corpus doc_id"),
            **made_from("value", "raw.indices.value"),
            **made_from("codes_used codes_missing", "raw.indices.code", f"{_FACTS}.soc_codes", f"{_FACTS}.onet_codes"),
        },
        "ranked.agreement": {
            **same_as(_RANKED, "prompt"),
            **made_from("reference", f"{_INDICES}.index"),
            **made_from("subset expected_low expected_high", RUN),
            **made_from(
                "n coverage spearman lo hi kendall_b pearson top_decile bottom_decile mae bias",
                *_COMPARED,
            ),
        },
        "ranked.disagreements": {
            **same_as(_RANKED, "prompt"),
            **made_from("reference", f"{_INDICES}.index"),
            **made_from("subset", RUN),
            **made_from("doc_id", f"{_RANKED}.doc_id", "ranked.task_rollups.onet_code"),
            **made_from("title", f"{_RANKED}.title", "ranked.task_rollups.title"),
            **made_from("score percentile_ours", f"{_RANKED}.score", "ranked.task_rollups.score"),
            **made_from("value percentile_theirs", f"{_INDICES}.value"),
            **made_from("gap", *_COMPARED),
        },
        "ranked.occupations": {
            **same_as(_FACTS, "title category url jobs pay_basis pay_is_top_coded outlook_pct"),
            **made_from("slug", f"{_FACTS}.doc_id"),
            **made_from("median_pay_annual", f"{_FACTS}.pay_annual"),
            **made_from("onet_codes", "parsed.soc_crosswalk.onet_code"),
            **made_from("onet_jobs", "parsed.soc_crosswalk.jobs_share"),
            **made_from(
                "doc_ids", f"{_RANKED}.doc_id", "ranked.task_rollups.onet_code", "parsed.soc_crosswalk.onet_code"
            ),
            **same_as(_RANKED, "prompt rank tier quadrant scorer"),
            **made_from("score score_low score_high", f"{_RANKED}.score", "ranked.task_rollups.score"),
            **same_as("ranked.resilience", "final_ranking"),
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
