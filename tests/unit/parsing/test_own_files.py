"""Users' own documents: what a file may hold, and how each mistake in it is told."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from exposure_dagster.corpora.own.cells import MAX_ROWS
from exposure_dagster.corpora.own.files import MAX_LENGTH, OwnDocument, read_own_file

HEADER = "doc_id,title,text,jobs,median_pay_annual\n"
GOOD = HEADER + "dev,Developer,Writes code.,40,118000\nfork,Forklift driver,Moves pallets.,,\n"


def csv_file(folder: Path, text: str | bytes) -> Path:
    path = folder / "roles.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems(folder: Path, text: str | bytes) -> list[str]:
    content = read_own_file(csv_file(folder, text))
    assert content.problems
    assert content.documents == ()
    return [str(problem) for problem in content.problems]


def test_rows_are_documents_and_an_empty_figure_is_unknown(tmp_path: Path) -> None:
    content = read_own_file(csv_file(tmp_path, GOOD))
    assert content.problems == ()
    assert content.documents == (
        OwnDocument("dev", "Developer", "Writes code.", 40, 118_000.0),
        OwnDocument("fork", "Forklift driver", "Moves pallets.", None, None),
    )


def test_jobs_and_pay_may_be_left_out_and_other_columns_are_passed_over(tmp_path: Path) -> None:
    content = read_own_file(csv_file(tmp_path, "team,text,doc_id,title\nit,Writes code.,dev,Developer\n"))
    assert content.documents == (OwnDocument("dev", "Developer", "Writes code.", None, None),)


@pytest.mark.parametrize(
    "same",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("dev,", " dev ,").encode(),
        (GOOD + "\n\n").encode(),
        GOOD.replace(",40,", ",40.0,").encode(),
    ],
    ids=["byte order mark", "line ends", "spaces", "empty lines", "whole number as a spreadsheet writes it"],
)
def test_what_makes_no_difference(tmp_path: Path, same: bytes) -> None:
    assert read_own_file(csv_file(tmp_path, same)).documents == read_own_file(csv_file(tmp_path, GOOD)).documents != ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        (HEADER, "there are no rows below the column titles"),
        ("doc_id,title\na,A\n", "line 1: there is no column text; the columns are: doc_id, title"),
        ("doc_id,title,text,text\na,A,T,T\n", "line 1: column text is there twice, for text"),
        (HEADER + ",A,T,,\n", "line 2: doc_id is empty"),
        (HEADER + "a,A,  ,,\n", "line 2: text is empty"),
        (HEADER + "a,A,T,,\nb,B,T,,\na,C,T,,\n", "line 4: doc_id a stands in line 2 already"),
        (HEADER + "a,A,T\n", "line 2: 3 cells where the header has 5"),
        (
            HEADER + "a,A,T,many,\n",
            "line 2: jobs is 'many', which is not a whole number of at least 0",
        ),
        (HEADER + "a,A,T,1.5,\n", "line 2: jobs is '1.5', which is not a whole number of at least 0"),
        (HEADER + "a,A,T,-1,\n", "line 2: jobs is '-1', which is not a whole number of at least 0"),
        (HEADER + "a,A,T,,50 beans\n", "line 2: median_pay_annual is '50 beans', which is not a number of at least 0"),
        (HEADER + f"{'a' * (MAX_LENGTH + 1)},A,T,,\n", "line 2: doc_id is not one line of at most 500 characters"),
        (
            HEADER + "a,A,T,1e999,\n",
            "line 2: jobs is '1e999', which is not a whole number of at least 0",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert problems(tmp_path, text) == [told]


def test_all_mistakes_are_told_at_once_and_no_row_is_taken(tmp_path: Path) -> None:
    text = HEADER + "a,A,T,x,y\nb,B,T,1,1\n,C,,,\n"
    assert [told.split(":")[0] for told in problems(tmp_path, text)] == ["line 2", "line 2", "line 4", "line 4"]


def test_a_row_over_several_lines_is_told_by_its_first(tmp_path: Path) -> None:
    text = HEADER + 'a,A,"one\ntwo\nthree",,\n"b",B,T,x,\n'
    assert problems(tmp_path, text)[0].startswith("line 5: jobs")


def test_a_quote_that_is_never_closed_is_told_where_it_begins(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, HEADER + 'a,A,T,,\nb,B,"never closed,,\nc,C,T,,\n')
    assert told.startswith("line 3: no valid CSV")


def test_utf8_that_is_damaged_is_told_with_line_and_byte(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, (HEADER + "a,Ä Ö Ü ß,T,,\nb,Caf").encode() + b"\xe9,T,,\n")
    assert told.startswith("line 3: byte 0xe9 is not UTF-8, as the rest of the file is; save the file in UTF-8")


def test_a_file_that_is_not_there_is_a_problem_of_its_own(tmp_path: Path) -> None:
    (problem,) = read_own_file(tmp_path / "absent.csv").problems
    assert str(problem) == "the file cannot be read: No such file or directory"


def write_parquet(path: Path, query: str) -> Path:
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet_gives_what_csv_gives(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path / "roles.parquet",
        "SELECT * FROM (VALUES ('dev', 'Developer', 'Writes code.', 40, 118000.0),"
        " ('fork', 'Forklift driver', 'Moves pallets.', NULL, 'nan'::DOUBLE))"
        " t(doc_id, title, text, jobs, median_pay_annual)",
    )
    assert read_own_file(path).documents == read_own_file(csv_file(tmp_path, GOOD)).documents


def test_a_mistake_in_parquet_is_told_by_its_row(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "r.parquet", "SELECT 7 AS doc_id, 'A' AS title, NULL AS text")
    assert [str(problem) for problem in read_own_file(path).problems] == ["line 1: text is empty"]


def test_what_is_no_parquet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "roles.parquet"
    path.write_text(GOOD, encoding="utf-8")
    (problem,) = read_own_file(path).problems
    assert str(problem).startswith("no valid Parquet")


def test_columns_that_are_passed_over_cost_nothing_however_long(tmp_path: Path) -> None:
    columns = "'a' AS doc_id, 'A' AS title, 'x' AS text, repeat('y', 400000) AS other, [1, 2] AS \"more \"\"of\"\" it\""
    path = write_parquet(tmp_path / "r.parquet", f"SELECT {columns} FROM range(3000)")  # 1.2 GB of `other`
    assert read_own_file(path).problems[0].what == "doc_id a stands in line 1 already"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT NULL AS doc_id, NULL AS title, NULL AS text FROM range(2000001)", "2,000,001 rows"),
        ("SELECT 'a' AS doc_id, 'A' AS title, repeat('x', 400000) AS text FROM range(3000)", "texts of 1,200,006,000"),
    ],
)
def test_parquet_that_stands_for_more_than_is_read_is_told_at_once(tmp_path: Path, query: str, told: str) -> None:
    path = write_parquet(tmp_path / "r.parquet", query)
    assert path.stat().st_size < 100_000
    (problem,) = read_own_file(path).problems
    assert problem.what.startswith(told)


def test_csv_of_more_rows_than_are_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(b"doc_id\n" + b"a\n" * (MAX_ROWS + 1))
    assert (
        str(read_own_file(path).problems[0]) == "line 2000002: more than 2,000,000 rows, which is the most that is read"
    )
