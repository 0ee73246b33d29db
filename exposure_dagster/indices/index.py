"""What an index is, and what it says of documents by their codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import fsum

from exposure_dagster.parsing.codes import soc_code_of

DECIMALS = 12
"""Equal figures differ in their last bit after another sum (0.82 and 0.8200000000000001), which would untie ranks."""


class CodeSystem(StrEnum):
    """What the codes of an index are. SLUG: ids of documents, as of handbook pages (`actors`) or tasks."""

    SOC_2010 = "soc2010"
    SOC_2018 = "soc2018"
    ONET_2019 = "onet2019"
    SLUG = "slug"
    ISCO = "isco"


@dataclass(frozen=True)
class Index:
    """Figures by code; None where the file has a code and no figure. `scale` is where they lie, if that is said."""

    name: str
    code_system: CodeSystem
    values: Mapping[str, float | None]
    file_sha256: str
    licence: str | None = None
    citation: str | None = None
    year: int | None = None
    scale: tuple[float, float] | None = None


@dataclass(frozen=True)
class CodedDocument:
    """A document and its codes. A part, as a task of an occupation, is not what its occupation's codes stand for."""

    doc_id: str
    soc_codes: Sequence[str] = ()
    onet_codes: Sequence[str] = ()
    isco_codes: Sequence[str] = ()
    is_part: bool = False


@dataclass(frozen=True)
class IndexValue:
    """What an index says of a document: the mean over `codes_used`; None where every code is missing."""

    doc_id: str
    value: float | None
    codes_used: tuple[str, ...]
    codes_missing: tuple[str, ...]


def index_values(
    index: Index, documents: Sequence[CodedDocument], soc_2018: Mapping[str, Sequence[str]]
) -> list[IndexValue]:
    """What the index says of the documents that have codes of its system, in their order.

    Figures of SOC 2010 are brought to 2018 first (`in_soc_2018`). An index by O*NET codes speaks of documents with SOC
    codes alone by the mean of the O*NET codes below each. One by ids speaks of a corpus only where it names one of its
    documents.
    """
    known = {code: value for code, value in index.values.items() if value is not None}
    if index.code_system is CodeSystem.SOC_2010:
        known = in_soc_2018(known, soc_2018)
    by_soc = means_of((soc_code_of(code), value) for code, value in known.items())
    if index.code_system is CodeSystem.SLUG and not any(document.doc_id in index.values for document in documents):
        return []
    found = []
    for document in documents:
        codes = codes_of(document, index.code_system)
        if codes:
            is_rolled_up = index.code_system is CodeSystem.ONET_2019 and not document.onet_codes
            found.append(_value(document.doc_id, codes, by_soc if is_rolled_up else known))
    return found


def codes_of(document: CodedDocument, system: CodeSystem) -> tuple[str, ...]:
    """The codes by which an index of that system speaks of the document, each once; of a part its id alone."""
    if system is CodeSystem.SLUG:
        return (document.doc_id,)
    if document.is_part:
        return ()
    if system is CodeSystem.ISCO:
        return _once(document.isco_codes)
    if system is CodeSystem.ONET_2019:
        return _once(document.onet_codes or document.soc_codes)
    return _once(map(soc_code_of, document.onet_codes)) or _once(document.soc_codes)


def in_soc_2018(values: Mapping[str, float], soc_2018: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Figures by SOC codes of 2010 as figures by those of 2018: each the mean over the codes that it was made of.

    `soc_2018` has the codes that a code became; one that it does not have stayed as it was. Taking the codes of 2010
    for those of 2018 would leave out what was renumbered, and take what was split or joined for what it is not.
    """
    return means_of((after, value) for before, value in values.items() for after in soc_2018.get(before, (before,)))


def means_of(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The mean value of each key."""
    values: dict[str, list[float]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return {key: fsum(found) / len(found) for key, found in values.items()}


def unused_codes(index: Index, used: Iterable[str], soc_2018: Mapping[str, Sequence[str]]) -> list[str]:
    """Codes with a figure that no document's value is made from. `used` are codes as documents have them."""
    taken = set(used)

    def is_used(code: str) -> bool:
        after = soc_2018.get(code, (code,)) if index.code_system is CodeSystem.SOC_2010 else (code,)
        return not taken.isdisjoint({*after, *map(soc_code_of, after)})

    return [code for code, value in index.values.items() if value is not None and not is_used(code)]


def _value(doc_id: str, codes: tuple[str, ...], known: Mapping[str, float]) -> IndexValue:
    used = tuple(code for code in codes if code in known)
    value = round(fsum(known[code] for code in used) / len(used), DECIMALS) if used else None
    return IndexValue(doc_id, value, used, tuple(code for code in codes if code not in known))


def _once(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codes))
