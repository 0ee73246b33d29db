"""A warehouse as version 0.1.0 made and filled it, whose answers were paid for."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from exposure_dagster.pipeline.keeping import check
from exposure_dagster.store.migrations import copy_before
from tests.integration.formats import make_warehouse
from tests.integration.scoring.faulty_model import FaultyModel
from tests.integration.scoring.scene import MODEL, TEXT, Scene, asked_prompt, by_status

SINGLE, BATCH = range(6), range(6, 10)


def put(connection: duckdb.DuckDBPyConnection, table: str, **row: object) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


@pytest.fixture
def paid(tmp_path: Path) -> Path:
    """Ten documents, six answered by single requests, four by a batch; one was first answered without numbers."""
    from exposure_dagster.core.hashing import content_hash

    path = tmp_path / "exposure.duckdb"
    make_warehouse(path, 1)
    prompt_hash = asked_prompt().prompt_hash
    refs = Scene.refs_of(range(10))
    # as version 0.1.0 made a key: provider family, prompt, document, text, sample, epoch
    keys = [content_hash(["claude", prompt_hash, ref.doc_id, ref.text_sha256, 1, 0]) for ref in refs]
    with duckdb.connect(str(path)) as connection:
        for number, (ref, key) in enumerate(zip(refs, keys, strict=True)):
            put(connection, "parsed.texts", text_sha256=ref.text_sha256, text=TEXT.format(number))
            row = {
                "request_key": key,
                "prompt": "exposure",
                "prompt_hash": prompt_hash,
                "doc_id": ref.doc_id,
                "text_sha256": ref.text_sha256,
                "scorer": "claude" if number in SINGLE else "claude-batch",
                "model": MODEL,
                "sample": 1,
                "epoch": 0,
                "input_tokens": 1000,
                "output_tokens": 100,
                "cost_usd": 0.0015 if number in SINGLE else 0.00075,
                "batch_id": None if number in SINGLE else "msgbatch_1",
                "created_at": f"2026-01-01 00:00:{number:02}",
            }
            attempts = [("invalid", None), ("ok", '{"score": 7}')] if number == 3 else [("ok", '{"score": 7}')]
            for attempt, (status, attributes) in enumerate(attempts, start=1):
                told = {"attempt": attempt, "status": status, "attributes": attributes, "is_accepted": status == "ok"}
                put(connection, "scored.responses", **row, **told)
        requests = [
            {"custom_id": f"b1f2-{place}", "questions": [{"key": keys[number], "doc_id": refs[number].doc_id}]}
            for place, number in enumerate(BATCH)
        ]
        put(
            connection,
            "scored.batches",
            batch_id="msgbatch_1",
            prompt="exposure",
            prompt_hash=prompt_hash,
            epoch=0,
            created_at="2026-01-01 00:00:00",
            is_collected=True,
            requests=json.dumps(requests),
            worst_usd=0.1,
        )
        run = {"run_id": "r", "prompt": "exposure", "prompt_hash": prompt_hash, "scorer": "claude", "epoch": 0}
        put(connection, "scored.runs", **run, started_at="2026-01-01", outcome="complete", asked=10, cost_usd=0.0135)
        standing = {"prompt": "exposure", "doc_id": "doc-000", "score": 7.0, "status": "ok", "scorer": "claude"}
        put(connection, "scored.scores", **standing)
        put(connection, "scored.score_versions", version=1, **standing)
        put(connection, "scored.prompt_versions", prompt_hash=prompt_hash, prompt="exposure", definition="{}")
    return path


def test_what_was_paid_for_is_not_asked_again(paid: Path, model: FaultyModel) -> None:
    before = paid.read_bytes()
    scene = Scene(paid.parent, model, documents=0)
    scene.refs = Scene.refs_of(range(10))

    result = scene.score()

    assert len(by_status(result)["ok"]) == 10
    assert model.seen == []
    assert scene.statuses() == {"ok": 10, "invalid": 1}
    assert scene.rows("sum(cost_nano_usd)") == [(13_500_000,)]
    assert scene.warehouse.rows("SELECT token, batch_id, is_collected FROM scored.batches") == [
        ("b1f2", "msgbatch_1", True)
    ]
    assert scene.warehouse.rows("SELECT score FROM scored.scores JOIN scored.score_versions USING (prompt, score)") == [
        (7.0,)
    ]
    assert [one for one in check(scene.warehouse) if not one.is_sound] == []
    # one copy is made, not another when the ledger moves
    assert copy_before(paid).read_bytes() == before
    assert not (paid.parent / "backups").exists()


def test_what_comes_after_it_is_asked_once(paid: Path, model: FaultyModel) -> None:
    scene = Scene(paid.parent, model, documents=0)
    scene.refs = [*Scene.refs_of(range(10)), *scene.add([20])]

    assert len(by_status(scene.score())["ok"]) == 11
    assert len(by_status(scene.score())["ok"]) == 11
    assert len(model.seen) == 1
