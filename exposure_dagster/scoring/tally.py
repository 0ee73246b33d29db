"""What a run did, counted: for the progress bar while it goes on, and for its record afterwards."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exposure_dagster.core.money import in_usd
from exposure_dagster.providers.exchange import Attempt, Fate
from exposure_dagster.scoring.ledger import LedgerRow, Status
from exposure_dagster.scoring.notes import counts

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class RunFigures:
    """Figures of one run.

    `requests` were sent, `retries` of them because an earlier one brought no valid answer. Of `documents_asked` about
    in this run, `documents_answered` got an answer to each question; `reused`, `refused` and `failed` count documents
    as they stand after the run. `commonest_error` is what went wrong most often, with how often; null where nothing
    did. `noted` counts answers that had to be put right, by how. `cost_usd` and tokens are of answers
    that reached us; `assumed_usd` is what may have been charged beside for answers that were lost on the way.
    `cache_hit_share` is the part of what the model read that came from the provider's cache. Latencies are
    those of answered requests; null where there was none.
    """

    documents: int
    requests: int
    retries: int
    reused: int
    refused: int
    failed: int
    documents_asked: int
    documents_answered: int
    commonest_error: str | None
    noted: Mapping[str, int]
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    assumed_usd: float
    cache_hit_share: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None


def all_figures(of_models: Sequence[RunFigures]) -> RunFigures:
    """The figures of a run that asked several models the same. Documents are counted once: one is reused where every
    model's answer was there, and failed where one is missing. The median latency is that of the slowest model."""
    first, *others = of_models
    if not others:
        return first

    def total(name: str) -> float:
        return float(sum(getattr(one, name) for one in of_models))

    def longest(name: str) -> float | None:
        return max((value for one in of_models if (value := getattr(one, name)) is not None), default=None)

    read = total("input_tokens") + total("cache_read_tokens") + total("cache_write_tokens")
    noted: Counter[str] = Counter()
    for one in of_models:
        noted.update(one.noted)
    return RunFigures(
        documents=first.documents,
        requests=int(total("requests")),
        retries=int(total("retries")),
        reused=min(one.reused for one in of_models),
        refused=max(one.refused for one in of_models),
        failed=max(one.failed for one in of_models),
        documents_asked=max(one.documents_asked for one in of_models),
        documents_answered=max(one.documents_answered for one in of_models),
        commonest_error=next((one.commonest_error for one in of_models if one.commonest_error), None),
        noted=noted,
        input_tokens=int(total("input_tokens")),
        output_tokens=int(total("output_tokens")),
        cache_read_tokens=int(total("cache_read_tokens")),
        cache_write_tokens=int(total("cache_write_tokens")),
        cost_usd=total("cost_usd"),
        assumed_usd=total("assumed_usd"),
        cache_hit_share=total("cache_read_tokens") / read if read else None,
        latency_p50_ms=longest("latency_p50_ms"),
        latency_p95_ms=longest("latency_p95_ms"),
    )


class Tally:
    """Counts as a run goes on. Rows count once they are on disk; `settled` are request keys answered or refused."""

    def __init__(self) -> None:
        self.requests = 0
        self.retries = 0
        self.cost_nano_usd = 0
        self.assumed_usd = 0.0
        self.settled: dict[str, Status] = {}
        self._input_tokens = 0
        self._output_tokens = 0
        self._cache_read_tokens = 0
        self._cache_write_tokens = 0
        self._latencies = array("d")
        self._noted: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._error_like: dict[str, str] = {}

    @property
    def cost_usd(self) -> float:
        """What came to the ledger so far."""
        return in_usd(self.cost_nano_usd)

    def sent(self, attempt: Attempt, *, is_retry: bool) -> None:
        """A request was sent, and ended."""
        self.requests += 1
        self.retries += is_retry
        if attempt.fate is Fate.ANSWERED:
            self._latencies.append(attempt.latency_ms)

    def written(self, rows: Sequence[LedgerRow]) -> int:
        """Rows came to the ledger. Returns how many questions they settled."""
        before = len(self.settled)
        for row in rows:
            if row.status in (Status.OK, Status.REFUSED):
                self.settled[row.request_key] = row.status
            self.cost_nano_usd += row.cost_nano_usd or 0
            self._input_tokens += row.input_tokens or 0
            self._output_tokens += row.output_tokens or 0
            self._cache_read_tokens += row.cache_read_tokens or 0
            self._cache_write_tokens += row.cache_write_tokens or 0
            if row.error and row.status is not Status.REFUSED:
                like = _DIGITS.sub("#", row.error)
                self._errors[like] += 1
                self._error_like.setdefault(like, row.error)
        self._noted.update(counts(row.note for row in rows))
        return len(self.settled) - before

    @property
    def commonest_error(self) -> str | None:
        """One of the errors that came most often (those that differ in digits alone are one), and how often."""
        if not self._errors:
            return None
        ((like, count),) = self._errors.most_common(1)
        return f"{self._error_like[like]} ({count:,} of {self._errors.total():,})"

    def figures(
        self,
        *,
        documents: int,
        reused: int,
        refused: int,
        failed: int,
        documents_asked: int,
        documents_answered: int,
    ) -> RunFigures:
        """The figures of the run, with the counts of documents that the caller knows."""
        read = self._input_tokens + self._cache_read_tokens + self._cache_write_tokens
        latencies = sorted(self._latencies)
        return RunFigures(
            documents=documents,
            requests=self.requests,
            retries=self.retries,
            reused=reused,
            refused=refused,
            failed=failed,
            documents_asked=documents_asked,
            documents_answered=documents_answered,
            commonest_error=self.commonest_error,
            noted=self._noted,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cache_read_tokens=self._cache_read_tokens,
            cache_write_tokens=self._cache_write_tokens,
            cost_usd=self.cost_usd,
            assumed_usd=self.assumed_usd,
            cache_hit_share=self._cache_read_tokens / read if read else None,
            latency_p50_ms=_percentile(latencies, 0.5),
            latency_p95_ms=_percentile(latencies, 0.95),
        )


def _percentile(ascending: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))] if ascending else None
