"""From standing answers to ranked tables, and the checks on both."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from exposure_dagster.core.checks import rows_fit_the_registry
from exposure_dagster.core.errors import PromptError
from exposure_dagster.corpora.own.tables import OWN_DOCUMENTS
from exposure_dagster.pipeline import checks
from exposure_dagster.pipeline.documents import collect_facts
from exposure_dagster.pipeline.ranked import document_facts, rank_prompt, summarize_prompt
from exposure_dagster.prompts.model import Tier
from exposure_dagster.prompts.render import ranking_part
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import DEFINITIONS, INPUTS, TABLES
from tests.integration.ranked_tables import OCCUPATIONS, PROMPT, answer, fill


@pytest.fixture(scope="session")
def ranked_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = Warehouse(tmp_path_factory.mktemp("ranked") / "exposure.duckdb")
    fill(warehouse, "exposure", "second")
    return warehouse.path


@pytest.fixture
def warehouse(ranked_file: Path, tmp_path: Path) -> Warehouse:
    shutil.copy(ranked_file, tmp_path)
    return Warehouse(tmp_path / ranked_file.name, wait_s=5)


def change(warehouse: Warehouse, *statements: str) -> None:
    with warehouse.transaction() as connection:
        for statement in statements:
            connection.execute(statement)


def define(warehouse: Warehouse, **parts: object) -> None:
    definition = ranking_part(PROMPT.model_copy(update=parts))
    row = {"prompt": "exposure", "ranking_hash": definition.ranking_hash, "definition": definition.model_dump_json()}
    warehouse.replace(DEFINITIONS, pd.DataFrame([row]), where={"prompt": "exposure"})


def failed(outcomes: list[checks.CheckOutcome]) -> dict[str, str]:
    return {outcome.name: outcome.description for outcome in outcomes if not outcome.passed}


def ranks(warehouse: Warehouse, prompt: str = "exposure") -> list[tuple[object, ...]]:
    return warehouse.rows(
        "SELECT rank, doc_id, tier, soc_major_group FROM ranked.rankings WHERE prompt = ? ORDER BY rank, doc_id",
        [prompt],
    )


def test_answers_are_ranked_with_what_the_pages_say(warehouse: Warehouse) -> None:
    assert ranks(warehouse) == [
        (1, "actors", "High", "Arts, design, entertainment, sports, and media"),
        (2, "physicians", "High", "Healthcare practitioners and technical"),
        (3, "roofers", "Low", "Construction and extraction"),
        (None, "military", None, None),
    ]
    assert warehouse.rows("SELECT DISTINCT wages, jobs FROM ranked.rankings WHERE doc_id = 'physicians'") == [
        (839_000 * 239_200, 839_000)
    ]


def test_every_check_holds_of_what_was_ranked(warehouse: Warehouse) -> None:
    assert failed([*checks.rankings(warehouse, "exposure"), checks.groups_add_up(warehouse, "exposure")]) == {}
    with warehouse.connect(read_only=True) as connection:
        outcomes = [rows_fit_the_registry(connection, table) for table in TABLES.values()]
    assert failed(outcomes) == {}


def test_a_prompt_is_ranked_without_touching_another(warehouse: Warehouse) -> None:
    before = ranks(warehouse)
    answer(warehouse, "second", [9.0, 8.0, 7.0, 6.0], ["a", "b", "c", "d"])
    assert ranks(warehouse) == before
    assert [doc_id for _, doc_id, *_ in ranks(warehouse, "second")] == ["roofers", "physicians", "actors", "military"]


def test_other_tiers_rank_again_from_the_same_answers(warehouse: Warehouse) -> None:
    scores = warehouse.rows("SELECT * FROM scored.scores ORDER BY doc_id")
    define(warehouse, tiers=(Tier(label="Everything", range=(0, 10)),))
    rank_prompt(warehouse, "exposure")
    assert {tier for _, _, tier, _ in ranks(warehouse)} == {"Everything", None}
    assert warehouse.rows("SELECT * FROM scored.scores ORDER BY doc_id") == scores


def test_the_same_answers_give_the_same_digest_and_others_another(warehouse: Warehouse) -> None:
    first = rank_prompt(warehouse, "exposure").digest, summarize_prompt(warehouse, "exposure").digest
    assert (rank_prompt(warehouse, "exposure").digest, summarize_prompt(warehouse, "exposure").digest) == first
    change(warehouse, "UPDATE scored.scores SET score = 2 WHERE doc_id = 'roofers'")
    assert rank_prompt(warehouse, "exposure").digest != first[0]
    assert summarize_prompt(warehouse, "exposure").digest != first[1]


@pytest.mark.parametrize("stage", [rank_prompt, summarize_prompt])
def test_a_prompt_that_nothing_is_recorded_of_is_a_clear_error(warehouse: Warehouse, stage: object) -> None:
    with pytest.raises(PromptError, match=r"^prompt unknown: nothing says how its answers are ranked\. Materialize"):
        stage(warehouse, "unknown")  # type: ignore[operator]


def test_a_corpus_without_figures_has_titles_and_nothing_else(warehouse: Warehouse) -> None:
    document = {"corpus": "letters", "doc_id": "a", "title": "A letter", "text": "Dear"}
    warehouse.append(OWN_DOCUMENTS, pd.DataFrame([document]))
    collect_facts(warehouse)
    facts = document_facts(warehouse, "letters")
    assert facts[["doc_id", "title"]].values.tolist() == [["a", "A letter"]]
    assert facts.drop(columns=["doc_id", "title"]).isna().all(axis=None)


@pytest.mark.parametrize(
    ("currencies", "shown"),
    [(["EUR", "USD"], "USD"), (["EUR", "EUR", "USD"], "EUR"), (["NOK"], "NOK"), ([None], "USD")],
)
def test_pay_is_ranked_in_the_currency_of_most_documents_and_none_is_taken_for_another(
    warehouse: Warehouse, currencies: list[str | None], shown: str
) -> None:
    rows = [
        {
            "corpus": "roles",
            "doc_id": str(number),
            "title": "T",
            "text": "T",
            "median_pay_annual": 50_000.0,
            "pay_currency": code,
        }
        for number, code in enumerate(currencies)
    ]
    warehouse.append(OWN_DOCUMENTS, pd.DataFrame(rows))
    collect_facts(warehouse)
    facts = document_facts(warehouse, "roles").sort_values("doc_id")
    expected = [(50_000.0, shown) if (code or "USD") == shown else (None, None) for code in currencies]
    found = facts[["median_pay_annual", "pay_currency"]].astype("object")
    assert list(found.where(found.notna(), None).itertuples(index=False, name=None)) == expected
    assert warehouse.rows("SELECT DISTINCT pay_annual FROM parsed.document_facts WHERE corpus = 'roles'") == [
        (50_000.0,)
    ]


# Checks


def test_an_answer_that_was_lost_on_the_way_is_seen(warehouse: Warehouse) -> None:
    change(warehouse, "DELETE FROM ranked.rankings WHERE doc_id = 'roofers'")
    assert failed(checks.rankings(warehouse, "exposure")) == {
        "every_score_is_ranked": "exposure: 4 standing rows, 3 ranked rows, 0 answers without a rank"
    }


def test_a_score_that_lies_beside_the_scale_or_between_the_tiers_is_seen(warehouse: Warehouse) -> None:
    define(warehouse, tiers=PROMPT.tiers[:1])
    answer(warehouse, "exposure", [11.0, 5.0, 3.0, None], ["a", "b", "c", None])
    assert failed(checks.rankings(warehouse, "exposure")) == {
        "scores_lie_on_the_scale": "exposure: 1 rows outside the scale, 2 scores in no tier"
    }


def test_a_prompt_without_tiers_lacks_none(warehouse: Warehouse) -> None:
    define(warehouse, tiers=())
    rank_prompt(warehouse, "exposure")
    assert failed(checks.rankings(warehouse, "exposure")) == {}


@pytest.mark.parametrize(
    "lost",
    [
        "DELETE FROM ranked.summaries WHERE group_label = 'Healthcare practitioners and technical'",
        "DELETE FROM ranked.summaries WHERE grouping = 'soc_major_group'",
        "UPDATE ranked.summaries SET jobs = jobs + 1 WHERE group_label = 'No SOC code'",
    ],
)
def test_groups_that_do_not_add_up_are_seen(warehouse: Warehouse, lost: str) -> None:
    change(warehouse, lost)
    outcome = checks.groups_add_up(warehouse, "exposure")
    assert outcome.found is not None
    assert outcome.found["grouping"].tolist() == ["soc_major_group"]


def test_a_document_without_a_standing_row_and_one_without_an_answer_are_seen(warehouse: Warehouse) -> None:
    documents = pd.DataFrame({"prompt": "exposure", "doc_id": [*OCCUPATIONS["slug"], "weavers"]})
    warehouse.replace(INPUTS, documents, where={"prompt": "exposure"})
    accounted, answered = checks.scores(warehouse, "exposure")
    assert (accounted.is_error, answered.is_error) == (True, False)
    assert failed([accounted, answered]) == {
        "every_document_is_accounted_for": "exposure: 5 documents to be asked about, 1 without a row",
        "every_document_has_an_answer": "refused or failed: exposure: 1 document; second: 1 document",
    }
    assert accounted.found is not None
    assert accounted.found["doc_id"].tolist() == ["weavers"]
