"""Edit a prompt, and only what it touched is scored again: sensor ticks and the runs they ask for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey

from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.jobs import PUBLISHING_JOB, RANKING_JOB, SCORING_JOB
from exposure_dagster.pipeline.documents import collect_facts
from exposure_dagster.settings import BUNDLED_PROMPTS, ScorerName, Settings
from tests.integration.automation_harness import FREE_SENSORS, RESCORING, Automation

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

BUNDLED = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")


def write(prompts: Path, name: str, text: str = BUNDLED) -> None:
    (prompts / f"{name}.md").write_text(text, encoding="utf-8")


def edited(text: str, words: str) -> str:
    return f"{text}\n{words}\n"


@pytest.fixture(scope="module")
def scored_home(sample_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two prompts, `a` and `b`, scored, ranked and published."""
    root = tmp_path_factory.mktemp("automation")
    shutil.copytree(sample_run, root / "home", symlinks=True)
    (root / "prompts").mkdir()
    write(root / "prompts", "a")
    write(root / "prompts", "b", edited(BUNDLED, "Of today."))
    with opened(root) as automation:
        automation.evaluate("follow_prompts")
        automation.settle(RESCORING, *FREE_SENSORS)
    return root


class opened:  # noqa: N801  reads as a statement in a with block
    """The automation over a home."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(
            home=root / "home", sites="sample", scorer=ScorerName.BASELINE, prompts=root / "prompts"
        )

    def __enter__(self) -> Automation:
        self.instance = open_instance(self.settings.dagster_home)
        return Automation(self.settings, self.instance)

    def __exit__(self, *_: object) -> None:
        self.instance.dispose()


@pytest.fixture
def loop(scored_home: Path, tmp_path: Path) -> Iterator[Automation]:
    """A copy of the scored home, for one test."""
    root = tmp_path / "copy"
    shutil.copytree(scored_home, root, symlinks=True)
    with opened(root) as automation:
        automation.evaluate("follow_prompts")
        yield automation


def data_version(automation: Automation, *key: str, partition: str) -> str | None:
    record = automation.instance.get_latest_data_version_record(AssetKey(list(key)), partition_key=partition)
    assert record is not None and record.asset_materialization is not None
    return (record.asset_materialization.tags or {}).get("dagster/data_version")


def test_when_nothing_changed_no_sensor_does_anything(loop: Automation) -> None:
    assert loop.settle(*FREE_SENSORS, RESCORING) == []


def test_an_edit_shows_as_a_new_data_version_before_anything_runs(loop: Automation) -> None:
    before = (
        data_version(loop, "scored", "inputs", partition="a"),
        data_version(loop, "scored", "inputs", partition="b"),
    )
    write(loop.prompts, "a", edited(BUNDLED, "Think of tomorrow."))
    loop.evaluate("follow_prompts")
    after = data_version(loop, "scored", "inputs", partition="a"), data_version(loop, "scored", "inputs", partition="b")
    assert after[0] != before[0]
    assert after[1] == before[1]
    assert loop.launched == []


def test_a_new_file_becomes_a_partition_and_is_scored(loop: Automation) -> None:
    write(loop.prompts, "c", edited(BUNDLED, "Something else."))
    launched = loop.settle(*FREE_SENSORS, RESCORING)
    assert (SCORING_JOB, "c") in launched and len(launched) == 2
    assert "c" in loop.instance.get_dynamic_partitions("prompts")


def test_a_deleted_file_takes_its_rows_with_it_and_leaves_the_others(loop: Automation) -> None:
    (loop.prompts / "b.md").unlink()
    assert loop.settle(*FREE_SENSORS, RESCORING) == [(PUBLISHING_JOB, None)]
    for table in ("scored.prompts", "scored.inputs", "scored.scores", "ranked.rankings", "ranked.summaries"):
        assert loop.warehouse.rows(f"SELECT DISTINCT prompt FROM {table}") == [("a",)]
    assert loop.instance.get_dynamic_partitions("prompts") == ["a"]
    assert not (loop.settings.published_folder / "current" / "b").exists()
    assert loop.warehouse.rows("SELECT count(*) > 0 FROM scored.prompt_versions WHERE prompt = 'b'") == [(True,)]


def test_a_broken_file_keeps_its_scores_published_and_marked_until_it_is_mended(loop: Automation) -> None:
    text = (loop.prompts / "b.md").read_text(encoding="utf-8")
    tenfold = [f"a{place}: &a{place} [{', '.join([f'*a{place - 1}'] * 10)}]\n" for place in range(1, 10)]
    write(loop.prompts, "b", f"---\na0: &a0 [x]\n{''.join(tenfold)}---\n")  # a few lines that stand for 10^9 values
    _, skips = loop.evaluate("follow_prompts")
    assert any("b.md" in skip and "values" in skip for skip in skips)
    write(loop.prompts, "a", edited(BUNDLED, "Think of tomorrow."))
    launched = loop.settle(*FREE_SENSORS, RESCORING)
    assert (SCORING_JOB, "a") in launched
    assert (SCORING_JOB, "b") not in launched
    brief = (loop.settings.published_folder / "current" / "b" / "brief.md").read_text(encoding="utf-8")
    assert "Out of date" in brief
    write(loop.prompts, "b", text)
    assert loop.settle(*FREE_SENSORS, RESCORING) == [(PUBLISHING_JOB, None)]
    brief = (loop.settings.published_folder / "current" / "b" / "brief.md").read_text(encoding="utf-8")
    assert "Out of date" not in brief


def test_an_edit_that_is_taken_back_before_scoring_launches_nothing(loop: Automation) -> None:
    write(loop.prompts, "a", edited(BUNDLED, "Think of tomorrow."))
    loop.evaluate("follow_prompts")
    write(loop.prompts, "a")
    assert loop.settle(*FREE_SENSORS, RESCORING) == []


def test_other_jobs_on_a_page_rank_and_publish_again_once_without_scoring(loop: Automation) -> None:
    with loop.warehouse.transaction() as connection:
        connection.execute("UPDATE parsed.ooh_occupations SET jobs = 123456 WHERE slug = 'roofers'")
    collect_facts(loop.warehouse)
    assert loop.settle(*FREE_SENSORS, RESCORING) == [(RANKING_JOB, "a"), (RANKING_JOB, "b"), (PUBLISHING_JOB, None)]
    assert loop.warehouse.rows("SELECT DISTINCT jobs FROM ranked.rankings WHERE doc_id = 'roofers'") == [(123456,)]


def test_a_disabled_prompt_is_not_scored_by_the_sensor(loop: Automation) -> None:
    write(loop.prompts, "c", BUNDLED.replace("corpus: ooh", "corpus: ooh\nenabled: false"))
    assert loop.settle(*FREE_SENSORS, RESCORING) == []


def test_what_moved_is_told_on_the_materialization_and_kept(loop: Automation) -> None:
    levels = BUNDLED.replace("Registered nurses", "Roofers") if "Registered nurses" in BUNDLED else BUNDLED
    write(loop.prompts, "a", edited(levels, "Think of tomorrow."))
    loop.settle(*FREE_SENSORS, RESCORING)
    event = loop.instance.get_latest_materialization_event(AssetKey(["ranked", "changes"]))
    assert event is not None and event.asset_materialization is not None
    versions = loop.warehouse.rows("SELECT count(DISTINCT version) FROM scored.score_versions WHERE prompt = 'a'")
    changes = loop.warehouse.rows("SELECT count(*) FROM ranked.changes WHERE prompt = 'a'")
    assert versions == [(2,)] and changes == [(30,)]
    assert "rank correlation" in str(event.asset_materialization.metadata["what moved"].value)
