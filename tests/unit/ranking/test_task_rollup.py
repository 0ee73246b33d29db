"""From scores of tasks to scores of occupations."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from exposure_dagster.prompts.formula import TaskRollup
from exposure_dagster.ranking.task_rollup import roll_up_tasks

ROLLUP = TaskRollup.model_validate({"weights": {"Core": 1.0, "Supplemental": 0.5}, "untyped": 0.8})
TASKS = pd.DataFrame(
    {
        "doc_id": ["b-1", "b-2", "b-3", "a-1"],
        "onet_code": ["b", "b", "b", "a"],
        "title": ["B", "B", "B", "A"],
        "task_type": ["Core", "Supplemental", "Core", None],
        "importance": [None, None, None, None],
    }
).astype({"importance": "float64"})


def rolled(tasks: pd.DataFrame = TASKS, rollup: TaskRollup = ROLLUP, /, **scores: float | None) -> dict[Any, Any]:
    named = pd.DataFrame({"doc_id": [name.replace("_", "-") for name in scores], "score": list(scores.values())})
    return roll_up_tasks(named.astype({"score": "float64"}), tasks, rollup).set_index("onet_code").to_dict("index")


def test_core_tasks_weigh_more_than_supplemental_ones() -> None:
    occupation = rolled(b_1=1, b_2=0, b_3=0.5, a_1=0.5)["b"]
    assert occupation["score"] == pytest.approx((1 * 1 + 0.5 * 0 + 1 * 0.5) / 2.5)
    assert (occupation["title"], occupation["tasks"], occupation["scored_tasks"]) == ("B", 3, 3)
    assert occupation["scored_weight"] == 1


def test_occupations_keep_the_order_of_the_tasks() -> None:
    assert list(rolled(b_1=1)) == ["b", "a"]


def test_tasks_without_a_score_are_left_out_of_the_mean_and_counted() -> None:
    occupation = rolled(b_1=1, b_2=None)["b"]
    assert (occupation["score"], occupation["scored_tasks"], occupation["scored_weight"]) == (1, 1, 0.4)


def test_an_occupation_without_any_scored_task_has_no_score() -> None:
    occupation = rolled(b_1=1)["a"]
    assert isinstance(occupation["score"], float)
    assert math.isnan(occupation["score"])
    assert occupation["scored_weight"] == 0


def test_a_task_weighs_by_its_type_times_its_importance() -> None:
    rated = TASKS.assign(importance=[4.5, 3.0, 1.5, 2.0])
    occupation = rolled(rated, b_1=1, b_2=0, b_3=0.5)["b"]
    assert occupation["score"] == pytest.approx((4.5 * 1 + 0.5 * 3.0 * 0 + 1.5 * 0.5) / (4.5 + 1.5 + 1.5))
    assert occupation["rated_tasks"] == 3


def test_a_task_without_a_rating_counts_as_of_the_mean_importance_of_the_rated_ones() -> None:
    rated = TASKS.assign(importance=[4.0, None, 2.0, None])
    occupation = rolled(rated, b_1=1, b_2=1, b_3=0)["b"]
    assert occupation["score"] == pytest.approx((4.0 + 0.5 * 3.0) / (4.0 + 0.5 * 3.0 + 2.0))
    assert occupation["rated_tasks"] == 2


def test_where_no_task_is_rated_the_weights_of_types_alone_decide() -> None:
    scores = {"b_1": 1.0, "b_2": 0.0, "b_3": 0.5}
    only_types = ROLLUP.model_copy(update={"importance": False})
    assert rolled(**scores)["b"]["score"] == pytest.approx((1 * 1 + 0.5 * 0 + 1 * 0.5) / 2.5)
    rated = TASKS.assign(importance=[4.0, 1.0, 2.0, 5.0])
    assert rolled(rated, only_types, **scores)["b"]["score"] == rolled(**scores)["b"]["score"]


@pytest.mark.parametrize("weights", [{"Core": 0, "Supplemental": 1}, {"Core": 1, "Minor": 1}, {"Core": math.inf}])
def test_weights_are_positive_numbers_of_known_types(weights: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        TaskRollup.model_validate({"weights": weights, "untyped": 1})
