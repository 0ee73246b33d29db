"""What Dagster shows of a table is written for people."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from assets.reporting import check_result, histogram, table_result, table_spec
from exposure_dagster.core.checks import CheckOutcome
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import PROMPTS, TABLES


def test_figures_are_shown_without_the_digits_of_binary_fractions(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "exposure.duckdb")
    warehouse.replace(PROMPTS, pd.DataFrame([{"prompt": "exposure"}]))
    figures = {"cost usd": 0.005677529999999999, "documents": 30}
    result = table_result(
        warehouse, PROMPTS, data_version="1", metadata=figures, outcomes=[CheckOutcome("c", True, "", figures=figures)]
    )
    assert result.metadata is not None and result.metadata["cost usd"] == 0.005678
    (_, check) = result.check_results
    assert {name: value.value for name, value in check.metadata.items()} == {"cost usd": 0.005678, "documents": 30}
    assert check == check_result(PROMPTS, CheckOutcome("c", True, "", figures=figures))


@pytest.mark.parametrize("name", sorted(TABLES))
def test_what_a_row_is_can_be_read(name: str) -> None:
    sentence = str(table_spec(TABLES[name]).description).rpartition("\n\n")[2]
    assert sentence.startswith(("One row for each ", "One row: the ")) and sentence.endswith(".")
    assert "one row" not in sentence and "each the" not in sentence


def test_a_distribution_counts_every_score_once_below_zero_too() -> None:
    lines = histogram(pd.Series([-2.0, -1.6, 0.4, 1.0, None]), -2, 1).splitlines()[2:]
    assert [line.split(" | ")[:2] for line in lines] == [["| -2", "2"], ["| -1", "0"], ["| 0", "1"], ["| 1", "1"]]
