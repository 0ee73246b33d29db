"""Reading the file of an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.core.errors import SourceError
from exposure_dagster.indices.index import CodeSystem
from exposure_dagster.indices.names import NamedIndex
from exposure_dagster.indices.reading import parse_index, read_index

MINE = NamedIndex("mine", Path("mine.csv"))


def test_a_file_says_what_it_is_in_further_columns() -> None:
    titles = b"code,value,code_system,scale_low,scale_high,licence,citation,year\n"
    index = parse_index(MINE, titles + b"actors,7,slug,0,10,CC0,Me,2024\nroofers,1\n")
    assert index.values == {"actors": 7.0, "roofers": 1.0}
    assert (index.code_system, index.scale, index.licence, index.citation, index.year) == (
        CodeSystem.SLUG,
        (0.0, 10.0),
        "CC0",
        "Me",
        2024,
    )


@pytest.mark.parametrize(
    ("codes", "system"),
    [
        ("11-1011.00", CodeSystem.ONET_2019),
        ("actors", CodeSystem.SLUG),
        ("15-1131", CodeSystem.SOC_2010),  # of 2010 alone
        ("15-1251", CodeSystem.SOC_2018),  # of 2018 alone
    ],
)
def test_codes_that_show_what_they_are_need_no_column_for_it(codes: str, system: CodeSystem) -> None:
    assert parse_index(MINE, f"Code;Value\n{codes};0.5\n".encode()).code_system is system


def test_a_file_is_read_as_spreadsheets_save_it() -> None:
    body = "sep=;\r\nValue;Note;Code\r\n0.5;x;actors\r\n;;\r\nNA;y;roofers\r\n".encode("utf-16")
    assert parse_index(MINE, body).values == {"actors": 0.5, "roofers": None}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "first line has to name code and value once; it names nothing"),
        (b"soc,score\n11-1011,1\n", "first line has to name code and value once; it names soc, score"),
        (b"code,value\n", "no row below its titles"),
        (b"code,value\nactors,NA\n", "no row of it has a figure"),
        (b"code;value\nactors;0,5\n", "line 2: '0,5' is no figure"),
        (b"code,value\nactors,inf\n", "line 2: 'inf' is no figure"),
        (b"code,value\nroofers,1\nactors,0,5\n", "more cells than titles .is a comma in a figure.*: line 3"),
        (b"code,value\n,1\n", "line 2 has no code"),
        (b"code,value\nactors,1\nactors,2\n", "line 3 has actors a second time"),
        (b"code,value\n11-1011,1\n", "whether its codes are those of SOC 2010 or of 2018 does not show"),
        (b"code,value\n15-1131,1\n15-1251,1\n", "whether its codes are those of SOC 2010 or of 2018 does not show"),
        (b"code,value\n2512,1\n", "its codes are numbers; say in a column code_system"),
        (b"code,value,code_system\n11-1011,1,soc2000\n", "code_system is 'soc2000'; it has to be soc2010, soc2018"),
        (b"code,value,code_system\n11-1011,1,onet2019\n", "no codes of onet2019, which are written as in 11-1011.00"),
        (b"code,value\n15-1131.00,1\n11-1011.00,1\n", "its codes are O.NET's of 2010, .* .15-1131.00."),
        (b"code,value,code_system\n15-1131.00,1,onet2019\n", "its codes are O.NET's of 2010"),
        (b"code,value,code_system\n15-1131,1,soc2018\n", "some of its codes are of soc2010 alone .15-1131."),
        (b"code,value,licence\na,1,MIT\nb,2,CC0\n", "licence is 'MIT' in line 2 and 'CC0' in line 3"),
        (b"code,value,year\na,1,soon\n", "year is 'soon', which is no figure"),
        (b"\x00\x01\xff\xfe\x81", "save it as CSV in UTF-8|first line has to name"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line(body: bytes, problem: str) -> None:
    with pytest.raises(SourceError, match=problem) as told:
        parse_index(MINE, body)
    assert "mine.csv: index mine cannot be used" in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot be read \(No such file"):
        read_index(NamedIndex("mine", tmp_path / "none.csv"))
    with pytest.raises(SourceError, match="it is no file"):
        read_index(NamedIndex("mine", tmp_path))
