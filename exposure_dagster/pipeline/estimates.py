"""What the next run would take, prompt by prompt."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from exposure_dagster.pipeline.asked import asked_documents
from exposure_dagster.pipeline.distilling import chances_of
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.standing import PromptStanding, standings
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.providers.prices import PriceTable
from exposure_dagster.scoring.estimate import Estimate, OpenDocuments, estimate
from exposure_dagster.scoring.job import DocumentRef, DocumentsInPortions
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse


def estimates(
    warehouse: Warehouse,
    folder: PromptFolder,
    names: Collection[str],
    *,
    prices: PriceTable,
    ask_again: bool = False,
    distil: int = 0,
) -> list[Estimate]:
    """The estimate of each named prompt, one for each model, as if it were asked; spends nothing.

    Tokens are counted by the API.

    Only documents without an answer count, or all of them where everything is asked again; with `distil` only those of
    them that are asked about where so many are.
    """
    choice = ScorerChoice(ScorerName.MODEL, is_explicit=True, endpoints=prices.endpoints)
    chosen = [one for one in standings(warehouse, folder, choice) if one.prompt in names]
    if distil:
        corpora = {prompt.name: prompt.file.corpus for prompt in folder.prompts}
        chosen = [_of_few(one, chances_of(warehouse, one.prompt, corpora[one.prompt], distil)) for one in chosen]
    return estimates_of(warehouse, folder, chosen, prices=prices, ask_again=ask_again, is_counted=True)


def _of_few(standing: PromptStanding, asked: Collection[str]) -> PromptStanding:
    """A standing of which the open questions are those about these documents alone."""
    left = {
        model: tuple(doc_id for doc_id in documents if doc_id in asked)
        for model, documents in standing.open_questions.items()
    }
    most = {model: count * len(asked) // max(1, standing.documents) for model, count in standing.most_questions.items()}
    return replace(standing, open_questions=left, most_questions=most)


def estimates_of(
    warehouse: Warehouse,
    folder: PromptFolder,
    all_standings: Sequence[PromptStanding],
    *,
    prices: PriceTable,
    ask_again: bool = False,
    is_counted: bool = False,
) -> list[Estimate]:
    """The estimates of prompts that were looked at already; those whose files are broken are left out.

    Texts are read in portions: a corpus need not fit into memory.
    """
    by_name = {prompt.name: prompt for prompt in folder.prompts}
    ledger = open_ledger(warehouse)
    documents: dict[str, dict[str, DocumentRef]] = {}
    texts: dict[str, _Texts] = {}
    written: dict[str, float | None] = {}
    result = []
    for standing in all_standings:
        prompt = by_name.get(standing.prompt)
        if prompt is None:
            continue
        asked_about = asked_documents(prompt.file.corpus, prompt.asked.include)
        if asked_about not in documents:
            documents[asked_about] = _documents(warehouse, asked_about)
            texts[asked_about] = _Texts(warehouse, asked_about)
        is_all_asked = ask_again and not standing.is_asked_again_in_part
        for label, asked in prompt.asked.questions.items():
            if asked.model not in written:
                written[asked.model] = ledger.mean_output_tokens(asked.model)
            everything = list(documents[asked_about]) * asked.samples
            wanted = everything if is_all_asked else standing.open_questions.get(label, ())
            most = len(documents[asked_about]) * asked.most_samples
            refs = [documents[asked_about][doc_id] for doc_id in wanted]
            open_documents = OpenDocuments(
                prompt=prompt.name,
                asked=asked,
                documents=DocumentsInPortions(refs, texts[asked_about]),
                output_tokens=written[asked.model],
                most_answers=most if is_all_asked else standing.most_questions.get(label),
            )
            result.append(estimate(open_documents, prices, is_counted=is_counted))
    return result


def _documents(warehouse: Warehouse, asked_about: str) -> dict[str, DocumentRef]:
    rows = warehouse.rows(f"SELECT doc_id, title, text_sha256 FROM ({asked_about}) ORDER BY doc_id")
    return {row[0]: DocumentRef(*row) for row in rows}


@dataclass
class _Texts:
    """Texts of the documents of a query. What was asked for last is kept: many prompts ask about the same few."""

    warehouse: Warehouse
    asked_about: str
    _refs: Sequence[DocumentRef] = ()
    _texts: Mapping[str, str] = field(default_factory=dict)

    def texts(self, refs: Sequence[DocumentRef]) -> Mapping[str, str]:
        if refs != self._refs:
            self._texts = {}  # gone before the next are read
            names = [ref.doc_id for ref in refs]
            # With the ends DuckDB reads the texts that lie between them, and not all there are.
            rows = self.warehouse.rows(
                f"SELECT text_sha256, text FROM ({self.asked_about}) WHERE doc_id BETWEEN ? AND ?"
                " AND doc_id IN (SELECT unnest(?))",
                [min(names), max(names), names],
            )
            self._refs, self._texts = refs, dict(rows)
        return self._texts
