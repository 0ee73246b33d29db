"""Reading the file of an index: `code` and `value`, and what it says of itself in further columns."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Mapping, Sequence

from exposure_dagster.core.checks import first_of
from exposure_dagster.core.errors import SourceError
from exposure_dagster.indices.bundled import bundled_index, soc_2018_codes
from exposure_dagster.indices.index import CodeSystem, Index
from exposure_dagster.indices.names import NamedIndex
from exposure_dagster.parsing.codes import ONET_CODE, SOC_CODE, soc_code_of
from exposure_dagster.parsing.delimited import NotTextError, decoded, records, separator_of, without_sep_line

COLUMNS = ("code", "value", "code_system", "scale_low", "scale_high", "licence", "citation", "year")
"""Columns that are read; the first two have to be there. Those after `value` say one thing for the whole file."""

MAX_BYTES = 100_000_000

_FORMS = {
    CodeSystem.SOC_2010: (SOC_CODE, "11-1011"),
    CodeSystem.SOC_2018: (SOC_CODE, "11-1011"),
    CodeSystem.ONET_2019: (ONET_CODE, "11-1011.00"),
    CodeSystem.ISCO: (re.compile(r"\d{1,4}"), "2512"),
}
_NO_FIGURE = {"", "na", "n/a", "nan", "null", "none", "."}


def read_index(named: NamedIndex) -> Index:
    """The index: a bundled one, or the file's. Raises SourceError that says what of the file cannot be used."""
    if named.path is None:
        return bundled_index(named.name)
    try:
        if named.path.exists() and not named.path.is_file():
            raise _unusable(named, "it is no file")
        if named.path.stat().st_size > MAX_BYTES:
            raise _unusable(named, f"it is larger than {MAX_BYTES:,} bytes, and can be no table of occupations")
        body = named.path.read_bytes()
    except OSError as error:
        raise _unusable(named, f"the file cannot be read ({error.strerror})") from None
    return parse_index(named, body)


def parse_index(named: NamedIndex, body: bytes) -> Index:
    """The index of a file's bytes: CSV with a row of titles. Raises SourceError."""
    rows = _rows(named, body)
    values: dict[str, float | None] = {}
    wrong = []
    for line, cells in rows:
        code, written = cells["code"], cells["value"]
        value = _figure(written)
        if not code:
            wrong.append(f"line {line} has no code")
        elif value is None and written.lower() not in _NO_FIGURE:
            wrong.append(f"line {line}: {written!r} is no figure (write it as in 0.75)")
        elif code in values:
            wrong.append(f"line {line} has {code} a second time")
        else:
            values[code] = value
    if wrong:
        raise _unusable(named, first_of(wrong))
    if all(value is None for value in values.values()):
        raise _unusable(named, "no row of it has a figure")
    said = {name: _said(named, rows, name) for name in COLUMNS[2:]}
    scale = _said_figure(named, said, "scale_low"), _said_figure(named, said, "scale_high")
    year = _said_figure(named, said, "year")
    return Index(
        name=named.name,
        code_system=_system(named, values, said["code_system"]),
        values=values,
        file_sha256=hashlib.sha256(body).hexdigest(),
        licence=said["licence"],
        citation=said["citation"],
        year=None if year is None else int(year),
        scale=None if scale[0] is None or scale[1] is None else (scale[0], scale[1]),
    )


def _rows(named: NamedIndex, body: bytes) -> list[tuple[int, dict[str, str]]]:
    try:
        text, _ = decoded(body)
        lines = without_sep_line(text)
        separator = lines.separator or separator_of(
            lines.text, lambda cells: len({*map(_title, cells)}.intersection(COLUMNS))
        )
        found = list(records(lines.text, separator, begins=lines.begins, strict=True))
    except NotTextError as error:
        raise _unusable(named, f"{error}; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise _unusable(named, f"no valid CSV: {error}") from None
    titles = [_title(cell) for cell in found[0][1]] if found else []
    lacking = [name for name in COLUMNS[:2] if titles.count(name) != 1]
    if lacking:
        there = ", ".join(titles) or "nothing"
        raise _unusable(named, f"its first line has to name {' and '.join(lacking)} once; it names {there}")
    if len(found) == 1:
        raise _unusable(named, "there is no row below its titles")
    longer = [f"line {line}" for line, cells in found[1:] if any(cell.strip() for cell in cells[len(titles) :])]
    if longer:
        raise _unusable(named, f"more cells than titles (is a comma in a figure?): {first_of(longer)}")
    return [
        (line, {name: cell.strip() for name, cell in zip(titles, [*cells, *[""] * len(titles)], strict=False)})
        for line, cells in found[1:]
        if any(cell.strip() for cell in cells)
    ]


def _title(cell: str) -> str:
    return cell.strip().lower()


def _figure(written: str) -> float | None:
    try:
        value = float(written)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _said(named: NamedIndex, rows: Sequence[tuple[int, dict[str, str]]], name: str) -> str | None:
    """What the file says of itself in a column, in one row or in all."""
    found = {cells[name]: line for line, cells in reversed(rows) if cells.get(name)}
    if len(found) > 1:
        (one, first), (other, second) = sorted(found.items(), key=lambda pair: pair[1])[:2]
        raise _unusable(named, f"{name} is {one!r} in line {first} and {other!r} in line {second}; make it one for all")
    return next(iter(found), None)


def _said_figure(named: NamedIndex, said: Mapping[str, str | None], name: str) -> float | None:
    written = said[name]
    if written is None:
        return None
    value = _figure(written)
    if value is None:
        raise _unusable(named, f"{name} is {written!r}, which is no figure")
    return value


def _system(named: NamedIndex, values: Mapping[str, object], said: str | None) -> CodeSystem:
    """The system of the codes: as the file says and the codes bear out, else as they show by themselves."""
    if said is None:
        return _shown_system(named, values)
    if said not in [system.value for system in CodeSystem]:
        raise _unusable(named, f"code_system is {said!r}; it has to be {', '.join(CodeSystem)}")
    system = CodeSystem(said)
    if system in _FORMS:
        form, example = _FORMS[system]
        wrong = [repr(code) for code in values if not form.fullmatch(code)]
        if wrong:
            raise _unusable(named, f"no codes of {system}, which are written as in {example}: {first_of(wrong)}")
    if system is CodeSystem.ONET_2019:
        _refuse_onet_2010(named, values)
    if system in (CodeSystem.SOC_2010, CodeSystem.SOC_2018):
        other = _years_of(values) - {system}
        if len(other) == 1 and system not in _years_of(values):
            raise _unusable(
                named,
                f"code_system is {system}, and some of its codes are of {next(iter(other))} alone "
                f"({first_of(sorted(_only_in(next(iter(other))) & values.keys()))})",
            )
    return system


def _shown_system(named: NamedIndex, values: Mapping[str, object]) -> CodeSystem:
    if all(ONET_CODE.fullmatch(code) for code in values):
        _refuse_onet_2010(named, values)
        return CodeSystem.ONET_2019
    if not any(SOC_CODE.fullmatch(code) or ONET_CODE.fullmatch(code) for code in values):
        if all(code.isdigit() for code in values):
            raise _unusable(named, "its codes are numbers; say in a column code_system what they are, as isco")
        return CodeSystem.SLUG
    years = _years_of(values)
    if len(years) == 1 and all(SOC_CODE.fullmatch(code) for code in values):
        return next(iter(years))
    raise _unusable(
        named,
        "whether its codes are those of SOC 2010 or of 2018 does not show; say it in a column code_system, as soc2010 "
        "or soc2018",
    )


def _refuse_onet_2010(named: NamedIndex, values: Mapping[str, object]) -> None:
    """O*NET's codes of 2010 look like those of 2019, and many mean another occupation."""
    before = sorted(code for code in values if soc_code_of(code) in _only_in(CodeSystem.SOC_2010))
    if before:
        raise _unusable(
            named,
            f"its codes are O*NET's of 2010, which were other ones ({first_of(before)}); take the mean by the first "
            "seven characters, and call these soc2010",
        )


def _years_of(values: Mapping[str, object]) -> set[CodeSystem]:
    """The SOC systems of which there are codes that the other does not have."""
    return {system for system in (CodeSystem.SOC_2010, CodeSystem.SOC_2018) if _only_in(system) & values.keys()}


def _only_in(system: CodeSystem) -> set[str]:
    """Codes that SOC 2010 has and 2018 does not, or the other way round."""
    before = set(soc_2018_codes())
    after = {code for codes in soc_2018_codes().values() for code in codes}
    return before - after if system is CodeSystem.SOC_2010 else after - before


def _unusable(named: NamedIndex, what: str) -> SourceError:
    return SourceError(
        f"index {named.name} cannot be used: {what}",
        where=str(named.path),
        remedy="Mend the file, or take it out of EXPOSURE_INDICES (docs/agreement.md says what is read).",
    )
