"""The ledger's tables in Dagster: materialized where they are written, with the ledger's promises as their checks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, ExecuteInProcessResult

from exposure_dagster.automation.jobs import SCORES_KEY, SCORING_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.scoring.ledger_checks import PROMISES
from exposure_dagster.scoring.mirror import LEDGER_NAME
from exposure_dagster.settings import ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import TABLES
from tests.integration.seeding import seed_documents, write_prompt

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
WRITTEN = ("responses", "batches", "runs", "score_versions", "prompt_versions", "corrections")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with documents and two prompts."""
    (tmp_path / "prompts").mkdir()
    for name in ("a", "b"):
        write_prompt(tmp_path / "prompts", name)
    settings = Settings(
        home=tmp_path / "home", sites="sample", scorer=ScorerName.BASELINE, prompts=tmp_path / "prompts"
    )
    seed_documents(Warehouse(settings.warehouse_file), 12)
    return settings


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("prompts", ["a", "b"])
        yield instance


def score(
    settings: Settings, instance: DagsterInstance, prompt: str, *, only: Sequence[AssetKey] | None = None
) -> ExecuteInProcessResult:
    job = build_defs(settings).resolve_job_def(SCORING_JOB)
    return job.execute_in_process(
        instance=instance, partition_key=prompt, asset_selection=only, run_config=QUIET, raise_on_error=False
    )


def counts(instance: DagsterInstance, table: str) -> dict[str, object]:
    """What the latest materialization says of the numbers of rows."""
    event = instance.get_latest_materialization_event(AssetKey(["scored", table]))
    assert event is not None, table
    assert event.asset_materialization is not None
    return {name.split("/")[1]: value.value for name, value in event.asset_materialization.metadata.items()}


def test_each_table_is_materialized_where_it_is_written_with_its_numbers_of_rows(
    settings: Settings, instance: DagsterInstance
) -> None:
    for prompt in ("a", "b"):
        assert score(settings, instance, prompt).success
    warehouse = Warehouse(settings.warehouse_file)
    for table in WRITTEN:
        ((rows,),) = warehouse.rows(f"SELECT count(*) FROM scored.{table}")
        assert counts(instance, table)["row_count"] == rows
        if "prompt" in TABLES[f"scored.{table}"].column_names:
            ((of_prompt,),) = warehouse.rows(f"SELECT count(*) FROM scored.{table} WHERE prompt = 'b'")
            assert counts(instance, table)["partition_row_count"] == of_prompt
            assert instance.get_materialized_partitions(AssetKey(["scored", table])) == {"a", "b"}
    assert counts(instance, "runs") == {"row_count": 2, "partition_row_count": 1}


def test_what_the_ledger_promises_is_checked_with_each_scoring(settings: Settings, instance: DagsterInstance) -> None:
    evaluations = score(settings, instance, "a").get_asset_check_evaluations()
    checked = {(one.asset_key.path[-1], one.check_name): one.passed for one in evaluations}
    assert {(table, name) for name, table, _, _ in PROMISES} <= checked.keys()
    assert all(passed for (table, _), passed in checked.items() if table != "gate")  # the answers are nonsense


def test_a_promise_that_is_broken_fails_the_check_of_its_name(settings: Settings, instance: DagsterInstance) -> None:
    assert score(settings, instance, "a").success
    ledger = sqlite3.connect(settings.home / LEDGER_NAME)
    with ledger:
        ledger.execute("DROP INDEX one_accepted_answer_a_key")
        ledger.executemany(
            "INSERT INTO responses (request_key, attempt, is_accepted, prompt, prompt_hash, doc_id, text_sha256,"
            " sample, epoch, status, attributes, created_at, revision)"
            " VALUES ('k', ?, 1, 'a', 'h', 'd', 't', 1, 0, 'ok', '{}', '2026-01-01 00:00:00.000000', 1)",
            [(1,), (2,)],
        )
        ledger.execute("UPDATE runs SET scorer = 'claude', cost_nano_usd = 5")
    ledger.close()
    evaluations = score(settings, instance, "b").get_asset_check_evaluations()
    failed = {one.check_name: one.description for one in evaluations if not one.passed}
    assert failed["one_accepted_answer_a_key"] == (
        "at most one accepted answer stands for a request key: broken 1 times: `exposure check` says more"
    )
    assert failed.keys() >= {"one_accepted_answer_a_key", "costs_add_up"}


def test_the_table_alone_is_reported_and_nothing_is_asked(settings: Settings, instance: DagsterInstance) -> None:
    assert score(settings, instance, "a", only=[AssetKey(["scored", "responses"])]).success
    assert counts(instance, "responses") == {"row_count": 0, "partition_row_count": 0}
    assert Warehouse(settings.warehouse_file).rows("SELECT count(*) FROM scored.scores") == [(0,)]


def test_where_the_answers_alone_are_selected_the_tables_are_materialized_too(
    settings: Settings, instance: DagsterInstance
) -> None:
    keys = [AssetKey(["scored", name]) for name in ("prompts", "inputs", "scores")]
    assert score(settings, instance, "a", only=keys).success
    assert counts(instance, "runs") == {"row_count": 1, "partition_row_count": 1}


def test_a_run_that_cannot_go_on_materializes_what_it_wrote_and_no_answers(
    settings: Settings, instance: DagsterInstance
) -> None:
    without_key = settings.model_copy(update={"scorer": ScorerName.MODEL, "provider_variables": {}})
    assert not score(without_key, instance, "a").success
    assert "row_count" in counts(instance, "runs")
    assert instance.get_latest_materialization_event(SCORES_KEY) is None
