"""The application: addresses, and what each answers from the snapshot of its request."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Annotated, Any, BinaryIO, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from exposure_dagster import __version__
from exposure_dagster.api import records
from exposure_dagster.api.delivery import DIGEST_HEADER, HeadRequests, Hosts, OpenedFile, Tags, tag_of
from exposure_dagster.api.problems import Problem, declared, tell_problems
from exposure_dagster.api.queries import (
    OCCUPATION_SORTS,
    ChangeQuery,
    OccupationQuery,
    Paging,
    RankingQuery,
    SummaryQuery,
    matching_occupations,
    matching_rankings,
    page,
)
from exposure_dagster.api.reference import REFERENCE_POLICY, reference_page
from exposure_dagster.api.snapshots import MANIFEST, Publications, PublishedRecords, Record, Snapshot
from exposure_dagster.publishing.content import BASELINE_NOTE, BASELINE_QUADRANTS_NOTE, CAVEATS, METHOD
from exposure_dagster.publishing.site import (
    CARD_POLICY,
    POLICY,
    SHARE_FOLDER,
    SITE_FILES,
    SITE_FOLDER,
)

PREFIX = "/api/v1"

NEEDED = (MANIFEST, "prompts.parquet", "prompt_versions.parquet")
"""Files without which no answer can say by whom scores were made, and from what."""

OF_OCCUPATIONS = ("occupations.parquet", "handbook.parquet", "titles.parquet")

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}

_PACKED = {"Content-Encoding": "gzip"}

_DESCRIPTION = f"""
What was published: occupations, prompts with the versions that were answered, rankings, summaries, where each score
comes from, and what changed. Everything is only read. Each answer comes from one publication, whose `digest` it names
(also as the header `{DIGEST_HEADER}`), carries an ETag, and is compressed where the reader takes gzip. Lists are paged
by `limit` and `offset`. Every mistake is `application/problem+json`.

{CAVEATS}

`/sources` names the sources of what is published, with their licences.
"""

_Prompt = Annotated[str, Path(description="Name of the prompt, as /prompts lists them.")]
_Document = Annotated[str, Path(description="Document: slug, O*NET code or id.", examples=["roofers"])]
_Slug = Annotated[str, Path(description="Handbook page, as in its address.", examples=["roofers"])]


def create_app(
    publications: Publications, *, cors_origins: Sequence[str] = (), allowed_hosts: Collection[str] = ("*",)
) -> FastAPI:
    """The API and the site over a published folder.

    Without origins no other site's page may read it. `allowed_hosts` are the names that it answers to: `*` for any.
    """
    app = FastAPI(
        title="exposure_dagster",
        version=__version__,
        summary="How far written questions apply to every occupation, and why.",
        description=_DESCRIPTION,
        license_info={"name": "Code: MIT. Data: as each source says.", "url": "https://opensource.org/license/mit"},
        docs_url=None,
        redoc_url=None,
    )
    tell_problems(app)
    app.add_middleware(Hosts, allowed=allowed_hosts)
    app.add_middleware(Tags)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    if cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(cors_origins),
            allow_methods=["GET", "HEAD"],
            expose_headers=["ETag", DIGEST_HEADER],
        )
    app.add_middleware(HeadRequests)

    async def snapshot_of_request(response: Response) -> Snapshot:
        cached = publications.cached()
        snapshot = cached if cached is not None else await run_in_threadpool(publications.current)
        response.headers[DIGEST_HEADER] = snapshot.digest
        return snapshot

    app.include_router(_router(snapshot_of_request), prefix=PREFIX)
    _serve_pages(app)
    _serve_files(app, publications)
    _declare_problems(app)
    return app


def _router(snapshot_of_request: Callable[..., Any]) -> APIRouter:
    router = APIRouter(
        responses={304: {"description": "The reader has it already (If-None-Match)"}, **declared(422, 503)}
    )
    found_or_not = declared(404)
    any_one = Depends(snapshot_of_request)

    async def whole_snapshot(snapshot: Snapshot = any_one) -> Snapshot:
        snapshot.require(*NEEDED)
        return snapshot

    one = Depends(whole_snapshot)

    @router.get("/health", response_model=records.Health, tags=["server"], summary="Whether it answers, and from what")
    def health(response: Response, snapshot: Snapshot = any_one) -> Record:
        response.headers["Cache-Control"] = "no-store"
        is_whole = not any(name in snapshot.damaged for name in NEEDED)
        return {
            **(_head(snapshot, snapshot.prompts.values()) if is_whole else {"digest": snapshot.digest, "notes": []}),
            "status": "damaged" if snapshot.damaged else "ok",
            "damaged": [{"path": name, "problem": problem} for name, problem in snapshot.damaged.items()],
            "version": snapshot.version,
            "published_at": snapshot.published_at,
            "is_sample": None if MANIFEST in snapshot.damaged else snapshot.sample_note is not None,
            "has_site": "index.html" in snapshot.site,
            "prompts": len(snapshot.prompts),
            "occupations": len(snapshot.occupations),
            "scores": sum(row["score"] is not None for prompt in snapshot.prompts.values() for row in prompt.rankings),
        }

    @router.get("/sources", response_model=records.Sources, tags=["server"], summary="Sources, licences, method")
    def sources(snapshot: Snapshot = one) -> Record:
        return {
            **_head(snapshot, snapshot.prompts.values()),
            "sources": snapshot.sources,
            "method": METHOD,
            "caveats": CAVEATS,
        }

    @router.get("/files", response_model=records.Files, tags=["server"], summary="The exported files")
    def files(snapshot: Snapshot = one) -> Record:
        return {
            **_head(snapshot, snapshot.prompts.values()),
            "files": [
                {"path": name, "url": f"/files/{quote(name)}", "size_bytes": size}
                for name, size in snapshot.files.items()
            ],
        }

    @router.get(
        "/occupations",
        response_model=records.page_of(records.Occupation),
        tags=["occupations"],
        summary="Handbook occupations: filter, search, sort, page",
    )
    def occupations(request: Request, query: Annotated[OccupationQuery, Query()], snapshot: Snapshot = one) -> Record:
        snapshot.require(*OF_OCCUPATIONS)
        by = query.sort.removeprefix("-")
        if by not in OCCUPATION_SORTS and by not in snapshot.prompts:
            allowed = ", ".join(OCCUPATION_SORTS)
            raise HTTPException(404, f"No prompt {by} is published to sort by; the facts to sort by are {allowed}.")
        rows = matching_occupations(snapshot.occupations, query, lambda slug: snapshot.aliases.get(slug, ()))
        return {**_head(snapshot, snapshot.prompts.values()), **page(rows, query, request)}

    @router.get(
        "/occupations/{slug}",
        response_model=records.OccupationDetail,
        responses=found_or_not,
        tags=["occupations"],
        summary="One occupation: facts, O*NET codes, all its scores",
    )
    def occupation(slug: _Slug, snapshot: Snapshot = one) -> Record:
        snapshot.require(*OF_OCCUPATIONS)
        rows = [row for row in snapshot.occupations if row["slug"] == slug]
        if not rows:
            raise HTTPException(404, f"No occupation {slug} is published. {PREFIX}/occupations lists them.")
        return _occupation(rows[0], snapshot)

    @router.get(
        "/prompts", response_model=records.page_of(records.PromptHead), tags=["prompts"], summary="The questions asked"
    )
    def prompts(request: Request, query: Annotated[Paging, Query()], snapshot: Snapshot = one) -> Record:
        rows = [
            {**prompt.head, "versions": [version["prompt_hash"] for version in prompt.versions]}
            for prompt in snapshot.prompts.values()
        ]
        return {**_head(snapshot, snapshot.prompts.values()), **page(rows, query, request)}

    @router.get(
        "/prompts/{prompt}",
        response_model=records.PromptDetail,
        responses=found_or_not,
        tags=["prompts"],
        summary="One question, with every version of it that was answered",
    )
    def prompt_detail(prompt: _Prompt, snapshot: Snapshot = one) -> Record:
        found = _prompt(snapshot, prompt)
        return {**_head(snapshot, [found]), **found.head, "versions": found.versions}

    @router.get(
        "/prompts/{prompt}/rankings",
        response_model=records.page_of(records.Ranking),
        responses=found_or_not,
        tags=["rankings"],
        summary="Every document by its score: filter, search, sort, page",
    )
    def rankings(
        request: Request, prompt: _Prompt, query: Annotated[RankingQuery, Query()], snapshot: Snapshot = one
    ) -> Record:
        found = _prompt(snapshot, prompt, "ranking")
        return {**_head(snapshot, [found]), **page(matching_rankings(found.rankings, query), query, request)}

    @router.get(
        "/prompts/{prompt}/summaries",
        response_model=records.list_of(records.Summary),
        responses=found_or_not,
        tags=["rankings"],
        summary="Jobs, wages and mean scores by group",
    )
    def summaries(prompt: _Prompt, query: Annotated[SummaryQuery, Query()], snapshot: Snapshot = one) -> Record:
        found = _prompt(snapshot, prompt, "summaries")
        rows = [row for row in found.summaries if query.grouping in (None, row["grouping"])]
        return {**_head(snapshot, [found]), "items": rows}

    @router.get(
        "/prompts/{prompt}/resilience",
        response_model=records.page_of(records.Resilience),
        responses=found_or_not,
        tags=["rankings"],
        summary="The resilience ranking; empty for a prompt without its formula",
    )
    def resilience(
        request: Request, prompt: _Prompt, query: Annotated[Paging, Query()], snapshot: Snapshot = one
    ) -> Record:
        found = _prompt(snapshot, prompt, "ai_resilience")
        return {**_head(snapshot, [found]), **page(found.resilience, query, request)}

    @router.get(
        "/prompts/{prompt}/task_rollups",
        response_model=records.page_of(records.TaskRollup),
        responses=found_or_not,
        tags=["rankings"],
        summary="Scores of tasks, rolled up to occupations; empty for a prompt that is not about tasks",
    )
    def task_rollups(
        request: Request, prompt: _Prompt, query: Annotated[Paging, Query()], snapshot: Snapshot = one
    ) -> Record:
        found = _prompt(snapshot, prompt, "task_rollups")
        return {**_head(snapshot, [found]), **page(found.task_rollups, query, request)}

    @router.get(
        "/prompts/{prompt}/provenance/{doc_id:path}",
        response_model=records.Provenance,
        responses=found_or_not,
        tags=["rankings"],
        summary="Where one score comes from",
    )
    def provenance(prompt: _Prompt, doc_id: _Document, snapshot: Snapshot = one) -> Record:
        found = _prompt(snapshot, prompt, "ranking", "provenance", "uncertainty")
        snapshot.require("sections.parquet")
        ranking, behind = found.ranking_of.get(doc_id), found.provenance_of.get(doc_id)
        if ranking is None or behind is None:
            raise HTTPException(
                404, f"No score of {doc_id} is published. {PREFIX}/prompts/{prompt}/rankings lists the documents."
            )
        version = next((one for one in found.versions if one["prompt_hash"] == ranking["prompt_hash"]), None)
        sections = [one for one in snapshot.sections.get(doc_id, ()) if one["corpus"] == found.head["corpus"]]
        return {
            **_head(snapshot, [found]),
            **ranking,
            **behind,
            "uncertainty": found.uncertainty_of.get(doc_id),
            "version": version,
            "sections": sections,
        }

    @router.get(
        "/changes",
        response_model=records.page_of(records.Change),
        tags=["rankings"],
        summary="What moved since the version before: the largest shifts of each prompt first",
    )
    def changes(request: Request, query: Annotated[ChangeQuery, Query()], snapshot: Snapshot = one) -> Record:
        snapshot.require("changes.parquet")
        chosen = [found for name, found in snapshot.prompts.items() if not query.prompt or name in query.prompt]
        rows = [row for found in chosen for row in found.changes if not query.change or row["change"] in query.change]
        return {**_head(snapshot, chosen), **page(rows, query, request)}

    _tell_how_sure(router, one)
    return router


def _tell_how_sure(router: APIRouter, one: Any) -> None:
    """The addresses of what says how far scores can be trusted. `one` is the dependency on a snapshot."""
    found_or_not = declared(404)

    @router.get(
        "/prompts/{prompt}/uncertainty",
        response_model=records.page_of(records.Uncertainty),
        responses=found_or_not,
        tags=["reliability"],
        summary="How sure each score is: intervals of scores and ranks, and by what they are known",
    )
    def uncertainty(
        request: Request, prompt: _Prompt, query: Annotated[Paging, Query()], snapshot: Snapshot = one
    ) -> Record:
        found = _prompt(snapshot, prompt, "uncertainty")
        return {**_head(snapshot, [found]), **page(found.uncertainty, query, request)}

    @router.get(
        "/prompts/{prompt}/reliability",
        response_model=records.list_of(records.Reliability),
        responses=found_or_not,
        tags=["reliability"],
        summary="How well repeated answers agree; empty where nothing was asked twice",
    )
    def reliability(prompt: _Prompt, snapshot: Snapshot = one) -> Record:
        found = _prompt(snapshot, prompt, "reliability")
        return {**_head(snapshot, [found]), "items": found.reliability}

    @router.get(
        "/prompts/{prompt}/agreement",
        response_model=records.list_of(records.Agreement),
        responses=found_or_not,
        tags=["reliability"],
        summary="How far the scores agree with published indices; empty where none is set",
    )
    def agreement(prompt: _Prompt, snapshot: Snapshot = one) -> Record:
        found = _prompt(snapshot, prompt)
        snapshot.require("agreement.parquet")
        return {**_head(snapshot, [found]), "items": found.agreement}

    @router.get(
        "/prompts/{prompt}/disagreements",
        response_model=records.page_of(records.Disagreement),
        responses=found_or_not,
        tags=["reliability"],
        summary="Where scores and indices lie furthest apart; empty where no index is set",
    )
    def disagreements(
        request: Request, prompt: _Prompt, query: Annotated[Paging, Query()], snapshot: Snapshot = one
    ) -> Record:
        found = _prompt(snapshot, prompt)
        snapshot.require("disagreements.parquet")
        return {**_head(snapshot, [found]), **page(found.disagreements, query, request)}


def _head(snapshot: Snapshot, prompts: Iterable[PublishedRecords]) -> Record:
    of_baseline = " ".join(prompt.head["note"] or "" for prompt in prompts)
    notes = [note for note in (BASELINE_NOTE, BASELINE_QUADRANTS_NOTE) if note in of_baseline]
    return {"digest": snapshot.digest, "notes": [*notes, *([snapshot.sample_note] if snapshot.sample_note else [])]}


def _prompt(snapshot: Snapshot, name: str, *tables: str) -> PublishedRecords:
    """A prompt, of which the tables are to be used."""
    found = snapshot.prompts.get(name)
    if found is None:
        raise HTTPException(404, f"No prompt {name} is published. {PREFIX}/prompts lists them.")
    snapshot.require(*(f"{name}/{table}.parquet" for table in tables))
    return found


def _occupation(row: Record, snapshot: Snapshot) -> Record:
    codes = row["onet_codes"] or []
    scores, resilience, rollups = [], [], []
    snapshot.require("sections.parquet")
    for name, prompt in snapshot.prompts.items():
        used = ("ranking", "uncertainty", "ai_resilience", "task_rollups")
        snapshot.require(*(f"{name}/{table}.parquet" for table in used))
        documents = row["by_prompt"].get(name, {}).get("doc_ids") or []
        of_prompt = {
            "prompt_title": prompt.head["title"],
            **{key: prompt.head[key] for key in ("corpus", "scale_low", "scale_high")},
        }
        scores += [
            {**prompt.ranking_of[one], **of_prompt, "uncertainty": prompt.uncertainty_of.get(one)}
            for one in documents
            if one in prompt.ranking_of
        ]
        resilience += [{**one, "prompt": name} for one in prompt.resilience if one["onet_code"] in codes]
        rollups += [{**one, "prompt": name} for one in prompt.task_rollups if one["onet_code"] in codes]
    return {
        **_head(snapshot, snapshot.prompts.values()),
        **row,
        "aliases": snapshot.aliases.get(row["slug"], []),
        "scores": scores,
        "resilience_of_codes": resilience,
        "task_rollups": rollups,
        "sections": [one for doc_id in (row["slug"], *codes) for one in snapshot.sections.get(doc_id, ())],
    }


def _serve_pages(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(reference_page(app.openapi()), headers={"Content-Security-Policy": REFERENCE_POLICY})


def _serve_files(app: FastAPI, publications: Publications) -> None:
    """The site at the root, and the exported files below /files; each request reads one publication."""
    policy = {"Content-Security-Policy": POLICY, "Vary": "Accept-Encoding"}

    def answer(request: Request, name: str, file: BinaryIO, snapshot: Snapshot, **headers: str) -> Response:
        kind = _MEDIA_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
        headers |= {DIGEST_HEADER: snapshot.digest, "ETag": tag_of(snapshot.digest, request.scope)}
        return OpenedFile(file, changed_at=snapshot.published_at, media_type=kind, headers=headers)

    @app.get("/files/{path:path}", include_in_schema=False)
    def file(path: str, request: Request) -> Response:
        found = None if path.startswith(f"{SITE_FOLDER}/") else publications.open_file(path)
        if found is None:
            raise HTTPException(404, f"The publication holds no such file. {PREFIX}/files lists them.")
        snapshot, opened = found
        return answer(request, path, opened, snapshot)

    def site_file(name: str) -> Callable[[Request], Response]:
        path = f"{SITE_FOLDER}/{name}"

        def endpoint(request: Request) -> Response:
            snapshot = publications.current()
            snapshot.require(path)
            if "gzip" in request.headers.get("Accept-Encoding", "") and "Range" not in request.headers:
                packed = snapshot.site.get(name)
                if packed is not None:
                    return answer(request, name, io.BytesIO(packed), snapshot, **policy, **_PACKED)
            elif (found := publications.open_file(path)) is not None:
                return answer(request, name, found[1], found[0], **policy)
            raise HTTPException(
                404, "The publication holds no site. Publish again, with `exposure run`; the API is at /docs."
            )

        return endpoint

    @app.get(f"/{SHARE_FOLDER}/{{path:path}}", include_in_schema=False)
    def shared_page(path: str, request: Request) -> Response:
        found = publications.open_file(f"{SITE_FOLDER}/{SHARE_FOLDER}/{path}")
        if found is None:
            raise HTTPException(404, "The site has no such page. The map is at /.")
        snapshot, opened = found
        headers = {"Content-Security-Policy": CARD_POLICY}
        return answer(request, path, opened, snapshot, **headers)

    for name in SITE_FILES:
        app.get(f"/{name}", include_in_schema=False)(site_file(name))
    app.get("/", include_in_schema=False)(site_file("index.html"))


def _declare_problems(app: FastAPI) -> None:
    """Put the model of mistakes into the schema: the operations name it, and no answer of theirs is it."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make()
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schema["components"]["schemas"] |= {**problem.pop("$defs", {}), "Problem": problem}
        return cast(dict[str, Any], app.openapi_schema)

    app.openapi = openapi  # type: ignore[method-assign]
