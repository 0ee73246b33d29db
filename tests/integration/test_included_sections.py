"""Sections of a corpus that a prompt includes: part of its documents and of its hash, and of nobody else's."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from exposure_dagster.cli.main import main
from exposure_dagster.cli.run import run_pipeline
from exposure_dagster.pipeline.estimates import estimates
from exposure_dagster.pipeline.inputs import ScorerChoice, collect_inputs
from exposure_dagster.pipeline.standing import State, record_standings, standings
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.scoring.job import DocumentRef, WarehouseTexts
from exposure_dagster.settings import BUNDLED_PROMPTS, SAMPLE_SITES, ScorerName, Settings
from exposure_dagster.sources.sites import open_site
from exposure_dagster.store.warehouse import Warehouse
from tests.integration.onet_files import fetch, load, parse
from tests.integration.onet_new_model import new_tables
from tests.integration.seeding import prompt_folder, seed_scores
from tests.unit.parsing.onet_release import text_zip

CLAUDE = ScorerChoice(ScorerName.MODEL, is_explicit=True)
ARCHIVE = "www.onetcenter.org/dl_files/database/db_31_0_text.zip"
SECTIONS = """

## Skills that matter most

Speaking; Reading Comprehension; Active Listening

## Software

Tables; Abacus"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sites with a release of the new content model, and a warehouse that was filled from it."""
    root = tmp_path_factory.mktemp("sections")
    shutil.copytree(SAMPLE_SITES, root / "sites")
    (root / "sites" / ARCHIVE).write_bytes(text_zip(new_tables(), "31_0"))
    load(Warehouse(root / "home" / "exposure.duckdb"), root / "sites")
    return root


@pytest.fixture
def sites(loaded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(loaded / "sites", tmp_path / "sites"))


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """Two prompts that differ in what they include."""
    folder = tmp_path / "prompts"
    folder.mkdir()
    text = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8").replace("corpus: ooh", "corpus: onet")
    (folder / "plain.md").write_text(text, encoding="utf-8")
    included = text.replace("corpus: onet", "corpus: onet\ninclude: [software, skills]")
    (folder / "with_skills.md").write_text(included, encoding="utf-8")
    return folder


@pytest.fixture
def warehouse(loaded: Path, tmp_path: Path) -> Warehouse:
    shutil.copytree(loaded / "home", tmp_path / "home")
    return Warehouse(tmp_path / "home" / "exposure.duckdb")


def asked(warehouse: Warehouse, prompt: str) -> dict[str, str]:
    """The texts that a prompt is asked about, by document, as scoring reads them."""
    refs = [
        DocumentRef(doc_id, "", digest)
        for doc_id, digest in warehouse.rows("SELECT doc_id, text_sha256 FROM scored.inputs WHERE prompt = ?", [prompt])
    ]
    texts = WarehouseTexts(warehouse).texts(refs)
    return {ref.doc_id: texts[ref.text_sha256] for ref in refs}


def recorded(warehouse: Warehouse, folder: PromptFolder) -> None:
    record_standings(warehouse, folder, standings(warehouse, folder, CLAUDE))


def documents(warehouse: Warehouse) -> dict[str, str]:
    return dict(warehouse.rows("SELECT doc_id, text FROM parsed.documents WHERE corpus = 'onet'"))


def test_a_text_ends_with_the_sections_that_its_prompt_includes(warehouse: Warehouse, prompts: Path) -> None:
    recorded(warehouse, prompt_folder(prompts))
    plain = documents(warehouse)
    assert asked(warehouse, "plain") == plain
    assert asked(warehouse, "with_skills") == {doc_id: text + SECTIONS for doc_id, text in plain.items()}


def test_inputs_are_the_same_from_a_run_and_from_a_look(warehouse: Warehouse, prompts: Path) -> None:
    recorded(warehouse, prompt_folder(prompts))
    looked = warehouse.rows("SELECT * FROM scored.inputs ORDER BY prompt, doc_id")
    for name in ("plain", "with_skills"):
        collect_inputs(warehouse, name, CLAUDE)
    assert warehouse.rows("SELECT * FROM scored.inputs ORDER BY prompt, doc_id") == looked
    hashes = {
        doc_id: hashlib.sha256(text.encode()).hexdigest() for doc_id, text in asked(warehouse, "with_skills").items()
    }
    assert dict(warehouse.rows("SELECT doc_id, text_sha256 FROM scored.inputs WHERE prompt = 'with_skills'")) == hashes


def test_another_section_makes_stale_only_what_includes_it(warehouse: Warehouse, sites: Path, prompts: Path) -> None:
    folder = prompt_folder(prompts)
    seed_scores(warehouse, folder, CLAUDE)
    assert {one.prompt: one.state for one in standings(warehouse, folder, CLAUDE)} == {
        "plain": State.FRESH,
        "with_skills": State.FRESH,
    }
    tables = new_tables()
    tables["Software Skills"][1][2] = "Slide rule"
    tables["Work Activities"][1][2] = "Something that no prompt here includes"
    changed = tables["Software Skills"][1][0]
    (sites / ARCHIVE).write_bytes(text_zip(tables, "31_0"))
    fetch(warehouse, open_site(str(sites), contact=None))
    parse(warehouse)
    plain, with_skills = standings(warehouse, folder, CLAUDE)
    assert plain.state is State.FRESH
    assert (with_skills.state, with_skills.reasons) == (State.STALE, ("1 changed",))
    assert changed in with_skills.open_questions["claude-haiku-5-5"]


def test_taking_the_include_away_is_named_as_the_change(warehouse: Warehouse, prompts: Path) -> None:
    seed_scores(warehouse, prompt_folder(prompts), CLAUDE)
    shutil.copy(prompts / "plain.md", prompts / "with_skills.md")
    (_, without) = standings(warehouse, prompt_folder(prompts), CLAUDE)
    assert without.reasons[0] == "include"


def test_a_prompt_is_estimated_with_what_it_includes(warehouse: Warehouse, prompts: Path) -> None:
    folder = prompt_folder(prompts)
    recorded(warehouse, folder)
    names = ("plain", "with_skills")
    plain, with_skills = estimates(warehouse, folder, names, prices=load_prices(None))
    assert plain.documents == with_skills.documents
    assert plain.cost_usd < with_skills.cost_usd


def test_the_baseline_reads_them_and_render_shows_them(
    tmp_path: Path, sites: Path, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "run"
    for name, value in (("HOME", home), ("SITES", sites), ("PROMPTS", prompts), ("SCORER", "baseline")):
        monkeypatch.setenv(f"EXPOSURE_{name}", str(value))
    run_pipeline(Settings(), names=("with_skills",))
    warehouse = Warehouse(home / "exposure.duckdb")
    assert warehouse.rows("SELECT count(*) > 20, bool_and(status = 'ok') FROM scored.scores") == [(True, True)]
    assert all(text.endswith(SECTIONS) for text in asked(warehouse, "with_skills").values())
    shown = CliRunner().invoke(main, ["prompts", "render", "29-1141.00", "--prompt", "with_skills"])
    assert SECTIONS in shown.output
    plain = CliRunner().invoke(main, ["prompts", "render", "29-1141.00", "--prompt", "plain"])
    assert "Skills that matter most" not in plain.output
