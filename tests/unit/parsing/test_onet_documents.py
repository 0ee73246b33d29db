"""The texts that prompts are asked about: occupations and tasks."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from exposure_dagster.corpora.onet.database import OnetDatabase
from exposure_dagster.corpora.onet.documents import onet_documents, task_documents, task_table, title_table
from exposure_dagster.corpora.onet.listing import ListedOccupation
from exposure_dagster.corpora.onet.occupations import OnetOccupation, onet_occupations
from exposure_dagster.corpora.onet.page import OnetPage

DATABASE = OnetDatabase(
    release=None,
    files={},
    occupations=pd.DataFrame(
        {"onet_code": ["47-2999.00"], "title": ["Lamp Keepers"], "description": ["Keep lamps burning."]}
    ),
    reported_titles=pd.DataFrame(
        {"onet_code": ["47-2999.00"] * 2, "reported_title": ["Lighter", "Trimmer"], "is_in_my_next_move": True}
    ),
    education=pd.DataFrame(
        {
            "onet_code": ["47-2999.00"] * 2,
            "element_id": "2.D.1",
            "scale_id": "RL",
            "category": pd.array([1, 2], dtype="Int64"),
            "value": [24.6, 75.4],
        }
    ),
    tasks=pd.DataFrame(
        {
            "onet_code": ["47-2999.00"] * 3 + ["11-1011.00"],
            "task_id": pd.array([7, 5, 6, 9], dtype="Int64"),
            "task": ["Order oil.", "Light lamps.", "Keep a log.", "Decide."],
            "task_type": ["Supplemental", "Core", None, "Core"],
            "incumbents_responding": pd.array([40, 95, None, 99], dtype="Int64"),
            "date": "08/2023",
            "domain_source": "Incumbent",
        }
    ),
    task_ratings=pd.DataFrame(
        {
            "onet_code": ["47-2999.00"] * 3,
            "task_id": pd.array([5, 5, 7], dtype="Int64"),
            "scale_id": ["FT", "IM", "IM"],
            "category": pd.array([1, None, None], dtype="Int64"),
            "value": [12.5, 4.6, 2.1],
        }
    ),
)
LISTED = [
    ListedOccupation("47-2999.00", "Lamp Keepers", 2, is_scoreable=True),
    ListedOccupation("47-2998.00", "Keepers, All Other", None, is_scoreable=False),
]


def keepers(database: OnetDatabase | None = DATABASE, page: OnetPage | None = None) -> list[OnetOccupation]:
    return onet_occupations(LISTED, database=database, pages=None if page is None else [page])


def test_a_document_holds_what_the_work_is_as_one_readable_text() -> None:
    (document,) = onet_documents(keepers(), database=DATABASE)
    assert (document.doc_id, document.title) == ("47-2999.00", "Lamp Keepers")
    assert document.text == (
        "# Lamp Keepers\n\n"
        "Keep lamps burning.\n\n"
        "## Tasks\n\n"
        "- Light lamps.\n- Order oil.\n- Keep a log.\n\n"
        "## Job titles that people report\n\n"
        "Lighter; Trimmer\n\n"
        "## Education and preparation\n\n"
        "- Required of a new hire, by share of the workers asked: high school diploma (75 %) and "
        "less than a high school diploma (25 %).\n"
        "- Job zone 2 of 5: some preparation."
    )


def test_occupations_without_data_are_no_documents() -> None:
    assert [document.doc_id for document in onet_documents(keepers(), database=DATABASE)] == ["47-2999.00"]


def test_parts_of_which_nothing_is_known_are_left_out() -> None:
    (document,) = onet_documents(keepers(None))
    assert document.text == "# Lamp Keepers\n\n## Education and preparation\n\n- Job zone 2 of 5: some preparation."


def test_a_level_of_education_that_nobody_was_asked_about_is_left_out() -> None:
    occupations = [replace(keepers(None)[0], education_top="High school diploma")]
    assert "high school" not in onet_documents(occupations)[0].text


def test_a_page_gives_the_tasks_where_the_database_has_none() -> None:
    page = OnetPage(
        onet_code="47-2999.00",
        title="Lamp Keepers",
        description=None,
        sample_titles=(),
        tasks=("Trim wicks.",),
        tasks_count=1,
        median_wage_annual=None,
        median_wage_hourly=None,
        wage_is_top_coded=False,
        wage_year=None,
        growth_category=None,
        openings=None,
        base_year=None,
        projection_year=None,
        education=(),
    )
    assert "- Trim wicks." in onet_documents(keepers(None, page), pages=[page])[0].text
    assert "- Trim wicks." not in onet_documents(keepers(DATABASE, page), database=DATABASE, pages=[page])[0].text


def test_tasks_are_tabled_with_their_importance_where_it_was_rated() -> None:
    table = task_table(keepers(), DATABASE)
    assert list(table["doc_id"]) == ["47-2999.00-7", "47-2999.00-5", "47-2999.00-6"]
    assert list(table["title"]) == ["Lamp Keepers"] * 3
    assert [None if pd.isna(value) else value for value in table["importance"]] == [2.1, 4.6, None]


def test_tasks_without_ratings_have_no_importance() -> None:
    assert task_table(keepers(), replace(DATABASE, task_ratings=None))["importance"].isna().all()


def test_a_database_without_tasks_gives_an_empty_table_and_no_documents() -> None:
    table = task_table(keepers(), replace(DATABASE, tasks=None))
    assert list(table.columns)[:3] == ["doc_id", "onet_code", "title"]
    assert task_documents(table) == []


def test_a_task_document_says_whose_task_it_is() -> None:
    document = task_documents(task_table(keepers(), DATABASE))[1]
    assert (document.doc_id, document.title) == ("47-2999.00-5", "Lamp Keepers")
    assert document.text == "Light lamps.\n\nA task of: Lamp Keepers"


def test_reported_titles_are_tabled_before_listed_ones_each_once_with_their_origin() -> None:
    listed = pd.DataFrame(
        {
            "onet_code": ["47-2999.00", "47-2999.00", "11-1011.00"],
            "job_title": ["Trimmer", "Gas Lamp Lighter (GLL)", "Not among them"],
            "short_title": [None, "GLL", None],
        }
    )
    titles = title_table(keepers(), replace(DATABASE, job_titles=listed))
    assert list(titles.itertuples(index=False, name=None)) == [
        ("47-2999.00", "Lighter", "reported", "database"),
        ("47-2999.00", "Trimmer", "reported", "database"),
        ("47-2999.00", "Gas Lamp Lighter (GLL)", "listed", "database"),
        ("47-2999.00", "GLL", "listed", "database"),
    ]
    assert list(title_table(keepers(), DATABASE)["title"]) == ["Lighter", "Trimmer"]
