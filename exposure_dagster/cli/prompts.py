"""`exposure prompts`: list, new, check, render."""

from __future__ import annotations

import sys

import click
from rich.table import Table

from exposure_dagster.cli.completion import PROMPT_NAME
from exposure_dagster.cli.terminal import ERR, OUT, say, warn
from exposure_dagster.core.errors import PromptError
from exposure_dagster.corpora.registry import corpus_of
from exposure_dagster.pipeline.asked import asked_documents
from exposure_dagster.prompts.files import PromptFolder, load_folder, template
from exposure_dagster.prompts.render import Document, user_message
from exposure_dagster.providers.prices import PriceTable, load_prices
from exposure_dagster.scoring.asking import asking_of
from exposure_dagster.scoring.room import with_room
from exposure_dagster.settings import BUNDLED_PROMPTS, Settings, load_settings


@click.group()
def prompts() -> None:
    """Write, check and read prompt files."""


@prompts.command("list")
def list_prompts() -> None:
    """List the prompt files, with version and corpus."""
    folder = load_prompts(load_settings())
    table = Table("prompt", "title", "corpus", "model", "version", "enabled", box=None, pad_edge=False)
    for prompt in folder.prompts:
        table.add_row(
            prompt.name,
            prompt.file.title,
            prompt.file.corpus,
            prompt.asked.model_names,
            prompt.asked.prompt_hash[:12],
            "yes" if prompt.file.enabled else "no",
        )
    for broken in folder.broken:
        table.add_row(broken.name, "cannot be used: see `exposure prompts check`", "", "", "", "")
    OUT.print(table)


@prompts.command()
@click.argument("name", required=False)
def check(name: str | None) -> None:
    """Check all prompt files, or one: what is wrong, where, and what is allowed."""
    settings = load_settings()
    folder = load_prompts(settings)
    names = {prompt.name for prompt in folder.prompts} | {broken.name for broken in folder.broken}
    if name is not None and name not in names:
        raise PromptError(f"there is no {name}.md", where=str(settings.prompts), remedy=f"There is {_names(names)}.")
    broken = [one for one in folder.broken if name in (None, one.name)]
    for one in broken:
        for problem in one.problems:
            ERR.print(str(problem), markup=False, soft_wrap=True)
    if name is None:
        for problem in folder.broken_composites:
            ERR.print(str(problem), markup=False, soft_wrap=True)
        for composite in folder.composites:
            OUT.print(f"{composite.name}: good, a composite of {', '.join(composite.weights)}", markup=False)
    for prompt in folder.prompts:
        if name in (None, prompt.name):
            OUT.print(f"{prompt.name}: good, version {prompt.asked.prompt_hash[:12]}", markup=False)
    if not names and not folder.composites and not folder.broken_composites:
        raise PromptError(
            "there is no prompt file",
            where=str(settings.prompts),
            remedy="`exposure prompts new NAME` writes one; EXPOSURE_PROMPTS names another folder.",
        )
    if broken or (name is None and folder.broken_composites):
        sys.exit(1)


@prompts.command()
@click.argument("name")
def new(name: str) -> None:
    """Write a commented prompt file NAME.md to start from."""
    settings = load_settings()
    if settings.prompts == BUNDLED_PROMPTS:
        raise PromptError(
            "the bundled prompts are no place for your own",
            where="EXPOSURE_PROMPTS",
            remedy="Set it to a folder of yours (copy bundled files into it if you want to keep them).",
        )
    text = template(name)
    path = settings.prompts / f"{name}.md"
    if path.exists():
        raise PromptError("the file is there already", where=str(path), remedy="Choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    OUT.print(str(path), markup=False, soft_wrap=True)


@prompts.command()
@click.argument("doc_id")
@click.option(
    "--prompt",
    "name",
    type=PROMPT_NAME,
    metavar="NAME",
    help="The prompt to render; by default the first that is enabled.",
)
def render(doc_id: str, name: str | None) -> None:
    """Show what a model would be sent about a document. Costs nothing."""
    settings = load_settings()
    by_name = {prompt.name: prompt for prompt in load_prompts(settings).prompts}
    name = name or next((prompt.name for prompt in by_name.values() if prompt.file.enabled), "")
    if name not in by_name:
        raise PromptError(f"no usable prompt named {name}", where="--prompt", remedy=f"There is {_names(by_name)}.")
    prompt = by_name[name]
    asked_about = asked_documents(prompt.file.corpus, prompt.asked.include)
    rows = settings.warehouse.rows(f"SELECT doc_id, title, text FROM ({asked_about}) WHERE doc_id = ?", [doc_id])
    if not rows:
        example = corpus_of(prompt.file.corpus).document_example
        raise PromptError(
            f"corpus {prompt.file.corpus} has no document {doc_id}",
            where=str(settings.warehouse_file),
            remedy=f"Ids of its documents stand in the published ranking{f', as in `{example}`' if example else ''}.",
        )
    say(f"model: {prompt.asked.model_names}\n\n--- system\n\n{prompt.asked.system}\n\n--- user\n")
    sent = asking_of(prompt.asked, price_table(settings)).cut(Document(*rows[0]))
    say(user_message([sent.document]))
    if sent.note:
        warn(sent.note)


def load_prompts(settings: Settings) -> PromptFolder:
    """All prompt files, good and broken; one without room for a document is broken. Raises PromptError."""
    prices = price_table(settings)
    folder = load_folder(settings.prompts, known_corpora=settings.known_corpora, known_models=prices)
    return with_room(folder, prices)


def price_table(settings: Settings) -> PriceTable:
    """What models cost, and where they are asked."""
    return load_prices(settings.prices, settings.endpoints)


def _names(names: object) -> str:
    return ", ".join(sorted(names)) or "none"  # type: ignore[call-overload]
