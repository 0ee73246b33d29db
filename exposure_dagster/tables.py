"""The registry of tables: the one place that says which tables and columns exist.

The DDL, the column metadata in the Dagster UI, the schema checks and the data dictionary that is
published are all made from it. What a table is filled with belongs to the module that fills it. The tables of a corpus
are declared in its own folder.
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType

from exposure_dagster.core.tables import Column, Table, flag, json, moment, number, text, whole
from exposure_dagster.corpora.onet.tables import (
    EMPLOYMENT_PROJECTIONS,
    ONET_DATABASE,
    ONET_FEATURES,
    ONET_LIST,
    ONET_OCCUPATIONS,
    ONET_PAGES,
    ONET_TASKS,
    ONET_TITLES,
    ONET_UNREAD,
    RAW_PROJECTIONS,
    SOC_CROSSWALK,
)
from exposure_dagster.corpora.ooh.tables import (
    OOH_INDEX,
    OOH_OCCUPATIONS,
    OOH_PAGES,
    OOH_PROJECTIONS,
    OOH_TITLES,
    OOH_UNREAD,
)
from exposure_dagster.corpora.own.tables import OWN_DOCUMENTS
from exposure_dagster.indices.tables import INDEX_VALUES, INDICES

WAREHOUSE_VERSION = 2
"""Raised with each migration (see `migrations`): an older program refuses the file then."""

DOCUMENTS = Table(
    schema="parsed",
    name="documents",
    grain="corpus × document",
    description="What a prompt can be asked about, now.",
    columns=(
        text("corpus", "Name of the corpus, as prompts name it.", required=True),
        text("doc_id", "Document, unique in its corpus (for ooh: the slug).", required=True),
        text("title", "Title of the document."),
        text("text", "Text as the model reads it.", unit="Markdown"),
        text("text_sha256", "SHA-256 of the text.", unit="hex", required=True),
    ),
    key=("corpus", "doc_id"),
)

DOCUMENT_FACTS = Table(
    schema="parsed",
    name="document_facts",
    grain="corpus × document",
    description=(
        "What is known of each document besides its text, in the same columns for all corpora: rankings, summaries, "
        "files and site are made from it. Nothing in it is imputed."
    ),
    columns=(
        text("corpus", "Name of the corpus, as prompts name it.", required=True),
        text("doc_id", "Document, unique in its corpus.", required=True),
        text("title", "Title of the document."),
        text("category", "Group that the document belongs to in its corpus."),
        whole("jobs", "People who do it.", unit="jobs"),
        text("jobs_basis", "What the jobs are: the document's own, or a share of a larger row."),
        number("pay_annual", "Median annual pay.", unit="pay_currency per year"),
        text("pay_currency", "Currency of the pay, as in USD."),
        text("pay_basis", "annual, hourly_only or none."),
        flag("pay_is_top_coded", "True where the pay is a lower bound."),
        text("education", "Education that is typically needed to enter."),
        whole("education_order", "Place of that level among all levels, lowest first; null where unknown."),
        number("outlook_pct", "Projected change of employment.", unit="percent"),
        text("outlook_desc", "The same in BLS's words."),
        text("url", "Page about it."),
        text("soc_code", "2018 SOC code, where it has one of its own."),
        Column(name="soc_codes", type="VARCHAR[]", description="2018 SOC codes that it covers."),
        Column(name="onet_codes", type="VARCHAR[]", description="O*NET-SOC codes that it covers."),
        text("parent", "Document of another corpus that it is a part of."),
        json("figures", "Figures of this corpus alone, by name: what formulas of prompts about it need."),
    ),
    key=("corpus", "doc_id"),
)

TEXTS = Table(
    schema="parsed",
    name="texts",
    grain="text ever asked about",
    description="Every text that was ever a document, by its hash: what a past answer was about.",
    columns=(
        text("text_sha256", "SHA-256 of the text.", unit="hex", required=True),
        text("text", "The text.", unit="Markdown"),
    ),
    key=("text_sha256",),
    is_append_only=True,
    is_kept=True,
)

MATCHES = Table(
    schema="parsed",
    name="matches",
    grain="document of your own × candidate",
    description=(
        "Which O*NET occupation each of your own documents is: up to five candidates, by the document's title and text "
        "(docs/own-files.md). Empty where there are no own documents, or no O*NET occupations yet."
    ),
    columns=(
        text("corpus", "Corpus of the document.", required=True),
        text("doc_id", "Document, unique in its corpus.", required=True),
        text("title", "Title of the document."),
        whole("rank", "1 for the likeliest candidate.", required=True),
        text("onet_code", "O*NET-SOC code of the candidate; null where a correction says that none fits."),
        text("occupation", "Name of that occupation."),
        number("share", "Its share of the votes, 0 to 1; null where it is said by the user and got none."),
        text(
            "how",
            "exact: the title is that occupation's name, or its title alone; similar: by the votes; given: the "
            "document's file names the code; corrected: the file of corrections says so.",
        ),
        flag(
            "is_accepted",
            "True where it is taken to be the document's occupation: exact, given, corrected, or first with a share of "
            "at least 0.47 where some title is near.",
        ),
    ),
    key=("corpus", "doc_id", "rank"),
)

PROMPTS = Table(
    schema="scored",
    name="prompts",
    grain="prompt",
    description="The prompt files, now.",
    columns=(
        text("prompt", "Name: the prompt file's stem, and the partition key.", required=True),
        text("prompt_hash", "SHA-256 of all that reaches the model and decides its answer.", unit="hex"),
        text("corpus", "Corpus that is asked about."),
        text("title", "Display title."),
        text("model", "Model that is asked."),
        text("baseline_hash", "SHA-256 of what the baseline works from.", unit="hex"),
        json("baseline_definition", "Levels, examples and word lists: what the baseline works from."),
        text("source", "Path of the prompt file."),
        flag("is_enabled", "False where the file says `enabled: false`."),
    ),
    key=("prompt",),
)

PROMPT_VERSIONS = Table(
    schema="scored",
    name="prompt_versions",
    grain="version of a prompt ever seen",
    description="The whole of every prompt version: what scoring reads, and what a past answer was about.",
    columns=(
        text("prompt_hash", "SHA-256 of all that reaches the model and decides its answer.", unit="hex"),
        text("prompt", "Name of the prompt."),
        json("definition", "The hashed content."),
        moment("first_seen_at", "When the version was first seen."),
    ),
    key=("prompt_hash", "prompt"),
    is_append_only=True,
    is_kept=True,
)

INPUTS = Table(
    schema="scored",
    name="inputs",
    grain="prompt × document to be asked",
    description="What each prompt is to be asked about, as of the last look at its corpus.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("prompt_hash", "Version of the prompt.", unit="hex"),
        text("doc_id", "Document.", required=True),
        text("text_sha256", "SHA-256 of the document's text.", unit="hex"),
        text("input_hash", "Digest of prompt version and corpus: the data version of the input.", unit="hex"),
    ),
    key=("prompt", "doc_id"),
)

SCORES = Table(
    schema="scored",
    name="scores",
    grain="prompt × document",
    description="The standing answers. Every document asked about has a row, whatever became of it.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("prompt_hash", "Version of the prompt that was answered.", unit="hex"),
        text("doc_id", "Document.", required=True),
        text("text_sha256", "SHA-256 of the text that was answered about.", unit="hex"),
        number("score", "Mean of the samples, on the prompt's scale; null unless status is ok.", unit="scale"),
        json("attributes", "Mean of the samples by attribute, where the prompt asks for several."),
        text("rationale", "The scorer's reason, as given."),
        text("status", "ok, refused or failed.", required=True),
        text("scorer", "The provider's family, as in claude, or baseline."),
        text("model", "Model, or the baseline's version."),
        text(
            "input_hash",
            "Digest of prompt version and corpus that was answered: what scored.inputs carried.",
            unit="hex",
        ),
        whole("samples", "Accepted samples behind the score.", unit="samples"),
        number("score_sd", "Standard deviation of the samples; null below two.", unit="scale"),
        json("attributes_sd", "The same by attribute, where the prompt asks for several."),
        json(
            "standard_errors",
            "How far an estimate of the baseline errs, by attribute (`score` where there is one): the standard error "
            "by the examples that were left out. An attribute of which too few examples agree with the texts is "
            "missing; null where a model answered.",
        ),
        moment("scored_at", "When the last of its samples was answered."),
        text("error", "Last error, where status is failed or refused."),
        text(
            "note",
            "What a reader of the answer should know: that the document was cut, how the answer had to be read, that "
            "its usage could not be true.",
        ),
    ),
    key=("prompt", "doc_id"),
    is_kept=True,
)

VARIANTS = Table(
    schema="scored",
    name="variants",
    grain="prompt × variant × document",
    description=(
        "What the same question says when it is put in another way: a variant of the prompt file. Its answers make no "
        "part of the score. Empty where a prompt has no variants."
    ),
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("variant", "Name of the variant.", required=True),
        text("doc_id", "Document.", required=True),
        number("score", "Mean of the samples, on the prompt's scale; null unless status is ok.", unit="scale"),
        json("attributes", "Mean of the samples by attribute, where the prompt asks for several."),
        number("sd", "Standard deviation of the samples; null below two.", unit="scale"),
        whole("samples", "Accepted samples behind it.", unit="samples"),
        text("status", "ok, refused or failed.", required=True),
        text("model", "Model that was asked, or models."),
        text("variant_hash", "Version of the variant that was answered.", unit="hex"),
        text("error", "Last error, where status is failed or refused."),
    ),
    key=("prompt", "variant", "doc_id"),
)

SCORE_VERSIONS = Table(
    schema="scored",
    name="score_versions",
    grain="prompt × version × document",
    description="Every version of a prompt's standing answers that ever stood, whoever answered.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        whole("version", "Number of the version, from 1.", required=True),
        moment("versioned_at", "When it began to stand."),
        text("title", "Title of the document then."),
        *(column for column in SCORES.columns if column.name != "prompt"),
    ),
    key=("prompt", "version", "doc_id"),
    is_append_only=True,
    is_kept=True,
)

RESPONSES = Table(
    schema="scored",
    name="responses",
    grain="attempt at a request and document",
    description=(
        "The ledger: every attempt that was ever made, with what it cost. Nothing is ever removed. It is kept in "
        "ledger.sqlite; this is its copy, brought up to date when a run ends."
    ),
    columns=(
        text("request_key", "Identity of the question; at most one accepted answer each.", unit="hex"),
        whole("attempt", "Number of the attempt at this key, from 1."),
        flag("is_accepted", "True where the answer was valid and stands."),
        text("prompt", "Name of the prompt.", required=True),
        text("prompt_hash", "Version of the prompt.", unit="hex"),
        text("doc_id", "Document.", required=True),
        text("text_sha256", "SHA-256 of the text asked about.", unit="hex"),
        text("scorer", "The provider's family, as in claude, with -batch where it was asked in batches."),
        text("model", "Model that was asked."),
        whole("sample", "Number of the repeat sample, from 1."),
        whole("epoch", "Raised when the same question is asked again on purpose, from 0."),
        text("status", "ok, invalid, refused or failed.", required=True),
        json("attributes", "The numbers of the answer, by attribute."),
        text("rationale", "The answer's reason, as given."),
        whole("input_tokens", "Tokens read at the full price; this document's share.", unit="tokens"),
        whole("output_tokens", "Tokens written; this document's share.", unit="tokens"),
        whole(
            "cache_read_tokens",
            "Tokens read from the provider's cache; this document's share.",
            unit="tokens",
        ),
        whole(
            "cache_write_tokens",
            "Tokens written to the provider's cache; this document's share.",
            unit="tokens",
        ),
        number("cost_usd", "Cost by the price table; this document's share.", unit="USD"),
        text("request_id", "The provider's id of the request."),
        text("batch_id", "The provider's id of the batch; null for single requests."),
        number("latency_ms", "From sending to the whole answer.", unit="ms"),
        moment("created_at", "When the attempt ended."),
        text("error", "What went wrong, without keys or texts."),
        text(
            "note",
            "What a reader of the answer should know: that the document was cut, how the answer had to be read, that "
            "its usage could not be true.",
        ),
        text("endpoint", "Who was asked: a provider, or a server that speaks like it; null in rows of before 0.2.0."),
        text("answered_by", "Name that the server gave the model which answered."),
        whole("position", "Place of the document in its request, from 1; null in rows of before 0.2.0."),
        text("request_group", "What the rows of one request share, where it held several documents.", unit="hex"),
    ),
    key=("request_key", "attempt"),
    is_append_only=True,
    is_kept=True,
)

CORRECTIONS = Table(
    schema="scored",
    name="corrections",
    grain="correction of a row of the ledger",
    description="What was corrected in the ledger by hand, by `exposure ledger correct`, and why.",
    columns=(
        text("request_key", "Row of scored.responses that was corrected.", required=True, unit="hex"),
        whole("attempt", "The row's number of the attempt.", required=True),
        moment("corrected_at", "When it was corrected."),
        text("reason", "Why, in the words of whoever corrected it."),
        json("before", "Tokens and cost (USD) before."),
        json("after", "Tokens and cost (USD) since."),
    ),
    key=("request_key", "attempt", "corrected_at"),
    is_append_only=True,
    is_kept=True,
)

BATCHES = Table(
    schema="scored",
    name="batches",
    grain="message batch sent",
    description="Every batch that was sent: on disk before it is asked after, so that a stopped run loses none.",
    columns=(
        text(
            "batch_id",
            "The provider's id of the batch; while it is being sent one of ours, `sending-…`.",
            required=True,
        ),
        text("prompt", "Name of the prompt."),
        text("prompt_hash", "Version of the prompt.", unit="hex"),
        whole("epoch", "Epoch of its questions."),
        moment("created_at", "When it was sent."),
        flag("is_collected", "True once all that came of it is in the ledger."),
        json("requests", "Its requests and the questions behind them."),
        number("worst_usd", "What it can cost at most.", unit="USD"),
        text("token", "What the ids of its requests begin with: by it a batch at the API is known as ours."),
        text("note", "Why nothing will come of it, where it was given up."),
    ),
    key=("token",),
    is_kept=True,
)

RUNS = Table(
    schema="scored",
    name="runs",
    grain="scoring run of a prompt",
    description="Every scoring run: what it asked, what it reused, what it cost, how it ended.",
    columns=(
        text("run_id", "Dagster's run id, or one of the command line's.", required=True),
        text("prompt", "Name of the prompt.", required=True),
        text("prompt_hash", "Version of the prompt.", unit="hex"),
        text("scorer", "As in scored.responses, or baseline."),
        whole("epoch", "How often all was asked again on purpose before; null for the baseline and for rehearsals."),
        moment("started_at", "Start of the run."),
        moment("finished_at", "End of the run; null while it is under way."),
        whole("asked", "Requests sent.", unit="requests"),
        whole("reused", "Documents whose answers stood already.", unit="documents"),
        whole("refused", "Documents that the model refused.", unit="documents"),
        whole("failed", "Documents left without an answer.", unit="documents"),
        number("cost_usd", "What the run spent.", unit="USD"),
        text("outcome", "running, complete, incomplete, stopped or failed."),
        text("error", "Why it stopped or failed."),
    ),
    key=("run_id", "prompt"),
    is_kept=True,
)

DEFINITIONS = Table(
    schema="ranked",
    name="definitions",
    grain="prompt",
    description="How each prompt's answers are ranked and shown: tiers, weights, labels, formula.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("ranking_hash", "SHA-256 of the definition.", unit="hex"),
        json("definition", "Title, tiers, labels, weights and formula."),
    ),
    key=("prompt",),
)

RANKING_INPUTS = Table(
    schema="ranked",
    name="inputs",
    grain="prompt",
    description="What each prompt's rankings are to be made from, as digests: they are stale when it changes.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("ranking_input_hash", "SHA-256 of all that follows: the data version.", unit="hex"),
        text("scores_digest", "Digest of the standing answers; null where there are none."),
        text("facts_digest", "Digest of the figures of the prompt's corpus: jobs, pay, outlook."),
        text("ranking_hash", "SHA-256 of the definition.", unit="hex"),
        text("formula_version", "Version of our own formulas."),
        text("indices_digest", "Digest of what the indices say of the corpus; null where none speaks of it."),
    ),
    key=("prompt",),
)

MADE_FROM = Table(
    schema="meta",
    name="made_from",
    grain="prompt × ranked table",
    description="What each ranked table's rows of a prompt were made from: out of date where ranked.inputs says else.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("table_name", "Ranked table, as in ranked.rankings.", required=True),
        text("ranking_input_hash", "Digest of what it was made from, as in ranked.inputs then.", unit="hex"),
        text("corpus", "Corpus that the prompt was about then (of ranked.rankings alone)."),
        json("definition", "Definition that it was ranked by (of ranked.rankings alone)."),
    ),
    key=("prompt", "table_name"),
)

RANKINGS = Table(
    schema="ranked",
    name="rankings",
    grain="prompt × document",
    description="Every scored document, ranked; ties share a rank. Documents without a score have none.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        whole(
            "rank",
            "1 for the highest score, or for the highest final_ranking (ranked.resilience) where the prompt has a "
            "resilience formula; ties share the lowest number; null without a score.",
        ),
        text("doc_id", "Document.", required=True),
        text("title", "Title of the document."),
        text("category", "Occupation group, where the corpus has one."),
        number("score", "Score on the prompt's scale.", unit="scale"),
        number(
            "score_sd",
            "Standard deviation of repeat samples, of several attributes that of the score which each sample makes by "
            "itself; null below two.",
            unit="scale",
        ),
        text(
            "tier",
            "Tier of the score: of the rounded one where tiers are given in whole numbers, otherwise the tier that "
            "began last at or below it.",
        ),
        text("quadrant", "Quadrant of its two attributes, where the prompt has quadrants; a cut-off itself is high."),
        json("attributes", "Mean of the samples by attribute, where the prompt asks for several."),
        number(
            "percentile",
            "Share of scored documents whose score (final_ranking, where that is ranked) is lower or equal.",
            unit="percent",
        ),
        whole(
            "jobs",
            "Employment in the base year; for O*NET an equal share of the jobs of its row of the projections.",
            unit="jobs",
        ),
        number(
            "median_pay_annual", "Median annual pay as its source has it; never imputed.", unit="pay_currency per year"
        ),
        text("pay_currency", "Currency of the pay: the one that most documents of the corpus are paid in."),
        text("pay_basis", "annual, hourly_only or none."),
        flag("pay_is_top_coded", "True where the pay is a lower bound."),
        number("wages", "jobs × median_pay_annual; null where either is.", unit="pay_currency per year"),
        number("outlook_pct", "Projected change of employment.", unit="percent"),
        text("outlook_desc", "BLS's phrase for the outlook."),
        text(
            "entry_education",
            "Typical entry-level education (BLS); for O*NET the level that most of those asked say a new hire needs.",
        ),
        text("soc_code", "2018 SOC code of the page's total row."),
        text("soc_major_group", "SOC major group of the page's codes; “Several major groups” where they differ."),
        text("url", "Page that was asked about."),
        text("rationale", "The scorer's reason, as given."),
        text("status", "ok, refused or failed."),
        text("scorer", "The provider's family, as in claude, or baseline."),
        text("model", "Model, or the baseline's version."),
        text("prompt_hash", "Version of the prompt that was answered.", unit="hex"),
        text("ranking_hash", "Definition by which it was ranked.", unit="hex"),
        moment("scored_at", "When it was answered."),
    ),
    key=("prompt", "doc_id"),
)

UNCERTAINTY = Table(
    schema="ranked",
    name="uncertainty",
    grain="prompt × document",
    description=(
        "How sure each score is. An interval holds for what was varied, as `method` says: further samples of a model "
        "say nothing of what another model would answer."
    ),
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("doc_id", "Document.", required=True),
        number("mean", "The score that is ranked.", unit="scale"),
        whole("answers", "Answers behind it, of all models.", unit="answers"),
        number(
            "sd_sample",
            "Standard deviation of one answer of a model from another of the same, shrunk to what all documents share.",
            unit="scale",
        ),
        number("sd_variant", "Standard deviation of models' means, sampling taken off.", unit="scale"),
        number("se", "Standard error of the score; null where nothing was varied.", unit="scale"),
        number("lo90", "Lower bound of the 90 % interval of the score.", unit="scale"),
        number("hi90", "Upper bound of the 90 % interval of the score.", unit="scale"),
        whole("rank_lo90", "Best rank in the 90 % interval of 1,000 draws; null where another number is ranked."),
        whole("rank_hi90", "Worst rank in it."),
        number("p_tier", "Share of the draws in which it keeps its tier.", unit="share"),
        number(
            "p_ge_threshold",
            "Share of the draws in which its score lies in the upper 30 % of the scale: 7 or higher of 10.",
            unit="share",
        ),
        text(
            "method",
            "What the interval comes from: samples, models, wordings, left-out examples (the baseline), left-out "
            "answers (--distil), or none where a single answer is all there is.",
            required=True,
        ),
    ),
    key=("prompt", "doc_id"),
)

RELIABILITY = Table(
    schema="ranked",
    name="reliability",
    grain="prompt × attribute × facet × statistic",
    description=(
        "How well repeated answers agree: between samples of a model, between models, and between places in a request. "
        "What was not varied has no row."
    ),
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("attribute", "Key of the attribute; score where the prompt asks for one number.", required=True),
        text(
            "facet",
            "What was varied: sample (of which model, if several), model, wording, position.",
            required=True,
        ),
        whole("n", "Documents, or of a slope answers, that it is computed from."),
        number("k", "Answers a document, their mean number where it varies; of a slope the documents a request."),
        text(
            "statistic",
            "ICC(1,1) or ICC(A,1) of an answer, ICC(1,k) or ICC(A,k) of a mean of k, Krippendorff's alpha, or slope: "
            "the change from the first place in a request to the last.",
            required=True,
        ),
        number("value", "Its value; of a slope in units of the scale."),
        number("lo", "Lower bound of its 95 % interval; null where it has none."),
        number("hi", "Upper bound of it."),
    ),
    key=("prompt", "attribute", "facet", "statistic"),
)

SUMMARIES = Table(
    schema="ranked",
    name="summaries",
    grain="prompt × grouping × group",
    description="Jobs, wages and mean scores by group. Documents without the needed figure are a group of their own.",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text(
            "grouping",
            "all, tier, quadrant, pay_band, education, category, outlook, soc_major_group or score_threshold.",
            required=True,
        ),
        text("group_label", "The group.", required=True),
        whole("group_order", "Position of the group in its grouping, from 1."),
        whole("occupations", "Documents in the group.", unit="documents"),
        whole("scored", "Documents in the group that have a score.", unit="documents"),
        whole("jobs", "Sum of jobs where known.", unit="jobs"),
        number("wages", "Sum of jobs × median annual pay where both are known.", unit="pay_currency per year"),
        text("pay_currency", "Currency of the wages; null where no pay is known."),
        number("mean_score", "Plain mean over scored documents.", unit="scale"),
        number("job_weighted_mean", "Mean weighted by jobs, over scored documents with jobs.", unit="scale"),
        number(
            "se",
            "Standard error of job_weighted_mean, if errors within a SOC major group go together by 0.2; null where a "
            "score has none.",
            unit="scale",
        ),
        number("se_independent", "The same if no errors go together.", unit="scale"),
        number("se_correlated", "The same if they go together by 0.4.", unit="scale"),
        number("lo90", "Lower bound of the 90 % interval of job_weighted_mean, by se.", unit="scale"),
        number("hi90", "Upper bound of it.", unit="scale"),
        number(
            "expected_share",
            "Share of the group's jobs expected in the upper 30 % of the scale, as sure as each score is; of "
            "score_threshold the share of all jobs expected at or above that threshold.",
            unit="share",
        ),
        number("share_lo", "Lower bound of its 90 % interval.", unit="share"),
        number("share_hi", "Upper bound of it.", unit="share"),
    ),
    key=("prompt", "grouping", "group_label"),
)

CHANGES = Table(
    schema="ranked",
    name="changes",
    grain="prompt × document",
    description=(
        "What moved between the standing answers and the latest version before them that another prompt version "
        "or model answered. Empty until there are two versions."
    ),
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("doc_id", "Document.", required=True),
        text("title", "Title of the document."),
        text("change", "up, down, same, added or gone."),
        number("score_before", "Ranked score of the earlier version.", unit="scale"),
        number("score_after", "Ranked score of the later version.", unit="scale"),
        number("shift", "score_after − score_before.", unit="scale"),
        whole("rank_before", "Rank in the earlier version."),
        whole("rank_after", "Rank in the later version."),
        text("rationale_before", "Reason in the earlier version."),
        text("rationale_after", "Reason in the later version."),
        whole("from_version", "Number of the earlier version."),
        whole("to_version", "Number of the later version."),
        text("from_prompt_hash", "Prompt version of the earlier version.", unit="hex"),
        text("to_prompt_hash", "Prompt version of the later version.", unit="hex"),
        text("from_model", "Model of the earlier version."),
        text("to_model", "Model of the later version."),
    ),
    key=("prompt", "doc_id"),
)

RESILIENCE = Table(
    schema="ranked",
    name="resilience",
    grain="prompt with a resilience formula × O*NET occupation that can be scored",
    description=(
        "Ten attributes, the score made of them, the two signals of the labour market and the ranking made of all "
        "three, so that every ranking can be recomputed by hand (docs/resilience.md). Occupations without an answer "
        "have no score and no rank."
    ),
    columns=(
        text("onet_code", "O*NET-SOC code.", required=True),
        text("title", "Title of the occupation."),
        whole("job_zone", "Job zone, 1 to 5."),
        *(number(f"a{place}", f"Attribute {place} of the prompt, 1 to 5.", unit="scale") for place in range(1, 11)),
        number("defensive", "Weighted mean of the defensive attributes, unrounded.", unit="scale"),
        number("offensive", "Weighted mean of the offensive attributes, unrounded.", unit="scale"),
        number("ai_proof_score", "Both means by their shares, one decimal; then ceiling, then floor.", unit="scale"),
        number("growth_norm", "Growth signal, 0 to 1; null where nothing is known."),
        number("openings_norm", "Openings signal, 0 to 1; null where none are known."),
        text("growth_source", "percent: of its own row of the projections; category: by the documented table."),
        number("final_ranking", "Score and signals by their weights, 0 to 1, three decimals."),
        whole("rank", "1 for the highest final_ranking; ties share the lowest number; null without a score."),
        text("key_drivers", "What keeps the work with people, or does not, as the scorer gave it."),
        number("median_wage_annual", "Median annual wage; a lower bound where top-coded.", unit="USD per year"),
        text("growth_category", "BLS's category of projected change."),
        number("employment_change_pct", "Projected change of employment.", unit="percent"),
        whole("openings", "Projected openings a year.", unit="jobs per year"),
        Column(name="sample_titles", type="VARCHAR[]", description="Job titles that people in it report."),
        text("status", "ok, refused or failed; null where it was not asked about."),
        text("scorer", "The provider's family, as in claude, or baseline."),
        text("model", "Model, or the baseline's version."),
        text("prompt", "Name of the prompt.", required=True),
        text("prompt_hash", "Version of the prompt that was answered.", unit="hex"),
        text("ranking_hash", "Definition by which it was ranked.", unit="hex"),
        moment("scored_at", "When it was answered."),
    ),
    key=("prompt", "onet_code"),
)

TASK_ROLLUPS = Table(
    schema="ranked",
    name="task_rollups",
    grain="prompt about tasks × O*NET occupation",
    description=(
        "Scores of single tasks, rolled up to occupations by the weights that the prompt file states, times the "
        "importance of each task where that is rated."
    ),
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("onet_code", "O*NET-SOC code.", required=True),
        text("title", "Title of the occupation."),
        whole("rank", "1 for the highest score; ties share the lowest number; null without a score."),
        number("score", "Weighted mean over its scored tasks.", unit="scale"),
        whole("tasks", "Its tasks.", unit="tasks"),
        whole(
            "rated_tasks",
            "Its tasks whose importance is rated; the others count as of the mean importance of these.",
            unit="tasks",
        ),
        whole("scored_tasks", "Its tasks that have a score.", unit="tasks"),
        number("scored_weight", "Share of the weight that the scored tasks carry, 0 to 1."),
        text("scorer", "The provider's family, as in claude, or baseline."),
        text("ranking_hash", "Definition by which it was rolled up.", unit="hex"),
    ),
    key=("prompt", "onet_code"),
)

AGREEMENT = Table(
    schema="ranked",
    name="agreement",
    grain="prompt × reference × subset",
    description=(
        "How far a prompt's scores agree with each published index of occupations (EXPOSURE_INDICES), over the "
        "documents that both speak of. Agreement says that two scorers see the same order, and not that either is "
        "right; indices that ask another question agree less. Empty where no index is set."
    ),
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("reference", "Name of the index.", required=True),
        text(
            "subset",
            "all: the documents themselves; rolled_up: occupations, as ranked.task_rollups has them of their tasks.",
            required=True,
        ),
        whole("n", "Documents that both speak of.", unit="documents"),
        number("coverage", "Share of the scored documents that the index speaks of, 0 to 1."),
        number("spearman", "Spearman's rank correlation; null where either does not vary."),
        number("lo", "Lower bound of its 95 % bootstrap interval; null below ten documents."),
        number("hi", "Upper bound of its 95 % bootstrap interval."),
        number("kendall_b", "Kendall's tau-b."),
        number("pearson", "Pearson's correlation."),
        number(
            "top_decile",
            "Share of the highest tenth (n/10, rounded) that both have in common, ties split; chance gives 0.1.",
        ),
        number("bottom_decile", "The same of the lowest tenth."),
        number("mae", "Mean absolute difference, where both are on one scale; else null.", unit="scale"),
        number("bias", "Mean of ours − theirs, likewise.", unit="scale"),
        number("expected_low", "Lowest Spearman's correlation that is expected of this prompt; null where none is."),
        number("expected_high", "Highest that is expected, likewise."),
    ),
    key=("prompt", "reference", "subset"),
)

DISAGREEMENTS = Table(
    schema="ranked",
    name="disagreements",
    grain="prompt × reference × subset × document",
    description=(
        "Where a prompt and a published index place a document among those that both speak of: what is far apart is "
        "worth reading, on either side. Empty where no index is set."
    ),
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("reference", "Name of the index.", required=True),
        text("subset", "As in ranked.agreement.", required=True),
        text("doc_id", "Document; of rolled-up tasks the O*NET-SOC code.", required=True),
        text("title", "Title of the document."),
        number("score", "Score on the prompt's scale.", unit="scale"),
        number("value", "What the index says, on its own scale.", unit="index"),
        number("percentile_ours", "Place of its score among them: 100 for the highest, ties share.", unit="percent"),
        number("percentile_theirs", "Place of the index's value among them, likewise.", unit="percent"),
        number("gap", "percentile_ours − percentile_theirs.", unit="percentage points"),
    ),
    key=("prompt", "reference", "subset", "doc_id"),
)

GATE = Table(
    schema="ranked",
    name="gate",
    grain="prompt × check",
    description="What was looked at before the prompt's scores may be published, and what was found (EXPOSURE_GATE).",
    columns=(
        text("prompt", "Name of the prompt.", required=True),
        text("check_name", "Name of the check.", required=True),
        flag("is_essential", "True where scores that fail it are not about the question."),
        flag("has_passed", "False where the figure is beyond its limit; true where there is nothing to look at."),
        number("value", "The figure; null where there is nothing to look at."),
        number("bound", "What it is held against."),
        whole("n", "Documents, examples or rows that the figure is of."),
        text("description", "What was found, or why nothing could be."),
    ),
    key=("prompt", "check_name"),
)

OCCUPATIONS = Table(
    schema="ranked",
    name="occupations",
    grain="handbook page × ranked prompt",
    description=(
        "One occupation joined across systems: its handbook page, its O*NET codes, and what every ranked prompt says "
        "of it, whatever the prompt is about: the page itself, its O*NET occupations, or documents of one's own with "
        "such codes. Jobs and pay are the page's own; the jobs of its O*NET codes are shares of them "
        "(parsed.soc_crosswalk), so that nobody is counted twice. A page that no prompt says anything of has one row "
        "without a prompt."
    ),
    columns=(
        text("slug", "Page, as in raw.ooh_pages.", required=True),
        text("title", "Title of the page."),
        text("category", "Occupation group in the handbook."),
        text("url", "Canonical address of the page."),
        Column(name="onet_codes", type="VARCHAR[]", description="O*NET-SOC codes that the page covers."),
        whole("jobs", "Employment in the base year, from the page.", unit="jobs"),
        whole("onet_jobs", "Sum of the shares of its O*NET codes; null where the projections have none.", unit="jobs"),
        number("median_pay_annual", "Median annual pay as BLS prints it; never imputed.", unit="USD per year"),
        text("pay_basis", "annual, hourly_only or none."),
        flag("pay_is_top_coded", "True where the pay is a lower bound."),
        number("outlook_pct", "Projected change of employment.", unit="percent"),
        text("prompt", "Prompt whose scores follow; null where none says anything of the page."),
        Column(
            name="doc_ids",
            type="VARCHAR[]",
            description="Documents of the prompt's corpus that belong to the page and have a score.",
        ),
        number("score", "Mean of their scores, to three decimals; of a single one its score.", unit="scale"),
        number("score_low", "Lowest of their scores.", unit="scale"),
        number("score_high", "Highest of their scores.", unit="scale"),
        whole("rank", "Its rank in that prompt, where the prompt is about the page itself."),
        text("tier", "Its tier in that prompt, likewise."),
        text("quadrant", "Its quadrant in that prompt, likewise."),
        number("final_ranking", "Mean final_ranking of its documents, 0 to 1, where the prompt has that formula."),
        text("scorer", "Who answered: the provider's family, as in claude, or baseline."),
    ),
    key=("slug", "prompt"),
)

TABLES = MappingProxyType(
    {
        table.full_name: table
        for table in (
            OOH_INDEX,
            OOH_PAGES,
            ONET_LIST,
            ONET_PAGES,
            ONET_DATABASE,
            ONET_FEATURES,
            RAW_PROJECTIONS,
            OWN_DOCUMENTS,
            INDICES,
            OOH_TITLES,
            OOH_OCCUPATIONS,
            OOH_PROJECTIONS,
            OOH_UNREAD,
            EMPLOYMENT_PROJECTIONS,
            ONET_OCCUPATIONS,
            ONET_TASKS,
            ONET_TITLES,
            ONET_FEATURES,
            ONET_UNREAD,
            SOC_CROSSWALK,
            DOCUMENTS,
            DOCUMENT_FACTS,
            TEXTS,
            MATCHES,
            INDEX_VALUES,
            PROMPTS,
            PROMPT_VERSIONS,
            INPUTS,
            SCORES,
            SCORE_VERSIONS,
            VARIANTS,
            RESPONSES,
            BATCHES,
            RUNS,
            CORRECTIONS,
            DEFINITIONS,
            RANKING_INPUTS,
            MADE_FROM,
            RANKINGS,
            UNCERTAINTY,
            RELIABILITY,
            SUMMARIES,
            CHANGES,
            RESILIENCE,
            TASK_ROLLUPS,
            AGREEMENT,
            DISAGREEMENTS,
            GATE,
            OCCUPATIONS,
        )
    }
)


def registry_digest() -> str:
    """Digest of every table's DDL: a warehouse that carries it has nothing to add."""
    return hashlib.sha256("\n".join(table.ddl() for table in TABLES.values()).encode()).hexdigest()
