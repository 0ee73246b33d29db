"""Ranked tables follow the answers, figures and definitions that they are made from, and nothing runs in a loop."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from dagster import AssetKey, AssetMaterialization

from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.jobs import INPUTS_JOB, PUBLISHING_JOB, RANKING_JOB, SOURCES_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.pipeline import published, ranked
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.pipeline.standing import PromptStanding, State, standings
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, Settings
from tests.integration.automation_harness import FREE_SENSORS, RESCORING, Automation
from tests.integration.seeding import prompt_folder
from tests.integration.ui_queries import statuses

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
BASELINE = ScorerChoice(ScorerName.BASELINE, True)
NO_KEY = ScorerChoice(ScorerName.BASELINE, False)
CLAUDE = ScorerChoice(ScorerName.MODEL, True)


def settings_of(root: Path) -> Settings:
    return Settings(home=root / "home", sites="sample", scorer=ScorerName.BASELINE, prompts=root / "prompts")


@pytest.fixture(scope="module")
def scored_home(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with `exposure`, `robotics` and `two_variable`, scored, ranked and published."""
    root = tmp_path_factory.mktemp("follow")
    shutil.copytree(sample_run, root / "home", symlinks=True)
    (root / "prompts").mkdir()
    for name in ("exposure", "robotics", "two_variable"):
        text = (BUNDLED_PROMPTS / f"{name}.md").read_text(encoding="utf-8").replace("enabled: false\n", "")
        (root / "prompts" / f"{name}.md").write_text(text, encoding="utf-8")
    settings = settings_of(root)
    with open_instance(settings.dagster_home) as instance:
        job = build_defs(settings).resolve_job_def(SOURCES_JOB)  # with those of O*NET
        assert job.execute_in_process(instance=instance, run_config=QUIET).success
        automation = Automation(settings, instance)
        automation.evaluate("follow_prompts")
        automation.settle(RESCORING, *FREE_SENSORS)
    return root


@pytest.fixture
def loop(scored_home: Path, tmp_path: Path) -> Iterator[Automation]:
    root = tmp_path / "copy"
    shutil.copytree(scored_home, root, symlinks=True)
    settings = settings_of(root)
    with open_instance(settings.dagster_home) as instance:
        automation = Automation(settings, instance)
        automation.evaluate("follow_prompts")
        yield automation


def edit(automation: Automation, name: str, *changes: tuple[str, str]) -> None:
    path = automation.prompts / f"{name}.md"
    text = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


def standing(automation: Automation, name: str, choice: ScorerChoice = BASELINE) -> PromptStanding:
    found = standings(automation.warehouse, prompt_folder(automation.prompts), choice)
    return next(one for one in found if one.prompt == name)


def published_exposure(automation: Automation) -> list[tuple[object, ...]]:
    """Slug and exposure, as the published table that joins the systems has them."""
    with duckdb.connect() as connection:
        path = automation.settings.published_folder / "current" / "occupations.parquet"
        return connection.execute(
            "SELECT slug, any_value(score) FILTER (prompt = 'exposure') FROM read_parquet(?) GROUP BY 1 ORDER BY 1",
            [str(path)],
        ).fetchall()


def test_answers_that_were_not_ranked_are_ranked_without_scoring(loop: Automation) -> None:
    """As when only the scores were materialized, or the ranking after them failed."""
    with loop.warehouse.transaction() as connection:
        connection.execute("UPDATE scored.scores SET score = 10 - score WHERE prompt = 'robotics'")
    assert standing(loop, "robotics").is_ranked_otherwise
    assert loop.settle(*FREE_SENSORS) == [(RANKING_JOB, "robotics"), (PUBLISHING_JOB, None)]
    (differing,) = loop.warehouse.rows(
        "SELECT count(*) FROM scored.scores s JOIN ranked.rankings r USING (prompt, doc_id) WHERE s.score != r.score"
    )
    assert differing == (0,)


@pytest.mark.parametrize("table", ["rankings", "task_rollups"])
def test_a_chain_of_rankings_that_was_cut_short_is_known_and_ended(loop: Automation, table: str) -> None:
    with loop.warehouse.transaction() as connection:
        connection.execute(f"DELETE FROM meta.made_from WHERE prompt = 'robotics' AND table_name = 'ranked.{table}'")
        connection.execute(f"DELETE FROM ranked.{table} WHERE prompt = 'robotics'")
    assert [one for one in loop.settle(*FREE_SENSORS) if one[0] == RANKING_JOB] == [(RANKING_JOB, "robotics")]
    assert not standing(loop, "robotics").is_ranked_otherwise


def test_a_definition_that_the_standing_answers_do_not_fit_waits_for_new_ones(loop: Automation) -> None:
    """Another attribute, another scale: the prompt is stale, and stays ranked and published as it was answered."""
    before = loop.warehouse.rows("SELECT * FROM ranked.rankings ORDER BY ALL")
    edit(loop, "two_variable", ("remote", "afar"))
    edit(loop, "robotics", ("label: Minimal", "label: Hardly any"))
    edit(loop, "exposure", ("max: 10", "max: 20"), ("[10, 10]", "[10, 20]"))
    assert standing(loop, "two_variable").state is State.STALE
    assert standing(loop, "exposure").state is State.STALE
    assert loop.settle(*FREE_SENSORS) == [(RANKING_JOB, "robotics"), (PUBLISHING_JOB, None)]
    rows = loop.warehouse.rows("SELECT * FROM ranked.rankings WHERE prompt != 'robotics' ORDER BY ALL")
    assert rows == [row for row in before if row[0] != "robotics"]
    content = published.read_content(loop.warehouse)
    assert {one.name: one.definition.scale_high for one in content.prompts}["exposure"] == 10

    assert {partition for _, partition in loop.settle(RESCORING, *FREE_SENSORS)} == {"exposure", "two_variable", None}
    content = published.read_content(loop.warehouse)
    assert {one.name: one.definition.scale_high for one in content.prompts}["exposure"] == 20
    assert not standing(loop, "two_variable").is_ranked_otherwise


def test_another_corpus_waits_for_its_answers_too(loop: Automation) -> None:
    edit(loop, "robotics", ("corpus: ooh", "corpus: onet"))
    assert standing(loop, "robotics").state is State.STALE
    assert loop.settle(*FREE_SENSORS) == []
    assert {one.name: one.corpus for one in published.read_content(loop.warehouse).prompts}["robotics"] == "ooh"
    assert ("score_prompts", "robotics") in loop.settle(RESCORING, *FREE_SENSORS)
    assert {one.name: one.corpus for one in published.read_content(loop.warehouse).prompts}["robotics"] == "onet"


def test_without_a_key_a_models_answers_are_stale_and_nothing_runs(loop: Automation) -> None:
    with loop.warehouse.transaction() as connection:
        connection.execute("UPDATE scored.scores SET scorer = 'claude' WHERE prompt = 'robotics'")
    edit(loop, "robotics", ("grips or drives", "grips, carries or drives"))
    seen = standing(loop, "robotics", NO_KEY)
    assert (seen.state, seen.needs_scoring) == (State.STALE, False)
    assert any("no key" in reason for reason in seen.reasons)
    assert standing(loop, "robotics", CLAUDE).needs_scoring


def test_another_version_of_our_formulas_or_files_ranks_and_publishes_anew(
    loop: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published.read_content(loop.warehouse).digest
    monkeypatch.setattr("exposure_dagster.publishing.content.PUBLICATION_VERSION", "other")
    monkeypatch.setattr("exposure_dagster.pipeline.published.PUBLICATION_VERSION", "other")
    monkeypatch.setattr("exposure_dagster.automation.looks.REMEMBERED", {})  # another version is another process
    assert published.read_content(loop.warehouse).digest != before
    assert loop.settle(*FREE_SENSORS) == [(PUBLISHING_JOB, None)]
    monkeypatch.setattr("exposure_dagster.pipeline.ranking_inputs.FORMULA_VERSION", "other")
    monkeypatch.setattr("exposure_dagster.automation.looks.REMEMBERED", {})
    assert {partition for _, partition in loop.settle(*FREE_SENSORS)} >= {"exposure", "robotics", "two_variable"}


def test_what_is_published_across_the_systems_follows_a_deletion_and_the_crosswalk(loop: Automation) -> None:
    assert all(exposure is not None for _, exposure in published_exposure(loop))
    (loop.prompts / "exposure.md").unlink()
    loop.settle(*FREE_SENSORS)
    assert all(exposure is None for _, exposure in published_exposure(loop))
    with loop.warehouse.transaction() as connection:
        connection.execute("DELETE FROM parsed.soc_crosswalk WHERE slug = 'roofers'")
    assert loop.settle(*FREE_SENSORS) == [(PUBLISHING_JOB, None)]
    rows = loop.warehouse.rows("SELECT DISTINCT onet_codes FROM ranked.occupations WHERE slug = 'roofers'")
    assert rows == [([],)]


def test_a_prompt_whose_answers_lack_an_attribute_has_no_score_and_breaks_nothing(loop: Automation) -> None:
    edit(loop, "two_variable", ("remote", "afar"))
    prompt = next(one for one in prompt_folder(loop.prompts).prompts if one.name == "two_variable")
    ranked.record_definition(loop.warehouse, prompt)
    rows = ranked.rank_prompt(loop.warehouse, "two_variable").rows
    assert rows["score"].isna().all() and rows["quadrant"].isna().all()


def stale_status(automation: Automation, *key: str, partition: str | None = None) -> str:
    """As the UI shows it."""
    return statuses(automation.instance)[f"{'/'.join(key)} {partition or ''}".strip()]


def test_the_published_files_are_stale_below_one_digest_of_everything(loop: Automation) -> None:
    assert stale_status(loop, "published", "exports") == "FRESH"
    edit(loop, "robotics", ("label: Minimal", "label: Hardly any"))
    loop.settle("follow_prompts", "rank_what_changed")
    assert stale_status(loop, "published", "exports") == stale_status(loop, "published", "site") == "STALE"
    loop.settle(*FREE_SENSORS)
    assert stale_status(loop, "published", "exports") == stale_status(loop, "published", "site") == "FRESH"


def test_what_another_corpus_brings_makes_no_prompt_stale_in_the_ui(loop: Automation) -> None:
    """As when documents of one's own are added: the sources that all prompts share have new data versions."""
    inputs = [("scored", "inputs"), ("ranked", "inputs")]
    made_from_them = [
        ("scored", "scores"),
        ("ranked", "rankings"),
        ("ranked", "resilience"),
        ("ranked", "task_rollups"),
    ]
    loop.evaluate("follow_prompts")
    for key in (("parsed", "documents"), ("parsed", "document_facts")):
        loop.instance.report_runless_asset_event(
            AssetMaterialization(AssetKey(list(key)), tags={"dagster/data_version": "with others"})
        )
    assert {stale_status(loop, *key, partition="robotics") for key in inputs} == {"STALE"}
    assert {stale_status(loop, *key, partition="robotics") for key in made_from_them} == {"FRESH"}
    names = ("exposure", "robotics", "two_variable")
    assert loop.settle(*FREE_SENSORS, RESCORING) == [(INPUTS_JOB, name) for name in names]
    assert {stale_status(loop, *key, partition="robotics") for key in (*inputs, *made_from_them)} == {"FRESH"}


def test_a_free_run_that_failed_is_tried_again_every_hour_and_not_in_a_loop(
    loop: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(loop, "robotics", ("label: Minimal", "label: Hardly any"))
    loop.evaluate("follow_prompts")
    now = "exposure_dagster.automation.runs.this_hour"
    monkeypatch.setattr(now, lambda: 5)
    with monkeypatch.context() as broken:
        broken.setattr("exposure_dagster.pipeline.ranked.ranks", _no_room)
        assert loop.settle("rank_what_changed") == [(RANKING_JOB, "robotics")] * 2
    assert loop.settle("rank_what_changed") == []
    monkeypatch.setattr(now, lambda: 6)
    assert loop.settle("rank_what_changed") == [(RANKING_JOB, "robotics")]
    assert not standing(loop, "robotics").is_ranked_otherwise


def _no_room(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_was_published_long_ago_is_published_again_and_what_is_missing_too(
    loop: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    (loop.settings.published_folder / "current").unlink()
    assert loop.settle(*FREE_SENSORS) == [(PUBLISHING_JOB, None)]
    monkeypatch.setattr("exposure_dagster.automation.publishing.PUBLISHED_AGAIN_AFTER", timedelta(0))
    assert loop.tick("publish_what_changed") == [(PUBLISHING_JOB, None)]


def test_when_the_last_prompt_is_gone_nothing_stays_published(loop: Automation) -> None:
    for path in loop.prompts.iterdir():
        path.unlink()
    assert loop.settle(*FREE_SENSORS) == []
    assert not (loop.settings.published_folder / "current").exists()


def test_a_warehouse_of_an_earlier_version_is_published_and_ranked_anew(loop: Automation) -> None:
    before = {one.name: one.definition for one in published.read_content(loop.warehouse).prompts}
    with loop.warehouse.transaction() as connection:
        connection.execute("DELETE FROM meta.made_from")
    assert {one.name: one.definition for one in published.read_content(loop.warehouse).prompts} == before
    assert {partition for _, partition in loop.settle(*FREE_SENSORS)} >= {"exposure", "robotics", "two_variable"}
    assert loop.settle(*FREE_SENSORS) == []


def test_a_warehouse_without_facts_is_not_published_without_them(loop: Automation) -> None:
    """As one of 0.1.0 is when only sensors look at it: no run has collected facts, and ranked.occupations is new."""
    before = loop.warehouse.rows("SELECT * FROM ranked.occupations ORDER BY ALL")
    with loop.warehouse.transaction() as connection:
        connection.execute("DELETE FROM parsed.document_facts")
        connection.execute("DELETE FROM ranked.occupations")
        connection.execute("DELETE FROM meta.made_from")
    loop.settle(*FREE_SENSORS)
    assert loop.warehouse.rows("SELECT * FROM ranked.occupations ORDER BY ALL") == before
    assert all(exposure is not None for _, exposure in published_exposure(loop))
    assert not standing(loop, "robotics").is_ranked_otherwise
