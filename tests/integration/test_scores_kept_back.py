"""Scores that are not about the question are kept back: whole runs about the bundled sample, of a model that answers
nonsense in the right form."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dagster import SkipReason, build_sensor_context

from exposure_dagster.automation.instance import open_instance
from exposure_dagster.automation.publishing import publish_what_changed
from exposure_dagster.cli.main import main
from exposure_dagster.definitions import resources_of
from exposure_dagster.pipeline.inputs import other_titles
from exposure_dagster.prompts.model import Level
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.anchors import Alias, Titles, anchors_of
from exposure_dagster.settings import BUNDLED_PROMPTS, load_settings
from exposure_dagster.store.warehouse import Warehouse
from resources.progress import ProgressFactory
from tests.integration.scoring.faulty_model import Fault, FaultyModel, edited, running_model

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyModel]:
    with running_model() as running:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running


@pytest.fixture
def home(sample_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose estimates are published, and a prompt folder beside it."""
    shutil.copytree(sample_run, tmp_path / "home", symlinks=True)
    (tmp_path / "prompts").mkdir()
    shutil.copy(BUNDLED_PROMPTS / "exposure.md", tmp_path / "prompts")
    monkeypatch.setenv("EXPOSURE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EXPOSURE_GATE")
    monkeypatch.setenv("EXPOSURE_SITES", "sample")
    monkeypatch.setenv("EXPOSURE_PROMPTS", str(tmp_path / "prompts"))
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["run", "--yes", *arguments])


def in_use(home: Path) -> str:
    return str((home / "published" / "current").readlink())


def found(home: Path, check: str) -> tuple[bool, str]:
    ((passed, description),) = Warehouse(home / "exposure.duckdb").rows(
        "SELECT has_passed, description FROM ranked.gate WHERE check_name = ?", [check]
    )
    return bool(passed), description


def test_nonsense_is_not_published_until_somebody_says_so(
    home: Path, model: FaultyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = in_use(home)
    result = run()
    assert result.exit_code == 1
    assert "examples within 1 of their range" in result.output
    assert "what is published stays as it is" in result.output
    assert in_use(home) == before
    assert found(home, "examples_lie_in_their_levels")[0] is False

    with open_instance(load_settings().dagster_home) as instance:
        resources = resources_of(load_settings(), ProgressFactory(), ask_again=False)
        context = build_sensor_context(instance=instance)
        (told,) = publish_what_changed(
            context,
            resources["prompt_files"],  # type: ignore[arg-type]
            resources["warehouse"],  # type: ignore[arg-type]
            resources["published_folder"],  # type: ignore[arg-type]
        )
    assert isinstance(told, SkipReason)
    assert "kept back (EXPOSURE_GATE): exposure: " in str(told.skip_message)

    asked = len(model.seen)
    monkeypatch.setenv("EXPOSURE_GATE", "warn")
    assert run().exit_code == 0
    assert in_use(home) != before
    assert len(model.seen) == asked


def test_estimates_of_the_baseline_are_published_with_what_was_found_of_them(home: Path) -> None:
    assert run().exit_code == 0
    passed, description = found(home, "examples_lie_in_their_levels")
    assert passed
    assert description.startswith("estimates, which no model gave: ") or "within 1 of their range" in description


def answering(score: int) -> Fault:
    return edited("ok", lambda answer: answer | {"score": score})


def with_probes(prompts: Path, *probes: str) -> None:
    text = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")
    lines = "\n".join(f"  - {probe}" for probe in probes)
    (prompts / "exposure.md").write_text(text.replace("tiers:", f"probes:\n{lines}\ntiers:", 1), encoding="utf-8")


def test_probes_are_looked_at_and_cost_nothing(home: Path, model: FaultyModel) -> None:
    """The model puts every document where its level is, and one elsewhere: no example, but a probe."""
    prompts = home.parent / "prompts"
    warehouse = Warehouse(home / "exposure.duckdb")
    ((definition,),) = warehouse.rows("SELECT baseline_definition FROM scored.prompts WHERE prompt = 'exposure'")
    levels = [Level.model_validate(one) for one in json.loads(definition)["attributes"][0]["levels"]]
    rows = warehouse.rows("SELECT doc_id, title FROM parsed.documents WHERE corpus = 'ooh'")
    documents = [Document(doc_id, title, "") for doc_id, title in rows]
    aliases = [Alias(title, doc_id) for title, doc_id in other_titles(warehouse, "ooh")]
    for anchor in anchors_of(levels, Titles([(one.doc_id, one.title) for one in documents], aliases)):
        model.faults[documents[anchor.row].doc_id] = [answering(int(anchor.range[0]))] * 2
    probe = next(one for one in documents if one.doc_id not in model.faults)
    model.faults[probe.doc_id] = [answering(9)] * 2
    result = run()
    asked = len(model.seen)

    with_probes(prompts, f'{{document: "{probe.title}", range: [0, 3]}}')
    kept = run()
    assert kept.exit_code == 1
    assert f"0 of 1 probes within 1 of their range ({probe.title} scores 9, not 0 to 3)" in kept.output
    with_probes(prompts, f'{{document: "{probe.title}", range: [8, 10]}}')
    again = run()
    assert found(home, "probes_lie_where_expected") == (True, "1 of 1 probes within 1 of their range")
    assert len(model.seen) == asked
    assert result.exit_code == again.exit_code
