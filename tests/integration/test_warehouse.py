"""The warehouse on real DuckDB files, with other processes about."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from exposure_dagster.core.errors import WarehouseError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.corpora.ooh.tables import OOH_OCCUPATIONS, OOH_PAGES, OOH_TITLES
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import SCORES, TABLES, TEXTS, WAREHOUSE_VERSION
from tests.postgres import new_database

TITLES = pd.DataFrame({"title": ["Roofer", "Actor"], "slug": ["roofers", "actors"], "is_alias": [True, False]})


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "home" / "exposure.duckdb", wait_s=20)


@pytest.fixture(scope="module")
def store_of_all(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[SharedStore]:
    """One lake for all tests here: to make one takes as long as thirty of them."""
    with new_database(request.getfixturevalue("postgres_server")) as url:
        yield SharedStore(url, str(tmp_path_factory.mktemp("lake")))


@pytest.fixture(params=["file", "lake"])
def either(request: pytest.FixtureRequest, warehouse: Warehouse) -> Warehouse:
    """Tables without rows: in a file, and as several machines share them."""
    if request.param == "file":
        return warehouse
    shared = replace(warehouse, shared=request.getfixturevalue("store_of_all"))

    def empty(connection: duckdb.DuckDBPyConnection) -> None:
        for table in (OOH_TITLES, OOH_OCCUPATIONS, OOH_PAGES, SCORES, TEXTS):
            connection.execute(f"DELETE FROM {table.full_name}")

    shared.transact(empty)
    return shared


def titles(warehouse: Warehouse) -> list[str]:
    return [title for (title,) in warehouse.rows("SELECT title FROM parsed.ooh_titles ORDER BY title")]


def texts(warehouse: Warehouse) -> list[str]:
    return [digest for (digest,) in warehouse.rows("SELECT text_sha256 FROM parsed.texts ORDER BY 1")]


def text_rows(*digests: str) -> pd.DataFrame:
    return pd.DataFrame({"text_sha256": list(digests), "text": "words"})


# Making and reading


def test_the_first_write_makes_folder_file_and_every_table(warehouse: Warehouse) -> None:
    warehouse.replace(OOH_TITLES, TITLES)
    made = warehouse.rows("SELECT table_schema || '.' || table_name FROM information_schema.tables")
    assert {name for (name,) in made} == {*TABLES, "meta.facts"}


def test_reading_where_nothing_was_ever_written_says_what_to_do_and_makes_nothing(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match=r"exposure\.duckdb: there is no warehouse yet\. Fill it first with"):
        warehouse.rows("SELECT 1")
    assert not warehouse.path.parent.exists()


def test_a_result_comes_as_a_frame_or_as_tuples_with_named_or_numbered_parameters(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES)
    frame = either.read("SELECT slug FROM parsed.ooh_titles WHERE title = $title", {"title": "Actor"})
    assert frame.to_dict("records") == [{"slug": "actors"}]
    assert either.rows("SELECT slug FROM parsed.ooh_titles WHERE title = ?", ["Roofer"]) == [("roofers",)]


def test_a_snapshot_is_one_moment_for_all_that_is_read_in_it(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES)
    with either.snapshot() as now:
        connections = set()
        for _ in range(2):
            with now.connect(read_only=True) as connection:
                connections.add(connection)
        assert len(connections) == 1
        assert titles(now) == ["Actor", "Roofer"]
        with now.snapshot() as same:
            assert titles(same) == ["Actor", "Roofer"]
        assert titles(now) == ["Actor", "Roofer"], "a snapshot within it ends without ending it"


def test_who_writes_within_a_snapshot_is_told_instead_of_waiting_for_itself(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES)
    with either.snapshot() as now, pytest.raises(AssertionError, match="a snapshot is for reading"):
        now.replace(OOH_TITLES, TITLES)
    either.replace(OOH_TITLES, TITLES.head(1))
    assert titles(either) == ["Roofer"]


def test_a_reader_cannot_write(warehouse: Warehouse) -> None:
    warehouse.replace(OOH_TITLES, TITLES)
    with warehouse.connect(read_only=True) as connection, pytest.raises(duckdb.InvalidInputException):
        connection.execute("DELETE FROM parsed.ooh_titles")


# Writing by name


def test_columns_are_matched_by_name_whatever_their_order(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES[["is_alias", "slug", "title"]])
    assert either.rows("SELECT title, slug, is_alias FROM parsed.ooh_titles ORDER BY title") == [
        ("Actor", "actors", False),
        ("Roofer", "roofers", True),
    ]


def test_a_column_that_the_frame_lacks_is_null(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES[["title", "slug"]])
    assert either.rows("SELECT DISTINCT is_alias FROM parsed.ooh_titles") == [(None,)]


def test_a_column_that_the_table_lacks_is_refused_and_the_rows_stay(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES)
    with pytest.raises(AssertionError, match="has no column colour"):
        either.replace(OOH_TITLES, TITLES.assign(colour="red"))
    assert titles(either) == ["Actor", "Roofer"]


def test_values_come_back_as_they_went_in(either: Warehouse) -> None:
    row = {
        "slug": "roofers",
        "title": 'Roofers; DROP TABLE x -- "Dächer" 日本 \u202e',
        "soc_codes": ["47-2181", "47-2182"],
        "onet_codes": [],
        "median_pay_annual": 50970.5,
        "pay_is_top_coded": False,
        "jobs": 166_700,
        "last_modified": date(2025, 8, 28),
        "text": "# Roofers\n\n| a | b |\n",
    }
    either.replace(OOH_OCCUPATIONS, pd.DataFrame([row]))
    names = ", ".join(row)
    assert either.rows(f"SELECT {names} FROM parsed.ooh_occupations") == [tuple(row.values())]


def test_a_body_of_any_bytes_and_a_time_come_back_as_they_went_in(either: Warehouse) -> None:
    body, moment = bytes(range(256)), datetime.fromisoformat("2026-03-02T09:00:00.123456")
    either.append(OOH_PAGES, pd.DataFrame([{"slug": "x", "url": "u", "body": body, "fetched_at": moment}]))
    assert either.rows("SELECT body, fetched_at FROM raw.ooh_pages") == [(body, moment)]


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT])
def test_whatever_stands_for_nothing_is_null_in_a_column_of_any_type(either: Warehouse, nothing: object) -> None:
    optional = [column.name for column in OOH_OCCUPATIONS.columns if column.is_nullable]
    row = {"slug": "military-careers", **dict.fromkeys(optional, nothing)}
    either.replace(OOH_OCCUPATIONS, pd.DataFrame([row]))
    assert either.rows(f"SELECT {', '.join(optional)} FROM parsed.ooh_occupations") == [(None,) * len(optional)]


def test_whole_numbers_stay_whole_beside_empty_cells(either: Warehouse) -> None:
    frame = pd.DataFrame({"slug": ["a", "b"], "jobs": [839_000, None]})
    either.replace(OOH_OCCUPATIONS, frame)
    read = either.read("SELECT jobs FROM parsed.ooh_occupations ORDER BY slug")
    assert read["jobs"].to_csv(index=False, header=False).split() == ["839000", '""']


# Replacing


def test_only_the_partition_that_is_named_is_replaced(either: Warehouse) -> None:
    for prompt in ("first", "second"):
        frame = pd.DataFrame({"prompt": prompt, "doc_id": ["a", "b"], "status": "ok"})
        either.replace(SCORES, frame, where={"prompt": prompt})
    either.replace(
        SCORES, pd.DataFrame({"prompt": ["first"], "doc_id": ["c"], "status": ["ok"]}), where={"prompt": "first"}
    )
    assert either.rows("SELECT prompt, doc_id FROM scored.scores ORDER BY ALL") == [
        ("first", "c"),
        ("second", "a"),
        ("second", "b"),
    ]


def test_an_empty_frame_empties_the_partition(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES)
    assert either.replace(OOH_TITLES, TITLES.head(0)) == 0
    assert titles(either) == []


def test_what_only_grows_is_never_replaced(either: Warehouse) -> None:
    either.append(TEXTS, text_rows("a"))
    with pytest.raises(AssertionError, match="append-only"):
        either.replace(TEXTS, text_rows("b"))
    assert texts(either) == ["a"]


def test_rows_that_do_not_fit_leave_the_old_ones_in_place(either: Warehouse) -> None:
    either.replace(OOH_TITLES, TITLES)
    with pytest.raises(duckdb.ConstraintException):
        either.replace(OOH_TITLES, TITLES.assign(slug=[None, "actors"]))
    assert titles(either) == ["Actor", "Roofer"]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_a_stop_within_a_transaction_undoes_all_of_it(either: Warehouse, stop: type[BaseException]) -> None:
    either.replace(OOH_TITLES, TITLES)
    with pytest.raises(stop), either.transaction() as connection:
        connection.execute("DELETE FROM parsed.ooh_titles")
        connection.execute("INSERT INTO parsed.texts VALUES ('a', 'words')")
        raise stop
    assert titles(either) == ["Actor", "Roofer"]
    assert texts(either) == []


def test_after_an_error_the_file_is_free_for_others(warehouse: Warehouse) -> None:
    with pytest.raises(RuntimeError), warehouse.connect():
        raise RuntimeError
    with duckdb.connect(warehouse.path, read_only=True) as other:
        assert other.execute("SELECT count(*) FROM parsed.texts").fetchone() == (0,)


# Held for a step


def test_what_is_opened_in_a_held_block_joins_it_and_each_transaction_is_kept_for_itself(warehouse: Warehouse) -> None:
    with pytest.raises(RuntimeError), warehouse.held() as held, held.held():
        held.replace(OOH_TITLES, TITLES)
        with held.snapshot() as now, ThreadPoolExecutor(1) as other:
            assert titles(now) == ["Actor", "Roofer"]
            assert other.submit(titles, warehouse).result() == ["Actor", "Roofer"]
        with held.transaction() as connection:
            connection.execute("DELETE FROM parsed.ooh_titles")
            raise RuntimeError
    with duckdb.connect(warehouse.path, read_only=True) as free_again:
        assert free_again.execute("SELECT count(*) FROM parsed.ooh_titles").fetchone() == (2,)


def test_a_held_file_is_opened_once(warehouse: Warehouse) -> None:
    with warehouse.held():
        with warehouse.connect() as connection:
            connection.execute("SET GLOBAL default_null_order = 'nulls_first'")  # of the open file, whoever reads it
        assert warehouse.rows("SELECT current_setting('default_null_order')") == [("NULLS_FIRST",)]
    assert warehouse.rows("SELECT current_setting('default_null_order')") == [("NULLS_LAST",)]


def test_a_held_file_shuts_out_other_processes_until_the_block_ends(warehouse: Warehouse) -> None:
    impatient = "Warehouse(warehouse.path, wait_s=0.1).append(TEXTS, rows(sys.argv[2]))"
    with warehouse.held():
        shut_out = warehouse_process(warehouse, f"try: {impatient}\nexcept Exception: sys.exit(7)", "a")
        assert shut_out.wait() == 7
    assert warehouse_process(warehouse, impatient, "b").wait() == 0
    assert texts(warehouse) == ["b"]


# Other processes


@contextmanager
def another_process_holds(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the file open for writing until it reads a line, or the block ends."""
    code = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_file_that_stays_held_by_another_process_is_a_clear_error(warehouse: Warehouse) -> None:
    warehouse.replace(OOH_TITLES, TITLES)
    impatient = Warehouse(warehouse.path, wait_s=0.1)
    with another_process_holds(warehouse.path):
        for attempt in (lambda: impatient.rows("SELECT 1"), lambda: impatient.replace(OOH_TITLES, TITLES.head(1))):
            with pytest.raises(WarehouseError, match=r"another process has held it for 0 seconds\. Close the program"):
                attempt()
    assert titles(warehouse) == ["Actor", "Roofer"]


def test_a_write_waits_its_turn(warehouse: Warehouse) -> None:
    warehouse.append(TEXTS, text_rows("a"))
    with another_process_holds(warehouse.path) as other:
        writer = threading.Thread(target=lambda: warehouse.append(TEXTS, text_rows("b")))
        writer.start()
        assert writer.is_alive()
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
        writer.join()
    assert texts(warehouse) == ["a", "b"]


def test_threads_that_open_the_file_at_the_same_moment_all_write(warehouse: Warehouse) -> None:
    with warehouse.connect():
        pass
    rounds, at_once = 100, 4
    together = threading.Barrier(at_once, timeout=60)

    def write(place: int) -> None:
        for number in range(rounds):
            together.wait()
            warehouse.append(TEXTS, text_rows(f"{place}-{number}"))

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(write, range(at_once)))
    assert len(texts(warehouse)) == rounds * at_once


def warehouse_process(warehouse: Warehouse, body: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Runs `body`, which may use `warehouse`, `rows` and `TEXTS`, in another process."""
    lines = (
        "import os, sys",
        "from pathlib import Path",
        "import pandas as pd",
        "from exposure_dagster.tables import TEXTS",
        "from exposure_dagster.store.warehouse import Warehouse, insert_rows",
        "warehouse = Warehouse(Path(sys.argv[1]))",
        "rows = lambda *digests: pd.DataFrame({'text_sha256': list(digests), 'text': 'words'})",
        body,
    )
    return subprocess.Popen([sys.executable, "-c", "\n".join(lines), str(warehouse.path), *arguments])


def test_processes_that_write_at_once_lose_nothing(warehouse: Warehouse) -> None:
    writers = [
        warehouse_process(warehouse, f"for n in range(8): warehouse.append(TEXTS, rows(f'{name}{{n}}'))")
        for name in ("a", "b")
    ]
    for n in range(8):
        warehouse.append(TEXTS, text_rows(f"c{n}"))
    assert [writer.wait() for writer in writers] == [0, 0]
    assert texts(warehouse) == sorted(f"{name}{n}" for name in "abc" for n in range(8))


def test_a_process_that_is_killed_keeps_what_was_committed_and_undoes_the_rest(warehouse: Warehouse) -> None:
    killed = """
with warehouse.connect() as connection:
    connection.begin()
    insert_rows(connection, TEXTS, rows('committed'))
    connection.commit()
    connection.begin()
    connection.execute("DELETE FROM parsed.texts")
    insert_rows(connection, TEXTS, rows('half way'))
    os._exit(9)
"""
    assert warehouse_process(warehouse, killed).wait() == 9
    assert texts(warehouse) == ["committed"]
    warehouse.append(TEXTS, text_rows("later"))
    assert texts(warehouse) == ["committed", "later"]


def test_no_progress_bar_is_drawn_into_the_output_of_a_process_that_runs_no_file(warehouse: Warehouse) -> None:
    warehouse.append(TEXTS, text_rows("a"))
    asked = "sys.exit(warehouse.rows(\"SELECT current_setting('enable_progress_bar')\") != [(False,)])"
    assert warehouse_process(warehouse, asked).wait() == 0


# Older and newer files


def as_an_older_version_left_it(warehouse: Warehouse) -> None:
    warehouse.replace(OOH_TITLES, TITLES)
    with warehouse.connect() as connection:
        connection.execute("ALTER TABLE parsed.ooh_titles DROP COLUMN is_alias")
        connection.execute("DROP TABLE ranked.summaries")
        connection.execute("UPDATE meta.facts SET value = 'of then' WHERE name = 'registry'")


def test_an_older_file_gets_the_new_columns_and_tables_and_keeps_its_rows(warehouse: Warehouse) -> None:
    as_an_older_version_left_it(warehouse)
    warehouse.append(OOH_TITLES, TITLES.assign(title=["Thatcher", "Mime"]))
    assert warehouse.rows("SELECT title, is_alias FROM parsed.ooh_titles ORDER BY title") == [
        ("Actor", None),
        ("Mime", False),
        ("Roofer", None),
        ("Thatcher", True),
    ]
    assert warehouse.rows("SELECT count(*) FROM ranked.summaries") == [(0,)]


def test_an_older_file_can_be_read_before_anything_is_written(warehouse: Warehouse) -> None:
    as_an_older_version_left_it(warehouse)
    assert warehouse.rows("SELECT title, is_alias FROM parsed.ooh_titles ORDER BY title") == [
        ("Actor", None),
        ("Roofer", None),
    ]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(warehouse: Warehouse, read_only: bool) -> None:
    warehouse.replace(OOH_TITLES, TITLES)
    with warehouse.connect() as connection:
        connection.execute(
            "UPDATE meta.facts SET value = ? WHERE name = 'warehouse_version'", [str(WAREHOUSE_VERSION + 1)]
        )
    before = warehouse.path.read_bytes()
    with pytest.raises(WarehouseError) as raised, warehouse.connect(read_only=read_only):
        pass
    assert str(raised.value) == (
        f"{warehouse.path}: a newer version of the project wrote it (format {WAREHOUSE_VERSION + 1}, this one knows "
        f"{WAREHOUSE_VERSION}). Upgrade the project, or set EXPOSURE_HOME to another folder."
    )
    assert warehouse.path.read_bytes() == before


# Places that cannot be used


def assert_cannot_be_opened(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError) as raised:
        warehouse.replace(OOH_TITLES, TITLES)
    message = str(raised.value)
    assert message.startswith(f"{warehouse.path}: it cannot be opened (")
    assert "\n" not in message
    assert "Set EXPOSURE_HOME to a folder that can be written" in message


def test_a_home_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("something else")
    assert_cannot_be_opened(Warehouse(tmp_path / "home" / "exposure.duckdb"))
    assert (tmp_path / "home").read_text() == "something else"


def test_a_file_that_is_no_database_is_a_clear_error_and_is_left_as_it_is(warehouse: Warehouse) -> None:
    warehouse.path.parent.mkdir()
    warehouse.path.write_bytes(b"something else")
    assert_cannot_be_opened(warehouse)
    assert warehouse.path.read_bytes() == b"something else"


def test_a_folder_in_the_place_of_the_file_is_a_clear_error(warehouse: Warehouse) -> None:
    warehouse.path.mkdir(parents=True)
    assert_cannot_be_opened(warehouse)


@contextmanager
def without_the_right_to_write(folder: Path) -> Iterator[None]:
    """Root may write anywhere, so tests that run as root step down to nobody for a moment."""
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def test_a_home_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with without_the_right_to_write(home):
        assert_cannot_be_opened(Warehouse(home / "exposure.duckdb"))
        assert_cannot_be_opened(Warehouse(home / "below" / "exposure.duckdb"))
    assert list(home.iterdir()) == []


# Kinds of site


def test_a_warehouse_that_holds_pages_of_one_kind_of_site_takes_none_of_another(warehouse: Warehouse) -> None:
    warehouse.claim_for_site("sample")
    warehouse.append(OOH_PAGES, pd.DataFrame([{"slug": "roofers", "url": "u", "reason": "no such page (404)"}]))
    warehouse.claim_for_site("sample")
    with pytest.raises(WarehouseError) as raised:
        warehouse.claim_for_site("live")
    assert str(raised.value) == (
        f"{warehouse.path}: it was filled from a sample site and takes no pages of a live one. "
        "Set EXPOSURE_SITES as it was, or EXPOSURE_HOME to another folder."
    )


def test_a_claim_that_no_page_followed_binds_nobody(warehouse: Warehouse) -> None:
    warehouse.claim_for_site("live")
    warehouse.claim_for_site("sample")
    warehouse.append(OOH_PAGES, pd.DataFrame([{"slug": "roofers", "url": "u"}]))
    with pytest.raises(WarehouseError, match="filled from a sample site"):
        warehouse.claim_for_site("live")
