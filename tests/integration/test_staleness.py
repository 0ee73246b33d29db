"""What a change costs, counted at the server that is asked: sensor ticks, and the runs they ask for.

Some prompts are asked about the sample's documents by the real scorer, over HTTP on loopback.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import RunRequest, build_run_status_sensor_context, build_schedule_context

from exposure_dagster.automation.instance import open_instance, prepare_dagster_home
from exposure_dagster.automation.jobs import PUBLISHING_JOB, RANKING_JOB, SCORING_JOB, SOURCES_JOB
from exposure_dagster.automation.rescoring import RESCORE_STALE_JOB
from exposure_dagster.definitions import build_defs
from exposure_dagster.gates import Gate
from exposure_dagster.pipeline.inputs import ScorerChoice, collect_inputs
from exposure_dagster.pipeline.prompts import record_prompt
from exposure_dagster.pipeline.standing import PromptStanding, State, standings
from exposure_dagster.settings import SAMPLE_SITES, ScorerName, Settings, load_settings
from tests.integration.automation_harness import FREE_SENSORS, RESCORING, Automation, edit_duties_of_roofers
from tests.integration.counting_server import CountingServer, counting_server, system_key
from tests.integration.seeding import prompt_folder, seed_documents, seed_scores, write_prompt

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

DOCUMENTS = 30
THREE = ("a", "b", "c")
FIVE = (*THREE, "d", "e")
MANY = 120


def claude() -> ScorerChoice:
    """The model, asked where the environment says."""
    return ScorerChoice(ScorerName.MODEL, True, load_settings().endpoints)


def settings_for(root: Path, *, sites: Path | None = None) -> Settings:
    return Settings(
        home=root / "home",
        sites=str(sites or root / "sites"),
        scorer=ScorerName.MODEL,
        prompts=root / "prompts",
        gate=Gate.WARN,
    )


def refresh(automation: Automation) -> None:
    job = build_defs(automation.settings).resolve_job_def(SOURCES_JOB)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    assert job.execute_in_process(instance=automation.instance, run_config=quiet).success


def opened(settings: Settings) -> Automation:
    prepare_dagster_home(settings.dagster_home)
    return Automation(settings, open_instance(settings.dagster_home))


def ask_at(monkeypatch: pytest.MonkeyPatch, server: CountingServer) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)


def settle(automation: Automation) -> list[tuple[str, str | None]]:
    """What prompt files and scores come to, by themselves."""
    return automation.settle("follow_prompts", RESCORING)


def settle_all(automation: Automation) -> list[tuple[str, str | None]]:
    """The same, with rankings and published files."""
    return automation.settle(*FREE_SENSORS, RESCORING)


def scored(launched: list[tuple[str, str | None]]) -> list[str | None]:
    """Partitions that a scoring run was launched for, each as often as it was."""
    return sorted(partition for job, partition in launched if job == SCORING_JOB) if launched else []


def asked_prompts(automation: Automation, server: CountingServer) -> dict[str, int]:
    """Answered requests by the prompt whose file now says what was asked; others under `?`."""
    folder = prompt_folder(automation.prompts)
    names = {system_key(prompt.asked.system): prompt.name for prompt in folder.prompts}
    return {names.get(system, "?"): count for system, count in server.counts().items()}


@pytest.fixture(scope="module")
def scored_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three prompts, scored by the model, ranked and published."""
    root = tmp_path_factory.mktemp("staleness")
    (root / "prompts").mkdir()
    shutil.copytree(SAMPLE_SITES, root / "sites")
    for name in THREE:
        write_prompt(root / "prompts", name)
    with pytest.MonkeyPatch.context() as monkeypatch, counting_server() as server:
        ask_at(monkeypatch, server)
        automation = opened(settings_for(root))
        refresh(automation)
        automation.evaluate("follow_prompts")
        assert scored(settle_all(automation)) == list(THREE)
        assert asked_prompts(automation, server) == dict.fromkeys(THREE, DOCUMENTS)
        automation.instance.dispose()
    return root


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    with counting_server() as running:
        ask_at(monkeypatch, running)
        yield running


@pytest.fixture
def loop(scored_home: Path, tmp_path: Path, server: CountingServer) -> Iterator[Automation]:
    """A copy of the scored home, for one test."""
    root = tmp_path / "copy"
    shutil.copytree(scored_home, root, symlinks=True)
    automation = opened(settings_for(root))
    automation.evaluate("follow_prompts")
    yield automation
    automation.instance.dispose()


def test_an_edit_asks_about_every_document_once_for_that_prompt_and_taking_it_back_asks_nothing(
    loop: Automation, server: CountingServer
) -> None:
    write_prompt(loop.prompts, "b", "Think of tomorrow.")
    assert settle_all(loop) == [(SCORING_JOB, "b"), (PUBLISHING_JOB, None)]
    assert asked_prompts(loop, server) == {"b": DOCUMENTS}
    assert len({one.documents for one in server.asked}) == DOCUMENTS
    server.forget()
    write_prompt(loop.prompts, "b")
    assert scored(settle(loop)) == ["b"]
    assert server.asked == []


def test_an_edited_page_costs_one_request_a_prompt(loop: Automation, server: CountingServer) -> None:
    edit_duties_of_roofers(Path(loop.settings.sites))
    refresh(loop)
    assert scored(settle(loop)) == list(THREE)
    assert asked_prompts(loop, server) == dict.fromkeys(THREE, 1)
    assert {one.documents for one in server.asked} == {("roofers",)}


def test_a_page_that_is_gone_costs_nothing_and_one_that_comes_back_neither(
    loop: Automation, server: CountingServer
) -> None:
    for name in ("b", "c"):
        (loop.prompts / f"{name}.md").unlink()
    settle(loop)
    index = Path(loop.settings.sites) / "www.bls.gov/ooh/a-z-index.htm"
    whole = index.read_text(encoding="utf-8")
    index.write_text("\n".join(line for line in whole.splitlines() if "/roofers.htm" not in line), encoding="utf-8")
    refresh(loop)
    assert scored(settle(loop)) == ["a"]
    assert loop.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE prompt = 'a'") == [(DOCUMENTS - 1,)]
    index.write_text(whole, encoding="utf-8")
    refresh(loop)
    assert scored(settle(loop)) == ["a"]
    assert loop.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE prompt = 'a'") == [(DOCUMENTS,)]
    assert server.asked == []


def test_tiers_and_labels_are_ranked_and_published_anew_without_a_request(
    loop: Automation, server: CountingServer
) -> None:
    path = loop.prompts / "c.md"
    path.write_text(path.read_text(encoding="utf-8").replace("label: Minimal", "label: Hardly any"), encoding="utf-8")
    assert settle_all(loop) == [(RANKING_JOB, "c"), (PUBLISHING_JOB, None)]
    assert loop.warehouse.rows("SELECT DISTINCT prompt FROM ranked.rankings WHERE tier = 'Hardly any'") == [("c",)]
    assert server.asked == []


def test_touching_everything_launches_nothing(loop: Automation, server: CountingServer) -> None:
    for name in THREE:
        write_prompt(loop.prompts, name)
    other_line_ends = (loop.prompts / "a.md").read_text(encoding="utf-8").replace("\n", "\r\n")
    (loop.prompts / "a.md").write_text(other_line_ends, encoding="utf-8", newline="")
    for page in Path(loop.settings.sites).rglob("*.htm"):
        page.touch()
    refresh(loop)
    assert settle_all(loop) == []
    assert server.asked == []


def test_a_failure_is_not_launched_again_until_something_changes(loop: Automation, server: CountingServer) -> None:
    server.is_denying = True
    write_prompt(loop.prompts, "b", "Think of tomorrow.")
    assert scored(settle(loop)) == ["b"]
    assert scored(settle(loop)) == []
    assert len(server.asked) == 1


def test_after_failures_going_back_to_a_version_that_failed_runs_it_again(
    loop: Automation, server: CountingServer
) -> None:
    server.is_denying = True
    for words in ("Version B.", "Version C."):
        write_prompt(loop.prompts, "b", words)
        assert scored(settle(loop)) == ["b"]
    server.is_denying = False
    server.forget()
    write_prompt(loop.prompts, "b", "Version B.")
    assert scored(settle(loop)) == ["b"]
    assert asked_prompts(loop, server) == {"b": DOCUMENTS}


def test_a_failed_version_that_is_taken_back_and_made_again_runs_again(
    loop: Automation, server: CountingServer
) -> None:
    server.is_denying = True
    write_prompt(loop.prompts, "b", "Version B.")
    assert scored(settle(loop)) == ["b"]
    write_prompt(loop.prompts, "b")
    assert scored(settle(loop)) == []
    server.is_denying = False
    server.forget()
    write_prompt(loop.prompts, "b", "Version B.")
    assert scored(settle(loop)) == ["b"]
    assert asked_prompts(loop, server) == {"b": DOCUMENTS}


def test_an_edit_during_a_run_belongs_to_the_next_run(loop: Automation, server: CountingServer) -> None:
    write_prompt(loop.prompts, "b", "Version B.")
    first = asked_hash(loop, "b")
    loop.evaluate("follow_prompts")
    server.hold()
    launched: list[tuple[str, str | None]] = []
    run = threading.Thread(target=lambda: launched.extend(loop.tick(RESCORING)))
    run.start()
    assert server.arrived.wait(60)
    write_prompt(loop.prompts, "b", "Version C.")
    loop.evaluate("follow_prompts")
    requests, _ = loop.evaluate(RESCORING)
    assert requests == []
    server.release()
    run.join()
    assert launched == [(SCORING_JOB, "b")]
    assert standing_versions(loop, "b") == {first}
    assert scored(settle(loop)) == ["b"]
    assert standing_versions(loop, "b") == {asked_hash(loop, "b")} != {first}
    assert asked_prompts(loop, server) == {"?": DOCUMENTS, "b": DOCUMENTS}


def asked_hash(automation: Automation, name: str) -> str:
    folder = prompt_folder(automation.prompts)
    return next(prompt.asked.prompt_hash for prompt in folder.prompts if prompt.name == name)


def standing_versions(automation: Automation, name: str) -> set[str]:
    rows = automation.warehouse.rows("SELECT DISTINCT prompt_hash FROM scored.scores WHERE prompt = ?", [name])
    return {row[0] for row in rows}


def test_a_file_that_is_deleted_and_comes_back_costs_nothing(loop: Automation, server: CountingServer) -> None:
    (loop.prompts / "b.md").unlink()
    assert settle_all(loop) == [(PUBLISHING_JOB, None)]
    assert loop.warehouse.rows("SELECT count(*) FROM scored.scores WHERE prompt = 'b'") == [(0,)]
    write_prompt(loop.prompts, "b")
    assert scored(settle(loop)) == ["b"]
    assert loop.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE prompt = 'b'") == [(DOCUMENTS,)]
    assert server.asked == []


def test_a_file_that_is_renamed_is_asked_nothing_new(loop: Automation, server: CountingServer) -> None:
    (loop.prompts / "b.md").rename(loop.prompts / "renamed.md")
    assert scored(settle(loop)) == ["renamed"]
    assert loop.warehouse.rows("SELECT DISTINCT prompt FROM ranked.rankings ORDER BY 1") == [
        (name,) for name in ("a", "c", "renamed")
    ]
    assert server.asked == []


def test_a_broken_file_costs_nothing_and_mending_it_neither(loop: Automation, server: CountingServer) -> None:
    (loop.prompts / "b.md").write_text("---\ntitle: [\n---\n", encoding="utf-8")
    assert settle_all(loop) == [(PUBLISHING_JOB, None)]
    (state,) = [one.state for one in standing(loop) if one.prompt == "b"]
    assert state is State.BROKEN
    write_prompt(loop.prompts, "b")
    assert settle_all(loop) == [(PUBLISHING_JOB, None)]
    assert server.asked == []


def test_everything_stale_is_scored_by_the_job_and_by_the_schedule(loop: Automation, server: CountingServer) -> None:
    for name in ("b", "c"):
        write_prompt(loop.prompts, name, "Think of tomorrow.")
    loop.evaluate("follow_prompts")
    assert sorted(request.partition_key or "" for request in everything_stale_now(loop)) == ["b", "c"]
    assert sorted(request.partition_key or "" for request in first_of_the_month(loop)) == ["b", "c"]
    assert server.asked == []


def first_of_the_month(automation: Automation) -> list[RunRequest]:
    """The runs that the schedule rescore_monthly asks for."""
    definitions = build_defs(automation.settings)
    context = build_schedule_context(
        instance=automation.instance,
        scheduled_execution_time=datetime(2026, 2, 1, tzinfo=UTC),
        resources={name: value for name, value in (definitions.resources or {}).items() if name != "progress"},
    )
    with context:
        asked = definitions.get_repository_def().get_schedule_def("rescore_monthly")(context)
    return [item for item in asked if isinstance(item, RunRequest)]  # type: ignore[union-attr]


def everything_stale_now(automation: Automation) -> list[RunRequest]:
    """Run the job rescore_stale; returns the runs that the sensor behind it asks for."""
    definitions = build_defs(automation.settings)
    result = definitions.resolve_job_def(RESCORE_STALE_JOB).execute_in_process(instance=automation.instance)
    resources = {name: value for name, value in (definitions.resources or {}).items() if name != "progress"}
    context = build_run_status_sensor_context(
        sensor_name="launch_rescoring",
        dagster_instance=automation.instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(),
        resources=resources,
    )
    sensor = definitions.get_repository_def().get_sensor_def("launch_rescoring")
    return [item for item in sensor(context) if isinstance(item, RunRequest)]  # type: ignore[union-attr]


def test_what_is_wanted_is_what_a_run_records(loop: Automation) -> None:
    write_prompt(loop.prompts, "b", "Think of tomorrow.")
    folder = prompt_folder(loop.prompts)
    wanted = {one.prompt: one.wanted for one in standing(loop)}
    for prompt in folder.prompts:
        record_prompt(loop.warehouse, prompt)
    recorded = {name: collect_inputs(loop.warehouse, name, claude()).input_hash for name in THREE}
    assert wanted == recorded


def standing(automation: Automation) -> list[PromptStanding]:
    folder = prompt_folder(automation.prompts)
    return standings(automation.warehouse, folder, claude())


@pytest.fixture
def many(tmp_path: Path, server: CountingServer) -> Iterator[Automation]:
    """120 prompts over three documents, all answered."""
    (tmp_path / "prompts").mkdir()
    for number in range(MANY):
        write_prompt(tmp_path / "prompts", f"p{number:03}")
    automation = opened(settings_for(tmp_path))
    seed_documents(automation.warehouse, 3)
    seed_scores(automation.warehouse, prompt_folder(automation.prompts), claude())
    automation.evaluate("follow_prompts")
    yield automation
    automation.instance.dispose()


def requested(automation: Automation) -> list[str | None]:
    """Partitions that the rescoring sensor asks a run for, without running any."""
    automation.evaluate("follow_prompts")
    requests, _ = automation.evaluate(RESCORING)
    return sorted(str(request.partition_key) for request in requests)


def test_with_120_prompts_exactly_those_that_a_change_touched_are_launched(many: Automation) -> None:
    assert requested(many) == []
    assert len(many.instance.get_dynamic_partitions("prompts")) == MANY
    for name in ("p007", "p070", "p119"):
        write_prompt(many.prompts, name, "Think of tomorrow.")
    write_prompt(many.prompts, "p120")
    (many.prompts / "p001.md").unlink()
    (many.prompts / "p002.md").write_text("---\ntitle: [\n---\n", encoding="utf-8")
    assert requested(many) == ["p007", "p070", "p119", "p120"]
    for name in ("p007", "p070", "p119"):
        write_prompt(many.prompts, name)
    assert requested(many) == ["p120"]
    with many.warehouse.transaction() as connection:
        connection.execute("UPDATE parsed.documents SET text_sha256 = 'other' WHERE doc_id = 'occupation-001'")
    assert len(requested(many)) == MANY - 1
    # Seeded answers stand without a ledger behind them: all three documents would be asked.
    assert {one.prompt: one.requests for one in standing(many) if one.requests != 3} == {"p002": 0}


def test_an_edit_of_one_of_five_prompts_over_342_documents_costs_342_requests(
    tmp_path: Path, server: CountingServer
) -> None:
    (tmp_path / "prompts").mkdir()
    for name in FIVE:
        write_prompt(tmp_path / "prompts", name)
    automation = opened(settings_for(tmp_path))
    seed_documents(automation.warehouse, 342)
    seed_scores(automation.warehouse, prompt_folder(automation.prompts), claude())
    assert settle(automation) == []
    write_prompt(automation.prompts, "d", "Think of tomorrow.")
    assert scored(settle(automation)) == ["d"]
    assert asked_prompts(automation, server) == {"d": 342}
    assert len({one.documents for one in server.asked}) == 342
    automation.instance.dispose()
