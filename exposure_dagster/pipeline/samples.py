"""The single answers behind the scores that stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure_dagster.pipeline.answer_figures import asked_hashes
from exposure_dagster.prompts.model import AskedPrompt, RankingDefinition
from exposure_dagster.ranking.rankings import attribute_frame, composite_scores
from exposure_dagster.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd


def standing_answers(warehouse: Warehouse, prompt: str, definition: RankingDefinition) -> pd.DataFrame:
    """Every accepted answer behind a prompt's standing scores, of a model: a row an answer, by document and sample.

    Columns: doc_id, model, wording (the variant of the prompt, empty for the prompt itself), variant (model and wording
    together), sample, position (its place in its request; null where nothing says) and together (how many documents
    that held), is_further (asked for by `sampling`, since those before left something unsure), a column for each
    attribute, and `ranked_score`, the number that is ranked, made of this answer alone.
    """
    import pandas as pd

    versions = warehouse.rows(
        "SELECT DISTINCT v.definition FROM scored.scores s JOIN scored.prompt_versions v USING (prompt, prompt_hash)"
        " WHERE s.prompt = ? AND s.status = 'ok'",
        [prompt],
    )
    known = [one for (one,) in warehouse.rows("SELECT DISTINCT prompt_hash FROM scored.responses")]
    asked = [AskedPrompt.model_validate_json(definition) for (definition,) in versions]
    wordings = {one: "" for version in asked for one in asked_hashes(version, known)}
    wordings |= {
        one: variant.name
        for version in asked
        for variant in version.variants
        for one in asked_hashes(variant.asked, known)
    }
    rows = warehouse.read(
        """
        WITH asked AS (SELECT unnest($hashes) AS prompt_hash, unnest($wordings) AS wording), newest AS (
          SELECT prompt_hash, any_value(wording) AS wording, max(epoch) AS epoch
          FROM scored.responses JOIN asked USING (prompt_hash) WHERE epoch >= 0 GROUP BY 1
        ), requests AS (  -- whatever became of its documents
          SELECT request_group, max(position) AS together FROM scored.responses
          WHERE request_group IS NOT NULL GROUP BY 1
        )
        SELECT r.doc_id, r.model, newest.wording, r.sample, r.position,
          coalesce(q.together, 1) AS together, r.attributes
        FROM scored.responses r JOIN newest USING (prompt_hash, epoch) LEFT JOIN requests q USING (request_group)
        JOIN scored.scores s ON s.prompt = $prompt AND s.doc_id = r.doc_id AND s.text_sha256 = r.text_sha256
        WHERE r.is_accepted AND s.status = 'ok' AND s.scorer <> 'baseline' AND r.sample <= $samples
        QUALIFY 1 = row_number() OVER (
          PARTITION BY r.doc_id, newest.wording, r.model, r.sample ORDER BY r.created_at DESC
        )
        ORDER BY r.doc_id, newest.wording, r.model, r.sample
        """,
        {
            "hashes": list(wordings),
            "wordings": list(wordings.values()),
            "prompt": prompt,
            "samples": max((one.most_samples for one in asked), default=0),
        },
    )
    is_single = all(one.has_single_number for one in asked)
    answers = rows.assign(
        status="ok",
        variant=rows["model"].str.cat(rows["wording"], sep=" "),
        is_further=rows["sample"] > min((one.samples for one in asked if one.sampling), default=rows["sample"].max()),
    )
    numbers = attribute_frame(answers, definition)
    single = definition.attributes[0].key
    answers = answers.assign(
        score=numbers[single] if is_single else float("nan"),
        attributes=None if is_single else answers["attributes"],
    )
    answers["ranked_score"] = composite_scores(answers, definition)
    kept = ["doc_id", "model", "wording", "variant", "sample", "position", "together", "is_further", "ranked_score"]
    return pd.concat([answers[kept], numbers], axis="columns")
