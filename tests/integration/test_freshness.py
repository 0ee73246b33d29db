"""What is fresh shows as fresh in Dagster, with green checks and the run that made it, with O*NET and without."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, AssetRecordsFilter, DagsterInstance

from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.jobs import INPUTS_JOB, PUBLISHING_JOB, SCORING_JOB, SOURCES_JOB
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import BUNDLED_PROMPTS, SAMPLE_SITES, ScorerName, Settings
from tests.integration.automation_harness import FREE_SENSORS, RESCORING, Automation, edit_duties_of_roofers
from tests.integration.ui_queries import checks_that_are_not_green, stale

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

LOOKS = 3
WRITTEN_BY_SCORING = [f"scored/{name} exposure" for name in ("batches", "responses", "runs", "scores", "variants")]
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def settings_of(root: Path) -> Settings:
    return Settings(home=root / "home", sites="sample", scorer=ScorerName.BASELINE, prompts=root / "prompts")


def put_prompts(root: Path) -> None:
    (root / "prompts").mkdir()
    for name in ("exposure", "climate", "resilience"):
        shutil.copy(BUNDLED_PROMPTS / f"{name}.md", root / "prompts")


@pytest.fixture(scope="module")
def home_without_onet(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after a run of `exposure`; `climate` lies beside it, not enabled and never scored."""
    root = tmp_path_factory.mktemp("without")
    shutil.copytree(sample_run, root / "home", symlinks=True)
    put_prompts(root)
    return root


@pytest.fixture(scope="module")
def home_with_onet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after one run of `exposure` and `resilience`."""
    root = tmp_path_factory.mktemp("with")
    put_prompts(root)
    run_pipeline(settings_of(root), names=("exposure", "resilience"))
    return root


@pytest.fixture
def without_onet(home_without_onet: Path, tmp_path: Path) -> Iterator[Automation]:
    yield from copied(home_without_onet, tmp_path)


@pytest.fixture
def with_onet(home_with_onet: Path, tmp_path: Path) -> Iterator[Automation]:
    yield from copied(home_with_onet, tmp_path)


def copied(home: Path, tmp_path: Path) -> Iterator[Automation]:
    root = tmp_path / "copy"
    shutil.copytree(home, root, symlinks=True)
    settings = settings_of(root)
    with open_instance(settings.dagster_home) as instance:
        yield Automation(settings, instance)


def look(automation: Automation) -> list[tuple[str, str | None]]:
    """Three looks of every sensor that is on from the start, with the runs that they launch."""
    return [launched for _ in range(LOOKS) for launched in automation.tick(*FREE_SENSORS)]


def what_lost_its_run(automation: Automation) -> list[str]:
    """Assets, or their partitions, whose latest materialization no run made, though a run made the same version."""
    found = []
    for key in build_defs(automation.settings).resolve_asset_graph().get_all_asset_keys():
        for partition, records in by_partition(automation.instance, key).items():
            (latest, *_), runs = records, [version for version, run_id in records if run_id]
            if not latest[1] and latest[0] in runs:
                found.append(f"{key.to_user_string()} {partition or ''}".strip())
    return found


def by_partition(instance: DagsterInstance, key: AssetKey) -> dict[str | None, list[tuple[str, str]]]:
    """Data version and run of each materialization, newest first."""
    found: dict[str | None, list[tuple[str, str]]] = {}
    for record in instance.fetch_materializations(AssetRecordsFilter(asset_key=key), limit=1000).records:
        assert record.asset_materialization is not None
        version = (record.asset_materialization.tags or {})["dagster/data_version"]
        found.setdefault(record.partition_key, []).append((version, record.run_id))
    return found


def assert_all_is_well(automation: Automation) -> None:
    assert stale(automation.instance) == []
    assert checks_that_are_not_green(automation.instance) == []
    assert what_lost_its_run(automation) == []


@pytest.mark.parametrize("kind", ["with_onet", "without_onet"])
def test_after_a_run_the_sensors_leave_everything_as_fresh_as_the_run_left_it(
    kind: str, request: pytest.FixtureRequest
) -> None:
    loop: Automation = request.getfixturevalue(kind)
    assert look(loop) == []
    assert_all_is_well(loop)


def test_fetching_again_what_did_not_change_makes_nothing_stale(without_onet: Automation) -> None:
    """Of `climate`, which no run has scored, no run noted its sources: one light run does, once."""
    look(without_onet)
    run_pipeline(without_onet.settings, names=("exposure",))
    assert look(without_onet) == [(INPUTS_JOB, "climate")]
    assert_all_is_well(without_onet)


def test_an_edit_marks_its_own_prompt_until_it_is_scored_and_no_other(with_onet: Automation) -> None:
    look(with_onet)
    path = with_onet.prompts / "exposure.md"
    path.write_text(path.read_text(encoding="utf-8") + "\nThink of tomorrow.\n", encoding="utf-8")
    assert look(with_onet) == []
    assert stale(with_onet.instance) == WRITTEN_BY_SCORING
    assert checks_that_are_not_green(with_onet.instance) == ["scored/scores answers_are_current"]
    assert with_onet.settle(RESCORING, *FREE_SENSORS) == [(SCORING_JOB, "exposure"), (PUBLISHING_JOB, None)]
    assert_all_is_well(with_onet)


def test_an_edited_page_marks_the_prompts_that_ask_about_it_and_no_other(
    with_onet: Automation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(with_onet)
    sites = Path(shutil.copytree(SAMPLE_SITES, tmp_path / "sites"))
    monkeypatch.setattr("exposure_dagster.sources.sites.SAMPLE_SITES", sites)
    edit_duties_of_roofers(sites)
    job = build_defs(with_onet.settings).resolve_job_def(SOURCES_JOB)
    assert job.execute_in_process(instance=with_onet.instance, run_config=QUIET).success
    assert {job for job, _ in look(with_onet)} == {INPUTS_JOB, PUBLISHING_JOB}
    assert stale(with_onet.instance) == WRITTEN_BY_SCORING
    assert checks_that_are_not_green(with_onet.instance) == ["scored/scores answers_are_current"]


def test_onet_tables_that_are_made_later_make_no_other_prompt_stale(without_onet: Automation) -> None:
    look(without_onet)
    run_pipeline(without_onet.settings, names=("resilience",))
    launched = look(without_onet)
    assert sorted(launched) == [(INPUTS_JOB, "climate"), (INPUTS_JOB, "exposure")], "nothing is asked or ranked again"
    assert_all_is_well(without_onet)
