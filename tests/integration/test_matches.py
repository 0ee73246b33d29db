"""A company's roles find their O*NET occupations: in the warehouse, in the published files, on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dagster import AssetKey, materialize

from assets.parsed import ASSETS
from exposure_dagster.automation.jobs import sources_of
from exposure_dagster.cli import main
from exposure_dagster.definitions import build_defs, resources_of
from exposure_dagster.pipeline.matches import match_own_documents
from exposure_dagster.pipeline.published import read_content
from exposure_dagster.store.warehouse import Warehouse
from resources.progress import ProgressFactory
from tests.integration.company import Company, made_company

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

NURSE, CLERK, TRUCKS = "29-1141.00", "43-9061.00", "53-3032.00"
ROLES = """doc_id,title,text,jobs,onet_codes
nurse,Registered nurse,Cares for patients.,3,
temp,Somebody,Does this and that.,2,43-9061.00
both,Handyman and clerk,Does many things.,2,43-9061.00;53-3032.00
haul,Hauling person,Drives a truck over long distances.,7,
zh,护士,照顾病人,1,
"""
MATCHES = "SELECT doc_id, onet_code, how, is_accepted FROM parsed.matches WHERE rank = 1 ORDER BY doc_id"


def exposure(company: Company, *arguments: str, **variables: str) -> Result:
    settings = {
        "EXPOSURE_HOME": str(company.root / "home"),
        "EXPOSURE_SITES": "sample",
        "EXPOSURE_SCORER": "baseline",
        "EXPOSURE_PROMPTS": str(company.prompts),
        "EXPOSURE_DOCUMENTS": f"roles={company.file}",
    }
    return CliRunner().invoke(main, arguments, env={**settings, **variables})


def made(root: Path) -> Company:
    company = made_company(root)
    company.file.write_text(ROLES, encoding="utf-8")
    return company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company that ran before it had O*NET, fetched it, and ran again."""
    company = made(tmp_path_factory.mktemp("company"))
    company.run(sites="sample")
    assert company.warehouse.rows("SELECT count(*) FROM parsed.matches") == [(0,)]
    assert not (published(company) / "role_occupations.csv").exists()
    fetched = exposure(company, "match", "--fetch")
    assert fetched.exit_code == 0, fetched.output
    company.run(sites="sample")
    return company


def published(company: Company) -> Path:
    return company.root / "home" / "published" / "current" / "our_roles"


def test_roles_have_the_occupation_of_their_title_or_the_one_that_their_file_names(company: Company) -> None:
    """What is unsure is not accepted; a role of several occupations has none, nor one of which nothing is known."""
    found = {doc_id: rest for doc_id, *rest in company.warehouse.rows(MATCHES)}
    assert found.keys() == {"haul", "nurse", "temp"}
    assert found["nurse"] == [NURSE, "exact", True]
    assert found["temp"] == [CLERK, "given", True]
    assert found["haul"][1:] == ["similar", False]
    assert company.warehouse.rows("SELECT max(rank), count(*) FROM parsed.matches WHERE doc_id = 'haul'") == [(5, 5)]


def test_the_occupations_figures_stand_beside_the_ranking_under_names_of_their_own(company: Company) -> None:
    with (published(company) / "role_occupations.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["doc_id"]: row for row in csv.DictReader(file)}
    assert list(rows) and set(rows) == {"nurse", "temp", "haul"}
    ((jobs, pay),) = company.warehouse.rows(
        f"SELECT jobs, pay_annual FROM parsed.document_facts WHERE corpus = 'onet' AND doc_id = '{NURSE}'"
    )
    assert (int(rows["nurse"]["occupation_jobs"]), float(rows["nurse"]["occupation_pay_annual"])) == (jobs, pay)
    assert rows["haul"]["is_accepted"] == "False"
    assert {value for name, value in rows["haul"].items() if name.startswith("occupation_")} == {""}
    assert "role_occupations.csv" in (published(company).parent / "data_dictionary.md").read_text(encoding="utf-8")
    assert "O*NET" in (published(company).parent / "ATTRIBUTION.md").read_text(encoding="utf-8")


def test_the_page_says_of_a_role_what_it_is_taken_to_be_and_of_an_unsure_one_nothing(company: Company) -> None:
    data = json.loads((published(company).parent / "site" / "data.json").read_text(encoding="utf-8"))
    (roles,) = [one for one in data["sets"] if one["name"] == "roles"]
    said = {label: dict(zip(roles["id"], lists, strict=True)) for label, lists in roles["classifications"].items()}
    assert said["Taken to be"] == {
        "both": [],
        "haul": [],
        "nurse": [f"Registered Nurses ({NURSE}, by its exact title)"],
        "temp": [f"Office Clerks, General ({CLERK}, by its file)"],
        "zh": [],
    }
    assert "equal share" in said["Jobs in that occupation"]["nurse"][0]
    assert said["Pay in that occupation"]["temp"][0].endswith(" USD a year")


def test_indices_stand_beside_a_role_as_figures_of_its_occupation(company: Company, tmp_path: Path) -> None:
    index = tmp_path / "ours.csv"
    index.write_text(f"code,value,code_system\n{NURSE},0.25,onet2019\n{TRUCKS},0.5,onet2019\n", encoding="utf-8")
    company.run(sites="sample", indices=f"ours={index}")
    with (published(company) / "role_occupations.csv").open(encoding="utf-8-sig", newline="") as file:
        indices = {row["doc_id"]: row["occupation_indices"] for row in csv.DictReader(file)}
    assert json.loads(indices.pop("nurse")) == {"ours": 0.25}
    assert set(indices.values()) == {""}
    assert "Index ours" in (published(company).parent / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "ours 0.25" in (published(company).parent / "site" / "data.json").read_text(encoding="utf-8")
    company.run(sites="sample")
    assert "Index ours" not in (published(company).parent / "ATTRIBUTION.md").read_text(encoding="utf-8")


def test_the_nearest_relatives_of_an_accepted_occupation_stand_beside_it(company: Company) -> None:
    store = company.warehouse
    related = "SELECT onet_code, 'related', i, 'Kin ' || i FROM parsed.matches, range(3, 0, -1) t(i) WHERE rank = 1"
    with store.transaction() as connection:
        connection.execute(f"INSERT INTO parsed.onet_features (onet_code, feature, place, name) {related}")
    (table,) = [one for one in read_content(store).tables if one.stem == "role_occupations"]
    found = dict(zip(table.rows["doc_id"], map(list, table.rows["neighbours"]), strict=True))
    assert found == {"nurse": ["Kin 1", "Kin 2", "Kin 3"], "temp": ["Kin 1", "Kin 2", "Kin 3"], "haul": []}
    with store.transaction() as connection:
        connection.execute("DELETE FROM parsed.onet_features WHERE name LIKE 'Kin %'")


def test_no_total_weighs_by_an_occupations_jobs(company: Company) -> None:
    assert company.warehouse.rows("SELECT jobs FROM ranked.summaries WHERE grouping = 'all'") == [(15,)]


def test_the_asset_is_materialized_from_what_stands_and_tells_which_corrections_are_left_out(
    company: Company, tmp_path: Path
) -> None:
    corrections = tmp_path / "corrections.csv"
    corrections.write_text(f"document,code\nhaul,{TRUCKS}\nnurse,none\nzh,{NURSE}\ngone,{NURSE}\n", encoding="utf-8")
    settings = company.settings(sites="sample", matches=corrections)
    (matches,) = [asset for asset in ASSETS if AssetKey(["parsed", "matches"]) in asset.keys]
    wanted = resources_of(settings, ProgressFactory(), ask_again=False)
    result = materialize([matches], resources={name: wanted[name] for name in ("warehouse", "own_files")})
    assert result.success
    outcomes = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert outcomes["rows_fit_the_registry"].passed
    assert not outcomes["corrections_can_be_used"].passed
    assert "line 5: there is no document 'gone'" in (outcomes["corrections_can_be_used"].description or "")
    assert company.warehouse.rows(MATCHES) == [
        ("haul", TRUCKS, "corrected", True),
        ("nurse", None, "corrected", False),
        ("temp", CLERK, "given", True),
        ("zh", NURSE, "corrected", True),
    ]
    company.run(sites="sample")  # without the corrections
    assert company.warehouse.rows(MATCHES)[1] == ("nurse", NURSE, "exact", True)


def test_matches_hang_on_own_documents_and_on_onets_tables(company: Company) -> None:
    graph = build_defs(company.settings()).get_repository_def().asset_graph
    key = AssetKey(["parsed", "matches"])
    assert {"/".join(one.path) for one in graph.get(key).parent_keys} == {
        "raw/own_documents",
        "parsed/onet_occupations",
        "parsed/onet_titles",
        "parsed/onet_tasks",
    }
    assert key in sources_of(["roles"]).resolve(graph)


def test_the_command_lists_the_unsure_ones_first(company: Company) -> None:
    result = exposure(company, "match")
    assert result.exit_code == 0, result.output
    assert "2 of 4 roles settled, the others first" in result.output
    places = [result.output.index(f"roles/{name} ") for name in ("zh", "haul", "temp", "nurse")]
    assert places == sorted(places)
    assert "roles/zh  护士: nothing like it is known" in result.output
    assert f"Registered nurse: exact, {NURSE}" in result.output
    assert "Hauling person: unsure" in result.output
    assert "1 document of several O*NET codes by the file's own word: not matched" in result.output


def test_titles_that_are_typed_are_looked_up_in_their_order(company: Company) -> None:
    result = exposure(company, "match", "Nobody's friend", "Registered Nurses", "", "--json")
    first, second, third = json.loads(result.stdout)
    assert (first["title"], first["is_settled"]) == ("Nobody's friend", False)
    assert (second["onet_code"], second["how"]) == (NURSE, "exact")
    assert third["candidates"] == []
    assert exposure(company, "match", "A", "B", "--duties", "Cares.").exit_code == 2
    assert exposure(company, "match", "A", "--template", "a.csv").exit_code == 2


def test_a_template_is_filled_in_and_settles_what_was_unsure(company: Company, tmp_path: Path) -> None:
    template = tmp_path / "unsure.csv"
    assert exposure(company, "match", "--template", str(template)).exit_code == 0
    with template.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["document"] for row in rows] == ["zh", "haul"]
    assert exposure(company, "match", "--template", str(template)).exit_code == 1, "a file in the place stays"
    filled = template.read_text(encoding="utf-8-sig").replace("haul,,", f"haul,{TRUCKS},").replace("zh,,", "zh,none,")
    template.write_text(filled, encoding="utf-8")
    result = exposure(company, "match", EXPOSURE_MATCHES=str(template))
    assert result.exit_code == 0, result.output
    assert "4 of 4 roles settled" in result.output
    assert f"Hauling person: corrected, {TRUCKS}" in result.output
    assert "护士: no occupation, as the corrections say" in result.output
    template.write_text("document,code\nhaul,1\n", encoding="utf-8")
    wrong = exposure(company, "match", EXPOSURE_MATCHES=str(template))
    assert wrong.exit_code == 1
    assert "left out: unsure.csv, line 2: '1' is no O*NET-SOC code" in " ".join(wrong.output.split())


def test_everything_is_written_to_a_csv_file_in_which_nothing_is_a_formula(company: Company, tmp_path: Path) -> None:
    target = tmp_path / "matches.csv"
    assert exposure(company, "match", "=1+1", "Registered nurse", "--csv", str(target)).exit_code == 0
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["title"] == "'=1+1"
    assert (rows[-1]["code"], rows[-1]["share"], rows[-1]["is_settled"]) == (NURSE, "1.0", "True")


def test_without_documents_or_occupations_the_command_says_what_to_do(tmp_path: Path) -> None:
    company = made(tmp_path)
    bare = exposure(company, "match", "Cook")
    assert bare.exit_code == 1
    assert "there are no O*NET occupations yet" in bare.output and "exposure match --fetch" in bare.output


def test_without_documents_of_ones_own_the_table_is_empty_and_nothing_more_is_published(sample_home: Path) -> None:
    home = {"EXPOSURE_HOME": str(sample_home), "EXPOSURE_SITES": "sample"}
    asked = CliRunner().invoke(main, ["match"], env={**home, "EXPOSURE_DOCUMENTS": ""})
    assert asked.exit_code == 1
    assert "there are no" in asked.output
    assert Warehouse(sample_home / "exposure.duckdb").rows("SELECT count(*) FROM parsed.matches") == [(0,)]
    assert not list((sample_home / "published" / "current").rglob("role_occupations*"))


def test_a_corpus_that_is_too_large_for_roles_is_left_out_and_named(company: Company) -> None:
    store = company.warehouse
    rows = "SELECT 'many', 'd' || i, 'Registered nurse', 'Cares.' FROM range(50001) t(i)"
    with store.transaction() as connection:
        connection.execute(f"INSERT INTO raw.own_documents (corpus, doc_id, title, text) {rows}")
    report = match_own_documents(store)
    assert report.result == "2 of 5 documents have an occupation; left out as too large: many (50,001 documents)"
    assert store.rows("SELECT DISTINCT corpus FROM parsed.matches") == [("roles",)]
    with store.transaction() as connection:
        connection.execute("DELETE FROM raw.own_documents WHERE corpus = 'many'")
