"""Indices in the warehouse: what is set, and what each says of the documents of every corpus."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from exposure_dagster.core.checks import CheckOutcome, first_of
from exposure_dagster.core.columns import plain, texts
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.progress import counted
from exposure_dagster.corpora.registry import CORPORA
from exposure_dagster.indices.bundled import soc_2018_codes
from exposure_dagster.indices.index import CodedDocument, CodeSystem, Index, index_values, unused_codes
from exposure_dagster.indices.names import BUNDLED_NAMES, NamedIndex
from exposure_dagster.indices.reading import read_index
from exposure_dagster.indices.tables import INDEX_VALUES, INDICES
from exposure_dagster.store.warehouse import Warehouse

NONE = "none"
"""The digest of indices where none is set."""


@dataclass(frozen=True)
class IndicesReport:
    """Rows that were written, and their digest, which changes if and only if they did."""

    rows: int
    digest: str
    outcomes: tuple[CheckOutcome, ...] = ()


def refresh_indices(warehouse: Warehouse, indices: Sequence[NamedIndex]) -> IndicesReport:
    """Fill raw.indices with those that are set. Raises SourceError where a file of one cannot be used."""
    import pandas as pd

    rows = [
        {
            "index": index.name,
            "code": code,
            "code_system": index.code_system.value,
            "value": value,
            "scale_low": None if index.scale is None else index.scale[0],
            "scale_high": None if index.scale is None else index.scale[1],
            "file_sha256": index.file_sha256,
            "licence": index.licence,
            "citation": index.citation,
            "year": index.year,
        }
        for index in map(read_index, indices)
        for code, value in index.values.items()
    ]
    frame = pd.DataFrame(rows, columns=list(INDICES.column_names)).astype({"year": "Int64"})
    warehouse.replace(INDICES, frame)
    return IndicesReport(len(frame), content_hash(frame.to_csv(index=False)) if len(frame) else NONE)


def map_indices(warehouse: Warehouse) -> IndicesReport:
    """Fill parsed.index_values from raw.indices and the codes of parsed.document_facts."""
    import pandas as pd

    with warehouse.snapshot() as now:
        indices = stored_indices(now)
        documents = coded_documents(now) if indices else {}
    rows = []
    used: dict[str, set[str]] = {index.name: set() for index in indices}
    for index in indices:
        for corpus, of_corpus in documents.items():
            for one in index_values(index, of_corpus, soc_2018_codes()):
                used[index.name].update(one.codes_used)
                rows.append((index.name, corpus, one.doc_id, one.value, [*one.codes_used], [*one.codes_missing]))
    frame = pd.DataFrame(rows, columns=list(INDEX_VALUES.column_names))
    warehouse.replace(INDEX_VALUES, frame)
    digest = content_hash(frame.to_json(orient="values")) if len(frame) else NONE
    return IndicesReport(len(frame), digest, (_own_indices_speak_of_documents(indices, used),))


def stored_indices(warehouse: Warehouse) -> list[Index]:
    """The indices of raw.indices, by name."""
    found = []
    for name, rows in warehouse.read(f"SELECT * FROM {INDICES.full_name} ORDER BY index, code").groupby("index"):
        first = {column: plain(value) for column, value in rows.iloc[0].items()}
        scale = first["scale_low"], first["scale_high"]
        found.append(
            Index(
                name=str(name),
                code_system=CodeSystem(first["code_system"]),
                values={
                    code: None if math.isnan(value) else value
                    for code, value in zip(rows["code"], rows["value"], strict=True)
                },
                file_sha256=first["file_sha256"],
                licence=first["licence"],
                citation=first["citation"],
                year=first["year"],
                scale=None if None in scale else (float(scale[0]), float(scale[1])),
            )
        )
    return found


def coded_documents(warehouse: Warehouse) -> dict[str, list[CodedDocument]]:
    """By corpus, its documents with their codes, in the order of their ids."""
    found: dict[str, list[CodedDocument]] = {}
    for corpus, doc_id, soc_codes, onet_codes, figures in warehouse.rows(
        "SELECT corpus, doc_id, soc_codes, onet_codes, figures FROM parsed.document_facts ORDER BY corpus, doc_id"
    ):
        is_part = corpus in CORPORA and CORPORA[corpus].parts_of is not None
        isco = json.loads(figures or "{}").get("isco_codes") if not is_part else None
        found.setdefault(corpus, []).append(
            CodedDocument(doc_id, texts(soc_codes), texts(onet_codes), texts(isco), is_part=is_part)
        )
    return found


def _own_indices_speak_of_documents(indices: Sequence[Index], used: dict[str, set[str]]) -> CheckOutcome:
    """Fails where an index of the user's own speaks of no document; codes that none has are listed of every index."""
    import pandas as pd

    unused = {index.name: unused_codes(index, used[index.name], soc_2018_codes()) for index in indices}
    found = pd.DataFrame(
        [{"index": name, "code": code} for name, codes in unused.items() for code in codes], columns=["index", "code"]
    )
    silent = [name for name in unused if not used[name] and name not in BUNDLED_NAMES]
    told = [f"{name}: {counted(len(codes), 'code')}, as {first_of(codes)}" for name, codes in unused.items() if codes]
    description = "every figure of every index is used" if indices else "no index is set"
    if told:
        description = f"codes that no document has: {'; '.join(told)}"
    if silent:
        description = f"{', '.join(silent)} speaks of no document here; {description}"
    return CheckOutcome("own_indices_speak_of_documents", not silent, description, found.head(200), is_error=False)
