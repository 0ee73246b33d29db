"""The file of corrections: what a line may say, and what is told of those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.matching.corrections import Corrections, read_corrections

DOCUMENTS = [("roles", "dev"), ("roles", "boss"), ("posts", "boss"), ("roles", "=x")]
CODES = ["15-1252.00", "11-3121.00"]


def read(folder: Path, text: str) -> Corrections:
    path = folder / "corrections.csv"
    path.write_text(text, encoding="utf-8")
    return read_corrections(path, DOCUMENTS, CODES)


def test_a_line_says_which_occupation_a_document_is_or_that_none_fits(tmp_path: Path) -> None:
    found = read(tmp_path, "document,code,note\ndev,15-1252.00,sure\n=x,None,\n")
    assert found == Corrections({("roles", "dev"): "15-1252.00", ("roles", "=x"): None})


def test_a_template_in_which_nothing_is_filled_in_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "document,code\ndev,\nboss,\n") == Corrections({})


def test_it_may_come_back_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    path.write_bytes("document;code;corpus\r\n'=x;11-3121.00;roles\r\n".encode("utf-16"))
    assert read_corrections(path, DOCUMENTS, CODES).codes == {("roles", "=x"): "11-3121.00"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nobody,15-1252.00,", "line 2: there is no document 'nobody'"),
        ("dev,15-9999.00,", "line 2: O*NET has no occupation 15-9999.00"),
        ("dev,15-1252,", "line 2: '15-1252' is no O*NET-SOC code such as 29-1141.00, nor `none`"),
        ("boss,11-3121.00,", "line 2: several corpora have a document 'boss' (posts, roles): name one as `corpus`"),
        ("dev,11-3121.00,posts", "line 2: corpus 'posts' has no document 'dev'; roles has"),
    ],
)
def test_a_line_with_a_mistake_is_told_and_the_others_hold(tmp_path: Path, line: str, said: str) -> None:
    found = read(tmp_path, f"document,code,corpus\n{line}\n=x,11-3121.00,\n")
    assert found.problems == (f"corrections.csv, {said}",)
    assert found.codes == {("roles", "=x"): "11-3121.00"}


def test_of_a_document_that_is_corrected_twice_neither_line_holds(tmp_path: Path) -> None:
    found = read(tmp_path, "document,code,corpus\ndev,15-1252.00,\ndev,11-3121.00,roles\n")
    assert found.codes == {}
    assert found.problems == tuple(
        f"corrections.csv, line {line}: document 'dev' is corrected 2 times" for line in (2, 3)
    )


def test_a_file_that_is_no_such_table_is_one_problem(tmp_path: Path) -> None:
    assert read(tmp_path, "id,code\ndev,15-1252.00\n").problems == (
        "corrections.csv: there is no column document; there is id, code",
    )
    (absent,) = read_corrections(tmp_path / "absent.csv", DOCUMENTS, CODES).problems
    assert absent.endswith("absent.csv cannot be read: No such file or directory")
