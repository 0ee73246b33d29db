"""`Materialize all` asks what is enabled; a prompt that is not is asked where a person names it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, ExecuteInProcessResult

from assets.scored import ScoresConfig
from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.jobs import INPUTS_KEY, SCORES_KEY, SCORING_JOB
from exposure_dagster.definitions import build_defs, scorer_of
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, Settings
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.ui_queries import ask_as_the_ui, checks_that_are_not_green

pytestmark = [
    pytest.mark.usefixtures("warehouses_opened_once"),
    pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources` is deprecated"),  # Dagster's own call
]

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
BOTH = ["climate", "exposure"]


@pytest.fixture(scope="module")
def settings(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with sources; `exposure` is enabled, `climate` is not."""
    root = tmp_path_factory.mktemp("backfills")
    shutil.copytree(sample_run, root / "home", symlinks=True)
    (root / "prompts").mkdir()
    for name in BOTH:
        shutil.copy(BUNDLED_PROMPTS / f"{name}.md", root / "prompts")
    settings = Settings(home=root / "home", sites="sample", scorer=ScorerName.BASELINE, prompts=root / "prompts")
    with open_instance(settings.dagster_home) as instance:
        instance.add_dynamic_partitions("prompts", BOTH)
    return settings


@pytest.fixture
def instance(settings: Settings) -> Iterator[DagsterInstance]:
    with Warehouse(settings.warehouse_file).transaction() as connection:
        connection.execute("DELETE FROM scored.scores")
    with open_instance(settings.dagster_home) as instance:
        yield instance


BEGIN = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message } } }
"""


def backfill(instance: DagsterInstance, partitions: list[str]) -> str:
    """As the UI begins one from the graph; returns its id."""
    keys = [{"path": list(key.path)} for key in (INPUTS_KEY, SCORES_KEY)]
    answer = ask_as_the_ui(instance, BEGIN, {"params": {"partitionNames": partitions, "assetSelection": keys}})
    return str(answer["launchPartitionBackfill"]["backfillId"])


def run(
    settings: Settings,
    instance: DagsterInstance,
    partition: str,
    *,
    of: str | None = None,
    named: list[str] | None = None,
) -> ExecuteInProcessResult:
    config: dict[str, Any] = {"loggers": QUIET}
    if named:
        config["ops"] = {"scores": {"config": {"named": named}}}
    return (
        build_defs(settings)
        .resolve_job_def(SCORING_JOB)
        .execute_in_process(
            instance=instance,
            partition_key=partition,
            tags={} if of is None else {"dagster/backfill": of},
            run_config=config,
        )
    )


def answered(settings: Settings) -> list[str]:
    rows = Warehouse(settings.warehouse_file).rows("SELECT DISTINCT prompt FROM scored.scores ORDER BY 1")
    return [name for (name,) in rows]


def test_a_backfill_of_all_prompts_asks_the_enabled_ones_and_says_what_it_left_out(
    settings: Settings, instance: DagsterInstance
) -> None:
    everything = backfill(instance, BOTH)
    results = {name: run(settings, instance, name, of=everything) for name in BOTH}
    assert [result.success for result in results.values()] == [True, True]
    assert answered(settings) == ["exposure"]
    made = {event.asset_key for event in results["climate"].get_asset_materialization_events()}
    assert INPUTS_KEY in made
    assert not {key for key in made if key.path[-1] in ("scores", "rankings", "summaries")}
    said = [entry.user_message for entry in instance.all_logs(results["climate"].run_id)]
    assert any("climate is left out: its file says `enabled: false`" in one for one in said)


@pytest.mark.parametrize("way", ["its own partition", "a backfill of it alone", "the configuration of a backfill"])
def test_a_prompt_that_is_not_enabled_is_asked_where_it_is_named(
    way: str, settings: Settings, instance: DagsterInstance
) -> None:
    match way:
        case "its own partition":
            result = run(settings, instance, "climate")
        case "a backfill of it alone":
            result = run(settings, instance, "climate", of=backfill(instance, ["climate"]))
        case _:
            result = run(settings, instance, "climate", of="a backfill that is forgotten", named=["climate"])
    assert result.success
    assert answered(settings) == ["climate"]


def test_in_a_backfill_of_which_nothing_is_known_it_is_not_asked(settings: Settings, instance: DagsterInstance) -> None:
    assert run(settings, instance, "climate", of="a backfill that is forgotten").success
    assert answered(settings) == []


def run_the_checks_alone(settings: Settings, instance: DagsterInstance, partition: str) -> dict[str, bool]:
    checks = [key for key in build_defs(settings).resolve_asset_graph().asset_check_keys if key.asset_key == SCORES_KEY]
    job = (
        build_defs(settings)
        .resolve_implicit_global_asset_job_def()
        .get_subset(asset_selection=set(), asset_check_selection=set(checks))
    )
    result = job.execute_in_process(
        instance=instance, partition_key=partition, run_config={"loggers": QUIET}, raise_on_error=False
    )
    passed = {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
    assert passed.keys() == {key.name for key in checks}
    return passed


def test_to_run_the_checks_alone_asks_nothing(settings: Settings, instance: DagsterInstance) -> None:
    run_the_checks_alone(settings, instance, "exposure")
    assert answered(settings) == []


def test_a_refused_document_of_one_prompt_stays_in_sight_when_another_is_scored(
    settings: Settings, instance: DagsterInstance
) -> None:
    assert run(settings, instance, "exposure").success
    with Warehouse(settings.warehouse_file).transaction() as connection:
        connection.execute(
            "UPDATE scored.scores SET status = 'refused' WHERE (prompt, doc_id) = ('exposure', 'roofers')"
        )
    assert not run_the_checks_alone(settings, instance, "exposure")["every_document_has_an_answer"]
    assert run(settings, instance, "climate").success
    assert "scored/scores every_document_has_an_answer" in checks_that_are_not_green(instance)


def test_a_rehearsal_shows_its_answers_and_touches_nothing_that_stands(
    settings: Settings, instance: DagsterInstance
) -> None:
    config = {"loggers": QUIET, "ops": {"rehearse_a_few": {"config": {"limit": 3}}}}
    job = build_defs(settings).resolve_job_def("rehearse")
    result = job.execute_in_process(instance=instance, partition_key="climate", run_config=config)
    assert result.success
    (output,) = [event for event in result.all_node_events if event.event_type_value == "STEP_OUTPUT"]
    assert len(output.step_output_data.metadata["answers"].value.records) == 3
    assert answered(settings) == []


def test_to_ask_again_is_a_configuration_of_the_run(settings: Settings) -> None:
    scorer = scorer_of(settings, ask_again=False)
    assert not scorer.means().is_asked_again
    assert scorer.means(ask_again=True).is_asked_again
    assert ScoresConfig(ask_again=True).ask_again
