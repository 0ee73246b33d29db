"""What the standing answers of every prompt took, by the ledger and the record of runs, and how they spread."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.scoring.ledger import earlier_hashes
from exposure_dagster.store.warehouse import Warehouse

_FIGURES = """
WITH asked(prompt_hash, asked_hash) AS (VALUES {asked}), stands AS (
  SELECT prompt, any_value(prompt_hash) AS prompt_hash, any_value(scorer) AS scorer,
    count_if(status = 'ok') AS ok, count_if(status = 'refused') AS refused, count_if(status = 'failed') AS failed,
    list(round(score)::INTEGER ORDER BY score) FILTER (score IS NOT NULL) AS scores
  FROM scored.scores GROUP BY prompt
), last_runs AS (
  SELECT prompt, arg_max(asked, started_at) AS asked, arg_max(reused, started_at) AS reused,
    arg_max(outcome, started_at) AS outcome
  FROM (  -- of a prompt that several models are asked, all of them
    SELECT prompt, split_part(run_id, '#', 1) AS run_id, sum(asked) AS asked, min(reused) AS reused,
      arg_max(outcome, started_at) AS outcome, min(started_at) AS started_at
    FROM scored.runs WHERE NOT starts_with(run_id, 'rehearsal-') GROUP BY 1, 2
  ) GROUP BY prompt
), paid AS (
  SELECT a.prompt_hash, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens,
    sum(cost_usd) AS cost_usd
  FROM scored.responses r JOIN asked a ON a.asked_hash = r.prompt_hash GROUP BY a.prompt_hash
), waits AS (
  SELECT prompt_hash,
    quantile_cont(latency_ms, 0.5) AS latency_p50_ms, quantile_cont(latency_ms, 0.95) AS latency_p95_ms
  FROM (
    SELECT DISTINCT a.prompt_hash, request_id, latency_ms
    FROM scored.responses r JOIN asked a ON a.asked_hash = r.prompt_hash
    WHERE output_tokens > 0 AND batch_id IS NULL
  ) GROUP BY prompt_hash
)
SELECT s.prompt, s.scorer, s.ok, s.refused, s.failed, coalesce(r.asked, 0), coalesce(r.reused, 0), r.outcome,
  coalesce(p.input_tokens, 0), coalesce(p.output_tokens, 0), coalesce(p.cache_read_tokens, 0),
  coalesce(p.cache_write_tokens, 0), coalesce(p.cost_usd, 0), w.latency_p50_ms, w.latency_p95_ms, coalesce(s.scores, [])
FROM stands s LEFT JOIN last_runs r USING (prompt) LEFT JOIN paid p USING (prompt_hash) LEFT JOIN waits w
  USING (prompt_hash)
ORDER BY s.prompt
"""


@dataclass(frozen=True)
class AnswerFigures:
    """One prompt's standing answers. `asked`, `reused` and `outcome` are of its last run; tokens, cost and latency
    of all that was ever asked with this version of it; `scores` are whole numbers in ascending order."""

    prompt: str
    scorer: str
    ok: int
    refused: int
    failed: int
    asked: int
    reused: int
    outcome: str | None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    scores: Sequence[int]

    @property
    def cache_hit_share(self) -> float | None:
        """The part of what the model read that came from the provider's cache; None where it read nothing."""
        read = self.input_tokens + self.cache_read_tokens + self.cache_write_tokens
        return self.cache_read_tokens / read if read else None


def answer_figures(warehouse: Warehouse) -> list[AnswerFigures]:
    """The figures of every prompt with standing answers."""
    if not warehouse.exists:
        return []
    versions = warehouse.rows(
        "SELECT DISTINCT s.prompt_hash, v.definition FROM scored.scores s"
        " LEFT JOIN scored.prompt_versions v USING (prompt_hash) WHERE s.prompt_hash IS NOT NULL"
    )
    known = [one for (one,) in warehouse.rows("SELECT DISTINCT prompt_hash FROM scored.responses")]
    asked = [
        (prompt_hash, one)
        for prompt_hash, definition in versions
        for one in (_asked(definition, known) if definition else [prompt_hash])
    ]
    pairs = ", ".join(f"({_quoted(one)}, {_quoted(other)})" for one, other in asked) or "(NULL, NULL)"
    return [AnswerFigures(*row) for row in warehouse.rows(_FIGURES.format(asked=pairs))]


def _quoted(text: str) -> str:
    """A text in SQL. Given as a parameter it would have DuckDB load pandas, which takes longer than all of the rest."""
    return "'" + text.replace("'", "''") + "'"


def _asked(definition: str, known: Collection[str]) -> list[str]:
    return asked_hashes(AskedPrompt.model_validate_json(definition), known, has_variants=True)


def asked_hashes(asked: AskedPrompt, known: Collection[str], *, has_variants: bool = False) -> list[str]:
    """The hashes under which the ledger holds the answers to a prompt version: one a model, and of `known` those that
    were its own while the number of samples was part of them. With `has_variants` those of its variants too."""
    all_asked = tuple(asked.questions.values()) if has_variants else asked.by_model
    earlier = earlier_hashes(all_asked, known)
    return [one for of_model in all_asked for one in (of_model.prompt_hash, *earlier.get(of_model.prompt_hash, ()))]
