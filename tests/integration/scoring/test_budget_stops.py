"""A budget that ends in the middle ends the runs: none hangs, and what is spent stays within it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.scoring.limiter import Limiter
from exposure_dagster.scoring.run import ScoringStoppedError
from exposure_dagster.scoring.watchdog import Watchdog
from tests.integration.scoring.budget_stops import run_to_the_end_of_a_budget
from tests.integration.scoring.scene import QUICK, Scene


@pytest.mark.parametrize("which", ["run", "day"])
@pytest.mark.parametrize("prompts", [1, 2, 4])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_run_ends_soon_after_its_last_answer_and_spends_no_more_than_the_limit(
    tmp_path: Path, seed: int, prompts: int, which: Literal["run", "day"]
) -> None:
    ended = run_to_the_end_of_a_budget(tmp_path, seed, prompts, which)

    assert ended.hung == 0
    assert ended.stopped > 0
    assert ended.answered > 0
    assert 0 < ended.spent <= ended.limit


def test_a_wait_for_which_nothing_is_at_work_ends_the_run_with_an_error(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: Limiter) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Limiter, "acquire", never)

    with pytest.raises(ScoringStoppedError, match="nothing was under way and nothing was asked for 1 seconds"):
        scene.score(patience=replace(QUICK, idle_seconds=1.0))


def test_a_watchdog_lets_be_what_is_at_work_however_long_it_takes() -> None:
    stopped: list[BaseException] = []

    async def work() -> None:
        watchdog = Watchdog(idle_seconds=0.05)
        watching = asyncio.ensure_future(watchdog.watch(stopped.append))
        with watchdog.at_work():
            await asyncio.sleep(0.3)
            assert not watching.done()
        await asyncio.wait_for(watching, 30)

    asyncio.run(work())

    assert [type(error) for error in stopped] == [ScoringError]
