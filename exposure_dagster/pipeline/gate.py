"""Looking at a prompt's scores before they are published, and keeping back what must not be."""

from __future__ import annotations

from dataclasses import asdict, replace

import pandas as pd

from exposure_dagster.core.checks import CheckOutcome, first_of
from exposure_dagster.core.errors import ExposureError
from exposure_dagster.core.hashing import frame_digest
from exposure_dagster.gates import CHECKS, ESSENTIAL, EXAMPLES, PROBES, VARIATION, Gate
from exposure_dagster.pipeline.inputs import has_model_scores, other_titles
from exposure_dagster.pipeline.prompts import StoredPrompt, stored_prompt
from exposure_dagster.pipeline.ranked import RankReport, replace_ranked, stored_definition
from exposure_dagster.pipeline.ranking_inputs import digest_of_rankings
from exposure_dagster.prompts.model import RankingDefinition
from exposure_dagster.prompts.render import Document
from exposure_dagster.providers.baseline.anchors import Alias, Titles, anchors_of
from exposure_dagster.ranking import gate
from exposure_dagster.ranking.gate import Expected, Finding
from exposure_dagster.ranking.rankings import attribute_frame
from exposure_dagster.store.warehouse import Warehouse
from exposure_dagster.tables import GATE


class GateError(ExposureError):
    """Scores are kept back from publication."""


def look_at_scores(warehouse: Warehouse, prompt: str) -> RankReport:
    """Fill ranked.gate for one prompt: a row for each check."""
    with warehouse.snapshot() as now:
        made_from = digest_of_rankings(now, prompt)
        definition = stored_definition(now, prompt)
        found = _findings(now, stored_prompt(now, prompt), definition)
        is_estimated = not has_model_scores(now, prompt)
    if is_estimated:
        found = [_of_estimates(one) for one in found]
    rows = pd.DataFrame([asdict(one) for one in found])
    rows = rows.assign(prompt=prompt, is_essential=rows["check_name"].isin(ESSENTIAL))[list(GATE.column_names)]
    replace_ranked(warehouse, GATE, rows, prompt, made_from)
    return RankReport(rows, frame_digest(rows))


def _of_estimates(finding: Finding) -> Finding:
    """The baseline was asked nothing that it could have misread: how far it errs is what its intervals say."""
    if finding.has_passed or finding.check_name == VARIATION:
        return finding
    return replace(finding, has_passed=True, description=f"estimates, which no model gave: {finding.description}")


def _findings(warehouse: Warehouse, prompt: StoredPrompt, definition: RankingDefinition) -> list[Finding]:
    name = prompt.name
    scores = warehouse.read("SELECT * FROM scored.scores WHERE prompt = ? ORDER BY doc_id", [name])
    values = attribute_frame(scores, definition).set_axis(scores["doc_id"])
    if prompt.asked.has_single_number:
        (single,) = (one.key for one in definition.attributes)
        values = pd.DataFrame(
            {single: scores["score"].where(scores["status"] == "ok").to_numpy(float)}, scores["doc_id"]
        )
    step = (definition.scale_high - definition.scale_low) / 10
    examples, probes, unknown = _expected(warehouse, prompt, definition, values)
    jobs = warehouse.read("SELECT doc_id, jobs FROM ranked.rankings WHERE prompt = ?", [name])
    return [
        gate.known_groups(EXAMPLES, examples, step=step, fewest=gate.FEWEST_EXAMPLES),
        gate.known_groups(PROBES, probes, step=step, fewest=1, unknown=unknown),
        gate.variation(values),
        gate.agreement(warehouse.read("SELECT * FROM ranked.agreement WHERE prompt = ?", [name])),
        gate.drift(
            warehouse.read("SELECT score_before, score_after FROM ranked.changes WHERE prompt = ?", [name]),
            definition.scale_high - definition.scale_low,
        ),
        *gate.reliability(warehouse.read("SELECT * FROM ranked.reliability WHERE prompt = ?", [name])),
        gate.stability(
            warehouse.read("SELECT doc_id, p_tier FROM ranked.uncertainty WHERE prompt = ?", [name]),
            jobs.set_index("doc_id")["jobs"],
        ),
        gate.attributes(values),
    ]


def _expected(
    warehouse: Warehouse, prompt: StoredPrompt, definition: RankingDefinition, values: pd.DataFrame
) -> tuple[list[Expected], list[Expected], list[str]]:
    """The documents that the levels name as examples, and those that are probes, with what they score; and the probes
    that no document is called."""
    documents = [
        Document(doc_id, title, "")
        for doc_id, title in warehouse.rows(
            "SELECT doc_id, coalesce(title, doc_id) FROM parsed.documents WHERE corpus = ? ORDER BY doc_id",
            [prompt.corpus],
        )
    ]
    titles = Titles(
        [(one.doc_id, one.title) for one in documents],
        [Alias(title, doc_id) for title, doc_id in other_titles(warehouse, prompt.corpus)],
    )

    def value_of(row: int, attribute: str) -> float | None:
        doc_id = documents[row].doc_id
        value = float(values[attribute].get(doc_id, float("nan")))
        return None if value != value else value  # noqa: PLR0124  NaN

    examples = [
        Expected(documents[one.row].title, attribute.key, *one.range, value_of(one.row, attribute.key))
        for attribute in prompt.baseline.attributes
        for one in anchors_of(attribute.levels, titles)
    ]
    probes = [
        Expected(documents[row].title, key, *probe.range, value_of(row, key))
        for probe in definition.probes
        if (row := titles.row_of(probe.document)) is not None
        for key in [probe.attribute or definition.attributes[0].key]
    ]
    return examples, probes, [one.document for one in definition.probes if titles.row_of(one.document) is None]


def outcomes(warehouse: Warehouse, mode: Gate) -> list[CheckOutcome]:
    """Each check over all prompts, as Dagster shows it: an error where what it found is kept back."""
    rows = warehouse.read("SELECT * FROM ranked.gate ORDER BY prompt")
    result = []
    for check in CHECKS:
        found = rows[rows["check_name"] == check]
        failed = found[~found["has_passed"].astype(bool)]
        told = first_of(f"{row.prompt}: {row.description}" for row in (failed if len(failed) else found).itertuples())
        result.append(
            CheckOutcome(
                check,
                failed.empty,
                told or "no prompt is ranked",
                found.drop(columns=["check_name"]),
                is_error=mode.stops_at(check),
            )
        )
    return result


def kept_back(warehouse: Warehouse, mode: Gate) -> list[str]:
    """What keeps a publication back, a sentence a prompt and check; nothing where it may go out."""
    if not warehouse.exists:
        return []
    rows = warehouse.rows("SELECT prompt, check_name, description FROM ranked.gate WHERE NOT has_passed ORDER BY ALL")
    return [f"{prompt}: {description} (check {check})" for prompt, check, description in rows if mode.stops_at(check)]


def refuse_what_is_kept_back(warehouse: Warehouse, mode: Gate) -> None:
    """Raises GateError where scores must not be published; what is published stays as it is."""
    if reasons := kept_back(warehouse, mode):
        raise GateError(
            f"these scores are kept back, and what is published stays as it is: {first_of(reasons)}",
            where="EXPOSURE_GATE",
            remedy="Look at the answers (`exposure explain`), mend the question or who answers it, and run again; "
            "EXPOSURE_GATE=warn publishes all the same.",
        )
