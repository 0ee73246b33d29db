"""What a change costs, counted at the server that is asked: sensor ticks, and the runs they ask for.

Five prompts are asked about the sample's documents by the real scorer, over HTTP on loopback.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import RunRequest, build_run_status_sensor_context

from exposure_dagster.automation.rescoring import RESCORE_STALE_JOB
from exposure_dagster.corpora import KNOWN_CORPORA
from exposure_dagster.definitions import build_defs
from exposure_dagster.instance import open_instance, prepare_dagster_home
from exposure_dagster.jobs import PUBLISHING_JOB, RANKING_JOB, SCORING_JOB, SOURCES_JOB
from exposure_dagster.prompts.files import load_folder
from exposure_dagster.scoring.prices import load_prices
from exposure_dagster.settings import BUNDLED_PROMPTS, SAMPLE_SITES, ScorerName, Settings
from exposure_dagster.stages.scored import ScorerChoice, collect_inputs, record_prompt
from exposure_dagster.stages.standing import PromptStanding, State, standings
from tests.integration.automation_harness import FREE_SENSORS, RESCORING, Automation
from tests.integration.counting_server import CountingServer, counting_server, system_key

BUNDLED = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")
DOCUMENTS = 30
FIVE = ("a", "b", "c", "d", "e")
MANY = 120
CLAUDE = ScorerChoice(ScorerName.CLAUDE, True)


def text_of(name: str, words: str = "") -> str:
    return f"{BUNDLED}\nAs {name} sees it. {words}\n"


def write(prompts: Path, name: str, words: str = "") -> None:
    (prompts / f"{name}.md").write_text(text_of(name, words), encoding="utf-8")


def settings_for(root: Path, *, sites: Path | None = None) -> Settings:
    return Settings(
        home=root / "home", sites=str(sites or root / "sites"), scorer=ScorerName.CLAUDE, prompts=root / "prompts"
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
    return automation.settle(*FREE_SENSORS, RESCORING)


def scored(launched: list[tuple[str, str | None]]) -> list[str | None]:
    """Partitions that a scoring run was launched for, each as often as it was."""
    return sorted(partition for job, partition in launched if job == SCORING_JOB) if launched else []


def asked_prompts(automation: Automation, server: CountingServer) -> dict[str, int]:
    """Answered requests by the prompt whose file now says what was asked; others under `?`."""
    folder = load_folder(automation.prompts, known_corpora=KNOWN_CORPORA, known_models=sorted(load_prices(None)))
    names = {system_key(prompt.asked.system): prompt.name for prompt in folder.prompts}
    return {names.get(system, "?"): count for system, count in server.counts().items()}


@pytest.fixture(scope="module")
def scored_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with five prompts, scored by the model, ranked and published."""
    root = tmp_path_factory.mktemp("staleness")
    (root / "prompts").mkdir()
    shutil.copytree(SAMPLE_SITES, root / "sites")
    for name in FIVE:
        write(root / "prompts", name)
    with pytest.MonkeyPatch.context() as monkeypatch, counting_server() as server:
        ask_at(monkeypatch, server)
        automation = opened(settings_for(root))
        refresh(automation)
        automation.evaluate("follow_prompts")
        assert scored(settle(automation)) == list(FIVE)
        assert asked_prompts(automation, server) == dict.fromkeys(FIVE, DOCUMENTS)
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


def test_an_edit_asks_about_every_document_once_and_only_for_that_prompt(
    loop: Automation, server: CountingServer
) -> None:
    write(loop.prompts, "b", "Think of tomorrow.")
    assert settle(loop) == [(SCORING_JOB, "b"), (PUBLISHING_JOB, None)]
    assert asked_prompts(loop, server) == {"b": DOCUMENTS}
    assert len({one.documents for one in server.asked}) == DOCUMENTS


def test_an_edited_page_costs_one_request_a_prompt(loop: Automation, server: CountingServer) -> None:
    page = Path(loop.settings.sites) / "www.bls.gov/ooh/construction-and-extraction/roofers.htm"
    page.write_text(page.read_text(encoding="utf-8").replace("roof", "rooftop"), encoding="utf-8")
    refresh(loop)
    assert scored(settle(loop)) == list(FIVE)
    assert asked_prompts(loop, server) == dict.fromkeys(FIVE, 1)
    assert {one.documents for one in server.asked} == {("roofers",)}


def test_a_page_that_is_gone_costs_nothing_and_one_that_comes_back_neither(
    loop: Automation, server: CountingServer
) -> None:
    index = Path(loop.settings.sites) / "www.bls.gov/ooh/a-z-index.htm"
    whole = index.read_text(encoding="utf-8")
    index.write_text(
        "\n".join(line for line in whole.splitlines() if "/roofers.htm" not in line), encoding="utf-8"
    )
    refresh(loop)
    assert scored(settle(loop)) == list(FIVE)
    assert loop.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE prompt = 'a'") == [(DOCUMENTS - 1,)]
    index.write_text(whole, encoding="utf-8")
    refresh(loop)
    assert scored(settle(loop)) == list(FIVE)
    assert loop.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE prompt = 'a'") == [(DOCUMENTS,)]
    assert server.asked == []


def test_tiers_and_labels_are_ranked_and_published_anew_without_a_request(
    loop: Automation, server: CountingServer
) -> None:
    path = loop.prompts / "c.md"
    path.write_text(path.read_text(encoding="utf-8").replace("label: Minimal", "label: Hardly any"), encoding="utf-8")
    assert settle(loop) == [(RANKING_JOB, "c"), (PUBLISHING_JOB, None)]
    assert server.asked == []


def test_touching_everything_launches_nothing(loop: Automation, server: CountingServer) -> None:
    for name in FIVE:
        write(loop.prompts, name)
    for page in Path(loop.settings.sites).rglob("*.htm"):
        page.touch()
    refresh(loop)
    assert settle(loop) == []
    assert server.asked == []


def test_an_edit_that_is_taken_back_is_scored_back_without_a_request(loop: Automation, server: CountingServer) -> None:
    write(loop.prompts, "b", "Think of tomorrow.")
    settle(loop)
    server.forget()
    write(loop.prompts, "b")
    assert scored(settle(loop)) == ["b"]
    assert server.asked == []


def test_a_failure_is_not_launched_again_until_something_changes(loop: Automation, server: CountingServer) -> None:
    server.is_denying = True
    write(loop.prompts, "b", "Think of tomorrow.")
    assert scored(settle(loop)) == ["b"]
    assert scored(settle(loop)) == []
    assert len(server.asked) == 1


def test_after_failures_going_back_to_a_version_that_failed_runs_it_again(
    loop: Automation, server: CountingServer
) -> None:
    server.is_denying = True
    for words in ("Version B.", "Version C."):
        write(loop.prompts, "b", words)
        assert scored(settle(loop)) == ["b"]
    server.is_denying = False
    server.forget()
    write(loop.prompts, "b", "Version B.")
    assert scored(settle(loop)) == ["b"]
    assert asked_prompts(loop, server) == {"b": DOCUMENTS}


def test_a_failed_version_that_is_taken_back_and_made_again_runs_again(
    loop: Automation, server: CountingServer
) -> None:
    server.is_denying = True
    write(loop.prompts, "b", "Version B.")
    assert scored(settle(loop)) == ["b"]
    write(loop.prompts, "b")
    assert scored(settle(loop)) == []
    server.is_denying = False
    server.forget()
    write(loop.prompts, "b", "Version B.")
    assert scored(settle(loop)) == ["b"]
    assert asked_prompts(loop, server) == {"b": DOCUMENTS}


def test_an_edit_during_a_run_belongs_to_the_next_run(loop: Automation, server: CountingServer) -> None:
    write(loop.prompts, "b", "Version B.")
    first = asked_hash(loop, "b")
    loop.evaluate("follow_prompts")
    server.hold()
    launched: list[tuple[str, str | None]] = []
    run = threading.Thread(target=lambda: launched.extend(loop.tick(RESCORING)))
    run.start()
    assert server.arrived.wait(60)
    write(loop.prompts, "b", "Version C.")
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
    folder = load_folder(automation.prompts, known_corpora=KNOWN_CORPORA, known_models=sorted(load_prices(None)))
    return next(prompt.asked.prompt_hash for prompt in folder.prompts if prompt.name == name)


def standing_versions(automation: Automation, name: str) -> set[str]:
    rows = automation.warehouse.rows("SELECT DISTINCT prompt_hash FROM scored.scores WHERE prompt = ?", [name])
    return {row[0] for row in rows}


def test_a_file_that_is_deleted_and_comes_back_costs_nothing(loop: Automation, server: CountingServer) -> None:
    (loop.prompts / "b.md").unlink()
    assert settle(loop) == [(PUBLISHING_JOB, None)]
    assert loop.warehouse.rows("SELECT count(*) FROM scored.scores WHERE prompt = 'b'") == [(0,)]
    write(loop.prompts, "b")
    assert scored(settle(loop)) == ["b"]
    assert loop.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE prompt = 'b'") == [(DOCUMENTS,)]
    assert server.asked == []


def test_a_file_that_is_renamed_is_asked_nothing_new(loop: Automation, server: CountingServer) -> None:
    (loop.prompts / "b.md").rename(loop.prompts / "renamed.md")
    assert scored(settle(loop)) == ["renamed"]
    assert loop.warehouse.rows("SELECT DISTINCT prompt FROM ranked.rankings ORDER BY 1") == [
        (name,) for name in ("a", "c", "d", "e", "renamed")
    ]
    assert server.asked == []


def test_a_broken_file_costs_nothing_and_mending_it_neither(loop: Automation, server: CountingServer) -> None:
    (loop.prompts / "b.md").write_text("---\ntitle: [\n---\n", encoding="utf-8")
    assert settle(loop) == [(PUBLISHING_JOB, None)]
    (state,) = [one.state for one in standing(loop) if one.prompt == "b"]
    assert state is State.BROKEN
    write(loop.prompts, "b")
    assert settle(loop) == [(PUBLISHING_JOB, None)]
    assert server.asked == []


def test_everything_stale_now_is_scored_by_the_job(loop: Automation, server: CountingServer) -> None:
    for name in ("b", "d"):
        write(loop.prompts, name, "Think of tomorrow.")
    loop.evaluate("follow_prompts")
    assert sorted(request.partition_key or "" for request in everything_stale_now(loop)) == ["b", "d"]
    assert server.asked == []


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
    write(loop.prompts, "b", "Think of tomorrow.")
    folder = load_folder(loop.prompts, known_corpora=KNOWN_CORPORA, known_models=sorted(load_prices(None)))
    wanted = {one.prompt: one.wanted for one in standing(loop)}
    for prompt in folder.prompts:
        record_prompt(loop.warehouse, prompt)
    recorded = {name: collect_inputs(loop.warehouse, name, CLAUDE).input_hash for name in FIVE}
    assert wanted == recorded


def standing(automation: Automation) -> list[PromptStanding]:
    folder = load_folder(automation.prompts, known_corpora=KNOWN_CORPORA, known_models=sorted(load_prices(None)))
    return standings(automation.warehouse, folder, CLAUDE)
