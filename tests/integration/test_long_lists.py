"""Lists that are too long to be held or shown whole: everything is in the files, and what is left out is said."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from exposure_dagster.automation import looks
from exposure_dagster.automation.looks import standings_now
from exposure_dagster.corpora.own import reading
from exposure_dagster.corpora.own.names import OwnCorpus
from exposure_dagster.corpora.own.reading import refresh_own_documents
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.published import publish_content, read_content
from exposure_dagster.prompts.files import load_folder
from exposure_dagster.publishing.site.builder import build_site
from exposure_dagster.publishing.workbook import Sheet, write_workbook
from exposure_dagster.settings import ScorerName
from exposure_dagster.tables import RANKINGS
from tests.integration.company import HEADER, ROWS, Company, made_company

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

FORMULA = "odd,=Odd,'+1 is no formula\u202e and turns nothing round.,7,"
PROMPT = "our_roles"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = made_company(tmp_path_factory.mktemp("long"))
    made.write(odd=FORMULA)
    with contextlib.redirect_stdout(io.StringIO()):
        made.run()
    return made


@pytest.fixture(scope="module")
def held(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_content(read_content(company.warehouse), tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="module")
def long(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, where tables of more than two rows are not held and three documents are shown."""
    content = read_content(company.warehouse, most_shown=3, most_held=2)
    return publish_content(content, tmp_path_factory.mktemp("long"))


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def same(one: str, other: str) -> bool:
    """Whole numbers are written as they are where the column is not held, and with a point where some are missing."""
    return one == other or one.removesuffix(".0") == other.removesuffix(".0")


@pytest.mark.parametrize("stem", ["ranking", "provenance", "uncertainty"])
def test_files_of_a_table_that_is_not_held_have_all_rows_as_those_of_one_that_is(
    held: Path, long: Path, stem: str
) -> None:
    few, many = (rows_of(folder / PROMPT / f"{stem}.csv") for folder in (held, long))
    assert len(few) == len(many) == 5
    assert list(few[0]) == list(many[0])
    for one, other in zip(few, many, strict=True):
        assert {name for name in one if not same(one[name], other[name])} == set()
    with duckdb.connect() as connection:
        found = []
        for folder in (held, long):
            rows = connection.execute("FROM read_parquet(?)", [str(folder / PROMPT / f"{stem}.parquet")])
            found.append((rows.description, rows.fetchall()))
    assert found[0] == found[1]


def test_the_page_shows_the_documents_with_the_most_jobs_and_says_so(long: Path) -> None:
    data = json.loads((long / "site" / "data.json").read_text(encoding="utf-8"))
    (documents,) = data["sets"]
    assert documents["id"] == ["cook", "dev", "fork"]
    assert documents["cut"].startswith("This page shows 3 of 5 documents, those with the most jobs")
    assert "This page shows 3 of 5 documents" in (long / "site" / "index.html").read_text(encoding="utf-8")
    layer = next(one for one in data["layers"] if one["id"] == PROMPT)
    assert None not in layer["value"]


def test_the_manifest_counts_all_documents(held: Path, long: Path) -> None:
    few, many = (
        json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["prompts"] for folder in (held, long)
    )
    assert few == many
    assert many[0]["documents"] == 5


def test_a_file_of_json_names_the_files_that_have_the_rows_it_leaves_out(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exposure_dagster.publishing.exports.MOST_IN_JSON", 2)
    folder = publish_content(read_content(company.warehouse, most_held=2), tmp_path)
    ranking = json.loads((folder / PROMPT / "ranking.json").read_text(encoding="utf-8"))
    assert len(ranking["ranking"]) == 2
    assert ranking["rows_left_out"] == 3
    assert ranking["all_rows"] == ["ranking.csv", "ranking.parquet"]


def test_data_of_many_bytes_comes_in_several_files_that_have_all_of_it(company: Company, tmp_path: Path) -> None:
    content = read_content(company.warehouse)
    for name, most_bytes in (("whole", 10**9), ("parts", 400)):
        build_site(content, tmp_path / name, most_bytes=most_bytes)
    whole, head = (json.loads((tmp_path / name / "data.json").read_text()) for name in ("whole", "parts"))
    names = head.pop("more")
    assert len(names) > 1
    for file in names:
        part = json.loads((tmp_path / "parts" / file).read_text())
        for kind, key in (("sets", "name"), ("layers", "id")):
            for one in head[kind]:
                one.update(part[kind].get(one[key], {}))
    assert head == whole
    assert (tmp_path / "parts" / "more-1.js").exists()
    assert not (tmp_path / "whole" / "more-1.js").exists()


def test_a_workbook_says_that_it_does_not_have_all_rows(company: Company, tmp_path: Path) -> None:
    from python_calamine import CalamineWorkbook

    rows = company.warehouse.read("SELECT * FROM ranked.rankings")
    write_workbook([Sheet(RANKINGS, rows, len(rows))], tmp_path / "few.xlsx", about=["us"], most_rows=2)
    book = CalamineWorkbook.from_path(tmp_path / "few.xlsx")
    assert len(book.get_sheet_by_name("rankings").to_python()) == 3
    assert "the CSV and Parquet files have all 5" in book.get_sheet_by_name("sources").to_python()[0][0]


def test_a_file_that_stands_as_it_was_read_is_not_read_again_unless_somebody_changed_the_rows(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(company, root=tmp_path)
    other.write()
    corpora = [OwnCorpus("roles", other.file)]
    first = refresh_own_documents(other.warehouse, corpora)
    read: list[Path] = []
    really = reading.read_own_file
    monkeypatch.setattr(reading, "read_own_file", lambda path: (read.append(path), really(path))[1])
    assert refresh_own_documents(other.warehouse, corpora) == first
    assert read == []
    with other.warehouse.transaction() as connection:
        connection.execute("UPDATE raw.own_documents SET title = 'Other' WHERE doc_id = 'dev'")
    assert refresh_own_documents(other.warehouse, corpora) == first
    assert read == [other.file]
    other.file.with_suffix(".toml").write_text('[values]\npay_currency = "NOK"\n', encoding="utf-8")
    assert refresh_own_documents(other.warehouse, corpora).digest != first.digest
    other.file.write_text(HEADER + ROWS["dev"] + "\n", encoding="utf-8")
    assert refresh_own_documents(other.warehouse, corpora).corpora[0].documents == 1
    other.file.write_text("doc_id\na\n", encoding="utf-8")
    broken = refresh_own_documents(other.warehouse, corpora).corpora[0]
    assert (broken.documents, len(broken.problems)) == (1, 2)


def test_a_look_at_a_home_that_nobody_changed_asks_nothing(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = load_folder(company.prompts, known_corpora=["roles"], known_models=["claude-haiku-5-5"])
    choice = ScorerChoice(ScorerName.BASELINE, True)
    monkeypatch.setattr(looks, "SETTLED_AFTER_S", -1)  # the home was made a moment ago
    asked: list[object] = []
    really = looks.standings
    monkeypatch.setattr(looks, "standings", lambda *given: (asked.append(given), really(*given))[1])
    first = standings_now(company.warehouse, folder, choice)
    assert standings_now(company.warehouse, folder, choice) == first
    assert len(asked) == 1
    with company.warehouse.transaction() as connection:
        connection.execute("UPDATE scored.scores SET input_hash = 'another' WHERE doc_id = 'dev'")
    assert standings_now(company.warehouse, folder, choice) != first
    assert len(asked) == 2
