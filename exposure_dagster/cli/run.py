"""`exposure run`: sources, scores, rankings and published files, in one go and in this process."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click
import pandas as pd
from rich.markup import escape
from rich.table import Table

from exposure_dagster.automation.instance import close_orphans, open_instance, prepare_dagster_home, running
from exposure_dagster.cli.completion import PROMPT_NAME, PromptsByOption
from exposure_dagster.cli.interrupts import kept_interrupts
from exposure_dagster.cli.money import confirm_spending
from exposure_dagster.cli.prompts import load_prompts
from exposure_dagster.cli.rehearsal import run_rehearsals
from exposure_dagster.cli.terminal import ERR, OUT, PROGRESS, SILENCE, show_warnings, warn, warn_of_open_home
from exposure_dagster.cli.unchanged import inputs_digest, is_unchanged, note_unchanged
from exposure_dagster.core.errors import ExposureError, PromptError, ScoringError
from exposure_dagster.core.hints import meant
from exposure_dagster.core.shared import SharedStore
from exposure_dagster.pipeline.distilling import MIN_ANSWERS
from exposure_dagster.pipeline.inputs import choice_of
from exposure_dagster.pipeline.prompts import STAYS, forget_prompt, owner_of_prompts, recorded_prompts
from exposure_dagster.pipeline.scores import cut_documents
from exposure_dagster.pipeline.standing import standings
from exposure_dagster.prompts.files import PromptFolder
from exposure_dagster.publishing.content import BASELINE_NOTE, BASELINE_QUADRANTS_NOTE, Addresses
from exposure_dagster.publishing.places import PublishedFolder
from exposure_dagster.publishing.site import SITE_FOLDER
from exposure_dagster.settings import ScorerName, Settings, load_settings
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import RANKINGS

if TYPE_CHECKING:
    from dagster import AssetSelection, DagsterInstance, Definitions

STOPPED_BY_CTRL_C = 130
"""The exit status of a program that SIGINT ended, by the shells' convention."""

SHOWN_HIGHEST = 10
SHOWN_LOWEST = 5
SHOWN_IN_SHORT = (4, 2)
"""Highest and lowest of every prompt but one, where several are shown."""


class Loudness(StrEnum):
    """How much a run says while it goes on."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


@click.command(cls=PromptsByOption)
@click.option(
    "--prompt",
    "names",
    multiple=True,
    type=PROMPT_NAME,
    help="Score this prompt only; may be repeated.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Rehearse on N documents: nothing that stands is touched.",
)
@click.option(
    "--distil",
    type=click.IntRange(min=MIN_ANSWERS),
    metavar="N",
    help="Ask the model about N documents, chosen by jobs, and estimate the others from its answers. "
    "A run without it asks about the others.",
)
@click.option("--again", is_flag=True, help="Ask every question anew, on purpose, whatever the ledger holds.")
@click.option("--yes", is_flag=True, help="Do not show the estimate and ask before spending.")
@click.option(
    "--quiet", "loudness", flag_value=Loudness.QUIET.value, help="Print what came of it, and warnings, alone."
)
@click.option("--verbose", "loudness", flag_value=Loudness.VERBOSE.value, help="Print Dagster's log as well.")
def run(
    *,
    names: tuple[str, ...],
    limit: int | None,
    distil: int | None,
    again: bool,
    yes: bool,
    loudness: str | None,
) -> None:
    """Fetch, parse, score what is stale, rank and publish.

    On a terminal a run that will spend shows its estimate and asks; elsewhere the budgets decide. The exit status is 1
    where a step failed, and where not one of the documents that a prompt's model was asked about was answered.
    """
    if distil is not None and (again or limit is not None):
        raise click.UsageError("--distil goes with neither --limit nor --again.")
    settings = load_settings()
    if distil and settings.scorer_in_force is ScorerName.BASELINE:
        raise ScoringError(
            "there is no model to ask about some documents",
            where="--distil",
            remedy="Set a key or the address of a server, and take EXPOSURE_SCORER=baseline away where it stands.",
        )
    try:
        run_pipeline(
            settings,
            names=names,
            limit=limit,
            distil=distil or 0,
            ask_again=again,
            is_confirmed=yes,
            loudness=Loudness(loudness or Loudness.NORMAL),
        )
    except KeyboardInterrupt:
        said = "\nStopped. What was fetched and answered so far is kept, and the next run goes on from there."
        ERR.print(said, markup=False, soft_wrap=True)
        sys.exit(STOPPED_BY_CTRL_C)


@dataclass(frozen=True)
class _Runner:
    """Runs jobs in this process, on the Dagster instance that the UI shows.

    `unanswered`: of what was asked in vain; `warned`: of what a run says every time until it is mended.
    """

    definitions: Definitions
    instance: DagsterInstance
    shared: SharedStore | None = None
    loudness: Loudness = Loudness.NORMAL
    unanswered: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)

    def run(
        self,
        job: str,
        *,
        partition: str | None = None,
        selection: AssetSelection | None = None,
        distil: int = 0,
    ) -> None:
        """Run a job, or its assets that are in `selection`.

        Warns of failed checks. Raises our error as it was raised in the step, and KeyboardInterrupt where a signal
        ended it.
        """
        from dagster import DagsterExecutionInterruptedError

        from assets.scored import ANSWERS_CHECK

        graph = self.definitions.get_repository_def().asset_graph
        run_id = str(uuid4())
        held = running(Path(self.instance.root_directory), run_id, self.shared)
        with held as tags, kept_interrupts(DagsterExecutionInterruptedError):
            result = self.definitions.resolve_job_def(job).execute_in_process(
                instance=self.instance,
                partition_key=partition,
                asset_selection=None if selection is None else sorted(selection.resolve(graph)),
                run_config={
                    "loggers": {"console": {"config": {"log_level": self._log_level}}},
                    **({"ops": {"scores": {"config": {"distil": distil}}}} if distil else {}),
                },
                raise_on_error=False,
                run_id=run_id,
                tags=tags,
            )
        for evaluation in result.get_asset_check_evaluations():
            # that other prompts are stale is what `exposure status` is asked for
            if not evaluation.passed and evaluation.check_name != ANSWERS_CHECK:
                key = evaluation.asset_key.to_user_string()
                self._warn(f"check {evaluation.check_name} of {key}: {evaluation.description}")
        for event in result.all_events:
            figures = event.materialization.metadata if event.is_step_materialization else {}
            note = figures.get("note")
            if note is not None and note.value != BASELINE_NOTE:
                self._warn(str(note.value))
            asked = figures.get("documents asked")
            if asked is not None and asked.value and not figures["documents answered"].value:
                self.unanswered.append(f"{partition}: not one of {asked.value:,} documents was answered")
        if any(_is_interrupt(event) for event in result.all_events):
            raise KeyboardInterrupt
        if not result.success:
            raise ExposureError(_blocked_by(result) or _failure_of(result), where=job)

    @property
    def _log_level(self) -> str:
        """Of Dagster's lines on the terminal: ours say what a user needs."""
        return "DEBUG" if self.loudness is Loudness.VERBOSE else "CRITICAL"

    def tell(self, text: str) -> None:
        """Say what is done now."""
        if self.loudness is not Loudness.QUIET:
            ERR.print(text, markup=False)

    def _warn(self, text: str) -> None:
        self.warned.append(text)
        warn(text)


def run_pipeline(
    settings: Settings,
    *,
    names: Sequence[str],
    limit: int | None = None,
    distil: int = 0,
    ask_again: bool = False,
    is_confirmed: bool = False,
    loudness: Loudness = Loudness.NORMAL,
) -> None:
    """Run everything for the named prompts, or for all enabled ones, and print what came of it.

    With `limit` it is a rehearsal on so many documents, which touches nothing that stands. With `distil` a model is
    asked about so many, and the others are estimated from its answers.
    """
    show_warnings()
    warn_of_open_home(settings.home, published=settings.published_folder)
    prepare_dagster_home(settings.dagster_home, settings.shared)
    inputs = inputs_digest(settings, names)
    if limit is None and not ask_again and is_unchanged(settings, inputs):
        chosen = _chosen(load_prompts(settings), names, settings.prompts)
        for name in chosen:
            _say_fresh(name)
        _print_results(settings, chosen)
        return
    from exposure_dagster.automation.jobs import SCORING_JOB, SLOW_SOURCES, SOURCES_JOB, sources_of
    from exposure_dagster.definitions import build_defs, scorer_of

    progress = SILENCE if loudness is Loudness.QUIET else PROGRESS
    definitions = build_defs(settings, progress=progress, ask_again=ask_again)
    folder = load_prompts(settings)
    chosen = _chosen(folder, names, settings.prompts)
    with open_instance(settings.dagster_home, settings.shared) as instance:
        close_orphans(instance, settings.shared)
        instance.add_dynamic_partitions("prompts", chosen)
        runner = _Runner(definitions, instance, settings.shared, loudness)
        corpora = {prompt.name: prompt.file.corpus for prompt in folder.prompts}
        sources = sources_of({corpora[name] for name in chosen})
        runner.run(SOURCES_JOB, selection=sources if limit is None else sources - SLOW_SOURCES)
        warehouse = settings.warehouse
        wanted = chosen
        chosen = _with_documents(warehouse, {name: corpora[name] for name in wanted})
        if limit is not None:
            scorer = scorer_of(settings, ask_again=ask_again)
            run_rehearsals(
                warehouse,
                [prompt for prompt in folder.prompts if prompt.name in chosen],
                limit,
                choice=scorer.choice,
                means=scorer.means(),
                is_confirmed=is_confirmed,
            )
            return
        if not names:
            _forget_what_has_no_file(instance, warehouse, folder, settings.prompts_claim)
        if settings.scorer_in_force is not ScorerName.BASELINE and not is_confirmed:
            confirm_spending(settings, chosen, ask_again=ask_again, distil=distil)
        try:
            fresh = set() if ask_again else _fresh(instance, warehouse, folder, settings)
            for name in chosen:
                if name in fresh:
                    _say_fresh(name)
                    continue
                runner.tell(f"scoring {name}")
                runner.run(SCORING_JOB, partition=name, distil=distil)
        except ExposureError:
            _publish(runner, settings, folder)
            raise
        _publish(runner, settings, folder)
        is_without_trouble = not (runner.warned or runner.unanswered or folder.broken) and chosen == wanted
        is_done = is_without_trouble and (
            fresh.issuperset(chosen) or _fresh(instance, warehouse, folder, settings).issuperset(chosen)
        )
    _print_results(settings, chosen)
    if is_done:
        note_unchanged(settings, inputs)
    if runner.unanswered:
        raise ScoringError("; ".join(runner.unanswered), remedy="Mend what the warnings above name, and run again.")


def refresh_sources(settings: Settings, corpora: Collection[str]) -> None:
    """Fetch and read what these corpora need, and your own files; what takes long to fetch is taken as it stands."""
    show_warnings()
    prepare_dagster_home(settings.dagster_home, settings.shared)
    from exposure_dagster.automation.jobs import SLOW_SOURCES, SOURCES_JOB, sources_of
    from exposure_dagster.definitions import build_defs

    with open_instance(settings.dagster_home, settings.shared) as instance:
        close_orphans(instance, settings.shared)
        runner = _Runner(build_defs(settings, progress=PROGRESS), instance, settings.shared)
        runner.run(SOURCES_JOB, selection=sources_of(corpora) - SLOW_SOURCES)


def _chosen(folder: PromptFolder, names: Sequence[str], path: Path) -> list[str]:
    for broken in folder.broken:
        if not names or broken.name in names:
            for problem in broken.problems:
                warn(f"left out: {problem}")
    for problem in folder.broken_composites:
        warn(f"left out: {problem}")
    by_name = {prompt.name: prompt for prompt in folder.prompts}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise PromptError(
            f"no usable prompt named {', '.join(f'{name}{meant(name, by_name)}' for name in unknown)}",
            where="--prompt",
            remedy=f"There is {', '.join(by_name) or 'none'}; `exposure prompts check` says what is wrong with a file.",
        )
    chosen = list(names) or [name for name, prompt in by_name.items() if prompt.file.enabled]
    if not chosen and by_name:
        raise PromptError(
            f"no {'usable ' if folder.broken else ''}prompt is enabled; there is {', '.join(by_name)}",
            where="EXPOSURE_PROMPTS",
            remedy=f"{'Mend the file named above, n' if folder.broken else 'N'}ame one with --prompt, "
            "or take the line `enabled: false` out of its file.",
        )
    if not chosen:
        raise PromptError(
            "there is no prompt file",
            where=str(path),
            remedy="`exposure prompts new NAME` writes one; EXPOSURE_PROMPTS names another folder.",
        )
    return chosen


def _forget_what_has_no_file(instance: DagsterInstance, warehouse: Warehouse, folder: PromptFolder, claim: str) -> None:
    """Purge prompts whose files are gone, as the sensor does. Their ledger stays: a file that comes back is free."""
    there = {prompt.name for prompt in folder.prompts} | {broken.name for broken in folder.broken}
    owner = owner_of_prompts(warehouse, claim)
    for name in sorted(recorded_prompts(warehouse) - there):
        if owner != claim:
            warn(STAYS.format(name=name, owner=owner))
            continue
        forget_prompt(warehouse, name)
        instance.delete_dynamic_partition("prompts", name)
        warn(f"{name}: its file is gone, and its scores with it; what was paid for stays in the ledger")


def _with_documents(warehouse: Warehouse, chosen: Mapping[str, str]) -> list[str]:
    """The chosen prompts (with the corpus of each) whose corpus has documents; warns of the others."""
    filled = {corpus for (corpus,) in warehouse.rows("SELECT DISTINCT corpus FROM parsed.documents")}
    for name, corpus in chosen.items():
        if corpus not in filled:
            warn(f"left out: {name}, since corpus {corpus} has no documents")
    if not filled.intersection(chosen.values()):
        raise PromptError(
            "there is nothing to ask about", where=", ".join(chosen), remedy="Mend the source that is named above."
        )
    return [name for name, corpus in chosen.items() if corpus in filled]


def _fresh(instance: DagsterInstance, warehouse: Warehouse, folder: PromptFolder, settings: Settings) -> set[str]:
    """Prompts for which a run would ask nothing, rank nothing and record nothing that Dagster does not show yet."""
    from assets.reporting import key_of
    from exposure_dagster.automation.jobs import SCORES_KEY
    from exposure_dagster.automation.runs import last_materialization_id

    choice = choice_of(settings)
    return {
        one.prompt
        for one in standings(warehouse, folder, choice)
        if one.is_settled
        and last_materialization_id(instance, SCORES_KEY, one.prompt)
        and last_materialization_id(instance, key_of(RANKINGS), one.prompt)
    }


def _publish(runner: _Runner, settings: Settings, folder: PromptFolder) -> None:
    """Publish what is ranked, unless just that is published."""
    from exposure_dagster.automation.jobs import PUBLISHING_JOB
    from exposure_dagster.automation.runs import look_at_publication

    published = PublishedFolder(settings.published_folder, settings.shared)
    seen = look_at_publication(
        runner.instance,
        settings.warehouse,
        published,
        folder,
        Addresses(settings.site_url, settings.code_url),
    )
    if seen.is_withdrawn:
        warn("nothing is ranked any more: what was published is withdrawn")
    if not seen.is_current:
        runner.run(PUBLISHING_JOB)
        for reason in published.left_out():
            warn(f"a composite is left out: {reason}")


def _is_interrupt(event: Any) -> bool:
    """Whether a step ended because the run was stopped: Dagster records that as a failure of the step."""
    error = event.step_failure_data.error if event.is_step_failure else None
    return error is not None and error.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def _blocked_by(result: Any) -> str:
    """What a check found that kept the steps below from running; empty where none did."""
    failed = [
        f"{one.asset_key.to_user_string()}: {one.description} (check {one.check_name})"
        for one in result.get_asset_check_evaluations()
        if one.blocking and not one.passed and one.severity.value == "ERROR"
    ]
    return f"{'; '.join(failed)}. Nothing was made from it; what was published stands" if failed else ""


def _failure_of(result: Any) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None:
                return str(data.user_failure_data.description)
            return str(data.error)
    return "the run failed before its first step"


def _say_fresh(name: str) -> None:
    ERR.print(f"{name} is fresh: nothing to ask, nothing to rank", markup=False)


def _print_results(settings: Settings, names: Sequence[str]) -> None:
    with settings.warehouse.snapshot() as now:
        for name in names:
            _print_ranking(now, name, is_short=len(names) > 1 and name != names[0])
        _print_baseline_note(now, names)
    _print_places(settings)


def _print_ranking(warehouse: Warehouse, name: str, *, is_short: bool) -> None:
    rows = warehouse.read(
        "SELECT r.rank, r.score, f.final_ranking, r.tier, r.title, r.jobs FROM ranked.rankings r"
        " LEFT JOIN ranked.resilience f ON f.prompt = r.prompt AND f.onet_code = r.doc_id"
        " WHERE r.prompt = ? AND r.rank IS NOT NULL ORDER BY r.rank, r.title",
        [name],
    )
    (totals,) = warehouse.read(
        "SELECT occupations, scored, jobs, mean_score, job_weighted_mean FROM ranked.summaries"
        " WHERE prompt = ? AND grouping = 'all'",
        [name],
    ).itertuples(index=False)
    has_final = bool(rows["final_ranking"].notna().any())
    final = ["final"] if has_final else []
    table = Table("rank", *final, "score", "tier", "occupation", "jobs", title=name, title_justify="left", box=None)
    highest, lowest = SHOWN_IN_SHORT if is_short else (SHOWN_HIGHEST, SHOWN_LOWEST)
    parts = [rows] if len(rows) <= highest + lowest else [rows.head(highest), rows.tail(lowest)]
    for number, part in enumerate(parts):
        if number:
            table.add_row("…")
        for row in part.itertuples(index=False):
            figures = [_or_dash(value, ".3g") for value in (row.final_ranking, row.score)[1 - has_final :]]
            table.add_row(
                str(row.rank), *figures, _or_dash(row.tier), escape(str(row.title)), _or_dash(row.jobs, ",.0f")
            )
    OUT.print(table)
    OUT.print(
        f"{totals.scored:,} of {totals.occupations:,} occupations scored, {totals.jobs:,} jobs; "
        f"mean {_or_dash(totals.mean_score, '.2f')}, job-weighted mean {_or_dash(totals.job_weighted_mean, '.2f')}",
        markup=False,
    )
    cut = cut_documents(warehouse, name)
    if cut.documents:
        OUT.print(str(cut), markup=False)
    _print_quadrants(warehouse, name)
    OUT.print()


def _print_quadrants(warehouse: Warehouse, name: str) -> None:
    rows = warehouse.rows(
        "SELECT group_label, occupations, jobs, wages FROM ranked.summaries"
        " WHERE prompt = ? AND grouping = 'quadrant' ORDER BY group_order",
        [name],
    )
    if rows:
        table = Table("quadrant", "occupations", "jobs", "wages (USD per year)", box=None)
        for label, occupations, jobs, wages in rows:
            table.add_row(escape(label), f"{occupations:,}", f"{jobs:,}", f"{wages:,.0f}")
        OUT.print(table)


def _print_baseline_note(warehouse: Warehouse, names: Sequence[str]) -> None:
    scored = warehouse.rows(
        "SELECT 1 FROM ranked.rankings WHERE scorer = 'baseline' AND list_contains(?, prompt) LIMIT 1", [list(names)]
    )
    if scored:
        OUT.print(BASELINE_NOTE, style="yellow", markup=False, soft_wrap=True)
        OUT.print()
    divided = warehouse.rows(
        "SELECT 1 FROM ranked.rankings WHERE scorer = 'baseline' AND quadrant IS NOT NULL AND list_contains(?, prompt)"
        " LIMIT 1",
        [list(names)],
    )
    if divided:
        OUT.print(BASELINE_QUADRANTS_NOTE, style="yellow", markup=False, soft_wrap=True)
        OUT.print()


def _or_dash(value: Any, form: str = "") -> str:
    return "–" if pd.isna(value) else format(value, form)


def _print_places(settings: Settings) -> None:
    OUT.print(f"Warehouse:  {settings.warehouse.place}", markup=False, soft_wrap=True)
    current = settings.published_folder / "current"
    OUT.print(f"Published:  {current}", markup=False, soft_wrap=True)
    OUT.print(f"Map:        {current / SITE_FOLDER / 'index.html'}", markup=False, soft_wrap=True)
