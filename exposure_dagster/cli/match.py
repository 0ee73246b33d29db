"""`exposure match`: which occupations one's own roles are."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exposure_dagster.cli.terminal import ERR, say, warn
from exposure_dagster.core.errors import ExposureError, SettingError
from exposure_dagster.core.progress import counted
from exposure_dagster.corpora.registry import MATCHED_WITH, ROLE_INDEX
from exposure_dagster.matching import ACCEPTED_SHARE
from exposure_dagster.matching.corrections import NO_CORRECTIONS, read_corrections
from exposure_dagster.settings import Settings, load_settings, variable_of

if TYPE_CHECKING:
    import pandas as pd

    from exposure_dagster.matching.matcher import KnownOccupation
    from exposure_dagster.pipeline.matches import OwnRole

_TYPED = "command line"
"""The corpus of titles that are typed."""

_NO_OCCUPATIONS_REMEDY = "`exposure match --fetch` fetches them; so does a run of a prompt about O*NET."


@click.command()
@click.argument("titles", nargs=-1, metavar="[TITLE]...")
@click.option("--duties", default="", metavar="TEXT", help="What is done under the TITLE that is given.")
@click.option("--fetch", is_flag=True, help="Fetch O*NET and read your files first, without its summary pages.")
@click.option("--rows", default=40, show_default=True, type=click.IntRange(0), help="How many documents to show.")
@click.option("--json", "as_json", is_flag=True, help="Write everything as JSON.")
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Write everything to a CSV file."
)
@click.option(
    "--template",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the unsure ones to a new CSV file, to fill in and to set as EXPOSURE_MATCHES.",
)
@click.pass_context
def match(
    context: click.Context,
    *,
    titles: tuple[str, ...],
    duties: str,
    fetch: bool,
    rows: int,
    as_json: bool,
    csv_file: Path | None,
    template: Path | None,
) -> None:
    """Say which O*NET occupation each of your own documents is, the unsure ones first.

    With a TITLE, or several, those are looked up instead. Up to five candidates, each with its share of the votes; one
    is accepted by itself where the title is exact, or the share at least 0.47. Nothing is written but the files that
    are named. Ends with status 1 where a line of the corrections cannot be used.
    """
    from exposure_dagster.pipeline.matches import OwnRole, matched

    _refuse_what_does_not_go_together(titles, duties, template)
    settings = load_settings()
    if fetch:
        from exposure_dagster.cli.run import refresh_sources

        refresh_sources(settings, [MATCHED_WITH.name])
    occupations = _occupations(settings)
    corrections = NO_CORRECTIONS
    if titles:
        roles = [OwnRole(_TYPED, str(place), title, duties) for place, title in enumerate(titles, start=1)]
    else:
        roles = _own_roles(settings)
        if settings.matches is not None:
            codes = [one.onet_code for one in occupations]
            corrections = read_corrections(settings.matches, [role.document for role in roles], codes)
    found = _by_role(roles, matched(roles, occupations, corrections))
    if len(found) < len(roles):
        several = counted(len(roles) - len(found), "document")
        ERR.print(f"{several} of several O*NET codes by the file's own word: not matched", markup=False)
    for problem in corrections.problems:
        warn(f"left out: {problem}")
    if csv_file is not None:
        _write(csv_file, _all_rows(found), "w")
    if template is not None:
        _write_template(template, found)
    if as_json:
        say(json.dumps(found, ensure_ascii=False, indent=1))
    elif csv_file is None and template is None:
        _show(found, len(titles) or rows)
    if corrections.problems:
        context.exit(1)


def _refuse_what_does_not_go_together(titles: Sequence[str], duties: str, template: Path | None) -> None:
    if duties and len(titles) != 1:
        raise click.UsageError("--duties goes with one TITLE")
    if template is not None and titles:
        raise click.UsageError("--template is for your own documents, without a TITLE")


def _occupations(settings: Settings) -> list[KnownOccupation]:
    """Those of the warehouse; before a run has filled it, of the release that is set."""
    from exposure_dagster.pipeline.matches import NO_OCCUPATIONS, occupations_of_warehouse

    warehouse = settings.warehouse
    known = occupations_of_warehouse(warehouse) if warehouse.exists else []
    saved = settings.saved_sources.get(ROLE_INDEX.setting)
    if not known and saved is not None:
        ERR.print(f"reading the titles of {saved}", markup=False)
        known = list(ROLE_INDEX.of_saved(saved))
    if not known:
        raise ExposureError(NO_OCCUPATIONS, where=str(settings.warehouse_file), remedy=_NO_OCCUPATIONS_REMEDY)
    return known


def _own_roles(settings: Settings) -> list[OwnRole]:
    """The documents as their files have them now."""
    from exposure_dagster.corpora.own.files import read_own_file
    from exposure_dagster.pipeline.matches import MOST_DOCUMENTS, NO_DOCUMENTS, OwnRole

    if not settings.own_corpora:
        raise SettingError(
            NO_DOCUMENTS, where=variable_of("documents"), remedy="Set it to name=file, or give a TITLE to look up."
        )
    roles: list[OwnRole] = []
    for corpus in settings.own_corpora:
        file = read_own_file(corpus.path)
        if file.problems:
            warn(f"left out: {corpus.name}; `exposure documents check {corpus.path}` says what is wrong with it")
        elif len(file.documents) > MOST_DOCUMENTS:
            warn(f"left out: {corpus.name}; it has more than {MOST_DOCUMENTS:,} documents")
            continue
        roles += [
            OwnRole(corpus.name, one.doc_id, one.title, one.text, tuple(one.onet_codes or ()))
            for one in file.documents
            if not file.problems
        ]
    return roles


def _by_role(roles: Sequence[OwnRole], rows: pd.DataFrame) -> list[dict[str, Any]]:
    """A record a role, the unsure ones first, of these those with the smallest share."""
    candidates: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for values in rows.astype(object).where(rows.notna(), None).itertuples(index=False, name=None):
        row = dict(zip(rows.columns, values, strict=True))
        candidates.setdefault((row["corpus"], row["doc_id"]), []).append(row)
    records = []
    for role in roles:
        found = candidates.get(role.document, [])
        if len(role.onet_codes) > 1 and not found:
            continue  # its file says that it is part of several
        first = found[0] if found else {}
        is_settled = bool(first) and (first["is_accepted"] or first["onet_code"] is None)
        records.append(
            {
                "corpus": role.corpus,
                "doc_id": role.doc_id,
                "title": role.title,
                "is_settled": is_settled,
                "how": first.get("how"),
                "onet_code": first["onet_code"] if first.get("is_accepted") else None,
                "candidates": [
                    {name: one[name] for name in ("onet_code", "occupation", "share")}
                    for one in found
                    if one["onet_code"] is not None
                ],
            }
        )
    is_typed = any(role.corpus == _TYPED for role in roles)
    return records if is_typed else sorted(records, key=lambda one: (one["is_settled"], _share(one)))


def _share(record: dict[str, Any]) -> float:
    return next((one["share"] or 0.0 for one in record["candidates"]), 0.0)


def _show(found: Sequence[dict[str, Any]], most: int) -> None:
    settled = sum(one["is_settled"] for one in found)
    say(
        f"{settled:,} of {counted(len(found), 'role')} settled" + (", the others first" if settled < len(found) else "")
    )
    for one in found[:most]:
        name = one["title"] if one["corpus"] == _TYPED else f"{one['corpus']}/{one['doc_id']}  {one['title']}"
        say(f"\n{name}: {_standing(one)}")
        for candidate in one["candidates"]:
            share = "    –" if candidate["share"] is None else f"{candidate['share']:5.2f}"
            say(f"  {share}  {candidate['onet_code']}  {candidate['occupation']}")
    if len(found) > most:
        say(f"\nand {len(found) - most:,} more; --rows, --json or --csv has them")


def _standing(one: dict[str, Any]) -> str:
    if not one["candidates"] and not one["is_settled"]:
        return "nothing like it is known"
    if not one["is_settled"]:
        return "unsure" if _share(one) < ACCEPTED_SHARE else "unsure, since no title is near enough"
    return f"{one['how']}, {one['onet_code']}" if one["onet_code"] else "no occupation, as the corrections say"


def _all_rows(found: Sequence[dict[str, Any]]) -> list[list[Any]]:
    head = ["corpus", "document", "title", "rank", "code", "occupation", "share", "how", "is_settled"]
    return [
        head,
        *(
            [
                *(one["corpus"], one["doc_id"], one["title"], rank),
                *(candidate.get(name) for name in ("onet_code", "occupation", "share")),
                *(one["how"], one["is_settled"] and candidate.get("onet_code") == one["onet_code"]),
            ]
            for one in found
            for rank, candidate in enumerate(one["candidates"] or [{}], start=1)
        ),
    ]


def _write_template(path: Path, found: Sequence[dict[str, Any]]) -> None:
    """The unsure ones, `code` to be filled in with one of the candidates, another code, or `none`."""
    unsure = [one for one in found if not one["is_settled"]]
    if not unsure:
        say("nothing is unsure; no file was written")
        return
    rows = [
        [
            one["doc_id"],
            "",
            one["corpus"],
            one["title"],
            "; ".join(f"{c['onet_code']} {c['occupation']} ({c['share']:.2f})" for c in one["candidates"]),
        ]
        for one in unsure
    ]
    _write(path, [["document", "code", "corpus", "title", "candidates"], *rows], "x")
    how = f"fill in `code` (a code, or `none`), then set {variable_of('matches')}={path}"
    say(f"{counted(len(unsure), 'role')} in {path}: {how}")


def _write(path: Path, rows: Sequence[Sequence[Any]], mode: str) -> None:
    """A CSV file as Excel knows it, in which no cell can be taken for a formula."""
    try:
        with path.open(mode, encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([[_plain_cell(cell) for cell in row] for row in rows])
    except FileExistsError:
        raise ExposureError(
            "there is such a file already, perhaps with corrections in it", where=str(path), remedy="Name another one."
        ) from None
    except OSError as error:
        raise ExposureError(f"it cannot be written ({error.strerror})", where=str(path)) from None


def _plain_cell(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
