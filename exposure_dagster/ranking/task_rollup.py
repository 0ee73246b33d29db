"""From scores of single tasks to scores of occupations, by stated weights."""

from __future__ import annotations

import pandas as pd

from exposure_dagster.prompts.formula import TaskRollup


def roll_up_tasks(scores: pd.DataFrame, tasks: pd.DataFrame, rollup: TaskRollup) -> pd.DataFrame:
    """One row an occupation, in the order of `tasks`: the weighted mean Σ wᵢsᵢ / Σ wᵢ over its scored tasks.

    `scores` has `doc_id` and `score` (null where there is none), `tasks` has `doc_id`,
    `onet_code`, `title` (of the occupation) and `task_type`. The weight
    of a task goes by its type. Columns of the result: onet_code, title, score (null where no task is scored),
    tasks, scored_tasks, and scored_weight, the share of the weight that the scored tasks carry (0–1).
    """
    weighed = tasks[["doc_id", "onet_code", "title"]].merge(scores[["doc_id", "score"]], on="doc_id", how="left")
    weighed["weight"] = tasks["task_type"].map(dict(rollup.weights)).fillna(rollup.untyped).to_numpy()
    weighed["scored_weight"] = weighed["weight"].where(weighed["score"].notna(), 0.0)
    weighed["product"] = (weighed["weight"] * weighed["score"]).fillna(0.0)
    occupations = weighed.groupby("onet_code", sort=False).agg(
        title=("title", "first"),
        tasks=("doc_id", "size"),
        scored_tasks=("score", "count"),
        weight=("weight", "sum"),
        scored_weight=("scored_weight", "sum"),
        product=("product", "sum"),
    )
    is_scored = occupations["scored_weight"] > 0
    occupations["score"] = (occupations["product"] / occupations["scored_weight"].where(is_scored)).astype("float64")
    occupations["scored_weight"] = occupations["scored_weight"] / occupations["weight"]
    return occupations.reset_index()[["onet_code", "title", "score", "tasks", "scored_tasks", "scored_weight"]]
