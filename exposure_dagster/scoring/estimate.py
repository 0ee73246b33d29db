"""What asking would take, before anything is asked: requests, tokens, USD. Nothing here spends.

Tokens are counted by the API on a few documents where there is a key (counting is free), else taken
from the number of characters. What a model writes is taken from the ledger where it has answered
before, else assumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.prompts.render import Document, message_length
from exposure_dagster.providers.prices import ModelPrice, PriceTable, Usage
from exposure_dagster.providers.provider import Endpoint
from exposure_dagster.scoring.asking import Asking, asking_of
from exposure_dagster.scoring.notes import Cuts, cuts

CHARACTERS_PER_TOKEN = 3.5
"""Fewer than measured on handbook pages (3.9), so that the estimate errs on the dear side."""

ASSUMED_OUTPUT_TOKENS = 400
"""A document's answer and the thinking before it, where the ledger knows no answer of the model yet."""

COUNTED_DOCUMENTS = 5


@dataclass(frozen=True)
class OpenDocuments:
    """What is still to be asked of one prompt: documents, once a sample, and how much an answer writes.

    `documents` are gone through, and gone through again where the API counts tokens; they need not be in memory
    together. `output_tokens` is the mean of a document's answer in the ledger; None where there is none. By
    `sampling` more answers may follow from these: `most_answers` in all at most.
    """

    prompt: str
    asked: AskedPrompt
    documents: Iterable[Document]
    output_tokens: float | None
    most_answers: int | None = None


@dataclass(frozen=True)
class Estimate:
    """What a run would take. `how` says how tokens were counted; costs are USD; `cuts` is what would not be sent.

    `most_answers` is how many answers it can come to, and `most_times` how much that is of what is open now: more than
    it only with `sampling`, which asks again where the answers want it.
    """

    prompt: str
    model: str
    documents: int
    requests: int
    usage: Usage
    how: str
    cost_usd: float
    batch_cost_usd: float
    cuts: Cuts
    most_answers: int

    @property
    def most_times(self) -> float:
        return self.most_answers / self.documents if self.documents else 1.0


def estimate(open_documents: OpenDocuments, prices: PriceTable, *, is_counted: bool = False) -> Estimate:
    """The estimate of one prompt. Raises ScoringError where the model's price is not known.

    Where it `is_counted`, the tokens of a few documents are counted by the API, which costs nothing; where that
    fails, they are taken from the characters, and `how` says so.
    """
    asked = open_documents.asked
    price, endpoint = prices.of(asked.model), prices.endpoints.of(asked.model)
    asking = asking_of(asked, prices)
    documents = requests = characters = 0
    notes: dict[str, str | None] = {}
    for group in asking.groups(map(asking.cut, open_documents.documents)):
        documents += len(group)
        requests += 1
        characters += message_length([cut.document for cut in group])
        notes |= {cut.document.doc_id: cut.note for cut in group if cut.note}
    per_character, how = 1 / CHARACTERS_PER_TOKEN, f"{CHARACTERS_PER_TOKEN} characters a token"
    if is_counted and endpoint.is_usable and requests:
        sample = list(_sample(asking, open_documents.documents, requests))
        counted = asyncio.run(_counted(endpoint, asking, sample))
        if counted is None:
            how += ", since the API could not be asked to count"
        else:
            per_character, how = counted, f"counted by the API on {len(sample)} requests"
    system = round(asking.instruction_length * per_character)
    user = round(characters * per_character)
    written = open_documents.output_tokens or ASSUMED_OUTPUT_TOKENS
    usage = Usage(
        input_tokens=user,
        output_tokens=round(written * documents),
        cache_write_5m_tokens=system if requests else 0,
        cache_read_tokens=system * max(0, requests - 1),
    )
    cost = _cost(price, usage, requests)
    return Estimate(
        prompt=open_documents.prompt,
        model=asked.model,
        documents=documents,
        requests=requests,
        usage=usage,
        how=how + ("" if open_documents.output_tokens else f", {ASSUMED_OUTPUT_TOKENS} tokens an answer assumed"),
        cost_usd=cost,
        batch_cost_usd=cost * (prices.batch_factor if endpoint.provider.batches else 1.0),
        cuts=cuts(notes.values()),
        most_answers=max(documents, open_documents.most_answers or 0) if documents else 0,
    )


def cost_with(prices: PriceTable, model: str, estimates: Sequence[Estimate]) -> float:
    """What the same requests would cost with another model, in USD."""
    return sum(_cost(prices.of(model), one.usage, one.requests) for one in estimates)


def _sample(asking: Asking, documents: Iterable[Document], requests: int) -> Iterator[list[Document]]:
    """The documents of a few requests, in even steps over them all."""
    step = max(1, requests // COUNTED_DOCUMENTS)
    for group in islice(asking.groups(map(asking.cut, documents)), 0, step * COUNTED_DOCUMENTS, step):
        yield [cut.document for cut in group]


def _cost(price: ModelPrice, usage: Usage, requests: int) -> float:
    return price.rates_for(usage.prompt_tokens // max(1, requests)).cost(usage)


async def _counted(endpoint: Endpoint, asking: Asking, groups: Sequence[Sequence[Document]]) -> float | None:
    """Tokens a character over some requests, by the API; None where it does not say, or says what cannot be."""
    characters = tokens = 0
    async with endpoint.provider.service.connect(endpoint, connections=1) as client:
        for group in groups:
            request = asking.request(group, asking.max_tokens(len(group)))
            count = await client.count_tokens(request)
            if count is None or not 0 < count <= request.worst_usage.prompt_tokens:
                return None
            characters += len(request.instruction) + len(request.user)
            tokens += count
    return tokens / characters if characters else None
