"""Where a score comes from: the words that were asked, who answered, when, for how much, about which page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exposure_dagster.core.errors import PromptError
from exposure_dagster.core.hints import meant
from exposure_dagster.corpora.registry import JOINED_ON, corpus_of
from exposure_dagster.pipeline.answer_figures import asked_hashes
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.prompts.render import Document, user_message
from exposure_dagster.providers.prices import PriceTable
from exposure_dagster.providers.registry import PROVIDERS
from exposure_dagster.scoring.asking import Asking
from exposure_dagster.scoring.notes import cuts
from exposure_dagster.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Provenance:
    """A standing score and all behind it. `attempts` are the ledger's rows for it, oldest first.

    `uncertainty` is its row of ranked.uncertainty; None where it is not ranked.
    """

    score: dict[str, Any]
    asked: AskedPrompt
    title: str
    sent: Document | None
    attempts: list[dict[str, Any]]
    page: dict[str, Any] | None
    uncertainty: dict[str, Any] | None

    @property
    def message(self) -> str | None:
        """The document as the model read it, cut where it was; None where its text was never stored."""
        return None if self.sent is None else user_message([self.sent])


def explain(warehouse: Warehouse, prompt: str, doc_id: str, prices: PriceTable) -> Provenance:
    """What is behind the standing score of a document. Raises PromptError where there is none.

    `prices` say how long a document a model takes, where one was cut.
    """
    scores = warehouse.read("SELECT * FROM scored.scores WHERE prompt = ? AND doc_id = ?", [prompt, doc_id])
    if scores.empty:
        known = [name for (name,) in warehouse.rows("SELECT DISTINCT prompt FROM scored.scores ORDER BY 1")]
        documents = [name for (name,) in warehouse.rows("SELECT doc_id FROM scored.scores WHERE prompt = ?", [prompt])]
        raise PromptError(
            f"no score of {doc_id} stands{meant(doc_id, documents)}",
            where=f"prompt {prompt}{'' if documents else meant(prompt, known)}",
            remedy=f"There are scores of {', '.join(known) or 'no prompt'}; ids are as in the published ranking.",
        )
    score = {str(name): value for name, value in scores.iloc[0].items()}
    ((definition,),) = warehouse.rows(
        "SELECT definition FROM scored.prompt_versions WHERE prompt = ? AND prompt_hash = ?",
        [prompt, score["prompt_hash"]],
    )
    asked = AskedPrompt.model_validate_json(definition)
    texts = warehouse.rows("SELECT text FROM parsed.texts WHERE text_sha256 = ?", [score["text_sha256"]])
    titles = warehouse.rows(
        "SELECT title FROM scored.score_versions WHERE prompt = ? AND doc_id = ? ORDER BY version DESC LIMIT 1",
        [prompt, doc_id],
    )
    known = [one for (one,) in warehouse.rows("SELECT DISTINCT prompt_hash FROM scored.responses")]
    attempts = warehouse.read(
        "SELECT * FROM scored.responses WHERE prompt_hash IN (SELECT unnest(?)) AND doc_id = ? AND text_sha256 = ?"
        " ORDER BY created_at",
        [asked_hashes(asked, known), doc_id, score["text_sha256"]],
    )
    found = warehouse.rows("SELECT corpus FROM scored.prompts WHERE prompt = ?", [prompt])
    corpus = found[0][0] if found else JOINED_ON.name  # of a prompt whose file is gone
    pages = warehouse.read(
        f"SELECT * EXCLUDE (doc_id) FROM ({corpus_of(corpus).provenance}) WHERE doc_id = ?", [doc_id]
    )
    sure = warehouse.read("SELECT * FROM ranked.uncertainty WHERE prompt = ? AND doc_id = ?", [prompt, doc_id])
    title = (titles[0][0] if titles else None) or doc_id
    sent = Document(doc_id, title, texts[0][0]) if texts else None
    if sent is not None and cuts(attempts["note"].dropna()).documents:
        sent = Asking(asked, prices.of(asked.model), _is_provider(attempts["endpoint"])).cut(sent).document
    return Provenance(
        score=score,
        asked=asked,
        title=title,
        sent=sent,
        attempts=[
            {str(name): value for name, value in row.items()}
            for row in attempts.astype(object).where(attempts.notna(), None).to_dict("records")
        ],
        page={str(name): value for name, value in pages.iloc[0].items()} if len(pages) else None,
        uncertainty={str(name): value for name, value in sure.iloc[0].items()} if len(sure) else None,
    )


def _is_provider(endpoints: pd.Series) -> bool:
    """Whether the provider itself was asked last; it always was, in rows that do not say."""
    last = endpoints.iloc[-1]
    return not isinstance(last, str) or last in {provider.family for provider in PROVIDERS.values() if provider.address}
