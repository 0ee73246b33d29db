"""From scores of single tasks to scores of occupations, by stated weights."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.prompts.formula import TaskRollup


def roll_up_tasks(scores: pd.DataFrame, tasks: pd.DataFrame, rollup: TaskRollup) -> pd.DataFrame:
    """One row an occupation, in the order of `tasks`: the weighted mean Σ wᵢsᵢ / Σ wᵢ over its scored tasks.

    `scores` has `doc_id` and `score` (null where there is none), `tasks` has `doc_id`, `onet_code`, `title` (of the
    occupation), `task_type` and `importance` (null where it is not rated). The weight of a task is that of its type,
    times its importance unless the rollup leaves that out; a task that is not rated counts as of the mean importance
    of its occupation's other tasks, and by its type alone where none is rated. Columns of the result: onet_code,
    title, score (null where no task is scored), tasks, rated_tasks, scored_tasks, and scored_weight, the share of the
    weight that the scored tasks carry (0–1).
    """
    weighed = tasks[["doc_id", "onet_code", "title", "importance"]].merge(
        scores[["doc_id", "score"]], on="doc_id", how="left"
    )
    weighed["weight"] = tasks["task_type"].map(dict(rollup.weights)).fillna(rollup.untyped).to_numpy()
    if rollup.importance:
        weighed["weight"] *= weighed["importance"].fillna(_means(weighed)).fillna(1.0)
    weighed["scored_weight"] = weighed["weight"].where(weighed["score"].notna(), 0.0)
    weighed["product"] = (weighed["weight"] * weighed["score"]).fillna(0.0)
    occupations = weighed.groupby("onet_code", sort=False).agg(
        title=("title", "first"),
        tasks=("doc_id", "size"),
        rated_tasks=("importance", "count"),
        scored_tasks=("score", "count"),
        weight=("weight", "sum"),
        scored_weight=("scored_weight", "sum"),
        product=("product", "sum"),
    )
    is_scored = occupations["scored_weight"] > 0
    occupations["score"] = (occupations["product"] / occupations["scored_weight"].where(is_scored)).astype("float64")
    occupations["scored_weight"] = occupations["scored_weight"] / occupations["weight"]
    return occupations.reset_index()[["onet_code", "title", *_COUNTS]]


_COUNTS = ("score", "tasks", "rated_tasks", "scored_tasks", "scored_weight")


def _means(tasks: pd.DataFrame) -> pd.Series:
    """For each task the mean importance of its occupation's rated ones."""
    return tasks.groupby("onet_code", sort=False)["importance"].transform("mean")
