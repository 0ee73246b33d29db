"""A scoring run from lock to record: the one way in to ask a model.

lock the prompt version → read what is answered → ask what is open → say how every document stands; with `sampling`
what is open is looked up again until the answers want no more
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.errors import ExposureError, ScoringError
from exposure_dagster.core.progress import NO_PROGRESS, Progress
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.providers.prices import PriceTable
from exposure_dagster.providers.provider import Endpoint
from exposure_dagster.scoring.asking import Asking, asking_of
from exposure_dagster.scoring.batch_store import BatchStore
from exposure_dagster.scoring.budget import BudgetStopError
from exposure_dagster.scoring.context import Limits, RunContext
from exposure_dagster.scoring.interrupts import RunInterruptedError
from exposure_dagster.scoring.job import Question, ScoringJob, Standing, questions_now, standings, was_refused
from exposure_dagster.scoring.ledger import KeyRecord, Ledger, Status
from exposure_dagster.scoring.mirror import bring_back, copy_to_warehouse, open_ledger
from exposure_dagster.scoring.run_records import RunRow, begin_run, record_run
from exposure_dagster.scoring.session import ask_questions
from exposure_dagster.scoring.tally import RunFigures, Tally
from exposure_dagster.store.locks import holding
from exposure_dagster.store.warehouse import Warehouse

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batching:
    """Asking in batches. `cancels_with_run`: a cancelled run cancels its batch, else the batch goes on."""

    cancels_with_run: bool = False


@dataclass(frozen=True)
class ScoringResult:
    """How every document of a job stands after a run, in the job's order, and what the run did."""

    standings: Sequence[Standing]
    figures: RunFigures

    @property
    def is_complete(self) -> bool:
        """Whether no document is left to be asked again: each is answered or refused."""
        return self.figures.failed == 0


class ScoringStoppedError(ScoringError):
    """A run ended before everything was asked. What was answered is in the ledger; `figures` say what it did."""

    def __init__(self, cause: ExposureError, left: str, figures: RunFigures) -> None:
        super().__init__(f"{cause.what}; {left}", where=cause.where, remedy=cause.remedy)
        self.figures = figures


def score_with_model(
    job: ScoringJob,
    *,
    warehouse: Warehouse,
    prices: PriceTable,
    limits: Limits,
    batching: Batching | None = None,
    progress: Progress = NO_PROGRESS,
) -> ScoringResult:
    """Ask what is not answered yet, and say how every document stands.

    With `batching` the same requests go in batches, at their price, where the provider takes any. Waits for another
    run of the same prompt version, and then finds its answers. Raises ScoringError where the model's price is not
    known, and ScoringStoppedError where asking could not begin or had to end early; what was answered is
    kept, and the next run asks only for the rest.
    """
    endpoint = prices.endpoints.of(job.asked.model)
    provider = endpoint.provider
    if batching and provider.batches is None:
        _log.warning(
            "%s takes no batches; %s is asked request by request, at the full price", provider.title, job.prompt
        )
        batching = None
    price = prices.of(job.asked.model)
    asking = Asking(job.asked, price.times(prices.batch_factor) if batching else price, endpoint.is_own)
    scorer = f"{provider.family}-batch" if batching else provider.family
    on_wait = partial(_log.warning, "another run asks %s; waiting for it", job.prompt)
    ledger = open_ledger(warehouse)
    bring_back(ledger, warehouse)
    job = replace(job, keys=ledger.keys([job.asked], endpoint.family))
    tally = Tally()
    with holding(ledger.run_lock(job.prompt_hash), on_wait=on_wait) as lock:
        row = RunRow(
            run_id=job.run_id,
            prompt=job.prompt,
            prompt_hash=job.prompt_hash,
            scorer=scorer,
            epoch=None if job.is_rehearsal else job.epoch,
            started_at=utc_now(),
        )
        begin_run(ledger, row)

        def end(figures: RunFigures, outcome: str, error: BaseException | None = None) -> None:
            ended = replace(
                row,
                finished_at=max(utc_now(), row.started_at),  # the clock may have been put back
                asked=figures.requests,
                reused=figures.reused,
                refused=figures.refused,
                failed=figures.failed,
                cost_nano_usd=tally.cost_nano_usd,
                outcome=outcome,
                error=None if error is None else str(error) or type(error).__name__,
            )
            _record(ledger, warehouse, ended)

        records = ledger.records(job.hashes, job.epoch)
        questions = questions_now(job, ledger)
        context = RunContext(
            job=job,
            endpoint=endpoint,
            asking=asking,
            ledger=ledger,
            lock=lock,
            limits=limits,
            scorer=scorer,
            tally=tally,
            progress=progress,
            was_answered_before=any(record.status is Status.OK for record in records.values()),
            is_batched=batching is not None,
            cancels_batches=batching is not None and batching.cancels_with_run,
        )
        try:
            if questions or (batching is not None and BatchStore(ledger, job.hashes, job.epoch).uncollected()):
                _refuse_without_a_key(endpoint)
                asking.check_room()
                progress.start("answered", len(questions))
                try:
                    asyncio.run(ask_questions(context, list(questions), _Further(job, ledger, progress, questions)))
                finally:
                    progress.finish()
        except BaseException as error:
            figures = _figures(job, records, questions, tally)
            end(figures, "stopped" if isinstance(error, BudgetStopError) else "failed", error)
            if isinstance(error, RunInterruptedError):
                error.take_course()
            if isinstance(error, ExposureError):
                raise ScoringStoppedError(error, _what_is_left(questions, tally), figures) from error
            raise
        figures = _figures(job, records, questions, tally)
        end(figures, "incomplete" if figures.failed else "complete")
        return ScoringResult(standings(job, ledger.outcomes(job.hashes, job.epoch)), figures)


@dataclass(frozen=True)
class _Further:
    """With `sampling`, what is open by now and was not asked in this run: answers may want more of them."""

    job: ScoringJob
    ledger: Ledger
    progress: Progress
    asked: list[Question]

    def __call__(self) -> list[Question]:
        if self.job.asked.sampling is None:
            return []
        known = {question.key for question in self.asked}
        new = [question for question in questions_now(self.job, self.ledger) if question.key not in known]
        if new:
            self.asked.extend(new)
            self.progress.finish()
            self.progress.start("answered", len(new))
        return new


def check_can_be_asked(asked: AskedPrompt, prices: PriceTable) -> None:
    """Raises ScoringError where a prompt's model cannot be asked: no key, no package, no price, no room."""
    endpoint = prices.endpoints.of(asked.model)
    _refuse_without_a_key(endpoint)
    _ = endpoint.provider.service
    asking_of(asked, prices).check_room()


def _refuse_without_a_key(endpoint: Endpoint) -> None:
    provider = endpoint.provider
    if endpoint.address is None:
        raise ScoringError(
            "there is no address to ask the model at",
            where=provider.address_variable,
            remedy="Set it, as in http://127.0.0.1:8080/v1, or EXPOSURE_SCORER=baseline to estimate without a model.",
        )
    if not endpoint.is_usable:
        raise ScoringError(
            "there is no key to ask the model with",
            where=provider.key_variable,
            remedy="Set it, or EXPOSURE_SCORER=baseline to estimate without a model.",
        )


def _figures(
    job: ScoringJob, records: Mapping[str, KeyRecord], questions: Sequence[Question], tally: Tally
) -> RunFigures:
    asked = {question.document for question in questions}
    deciding = [question for question in questions if question.sample <= job.asked.samples]
    unsettled = {question.document for question in deciding if question.key not in tally.settled}
    refused = {question.document for question in deciding if tally.settled.get(question.key) is Status.REFUSED}
    reused = [document for document in job.documents if document not in asked]
    refused_before = sum(was_refused(job, document, records, job.asked.samples) for document in reused)
    return tally.figures(
        documents=len(job.documents),
        reused=len(reused) - refused_before,
        refused=len(refused) + refused_before,
        failed=len(unsettled - refused),
        documents_asked=len(asked),
        documents_answered=len(asked - unsettled - refused),
    )


def _what_is_left(questions: Sequence[Question], tally: Tally) -> str:
    left = len(questions) - len(tally.settled)
    clause = f"{left:,} of {len(questions):,} answers are still to be asked for"
    if not tally.settled:
        return clause
    return f"{clause}, for about ${left * tally.cost_usd / len(tally.settled):,.2f}"


def _record(ledger: Ledger, warehouse: Warehouse, row: RunRow) -> None:
    """Enter the end of a run, and bring the warehouse's copy of the ledger up to date."""
    try:
        record_run(ledger, row)
        copy_to_warehouse(ledger, warehouse)
    except ExposureError as problem:
        _log.warning("the end of run %s is not in every table (%s); the next run makes up for it", row.run_id, problem)
