"""Publications on disk: from the ranked tables to the files, and the link that readers follow."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from exposure_dagster.core.characters import harmless
from exposure_dagster.core.errors import SettingError, WarehouseError
from exposure_dagster.pipeline.published import publish_content, ranked_fingerprint, read_content
from exposure_dagster.prompts.render import asked_part
from exposure_dagster.publishing.content import PublishedContent
from exposure_dagster.publishing.exports import missing_files
from exposure_dagster.publishing.publication import (
    ABANDONED_AFTER_S,
    CHECKSUMS,
    KEPT_PUBLICATIONS,
    is_published,
    publish,
)
from exposure_dagster.publishing.site import SITE_FILES
from exposure_dagster.publishing.workbook import LONGEST_TEXT, Sheet, write_workbook
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import RANKINGS, SUMMARIES
from tests.integration.ranked_tables import AS_PUBLISHED, FORMULA, HOSTILE, PROMPT, answer, fill


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("warehouse") / "exposure.duckdb", wait_s=5)
    fill(warehouse, "exposure", "second")
    return warehouse


@pytest.fixture(scope="module")
def content(warehouse: Warehouse) -> PublishedContent:
    return read_content(warehouse)


@pytest.fixture(scope="module")
def published(content: PublishedContent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the prompt `exposure` in a publication."""
    return publish_content(content, tmp_path_factory.mktemp("out") / "published") / "exposure"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "published"


# What a publication holds


def test_a_publication_holds_every_file_and_the_link_leads_to_it(content: PublishedContent, root: Path) -> None:
    folder = publish_content(content, root)
    assert folder == root / content.digest
    assert (root / "current").readlink() == Path(content.digest)
    rankings = content.prompts[0].rankings
    scored = rankings.loc[rankings["score"].notna(), "doc_id"]
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == sorted(
        [
            "ATTRIBUTION.md",
            CHECKSUMS,
            "data_dictionary.md",
            "manifest.json",
            *(f"site/{name}" for name in SITE_FILES),
            "site/share/card.css",
            *(f"site/share/{prompt}/{one}.html" for prompt in ("exposure", "second") for one in scored),
            *(f"site/share/exposure/{one}.png" for one in scored),
            *(
                f"{name}.{ending}"
                for name in ("handbook", "prompts", "prompt_versions")
                for ending in ("csv", "json", "parquet")
            ),
            *(
                f"{prompt}/{name}"
                for prompt in ("exposure", "second")
                for name in (
                    "brief.md",
                    "provenance.csv",
                    "provenance.json",
                    "provenance.parquet",
                    "ranking.csv",
                    "ranking.json",
                    "ranking.parquet",
                    "ranking.xlsx",
                    "summaries.csv",
                    "summaries.parquet",
                )
            ),
        ]
    )
    assert missing_files(content, folder) == []
    assert {path.name for path in root.iterdir()} == {"current", content.digest}


def test_a_file_that_is_missing_or_empty_is_named(content: PublishedContent, root: Path) -> None:
    folder = publish_content(content, root)
    (folder / "exposure" / "brief.md").unlink()
    (folder / "manifest.json").write_text("")
    assert missing_files(content, folder) == ["exposure/brief.md", "manifest.json"]


def test_others_may_read_what_is_published_whatever_the_umask(content: PublishedContent, root: Path) -> None:
    before = os.umask(0o077)
    try:
        folder = publish_content(content, root)
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (root, folder, *folder.rglob("*"))}
    assert all(mode == (0o755 if path.is_dir() else 0o644) for path, mode in modes.items()), modes


def test_the_manifest_says_what_was_published(content: PublishedContent, published: Path) -> None:
    manifest = json.loads((published.parent / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["digest"] == published.parent.name == content.digest
    assert [prompt["prompt"] for prompt in manifest["prompts"]] == ["exposure", "second"]
    first = manifest["prompts"][0]
    assert (first["documents"], first["models"], first["note"]) == (4, ["claude-haiku-5-5"], None)
    assert (first["scored_at"], first["prompt_hash"]) == ("2026-03-02T09:00:00", asked_part(PROMPT).prompt_hash)


def test_where_nothing_is_ranked_there_is_nothing_to_publish(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "exposure.duckdb")
    warehouse.claim_for_site("sample")
    with pytest.raises(WarehouseError, match="nothing is ranked yet"):
        read_content(warehouse)


def test_the_brief_has_every_occupation(published: Path) -> None:
    lines = [line for line in (published / "brief.md").read_text(encoding="utf-8").splitlines() if ": **" in line]
    assert [line.split("**")[1] for line in lines] == ["-Actors", "Physicians", "Roofers", "Military careers"]


# Comma-separated


def csv_rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_csv_file_has_a_row_a_document_and_whole_numbers_stay_whole(published: Path) -> None:
    rows = csv_rows(published / "ranking.csv")
    assert tuple(rows[0]) == RANKINGS.column_names
    assert [(row["rank"], row["doc_id"], row["jobs"]) for row in rows] == [
        ("1", "actors", "57000"),
        ("2", "physicians", "839000"),
        ("3", "roofers", "166700"),
        ("", "military", ""),
    ]


def test_a_csv_file_is_known_as_utf8_by_excel_and_read_as_ever_by_pandas_and_duckdb(published: Path) -> None:
    file = published / "ranking.csv"
    assert file.read_bytes().startswith("\ufeffprompt,rank,".encode())
    assert tuple(pd.read_csv(file).columns) == RANKINGS.column_names
    with duckdb.connect() as connection:
        assert tuple(connection.read_csv(str(file)).columns) == RANKINGS.column_names


# The workbook


def test_a_workbook_holds_the_ranking_what_its_columns_mean_and_the_sources(published: Path) -> None:
    book = CalamineWorkbook.from_path(str(published / "ranking.xlsx"))
    assert book.sheet_names == ["rankings", "columns", "sources"]
    header, *rows = book.get_sheet_by_name("rankings").to_python()
    assert tuple(header) == RANKINGS.column_names
    assert [row[header.index("doc_id")] for row in rows] == ["actors", "physicians", "roofers", "military"]
    meanings = book.get_sheet_by_name("columns").to_python()[1:]
    assert [(row[0], row[1]) for row in meanings] == [("rankings", name) for name in RANKINGS.column_names]
    lines = [row[0] for row in book.get_sheet_by_name("sources").to_python()]
    assert "Sources:" in lines


def test_text_that_looks_like_a_formula_is_text_in_a_workbook(published: Path) -> None:
    book = CalamineWorkbook.from_path(str(published / "ranking.xlsx"))
    header, *rows = book.get_sheet_by_name("rankings").to_python()
    assert FORMULA in [row[header.index("rationale")] for row in rows]
    with zipfile.ZipFile(published / "ranking.xlsx") as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<hyperlink" not in sheet
    assert 'state="frozen"' in sheet


def test_codes_are_text_and_figures_are_numbers_in_a_workbook(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        [
            {"doc_id": code, "title": "=1+1", "jobs": 12, "score": None, "url": "x" * 40_000}
            for code in ("11-2011", "0110")
        ]
    )
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook([Sheet(RANKINGS, rows, len(rows))], tmp_path / name, about=["=cmd", "From here."])
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    header, *cells = book.get_sheet_by_name("rankings").to_python()
    found = [dict(zip(header, row, strict=True)) for row in cells]
    assert [(row["doc_id"], row["title"], row["jobs"]) for row in found] == [
        ("11-2011", "=1+1", 12),
        ("0110", "=1+1", 12),
    ]
    assert {len(str(row["url"])) for row in found} == {LONGEST_TEXT}
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_text_that_looks_like_a_formula_is_disarmed_in_the_csv_file_alone(published: Path) -> None:
    rows = {row["doc_id"]: row for row in csv_rows(published / "ranking.csv")}
    assert rows["roofers"]["rationale"] == f"'{FORMULA}"
    assert rows["actors"]["title"] == "'-Actors"
    for cells in rows.values():
        for name, cell in cells.items():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), name
    document = json.loads((published / "ranking.json").read_text(encoding="utf-8"))
    assert {row["doc_id"]: row["rationale"] for row in document["ranking"]}["roofers"] == FORMULA


def test_hostile_text_stays_in_its_cell(published: Path) -> None:
    rows = {row["doc_id"]: row for row in csv_rows(published / "ranking.csv")}
    assert len(rows) == 4
    assert rows["physicians"]["rationale"] == AS_PUBLISHED


def test_no_published_file_holds_a_character_that_acts_on_a_terminal(published: Path, warehouse: Warehouse) -> None:
    assert warehouse.rows(
        "SELECT rationale FROM scored.scores WHERE prompt = 'exposure' AND contains(rationale, ?)", ["\x1b"]
    )
    for file in published.parent.rglob("*"):
        if file.suffix in (".csv", ".json", ".md"):
            text = file.read_text(encoding="utf-8-sig")
            assert harmless(text) == text, file.name


# Parquet


@pytest.mark.parametrize(("name", "table"), [("ranking", RANKINGS), ("summaries", SUMMARIES)])
def test_a_parquet_file_has_the_columns_and_types_of_the_registry(published: Path, name: str, table: object) -> None:
    with duckdb.connect() as connection:
        described = connection.execute("DESCRIBE FROM read_parquet(?)", [str(published / f"{name}.parquet")]).fetchall()
    assert [(column, kind) for column, kind, *_ in described] == [
        (column.name, column.type)
        for column in table.columns  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize(("name", "table"), [("ranking", "ranked.rankings"), ("summaries", "ranked.summaries")])
def test_a_parquet_file_read_by_duckdb_holds_what_the_warehouse_holds(
    published: Path, warehouse: Warehouse, name: str, table: str
) -> None:
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT * FROM read_parquet(?) ORDER BY ALL", [str(published / f"{name}.parquet")])
        assert rows.fetchall() == [
            tuple(AS_PUBLISHED if cell == HOSTILE else cell for cell in row)
            for row in warehouse.rows(f"SELECT * FROM {table} WHERE prompt = 'exposure' ORDER BY ALL")
        ]


def test_a_parquet_file_becomes_the_frame_that_was_published(published: Path, content: PublishedContent) -> None:
    with duckdb.connect() as connection:
        frame = connection.execute("FROM read_parquet(?)", [str(published / "ranking.parquet")]).df()
    pd.testing.assert_frame_equal(frame, content.prompts[0].rankings)
    by_id = frame.set_index("doc_id")
    assert (by_id.loc["roofers", "rationale"], by_id.loc["physicians", "rationale"]) == (FORMULA, AS_PUBLISHED)
    assert by_id.loc["physicians", "wages"] == 839_000 * 239_200


def test_a_column_without_a_single_value_keeps_its_type(warehouse: Warehouse, root: Path, tmp_path: Path) -> None:
    bare = Warehouse(tmp_path / "exposure.duckdb")
    fill(bare, "exposure")
    answer(bare, "exposure", [None] * 4, [None] * 4)
    file = publish_content(read_content(bare), root) / "exposure" / "ranking.parquet"
    with duckdb.connect() as connection:
        described = connection.execute("DESCRIBE FROM read_parquet(?)", [str(file)]).fetchall()
    kinds = {column: kind for column, kind, *_ in described}
    assert (kinds["tier"], kinds["rationale"], kinds["rank"]) == ("VARCHAR", "VARCHAR", "BIGINT")


# JSON


def test_the_json_file_holds_head_summaries_and_every_document(published: Path) -> None:
    document = json.loads((published / "ranking.json").read_text(encoding="utf-8"))
    assert (document["prompt"], document["title"], document["documents"]) == ("exposure", "Exposure to AI", 4)
    assert "no forecast of job losses" in document["caveats"]
    assert document["sources"][0]["url"] == "https://www.bls.gov/ooh/"
    assert {row["grouping"] for row in document["summaries"]} >= {"all", "tier", "score_threshold"}
    by_id = {row["doc_id"]: row for row in document["ranking"]}
    assert by_id["physicians"]["rationale"] == AS_PUBLISHED
    assert (by_id["actors"]["rank"], by_id["actors"]["score"], by_id["actors"]["wages"]) == (1, 7.5, None)
    assert (by_id["military"]["rank"], by_id["military"]["status"]) == (None, "refused")


def test_no_file_holds_what_json_does_not_know(published: Path) -> None:
    def refused(constant: str) -> None:
        raise AssertionError(constant)

    for file in (published / "ranking.json", published.parent / "manifest.json"):
        json.loads(file.read_text(encoding="utf-8"), parse_constant=refused)


# Unchanged content


def test_unchanged_content_is_not_written_again(content: PublishedContent, warehouse: Warehouse, root: Path) -> None:
    folder = publish_content(content, root)
    written = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*"), root / "current"]}
    again = publish_content(read_content(warehouse), root)
    assert again == folder
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_the_checksums_are_those_that_sha256sum_checks(content: PublishedContent, root: Path) -> None:
    folder = publish_content(content, root)
    lines = (folder / CHECKSUMS).read_text().splitlines()
    assert {line[66:] for line in lines} == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS
    }
    assert all(hashlib.sha256((folder / line[66:]).read_bytes()).hexdigest() == line[:64] for line in lines)
    assert all(line[64:66] == "  " for line in lines)


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


@pytest.mark.parametrize(
    "damage", [flip, Path.unlink, lambda path: path.with_name(CHECKSUMS).write_text("?")], ids=["bit", "gone", "sums"]
)
def test_a_damaged_publication_is_none_and_is_written_anew_when_it_is_published_again(
    root: Path, damage: Callable[[Path], object]
) -> None:
    folder = publish(root, digest_of(1), writes("whole"))
    assert is_published(root) is False, "it has no manifest"
    (folder / "manifest.json").write_text("{}")
    assert is_published(root)
    damage(folder / "0.txt")
    assert not is_published(root)
    assert publish(root, digest_of(1), writes("whole")) == folder
    assert (folder / "0.txt").read_text() == "whole"
    assert names_in(root) == {"current", digest_of(1)}


def test_a_publication_of_an_earlier_version_without_checksums_counts_as_whole(root: Path) -> None:
    folder = publish(root, digest_of(1), writes("old"))
    (folder / CHECKSUMS).unlink()
    publish(root, digest_of(1), writes("new"))
    assert (folder / "0.txt").read_text() == "old"


def test_other_content_is_another_folder_and_the_earlier_one_stays_readable(root: Path, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "exposure.duckdb")
    fill(warehouse, "exposure")
    before = publish_content(read_content(warehouse), root)
    answer(warehouse, "exposure", [9.0, 5.0, 7.5, None], ["Changed.", "b", "c", None])
    after = publish_content(read_content(warehouse), root)
    assert (root / "current").resolve() == after.resolve() != before.resolve()
    assert "Changed." in (root / "current" / "exposure" / "brief.md").read_text(encoding="utf-8")
    assert "Changed." not in (before / "exposure" / "brief.md").read_text(encoding="utf-8")


# The switch


def digest_of(number: int) -> str:
    return f"{number:016x}"


def writes(*contents: str) -> Callable[[Path], None]:
    """Writes a file for each of `contents`, named by its position."""

    def write(folder: Path) -> None:
        for position, text in enumerate(contents):
            (folder / f"{position}.txt").write_text(text)

    return write


def names_in(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


def test_the_link_does_not_move_before_the_folder_is_complete(root: Path) -> None:
    publish(root, digest_of(1), writes("old"))

    def write(folder: Path) -> None:
        assert (root / "current" / "0.txt").read_text() == "old"
        assert not (root / digest_of(2)).exists()
        writes("new")(folder)
        assert (root / "current" / "0.txt").read_text() == "old"

    publish(root, digest_of(2), write)
    assert (root / "current" / "0.txt").read_text() == "new"


def test_a_reader_that_follows_the_link_never_sees_half_of_one_and_half_of_another(root: Path) -> None:
    publish(root, digest_of(0), writes(*[digest_of(0)] * 5))
    done = threading.Event()
    seen: list[set[str]] = []

    def read() -> None:
        while not done.is_set():
            folder = root / (root / "current").readlink()
            seen.append({(folder / f"{n}.txt").read_text() for n in range(5)} | {folder.name})

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(60):
        digest = digest_of(number % 4)
        publish(root, digest, writes(*[digest] * 5))
    done.set()
    reader.join()
    assert seen
    assert all(len(words) == 1 for words in seen)


@pytest.mark.parametrize("crash", [RuntimeError, KeyboardInterrupt])
def test_a_crash_while_writing_leaves_the_old_one_in_place_and_no_rubbish(
    root: Path, crash: type[BaseException]
) -> None:
    publish(root, digest_of(1), writes("old"))

    def write(folder: Path) -> None:
        writes("half")(folder)
        raise crash

    with pytest.raises(crash):
        publish(root, digest_of(2), write)
    assert (root / "current" / "0.txt").read_text() == "old"
    assert names_in(root) == {"current", digest_of(1)}


def test_after_a_process_was_killed_while_writing_the_old_one_stands_and_the_rest_is_cleared_away_later(
    root: Path,
) -> None:
    publish(root, digest_of(1), writes("old"))
    code = """
import os, sys
from pathlib import Path
from exposure_dagster.publishing.publication import publish

def write(folder):
    (folder / "0.txt").write_text("half")
    os._exit(9)

publish(Path(sys.argv[1]), "f" * 16, write)
"""
    assert subprocess.run([sys.executable, "-c", code, str(root)], check=False).returncode == 9
    (left_behind,) = names_in(root) - {"current", digest_of(1)}
    publish(root, digest_of(2), writes("new"))
    assert left_behind in names_in(root)
    long_ago = (root / left_behind).stat().st_mtime - ABANDONED_AFTER_S - 60
    os.utime(root / left_behind, (long_ago, long_ago))
    publish(root, digest_of(3), writes("newer"))
    assert names_in(root) == {"current", digest_of(1), digest_of(2), digest_of(3)}


def test_a_publication_that_was_removed_by_half_is_never_taken_for_a_whole_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(KEPT_PUBLICATIONS):
        publish(root, digest_of(number), writes("a", "b"))
        os.utime(root / digest_of(number), (number, number))

    def killed_half_way(path: Path, **_: object) -> None:
        if (path / "0.txt").exists():
            (path / "0.txt").unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", killed_half_way)
        publish(root, digest_of(9), writes("c", "d"))
    publish(root, digest_of(0), writes("a", "b"))
    assert sorted(path.name for path in (root / "current").iterdir()) == ["0.txt", "1.txt", "SHA256SUMS"]


def test_a_link_that_was_made_and_not_switched_to_is_cleared_away_later(root: Path) -> None:
    publish(root, digest_of(1), writes("old"))
    left_behind = root / ".current-1"
    left_behind.symlink_to(digest_of(1))
    publish(root, digest_of(2), writes("new"))
    assert left_behind.name in names_in(root)
    os.utime(left_behind, (0, 0), follow_symlinks=False)
    publish(root, digest_of(3), writes("newer"))
    assert names_in(root) == {"current", digest_of(1), digest_of(2), digest_of(3)}


def test_two_that_publish_the_same_at_once_both_succeed(root: Path) -> None:
    def write(folder: Path) -> None:
        writes("same")(folder)
        if not (root / digest_of(1)).exists():
            publish(root, digest_of(1), writes("same"))

    assert publish(root, digest_of(1), write) == root / digest_of(1)
    assert (root / "current" / "0.txt").read_text() == "same"
    assert names_in(root) == {"current", digest_of(1)}


# What stays


def published_in_turn(root: Path, numbers: range) -> None:
    for number in numbers:
        folder = publish(root, digest_of(number), writes(str(number)))
        os.utime(folder, (1_000_000 + number, 1_000_000 + number))


def test_the_latest_publications_stay_and_older_ones_go(root: Path) -> None:
    published_in_turn(root, range(9))
    latest = {digest_of(number) for number in range(9 - KEPT_PUBLICATIONS, 9)}
    assert names_in(root) == {"current", *latest}


def test_an_earlier_publication_that_is_current_again_counts_as_new(root: Path) -> None:
    published_in_turn(root, range(KEPT_PUBLICATIONS))
    publish(root, digest_of(0), writes("0"))
    publish(root, digest_of(99), writes("99"))
    assert digest_of(0) in names_in(root)
    assert digest_of(1) not in names_in(root)


def test_what_someone_else_keeps_beside_the_publications_stays(root: Path) -> None:
    root.mkdir()
    (root / "my notes").mkdir()
    (root / "old.zip").write_text("kept")
    os.utime(root / "my notes", (0, 0))
    published_in_turn(root, range(8))
    assert {"my notes", "old.zip"} <= names_in(root)


# Places that cannot be used


@pytest.fixture
def blocked(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "file").write_text("something else")
    yield tmp_path / "file" / "published"
    assert (tmp_path / "file").read_text() == "something else"


def test_a_folder_that_cannot_be_made_is_a_clear_error(blocked: Path) -> None:
    with pytest.raises(
        SettingError, match=r"the published files cannot be written here \(Not a directory\)\. Make room"
    ):
        publish(blocked, digest_of(1), writes("new"))


def test_a_folder_in_the_place_of_the_link_is_a_clear_error_and_stays(root: Path) -> None:
    (root / "current").mkdir(parents=True)
    (root / "current" / "mine.txt").write_text("mine")
    with pytest.raises(SettingError, match="the published files cannot be written here"):
        publish(root, digest_of(1), writes("new"))
    assert (root / "current" / "mine.txt").read_text() == "mine"


def test_what_only_the_site_shows_counts_as_a_change_of_what_is_published(warehouse: Warehouse) -> None:
    before = ranked_fingerprint(warehouse)
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO parsed.ooh_titles BY NAME SELECT 'Slater' AS title, 'roofers' AS slug, true AS is_alias"
        )
    assert ranked_fingerprint(warehouse) not in {before, None}
    with warehouse.connect() as connection:
        connection.execute("DELETE FROM parsed.ooh_titles")
    assert ranked_fingerprint(warehouse) == before
