"""What is published beside the rankings: versions that were answered, and where the text of each document was read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from exposure_dagster.corpora.onet.tables import ONET_DATABASE, ONET_OCCUPATIONS, ONET_PAGES
from exposure_dagster.corpora.own.tables import OWN_DOCUMENTS
from exposure_dagster.pipeline.published import ranked_fingerprint, read_content
from exposure_dagster.pipeline.ranking_inputs import RankedAs, put_made_from, ranked_as
from exposure_dagster.prompts.model import AskedPrompt
from exposure_dagster.prompts.render import asked_part
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import PROMPT_VERSIONS, RANKINGS, RESPONSES
from tests.integration.api_server import TEXT, fill_for_api
from tests.integration.ranked_tables import PROMPT, answer

pytestmark = pytest.mark.usefixtures("warehouses_opened_once")

READ_AT = pd.Timestamp("2026-02-01 12:00:00")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "exposure.duckdb", wait_s=60)
    fill_for_api(warehouse)
    return warehouse


def rows(warehouse: Warehouse, path: str) -> list[dict[str, Any]]:
    (frame,) = (table.rows for table in read_content(warehouse).tables if table.path == path)
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def about(warehouse: Warehouse, corpus: str) -> None:
    """Have the rankings of prompt `exposure` be about another corpus."""
    with warehouse.transaction() as connection:
        definition = ranked_as(connection)["exposure"].definition
        put_made_from(connection, RANKINGS, "exposure", "a digest", RankedAs(corpus, definition))


def source_of(warehouse: Warehouse, doc_id: str) -> tuple[Any, Any]:
    """Address and hash of what a document's text was read from."""
    (row,) = (row for row in rows(warehouse, "exposure/provenance") if row["doc_id"] == doc_id)
    address = row["page_url"]
    return (address if isinstance(address, str) else None), row["page_sha256"]


def test_a_version_is_published_once_it_is_answered(warehouse: Warehouse) -> None:
    standing = asked_part(PROMPT)
    edited = standing.model_copy(update={"system": "Edited."})
    before = ranked_fingerprint(warehouse)
    _see(warehouse, edited)
    assert [row["prompt_hash"] for row in rows(warehouse, "prompt_versions") if row["prompt"] == "exposure"] == [
        standing.prompt_hash
    ]
    assert ranked_fingerprint(warehouse) == before
    with warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO scored.score_versions BY NAME"
            " SELECT *, 1 AS version FROM scored.scores WHERE prompt = 'exposure'"
        )
        connection.execute("UPDATE scored.scores SET prompt_hash = ? WHERE prompt = 'exposure'", [edited.prompt_hash])
        connection.execute("UPDATE ranked.rankings SET prompt_hash = ? WHERE prompt = 'exposure'", [edited.prompt_hash])
    published = {row["prompt_hash"]: row for row in rows(warehouse, "prompt_versions") if row["prompt"] == "exposure"}
    assert {name: row["is_standing"] for name, row in published.items()} == {
        standing.prompt_hash: False,
        edited.prompt_hash: True,
    }
    assert published[edited.prompt_hash]["question"] == "Edited."
    assert ranked_fingerprint(warehouse) != before


def _see(warehouse: Warehouse, asked: AskedPrompt) -> None:
    row = {"prompt": "exposure", "prompt_hash": asked.prompt_hash, "definition": asked.model_dump_json()}
    warehouse.append(PROMPT_VERSIONS, pd.DataFrame([row]))


def test_an_onet_occupation_comes_from_its_page_or_else_from_the_database(warehouse: Warehouse) -> None:
    about(warehouse, "onet")
    codes = pd.DataFrame([{"onet_code": code, "soc_code": "47-2181", "title": code} for code in ("roofers", "actors")])
    warehouse.replace(ONET_OCCUPATIONS, codes)
    page = {"onet_code": "roofers", "url": "https://www.onetonline.org/link/summary/1", "content_sha256": "c" * 64}
    warehouse.replace(ONET_PAGES, pd.DataFrame([{**page, "body": b"page"}]))
    database = {"url": "https://www.onetcenter.org/db.zip", "content_sha256": "d" * 64, "body": b"zip"}
    warehouse.replace(ONET_DATABASE, pd.DataFrame([database]))
    assert source_of(warehouse, "roofers") == (page["url"], "c" * 64)
    assert source_of(warehouse, "actors") == (database["url"], "d" * 64)


def test_a_path_of_this_machine_is_never_published(warehouse: Warehouse, tmp_path: Path) -> None:
    about(warehouse, "onet")
    warehouse.replace(
        ONET_OCCUPATIONS, pd.DataFrame([{"onet_code": "roofers", "soc_code": "47-2181", "title": "Roofers"}])
    )
    saved = {"url": str(tmp_path / "db.zip"), "content_sha256": "d" * 64, "body": b"zip"}
    warehouse.replace(ONET_DATABASE, pd.DataFrame([saved]))
    assert source_of(warehouse, "roofers") == (None, "d" * 64)
    about(warehouse, "roles")
    own = {"corpus": "roles", "doc_id": "roofers", "title": "Roofers", "text": "Text.", "read_at": READ_AT}
    warehouse.replace(
        OWN_DOCUMENTS, pd.DataFrame([{**own, "file": str(tmp_path / "roles.csv"), "file_sha256": "e" * 64}])
    )
    assert source_of(warehouse, "roofers") == (None, "e" * 64)


def test_what_a_model_was_paid_does_not_stand_beside_an_answer_of_the_baseline(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        connection.execute("UPDATE scored.scores SET scorer = 'baseline' WHERE prompt = 'exposure'")
    (row,) = (row for row in rows(warehouse, "exposure/provenance") if row["doc_id"] == "roofers")
    assert (list(row["request_ids"]), pd.isna(row["cost_usd"])) == ([], True)


def test_cost_is_that_of_the_accepted_answers_about_the_text_that_stands(warehouse: Warehouse) -> None:
    ((count,),) = warehouse.rows(f"SELECT count(*) FROM {RESPONSES.full_name} WHERE is_accepted")
    assert count == 4
    (row,) = (row for row in rows(warehouse, "exposure/provenance") if row["doc_id"] == "roofers")
    assert (row["text_sha256"], row["cost_usd"], row["input_tokens"]) == (TEXT, 0.002, 2000)
    answer(warehouse, "exposure", [1.0, 5.0, 7.5, None], [None] * 4)
    (row,) = (row for row in rows(warehouse, "exposure/provenance") if row["doc_id"] == "roofers")
    assert pd.isna(row["cost_usd"])


def test_sections_are_published_with_their_first_items_and_a_change_of_one_is_a_change(warehouse: Warehouse) -> None:
    before = ranked_fingerprint(warehouse)
    published = rows(warehouse, "sections")
    assert [(row["corpus"], row["doc_id"], row["section"]) for row in published] == [
        ("onet", "47-2181.00", "skills"),
        ("onet", "47-2181.00", "software"),
    ]
    assert list(published[0]["items"]) == ["Coordination", "Balance", "Repairing", "Installation", "Vision"]
    with warehouse.transaction() as connection:
        connection.execute("UPDATE parsed.onet_features SET name = 'Slide rule' WHERE feature = 'software'")
    assert ranked_fingerprint(warehouse) != before
