"""Who is asked is part of a question's identity, and who answered stands in the ledger."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from pydantic import SecretStr

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.hashing import content_hash
from exposure_dagster.core.money import Budget
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.providers.registry import endpoints_of
from exposure_dagster.scoring.context import Limits
from exposure_dagster.scoring.job import ScoringJob, WarehouseTexts, open_questions
from exposure_dagster.scoring.ledger_file import LEDGER_VERSION, LedgerFile
from exposure_dagster.scoring.mirror import ledger_path
from exposure_dagster.scoring.run import ScoringResult, score_with_model
from tests.endpoints import prices_at
from tests.integration.formats import make_ledger
from tests.integration.scoring.faulty_model import Exchange, Fault, FaultyModel
from tests.integration.scoring.scene import MODEL, PROVIDERS, Scene, asked_prompt, by_status


def open_to(scene: Scene, family: str) -> int:
    """How many questions are open where `family` is asked."""
    job = ScoringJob(
        "run-2",
        "exposure",
        scene.asked,
        scene.refs,
        WarehouseTexts(scene.warehouse),
        keys=scene.ledger.keys([scene.asked], family),
    )
    return len(open_questions(job, scene.ledger.records(job.hashes, 0)))


def as_another_model(exchange: Exchange) -> None:
    exchange.say(json.dumps(exchange.good_answer()), model="gemma.gguf")


def test_the_ledger_says_who_was_asked_and_which_model_the_server_says_it_is(scene: Scene) -> None:
    scene.model.faults["doc-003"] = [Fault("ok", as_another_model)]

    scene.score()

    named = scene.rows("DISTINCT model, endpoint, answered_by", "true --")
    assert sorted(named) == [(MODEL, "claude-compatible", MODEL), (MODEL, "claude-compatible", "gemma.gguf")]
    assert sorted(scene.warehouse.rows("SELECT DISTINCT model, endpoint, answered_by FROM scored.responses")) == sorted(
        named
    )


def test_an_answer_of_a_server_that_speaks_like_the_provider_is_none_of_the_providers(scene: Scene) -> None:
    scene.score()

    assert open_to(scene, "claude-compatible") == 0
    assert open_to(scene, "claude") == len(scene.refs)


def test_answers_from_before_the_ledger_named_who_was_asked_stand_wherever_it_is_asked_now(
    tmp_path: Path, model: FaultyModel
) -> None:
    scene = Scene(tmp_path, model)
    path = ledger_path(scene.warehouse)
    prompt_hash = scene.asked.prompt_hash
    make_ledger(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        for ref in scene.refs:
            key = content_hash(["claude", prompt_hash, ref.doc_id, ref.text_sha256, 1, 0])
            connection.execute(
                "INSERT INTO responses VALUES (?, 1, 1, 'exposure', ?, ?, ?, 'claude', ?, 1, 0, 'ok', '{\"score\": 7}',"
                " 'As the text shows.', 1000, 100, 0, 0, 150000, 'req_1', NULL, 1.0, '2026-01-01 00:00:00', NULL, NULL,"
                " 1)",
                [key, prompt_hash, ref.doc_id, ref.text_sha256, MODEL],
            )

    result = scene.score()

    assert scene.model.seen == []
    assert len(by_status(result)["ok"]) == len(scene.refs)
    assert (open_to(scene, "claude"), open_to(scene, "claude-compatible")) == (0, 0)
    assert scene.sql("SELECT value FROM meta WHERE name = 'version'") == [(str(LEDGER_VERSION),)]
    with closing(sqlite3.connect(path.with_name(f"{path.name}.before-{LEDGER_VERSION}"))) as kept:
        assert (
            kept.execute(
                "SELECT count(*), max(endpoint IS NULL) FROM pragma_table_info('responses')"
                " LEFT JOIN (SELECT 1 AS endpoint) ON 0"
            ).fetchone()[0]
            == 26
        )
        assert kept.execute("SELECT count(*), sum(is_accepted) FROM responses").fetchone() == (10, 10)


def test_what_was_asked_in_vain_before_the_ledger_named_who_was_asked_leaves_nobody_elses_answer_behind(
    tmp_path: Path, model: FaultyModel
) -> None:
    scene = Scene(tmp_path, model, documents=1)
    (ref,) = scene.refs
    path, prompt_hash = ledger_path(scene.warehouse), scene.asked.prompt_hash
    make_ledger(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO responses VALUES (?, 1, 0, 'exposure', ?, ?, ?, 'claude', ?, 1, 0, 'failed', NULL, NULL, NULL,"
            " NULL, NULL, NULL, NULL, NULL, NULL, 1.0, '2026-01-01 00:00:00', 'no answer', NULL, 1)",
            [
                content_hash(["claude", prompt_hash, ref.doc_id, ref.text_sha256, 1, 0]),
                prompt_hash,
                ref.doc_id,
                ref.text_sha256,
                MODEL,
            ],
        )

    scene.score()

    assert (open_to(scene, "claude-compatible"), open_to(scene, "claude")) == (0, 1)


def open_in_a_process(path: str) -> int:
    """What the ledger holds, as a process of its own sees it."""
    with LedgerFile(Path(path)).reading() as connection:
        return int(connection.execute("SELECT count(endpoint) FROM responses").fetchone()[0])


def test_several_processes_may_be_the_first_to_open_a_ledger_of_an_earlier_format(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    make_ledger(path, 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE ballast AS SELECT randomblob(8000000) AS bytes")

    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(open_in_a_process, [str(path)] * 8)) == [0] * 8

    assert [one.name for one in tmp_path.glob("ledger.sqlite.before*")] == [f"ledger.sqlite.before-{LEDGER_VERSION}"]


def test_a_ledger_of_an_earlier_format_that_cannot_be_written_says_so(tmp_path: Path, model: FaultyModel) -> None:
    scene = Scene(tmp_path, model, documents=0)
    path = ledger_path(scene.warehouse)
    make_ledger(path, 99)

    with pytest.raises(ScoringError, match="a newer version of the project wrote it"):
        scene.ledger.records(["a"], 0)


@pytest.mark.parametrize("model_name", [PROVIDERS["EXPOSURE"], "gemma"])
def test_a_model_on_a_server_of_ones_own_needs_neither_key_nor_price(
    tmp_path: Path, model: FaultyModel, model_name: str
) -> None:
    provider = "EXPOSURE" if "/" in model_name else "ANTHROPIC"
    scene = Scene(tmp_path, model, asked=asked_prompt(model=model_name), provider=provider)

    result = scene.score(key="")

    assert len(by_status(result)["ok"]) == len(scene.refs)
    assert result.figures.cost_usd == 0
    assert prices_at(model.url, None, provider=provider).endpoints.of(model_name).is_usable


def test_claude_on_amazon_bedrock_is_asked_with_its_own_key_in_the_region_that_is_set(
    tmp_path: Path, model: FaultyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "bedrock/anthropic.claude-haiku-5-5-v1:0"
    at = {"AWS_BEARER_TOKEN_BEDROCK": SecretStr("bedrock-key"), "ANTHROPIC_BEDROCK_BASE_URL": SecretStr(model.url)}
    scene = Scene(tmp_path, model, asked=asked_prompt(model=name))

    def score() -> ScoringResult:
        return score_with_model(
            ScoringJob("run-1", "exposure", scene.asked, scene.refs, WarehouseTexts(scene.warehouse)),
            warehouse=scene.warehouse,
            prices=load_prices(endpoints=endpoints_of(at)),
            limits=Limits(Budget(100, 100)),
        )

    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ScoringError, match="provider bedrock: No AWS region"):
        score()
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    result = score()

    assert len(by_status(result)["ok"]) == len(scene.refs)
    assert {seen.key for seen in model.seen} == {"Bearer bedrock-key"}
    assert scene.rows("DISTINCT scorer, endpoint", "true --") == [("bedrock", "bedrock-compatible")]


ASKED = [("gemma", "ANTHROPIC"), *((name, provider) for provider, name in PROVIDERS.items())]


@pytest.mark.parametrize(("model_name", "provider"), ASKED)
def test_only_a_server_of_ones_own_is_sent_bounds_which_the_providers_refuse(
    tmp_path: Path, model: FaultyModel, model_name: str, provider: str
) -> None:
    scene = Scene(tmp_path, model, documents=1, asked=asked_prompt(model=model_name), provider=provider)

    scene.score()

    (request,) = model.bodies
    strict = request.get("output_config") or request.get("response_format")
    assert ("maxLength" in json.dumps(strict)) == (provider == "EXPOSURE")
    assert ("tools" in request) == (model_name == "gemma")
