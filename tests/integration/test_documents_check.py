"""`exposure documents check`: what would be read of a file, and all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exposure_dagster.cli import main


def check(path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["documents", "check", str(path), *options])


def test_it_says_how_a_file_is_read_and_shows_the_first_rows(tmp_path: Path) -> None:
    path = tmp_path / "roles.csv"
    path.write_text(
        "Kode;Yrke;Tekst;Lønn;Avdeling\n1;Kokk;Lager mat.;38 500 kr;Drift\n2;Bud;Bringer post.;..;Drift\n", "utf-8"
    )
    path.with_suffix(".toml").write_text(
        '[columns]\ndoc_id = "Kode"\ntitle = "Yrke"\ntext = "Tekst"\npay = "Lønn"\n[values]\npay_currency = "NOK"\n',
        "utf-8",
    )
    result = check(path, "--rows", "1")
    assert result.exit_code == 0
    assert f"{path}: CSV, utf-8, semicolons between cells; 2 documents" in result.output
    assert "doc_id ← Kode" in result.output
    assert "note: passed over: Avdeling" in result.output
    assert "1: Kokk\n  text (10 characters): Lager mat.\n  median_pay_annual: 38,500\n" in result.output
    assert "Bud" not in result.output


def test_mistakes_are_told_by_kind_and_end_with_status_1(tmp_path: Path) -> None:
    path = tmp_path / "roles.csv"
    rows = "".join(f"{number},A,,many\n" for number in range(500))
    path.write_text(f"doc_id,title,text,jobs\n{rows}", "utf-8")
    result = check(path)
    assert result.exit_code == 1
    assert "1,000 mistakes of 2 kinds; nothing of the file is read:" in result.output
    assert "- line 2: text is empty (likewise in lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 489 more)" in result.output
    assert len(result.output.splitlines()) < 15


def test_characters_that_act_on_a_terminal_are_spelt_out(tmp_path: Path) -> None:
    path = tmp_path / "roles.csv"
    path.write_text("doc_id,title,text\na,A,\x1b[2JText\n", "utf-8")
    assert "\x1b" not in check(path).output


def test_a_file_of_no_known_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roles.docx"
    path.write_bytes(b"PK")
    result = check(path)
    assert result.exit_code == 1
    assert "is of no known type" in result.output


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("excel_sep_line/roles.csv", "1 document"),
        ("html_entities/roles.csv", "3 documents"),
        ("injection/roles.csv", "4 documents"),
        ("long_cell/roles.csv", "1 document"),
        ("na_words/roles.csv", "3 documents"),
        ("nbsp_title/roles.csv", "2 documents"),
        ("odd_ids/roles.csv", "15 documents"),
        ("parquet_blob/roles.parquet", "1 document"),
        ("parquet_bracket_name_other/roles [2025].parquet", "1 document\n"),
        ("parquet_float_id/roles.parquet", "1 document"),
        ("parquet_hive/jobs=5/roles.parquet", "1 document"),
        ("parquet_list_text/roles.parquet", "1 document"),
        ("path_comma/Roles, 2025.csv", "2 documents"),
        ("semicolon/roles.csv", "1 document"),
        ("thousands/roles.csv", "2 documents"),
        ("trailing_blank/roles.csv", "1 document"),
        ("utf16/roles.csv", "1 document"),
        ("zero_width_text/roles.csv", "line 2: text is empty"),
        ("zwnj_title/roles.csv", "3 documents"),
    ],
)
def test_files_that_were_refused_or_read_wrongly_before(shared_dir: Path, case: str, expected: str) -> None:
    assert expected in check(shared_dir / "data" / "cases" / case).output
