"""Every version of a prompt's answers that ever stood, and what moved between two of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import duckdb
import pandas as pd

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import PromptError
from exposure_dagster.pipeline.ranked import replace_ranked, stored_definition
from exposure_dagster.pipeline.ranking_inputs import digest_now
from exposure_dagster.prompts.model import RankingDefinition
from exposure_dagster.ranking.changes import ChangeSummary, compare_versions, summarize_changes
from exposure_dagster.ranking.rankings import composite_scores
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import CHANGES, SCORE_VERSIONS

_ANSWER = "doc_id, prompt_hash, text_sha256, score, attributes::VARCHAR AS attributes, rationale, status, scorer, model"
_SHORT = 12


@dataclass(frozen=True)
class Version:
    """A version of a prompt's standing answers. `number` counts from 1."""

    number: int
    prompt_hash: str
    scorer: str
    model: str

    def __str__(self) -> str:
        return f"version {self.number} ({self.prompt_hash[:_SHORT]}, {self.model})"


HISTORY_COLUMNS = ("prompt", "version", "versioned_at", "model", "doc_id", "score")


@dataclass(frozen=True)
class Comparison:
    """Two versions, what moved, and the figures of it. `changes` is as `compare_versions` makes it."""

    before: Version
    after: Version
    changes: pd.DataFrame
    summary: ChangeSummary


def keep_version(connection: duckdb.DuckDBPyConnection, prompt: str) -> None:
    """Within the caller's transaction: keep the standing answers as a version, unless they are the latest one."""
    (latest,) = connection.execute(
        f"SELECT coalesce(max(version), 0) FROM {SCORE_VERSIONS.full_name} WHERE prompt = ?", [prompt]
    ).fetchall()[0]
    standing = f"SELECT {_ANSWER} FROM scored.scores WHERE prompt = $prompt"
    kept = f"SELECT {_ANSWER} FROM {SCORE_VERSIONS.full_name} WHERE prompt = $prompt AND version = $latest"
    (different,) = connection.execute(
        f"SELECT count(*) FROM (({standing} EXCEPT {kept}) UNION ALL ({kept} EXCEPT {standing}))",
        {"prompt": prompt, "latest": latest},
    ).fetchall()[0]
    if not different:
        return
    connection.execute(
        f"""
        INSERT INTO {SCORE_VERSIONS.full_name} BY NAME
        SELECT {", ".join(SCORE_VERSIONS.column_names)}
        FROM (
            SELECT s.*, d.title, $version AS version, $at AS versioned_at FROM scored.scores s
            LEFT JOIN scored.prompts p USING (prompt)
            LEFT JOIN parsed.documents d ON d.corpus = p.corpus AND d.doc_id = s.doc_id WHERE s.prompt = $prompt
        )
        """,
        {"prompt": prompt, "version": latest + 1, "at": utc_now()},
    )


def versions(warehouse: Warehouse, prompt: str) -> list[Version]:
    """The versions of a prompt's answers, oldest first; of a mixed one, what most of its answers are."""
    rows = warehouse.rows(
        f"SELECT version, mode(prompt_hash), mode(scorer), mode(model) FROM {SCORE_VERSIONS.full_name}"
        " WHERE prompt = ? GROUP BY version ORDER BY version",
        [prompt],
    )
    return [Version(*row) for row in rows]


def compare(warehouse: Warehouse, prompt: str, *, before: str | None = None, after: str | None = None) -> Comparison:
    """What moved between two versions, each named by the beginning of its prompt hash or by its number.

    Without `after` the latest version; without `before` the latest one earlier than that which another
    prompt version or model answered, or else the one just before. Raises PromptError where there are no
    two versions, or a name fits none.
    """
    known = versions(warehouse, prompt)
    if len(known) < 2:
        raise PromptError(
            f"there {'is one version' if known else 'is no version'} of its answers, and two are needed to compare",
            where=f"prompt {prompt}",
            remedy="Edit the prompt file and score it again." if known else _who_has_versions(warehouse),
        )
    newer = _named(known, after, prompt) if after else known[-1]
    if before:
        older = _named(known, before, prompt)
    else:
        earlier = [version for version in known if version.number < newer.number]
        if not earlier:
            raise PromptError(
                f"{newer} has none before it", where=f"prompt {prompt}", remedy="Name another with --from."
            )
        older = next((v for v in reversed(earlier) if _asked(v) != _asked(newer)), earlier[-1])
    changes = compare_versions(_answers(warehouse, prompt, older), _answers(warehouse, prompt, newer))
    return Comparison(older, newer, changes, summarize_changes(changes))


MOST_REPLAYED = 12
MOST_SCORES_REPLAYED = 50_000
"""Of a long list of documents fewer versions are replayed: the page would be heavier by all of them."""


def latest_versions(warehouse: Warehouse, prompt: str) -> pd.DataFrame:
    """What is ranked of each of a prompt's latest versions: prompt, version, versioned_at, model, doc_id, score.

    Of an earlier version it is what the definition of now makes of its answers. Empty where there is one version alone.
    """
    ((documents,),) = warehouse.rows("SELECT count(*) FROM scored.scores WHERE prompt = ?", [prompt])
    known = versions(warehouse, prompt)[-min(MOST_REPLAYED, MOST_SCORES_REPLAYED // max(1, documents)) or None :]
    if len(known) < 2 or 2 * documents > MOST_SCORES_REPLAYED:
        return pd.DataFrame(columns=list(HISTORY_COLUMNS))
    began = dict(
        warehouse.rows(
            f"SELECT version, max(versioned_at) FROM {SCORE_VERSIONS.full_name} WHERE prompt = ? GROUP BY 1", [prompt]
        )
    )
    frames = [
        _answers(warehouse, prompt, one).assign(
            prompt=prompt, version=one.number, versioned_at=began[one.number], model=one.model
        )
        for one in known
    ]
    return pd.concat(frames, ignore_index=True)[list(HISTORY_COLUMNS)]


def record_changes(warehouse: Warehouse, prompt: str) -> Comparison | None:
    """Fill ranked.changes for one prompt; None (and no rows) where there is nothing to compare with yet."""
    with warehouse.snapshot() as now:
        made_from = digest_now(now, prompt)
        comparison = compare(now, prompt) if len(versions(now, prompt)) > 1 else None
    frame = pd.DataFrame(columns=list(CHANGES.column_names))
    if comparison is not None:
        frame = comparison.changes.assign(
            prompt=prompt,
            from_version=comparison.before.number,
            to_version=comparison.after.number,
            from_prompt_hash=comparison.before.prompt_hash,
            to_prompt_hash=comparison.after.prompt_hash,
            from_model=comparison.before.model,
            to_model=comparison.after.model,
        )
    replace_ranked(warehouse, CHANGES, frame, prompt, made_from)
    return comparison


def summary_table(comparison: Comparison) -> pd.DataFrame:
    """The figures of a comparison, one row each."""
    summary = comparison.summary
    figures = {
        "documents compared": f"{summary.compared:,}",
        "up": f"{summary.up:,}",
        "down": f"{summary.down:,}",
        "same": f"{summary.same:,}",
        "added": f"{summary.added:,}",
        "gone": f"{summary.gone:,}",
        "mean shift": "–" if summary.mean_shift is None else f"{summary.mean_shift:+.3f}",
        "rank correlation": "–" if summary.rank_correlation is None else f"{summary.rank_correlation:.3f}",
    }
    return pd.DataFrame({"figure": list(figures), "value": list(figures.values())})


def movers(comparison: Comparison, count: int) -> pd.DataFrame:
    """The documents that moved most, or came or went, with both reasons."""
    moved = comparison.changes[comparison.changes["change"] != "same"].head(count)
    columns = ["title", "change", "score_before", "score_after", "rationale_before", "rationale_after"]
    return moved[columns]


def _who_has_versions(warehouse: Warehouse) -> str:
    rows = warehouse.rows(f"SELECT DISTINCT prompt FROM {SCORE_VERSIONS.full_name} ORDER BY 1")
    names = ", ".join(name for (name,) in rows)
    return f"Answers are kept of {names}." if names else "Score a prompt first: `exposure run`."


def _asked(version: Version) -> tuple[str, str]:
    return version.prompt_hash, version.model


def _named(known: list[Version], name: str, prompt: str) -> Version:
    fitting = [v for v in known if str(v.number) == name] or [v for v in known if v.prompt_hash.startswith(name)]
    if not fitting or len({v.prompt_hash for v in fitting}) > 1:
        raise PromptError(
            f"{name} names {'several versions' if fitting else 'no version'}",
            where=f"prompt {prompt}",
            remedy=f"There is {', '.join(str(version) for version in known)}.",
        )
    return fitting[-1]


def _answers(warehouse: Warehouse, prompt: str, version: Version) -> pd.DataFrame:
    rows = warehouse.read(
        f"SELECT * FROM {SCORE_VERSIONS.full_name} WHERE prompt = ? AND version = ?", [prompt, version.number]
    )
    rows["score"] = composite_scores(rows, _of_attributes_in(rows, stored_definition(warehouse, prompt)))
    return rows[["doc_id", "title", "score", "rationale"]]


def _of_attributes_in(rows: pd.DataFrame, definition: RankingDefinition) -> RankingDefinition:
    """The definition as far as these answers go: an earlier version may have asked for other attributes."""
    asked = {key for text in rows["attributes"].dropna() for key in json.loads(text)}
    shared = tuple(attribute for attribute in definition.attributes if attribute.key in asked)
    return definition.model_copy(update={"attributes": shared}) if shared else definition
