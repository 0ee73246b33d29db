"""From an attempt and what it means to the rows of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.providers.exchange import Attempt, Fate
from exposure_dagster.scoring.asking import CutDocument
from exposure_dagster.scoring.context import RunContext
from exposure_dagster.scoring.job import Question
from exposure_dagster.scoring.judging import Verdict
from exposure_dagster.scoring.ledger import LedgerRow, Status
from exposure_dagster.scoring.metering import believed
from exposure_dagster.scoring.notes import joined

_GROUP_DIGITS = 16


def ledger_rows(
    run: RunContext,
    questions: Sequence[Question],
    cuts: Sequence[CutDocument],
    attempt: Attempt,
    verdicts: Sequence[Verdict],
    *,
    batch_id: str | None = None,
) -> list[LedgerRow]:
    """A row a question; tokens and cost of the request are spread over them. Counts the attempt on each question.

    What is said of a request in a batch is held against what it can have taken here, where the request is known
    again; of others it was when they were sent.
    """
    count = len(questions)
    usage, usage_note = attempt.usage, attempt.usage_note
    if batch_id is not None and attempt.fate is Fate.ANSWERED:
        attempts = max(question.attempts for question in questions)
        most = run.asking.worst_usage([cut.document for cut in cuts], attempts, sample=questions[0].sample)
        usage, usage_note = believed(usage, most)
    rates = run.asking.price.rates_for(usage.prompt_tokens if usage else 0)
    shares = [None] * count if usage is None else usage.shares(count)
    now = utc_now()
    rows = []
    group = content_hash([question.key for question in questions])[:_GROUP_DIGITS] if count > 1 else None
    for position, (question, cut, verdict, share) in enumerate(
        zip(questions, cuts, verdicts, shares, strict=True), start=1
    ):
        question.attempts += 1
        rows.append(
            LedgerRow(
                request_key=question.key,
                is_accepted=verdict.status is Status.OK,
                prompt=run.job.prompt,
                prompt_hash=run.job.prompt_hash,
                doc_id=question.document.doc_id,
                text_sha256=question.document.text_sha256,
                scorer=run.scorer,
                model=run.job.asked.model,
                endpoint=run.endpoint.family,
                answered_by=attempt.model,
                sample=question.sample,
                epoch=run.job.epoch,
                status=verdict.status,
                attributes=None if verdict.answer is None else verdict.answer.numbers,
                rationale=None if verdict.answer is None else verdict.answer.rationale,
                input_tokens=None if share is None else share.input_tokens,
                output_tokens=None if share is None else share.output_tokens,
                cache_read_tokens=None if share is None else share.cache_read_tokens,
                cache_write_tokens=None if share is None else share.cache_write_tokens,
                cost_nano_usd=None if share is None else rates.cost_nano(share),
                request_id=attempt.request_id,
                batch_id=batch_id,
                latency_ms=attempt.latency_ms,
                created_at=now,
                error=verdict.error,
                note=joined(cut.note, *(verdict.answer.repairs if verdict.answer else ()), usage_note),
                position=position,
                request_group=group,
            )
        )
    return rows
