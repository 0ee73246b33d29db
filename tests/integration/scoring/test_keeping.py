"""A home that is kept for years: older warehouses, backups, damage, corrections. Nothing paid for is asked again."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from exposure_dagster.core.errors import ScoringError
from exposure_dagster.core.money import Budget
from exposure_dagster.pipeline.keeping import back_up, check, rebuild
from exposure_dagster.scoring.corrections import correct_cost
from exposure_dagster.scoring.mirror import copy_to_warehouse, differences, ledger_path
from exposure_dagster.scoring.run import ScoringStoppedError
from tests.integration.scoring.faulty_model import ANY, reset, saying
from tests.integration.scoring.scene import Scene, by_status


def broken(scene: Scene) -> list[str]:
    return [f"{one.what}: {one.found}" for one in check(scene.warehouse) if not one.is_sound]


def as_version_0_1_0(scene: Scene) -> None:
    """Make of the home what version 0.1.0 left: the ledger is three tables of the warehouse, and nothing else."""
    ledger_path(scene.warehouse).unlink()
    with duckdb.connect(str(scene.warehouse.path)) as connection:
        connection.execute("DROP TABLE scored.corrections")
        connection.execute("ALTER TABLE scored.batches DROP COLUMN token")
        connection.execute("ALTER TABLE scored.batches DROP COLUMN note")
        connection.execute("DELETE FROM meta.facts WHERE name <> 'site_kind'")
        connection.execute("INSERT INTO meta.facts VALUES ('warehouse_version', '1'), ('registry', 'of 0.1.0')")


def test_the_ledger_of_a_warehouse_of_version_0_1_0_is_taken_over_with_a_copy_and_nothing_is_asked_again(
    scene: Scene,
) -> None:
    scene.model.faults["doc-003"] = [saying("no JSON at all"), reset]
    scene.score()
    columns = "request_key, attempt, is_accepted, status, attributes, cost_nano_usd, created_at, error"
    before, asked = scene.rows(columns), len(scene.model.seen)
    as_version_0_1_0(scene)

    scene.refs += scene.add([20])
    result = scene.score()

    assert len(by_status(result)["ok"]) == 11
    assert len(scene.model.seen) == asked + 1
    assert scene.rows(columns, "doc_id <> 'doc-020'") == before
    assert len(list(scene.folder.glob("exposure.duckdb.before-*"))) == 1
    assert broken(scene) == []


def test_a_warehouse_that_holds_a_ledger_is_refused_by_the_version_that_would_write_beside_it(scene: Scene) -> None:
    scene.score()

    ((version,),) = scene.warehouse.rows("SELECT value FROM meta.facts WHERE name = 'warehouse_version'")

    assert int(version) > 1  # 0.1.0 knows 1, and says that a newer version wrote it


def test_after_each_run_the_warehouse_holds_what_the_ledger_does(scene: Scene) -> None:
    scene.model.faults["doc-003"] = [saying("no JSON at all"), reset]
    scene.score()
    assert differences(scene.ledger, scene.warehouse) == []
    scene.refs += scene.add([20])
    scene.score()

    assert differences(scene.ledger, scene.warehouse) == []
    assert scene.warehouse.rows("SELECT count(*) FROM scored.responses WHERE is_accepted") == [(11,)]
    assert broken(scene) == []


def test_what_differs_between_ledger_and_copy_is_found_and_made_good(scene: Scene) -> None:
    scene.score()
    with scene.warehouse.transaction() as connection:
        connection.execute("UPDATE scored.responses SET cost_usd = 1 WHERE doc_id = 'doc-003'")
        connection.execute("DELETE FROM scored.responses WHERE doc_id = 'doc-004'")

    assert any("rows: 9, not 10" in one for one in broken(scene))
    rebuild(scene.warehouse)

    assert broken(scene) == []
    assert len(by_status(scene.score())["ok"]) == 10
    assert len(scene.model.seen) == 10


def test_a_backup_that_is_restored_asks_only_for_what_came_after_it(scene: Scene) -> None:
    scene.score()
    copies = back_up(scene.warehouse)
    assert sorted(copies[0].parent.iterdir()) == sorted(copies)
    scene.refs += scene.add(range(20, 23))
    scene.score()
    for path in (scene.warehouse.path, ledger_path(scene.warehouse)):
        path.unlink()
    for copy in copies:
        shutil.copy(copy, scene.folder / copy.name)
    scene.refs[-3:] = scene.add(range(20, 23))

    assert len(by_status(scene.score())["ok"]) == 13
    assert len(scene.model.seen) == 16
    assert broken(scene) == []


def test_an_older_ledger_beside_a_newer_warehouse_loses_nothing_that_was_paid_for(scene: Scene) -> None:
    scene.score()
    (_, ledger_copy) = back_up(scene.warehouse)
    scene.refs += scene.add(range(20, 23))
    scene.score()
    shutil.copy(ledger_copy, ledger_path(scene.warehouse))

    copy_to_warehouse(scene.ledger, scene.warehouse)

    assert len(by_status(scene.score())["ok"]) == 13
    assert len(scene.model.seen) == 13
    assert broken(scene) == []


def test_a_damaged_ledger_is_set_aside_and_made_anew_from_the_warehouse(scene: Scene) -> None:
    scene.score()
    path = ledger_path(scene.warehouse)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    assert broken(scene)
    with pytest.raises(ScoringError, match="exposure check"):
        scene.score()

    rebuild(scene.warehouse)

    assert broken(scene) == []
    assert path.read_bytes() != content
    assert len(list(scene.folder.glob("ledger.sqlite.damaged-*[0-9]"))) == 1
    assert len(by_status(scene.score())["ok"]) == 10
    assert len(scene.model.seen) == 10


def test_a_damaged_warehouse_is_set_aside_and_its_answers_come_back_from_the_ledger(scene: Scene) -> None:
    scene.score()
    path = scene.warehouse.path
    path.write_bytes(b"\x00" * len(path.read_bytes()))
    assert any(str(path) in one for one in broken(scene))

    done = rebuild(scene.warehouse)

    assert "set aside" in done[0]
    assert len(list(scene.folder.glob("exposure.duckdb.damaged-*"))) == 1
    scene.refs = scene.add(range(10))
    assert len(by_status(scene.score())["ok"]) == 10
    assert len(scene.model.seen) == 10
    assert broken(scene) == []


def test_a_warehouse_that_another_program_holds_is_not_taken_for_damaged(scene: Scene) -> None:
    scene.score()
    scene.warehouse.path.chmod(0o600)
    before = scene.warehouse.path.stat().st_ino

    rebuild(scene.warehouse)

    assert scene.warehouse.path.stat().st_ino == before
    assert list(scene.folder.glob("*.damaged-*")) == []


def test_a_cost_that_was_wrong_is_corrected_for_the_budgets_and_what_stood_stays_on_record(scene: Scene) -> None:
    scene.score()
    ((request_id,),) = scene.rows("request_id", "doc_id = 'doc-003'")

    done = correct_cost(scene.ledger, request_id, cost_usd=2.5, reason="The provider's invoice of May says so.")
    copy_to_warehouse(scene.ledger, scene.warehouse)

    assert done.rows == 1
    assert scene.rows("cost_nano_usd", "doc_id = 'doc-003'") == [(2_500_000_000,)]
    ((reason, before, after),) = scene.warehouse.rows("SELECT reason, before, after FROM scored.corrections")
    assert "invoice of May" in reason
    assert '"cost_usd": 2.5' in after
    assert "0.00003" in before or "e-05" in before
    assert scene.warehouse.rows("SELECT cost_usd FROM scored.responses WHERE doc_id = 'doc-003'") == [(2.5,)]
    scene.refs += scene.add([20])
    with pytest.raises(ScoringStoppedError, match="24 hours"):
        scene.score(budget=Budget(100, 2))
    assert broken(scene) == []


@pytest.mark.parametrize(
    ("request_id", "cost", "reason", "said"),
    [
        ("req_unheard_of", 1.0, "Because.", "holds no request req_unheard_of"),
        ("any", float("nan"), "Because.", "no cost in USD"),
        ("any", -1.0, "Because.", "no cost in USD"),
        ("any", 1.0, "  ", "needs a reason"),
    ],
)
def test_a_correction_that_cannot_be_one_changes_nothing(
    scene: Scene, request_id: str, cost: float, reason: str, said: str
) -> None:
    scene.score()
    before = scene.rows()

    with pytest.raises(ScoringError, match=said):
        correct_cost(scene.ledger, request_id, cost_usd=cost, reason=reason)

    assert scene.rows() == before


def test_an_answer_that_was_lost_on_the_way_counts_as_spent_for_later_runs_too(scene: Scene) -> None:
    scene.model.faults[ANY] = [reset] * 3
    scene.score()
    ((assumed,),) = scene.sql("SELECT sum(cost_nano_usd) FROM assumed_costs")
    ((paid,),) = scene.sql("SELECT sum(cost_nano_usd) FROM responses")
    scene.refs += scene.add([20])

    assert assumed > 0
    with pytest.raises(ScoringStoppedError, match="24 hours"):
        scene.score(budget=Budget(100, (paid + assumed) / 1e9))


def test_the_ledger_is_for_its_owner_alone(scene: Scene, tmp_path: Path) -> None:
    scene.score()

    assert ledger_path(scene.warehouse).stat().st_mode & 0o077 == 0
