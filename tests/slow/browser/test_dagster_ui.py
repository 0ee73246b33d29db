"""A walk through the Dagster UI: score one prompt, edit it, see it stale, score it again, see it fresh."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home
from exposure_dagster.automation.jobs import SOURCES_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.settings import ScorerName, Settings
from tests.integration.seeding import write_prompt
from tests.slow.dev_server import DevServer, dev_server

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("PICTURES_FOLDER")
"""Where the pictures of the README go, for whoever makes them anew; none are kept otherwise."""

WAIT_MS = 90_000


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ui") / "prompts"
    folder.mkdir()
    for name in ("exposure", "second"):
        write_prompt(folder, name)
    return folder


@pytest.fixture(scope="module")
def dev(prompts: Path) -> Iterator[DevServer]:
    root = prompts.parent
    settings = Settings(home=root / "home", sites="sample", scorer=ScorerName.BASELINE, prompts=prompts)
    prepare_dagster_home(settings.dagster_home)
    with open_instance(settings.dagster_home) as instance:
        assert build_defs(settings).resolve_job_def(SOURCES_JOB).execute_in_process(instance=instance).success
    environment = {
        "EXPOSURE_HOME": str(settings.home),
        "EXPOSURE_SITES": "sample",
        "EXPOSURE_PROMPTS": str(prompts),
        "EXPOSURE_SCORER": "baseline",
        "EXPOSURE_SENSOR_INTERVAL_SECONDS": "2",
    }
    with dev_server(root, environment) as running:
        yield running


def open_partition(page: Page, dev: DevServer, name: str) -> None:
    """Show a partition, its stale status loaded: without that nothing is marked, stale or not."""
    with page.expect_response(
        lambda response: "AssetPartitionStaleQuery" in (response.request.post_data or ""), timeout=WAIT_MS
    ):
        page.goto(f"{dev.url}/assets/scored/scores?view=partitions&partition={name}")
    expect(page.get_by_text("Materialized", exact=True)).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("prompt_hash", exact=True).first).to_be_visible(timeout=WAIT_MS)


def materialize(page: Page, dev: DevServer, name: str) -> None:
    """Run the scoring job for one partition, as a person does from the page of the job."""
    page.goto(f"{dev.url}/locations/exposure/jobs/score_prompts")
    page.get_by_role("button", name="Materialize all").click(timeout=WAIT_MS)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible(timeout=WAIT_MS)
    dialog.get_by_text("Select a partition or create one").click(timeout=WAIT_MS)
    page.get_by_role("menuitem").filter(has_text=name).click(timeout=WAIT_MS)
    dialog.get_by_text("Launch runs to materialize").click()
    ended = {run["runId"] for run in dev.runs("score_prompts") if run["status"] == "SUCCESS"}
    dialog.get_by_role("button", name="Launch 1 run").click(timeout=WAIT_MS)
    dev.wait(
        lambda: {run["runId"] for run in dev.runs("score_prompts") if run["status"] == "SUCCESS"} > ended,
        f"the run of {name}",
    )


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / name, clip={"x": 0, "y": 0, "width": 1360, "height": 430})


def test_an_edited_prompt_is_shown_as_stale_until_it_is_scored_again(
    dev: DevServer, chromium: Browser, prompts: Path
) -> None:
    page = chromium.new_page(viewport={"width": 1360, "height": 760})
    dev.wait(lambda: dev.partitions() == ["exposure", "second"], "the prompt files to be partitions")
    for name in ("exposure", "second"):
        materialize(page, dev, name)
    open_partition(page, dev, "exposure")
    expect(page.get_by_text("Unsynced")).to_have_count(0)

    write_prompt(prompts, "exposure", "Think of the next ten years.")
    statuses = {"exposure": "STALE", "second": "FRESH"}
    dev.wait(lambda: dev.stale_statuses(list(statuses), "scored", "scores") == statuses, "exposure to be stale")
    open_partition(page, dev, "exposure")
    expect(page.get_by_text("Unsynced").first).to_be_visible(timeout=WAIT_MS)
    picture(page, "stale.png")

    materialize(page, dev, "exposure")
    statuses = dict.fromkeys(statuses, "FRESH")
    assert dev.stale_statuses(list(statuses), "scored", "scores") == statuses
    open_partition(page, dev, "exposure")
    expect(page.get_by_text("Unsynced")).to_have_count(0)
    picture(page, "fresh.png")
    page.close()
