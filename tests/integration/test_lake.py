"""Tables that several machines share: DuckLake over a real PostgreSQL server, with other processes about."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import psycopg
import pytest
from dagster import DagsterInstance

from exposure_dagster.core.errors import SettingError, WarehouseError
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.corpora.ooh.tables import OOH_TITLES
from exposure_dagster.pipeline.keeping import check
from exposure_dagster.pipeline.prompts import owner_of_prompts, recorded_prompts
from exposure_dagster.settings import load_settings
from exposure_dagster.store.database import turn
from exposure_dagster.store.lake import WRITING, lake_of, state_of
from exposure_dagster.store.migrations import UpgradeError
from exposure_dagster.store.warehouse import Warehouse, put_fact
from exposure_dagster.tables import SCORES, TABLES, TEXTS
from tests.integration.automation_harness import Automation
from tests.postgres import new_database

PASSWORD = "geh%40eim"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[SharedStore]:
    """One lake for all tests here that leave it as one of today. The server asks for no password, and takes any."""
    with new_database(postgres_server.replace("exposure@", f"exposure:{PASSWORD}@")) as url:
        yield SharedStore(url, str(tmp_path_factory.mktemp("lake")))


@pytest.fixture
def lake(tmp_path: Path, store: SharedStore) -> Warehouse:
    """Seen from a home, its scores and texts empty."""
    warehouse = Warehouse(tmp_path / "home" / "exposure.duckdb", wait_s=30, shared=store)

    def empty(connection: duckdb.DuckDBPyConnection) -> None:
        for table in (SCORES, TEXTS):
            connection.execute(f"DELETE FROM {table.full_name}")

    warehouse.transact(empty)
    return warehouse


def scores(prompt: str, *documents: str) -> pd.DataFrame:
    return pd.DataFrame({"prompt": prompt, "doc_id": list(documents), "status": "ok"})


def scored(warehouse: Warehouse) -> list[tuple[str, str]]:
    return [
        (prompt, doc_id) for prompt, doc_id in warehouse.rows("SELECT prompt, doc_id FROM scored.scores ORDER BY ALL")
    ]


def another_process(store: SharedStore, body: str, *arguments: str) -> subprocess.Popen[str]:
    """Runs `body`, which may use `warehouse`, `SCORES` and pandas as `pd`, in another process."""
    lines = (
        "import sys",
        "from pathlib import Path",
        "import pandas as pd",
        "from exposure_dagster.core.shared import SharedStore",
        "from exposure_dagster.store.warehouse import Warehouse",
        "from exposure_dagster.tables import SCORES",
        "warehouse = Warehouse(Path('elsewhere/exposure.duckdb'), shared=SharedStore(*sys.argv[1:3]))",
        body,
    )
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines), store.database_url, store.data_url, *arguments],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


# Making


def test_where_nothing_was_ever_written_a_look_makes_nothing(tmp_path: Path, shared_store: SharedStore) -> None:
    warehouse = Warehouse(tmp_path / "exposure.duckdb", shared=shared_store)
    assert not warehouse.exists
    with pytest.raises(WarehouseError, match="there is no warehouse yet"):
        warehouse.rows("SELECT 1")
    with psycopg.connect(shared_store.database_url) as connection:
        assert connection.execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'exposure%'").fetchall() == []
    assert not Path(shared_store.data_url).exists()


def test_every_table_is_there_and_empty_and_no_file_lies_in_the_home(lake: Warehouse) -> None:
    made = lake.rows("SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'lake'")
    assert {name for (name,) in made} == {*TABLES, "meta.facts"}
    counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in TABLES)
    assert [name for name, rows in lake.rows(counts) if rows] == []
    assert not lake.path.parent.exists()


def test_two_that_make_the_tables_at_once_make_them_once(tmp_path: Path, shared_store: SharedStore) -> None:
    body = "warehouse.replace(SCORES, pd.DataFrame(), where={'prompt': 'p'})"
    others = [another_process(shared_store, body) for _ in range(2)]
    assert [other.wait(60) for other in others] == [0, 0]
    warehouse = Warehouse(tmp_path / "exposure.duckdb", shared=shared_store)
    assert warehouse.rows("SELECT count(*) FROM meta.facts WHERE name = 'warehouse_version'") == [(1,)]


def test_another_place_for_the_data_is_refused_by_name(lake: Warehouse, tmp_path: Path) -> None:
    assert lake.shared is not None
    moved = replace(lake.shared, data_url=str(tmp_path / "moved"))
    with pytest.raises(WarehouseError, match=r"lie in .*/tables/, not in .*/moved/tables/\. Set EXPOSURE_DATA_URL as"):
        replace(lake, shared=moved).rows("SELECT 1")


# Writing with others


def test_processes_that_replace_partitions_of_one_table_see_no_conflict_and_double_nothing(lake: Warehouse) -> None:
    body = """
for number in range(6):
    for prompt in (sys.argv[3], 'both'):
        frame = pd.DataFrame({'prompt': prompt, 'doc_id': ['a', 'b'], 'status': 'ok'})
        warehouse.replace(SCORES, frame, where={'prompt': prompt})
"""
    assert lake.shared is not None
    others = [another_process(lake.shared, body, name) for name in ("first", "second")]
    assert [other.wait(120) for other in others] == [0, 0]
    assert scored(lake) == [(prompt, doc) for prompt in ("both", "first", "second") for doc in ("a", "b")]


def test_what_a_stranger_changed_first_is_written_again_upon_it(lake: Warehouse) -> None:
    lake.replace(SCORES, scores("p", "old"))
    attempts = []

    def write(connection: duckdb.DuckDBPyConnection) -> None:
        attempts.append(scored_within(connection))
        connection.execute("DELETE FROM scored.scores WHERE prompt = 'p'")
        if len(attempts) == 1:
            a_stranger_deletes(lake)
        connection.execute("INSERT INTO scored.scores (prompt, doc_id, status) VALUES ('p', 'new', 'ok')")

    lake.transact(write)
    assert attempts == [["old"], []]
    assert scored(lake) == [("p", "new")]


def test_who_is_overtaken_again_and_again_is_told_so(lake: Warehouse) -> None:
    def write(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("DELETE FROM scored.scores")
        with lake_of(lake.shared).cursor() as stranger:
            stranger.execute("DELETE FROM scored.scores")
            stranger.execute("INSERT INTO scored.scores (prompt, doc_id, status) VALUES ('p', 'x', 'ok')")

    lake.replace(SCORES, scores("p", "x"))
    with pytest.raises(WarehouseError, match="another program has been changing the same tables for 0 seconds"):
        replace(lake, wait_s=0.01).transact(write)
    assert scored(lake) == [("p", "x")]


def scored_within(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [doc for (doc,) in connection.execute("SELECT doc_id FROM scored.scores ORDER BY 1").fetchall()]


def a_stranger_deletes(warehouse: Warehouse) -> None:
    """As from a notebook, which waits for no turn."""
    assert warehouse.shared is not None
    with lake_of(warehouse.shared).cursor() as connection:
        connection.execute("DELETE FROM scored.scores WHERE prompt = 'p'")


def test_a_turn_that_stays_taken_is_a_clear_error_and_reading_goes_on(lake: Warehouse) -> None:
    lake.replace(SCORES, scores("p", "a"))
    assert lake.shared is not None
    with turn(lake.shared, WRITING, wait_s=5):
        with pytest.raises(WarehouseError, match=r"another program has had its turn \(writing tables\)") as caught:
            replace(lake, wait_s=0.05).replace(SCORES, scores("p", "b"))
        lake_of(lake.shared).is_current = False  # as in a process that has not looked yet
        assert scored(lake) == [("p", "a")]
    assert PASSWORD not in str(caught.value)


def test_a_writer_that_is_killed_leaves_nothing_of_its_transaction_and_its_turn_is_free(lake: Warehouse) -> None:
    lake.replace(SCORES, scores("p", "a"))
    body = """
with warehouse.transaction() as connection:
    connection.execute("DELETE FROM scored.scores")
    print("deleted", flush=True)
    sys.stdin.readline()
"""
    assert lake.shared is not None
    with another_process(lake.shared, body) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "deleted\n"
        other.kill()
    lake.replace(SCORES, scores("q", "b"), where={"prompt": "q"})
    assert scored(lake) == [("p", "a"), ("q", "b")]


def test_threads_share_the_instance_that_is_kept_and_a_fork_has_its_own(lake: Warehouse) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: lake.replace(SCORES, scores(name, "a"), where={"prompt": name}), "wxyz"))
    child = os.fork()
    if child == 0:
        try:
            lake.replace(SCORES, scores("child", "a"), where={"prompt": "child"})
        except BaseException:  # noqa: BLE001  whatever it is, no test goes on here
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    lake.replace(SCORES, scores("parent", "a"), where={"prompt": "parent"})
    assert [prompt for prompt, _ in scored(lake)] == ["child", "parent", "w", "x", "y", "z"]


def test_a_server_that_was_away_is_found_again(lake: Warehouse, postgres_server: str) -> None:
    lake.replace(SCORES, scores("p", "a"))
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'exposure%'"
        )
    assert scored(lake) == [("p", "a")]
    lake.replace(SCORES, scores("p", "b"), where={"prompt": "p"})
    assert scored(lake) == [("p", "b")]


# Reading


def test_a_snapshot_stays_as_it_is_while_others_write(lake: Warehouse) -> None:
    lake.replace(SCORES, scores("p", "a"))
    with lake.snapshot() as now:
        assert scored(now) == [("p", "a")]
        lake.replace(SCORES, scores("p", "b"), where={"prompt": "p"})
        assert scored(now) == [("p", "a")]
        assert scored(lake) == [("p", "b")]


def test_who_reads_can_change_nothing(lake: Warehouse) -> None:
    lake.replace(SCORES, scores("p", "a"))
    with pytest.raises(duckdb.TransactionException, match="read-only"):
        lake.rows("DELETE FROM scored.scores")
    assert scored(lake) == [("p", "a")]


def test_the_state_changes_with_every_write_and_with_no_look(lake: Warehouse) -> None:
    assert lake.shared is not None
    before = state_of(lake.shared)
    scored(lake)
    assert state_of(lake.shared) == before
    lake.replace(SCORES, scores("p", "a"))
    assert state_of(lake.shared) != before


# Other versions


def aged(shared: SharedStore, *statements: str) -> Warehouse:
    """A lake as another version left it, seen by a process that has not looked yet."""
    warehouse = Warehouse(Path("home/exposure.duckdb"), wait_s=20, shared=shared)
    warehouse.append(TEXTS, pd.DataFrame({"text_sha256": ["a"], "text": ["words"]}))

    def change(connection: duckdb.DuckDBPyConnection) -> None:
        for statement in statements:
            connection.execute(statement)

    with lake_of(shared).cursor() as connection:
        change(connection)
    lake_of(shared).is_current = False
    return warehouse


def test_an_earlier_one_is_brought_up_to_date_and_what_is_kept_stays(shared_store: SharedStore) -> None:
    warehouse = aged(
        shared_store,
        "UPDATE meta.facts SET value = 'of another declaration' WHERE name = 'registry'",
        "ALTER TABLE scored.scores DROP COLUMN note",
        "ALTER TABLE parsed.ooh_titles DROP COLUMN slug",
        "DROP TABLE ranked.gate",
    )
    assert warehouse.rows("SELECT note FROM scored.scores") == []
    assert warehouse.rows("SELECT slug FROM parsed.ooh_titles") == [], "it cannot take today's rows, and is made anew"
    assert warehouse.rows("SELECT count(*) FROM ranked.gate") == [(0,)]
    assert warehouse.rows("SELECT text_sha256 FROM parsed.texts") == [("a",)]


def test_one_of_a_newer_version_is_refused_by_a_process_that_wrote_to_it_before(shared_store: SharedStore) -> None:
    warehouse = aged(shared_store, "ALTER TABLE parsed.texts ADD COLUMN more VARCHAR")
    lake_of(shared_store).is_current = True
    with lake_of(shared_store).cursor() as connection:
        put_fact(connection, "warehouse_version", "99")
    with pytest.raises(WarehouseError, match="a newer version of the project wrote it"):
        warehouse.append(TEXTS, pd.DataFrame({"text_sha256": ["b"], "text": ["words"]}))


def test_what_no_migration_can_change_leaves_all_as_it_was(shared_store: SharedStore) -> None:
    warehouse = aged(
        shared_store,
        "UPDATE meta.facts SET value = 'of another declaration' WHERE name = 'registry'",
        "ALTER TABLE parsed.texts DROP COLUMN text_sha256",
        "ALTER TABLE scored.scores DROP COLUMN note",
    )
    with pytest.raises(UpgradeError, match=r"there is no parsed\.texts\.text_sha256"):
        warehouse.rows("SELECT 1")
    with lake_of(shared_store).cursor() as connection, pytest.raises(duckdb.BinderException):
        connection.execute("SELECT note FROM scored.scores")


# Secrets


def test_the_password_is_never_shown(lake: Warehouse, tmp_path: Path) -> None:
    assert lake.shared is not None
    with lake_of(lake.shared).cursor() as connection:
        shown = [
            repr(connection.execute(f"FROM {source}").fetchall())
            for source in ("duckdb_databases()", "duckdb_secrets()", "duckdb_settings()", "duckdb_logs")
        ]
    nowhere = SharedStore(f"postgresql://somebody:{PASSWORD}@127.0.0.1:1/gone", str(tmp_path))
    with pytest.raises(WarehouseError) as caught:
        Warehouse(tmp_path / "exposure.duckdb", shared=nowhere).rows("SELECT 1")
    assert "127.0.0.1/gone: the database cannot be reached" in str(caught.value)
    said = [*shown, str(caught.value), repr(lake), repr(nowhere), lake.place]
    assert [text for text in said if PASSWORD in text or "geh@eim" in text] == []


def test_a_bucket_without_credentials_says_which_variables_are_missing(
    shared_store: SharedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        lake_of(replace(shared_store, data_url="s3://bucket/exposure"))


# Keeping


def test_small_files_become_one_and_states_of_long_ago_go(lake: Warehouse) -> None:
    assert lake.shared is not None
    rows = pd.DataFrame({"title": [f"title {number}" for number in range(300)], "slug": "s", "is_alias": False})
    lake.replace(OOH_TITLES, rows)
    for _ in range(16):
        lake.append(OOH_TITLES, rows)
    before = _files(lake.shared)
    with psycopg.connect(lake.shared.database_url, autocommit=True) as connection:
        connection.execute("UPDATE exposure_lake.ducklake_snapshot SET snapshot_time = now() - INTERVAL '30 days'")
    lake.append(TEXTS, pd.DataFrame({"text_sha256": ["a"], "text": ["words"]}))
    lake.tidy()
    assert before == 17
    assert _files(lake.shared) == 1
    assert lake.rows("SELECT count(*) FROM parsed.ooh_titles") == [(5100,)]
    with psycopg.connect(lake.shared.database_url) as connection:
        assert connection.execute(
            "SELECT count(*) FROM exposure_lake.ducklake_snapshot WHERE snapshot_time < now() - INTERVAL '8 days'"
        ).fetchall() == [(0,)]


def _files(shared: SharedStore) -> int:
    with psycopg.connect(shared.database_url) as connection:
        ((files,),) = connection.execute(
            "SELECT count(*) FROM exposure_lake.ducklake_data_file f JOIN exposure_lake.ducklake_table t"
            " USING (table_id) WHERE f.end_snapshot IS NULL AND t.table_name = 'ooh_titles'"
        ).fetchall()
    return int(files)


def test_a_check_reads_every_table(lake: Warehouse) -> None:
    lake.replace(SCORES, scores("p", "a", "a"))
    found = {one.what: one for one in check(lake)}
    assert not found["scored.scores"].is_sound
    assert "2 rows" in found["scored.scores"].found


# Prompt files


def test_only_the_first_to_come_purges_prompts_whose_files_are_gone(
    lake: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lake.shared is not None
    lake.replace(SCORES, pd.concat([scores("exposure", "a"), scores("elsewhere", "a")]))
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", lake.shared.database_url)
    monkeypatch.setenv("EXPOSURE_DATA_URL", lake.shared.data_url)
    monkeypatch.setenv("EXPOSURE_PROMPTS_OWNER", "laptop")
    assert owner_of_prompts(lake, "cluster") == "cluster"
    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("prompts", ["elsewhere"])
        _, said = Automation(load_settings(), instance).evaluate("follow_prompts")
        assert "elsewhere: there is no file of it here, and its scores stay, since cluster owns" in said[0]
        assert recorded_prompts(lake) >= {"exposure", "elsewhere"}
        assert "elsewhere" in instance.get_dynamic_partitions("prompts")
        monkeypatch.setenv("EXPOSURE_PROMPTS_OWNER", "cluster")
        Automation(load_settings(), instance).evaluate("follow_prompts")
        assert "elsewhere" not in recorded_prompts(lake)
        assert "elsewhere" not in instance.get_dynamic_partitions("prompts")


def test_nothing_of_it_is_loaded_where_nothing_is_shared(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from exposure_dagster.store.warehouse import Warehouse;"
        " from exposure_dagster.cli.unchanged import inputs_digest; import exposure_dagster.cli.run;"
        " Warehouse(Path(sys.argv[1])).claim_for_site('sample');"
        " print(*{'psycopg', 'exposure_dagster.store.lake'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "exposure.duckdb")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
