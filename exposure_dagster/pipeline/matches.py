"""The O*NET occupation of each of a user's own documents, as far as it can be told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd

from exposure_dagster.core.checks import CheckOutcome, first_of
from exposure_dagster.core.hashing import content_hash, frame_digest
from exposure_dagster.core.progress import counted
from exposure_dagster.corpora.registry import MATCHED_WITH, ROLE_INDEX
from exposure_dagster.matching import CANDIDATES, MATCHING_VERSION
from exposure_dagster.matching.corrections import NO_CORRECTIONS, Corrections, Document, read_corrections
from exposure_dagster.store.warehouse import Warehouse, put_fact, replace_rows
from exposure_dagster.tables import MATCHES

if TYPE_CHECKING:
    from exposure_dagster.matching.matcher import KnownOccupation, Match

NO_DOCUMENTS = "there are no documents of your own"
NO_OCCUPATIONS = f"there are no {MATCHED_WITH.title} yet, so that nothing is matched"

EXACT, SIMILAR, GIVEN, CORRECTED = "exact", "similar", "given", "corrected"

MOST_DOCUMENTS = 50_000
"""Of a corpus that is matched: that takes three minutes. One with more lists something else than roles."""

_MADE_FROM = "matches_made_from"

_KNOWN = (ROLE_INDEX.names, ROLE_INDEX.titles, ROLE_INDEX.duties)


@dataclass(frozen=True, slots=True)
class OwnRole:
    """A document of a user's own: `onet_codes` are those that its file names."""

    corpus: str
    doc_id: str
    title: str
    text: str
    onet_codes: tuple[str, ...] = ()

    @property
    def document(self) -> Document:
        return self.corpus, self.doc_id


@dataclass(frozen=True)
class MatchReport:
    """How parsed.matches stands. `digest` changes if and only if its content did."""

    documents: int
    accepted: int
    digest: str
    result: str
    problems: tuple[str, ...] = ()


def match_own_documents(warehouse: Warehouse, corrections_file: Path | None = None) -> MatchReport:
    """Fill parsed.matches. It is empty where there are no documents, or no occupations, to be matched.

    Where nothing that it is made from has changed it stays as it is, since to read all titles takes seconds.
    """

    def look(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...] | None]:
        return [
            connection.execute(f"SELECT count(*), bit_xor(hash(t::VARCHAR)) FROM ({query}) t").fetchone()
            for query in (_ROLES, *_KNOWN)
        ]

    state = warehouse.transact(look)  # the table is there from now on, whatever is read of it below
    roles = own_roles(warehouse)
    names = {code for code, *_ in warehouse.rows(ROLE_INDEX.names)}
    corrections = NO_CORRECTIONS
    if corrections_file is not None and roles and names:
        corrections = read_corrections(corrections_file, [role.document for role in roles], names)
    corrected = sorted((*document, code or "") for document, code in corrections.codes.items())
    # with the declaration: where that changes the table begins empty
    made_from = content_hash([MATCHING_VERSION, MATCHES.ddl(), state, corrected])
    before = warehouse.rows("SELECT 1 FROM meta.facts WHERE name = ? AND value = ?", [_MADE_FROM, made_from])
    if not before:
        occupations = occupations_of_warehouse(warehouse) if roles else []
        rows = matched(roles, occupations, corrections)

        def write(connection: duckdb.DuckDBPyConnection) -> None:
            replace_rows(connection, MATCHES, rows)
            put_fact(connection, _MADE_FROM, made_from)

        warehouse.transact(write)
    rows = warehouse.read(f"SELECT * FROM {MATCHES.full_name} ORDER BY corpus, doc_id, rank")
    accepted = int(rows["is_accepted"].sum())
    return MatchReport(
        len(roles), accepted, frame_digest(rows), _result(warehouse, roles, names, accepted), corrections.problems
    )


def _result(warehouse: Warehouse, roles: Sequence[OwnRole], names: Collection[str], accepted: int) -> str:
    large = [f"{corpus} ({count:,} documents)" for corpus, count in warehouse.rows(f"{_LARGE} ORDER BY 1")]
    said = f"{accepted:,} of {counted(len(roles), 'document')} have an occupation"
    if not names:
        said = NO_OCCUPATIONS
    elif not roles:
        said = NO_DOCUMENTS if not large else "no document is matched"
    return f"{said}; left out as too large: {', '.join(large)}" if large else said


def corrections_can_be_used(report: MatchReport) -> CheckOutcome:
    """Every line of the file of corrections can be used; each that cannot is named."""
    if not report.problems:
        return CheckOutcome("corrections_can_be_used", True, "no line of the corrections is left out")
    return CheckOutcome(
        "corrections_can_be_used",
        False,
        f"left out: {first_of(report.problems)}",
        pd.DataFrame({"problem": report.problems}).head(200),
    )


def matched(
    roles: Sequence[OwnRole], occupations: Sequence[KnownOccupation], corrections: Corrections = NO_CORRECTIONS
) -> pd.DataFrame:
    """Rows of parsed.matches: of each role up to five candidates, the likeliest first.

    What a correction says comes first, then the code that the file names, if it names one alone. A role whose file
    names several codes is part of several occupations by the user's own word, and is not matched.
    """
    columns = list(MATCHES.column_names)
    if not roles or not occupations:
        return pd.DataFrame(columns=columns)
    from exposure_dagster.matching.matcher import Matcher, Role  # scikit-learn takes a second to load

    names = {one.onet_code: one.name for one in occupations}
    wanted = [role for role in roles if len(role.onet_codes) < 2 or role.document in corrections.codes]
    matches = Matcher(occupations).match([Role(role.title, role.text) for role in wanted])
    records = [
        {
            "corpus": role.corpus,
            "doc_id": role.doc_id,
            "title": role.title,
            "rank": rank,
            "onet_code": code,
            "occupation": names.get(code or ""),
            "share": share,
            "how": how,
            "is_accepted": is_accepted,
        }
        for role, match in zip(wanted, matches, strict=True)
        for rank, (code, share, how, is_accepted) in enumerate(_ranked(role, match, corrections, names), start=1)
    ]
    return pd.DataFrame(records, columns=columns)


def _ranked(
    role: OwnRole, match: Match, corrections: Corrections, names: dict[str, str]
) -> Iterator[tuple[str | None, float | None, str, bool]]:
    """Code, share, how it was found and whether it is accepted, of each candidate."""
    shares = {candidate.onet_code: candidate.share for candidate in match.candidates}
    said: str | None = None
    how = None
    if role.document in corrections.codes:
        said, how = corrections.codes[role.document], CORRECTED
    elif len(role.onet_codes) == 1 and role.onet_codes[0] in names:
        said, how = role.onet_codes[0], GIVEN
    if how is not None:
        yield said, shares.get(said or ""), how, said is not None
    accepted = match.accepted if how is None else None
    left = [code for code in shares if code != said]
    for code in left[: CANDIDATES - (how is not None)]:
        yield (
            code,
            shares[code],
            EXACT if match.is_exact else SIMILAR,
            accepted is not None and code == accepted.onet_code,
        )


def own_roles(warehouse: Warehouse) -> list[OwnRole]:
    """The documents of a user's own, as they were last read."""
    rows = warehouse.rows(f"{_ROLES} ORDER BY corpus, doc_id")
    return [OwnRole(corpus, doc_id, title, text, tuple(codes or ())) for corpus, doc_id, title, text, codes in rows]


def occupations_of_warehouse(warehouse: Warehouse) -> list[KnownOccupation]:
    """The occupations that the warehouse knows, with their titles and duties."""
    from exposure_dagster.matching.matcher import known_occupations

    with warehouse.snapshot() as now:
        names, titles, duties = (now.rows(f"{query} ORDER BY ALL") for query in _KNOWN)
    return known_occupations(names, titles, duties)


_LARGE = f"SELECT corpus, count(*) FROM raw.own_documents GROUP BY corpus HAVING count(*) > {MOST_DOCUMENTS}"
_ROLES = (
    "SELECT corpus, doc_id, title, text, onet_codes FROM raw.own_documents"
    f" WHERE corpus NOT IN (SELECT corpus FROM ({_LARGE}))"
)
