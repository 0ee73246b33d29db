"""`exposure status` and `exposure diff`: what is stale, why, for how much, and what moved."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.core.clock import utc_now
from exposure_dagster.pipeline.history import keep_version
from exposure_dagster.pipeline.inputs import ScorerChoice
from exposure_dagster.scoring.ledger import LedgerRow, Status, add_rows, request_key
from exposure_dagster.scoring.mirror import open_ledger
from exposure_dagster.scoring.run_records import RunRow, record_run
from exposure_dagster.settings import ScorerName
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.seeding import prompt_folder, seed_documents, seed_scores, write_prompt

CLAUDE = ScorerChoice(ScorerName.MODEL, True)


@pytest.fixture
def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose prompts `a`, `b` and `c` have answers of a model about 200 documents; returns the prompt folder."""
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    for name in ("a", "b", "c"):
        write_prompt(prompts, name)
    warehouse = Warehouse(tmp_path / "home" / "exposure.duckdb")
    seed_documents(warehouse, 200)
    seed_scores(warehouse, prompt_folder(prompts), CLAUDE)
    for name, value in {"HOME": tmp_path / "home", "PROMPTS": prompts, "SCORER": "claude"}.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", str(value))
    return prompts


def exposure(*arguments: str) -> str:
    """What a command prints; its error where it fails."""
    return CliRunner().invoke(main, arguments).output


def lines(output: str) -> dict[str, list[str]]:
    """The lines of the first table, split into words, by their first word."""
    table, _, _ = output.partition("Answers that stand")
    return {words[0]: words[1:] for line in table.splitlines() if (words := line.split())}


def test_each_prompt_is_told_with_its_state_and_why_and_what_it_would_send_and_cost(scored: Path) -> None:
    write_prompt(scored, "b", "Think of tomorrow.")
    (scored / "c.md").write_text("---\ntitle: [\n---\n", encoding="utf-8")
    write_prompt(scored, "d")
    told = exposure("status")
    rows = lines(told)
    assert rows["a"] == ["fresh", "200", "0", "–"]
    assert rows["b"][:5] == ["stale", "prompt", "text", "200", "200"]
    assert rows["c"][0] == "broken" and rows["c"][-3:] == ["200", "0", "–"]
    assert rows["d"][:5] == ["missing", "never", "scored", "200", "200"]
    estimated = lines(exposure("estimate", "--prompt", "b"))["b"]
    assert float(rows["b"][-1]) == float(estimated[-2]) > 0
    assert "All that is enabled: 400 requests, about $" in told


def test_documents_that_changed_came_or_went_are_counted(scored: Path) -> None:
    with Warehouse(scored.parent / "home" / "exposure.duckdb").transaction() as connection:
        connection.execute("UPDATE parsed.documents SET text_sha256 = 'x' WHERE doc_id = 'occupation-001'")
        connection.execute("UPDATE parsed.documents SET doc_id = 'another' WHERE doc_id = 'occupation-002'")
    assert "1 changed, 1 new, 1 gone" in exposure("status")


def test_further_samples_are_told_and_only_they_are_asked(scored: Path) -> None:
    warehouse = Warehouse(scored.parent / "home" / "exposure.duckdb")
    prompt = next(one for one in prompt_folder(scored).prompts if one.name == "a")
    asked = {"prompt": "a", "prompt_hash": prompt.asked.prompt_hash, "scorer": "claude"}
    documents = warehouse.read("SELECT doc_id, text_sha256 FROM parsed.documents ORDER BY doc_id")
    with open_ledger(warehouse).store.transaction() as connection:
        add_rows(connection, [attempt(asked, *row, epoch=0) for row in documents.itertuples(index=False, name=None)])

    path = scored / "a.md"
    path.write_text(path.read_text(encoding="utf-8").replace("samples: 1", "samples: 3", 1), encoding="utf-8")
    assert " ".join(lines(exposure("status"))["a"]).startswith("stale samples 1 → 3 200 400 ")


def test_asking_again_that_was_stopped_is_incomplete_and_goes_on_before_it_begins_anew(scored: Path) -> None:
    warehouse = Warehouse(scored.parent / "home" / "exposure.duckdb")
    prompt = next(one for one in prompt_folder(scored).prompts if one.name == "a")
    asked = {"prompt": "a", "prompt_hash": prompt.asked.prompt_hash, "scorer": "claude"}
    documents = warehouse.read("SELECT doc_id, text_sha256 FROM parsed.documents ORDER BY doc_id LIMIT 60")
    ledger = open_ledger(warehouse)
    with ledger.store.transaction() as connection:
        add_rows(connection, [attempt(asked, *row) for row in documents.itertuples(index=False, name=None)])

    assert " ".join(lines(exposure("status"))["a"]).startswith("incomplete asked again in part, 140 answers to go")
    assert lines(exposure("estimate", "--prompt", "a", "--again"))["a"][1:3] == ["140", "140"]
    assert ledger.epoch_to_ask(prompt.asked, is_asked_again=True) == 1
    assert ledger.rehearsal_epoch(prompt.asked, is_asked_again=True) == -1

    record_run(ledger, RunRow(run_id="r", epoch=1, outcome="complete", started_at=utc_now(), **asked))
    assert lines(exposure("status"))["a"][0] == "fresh"
    assert lines(exposure("estimate", "--prompt", "a", "--again"))["a"][1:3] == ["200", "200"]
    assert ledger.epoch_to_ask(prompt.asked, is_asked_again=True) == 2


def attempt(asked: dict[str, str], doc_id: str, text_sha256: str, *, epoch: int = 1) -> LedgerRow:
    """An accepted answer."""
    given = {"request_key", "is_accepted", "doc_id", "text_sha256", "model", "sample", "epoch", "status", "created_at"}
    unknown = {field.name: None for field in fields(LedgerRow) if field.name not in {*given, *asked}}
    return LedgerRow(
        request_key=request_key(asked["prompt_hash"], doc_id, text_sha256, 1, epoch),
        is_accepted=True,
        doc_id=doc_id,
        text_sha256=text_sha256,
        model="a model",
        sample=1,
        epoch=epoch,
        status=Status.OK,
        created_at=utc_now(),
        **asked,
        **unknown,
    )


def test_a_batch_is_told_at_its_price(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_prompt(scored, "b", "Think of tomorrow.")
    monkeypatch.setenv("EXPOSURE_SCORER", "claude-batch")
    assert lines(exposure("status"))["b"][-1] == lines(exposure("estimate", "--prompt", "b"))["b"][-1]


def test_without_documents_or_a_warehouse_it_says_what_to_do(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_HOME", str(scored.parent / "elsewhere"))
    told = exposure("status")
    assert "corpus ooh has no documents yet" in told
    assert f"There is no warehouse in {scored.parent / 'elsewhere'} yet; `exposure run` makes it." in told


def test_what_moved_between_two_versions_is_told_with_both_reasons(scored: Path) -> None:
    assert "Answers are kept of" not in exposure("diff", "a")
    with Warehouse(scored.parent / "home" / "exposure.duckdb").transaction() as connection:
        keep_version(connection, "a")
        connection.execute(
            "UPDATE scored.scores SET score = 8, rationale = 'thought again', prompt_hash = '1feed', model = 'another'"
            " WHERE prompt = 'a' AND doc_id = 'occupation-007'"
        )
        keep_version(connection, "a")
    told = exposure("diff", "a", "--from", "1", "--to", "2")  # a number is one, though a hash begins with it
    rows = lines(told)
    assert (rows["up"], rows["down"], rows["same"]) == (["1"], ["0"], ["199"])
    assert "Occupation 7: 5 → 8\n  before: made up\n  after: thought again" in told
    assert "names no version" in exposure("diff", "a", "--from", "zzz")
    assert "Answers are kept of a." in exposure("diff", "b")
