"""A company asks about its own roles: a CSV or Parquet file is a corpus like any other."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey

from exposure_dagster.automation.jobs import sources_of
from exposure_dagster.core.errors import ExposureError
from exposure_dagster.corpora.ooh import NAME as OOH_CORPUS
from exposure_dagster.definitions import build_defs
from exposure_dagster.prompts.files import load_folder
from exposure_dagster.settings import ScorerName
from tests.integration.company import ROWS, Company, made_company
from tests.integration.counting_server import CountingServer, counting_server, system_key

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return made_company(tmp_path)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, str]:
    """A company after one run, and what that printed."""
    made = made_company(tmp_path_factory.mktemp("ran"))
    with contextlib.redirect_stdout(io.StringIO()) as said:
        made.run()
    return made, said.getvalue()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    with counting_server() as running:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running


def asked(company: Company, server: CountingServer) -> dict[str, list[str]]:
    """The documents of the answered requests, by prompt; the count begins anew."""
    folder = load_folder(company.prompts, known_corpora=["roles", "posts"], known_models=MODELS)
    names = {system_key(prompt.asked.system): prompt.name for prompt in folder.prompts}
    found: dict[str, list[str]] = {}
    for one in server.asked:
        found.setdefault(names[one.system], []).extend(one.documents)
    server.forget()
    return {name: sorted(documents) for name, documents in found.items()}


MODELS = ["claude-haiku-5-5"]


def test_a_run_about_own_roles_ranks_them_with_jobs_pay_and_quadrants_and_fetches_nothing(
    ran: tuple[Company, str],
) -> None:
    company, said = ran
    rows = company.warehouse.read("SELECT * FROM ranked.rankings ORDER BY doc_id").set_index("doc_id")
    assert list(rows.index) == ["acct", "cook", "dev", "fork"]
    assert rows["jobs"].to_dict() == {"acct": 9, "cook": 12, "dev": 40, "fork": 25}
    assert rows.loc["dev", "wages"] == 40 * 118_000
    assert rows.loc["dev", "pay_basis"] == "annual"
    assert rows.loc[["cook"], "median_pay_annual"].isna().all()
    assert rows.loc["dev", "quadrant"] == "Digital and remote"
    assert rows.loc["fork", "quadrant"] == "Neither digital nor remote"
    totals = company.warehouse.rows(
        "SELECT sum(occupations), sum(jobs) FROM ranked.summaries WHERE grouping = 'quadrant'"
    )
    assert totals == [(4, 86)]
    assert company.warehouse.rows("SELECT count(*) FROM raw.ooh_index") == [(0,)]
    assert company.warehouse.site_kind() is None
    assert "Digital and remote" in said


def test_where_a_document_came_from_is_kept(ran: tuple[Company, str]) -> None:
    company, _ = ran
    before = company.warehouse.rows("SELECT DISTINCT file, file_sha256, read_at FROM raw.own_documents")
    assert len(before) == 1 and before[0][0] == str(company.file) and before[0][2] is not None
    company.run()
    assert company.warehouse.rows("SELECT DISTINCT file, file_sha256, read_at FROM raw.own_documents") == before


def test_a_changed_row_costs_one_request_and_other_jobs_or_pay_are_ranked_without_one(
    company: Company, server: CountingServer
) -> None:
    """And only the prompts of its corpus are stale."""
    company.add_prompt("others", of="offshoring", corpus="posts")
    other = company.root / "posts.csv"
    other.write_text("doc_id,title,text\np1,Porter,Carries things.\np2,Poet,Writes verse.\n", encoding="utf-8")
    both = {"documents": f"roles={company.file}, posts={other}", "scorer": ScorerName.MODEL}

    company.run(**both)
    assert asked(company, server) == {"our_roles": sorted(ROWS), "others": ["p1", "p2"]}
    company.run(**both)
    assert asked(company, server) == {}

    company.write(dev=ROWS["dev"].replace(",40,", ",50,"))
    company.run(**both)
    assert asked(company, server) == {}
    assert company.warehouse.rows("SELECT jobs, wages FROM ranked.rankings WHERE doc_id = 'dev'") == [
        (50, 50 * 118_000.0)
    ]

    cook, clerk = ROWS["cook"].replace("kitchen", "canteen"), ROWS["acct"].replace("Accountant", "Clerk")
    company.write(cook=cook, acct=clerk, dev=None, guard="guard,Guard,Watches the door.,3,38000")
    company.run(**both)
    assert asked(company, server) == {"our_roles": ["acct", "cook", "guard"]}
    assert company.warehouse.rows("SELECT 1 FROM ranked.rankings WHERE doc_id = 'dev'") == []


def test_a_broken_file_is_told_by_line_and_its_last_good_rows_stand(
    ran: tuple[Company, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company = Company(Path(shutil.copytree(ran[0].root, tmp_path / "ran", symlinks=True)))
    company.write(dev="dev,Backend developer,,forty,", fork="fork,Forklift driver,Other words.,25,43500")
    capsys.readouterr()
    company.run()
    told = capsys.readouterr().err
    assert "own_files_can_be_used" in told
    assert "line 2: text is empty; line 2: jobs is 'forty'" in told
    assert "The 4 documents of its last good version stand" in told
    assert company.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE doc_id IN ('dev', 'fork')") == [(2,)]
    assert company.warehouse.rows("SELECT 1 FROM parsed.documents WHERE text LIKE '%Other words%'") == []

    company.write()
    company.run()
    assert "own_files_can_be_used" not in capsys.readouterr().err


def test_a_corpus_that_never_had_a_good_file_leaves_its_prompts_out_and_the_others_go_on(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.add_prompt("others", of="offshoring", corpus="posts")
    company.run(documents=f"roles={company.file},posts={company.root / 'absent.csv'}")
    assert company.warehouse.rows("SELECT DISTINCT prompt FROM ranked.rankings") == [("our_roles",)]
    assert "left out: others, since corpus posts has no documents" in capsys.readouterr().err


def test_without_a_single_document_there_is_nothing_to_ask(company: Company) -> None:
    company.file.unlink()
    with pytest.raises(ExposureError, match="nothing to ask about"):
        company.run()


def test_a_corpus_that_is_no_longer_set_takes_its_documents_along(company: Company) -> None:
    company.add_prompt("others", of="offshoring", corpus="posts")
    other = company.root / "posts.csv"
    other.write_text("doc_id,title,text\np1,Porter,Carries things.\np2,Poet,Writes verse.\n", encoding="utf-8")
    company.run(documents=f"roles={company.file},posts={other}")
    company.run()
    assert company.warehouse.rows("SELECT DISTINCT corpus FROM raw.own_documents") == [("roles",)]
    assert company.warehouse.rows("SELECT DISTINCT corpus FROM parsed.documents") == [("roles",)]
    assert company.warehouse.rows("SELECT count(*) FROM ranked.rankings WHERE prompt = 'others'") == [(2,)]


def test_a_change_of_own_documents_changes_no_other_corpus(company: Company, sample_run: Path) -> None:
    shutil.copytree(sample_run, company.root / "home", symlinks=True)
    company.add_prompt("exposure", of="exposure", corpus="ooh")
    company.run(sites="sample")
    query = "SELECT DISTINCT prompt, input_hash FROM scored.scores ORDER BY prompt"
    before = dict(company.warehouse.rows(query))
    company.write(cook=None)
    company.run(sites="sample")
    after = dict(company.warehouse.rows(query))
    assert before["exposure"] == after["exposure"]
    assert before["our_roles"] != after["our_roles"]


def test_a_run_selects_the_sources_that_its_corpora_need(company: Company) -> None:
    graph = build_defs(company.settings()).get_repository_def().asset_graph

    def names(*corpora: str) -> set[str]:
        return {"/".join(key.path) for key in sources_of(corpora).resolve(graph)}

    own = {"raw/own_documents", "parsed/documents", "parsed/document_facts", "parsed/texts", "parsed/soc_crosswalk"}
    own.add("parsed/matches")  # with what stands of O*NET
    own |= {"raw/indices", "parsed/index_values"}
    assert names("roles") == own
    assert names(OOH_CORPUS) >= own | {"raw/ooh_index", "raw/ooh_pages", "parsed/ooh_titles", "parsed/ooh_unread"}
    assert {name for name in names(OOH_CORPUS) if name.startswith("raw/onet")} == set()


def test_documents_hang_on_the_own_ones(company: Company) -> None:
    graph = build_defs(company.settings()).get_repository_def().asset_graph
    assert AssetKey(["raw", "own_documents"]) in graph.get(AssetKey(["parsed", "documents"])).parent_keys


def test_the_text_that_is_asked_about_begins_with_the_title(ran: tuple[Company, str]) -> None:
    company, _ = ran
    ((text,),) = company.warehouse.rows("SELECT text FROM parsed.documents WHERE doc_id = 'cook'")
    assert text.startswith("# Line cook\n\nCooks food")


def test_own_documents_do_not_bind_a_warehouse_to_a_kind_of_site(ran: tuple[Company, str]) -> None:
    company, _ = ran
    company.warehouse.claim_for_site("sample")
    company.warehouse.claim_for_site("live")
