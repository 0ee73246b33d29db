"""Prompts whose instruction leaves a document no room in what their model takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from exposure_dagster.core.errors import PromptError
from exposure_dagster.prompts.files import load_folder, template
from exposure_dagster.providers.prices import load_prices
from exposure_dagster.scoring.room import check_room, with_room

PRICES = """
[models.small]
input = 1
output = 1
cache_write_5m = 1
cache_write_1h = 1
cache_read = 1
context_tokens = 16_000
max_output_tokens = 2_000
"""


def test_a_prompt_without_room_is_broken_for_its_model_and_good_for_a_larger_one(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(PRICES, encoding="utf-8")
    prices = load_prices(tmp_path / "prices.toml")
    long = template("long") + "More of it. " * 3_000
    for name, text in {
        "large": long,
        "small": template("small").replace("claude-haiku-5-5", "small"),
        "long": long.replace("claude-haiku-5-5", "small"),
        "wrong": template("wrong").replace("title:", "titel:"),
    }.items():
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    folder = load_folder(tmp_path, known_corpora=["ooh"], known_models=sorted(prices))

    found = with_room(folder, prices)

    assert [prompt.name for prompt in found.prompts] == ["large", "small"]
    assert [broken.name for broken in found.broken] == ["long", "wrong"]
    assert "leaves no room for a document: small takes 16,000 tokens" in found.what_is_broken["long"]
    by_name = {prompt.name: prompt for prompt in folder.prompts}
    assert check_room(by_name["large"], prices) is by_name["large"]
    with pytest.raises(PromptError, match="leaves no room for a document"):
        check_room(by_name["long"], prices)
