"""Runs of several prompts at once over documents of unequal size, to the end of a budget."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import NANO_PER_USD, Budget
from tests.integration.scoring.faulty_model import running_model
from tests.integration.scoring.scene import QUICK, Scene, asked_prompt

AT_ONCE = 16
DOCUMENTS = 60
ENDS_WITHIN_SECONDS = 10.0


@dataclass(frozen=True)
class Ended:
    """How the runs of one try ended: those that did not are `hung`; money is in nano-dollars."""

    hung: int
    stopped: int
    finished: int
    answered: int
    spent: int
    limit: int
    seconds_after_last_answer: float


def run_to_the_end_of_a_budget(folder: Path, seed: int, prompts: int, which: Literal["run", "day"]) -> Ended:
    """Score `prompts` prompts at once, each in a thread, where the budget ends somewhere in the middle."""
    draw = random.Random(seed)
    with running_model() as model:
        model.is_uneven = True
        first = Scene(folder, model, documents=0)
        first.refs = first.add_texts(
            [f"Text {number} " + "of the work that is done " * draw.randint(1, 400) for number in range(DOCUMENTS)]
        )
        scenes = []
        for number in range(prompts):
            scene = Scene(folder, model, documents=0, asked=asked_prompt(instruction=f"Judge {seed} of {number}."))
            scene.refs = first.refs
            scenes.append(scene)
        limit = 0.002 + draw.uniform(0.1, 0.5) * 0.003 * (prompts if which == "day" else 1)
        budget = Budget(limit, 100) if which == "run" else Budget(100, limit)
        outcomes: list[object] = []

        def run(scene: Scene, number: int) -> None:
            try:
                outcomes.append(scene.score(budget=budget, concurrency=AT_ONCE, patience=QUICK, prompt=f"p{number}"))
            except ScoringError as error:
                outcomes.append(error)

        threads = [
            threading.Thread(target=run, args=[scene, number], daemon=True) for number, scene in enumerate(scenes)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.02)
            if model.last_answer_at and time.monotonic() - model.last_answer_at > ENDS_WITHIN_SECONDS:
                break
        hung = sum(thread.is_alive() for thread in threads)
        seconds = time.monotonic() - model.last_answer_at
        ((answered, spent, most),) = first.sql(
            "SELECT count(*), coalesce(sum(cost), 0), coalesce(max(cost), 0) FROM"
            " (SELECT prompt, count(*), sum(cost_nano_usd) AS cost FROM responses GROUP BY prompt)"
        )
        ((answered,),) = first.sql("SELECT count(*) FROM responses WHERE is_accepted")
    stopped = sum(isinstance(outcome, ScoringError) for outcome in outcomes)
    return Ended(
        hung,
        stopped,
        len(outcomes) - stopped,
        answered,
        most if which == "run" else spent,
        round(limit * NANO_PER_USD),
        seconds,
    )
