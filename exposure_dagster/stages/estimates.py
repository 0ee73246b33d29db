"""What the next run would take, prompt by prompt."""

from __future__ import annotations

from collections.abc import Collection

from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.prompts.render import Document
from exposure_dagster.scoring.estimate import Estimate, OpenDocuments, estimate
from exposure_dagster.scoring.exchange import Access
from exposure_dagster.scoring.prices import PriceTable
from exposure_dagster.settings import ScorerName
from exposure_dagster.stages.scored import ScorerChoice
from exposure_dagster.stages.standing import standings
from exposure_dagster.warehouse import Warehouse

MODEL = ScorerChoice(ScorerName.CLAUDE, is_explicit=True)


def estimates(
    warehouse: Warehouse,
    folder: PromptFolder,
    names: Collection[str],
    *,
    prices: PriceTable,
    access: Access | None = None,
    ask_again: bool = False,
) -> list[Estimate]:
    """The estimate of each named prompt, as if the model were asked; spends nothing.

    Only documents without an answer count, or all of them where everything is asked again.
    """
    by_name = {prompt.name: prompt for prompt in folder.prompts}
    result = []
    for standing in standings(warehouse, folder, MODEL):
        if standing.prompt not in names or standing.prompt not in by_name:
            continue
        prompt = by_name[standing.prompt]
        documents = {
            row[0]: Document(*row)
            for row in warehouse.rows(
                "SELECT doc_id, title, text FROM parsed.documents WHERE corpus = ? ORDER BY doc_id",
                [prompt.file.corpus],
            )
        }
        wanted = list(documents) * prompt.asked.samples if ask_again else standing.open_questions
        open_documents = OpenDocuments(
            prompt=prompt.name,
            asked=prompt.asked,
            documents=[documents[doc_id] for doc_id in wanted],
            output_tokens=_output_tokens(warehouse, prompt.asked.model),
        )
        result.append(estimate(open_documents, prices, access))
    return result


def _output_tokens(warehouse: Warehouse, model: str) -> float | None:
    """The mean of what the model wrote for a document's accepted answer."""
    ((mean,),) = warehouse.rows(
        "SELECT avg(output_tokens) FROM scored.responses WHERE is_accepted AND model = ?", [model]
    )
    return None if mean is None else float(mean)
