"""What prompts can be asked about at O*NET: occupations (corpus `onet`) and single tasks (`onet_tasks`).

The texts hold what the work is, and no figure of the labour market: a new edition of the projections
changes no text, and has nothing asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from exposure_dagster.corpora.onet.database import OnetDatabase
from exposure_dagster.corpora.onet.occupations import OnetOccupation
from exposure_dagster.corpora.onet.page import OnetPage
from exposure_dagster.corpora.onet.release_tables import IMPORTANCE
from exposure_dagster.prompts.render import Document

JOB_ZONES = {
    1: "little or no preparation",
    2: "some preparation",
    3: "medium preparation",
    4: "considerable preparation",
    5: "extensive preparation",
}
"""What O*NET's job zones stand for: how much education, experience and training the work takes."""

TASK_COLUMNS = (
    "doc_id",
    "onet_code",
    "title",
    "task_id",
    "task",
    "task_type",
    "incumbents_responding",
    "importance",
    "date",
    "domain_source",
)

_TASK_ORDER = {"Core": 0, "Supplemental": 1}


def onet_documents(
    occupations: Sequence[OnetOccupation],
    *,
    database: OnetDatabase | None = None,
    pages: Iterable[OnetPage] = (),
) -> list[Document]:
    """A document for every scoreable occupation: title, description, tasks, reported titles, education, job zone.

    Tasks are those of the database, core ones first; of the page where the database has none. The id is
    the O*NET-SOC code.
    """
    tasks = {page.onet_code: list(page.tasks) for page in pages if page.tasks}
    if database is not None and database.tasks is not None:
        order = database.tasks["task_type"].map(_TASK_ORDER).fillna(len(_TASK_ORDER))
        of_code = database.tasks.assign(order=order).sort_values(["onet_code", "order"], kind="stable")
        tasks |= {str(code): list(group["task"]) for code, group in of_code.groupby("onet_code")}
    return [
        Document(
            occupation.onet_code, occupation.title, occupation_text(occupation, tasks.get(occupation.onet_code, []))
        )
        for occupation in occupations
        if occupation.is_scoreable
    ]


def occupation_text(occupation: OnetOccupation, tasks: Sequence[str]) -> str:
    """An occupation as Markdown; parts of which nothing is known are left out."""
    blocks = [f"# {occupation.title}"]
    if occupation.description:
        blocks.append(occupation.description)
    if tasks:
        blocks += ["## Tasks", "\n".join(f"- {task}" for task in tasks)]
    if occupation.sample_titles:
        blocks += ["## Job titles that people report", "; ".join(occupation.sample_titles)]
    if preparation := _preparation(occupation):
        blocks += ["## Education and preparation", "\n".join(f"- {line}" for line in preparation)]
    return "\n\n".join(blocks)


def _preparation(occupation: OnetOccupation) -> list[str]:
    lines = []
    # Shares are rounded as the pages print them, so that page and database give one text.
    if occupation.education_top and occupation.education_top_pct is not None:
        shares = [(occupation.education_top, occupation.education_top_pct)]
        if occupation.education_second and occupation.education_second_pct is not None:
            shares.append((occupation.education_second, occupation.education_second_pct))
        said = " and ".join(f"{level[:1].lower()}{level[1:]} ({percent:.0f} %)" for level, percent in shares)
        lines.append(f"Required of a new hire, by share of the workers asked: {said}.")
    if occupation.job_zone is not None:
        lines.append(f"Job zone {occupation.job_zone} of 5: {JOB_ZONES[occupation.job_zone]}.")
    return lines


def task_table(occupations: Sequence[OnetOccupation], database: OnetDatabase) -> pd.DataFrame:
    """The tasks of the given occupations, in their order.

    Columns: doc_id (code and task id), onet_code, title (of the occupation), task_id, task, task_type (Core,
    Supplemental or null), incumbents_responding (percent who do it), importance (1–5, null without
    ratings), date (MM/YYYY), domain_source. Empty where the database has no tasks.
    """
    titles = {occupation.onet_code: occupation.title for occupation in occupations}
    if database.tasks is None:
        return pd.DataFrame(columns=list(TASK_COLUMNS))
    tasks = database.tasks[database.tasks["onet_code"].isin(list(titles))].copy()
    tasks["title"] = tasks["onet_code"].map(titles)
    tasks["doc_id"] = tasks["onet_code"] + "-" + tasks["task_id"].astype(str)
    tasks["importance"] = _importance(tasks, database.task_ratings)
    order = tasks["onet_code"].map({code: place for place, code in enumerate(titles)})
    return tasks.loc[order.sort_values(kind="stable").index, list(TASK_COLUMNS)].reset_index(drop=True)


def _importance(tasks: pd.DataFrame, ratings: pd.DataFrame | None) -> pd.Series:
    keys = ["onet_code", "task_id"]
    if ratings is None:
        return pd.Series(float("nan"), index=tasks.index)
    values = ratings[ratings["scale_id"] == IMPORTANCE].set_index(keys)["value"]
    return pd.Series(values.reindex(pd.MultiIndex.from_frame(tasks[keys])).to_numpy(), index=tasks.index)


def task_documents(tasks: pd.DataFrame) -> list[Document]:
    """A document for every row of `task_table`: the task, and whose it is."""
    return [
        Document(doc_id, title, f"{task}\n\nA task of: {title}")
        for doc_id, title, task in zip(tasks["doc_id"], tasks["title"], tasks["task"], strict=True)
    ]


def title_table(occupations: Sequence[OnetOccupation], database: OnetDatabase | None = None) -> pd.DataFrame:
    """The titles by which each occupation goes: those that people in it report, then the longer list of the database.

    Columns: onet_code, title, kind (reported or listed), origin (page or database); a title stands once for a code.
    """
    reported = pd.DataFrame(
        [
            (occupation.onet_code, title, "reported", occupation.origins["sample_titles"])
            for occupation in occupations
            for title in occupation.sample_titles
        ],
        columns=["onet_code", "title", "kind", "origin"],
    )
    frames = [reported]
    if database is not None and database.job_titles is not None:
        listed = database.job_titles[database.job_titles["onet_code"].isin([one.onet_code for one in occupations])]
        for column in ("job_title", "short_title"):
            titles = listed[["onet_code", column]].dropna().rename(columns={column: "title"})
            frames.append(titles.assign(kind="listed", origin="database"))
    return pd.concat(frames, ignore_index=True).drop_duplicates(["onet_code", "title"], ignore_index=True)
