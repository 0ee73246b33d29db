"""The ledger: every attempt at an answer, on disk before it counts.

Rows are only ever added; a correction of what one cost leaves a row of its own. At most one accepted answer stands
for a request key, whoever writes: an index sees to it. Money is in nano-dollars (see `money`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from exposure_dagster.core.clock import utc_now
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.scoring.ledger_store import Connection, LedgerStore, next_revision
from exposure_dagster.store.locks import Lock

UNNAMED_FAMILY = "claude"
"""The only family there was while no row of a ledger said who had been asked."""

DAY = timedelta(hours=24)

_ROWS_AT_ONCE = 5000
_KEYS_AT_ONCE = 500


class Status(StrEnum):
    """What became of an attempt at one document, or how a document stands."""

    OK = "ok"
    INVALID = "invalid"
    REFUSED = "refused"
    FAILED = "failed"


def request_key(
    prompt_hash: str, doc_id: str, text_sha256: str, sample: int, epoch: int, *, family: str = UNNAMED_FAMILY
) -> str:
    """Identity of a question: what is never paid for twice. `family` is that of who is asked (see `Endpoint`); single
    requests and batches of one are one."""
    return content_hash([family, prompt_hash, doc_id, text_sha256, sample, epoch])


@dataclass(frozen=True)
class RequestKeys:
    """The request keys of who is asked now.

    Answers from before the ledger named who was asked may have come from this server as well, and those from before
    the number of samples left the prompt's hash are about the same question: they go on standing, under the keys that
    they have (`kept`). `earlier` are the hashes that a prompt version had then and the ledger knows.
    """

    family: str = UNNAMED_FAMILY
    kept: frozenset[str] = frozenset()
    earlier: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, prompt_hash: str, doc_id: str, text_sha256: str, sample: int, epoch: int) -> str:
        now = request_key(prompt_hash, doc_id, text_sha256, sample, epoch, family=self.family)
        if not self.kept or now in self.kept:
            return now
        for one in self.hashes(prompt_hash):
            for family in dict.fromkeys((self.family, UNNAMED_FAMILY)):
                before = request_key(one, doc_id, text_sha256, sample, epoch, family=family)
                if before in self.kept:
                    return before
        return now

    def hashes(self, prompt_hash: str) -> tuple[str, ...]:
        """That of a prompt version, and those under which the ledger holds earlier answers to it."""
        return (prompt_hash, *self.earlier.get(prompt_hash, ()))


UNNAMED = RequestKeys()


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One attempt at one document: a row of scored.responses. Token counts and cost are its share.

    The ledger numbers the attempts at a key itself.
    """

    request_key: str
    is_accepted: bool
    prompt: str
    prompt_hash: str
    doc_id: str
    text_sha256: str
    scorer: str
    model: str
    endpoint: str
    answered_by: str | None
    sample: int
    epoch: int
    status: Status
    attributes: Mapping[str, float] | None
    rationale: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_nano_usd: int | None
    request_id: str | None
    batch_id: str | None
    latency_ms: float | None
    created_at: datetime
    error: str | None
    note: str | None
    position: int = 1
    request_group: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What the ledger knows of a request key: its last attempt, and whether there is nothing left to ask."""

    attempts: int
    status: Status

    @property
    def is_settled(self) -> bool:
        return self.status in (Status.OK, Status.REFUSED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stands for a request key: its accepted answer, or its last attempt where there is none."""

    request_key: str
    status: Status
    numbers: Mapping[str, float]
    rationale: str | None
    model: str
    created_at: datetime
    error: str | None
    note: str | None


@dataclass(frozen=True)
class Ledger:
    """The ledger of a home. Reads see one snapshot each; a write is one transaction."""

    store: LedgerStore

    def run_lock(self, prompt_hash: str) -> Lock:
        """The lock that a run holds which asks a model about this prompt version."""
        return self.store.lock(_lock_name(prompt_hash))

    def is_asked_now(self, prompt_hash: str, connection: Connection) -> bool:
        """Whether a run asks about this prompt version now."""
        return self.store.is_held(_lock_name(prompt_hash), connection)

    def now(self, connection: Connection) -> datetime:
        """Within a transaction: the moment, by the ledger's clock."""
        return utc_now() + self.store.ahead(connection)

    def records(self, prompt_hashes: Collection[str], epoch: int) -> dict[str, KeyRecord]:
        """What is known of every request key of a prompt version, by its hashes, and epoch."""
        with self.store.reading() as connection:
            rows = connection.execute(
                "SELECT request_key, max(attempt), max(CASE WHEN is_accepted THEN 2 WHEN status = 'refused' THEN 1"
                f" ELSE 0 END) FROM responses WHERE prompt_hash IN ({_places(prompt_hashes)}) AND epoch = ?"
                " GROUP BY request_key",
                [*prompt_hashes, epoch],
            ).fetchall()
        stands = (Status.FAILED, Status.REFUSED, Status.OK)
        return {key: KeyRecord(attempts, stands[settled]) for key, attempts, settled in rows}

    def outcomes(self, prompt_hashes: Collection[str], epoch: int) -> Iterator[Outcome]:
        """What stands for every request key of a prompt version, by its hashes, and epoch. Reads in portions."""
        with self.store.reading() as connection:
            cursor = self.store.stream(
                connection,
                "SELECT request_key, is_accepted, status, attributes, rationale, model, created_at, error, note FROM ("
                "  SELECT *, row_number() OVER (PARTITION BY request_key"
                "    ORDER BY is_accepted DESC, status = 'refused' DESC, attempt DESC) AS place"
                f"  FROM responses WHERE prompt_hash IN ({_places(prompt_hashes)}) AND epoch = ?"
                ") AS attempts WHERE place = 1",
                [*prompt_hashes, epoch],
            )
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                for key, is_accepted, status, attributes, rationale, model, created_at, error, note in rows:
                    stands = Status.OK if is_accepted else Status(status)
                    yield Outcome(
                        key,
                        stands if stands in (Status.OK, Status.REFUSED) else Status.FAILED,
                        json.loads(attributes) if attributes else {},
                        rationale,
                        model,
                        datetime.fromisoformat(created_at),
                        error,
                        note,
                    )

    def settled_keys(self, prompt_hashes: Collection[str]) -> frozenset[str]:
        """Request keys of these prompt versions that are answered or refused."""
        with self.store.reading() as connection:
            return frozenset(
                key
                for prompt_hash in prompt_hashes
                for (key,) in connection.execute(
                    "SELECT DISTINCT request_key FROM responses"
                    " WHERE prompt_hash = ? AND (is_accepted OR status = 'refused')",
                    [prompt_hash],
                )
            )

    def keys(self, all_asked: Collection[AskedPrompt], family: str) -> RequestKeys:
        """The request keys of these prompt versions, where `family` is asked."""
        earlier = self.earlier_hashes(all_asked)
        if family == UNNAMED_FAMILY and not earlier:
            return RequestKeys()
        kept: set[str] = set()
        with self.store.reading() as connection:
            for asked in all_asked:
                before = earlier.get(asked.prompt_hash, ())
                if family == UNNAMED_FAMILY and not before:
                    continue
                for one in (asked.prompt_hash, *before):
                    # of earlier hashes whoever's there are: those of others have other keys
                    whose = "" if before else " AND endpoint IS NULL"
                    kept |= {
                        key
                        for (key,) in connection.execute(
                            f"SELECT DISTINCT request_key FROM responses WHERE prompt_hash = ?{whose}"
                            " AND (is_accepted OR status = 'refused')",
                            [one],
                        )
                    }
                    kept |= _keys_of_batches(connection, one, whose)
        return RequestKeys(family, frozenset(kept), earlier)

    def earlier_hashes(self, all_asked: Collection[AskedPrompt]) -> dict[str, tuple[str, ...]]:
        """By prompt version, the hashes that it had while the number of samples was part of it, as far as there are
        answers or batches of them here."""
        with self.store.reading() as connection:
            known = {
                one
                for (one,) in connection.execute(
                    "SELECT DISTINCT prompt_hash FROM responses UNION SELECT prompt_hash FROM batches"
                )
            }
        return earlier_hashes(all_asked, known)

    def newest_epochs(self) -> dict[str, int]:
        """By prompt version, the highest epoch that it was asked in; versions that never were are left out.

        Epochs below 0 are those of rehearsals that asked again.
        """
        with self.store.reading() as connection:
            return _newest_epochs(connection)

    def unfinished_epochs(self) -> frozenset[str]:
        """Prompt versions of which everything was begun to be asked again, by a run that did not come to its end."""
        with self.store.reading() as connection:
            return _unfinished_epochs(connection)

    def epoch_to_ask(self, asked: AskedPrompt, *, is_asked_again: bool) -> int:
        """The newest epoch, or one more to ask everything again; an unfinished one is brought to its end first."""
        hashes = self.hashes(asked)
        with self.store.reading() as connection:
            newest = newest_of(hashes, _newest_epochs(connection))
            return newest + int(is_asked_again and not _unfinished_epochs(connection).intersection(hashes))

    def rehearsal_epoch(self, asked: AskedPrompt, *, is_asked_again: bool) -> int:
        """The newest epoch, whose answers a rehearsal uses and adds to; to ask again it takes one below 0."""
        hashes = self.hashes(asked)
        with self.store.reading() as connection:
            if not is_asked_again:
                return newest_of(hashes, _newest_epochs(connection))
            ((lowest,),) = connection.execute(
                f"SELECT coalesce(min(epoch), 0) FROM responses WHERE prompt_hash IN ({_places(hashes)})", hashes
            ).fetchall()
        return min(int(lowest), 0) - 1

    def hashes(self, asked: AskedPrompt) -> tuple[str, ...]:
        """That of a prompt version, and those under which there are earlier answers to it."""
        return (asked.prompt_hash, *self.earlier_hashes([asked]).get(asked.prompt_hash, ()))

    def mean_output_tokens(self, model: str) -> float | None:
        """The mean of what a model wrote for a document's accepted answer; None where it gave none."""
        with self.store.reading() as connection:
            ((mean,),) = connection.execute(
                "SELECT avg(output_tokens) FROM responses WHERE is_accepted AND model = ?", [model]
            ).fetchall()
        return None if mean is None else float(mean)


def _keys_of_batches(connection: Connection, prompt_hash: str, whose: str) -> set[str]:
    """Request keys in batches on their way."""
    return {
        question["key"]
        for (requests,) in connection.execute(
            f"SELECT requests FROM batches WHERE prompt_hash = ? AND NOT is_collected{whose}", [prompt_hash]
        )
        for request in json.loads(requests)
        for question in request["questions"]
    }


def _lock_name(prompt_hash: str) -> str:
    return f"{prompt_hash}.lock"


def _places(values: Collection[str]) -> str:
    return ", ".join("?" * len(values))


_COLUMNS = (
    "request_key, attempt, is_accepted, prompt, prompt_hash, doc_id, text_sha256, scorer, model, sample, epoch, status,"
    " attributes, rationale, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_nano_usd,"
    " request_id, batch_id, latency_ms, created_at, error, note, revision, endpoint, answered_by, position,"
    " request_group"
)


def add_rows(
    connection: Connection,
    rows: Sequence[LedgerRow],
    *,
    ahead: timedelta = timedelta(0),
    may_be_there: bool = False,
) -> None:
    """Within a transaction: add attempts. An answer to a key that has an accepted one is kept but does not count.

    `ahead` is how far the ledger's clock is ahead of the one by which the rows were made. Rows that `may_be_there`,
    since nobody heard what became of a write, are added where they are not.
    """
    if not rows:
        return
    number = next_revision(connection)
    newest = _newest(connection)
    before = attempts_at(connection, {row.request_key for row in rows})
    values = []
    for row in rows:
        if may_be_there and _is_there(connection, row):
            continue
        attempts, has_answer = before.get(row.request_key, (0, False))
        is_second = row.is_accepted and has_answer
        before[row.request_key] = (attempts + 1, has_answer or row.is_accepted)
        values.append(
            (
                row.request_key,
                attempts + 1,
                row.is_accepted and not is_second,
                row.prompt,
                row.prompt_hash,
                row.doc_id,
                row.text_sha256,
                row.scorer,
                row.model,
                row.sample,
                row.epoch,
                row.status.value,
                None if row.attributes is None else json.dumps(dict(row.attributes)),
                row.rationale,
                row.input_tokens,
                row.output_tokens,
                row.cache_read_tokens,
                row.cache_write_tokens,
                row.cost_nano_usd,
                row.request_id,
                row.batch_id,
                row.latency_ms,
                as_text(_not_before(newest, row.created_at + ahead)),
                "another answer stands" if is_second else row.error,
                row.note,
                number,
                row.endpoint,
                row.answered_by,
                row.position,
                row.request_group,
            )
        )
    connection.executemany(f"INSERT INTO responses ({_COLUMNS}) VALUES ({', '.join('?' * 30)})", values)


def attempts_at(connection: Connection, keys: Collection[str]) -> dict[str, tuple[int, bool]]:
    """By request key, how many attempts there are at it and whether it has an accepted answer; no key of which there
    are none."""
    found: dict[str, tuple[int, bool]] = {}
    asked = list(keys)
    for start in range(0, len(asked), _KEYS_AT_ONCE):
        portion = asked[start : start + _KEYS_AT_ONCE]
        for key, attempts, has_answer in connection.execute(
            "SELECT request_key, max(attempt), max(CASE WHEN is_accepted THEN 1 ELSE 0 END) FROM responses"
            f" WHERE request_key IN ({_places(portion)}) GROUP BY request_key",
            portion,
        ):
            found[key] = (attempts, bool(has_answer))
    return found


def _is_there(connection: Connection, row: LedgerRow) -> bool:
    """Whether an attempt is in the ledger, by what no other has alike: how long it took, to the nanosecond, too."""
    found = connection.execute(
        "SELECT request_id, status, latency_ms FROM responses WHERE request_key = ?", [row.request_key]
    ).fetchall()
    return (row.request_id, row.status.value, row.latency_ms) in found


def _newest(connection: Connection) -> datetime | None:
    ((newest,),) = connection.execute("SELECT max(created_at) FROM responses").fetchall()
    return None if newest is None else datetime.fromisoformat(newest)


def _not_before(newest: datetime | None, now: datetime) -> datetime:
    """When a row came, in the order of the ledger: a clock that was put back takes nothing out of the last 24 hours.

    A newest row that is days ahead was written by a clock that was wrong then, and is no measure.
    """
    return newest if newest is not None and now < newest <= now + 2 * DAY else now


def earlier_hashes(all_asked: Collection[AskedPrompt], known: Collection[str]) -> dict[str, tuple[str, ...]]:
    """By prompt version, which of the `known` hashes are its own from while the number of samples was part of it."""
    others = frozenset(known) - {asked.prompt_hash for asked in all_asked}
    if not others:
        return {}
    found = {asked.prompt_hash: tuple(sorted(asked.earlier_hashes & others)) for asked in all_asked}
    return {now: before for now, before in found.items() if before}


def newest_of(hashes: Collection[str], epochs: Mapping[str, int]) -> int:
    """The newest epoch of a prompt version that has these hashes; 0 where it was never asked."""
    return max((epochs[one] for one in hashes if one in epochs), default=0)


@dataclass
class SpentInADay:
    """What the last 24 hours cost, in nano-dollars, kept up to date without adding it all up each time.

    What is older leaves the sum at most a minute late: until then it counts as spent.
    """

    _sum: int = 0
    _revision: int = -1
    _summed_at: datetime | None = None

    def read(self, connection: Connection, now: datetime) -> int:
        """Costs of attempts, and what may have been charged for answers that never reached us."""
        since = as_text(now - DAY)
        if self._summed_at is None or not timedelta(0) <= now - self._summed_at < timedelta(minutes=1):
            self._summed_at, self._sum, self._revision = now, 0, -1
        # where there is nothing to go on from, the index by time alone serves the sum of a whole day
        is_newer = " AND revision > ?" if self._revision >= 0 else ""
        added, newest = _one(
            connection,
            f"SELECT coalesce(sum(cost_nano_usd), 0), max(revision) FROM responses WHERE created_at > ?{is_newer}",
            [since, self._revision] if is_newer else [since],
        )
        (assumed,) = _one(
            connection, "SELECT coalesce(sum(cost_nano_usd), 0) FROM assumed_costs WHERE created_at > ?", [since]
        )
        self._sum += added
        self._revision = self._revision if newest is None else newest
        return self._sum + assumed


def as_text(moment: datetime) -> str:
    """A moment (UTC) as the ledger writes it: in an order that is that of time."""
    return moment.isoformat(sep=" ", timespec="microseconds")


def _one(connection: Connection, sql: str, parameters: Sequence[object]) -> tuple[int, ...]:
    (row,) = connection.execute(sql, parameters).fetchall()
    return tuple(row)


def _newest_epochs(connection: Connection) -> dict[str, int]:
    return dict(
        connection.execute("SELECT prompt_hash, max(epoch) FROM responses WHERE epoch >= 0 GROUP BY 1").fetchall()
    )


def _unfinished_epochs(connection: Connection) -> frozenset[str]:
    rows = connection.execute(
        "SELECT prompt_hash, max(epoch) AS epoch FROM responses GROUP BY 1 HAVING max(epoch) > 0"
        " EXCEPT SELECT prompt_hash, epoch FROM runs WHERE outcome IN ('complete', 'incomplete')"
    ).fetchall()
    return frozenset(prompt_hash for prompt_hash, _ in rows)
