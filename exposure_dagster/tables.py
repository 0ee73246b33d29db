"""The registry of tables: the one place that says which tables and columns exist.

The DDL, the column metadata in the Dagster UI, the schema checks and the data dictionary that is
published are all made from it. What a table is filled with belongs to the module that fills it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

WAREHOUSE_VERSION = 2
"""Raised with each migration (see `migrations`): an older program refuses the file then."""

ColumnType = Literal[
    "VARCHAR", "VARCHAR[]", "BLOB", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "JSON"
]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its DuckDB type, what it means, its unit, and where the figure comes from."""

    name: str
    type: ColumnType
    description: str
    unit: str | None = None
    is_nullable: bool = True


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: `grain` is what one row stands for, `key` the columns that tell rows apart.

    `is_kept`: its rows cannot be made again, or only from what was paid for; they outlive every change of its
    declaration. The others are dropped when that changes, and the next run fills them. `filled_with`: the table whose
    rows say what of this one is filled.
    """

    schema: str
    name: str
    grain: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    is_append_only: bool = False
    is_kept: bool = False
    filled_with: str | None = None

    @property
    def full_name(self) -> str:
        """`schema.name`, as written in SQL."""
        return f"{self.schema}.{self.name}"

    @property
    def rows_are(self) -> str:
        """What one row stands for, as a sentence. A grain that begins with "the" is of a table with one row."""
        return f"One row: {self.grain}." if self.grain.startswith("the ") else f"One row for each {self.grain}."

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def ddl(self) -> str:
        """The `CREATE TABLE IF NOT EXISTS` statement, in SQL that DuckDB files and DuckLake both take."""
        lines = [f"{column.name} {column.type}{'' if column.is_nullable else ' NOT NULL'}" for column in self.columns]
        return f"CREATE TABLE IF NOT EXISTS {self.full_name} ({', '.join(lines)})"


def _text(name: str, description: str, *, required: bool = False, unit: str | None = None) -> Column:
    return Column(name=name, type="VARCHAR", description=description, unit=unit, is_nullable=not required)


def _int(name: str, description: str, *, unit: str | None = None, required: bool = False) -> Column:
    return Column(name=name, type="BIGINT", description=description, unit=unit, is_nullable=not required)


def _number(name: str, description: str, *, unit: str | None = None) -> Column:
    return Column(name=name, type="DOUBLE", description=description, unit=unit)


def _flag(name: str, description: str) -> Column:
    return Column(name=name, type="BOOLEAN", description=description)


def _time(name: str, description: str) -> Column:
    return Column(name=name, type="TIMESTAMP", description=description, unit="UTC")


def _json(name: str, description: str) -> Column:
    return Column(name=name, type="JSON", description=description)


_FETCHED = (
    _text("url", "Address that was asked for.", required=True),
    _int("status", "HTTP status of the last attempt; null where no answer came.", unit="HTTP status"),
    _text("reason", "Why the last attempt gave no usable body; null where it did."),
    _time("fetched_at", "When the stored body was fetched."),
    _time("checked_at", "When the address was last asked, whatever the answer."),
    _text("content_sha256", "SHA-256 of the stored body's bytes.", unit="hex"),
    _text("etag", "ETag the server gave with the stored body."),
    _text("last_modified", "Last-Modified the server gave with the stored body."),
    Column(name="body", type="BLOB", description="Last good body, as received.", unit="bytes"),
)

OOH_INDEX = Table(
    schema="raw",
    name="ooh_index",
    grain="the handbook's A–Z page",
    description="The A–Z index of the Occupational Outlook Handbook, as fetched.",
    columns=_FETCHED,
    key=("url",),
    is_kept=True,
)

OOH_PAGES = Table(
    schema="raw",
    name="ooh_pages",
    grain="handbook page",
    description=(
        "Every occupation page that the A–Z index names, as fetched. A page that could not be had keeps "
        "its last good body, with the status and reason of the failed attempt."
    ),
    columns=(
        _text("slug", "Last part of the page's address: the document id of corpus ooh.", required=True),
        _text("category", "Occupation group in the handbook, from the address."),
        _flag("is_listed", "False where the A–Z index no longer names the page; it is kept and no longer parsed."),
        *_FETCHED,
    ),
    key=("slug",),
    is_kept=True,
)

_PROVENANCE = (
    _text("release", "Release or edition: of the database as in 30.2, of the projections their years."),
    _text("licence", "Licence of the source, and whose it is."),
)

ONET_LIST = Table(
    schema="raw",
    name="onet_list",
    grain="the list of all O*NET occupations",
    description="The list of all O*NET occupations, as fetched.",
    columns=(*_FETCHED, *_PROVENANCE),
    key=("url",),
    is_kept=True,
)

ONET_PAGES = Table(
    schema="raw",
    name="onet_pages",
    grain="O*NET occupation with data",
    description=(
        "The summary page of every scoreable O*NET occupation, as fetched. A page that could not be had keeps its "
        "last good body, with the status and reason of the failed attempt."
    ),
    columns=(
        _text("onet_code", "O*NET-SOC code.", required=True),
        _flag("is_listed", "False where the list no longer names the occupation; it is kept and no longer parsed."),
        *_FETCHED,
        *_PROVENANCE,
    ),
    key=("onet_code",),
    is_kept=True,
)

ONET_DATABASE = Table(
    schema="raw",
    name="onet_database",
    grain="the release of the O*NET database in use",
    description=(
        "The release of the O*NET database that is parsed: the zip archive as fetched or saved, or, of a saved "
        "folder, an archive of its tables. `url` is the address, or the path of what was saved."
    ),
    columns=(
        *_FETCHED,
        *_PROVENANCE,
        _text("newest_release", "Newest release that its publisher named when last looked; null where unknown."),
    ),
    key=("url",),
    is_kept=True,
)

RAW_PROJECTIONS = Table(
    schema="raw",
    name="employment_projections",
    grain="the edition of BLS's employment projections in use",
    description=(
        "BLS's employment projections by occupation, as downloaded. `url` is the address, or the path of what was "
        "saved."
    ),
    columns=(*_FETCHED, *_PROVENANCE),
    key=("url",),
    is_kept=True,
)

OWN_DOCUMENTS = Table(
    schema="raw",
    name="own_documents",
    grain="row of a user's own file of documents",
    description=(
        "Users' own documents, as read from the files that EXPOSURE_DOCUMENTS names. A file that cannot be used "
        "leaves the rows of its last good version."
    ),
    columns=(
        _text("corpus", "Name of the corpus, as the setting and prompts name it.", required=True),
        _text("doc_id", "Document, unique in its corpus.", required=True),
        _text("title", "Title of the document.", required=True),
        _text("text", "Text as the file has it.", required=True),
        _int("jobs", "People who do it, where the file says so.", unit="jobs"),
        _number("median_pay_annual", "Pay, where the file says so.", unit="USD per year"),
        _text("file", "File that it was read from."),
        _text("file_sha256", "SHA-256 of the file's bytes.", unit="hex"),
        _time("read_at", "When that version of the file was first read."),
    ),
    key=("corpus", "doc_id"),
    is_kept=True,
)

OOH_TITLES = Table(
    schema="parsed",
    name="ooh_titles",
    grain="title in the A–Z index",
    description="Every title and alias in the A–Z index, with the page it leads to.",
    columns=(
        _text("title", "Occupation title or alias, as printed.", required=True),
        _text("slug", "Page that the title leads to.", required=True),
        _flag("is_alias", "True where the index says “see” another title."),
    ),
    key=("title", "slug"),
)

OOH_OCCUPATIONS = Table(
    schema="parsed",
    name="ooh_occupations",
    grain="handbook page",
    description="Quick facts, codes and text of every handbook page. Nothing in it is imputed.",
    columns=(
        _text("slug", "Page, as in raw.ooh_pages.", required=True),
        _text("title", "Occupation title, from the page's heading."),
        _text("category", "Occupation group in the handbook, from the address."),
        _text("url", "Canonical address of the page."),
        _text("soc_code", "2018 SOC code of the page's total row; null where the page prints a dash there."),
        Column(
            name="soc_codes",
            type="VARCHAR[]",
            description="Detailed 2018 SOC codes that the page covers, from the projections table and O*NET links.",
        ),
        Column(
            name="onet_codes",
            type="VARCHAR[]",
            description="O*NET-SOC codes that the page links to under More Info.",
        ),
        _number("median_pay_annual", "Median annual pay; null where the page prints none.", unit="USD per year"),
        _number("median_pay_hourly", "Median hourly pay; null where the page prints none.", unit="USD per hour"),
        _text("pay_basis", "annual: the page prints a yearly figure; hourly_only: an hourly one alone; none."),
        _flag("pay_is_top_coded", "True where the page says “equal to or greater than”."),
        _int("pay_year", "Year of the pay figures, from their label.", unit="year"),
        _text("entry_education", "Typical entry-level education; null where the page points at another tab."),
        _text("work_experience", "Work experience in a related occupation; “None” is a value."),
        _text("training", "Typical on-the-job training; “None” is a value."),
        _int("jobs", "Employment in the base year.", unit="jobs"),
        _int("projected_jobs", "Projected employment in the projection year.", unit="jobs"),
        _number("outlook_pct", "Projected change of employment between the two years.", unit="percent"),
        _text("outlook_desc", "BLS's phrase for the outlook, as in “Faster than average”."),
        _int("employment_change", "Projected change of employment between the two years.", unit="jobs"),
        _int("base_year", "First year of the projection, from the page.", unit="year"),
        _int("projection_year", "Last year of the projection, from the page.", unit="year"),
        Column(name="last_modified", type="DATE", description="Last Modified Date printed on the page."),
        _text("description", "The page's own one-sentence description."),
        _text("text", "Text of tabs 2–6 as Markdown.", unit="Markdown"),
        _text("content_sha256", "SHA-256 of the body it was parsed from.", unit="hex"),
        _text("parser_version", "Version of the parser that read it."),
    ),
    key=("slug",),
)

OOH_PROJECTIONS = Table(
    schema="parsed",
    name="ooh_projections",
    grain="row of a page's projections table",
    description="Every row of every page's employment projections table; rows with is_total = false add up.",
    columns=(
        _text("slug", "Page, as in raw.ooh_pages.", required=True),
        _int("row", "Position in the page's table, from 1.", required=True),
        _int("level", "Depth of indentation, 0 for the page's total."),
        _text("occupation_title", "Title in the row."),
        _text("soc_code", "2018 SOC code in the row; null where the page prints a dash."),
        _flag("is_total", "True where the row adds up rows below it."),
        _int("employment", "Employment in the base year.", unit="jobs"),
        _int("projected_employment", "Projected employment in the projection year.", unit="jobs"),
        _number("change_pct", "Projected change.", unit="percent"),
        _int("change", "Projected change.", unit="jobs"),
    ),
    key=("slug", "row"),
    filled_with="parsed.ooh_occupations",
)

OOH_UNREAD = Table(
    schema="parsed",
    name="ooh_unread",
    grain="field of a page that should be there and could not be read",
    description="Signs of a changed page layout. Empty when every page was read in full.",
    columns=(
        _text("slug", "Page, as in raw.ooh_pages.", required=True),
        _text("field", "Column of parsed.ooh_occupations or parsed.ooh_projections.", required=True),
        _text("found", "What stood where the field was looked for."),
        _text("content_sha256", "SHA-256 of the body in which it was looked for.", unit="hex"),
    ),
    key=("slug", "field", "found"),
    filled_with="parsed.ooh_occupations",
)

ONET_OCCUPATIONS = Table(
    schema="parsed",
    name="onet_occupations",
    grain="O*NET occupation",
    description=(
        "Every listed O*NET occupation. Each figure comes from the summary page, else from the database, else from "
        "the projections; `origins` says which. Nothing in it is imputed."
    ),
    columns=(
        _text("onet_code", "O*NET-SOC code, as in 29-1141.00.", required=True),
        _text("soc_code", "2018 SOC code that it belongs to.", required=True),
        _text("title", "Title in the list."),
        _int("job_zone", "Job zone, 1 (little preparation) to 5 (extensive)."),
        _flag("is_scoreable", "True where O*NET has data on it: not the military and “All Other” ones."),
        _text("description", "What people in it do, in a sentence or two."),
        _number("median_wage_annual", "Median annual wage; a lower bound where top-coded.", unit="USD per year"),
        _number("median_wage_hourly", "Median hourly wage; only pages have it.", unit="USD per hour"),
        _flag("wage_is_top_coded", "True where the wage is a lower bound; null without a wage."),
        _text("growth_category", "BLS's category of projected change, Decline to Much faster than average."),
        _number(
            "employment_change_pct", "Projected change of employment of its row of the projections.", unit="percent"
        ),
        _int("openings", "Projected openings a year of its row of the projections.", unit="jobs per year"),
        _text("education_top", "Level of education that most respondents call required; else BLS's entry level."),
        _number("education_top_pct", "Share of respondents who say so; null for BLS's entry level.", unit="percent"),
        _text("education_second", "Level that the second most call required."),
        _number("education_second_pct", "Share of respondents who say so.", unit="percent"),
        Column(name="sample_titles", type="VARCHAR[]", description="Job titles that people in it report."),
        _int("tasks_count", "Number of task statements.", unit="tasks"),
        _text("url", "Address of its summary page."),
        _text("projection_soc_code", "Row of the projections that it is or lies in."),
        _text(
            "projection_match", "exact: the row is its own; specialty: a part of it; combined: several taken together."
        ),
        _int("base_year", "First year of the projection.", unit="year"),
        _int("projection_year", "Last year of the projection.", unit="year"),
        _json("origins", "For each figure that is there: page, database or projections."),
        _text("text", "What a prompt is asked about: title, description, tasks, titles, education.", unit="Markdown"),
    ),
    key=("onet_code",),
)

EMPLOYMENT_PROJECTIONS = Table(
    schema="parsed",
    name="employment_projections",
    grain="row of BLS's employment projections",
    description="BLS's employment projections: detailed SOC occupations, and groups that BLS projects as one.",
    columns=(
        _text("soc_code", "2018 SOC code, or a code that takes several together.", required=True),
        _text("title", "Occupation title."),
        Column(name="aliases", type="VARCHAR[]", description="Other titles in the same cell of the file."),
        _int("employment", "Employment in the base year.", unit="jobs"),
        _int("projected_employment", "Projected employment in the projection year.", unit="jobs"),
        _int("change", "Projected change between the two years, as BLS rounds it.", unit="jobs"),
        _number("change_pct", "Projected change between the two years.", unit="percent"),
        _int("openings", "Projected openings, annual average.", unit="jobs per year"),
        _number("median_wage_annual", "Median annual wage; null where BLS has none.", unit="USD per year"),
        _flag("wage_is_top_coded", "True where the wage is a lower bound."),
        _text("entry_education", "Typical entry-level education."),
        _text("work_experience", "Work experience in a related occupation."),
        _text("training", "Typical on-the-job training."),
        _int("base_year", "First year of the projection.", unit="year"),
        _int("projection_year", "Last year of the projection.", unit="year"),
        _int("wage_year", "Year of the wages; null where the header does not say.", unit="year"),
    ),
    key=("soc_code",),
)

ONET_TASKS = Table(
    schema="parsed",
    name="onet_tasks",
    grain="task statement of an O*NET occupation",
    description="What people in each occupation do, statement by statement. Several occupations share some texts.",
    columns=(
        _text("doc_id", "O*NET-SOC code and task id: the document id of corpus onet_tasks.", required=True),
        _text("onet_code", "O*NET-SOC code.", required=True),
        _text("title", "Title of the occupation."),
        _int("task_id", "O*NET's number of the task."),
        _text("task", "The statement."),
        _text("task_type", "Core, Supplemental, or null."),
        _int("incumbents_responding", "Share of the workers asked who do it.", unit="percent"),
        _number("importance", "Mean importance, 1 to 5; null where the release at hand has no ratings.", unit="scale"),
        _text("date", "Month and year of the statement's last update."),
        _text("domain_source", "Who was asked."),
    ),
    key=("doc_id",),
)

ONET_TITLES = Table(
    schema="parsed",
    name="onet_titles",
    grain="O*NET occupation × reported job title",
    description="Job titles that people in each occupation report.",
    columns=(
        _text("onet_code", "O*NET-SOC code.", required=True),
        _text("title", "Title as reported.", required=True),
        _text("origin", "page or database."),
    ),
    key=("onet_code", "title"),
)

ONET_UNREAD = Table(
    schema="parsed",
    name="onet_unread",
    grain="field of a summary page that should be there and could not be read",
    description="Signs of a changed page layout at O*NET. Empty when every page was read in full.",
    columns=(
        _text("onet_code", "O*NET-SOC code.", required=True),
        _text("field", "Field of the page, or page where none of it could be read.", required=True),
        _text("found", "What stood where the field was looked for."),
    ),
    key=("onet_code", "field", "found"),
)

SOC_CROSSWALK = Table(
    schema="parsed",
    name="soc_crosswalk",
    grain="O*NET occupation × handbook page that covers it",
    description=(
        "Handbook page ↔ SOC ↔ O*NET, from the pages' own links and the combined codes of the projections. The jobs "
        "of a row of the projections are shared equally among the O*NET occupations in it: shares add up to the "
        "row, and nobody is counted twice. A share says nothing about how many work in one specialty."
    ),
    columns=(
        _text("onet_code", "O*NET-SOC code.", required=True),
        _text("soc_code", "2018 SOC code that it belongs to.", required=True),
        _text("title", "Title in the list."),
        _flag("is_scoreable", "True where O*NET has data on it."),
        _text("slug", "Handbook page that covers it; null where none does."),
        _flag("is_linked", "True where the page itself links to it, False where they share a SOC code."),
        _text("projection_soc_code", "Row of the projections that it is or lies in."),
        _text("projection_match", "exact, specialty or combined."),
        _int("jobs_share", "Its equal share of the row's jobs in the base year.", unit="jobs"),
        _int("sharing", "Number of rows of this table that share the row's jobs."),
    ),
    key=("onet_code", "slug"),
)

DOCUMENTS = Table(
    schema="parsed",
    name="documents",
    grain="corpus × document",
    description="What a prompt can be asked about, now.",
    columns=(
        _text("corpus", "Name of the corpus, as prompts name it.", required=True),
        _text("doc_id", "Document, unique in its corpus (for ooh: the slug).", required=True),
        _text("title", "Title of the document."),
        _text("text", "Text as the model reads it.", unit="Markdown"),
        _text("text_sha256", "SHA-256 of the text.", unit="hex", required=True),
    ),
    key=("corpus", "doc_id"),
)

TEXTS = Table(
    schema="parsed",
    name="texts",
    grain="text ever asked about",
    description="Every text that was ever a document, by its hash: what a past answer was about.",
    columns=(
        _text("text_sha256", "SHA-256 of the text.", unit="hex", required=True),
        _text("text", "The text.", unit="Markdown"),
    ),
    key=("text_sha256",),
    is_append_only=True,
    is_kept=True,
)

PROMPTS = Table(
    schema="scored",
    name="prompts",
    grain="prompt",
    description="The prompt files, now.",
    columns=(
        _text("prompt", "Name: the prompt file's stem, and the partition key.", required=True),
        _text("prompt_hash", "SHA-256 of all that reaches the model and decides its answer.", unit="hex"),
        _text("corpus", "Corpus that is asked about."),
        _text("title", "Display title."),
        _text("model", "Model that is asked."),
        _text("baseline_hash", "SHA-256 of what the baseline works from.", unit="hex"),
        _json("baseline_definition", "Levels, examples and word lists: what the baseline works from."),
        _text("source", "Path of the prompt file."),
        _flag("is_enabled", "False where the file says `enabled: false`."),
    ),
    key=("prompt",),
)

PROMPT_VERSIONS = Table(
    schema="scored",
    name="prompt_versions",
    grain="version of a prompt ever seen",
    description="The whole of every prompt version: what scoring reads, and what a past answer was about.",
    columns=(
        _text("prompt_hash", "SHA-256 of all that reaches the model and decides its answer.", unit="hex"),
        _text("prompt", "Name of the prompt."),
        _json("definition", "The hashed content."),
        _time("first_seen_at", "When the version was first seen."),
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
        _text("prompt", "Name of the prompt.", required=True),
        _text("prompt_hash", "Version of the prompt.", unit="hex"),
        _text("doc_id", "Document.", required=True),
        _text("text_sha256", "SHA-256 of the document's text.", unit="hex"),
        _text("input_hash", "Digest of prompt version and corpus: the data version of the input.", unit="hex"),
    ),
    key=("prompt", "doc_id"),
)

SCORES = Table(
    schema="scored",
    name="scores",
    grain="prompt × document",
    description="The standing answers. Every document asked about has a row, whatever became of it.",
    columns=(
        _text("prompt", "Name of the prompt.", required=True),
        _text("prompt_hash", "Version of the prompt that was answered.", unit="hex"),
        _text("doc_id", "Document.", required=True),
        _text("text_sha256", "SHA-256 of the text that was answered about.", unit="hex"),
        _number("score", "Mean of the samples, on the prompt's scale; null unless status is ok.", unit="scale"),
        _json("attributes", "Mean of the samples by attribute, where the prompt asks for several."),
        _text("rationale", "The scorer's reason, as given."),
        _text("status", "ok, refused or failed.", required=True),
        _text("scorer", "claude or baseline."),
        _text("model", "Model, or the baseline's version."),
        _text(
            "input_hash",
            "Digest of prompt version and corpus that was answered: what scored.inputs carried.",
            unit="hex",
        ),
        _int("samples", "Accepted samples behind the score.", unit="samples"),
        _number("score_sd", "Standard deviation of the samples; null below two.", unit="scale"),
        _time("scored_at", "When the last of its samples was answered."),
        _text("error", "Last error, where status is failed or refused."),
        _text(
            "note",
            "What a reader of the answer should know: that the document was cut, how the answer had to be read, that "
            "its usage could not be true.",
        ),
    ),
    key=("prompt", "doc_id"),
    is_kept=True,
)

SCORE_VERSIONS = Table(
    schema="scored",
    name="score_versions",
    grain="prompt × version × document",
    description="Every version of a prompt's standing answers that ever stood, whoever answered.",
    columns=(
        _text("prompt", "Name of the prompt.", required=True),
        _int("version", "Number of the version, from 1.", required=True),
        _time("versioned_at", "When it began to stand."),
        _text("title", "Title of the document then."),
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
        _text("request_key", "Identity of the question; at most one accepted answer each.", unit="hex"),
        _int("attempt", "Number of the attempt at this key, from 1."),
        _flag("is_accepted", "True where the answer was valid and stands."),
        _text("prompt", "Name of the prompt.", required=True),
        _text("prompt_hash", "Version of the prompt.", unit="hex"),
        _text("doc_id", "Document.", required=True),
        _text("text_sha256", "SHA-256 of the text asked about.", unit="hex"),
        _text("scorer", "claude or claude-batch."),
        _text("model", "Model that was asked."),
        _int("sample", "Number of the repeat sample, from 1."),
        _int("epoch", "Raised when the same question is asked again on purpose, from 0."),
        _text("status", "ok, invalid, refused or failed.", required=True),
        _json("attributes", "The numbers of the answer, by attribute."),
        _text("rationale", "The answer's reason, as given."),
        _int("input_tokens", "Tokens read at the full price; this document's share.", unit="tokens"),
        _int("output_tokens", "Tokens written; this document's share.", unit="tokens"),
        _int(
            "cache_read_tokens",
            "Tokens read from the provider's cache; this document's share.",
            unit="tokens",
        ),
        _int(
            "cache_write_tokens",
            "Tokens written to the provider's cache; this document's share.",
            unit="tokens",
        ),
        _number("cost_usd", "Cost by the price table; this document's share.", unit="USD"),
        _text("request_id", "The provider's id of the request."),
        _text("batch_id", "The provider's id of the batch; null for single requests."),
        _number("latency_ms", "From sending to the whole answer.", unit="ms"),
        _time("created_at", "When the attempt ended."),
        _text("error", "What went wrong, without keys or texts."),
        _text(
            "note",
            "What a reader of the answer should know: that the document was cut, how the answer had to be read, that "
            "its usage could not be true.",
        ),
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
        _text("request_key", "Row of scored.responses that was corrected.", required=True, unit="hex"),
        _int("attempt", "The row's number of the attempt.", required=True),
        _time("corrected_at", "When it was corrected."),
        _text("reason", "Why, in the words of whoever corrected it."),
        _json("before", "Tokens and cost (USD) before."),
        _json("after", "Tokens and cost (USD) since."),
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
        _text(
            "batch_id",
            "The provider's id of the batch; while it is being sent one of ours, `sending-…`.",
            required=True,
        ),
        _text("prompt", "Name of the prompt."),
        _text("prompt_hash", "Version of the prompt.", unit="hex"),
        _int("epoch", "Epoch of its questions."),
        _time("created_at", "When it was sent."),
        _flag("is_collected", "True once all that came of it is in the ledger."),
        _json("requests", "Its requests and the questions behind them."),
        _number("worst_usd", "What it can cost at most.", unit="USD"),
        _text("token", "What the ids of its requests begin with: by it a batch at the API is known as ours."),
        _text("note", "Why nothing will come of it, where it was given up."),
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
        _text("run_id", "Dagster's run id, or one of the command line's.", required=True),
        _text("prompt", "Name of the prompt.", required=True),
        _text("prompt_hash", "Version of the prompt.", unit="hex"),
        _text("scorer", "claude, claude-batch or baseline."),
        _int("epoch", "How often all was asked again on purpose before; null for the baseline and for rehearsals."),
        _time("started_at", "Start of the run."),
        _time("finished_at", "End of the run; null while it is under way."),
        _int("asked", "Requests sent.", unit="requests"),
        _int("reused", "Documents whose answers stood already.", unit="documents"),
        _int("refused", "Documents that the model refused.", unit="documents"),
        _int("failed", "Documents left without an answer.", unit="documents"),
        _number("cost_usd", "What the run spent.", unit="USD"),
        _text("outcome", "running, complete, incomplete, stopped or failed."),
        _text("error", "Why it stopped or failed."),
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
        _text("prompt", "Name of the prompt.", required=True),
        _text("ranking_hash", "SHA-256 of the definition.", unit="hex"),
        _json("definition", "Title, tiers, labels, weights and formula."),
    ),
    key=("prompt",),
)

RANKING_INPUTS = Table(
    schema="ranked",
    name="inputs",
    grain="prompt",
    description="What each prompt's rankings are to be made from, as digests: they are stale when it changes.",
    columns=(
        _text("prompt", "Name of the prompt.", required=True),
        _text("ranking_input_hash", "SHA-256 of all that follows: the data version.", unit="hex"),
        _text("scores_digest", "Digest of the standing answers; null where there are none."),
        _text("facts_digest", "Digest of the figures of the prompt's corpus: jobs, pay, outlook."),
        _text("ranking_hash", "SHA-256 of the definition.", unit="hex"),
        _text("formula_version", "Version of our own ranking code.", unit="hex"),
    ),
    key=("prompt",),
)

RANKINGS = Table(
    schema="ranked",
    name="rankings",
    grain="prompt × document",
    description="Every scored document, ranked; ties share a rank. Documents without a score have none.",
    columns=(
        _text("prompt", "Name of the prompt.", required=True),
        _int(
            "rank",
            "1 for the highest score, or for the highest final_ranking (ranked.resilience) where the prompt has a "
            "resilience formula; ties share the lowest number; null without a score.",
        ),
        _text("doc_id", "Document.", required=True),
        _text("title", "Title of the document."),
        _text("category", "Occupation group, where the corpus has one."),
        _number("score", "Score on the prompt's scale.", unit="scale"),
        _number("score_sd", "Standard deviation of repeat samples; null below two.", unit="scale"),
        _text(
            "tier",
            "Tier of the score: of the rounded one where tiers are given in whole numbers, otherwise the tier that "
            "began last at or below it.",
        ),
        _text("quadrant", "Quadrant of its two attributes, where the prompt has quadrants; a cut-off itself is high."),
        _json("attributes", "Mean of the samples by attribute, where the prompt asks for several."),
        _number(
            "percentile",
            "Share of scored documents whose score (final_ranking, where that is ranked) is lower or equal.",
            unit="percent",
        ),
        _int(
            "jobs",
            "Employment in the base year; for O*NET an equal share of the jobs of its row of the projections.",
            unit="jobs",
        ),
        _number("median_pay_annual", "Median annual pay as BLS prints it; never imputed.", unit="USD per year"),
        _text("pay_basis", "annual, hourly_only or none."),
        _flag("pay_is_top_coded", "True where the pay is a lower bound."),
        _number("wages", "jobs × median_pay_annual; null where either is.", unit="USD per year"),
        _number("outlook_pct", "Projected change of employment.", unit="percent"),
        _text("outlook_desc", "BLS's phrase for the outlook."),
        _text(
            "entry_education",
            "Typical entry-level education (BLS); for O*NET the level that most of those asked say a new hire needs.",
        ),
        _text("soc_code", "2018 SOC code of the page's total row."),
        _text("soc_major_group", "SOC major group of the page's codes; “Several major groups” where they differ."),
        _text("url", "Page that was asked about."),
        _text("rationale", "The scorer's reason, as given."),
        _text("status", "ok, refused or failed."),
        _text("scorer", "claude or baseline."),
        _text("model", "Model, or the baseline's version."),
        _text("prompt_hash", "Version of the prompt that was answered.", unit="hex"),
        _text("ranking_hash", "Definition by which it was ranked.", unit="hex"),
        _time("scored_at", "When it was answered."),
    ),
    key=("prompt", "doc_id"),
)

SUMMARIES = Table(
    schema="ranked",
    name="summaries",
    grain="prompt × grouping × group",
    description="Jobs, wages and mean scores by group. Documents without the needed figure are a group of their own.",
    columns=(
        _text("prompt", "Name of the prompt.", required=True),
        _text(
            "grouping",
            "all, tier, quadrant, pay_band, education, category, outlook, soc_major_group or score_threshold.",
            required=True,
        ),
        _text("group_label", "The group.", required=True),
        _int("group_order", "Position of the group in its grouping, from 1."),
        _int("occupations", "Documents in the group.", unit="documents"),
        _int("scored", "Documents in the group that have a score.", unit="documents"),
        _int("jobs", "Sum of jobs where known.", unit="jobs"),
        _number("wages", "Sum of jobs × median annual pay where both are known.", unit="USD per year"),
        _number("mean_score", "Plain mean over scored documents.", unit="scale"),
        _number("job_weighted_mean", "Mean weighted by jobs, over scored documents with jobs.", unit="scale"),
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
        _text("prompt", "Name of the prompt.", required=True),
        _text("doc_id", "Document.", required=True),
        _text("title", "Title of the document."),
        _text("change", "up, down, same, added or gone."),
        _number("score_before", "Ranked score of the earlier version.", unit="scale"),
        _number("score_after", "Ranked score of the later version.", unit="scale"),
        _number("shift", "score_after − score_before.", unit="scale"),
        _int("rank_before", "Rank in the earlier version."),
        _int("rank_after", "Rank in the later version."),
        _text("rationale_before", "Reason in the earlier version."),
        _text("rationale_after", "Reason in the later version."),
        _int("from_version", "Number of the earlier version."),
        _int("to_version", "Number of the later version."),
        _text("from_prompt_hash", "Prompt version of the earlier version.", unit="hex"),
        _text("to_prompt_hash", "Prompt version of the later version.", unit="hex"),
        _text("from_model", "Model of the earlier version."),
        _text("to_model", "Model of the later version."),
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
        _text("onet_code", "O*NET-SOC code.", required=True),
        _text("title", "Title of the occupation."),
        _int("job_zone", "Job zone, 1 to 5."),
        *(_number(f"a{number}", f"Attribute {number} of the prompt, 1 to 5.", unit="scale") for number in range(1, 11)),
        _number("defensive", "Weighted mean of the defensive attributes, unrounded.", unit="scale"),
        _number("offensive", "Weighted mean of the offensive attributes, unrounded.", unit="scale"),
        _number("ai_proof_score", "Both means by their shares, one decimal; then ceiling, then floor.", unit="scale"),
        _number("growth_norm", "Growth signal, 0 to 1; null where nothing is known."),
        _number("openings_norm", "Openings signal, 0 to 1; null where none are known."),
        _text("growth_source", "percent: of its own row of the projections; category: by the documented table."),
        _number("final_ranking", "Score and signals by their weights, 0 to 1, three decimals."),
        _int("rank", "1 for the highest final_ranking; ties share the lowest number; null without a score."),
        _text("key_drivers", "What keeps the work with people, or does not, as the scorer gave it."),
        _number("median_wage_annual", "Median annual wage; a lower bound where top-coded.", unit="USD per year"),
        _text("growth_category", "BLS's category of projected change."),
        _number("employment_change_pct", "Projected change of employment.", unit="percent"),
        _int("openings", "Projected openings a year.", unit="jobs per year"),
        Column(name="sample_titles", type="VARCHAR[]", description="Job titles that people in it report."),
        _text("status", "ok, refused or failed; null where it was not asked about."),
        _text("scorer", "claude or baseline."),
        _text("model", "Model, or the baseline's version."),
        _text("prompt", "Name of the prompt.", required=True),
        _text("prompt_hash", "Version of the prompt that was answered.", unit="hex"),
        _text("ranking_hash", "Definition by which it was ranked.", unit="hex"),
        _time("scored_at", "When it was answered."),
    ),
    key=("prompt", "onet_code"),
)

TASK_ROLLUPS = Table(
    schema="ranked",
    name="task_rollups",
    grain="prompt about tasks × O*NET occupation",
    description="Scores of single tasks, rolled up to occupations by the weights that the prompt file states.",
    columns=(
        _text("prompt", "Name of the prompt.", required=True),
        _text("onet_code", "O*NET-SOC code.", required=True),
        _text("title", "Title of the occupation."),
        _int("rank", "1 for the highest score; ties share the lowest number; null without a score."),
        _number("score", "Weighted mean over its scored tasks.", unit="scale"),
        _int("tasks", "Its tasks.", unit="tasks"),
        _int("scored_tasks", "Its tasks that have a score.", unit="tasks"),
        _number("scored_weight", "Share of the weight that the scored tasks carry, 0 to 1."),
        _text("scorer", "claude or baseline."),
        _text("ranking_hash", "Definition by which it was rolled up.", unit="hex"),
    ),
    key=("prompt", "onet_code"),
)

OCCUPATIONS = Table(
    schema="ranked",
    name="occupations",
    grain="handbook page",
    description=(
        "One occupation joined across systems: its handbook page, its O*NET codes, its exposure and its resilience. "
        "Jobs and pay are the page's own; the jobs of its O*NET codes are shares of them (parsed.soc_crosswalk), so "
        "that nobody is counted twice."
    ),
    columns=(
        _text("slug", "Page, as in raw.ooh_pages.", required=True),
        _text("title", "Title of the page."),
        _text("category", "Occupation group in the handbook."),
        _text("url", "Canonical address of the page."),
        Column(name="onet_codes", type="VARCHAR[]", description="O*NET-SOC codes that the page covers."),
        _int("jobs", "Employment in the base year, from the page.", unit="jobs"),
        _int("onet_jobs", "Sum of the shares of its O*NET codes; null where the projections have none.", unit="jobs"),
        _number("median_pay_annual", "Median annual pay as BLS prints it; never imputed.", unit="USD per year"),
        _text("pay_basis", "annual, hourly_only or none."),
        _flag("pay_is_top_coded", "True where the pay is a lower bound."),
        _number("outlook_pct", "Projected change of employment.", unit="percent"),
        _number("exposure", "Score of prompt exposure.", unit="scale"),
        _int("exposure_rank", "Its rank in that prompt."),
        _text("exposure_tier", "Its tier in that prompt."),
        _text("exposure_scorer", "Who answered that prompt: claude or baseline."),
        _text("quadrant", "Its quadrant in the first prompt that has quadrants."),
        _text("quadrant_prompt", "That prompt."),
        _number("resilience", "Mean ai_proof_score over its scored O*NET codes.", unit="scale"),
        _number("resilience_low", "Lowest ai_proof_score among them.", unit="scale"),
        _number("resilience_high", "Highest ai_proof_score among them.", unit="scale"),
        _number("final_ranking", "Mean final_ranking over its scored O*NET codes, 0 to 1."),
        _int("resilience_codes", "Its O*NET codes that have a resilience score."),
        _text("resilience_scorer", "Who answered prompt resilience: claude or baseline."),
    ),
    key=("slug",),
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
            RAW_PROJECTIONS,
            OWN_DOCUMENTS,
            OOH_TITLES,
            OOH_OCCUPATIONS,
            OOH_PROJECTIONS,
            OOH_UNREAD,
            EMPLOYMENT_PROJECTIONS,
            ONET_OCCUPATIONS,
            ONET_TASKS,
            ONET_TITLES,
            ONET_UNREAD,
            SOC_CROSSWALK,
            DOCUMENTS,
            TEXTS,
            PROMPTS,
            PROMPT_VERSIONS,
            INPUTS,
            SCORES,
            SCORE_VERSIONS,
            RESPONSES,
            BATCHES,
            RUNS,
            CORRECTIONS,
            DEFINITIONS,
            RANKING_INPUTS,
            RANKINGS,
            SUMMARIES,
            CHANGES,
            RESILIENCE,
            TASK_ROLLUPS,
            OCCUPATIONS,
        )
    }
)


def registry_digest() -> str:
    """Digest of every table's DDL: a warehouse that carries it has nothing to add."""
    return hashlib.sha256("\n".join(table.ddl() for table in TABLES.values()).encode()).hexdigest()
