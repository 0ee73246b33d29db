"""What is behind a score, and how what was paid for moves between machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from exposure_dagster.pipeline.provenance import explain
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.scoring.job import ScoringJob, WarehouseTexts, scores_frame
from exposure_dagster.scoring.transfer import export_ledger, import_ledger
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import PROMPT_VERSIONS, SCORES
from tests.integration.scoring.faulty_model import saying
from tests.integration.scoring.scene import Scene, asked_prompt


def test_a_score_is_explained_by_what_was_sent_and_every_attempt(scene: Scene) -> None:
    scene.asked = asked_prompt(model="claude-haiku-4-5", effort=None)
    (long,) = scene.add([77], "Beginning {} " + 200_000 * "and on ")
    scene.refs.append(replace(long, title=long.doc_id))
    scene.model.faults["doc-077"] = [saying("no JSON at all")]
    put_scores(scene)

    found = explain(scene.warehouse, "exposure", "doc-077", load_prices())

    assert found.message is not None
    assert found.sent is not None
    assert f"only the first {len(found.sent.text):,} of 1,400,013 characters" in found.score["note"]
    assert found.sent.text in found.message
    assert [(one["status"], one["is_accepted"], one["error"] is None) for one in found.attempts] == [
        ("invalid", False, False),
        ("ok", True, True),
    ]
    assert found.asked == scene.asked


def test_the_ledger_moves_to_another_machine_without_loss_and_without_doubling(scene: Scene, tmp_path: Path) -> None:
    scene.model.faults["doc-003"] = [saying("no JSON at all")]
    scene.score()
    export_ledger(scene.warehouse, tmp_path / "moved")
    other = Scene(tmp_path / "other", scene.model, documents=0)
    other.refs = scene.refs

    first = import_ledger(other.warehouse, tmp_path / "moved")
    second = import_ledger(other.warehouse, tmp_path / "moved")

    assert [one.new for one in first] == [one.rows for one in first]
    assert first[0].rows == 11
    assert {one.new for one in second} == {0}
    assert ledger(other.warehouse) == ledger(scene.warehouse)
    before = len(scene.model.seen)
    assert other.score().standings == scene.score().standings
    assert len(scene.model.seen) == before


def test_of_two_answers_to_one_question_the_one_that_is_here_stands(scene: Scene, tmp_path: Path) -> None:
    other = Scene(tmp_path / "other", scene.model)
    scene.score()
    other.score()
    export_ledger(scene.warehouse, tmp_path / "moved")

    import_ledger(other.warehouse, tmp_path / "moved")

    assert (
        other.rows("count(*), sum(is_accepted)", "true GROUP BY request_key, doc_id, attempt > 9 --") == [(2, 1)] * 10
    )


def put_scores(scene: Scene) -> None:
    """Score, and let the answers stand as a run of the pipeline would."""
    job = ScoringJob("run-1", "exposure", scene.asked, scene.refs, WarehouseTexts(scene.warehouse))
    version = {
        "prompt_hash": job.prompt_hash,
        "prompt": "exposure",
        "definition": scene.asked.model_dump_json(),
    }
    scene.warehouse.append(PROMPT_VERSIONS, pd.DataFrame([version]))
    scene.warehouse.replace(SCORES, scores_frame(job, scene.score().standings))


def ledger(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.rows("SELECT * FROM scored.responses ORDER BY request_key, attempt")
