"""Warehouses of earlier declarations, on real files: what is kept stays, whatever happens on the way."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import duckdb
import pytest

from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.pipeline.keeping import rebuild
from exposure_dagster.store import migrations
from exposure_dagster.store.migrations import MIGRATIONS, copy_before, copy_open_file
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TABLES, WAREHOUSE_VERSION
from tests.integration.formats import make_warehouse

TITLES_OF_ANOTHER_TYPE = (
    "CREATE TABLE parsed.ooh_titles (title VARCHAR NOT NULL, slug INTEGER NOT NULL, is_alias BOOLEAN)",
    "INSERT INTO parsed.ooh_titles VALUES ('Actor', 1, true)",
)
TITLES_WITHOUT_A_REQUIRED_COLUMN = (
    "CREATE TABLE parsed.ooh_titles (title VARCHAR NOT NULL, is_alias BOOLEAN)",
    "INSERT INTO parsed.ooh_titles VALUES ('Actor', true)",
)
TITLES_WITH_MORE_THAN_IS_KNOWN = (
    "CREATE TABLE parsed.ooh_titles (title VARCHAR NOT NULL, slug VARCHAR NOT NULL, x INTEGER NOT NULL)",
    "INSERT INTO parsed.ooh_titles VALUES ('Actor', 'actors', 1)",
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """One of today that holds a text and a title."""
    made = Warehouse(tmp_path / "home" / "exposure.duckdb", wait_s=30)
    with made.transaction() as connection:
        connection.execute("INSERT INTO parsed.texts VALUES ('abc', 'words')")
        connection.execute("INSERT INTO parsed.ooh_titles VALUES ('Actor', 'actors', true)")
        connection.execute("INSERT INTO meta.facts VALUES ('basis of ranked.rankings: exposure', 'x')")
    return made


def declared_otherwise(warehouse: Warehouse, table: str, *statements: str) -> None:
    """Make of a table what another version of the project would have declared and filled."""
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"DROP TABLE {table}")
        for statement in statements:
            connection.execute(statement)
        connection.execute("UPDATE meta.facts SET value = 'of then' WHERE name = 'registry'")


def declarations(path: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns"
            " ORDER BY ALL"
        ).fetchall()


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a file, opened as it is."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for (name,) in names}


# What is made again


@pytest.mark.parametrize(
    "statements", [TITLES_OF_ANOTHER_TYPE, TITLES_WITHOUT_A_REQUIRED_COLUMN, TITLES_WITH_MORE_THAN_IS_KNOWN]
)
def test_a_table_that_a_run_fills_is_made_anew_where_its_declaration_changed_and_the_file_is_copied_first(
    warehouse: Warehouse, statements: tuple[str, ...], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    fresh = Warehouse(tmp_path / "fresh" / "exposure.duckdb")
    with fresh.connect():
        pass
    declared_otherwise(warehouse, "parsed.ooh_titles", *statements)
    before = content(warehouse.path)
    with caplog.at_level(logging.WARNING):
        assert warehouse.rows("SELECT count(*) FROM parsed.ooh_titles") == [(0,)]

    assert warehouse.rows("SELECT * FROM parsed.texts") == [("abc", "words")]
    assert declarations(warehouse.path) == declarations(fresh.path)
    copy = copy_before(warehouse.path)
    assert content(copy) == before
    assert copy.stat().st_mode & 0o077 == 0
    assert caplog.messages == [
        f"{warehouse.path}: made anew, and empty, since the declaration changed: parsed.ooh_titles; "
        "`exposure run` fills it from what is kept",
        f"{copy} is as it was before, and may be removed",
    ]


def test_tables_that_are_filled_together_are_made_anew_together(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("INSERT INTO parsed.ooh_occupations (slug) VALUES ('actors')")
    declared_otherwise(warehouse, "parsed.ooh_projections", "CREATE TABLE parsed.ooh_projections (slug INTEGER)")
    # its rows say which pages are parsed; were they left, the projections would never be filled
    assert warehouse.rows("SELECT count(*) FROM parsed.ooh_occupations") == [(0,)]
    assert warehouse.rows("SELECT count(*) FROM parsed.ooh_titles") == [(1,)]


def test_rankings_that_are_made_anew_are_not_taken_for_current(warehouse: Warehouse) -> None:
    declared_otherwise(
        warehouse, "ranked.rankings", "CREATE TABLE ranked.rankings (prompt VARCHAR NOT NULL, rank DATE)"
    )
    assert warehouse.rows("SELECT 1 FROM meta.made_from WHERE table_name = 'ranked.rankings'") == []


def test_a_column_that_may_be_empty_is_added_without_a_copy(warehouse: Warehouse) -> None:
    declared_otherwise(
        warehouse,
        "scored.score_versions",
        "CREATE TABLE scored.score_versions (prompt VARCHAR NOT NULL, version BIGINT NOT NULL, doc_id VARCHAR NOT NULL,"
        " status VARCHAR NOT NULL, model VARCHAR NOT NULL)",
    )
    with warehouse.connect() as connection:
        connection.execute(
            "INSERT INTO scored.score_versions (prompt, version, doc_id, status) VALUES ('p', 1, 'd', 'ok')"
        )
    assert not copy_before(warehouse.path).exists()


# What is kept


@pytest.mark.parametrize(
    ("table", "statement", "said"),
    [
        ("parsed.texts", "CREATE TABLE parsed.texts (text_sha256 BLOB NOT NULL, text VARCHAR)", "is BLOB, not VARCHAR"),
        ("parsed.texts", "CREATE TABLE parsed.texts (text VARCHAR)", "there is no parsed.texts.text_sha256"),
        ("parsed.texts", "CREATE TABLE parsed.texts (text_sha256 VARCHAR)", "parsed.texts.text_sha256 may be empty"),
        (
            "parsed.texts",
            "CREATE TABLE parsed.texts (text_sha256 VARCHAR NOT NULL, x INTEGER NOT NULL)",
            "parsed.texts.x is not known any more",
        ),
    ],
)
def test_what_is_kept_is_not_touched_where_no_migration_says_how(
    warehouse: Warehouse, table: str, statement: str, said: str
) -> None:
    declared_otherwise(warehouse, table, statement)
    before = content(warehouse.path)
    for read_only in (True, False):
        with pytest.raises(WarehouseError) as raised, warehouse.connect(read_only=read_only):
            pass
        assert said in str(raised.value)
        assert "cannot change that without losing what is kept" in str(raised.value)
    assert content(warehouse.path) == before


@pytest.mark.parametrize("number", range(1, WAREHOUSE_VERSION + 1))
def test_a_warehouse_of_every_format_that_ever_was_is_brought_to_todays(tmp_path: Path, number: int) -> None:
    old, new = Warehouse(tmp_path / "old.duckdb"), Warehouse(tmp_path / "new.duckdb")
    make_warehouse(old.path, number)
    for warehouse in (old, new):
        with warehouse.connect():
            pass
    assert {*declarations(new.path)} == {*declarations(old.path)}
    assert old.rows("SELECT value FROM meta.facts WHERE name = 'warehouse_version'") == [(str(WAREHOUSE_VERSION),)]


def test_migrations_are_numbered_without_a_gap_and_the_last_one_makes_todays_format() -> None:
    assert [one.number for one in MIGRATIONS] == list(range(2, WAREHOUSE_VERSION + 1))


def test_what_only_grows_and_what_was_fetched_is_kept() -> None:
    kept = {name for name, table in TABLES.items() if table.is_kept}
    grows_or_fetched = {name for name, table in TABLES.items() if table.is_append_only or table.schema == "raw"}
    assert kept >= grows_or_fetched | {"scored.scores"}
    assert all(table.filled_with in TABLES for table in TABLES.values() if table.filled_with)


def test_a_migration_says_what_it_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "exposure.duckdb"
    make_warehouse(path, 1)
    with caplog.at_level(logging.WARNING), Warehouse(path).connect():
        pass
    assert caplog.messages[0].startswith(f"{path} is brought from format 1 to 2: what was asked and paid moves into")
    assert caplog.messages[-1] == f"{copy_before(path)} is as it was before, and may be removed"


# What can go wrong


def process(path: Path, *body: str) -> subprocess.Popen[str]:
    """Another process that brings the file up to date; `body` may change how."""
    lines = (
        "import os, resource, signal, sys",
        "from pathlib import Path",
        "from dataclasses import replace",
        "from exposure_dagster.store import migrations",
        "from exposure_dagster.core.errors import WarehouseError",
        "from exposure_dagster.store.warehouse import Warehouse",
        *body,
        "try:",
        "    with Warehouse(Path(sys.argv[1]), wait_s=60).connect(): pass",
        "except WarehouseError as error: sys.exit(str(error))",
    )
    return subprocess.Popen([sys.executable, "-c", "\n".join(lines), str(path)], text=True, stderr=subprocess.PIPE)


DIES = "die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
MOMENTS = {
    "before the copy has its name": "migrations.copy_open_file = die",
    "before the transaction": "copy = migrations._copy\nmigrations._copy = lambda *given: (copy(*given), die())",
    "after the tables of the migration changed": (
        "run = migrations.MIGRATIONS[0].run\n"
        "migrations.MIGRATIONS = (replace(migrations.MIGRATIONS[0], run=lambda c: (run(c), die())),)"
    ),
    "after all of it, before it is committed": "migrations._refuse_misfits = die",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_that_is_killed_leaves_a_file_that_the_next_one_brings_up_to_date(
    tmp_path: Path, moment: str
) -> None:
    path = tmp_path / "exposure.duckdb"
    make_warehouse(path, 1)
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO parsed.texts VALUES ('abc', 'words')")
    before = content(path)
    killed = process(path, DIES, MOMENTS[moment])
    assert killed.wait() == -9, killed.communicate()[1]
    assert content(path) == before
    with Warehouse(path).connect() as connection:
        assert connection.execute("SELECT * FROM parsed.texts").fetchall() == [("abc", "words")]
    assert content(copy_before(path)) == before


def test_processes_that_start_at_once_bring_it_up_to_date_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "exposure.duckdb"
    make_warehouse(path, 1)
    both = [process(path) for _ in range(2)]
    said = [one.communicate()[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert sum("is brought from format 1 to 2" in one for one in said) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["exposure.duckdb", copy_before(path).name]


def test_without_room_for_the_copy_nothing_is_touched(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    declared_otherwise(warehouse, "parsed.ooh_titles", *TITLES_OF_ANOTHER_TYPE)
    before = content(warehouse.path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(migrations.shutil, "disk_usage", lambda path: usage(1, 1, 5_000_000))
    with pytest.raises(WarehouseError, match=r"has to be copied .* and 5 MB are free of the \d+ MB that this takes"):
        warehouse.rows("SELECT 1")
    assert content(warehouse.path) == before
    assert [one.name for one in warehouse.path.parent.iterdir()] == [warehouse.path.name]


def test_a_copy_that_cannot_be_written_whole_leaves_no_part_of_it(warehouse: Warehouse) -> None:
    declared_otherwise(warehouse, "parsed.ooh_titles", *TITLES_OF_ANOTHER_TYPE)
    before = content(warehouse.path)
    # a file that cannot grow is met in the same place as a disk that is full
    limited = process(warehouse.path, "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))")
    said = limited.communicate()[1]
    assert limited.returncode == 1
    assert re.search(r"before-\S+: it has to be copied .* the copy cannot be made \(.*File too large", said), said
    assert "Traceback" not in said
    assert content(warehouse.path) == before
    assert [one.name for one in warehouse.path.parent.iterdir()] == [warehouse.path.name]


def test_a_file_that_could_not_be_brought_up_to_date_is_not_set_aside_as_damaged(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared_otherwise(warehouse, "parsed.ooh_titles", *TITLES_OF_ANOTHER_TYPE)
    before = content(warehouse.path)

    def full(*given: object) -> None:
        raise duckdb.IOException("No space left on device")

    monkeypatch.setattr(migrations, "_refuse_misfits", full)
    with pytest.raises(WarehouseError, match=r"is as it was \(No space left on device\)\. Make room"):
        rebuild(warehouse)
    assert content(warehouse.path) == before
    assert list(warehouse.path.parent.glob("*.damaged-*")) == []


def test_a_file_that_is_copied_stays_shut_for_others(warehouse: Warehouse, tmp_path: Path) -> None:
    with warehouse.connect():
        copy_open_file(warehouse.path, tmp_path / "copy")
        opening = f"import duckdb; duckdb.connect({str(warehouse.path)!r})"
        other = subprocess.run([sys.executable, "-c", opening], capture_output=True, text=True, check=False)
    assert "Could not set lock" in other.stderr
