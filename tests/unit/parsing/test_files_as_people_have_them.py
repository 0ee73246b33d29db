"""Files of documents as people have them: what spreadsheets, statistical offices and other programs make of a table."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from exposure_dagster.core.errors import SourceError
from exposure_dagster.corpora.own.checks import grouped
from exposure_dagster.corpora.own.files import OwnDocument, OwnFile, read_own_file
from exposure_dagster.parsing.csv_rows import read_csv

HEADER = "doc_id,title,text,jobs,median_pay_annual\n"


def saved(folder: Path, body: str | bytes, name: str = "roles.csv", mapping: str | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body.encode() if isinstance(body, str) else body)
    if mapping is not None:
        path.with_suffix(".toml").write_text(mapping, encoding="utf-8")
    return path


def read(folder: Path, body: str | bytes, name: str = "roles.csv", mapping: str | None = None) -> OwnFile:
    return read_own_file(saved(folder, body, name, mapping))


def the_document(found: OwnFile) -> OwnDocument:
    assert found.problems == ()
    (document,) = found.documents
    return document


def told(found: OwnFile) -> list[str]:
    assert found.documents == ()
    return [str(problem) for problem in found.problems]


def workbook(folder: Path, sheets: dict[str, Sequence[Sequence[object]]], name: str = "roles.xlsx") -> Path:
    path = folder / name
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for line, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    sheet.write(line, column, cell, *([day] if isinstance(cell, datetime.date) else []))
    return path


def parquet(folder: Path, query: str, name: str = "roles.parquet") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    made = folder / "made"
    duckdb.sql(f"COPY ({query}) TO '{made}' (FORMAT parquet)")
    made.rename(path)
    return path


# Encodings and separators

CAFE = "doc_id;title;text\na;Café manager;Runs a café, and its staff.\n"


@pytest.mark.parametrize(
    "body",
    [
        CAFE.encode("utf-16"),
        CAFE.encode("utf-16-le"),
        CAFE.encode("utf-8-sig"),
        CAFE.encode("cp1252"),
        ("sep=;\r\n" + CAFE).encode(),
        ("\ufeffsep=;\n" + CAFE).encode("utf-16-be"),
        CAFE.replace(";", "\t").encode(),
        CAFE.replace(";", "|").encode(),
        CAFE.replace("\n", "\r\n").encode(),
    ],
    ids=["UTF-16", "no mark", "UTF-8 mark", "Windows-1252", "sep=", "sep= UTF-16", "tabs", "bars", "line ends"],
)
def test_encoding_and_separator_are_found_from_what_stands_in_the_file(tmp_path: Path, body: bytes) -> None:
    document = the_document(read(tmp_path, body))
    assert (document.title, document.text) == ("Café manager", "Runs a café, and its staff.")


def test_words_of_another_alphabet_are_not_taken_for_windows_1252(tmp_path: Path) -> None:
    russian = "doc_id,title,text\na,Повар,Готовит еду.\n".encode("cp1251")
    (problem,) = told(read(tmp_path, russian))
    assert "is not UTF-8, and the words are none of Windows-1252" in problem
    document = the_document(read(tmp_path, russian, mapping='encoding = "cp1251"'))
    assert document.title == "Повар"


def test_lines_are_counted_from_the_first_of_the_file(tmp_path: Path) -> None:
    assert told(read(tmp_path, "sep=;\ndoc_id;title;text\na;A;\n")) == ["line 3: text is empty"]


def test_a_cell_may_be_as_long_as_a_handbook(tmp_path: Path) -> None:
    text = "Checks the patient. " * 10_000
    assert the_document(read(tmp_path, f'doc_id,title,text\na,Nurse,"{text}"\n')).text == text.strip()


def test_tabs_without_quotes_are_read_where_a_cell_begins_with_one(tmp_path: Path) -> None:
    document = the_document(read(tmp_path, 'doc_id\ttitle\ttext\na\t"Big" boss\tDecides.\n', "roles.tsv"))
    assert document.title == '"Big" boss'


# Rows


def test_a_heading_above_the_titles_and_notes_below_the_rows_are_passed_over(tmp_path: Path) -> None:
    body = 'Table 1. Roles,,\n,,\ndoc_id,title,text\na,Cook,Cooks.\n,,\n,,\n"Source: our own count, 2026",,\n'
    found = read(tmp_path, body)
    assert the_document(found).doc_id == "a"
    assert any("footnotes" in note for note in found.notes)


def test_empty_rows_and_columns_at_the_end_are_no_mistakes(tmp_path: Path) -> None:
    found = read(tmp_path, "doc_id,title,text,,\na,Clerk,Files letters.,,\n" + ",,,,\n" * 300)
    assert the_document(found).title == "Clerk"
    assert "300 empty rows are passed over" in found.notes


def test_a_cell_too_many_is_still_a_mistake(tmp_path: Path) -> None:
    assert told(read(tmp_path, "doc_id,title,text\na,Clerk,Files letters, and more\n")) == [
        "line 2: 4 cells where the header has 3"
    ]


def test_mistakes_of_one_kind_are_told_once_with_their_lines_up_to_a_bound(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "".join(f"{number},A,T,many,\n" for number in range(400)))
    (sentence,) = grouped(found.problems)
    assert sentence.startswith("line 2: jobs is 'many'")
    assert sentence.endswith("(likewise in lines 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 389 more)")


# Words


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("pipeline\u00a0superintendent", "pipeline superintendent"),
        ("系統\u3000工程師", "系統 工程師"),
        ("می\u200cنویسنده", "می\u200cنویسنده"),
        ("Software\u00adentwickler", "Software\u00adentwickler"),
        ("\u202eevil\u202c title", "evil title"),
        ("\u200fמפתח", "מפתח"),
    ],
)
def test_a_title_is_a_line_in_any_script(tmp_path: Path, title: str, kept: str) -> None:
    assert the_document(read(tmp_path, f"doc_id,title,text\na,{title},T.\n")).title == kept


@pytest.mark.parametrize("text", ["\u200b", "\u00a0\u200d", "\u2060\ufeff", "\u2800", "\u00ad"])
def test_a_text_that_shows_nothing_is_empty(tmp_path: Path, text: str) -> None:
    assert told(read(tmp_path, f"doc_id,title,text\na,Clerk,{text}\n")) == ["line 2: text is empty"]


def test_a_code_in_a_formula_of_text_is_the_code(tmp_path: Path) -> None:
    document = the_document(read(tmp_path, 'doc_id,title,text,jobs\n"=""11-2011""",=A1,T.,"=""1,200"""\n'))
    assert (document.doc_id, document.title, document.jobs) == ("11-2011", "=A1", 1200)


def test_markup_is_taken_as_it_is_and_told_unless_its_words_are_asked_for(tmp_path: Path) -> None:
    body = "doc_id,title,text\nX&amp;Y,R&amp;D &lt;lead&gt;,<p>Leads R&amp;D</p><script>x()</script>\n"
    found = read(tmp_path, body)
    assert the_document(found).title == "R&amp;D &lt;lead&gt;"
    assert "2 cells look like HTML" in found.notes[0]
    document = the_document(read(tmp_path, body, mapping="html = true"))
    assert (document.doc_id, document.title, document.text) == ("X&amp;Y", "R&D <lead>", "Leads R&D")


# Figures


@pytest.mark.parametrize(
    ("jobs", "pay", "expected"),
    [
        ("1,200", "45,000", (1200, 45_000.0, None)),
        ("1200.00", "$45000", (1200, 45_000.0, "USD")),
        ("1.200", "45.000,50 €", (1200, 45_000.5, "EUR")),
        ("1 200", "45 000 zł", (1200, 45_000.0, "PLN")),
        ("1\u202f200", "CHF 45'000.50", (1200, 45_000.5, "CHF")),
        ("1,20,000", "₹4,50,000.5", (120_000, 450_000.5, "INR")),
        ("N/A", "n/a", (None, None, None)),
        ("NULL", "-", (None, None, None)),
        ("None", "#", (None, None, None)),
        ("..", "–", (None, None, None)),
    ],
)
def test_figures_are_read_as_people_write_them(
    tmp_path: Path, jobs: str, pay: str, expected: tuple[int | None, float | None, str | None]
) -> None:
    document = the_document(read(tmp_path, f"doc_id\ttitle\ttext\tjobs\tpay\na\tA\tT.\t{jobs}\t{pay}\n"))
    assert (document.jobs, document.median_pay_annual, document.pay_currency) == expected


def test_a_figure_that_may_be_one_of_two_is_not_guessed(tmp_path: Path) -> None:
    body = "doc_id,title,text,pay\na,A,T.,45.000\n"
    (problem,) = told(read(tmp_path, body))
    assert problem == (
        'line 2: median_pay_annual is \'45.000\', which may be 45000 or 45; say decimal = "." or "," in roles.toml'
    )
    assert the_document(read(tmp_path, body, mapping='decimal = ","')).median_pay_annual == 45_000
    assert the_document(read(tmp_path, body, mapping='decimal = "."')).median_pay_annual == 45


def test_the_other_figures_of_a_file_say_how_one_is_meant(tmp_path: Path) -> None:
    found = read(tmp_path, 'doc_id,title,text,pay\na,A,T.,45.000\nb,B,T.,"1.250,5"\n')
    assert [document.median_pay_annual for document in found.documents] == [45_000, 1250.5]


@pytest.mark.parametrize("jobs", ["1..2", "1,2,3", "12 4", "40%", "€ 40", "-3", "forty", "1e99"])
def test_what_is_no_figure_is_told(tmp_path: Path, jobs: str) -> None:
    (problem,) = told(read(tmp_path, f"doc_id;title;text;jobs\na;A;T.;{jobs}\n"))
    assert problem == f"line 2: jobs is {jobs!r}, which is not a whole number of at least 0"


def test_pay_is_of_a_year_and_a_lower_bound_stays_one(tmp_path: Path) -> None:
    body = 'doc_id,title,text,pay,pay_basis\na,A,T.,"£4,000",monthly\nb,B,T.,£800,Week\nc,C,T.,£21.50,hourly\n'
    found = read(tmp_path, body + 'd,D,T.,">=£239,200",\n')
    assert [(one.median_pay_annual, one.median_pay_hourly) for one in found.documents] == [
        (48_000, None),
        (41_600, None),
        (None, 21.5),
        (239_200, None),
    ]
    assert [one.pay_is_top_coded for one in found.documents] == [None, None, None, True]
    assert {one.pay_currency for one in found.documents} == {"GBP"}


def test_one_currency_that_is_named_is_that_of_all_and_none_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, "doc_id,title,text,pay\na,A,T.,€ 40000\nb,B,T.,50000\n")
    assert [one.pay_currency for one in found.documents] == ["EUR", "EUR"]
    unnamed = read(tmp_path, "doc_id,title,text,pay\na,A,T.,40000\n")
    assert "1 figures of pay name no currency: they are taken to be in USD" in unnamed.notes[0]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("kr 400000,", "line 2: median_pay_annual is in kr, which several currencies are; say pay_currency"),
        ("€ 400,USD", "line 2: median_pay_annual is in € where pay_currency says USD"),
        (
            "400,beans",
            "line 2: pay_currency is 'beans', which is no currency code of three capital letters, as in USD or EUR",
        ),
    ],
)
def test_a_currency_that_is_not_clear_is_told(tmp_path: Path, row: str, problem: str) -> None:
    assert told(read(tmp_path, f"doc_id,title,text,pay,pay_currency\na,A,T.,{row}\n")) == [problem]


# Mappings

NORWEGIAN = "Kode;Yrke;Oppgaver;Verktøy;Lønn;Utdanning\n5120;Cook;Cooks food.;Knives;38 500;Upper secondary\n"


def test_a_mapping_says_which_columns_are_which(tmp_path: Path) -> None:
    mapping = """
        education_levels = ["Primary", "Upper secondary"]
        [columns]
        doc_id = "Kode"
        title = "Yrke"
        text = ["Oppgaver", "Verktøy"]
        pay = "Lønn"
        education = "Utdanning"
        isco_codes = "Kode"
        [values]
        pay_currency = "NOK"
        pay_basis = "monthly"
        [source]
        title = "Our own count"
    """
    found = read(tmp_path, NORWEGIAN, mapping=mapping)
    assert the_document(found) == OwnDocument(
        doc_id="5120",
        title="Cook",
        text="Cooks food.\n\nKnives",
        median_pay_annual=12 * 38_500,
        pay_currency="NOK",
        pay_basis="monthly",
        education="Upper secondary",
        education_order=2,
        isco_codes=("5120",),
    )
    assert found.source is not None and found.source.title == "Our own count"
    assert found.columns["text"] == ["Oppgaver", "Verktøy"]


def test_figures_in_thousands_and_ids_of_two_columns_are_a_matter_of_the_mapping(tmp_path: Path) -> None:
    body = 'Code,Sex,Name,Thousands\n2221,f,Nurse,"1,579.8"\n2221,m,Nurse,57.0\n'
    mapping = (
        '[columns]\ndoc_id = ["Code", "Sex"]\ntitle = "Name"\ntext = "Name"\njobs = "Thousands"\n[times]\njobs = 1000\n'
    )
    found = read(tmp_path, body, mapping=mapping)
    assert [(one.doc_id, one.jobs) for one in found.documents] == [("2221/f", 1_579_800), ("2221/m", 57_000)]


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ("[columns", "roles.toml is no TOML"),
        ('[columns]\nwage = "Lønn"', "roles.toml: columns has 'wage', which is no field"),
        ('colour = "red"', "roles.toml: colour: Extra inputs are not permitted"),
        ('[columns]\ntitle = "Rolle"', "there is no column Rolle; the columns are: Kode, Yrke"),
        ('encoding = "klingon"', "'klingon' is no encoding that is known here"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_told(tmp_path: Path, mapping: str, problem: str) -> None:
    assert any(problem in one for one in told(read(tmp_path, NORWEGIAN, mapping=mapping)))


def test_titles_of_columns_may_be_written_as_people_write_them(tmp_path: Path) -> None:
    document = the_document(read(tmp_path, "Doc ID,Title,TEXT,Pay currency,Pay\na,A,T.,EUR,1\n"))
    assert (document.doc_id, document.pay_currency) == ("a", "EUR")


# Workbooks

ROWS = (("doc_id", "title", "text", "jobs", "pay"), ("0110", "Clerk", "Files letters.", 12, 45000.5))


def test_a_workbook_is_as_good_as_csv(tmp_path: Path) -> None:
    document = the_document(read_own_file(workbook(tmp_path, {"Roles": ROWS})))
    assert document == OwnDocument("0110", "Clerk", "Files letters.", 12, 45_000.5)


def test_whole_numbers_of_a_workbook_are_written_as_such(tmp_path: Path) -> None:
    path = workbook(tmp_path, {"Roles": [["doc_id", "title", "text"], [1001, "Clerk", 7]]})
    document = the_document(read_own_file(path))
    assert (document.doc_id, document.text) == ("1001", "7")


def test_a_code_that_has_become_a_date_is_told(tmp_path: Path) -> None:
    rows = [["doc_id", "title", "text"], [datetime.date(2011, 11, 1), "Clerk", "Files."]]
    (problem,) = told(read_own_file(workbook(tmp_path, {"Roles": rows})))
    assert problem == (
        "line 2: doc_id is the date 2011-11-01, which a spreadsheet may have made of a code such as 11-2011"
    )


def test_the_first_sheet_is_read_unless_another_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path, {"Notes": [["Made in 2026"]], "Roles": ROWS})
    assert "this is sheet 'Notes', the others are: Roles" in told(read_own_file(path))[0]
    path.with_suffix(".toml").write_text('sheet = "Roles"', encoding="utf-8")
    assert the_document(read_own_file(path)).title == "Clerk"


def test_what_is_no_workbook_is_told(tmp_path: Path) -> None:
    assert told(read(tmp_path, HEADER, "roles.xlsx")) == ["no Excel workbook, or not the whole of one"]


# Parquet


def test_another_file_is_not_read_than_was_named(tmp_path: Path) -> None:
    named = parquet(tmp_path, "SELECT 'a' AS doc_id, 'Cook' AS title, 'Cooks.' AS text", "roles [2025].parquet")
    parquet(tmp_path, "SELECT 'z' AS doc_id, 'Other' AS title, 'Secret.' AS text", "roles 2.parquet")
    assert the_document(read_own_file(named)).doc_id == "a"


def test_the_name_of_a_folder_is_no_column(tmp_path: Path) -> None:
    query = "SELECT 'a' AS doc_id, 'Cook' AS title, 'Cooks.' AS text"
    assert the_document(read_own_file(parquet(tmp_path, query, "jobs=5/roles.parquet"))).jobs is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("'a'::BLOB AS doc_id, 'Cook'::BLOB AS title, 'Cooks food.'::BLOB AS text", ("a", "Cook", "Cooks food.")),
        ("'a' AS doc_id, ['Cook'] AS title, ['Cooks.', 'Cleans.'] AS text", ("a", "Cook", "Cooks.\nCleans.")),
        ("1001.0::DOUBLE AS doc_id, 'Cook' AS title, 1::DECIMAL(9, 2) AS text", ("1001", "Cook", "1")),
        ("1001::HUGEINT AS doc_id, 'Cook' AS title, true AS text", ("1001", "Cook", "true")),
    ],
    ids=["bytes", "lists", "floats", "others"],
)
def test_values_are_words_and_no_notation(tmp_path: Path, values: str, expected: tuple[str, str, str]) -> None:
    document = the_document(read_own_file(parquet(tmp_path, f"SELECT {values}")))
    assert (document.doc_id, document.title, document.text) == expected


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ("1e18::DOUBLE AS doc_id, 'A' AS title, 'T' AS text", "doc_id is 1e+18, too large for the file's type"),
        ("'a' AS doc_id, ['A', 'B'] AS title, 'T' AS text", "title holds a list of 2 where one value is wanted"),
        ("'a' AS doc_id, 'A' AS title, {'x': 1} AS text", "text holds a structure of several fields"),
        ("'a' AS doc_id, 'A' AS title, '\\xFF'::BLOB AS text", "text holds bytes that are no text in UTF-8"),
    ],
)
def test_values_that_are_no_words_are_told(tmp_path: Path, values: str, problem: str) -> None:
    assert told(read_own_file(parquet(tmp_path, f"SELECT {values}")))[0].startswith(f"line 1: {problem}")


# JSON lines


def test_json_lines_and_a_json_list_are_read(tmp_path: Path) -> None:
    rows = [{"doc_id": 7, "title": "Cook", "text": "Cooks.", "jobs": 3}, {"doc_id": "b", "title": "B", "text": "T."}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    found = read(tmp_path, lines, "roles.jsonl")
    assert found.documents == (OwnDocument("7", "Cook", "Cooks.", 3), OwnDocument("b", "B", "T."))
    assert read(tmp_path, json.dumps(rows), "roles.json").documents == found.documents


@pytest.mark.parametrize("jobs", ["true", "1e400", "NaN1", "[3, 4]", "1" + "0" * 400])
def test_a_number_of_json_that_is_no_figure_is_told(tmp_path: Path, jobs: str) -> None:
    found = read(tmp_path, f'{{"doc_id": "a", "title": "A", "text": "T", "jobs": {jobs}}}\n', "roles.jsonl")
    assert len(told(found)) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"doc_id": "a"\n', "line 1: no valid JSON: Expecting ',' delimiter"),
        ("7\n", "line 1: it is no JSON object with the fields of a document"),
        ("[" * 100_000, "no JSON that can be read"),
        ("", "the file is empty"),
    ],
)
def test_what_is_no_json_is_told(tmp_path: Path, body: str, problem: str) -> None:
    assert told(read(tmp_path, body, "roles.jsonl"))[0].startswith(problem)


# A publisher's table that somebody's spreadsheet has saved again

TABLE = (("Title", "Code", "Wage, 2024"), ("Actors", "27-2011", "81,680"), ("Cooks", "35-2014", "N/A"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_published_table_may_be_saved_again_with_semicolons(encoding: str) -> None:
    body = "sep=;\r\n" + "".join(";".join(row) + ";\r\n" for row in TABLE) + ";;;\r\n"
    table = read_csv(body.encode(encoding), name="p.csv")
    assert table.header == list(TABLE[0])
    assert [list(row.cells.values()) for row in table.rows] == [list(row) for row in TABLE[1:]]


def test_a_published_table_may_be_saved_again_as_a_workbook(tmp_path: Path) -> None:
    table = read_csv(workbook(tmp_path, {"p": TABLE}).read_bytes(), name="p.xlsx")
    assert [row.cells["Code"] for row in table.rows] == ["27-2011", "35-2014"]
    with pytest.raises(SourceError, match="no Excel workbook"):
        read_csv(b"PK\x03\x04 and nothing", name="p.xlsx")
