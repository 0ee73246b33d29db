"""What a user says of roles whose occupation was found wrongly, or not: a CSV file with columns `document` and `code`.

A code is an O*NET-SOC code, or `none` where no occupation fits; a line without a code says nothing yet. `corpus` is
needed where several corpora have a document of that id. Other columns are passed over. Every line stands for itself:
one with a mistake is left out and told, and the others hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from exposure_dagster.core.bounded import read_bounded
from exposure_dagster.core.errors import SourceError
from exposure_dagster.parsing.codes import is_onet_code
from exposure_dagster.parsing.csv_rows import CsvFile, read_csv

NO_OCCUPATION = "none"
"""What a correction says where no occupation fits."""

MAX_BYTES = 100_000_000

_TITLES = {"document": ("document", "doc_id"), "code": ("code", "onet_code"), "corpus": ("corpus",)}

Document = tuple[str, str]
"""A corpus and the id of a document in it."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """By document the code that is meant, None where none fits; and what is wrong with the file, a clause each."""

    codes: Mapping[Document, str | None]
    problems: tuple[str, ...] = ()


NO_CORRECTIONS = Corrections({})


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    document: str
    corpus: str
    code: str


def read_corrections(path: Path, documents: Collection[Document], codes: Collection[str]) -> Corrections:
    """The corrections of a file, held against the documents and codes that there are."""
    try:
        table = read_csv(read_bounded(path, MAX_BYTES), name=path.name)
    except OSError as error:
        return Corrections({}, (f"{path} cannot be read: {error.strerror}",))
    except SourceError as error:
        return Corrections({}, (f"{error.where or path.name}: {error.what}",))
    places = {field: next((one for one in titles if one in table.header), None) for field, titles in _TITLES.items()}
    lacking = [field for field in ("document", "code") if places[field] is None]
    if lacking:
        there = ", ".join(table.header)
        return Corrections(
            {}, (f"{path.name}: there is no column {' and no column '.join(lacking)}; there is {there}",)
        )
    return _checked(_lines(table, places), path.name, documents, codes)


def _lines(table: CsvFile, places: Mapping[str, str | None]) -> list[_Line]:
    lines = []
    for row in table.rows:
        said = {field: row.cells[title] if title is not None else "" for field, title in places.items()}
        if said["code"]:
            lines.append(_Line(row.line, said["document"], said["corpus"], said["code"]))
    return lines


def _checked(lines: list[_Line], name: str, documents: Collection[Document], codes: Collection[str]) -> Corrections:
    known = set(documents)
    corpora_of: dict[str, list[str]] = {}
    for corpus, doc_id in sorted(known):
        corpora_of.setdefault(doc_id, []).append(corpus)
    found: list[tuple[_Line, Document, str | None]] = []
    problems: list[str] = []
    for line in lines:
        try:
            found.append((line, _document(line, known, corpora_of), _code(line, codes)))
        except ValueError as error:
            problems.append(f"{name}, line {line.number}: {error}")
    times = Counter(document for _, document, _ in found)
    for line, document, _ in found:
        if times[document] > 1:
            problems.append(
                f"{name}, line {line.number}: document {line.document!r} is corrected {times[document]} times"
            )
    return Corrections({document: code for _, document, code in found if times[document] == 1}, tuple(problems))


def _document(line: _Line, known: Collection[Document], corpora_of: Mapping[str, list[str]]) -> Document:
    # an apostrophe keeps a spreadsheet from taking an id for a formula
    doc_id = line.document if line.document in corpora_of else line.document.removeprefix("'")
    corpora = corpora_of.get(doc_id, [])
    if not corpora:
        raise ValueError(f"there is no document {line.document!r}")
    if not line.corpus and len(corpora) > 1:
        raise ValueError(f"several corpora have a document {doc_id!r} ({', '.join(corpora)}): name one as `corpus`")
    document = (line.corpus or corpora[0], doc_id)
    if document not in known:
        raise ValueError(f"corpus {line.corpus!r} has no document {doc_id!r}; {', '.join(corpora)} has")
    return document


def _code(line: _Line, codes: Collection[str]) -> str | None:
    if line.code.lower() == NO_OCCUPATION:
        return None
    if not is_onet_code(line.code):
        raise ValueError(f"{line.code!r} is no O*NET-SOC code such as 29-1141.00, nor `{NO_OCCUPATION}`")
    if line.code not in codes:
        raise ValueError(f"O*NET has no occupation {line.code}")
    return line.code
