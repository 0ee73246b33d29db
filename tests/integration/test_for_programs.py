"""What commands print for programs, and by what they exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exposure_dagster.cli.main import main
from exposure_dagster.settings import BUNDLED_PROMPTS

EXPOSURE = str(Path(sys.executable).with_name("exposure"))


def exposure(home: Path, *arguments: str, **settings: str) -> Result:
    given = {"EXPOSURE_HOME": str(home), "EXPOSURE_SITES": "sample", **settings}
    return CliRunner().invoke(main, list(arguments), env=given, catch_exceptions=False)


def printed(result: Result) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(result.stdout, parse_constant=refuse)


def test_status_says_how_each_prompt_stands_and_exits_by_it_where_that_is_asked_for(sample_run: Path) -> None:
    rows = {row["prompt"]: row for row in printed(exposure(sample_run, "status", "--json"))}
    assert rows["exposure"]["state"] == "fresh"
    assert rows["exposure"]["answers"]["ok"] == rows["exposure"]["documents"] == 30
    assert rows["two_variable"]["reasons"] == ["never scored"]
    assert exposure(sample_run, "status").exit_code == 0
    is_all_fresh = all(row["state"] == "fresh" for row in rows.values() if row["is_enabled"])
    assert exposure(sample_run, "status", "--exit-code", "--json").exit_code == int(not is_all_fresh)


def test_an_estimate_has_a_row_for_each_model(sample_run: Path) -> None:
    (row,) = printed(exposure(sample_run, "estimate", "--json", "--prompt", "exposure", "--again"))
    assert (row["prompt"], row["answers"], row["requests"], row["most_answers"]) == ("exposure", 30, 30, 30)
    assert 0 < row["batch_cost_usd"] < row["cost_usd"] == row["most_cost_usd"]


def test_an_explanation_has_what_is_behind_the_score(sample_run: Path) -> None:
    found = printed(exposure(sample_run, "explain", "exposure", "registered-nurses", "--json"))
    assert found["score"]["doc_id"] == "registered-nurses"
    assert found["score"]["scored_at"][:2] == "20"
    assert found["attempts"] == []
    assert found["title"] in found["document"]


def test_a_difference_exits_by_whether_anything_moved(sample_home: Path, tmp_path: Path) -> None:
    assert exposure(sample_home, "diff", "exposure", "--json").exit_code == 1  # one version is nothing to compare
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    text = (BUNDLED_PROMPTS / "exposure.md").read_text(encoding="utf-8")
    (prompts / "exposure.md").write_text(text.replace("raises: [", "raises: [nurse*, "), encoding="utf-8")
    ran = exposure(sample_home, "run", "--yes", "--prompt", "exposure", EXPOSURE_PROMPTS=str(prompts))
    assert ran.exit_code == 0, ran.output
    moved = exposure(sample_home, "diff", "exposure", "--json", "--exit-code")
    found = printed(moved)
    assert found["before"]["number"] == 1 and found["after"]["number"] == 2
    assert len(found["changes"]) == 30
    assert found["summary"]["up"] + found["summary"]["down"] > 0
    assert moved.exit_code == 1
    assert exposure(sample_home, "diff", "exposure").exit_code == 0
    site = json.loads((sample_home / "published" / "current" / "site" / "data.json").read_text(encoding="utf-8"))
    layer = next(one for one in site["layers"] if one["id"] == "exposure")
    assert [one["number"] for one in layer["versions"]] == [1, 2]  # which the page replays
    assert layer["history"][1] == layer["value"] != layer["history"][0]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("staus",), "No such command 'staus'; did you mean status?"),
        (("run", "--yes", "--prompt", "exposur"), "no usable prompt named exposur; did you mean exposure?"),
        (("estimate", "--prompt", "two_variables"), "no usable prompt named two_variables; did you mean two_variable?"),
        (("run", "exposure"), "A prompt is named by an option: main run --prompt exposure"),
        (("estimate", "exposure"), "A prompt is named by an option: main estimate --prompt exposure"),
        (("explain", "exposure", "registered-nurse"), "no score of registered-nurse stands; did you mean registered-"),
        (("explain", "exposur", "registered-nurses"), "prompt exposur; did you mean exposure?"),
    ],
)
def test_a_name_that_is_misspelt_brings_the_nearest_one(
    sample_run: Path, arguments: tuple[str, ...], hint: str
) -> None:
    result = exposure(sample_run, *arguments)
    assert result.exit_code in (1, 2)
    assert hint in " ".join(result.output.split())


@pytest.mark.parametrize("words", ["exposure explain two", "exposure run --prompt two", "exposure diff two"])
def test_a_shell_completes_the_names_of_prompts(tmp_path: Path, words: str) -> None:
    given = {"_EXPOSURE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    result = CliRunner().invoke(main, [], prog_name="exposure", env={"EXPOSURE_HOME": str(tmp_path), **given})
    assert result.output.split() == ["plain,two_variable"]


def test_a_run_says_as_much_as_it_is_told_to(sample_home: Path) -> None:
    env = {**os.environ, "EXPOSURE_HOME": str(sample_home), "EXPOSURE_SITES": "sample", "EXPOSURE_SCORER": "baseline"}

    def said(*options: str) -> tuple[str, str]:
        command = [EXPOSURE, "run", "--yes", "--prompt", "robotics", *options]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        return done.stdout, done.stderr

    out, err = said("--quiet")
    assert "robotics" in out
    assert err == ""
    (sample_home / "unchanged.json").unlink(missing_ok=True)
    _, err = said("--verbose", "--again")
    assert "STEP_SUCCESS" in err
