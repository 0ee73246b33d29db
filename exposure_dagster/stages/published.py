"""Publishing what is ranked."""

from __future__ import annotations

from pathlib import Path

from exposure_dagster.errors import WarehouseError
from exposure_dagster.prompts.model import AskedPrompt, RankingDefinition
from exposure_dagster.publishing.content import PublishedContent, PublishedPrompt
from exposure_dagster.publishing.exports import write_exports
from exposure_dagster.publishing.publication import publish
from exposure_dagster.warehouse import Warehouse


def read_content(warehouse: Warehouse) -> PublishedContent:
    """Everything that is ranked, read at one moment.

    A prompt is published with the question that its standing answers answered, which may be an earlier
    version than the file's. Raises WarehouseError where nothing is ranked.
    """
    with warehouse.connect(read_only=True) as connection:
        rankings = connection.execute("SELECT * FROM ranked.rankings ORDER BY prompt, rank, title, doc_id").df()
        summaries = connection.execute("SELECT * FROM ranked.summaries").df()
        definitions = dict(connection.execute("SELECT prompt, definition FROM ranked.definitions").fetchall())
        versions = dict(
            connection.execute(
                "SELECT prompt_hash, any_value(definition) FROM scored.prompt_versions GROUP BY 1"
            ).fetchall()
        )
    if rankings.empty:
        raise WarehouseError(
            "nothing is ranked yet",
            where=str(warehouse.path),
            remedy="Score a prompt first: `exposure run`, or materialize scored and ranked for one partition.",
        )
    prompts = []
    for name, rows in rankings.groupby("prompt", sort=True):
        own = summaries[summaries["prompt"] == name].sort_values(["grouping", "group_order"], ignore_index=True)
        prompts.append(
            PublishedPrompt(
                name=str(name),
                asked=AskedPrompt.model_validate_json(versions[rows["prompt_hash"].mode()[0]]),
                definition=RankingDefinition.model_validate_json(definitions[name]),
                rankings=rows.reset_index(drop=True),
                summaries=own,
            )
        )
    return PublishedContent(tuple(prompts))


def publish_exports(content: PublishedContent, root: Path) -> Path:
    """Write the publication of `content` below `root` and switch to it; returns its folder."""
    return publish(root, content.digest, lambda folder: write_exports(content, folder))
