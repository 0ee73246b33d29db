"""What an assistant is told over the Model Context Protocol: asked by the SDK's own client."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from exposure_dagster.api import Publications
from exposure_dagster.assistants import create_server
from tests.integration.company import ROWS, made_company

TOOLS = {
    *("agreement", "comparison", "explanation", "occupation", "occupations"),
    *("own_roles", "questions", "ranking", "totals"),
}


def asked(published: Path, talk: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Client(create_server(Publications(published))) as client:
            return await talk(client)

    return asyncio.run(run())


def answer(published: Path, tool: str, **arguments: Any) -> dict[str, Any]:
    result = asked(published, lambda client: client.call_tool(tool, arguments))
    assert not result.is_error, result.content
    return dict(result.structured_content)


def refusal(published: Path, tool: str, **arguments: Any) -> str:
    result = asked(published, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    return str(result.content[0].text)


@pytest.fixture(scope="module")
def published(sample_run: Path) -> Path:
    return sample_run / "published"


def test_a_client_starts_the_server_and_is_told_which_tools_there_are(sample_run: Path) -> None:
    """As an assistant's program does: over the standard streams of a process."""
    command = StdioServerParameters(
        command=str(Path(sys.executable).with_name("exposure")),
        args=["mcp"],
        env={**os.environ, "EXPOSURE_HOME": str(sample_run)},
    )

    async def run() -> tuple[Any, Any]:
        async with Client(stdio_client(command)) as client:
            return await client.list_tools(), await client.call_tool("questions", {})

    tools, questions = asyncio.run(run())
    assert {tool.name for tool in tools.tools} == TOOLS
    assert all(tool.description and tool.annotations.read_only_hint for tool in tools.tools)
    assert [one["prompt"] for one in questions.structured_content["items"]] == ["exposure"]


def test_every_answer_carries_the_sources_and_what_scores_do_not_mean(published: Path) -> None:
    for tool, arguments in {
        "questions": {},
        "occupations": {"words": "roofers"},
        "occupation": {"slug": "roofers"},
        "ranking": {"question": "exposure", "limit": 1},
        "totals": {"question": "exposure"},
        "explanation": {"question": "exposure", "document": "roofers"},
        "comparison": {"documents": ["roofers", "actors"]},
    }.items():
        found = answer(published, tool, **arguments)
        assert any("Bureau of Labor Statistics" in str(source) for source in found["sources"]), tool
        assert found["caveats"], tool
        assert any("baseline" in note for note in found.get("notes", [])) or tool == "comparison", tool


def test_occupations_are_found_by_what_people_call_them(published: Path) -> None:
    found = answer(published, "occupations", words="registered nurse")
    assert [row["slug"] for row in found["items"]] == ["registered-nurses"]
    assert found["items"][0]["by_prompt"]["exposure"]["score"] is not None


def test_a_ranking_comes_in_its_order_and_in_pages(published: Path) -> None:
    first = answer(published, "ranking", question="exposure", limit=2)
    second = answer(published, "ranking", question="exposure", limit=2, offset=2)
    assert first["total"] == 30
    ranks = [row["rank"] for row in (*first["items"], *second["items"])]
    assert ranks == sorted(ranks)
    assert len({row["doc_id"] for row in (*first["items"], *second["items"])}) == 4


def test_a_comparison_puts_the_same_question_side_by_side(published: Path) -> None:
    found = answer(published, "comparison", documents=["roofers", "data-scientists"])
    (question,) = found["items"]
    assert [row["doc_id"] for row in question["scores"]] == ["roofers", "data-scientists"]
    assert all(row["rationale"] and row["jobs"] and row["median_pay_annual"] for row in question["scores"])


def test_own_roles_are_told_by_question(tmp_path: Path) -> None:
    company = made_company(tmp_path)
    company.run()
    found = answer(company.root / "home" / "published", "own_roles")
    (question,) = found["items"]
    assert question["question"] == "our_roles"
    assert {row["doc_id"] for row in question["items"]} == set(ROWS)
    compared = answer(company.root / "home" / "published", "comparison", documents=["dev", "cook"])
    assert [row["doc_id"] for row in compared["items"][0]["scores"]] == ["dev", "cook"]


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("occupation", {"slug": "nobody"}, "No occupation nobody is published"),
        ("occupation", {"slug": "../../etc/passwd"}, "There is nothing at this address. `questions` and"),
        ("ranking", {"question": "nothing"}, "No prompt nothing is published"),
        ("explanation", {"question": "exposure", "document": "nobody"}, "No score of nobody is published"),
        ("comparison", {"documents": ["roofers", "nobody"]}, "Nothing is scored of nobody"),
        ("comparison", {"documents": ["roofers"]}, "at least 2"),
        ("ranking", {"question": "exposure", "limit": 100_000}, "less than or equal to 200"),
        ("own_roles", {}, "No documents of one's own are published"),
    ],
)
def test_what_there_is_not_is_told_in_a_sentence(
    published: Path, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    assert sentence in refusal(published, tool, **arguments)
