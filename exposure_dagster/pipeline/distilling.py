"""Standing answers where a model is asked about some documents, and the others are estimated from what it says."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.pipeline.asked import asked_documents
from exposure_dagster.pipeline.documents import jobs_of
from exposure_dagster.pipeline.inputs import other_titles, work_sections
from exposure_dagster.pipeline.prompts import StoredPrompt
from exposure_dagster.prompts.model import SINGLE_ATTRIBUTE
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.distilling import Mean, choose, difference_estimate
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

MIN_ANSWERS = 20
"""From fewer nothing is learnt."""

NOT_ASKED = "estimated from the model's answers about other documents; it was not asked about this one"


@dataclass(frozen=True)
class Distilled:
    """Rows of scored.scores for the documents that a model was not asked about, and what its answers say of all.

    `means` are job-weighted, by attribute; empty where no jobs are known.
    """

    rows: pd.DataFrame
    answers: int
    standard_errors: dict[str, float]
    means: dict[str, Mean] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, float]:
        """Figures of a run."""
        found: dict[str, float] = {"documents estimated": len(self.rows)}
        for key, mean in self.means.items():
            found[f"job-weighted mean of {key}"] = mean.value
            if mean.standard_error is not None:
                found[f"standard error of that of {key}"] = mean.standard_error
        return found

    def __str__(self) -> str:
        errors = ", ".join(f"{error:.2f}" for error in self.standard_errors.values())
        parts = [
            f"the model answered about {self.answers:,} documents and the other {len(self.rows):,} are estimated from "
            f"these answers (standard error of an estimate {errors})"
        ]
        for key, mean in self.means.items():
            of = "" if key == SINGLE_ATTRIBUTE else f" of {key}"
            error = "" if mean.standard_error is None else f" with a standard error of {mean.standard_error:.3f}"
            parts.append(f"the job-weighted mean{of} of what it would answer about all is {mean.value:.2f}{error}")
        return "; ".join(parts)


def chances_of(warehouse: Warehouse, prompt: str, corpus: str, wanted: int) -> dict[str, float]:
    """The documents that a model is asked about where it is asked about so many, each with its chance of being that."""
    return choose(jobs_of(warehouse, corpus), wanted, seed=prompt)


def distil(
    warehouse: Warehouse, prompt: StoredPrompt, frame: pd.DataFrame, chances: Mapping[str, float], inputs: pd.DataFrame
) -> Distilled:
    """Estimate the documents of `inputs` that are not in `frame` from the answers that are: rows of scored.scores.

    These are of the documents in `chances`, and of others that were answered before. Raises ScoringError where too few
    were answered to learn from.
    """
    import pandas as pd

    from exposure_dagster.providers.baseline.scorer import BASELINE_VERSION, Alias, estimate_from_answers

    with warehouse.snapshot() as now:
        documents = now.read(
            f"SELECT doc_id, title, text FROM ({asked_documents(prompt.corpus, prompt.asked.include)}) ORDER BY doc_id"
        )
        titles, jobs = other_titles(now, prompt.corpus), jobs_of(now, prompt.corpus)
    keys = [one.key for one in prompt.asked.attributes]
    answers = _numbers(frame, keys[0])
    if len(answers) < MIN_ANSWERS:
        raise ScoringError(
            f"{len(answers):,} of {len(frame):,} documents that were asked about were answered, and estimates are made "
            f"from {MIN_ANSWERS} at least; what stood goes on standing, and the answers are in the ledger",
            where=f"prompt {prompt.name}",
            remedy="Mend what the warnings name, or ask about more: `exposure run --distil N`.",
        )
    found = {
        one.doc_id: one
        for one in estimate_from_answers(
            prompt.baseline,
            [Document(*row) for row in documents.itertuples(index=False, name=None)],
            [Alias(title, doc_id) for title, doc_id in titles],
            work_sections(prompt.corpus, prompt.asked.include),
            answers,
        )
    }
    others = inputs[~inputs["doc_id"].isin(frame["doc_id"]) & inputs["doc_id"].isin(found)]
    estimates = [found[doc_id] for doc_id in others["doc_id"]]
    rows = pd.DataFrame(
        {
            "doc_id": others["doc_id"],
            "text_sha256": others["text_sha256"],
            "score": [one.attributes[keys[0]] if len(keys) == 1 else None for one in estimates],
            "attributes": [None if len(keys) == 1 else json.dumps(one.attributes) for one in estimates],
            "rationale": [one.rationale for one in estimates],
            "standard_errors": [json.dumps(one.standard_errors) for one in estimates],
            # Another than the inputs': these documents are still to be asked about.
            "input_hash": [content_hash([digest, "estimated", BASELINE_VERSION]) for digest in others["input_hash"]],
        }
    ).assign(
        prompt=prompt.name,
        prompt_hash=frame["prompt_hash"].iloc[0],
        status="ok",
        scorer=ScorerName.BASELINE.value,
        model=f"baseline {BASELINE_VERSION} from answers of {prompt.asked.model_names}",
        samples=1,
        scored_at=utc_now(),
        note=NOT_ASKED,
    )
    chosen = {doc_id: answer for doc_id, answer in answers.items() if doc_id in chances}
    weights = {doc_id: float(jobs.get(doc_id) or 0) for doc_id in found}
    means = {
        key: difference_estimate(
            weights,
            {doc_id: one.attributes[key] for doc_id, one in found.items()},
            {doc_id: answer[key] for doc_id, answer in chosen.items()},
            _of_answered(chances, chosen),
        )
        for key in (keys if any(weights.values()) else ())
    }
    return Distilled(rows, len(answers), next(iter(found.values())).standard_errors, means)


def _of_answered(chances: Mapping[str, float], answers: Collection[str]) -> dict[str, float]:
    """The chances of the answered documents: where some were not answered, those of all shrink alike."""
    share = len(answers) / len(chances)
    return {doc_id: chances[doc_id] * share for doc_id in answers}


def _numbers(frame: pd.DataFrame, single: str) -> dict[str, dict[str, float]]:
    """The number of each attribute, by document that was answered; `single` is what one number alone is of."""
    answered = frame[frame["status"] == "ok"]
    columns = [answered[name].tolist() for name in ("doc_id", "score", "attributes")]
    return {
        doc_id: json.loads(attributes) if isinstance(attributes, str) else {single: float(score)}
        for doc_id, score, attributes in zip(*columns, strict=True)
    }
