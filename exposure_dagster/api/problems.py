"""How a mistake is told: application/problem+json (RFC 9457), whatever the mistake."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from exposure_dagster.core.errors import PublicationError

MEDIA_TYPE = "application/problem+json"

LOG = logging.getLogger(__name__)


class ProblemDetail(BaseModel):
    """One parameter that cannot be used."""

    parameter: str = Field(description="Where it stands, as in query.limit.")
    problem: str = Field(description="What is wrong with it, and what is allowed.")


class Problem(BaseModel):
    """A mistake, as RFC 9457 has it."""

    type: str = Field("about:blank", description="about:blank: the status says what kind of mistake it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened, and what to do.")
    instance: str = Field(description="Path that was asked for.")
    errors: list[ProblemDetail] = Field([], description="Every parameter that cannot be used.")


class _ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The mistakes of an operation, for its `responses`."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    named: dict[int | str, dict[str, Any]] = {
        status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses
    }
    return {**named, "default": {"description": "Any other mistake", "content": content}}


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[ProblemDetail] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer that tells of a mistake."""
    content = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, instance=request.url.path, errors=errors or []
    )
    return _ProblemResponse(
        content.model_dump(), status_code=status, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def tell_problems(app: FastAPI) -> None:
    """Have every mistake of an application told in this way."""
    app.add_exception_handler(HTTPException, _of_status)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(PublicationError, _of_publication)
    app.add_exception_handler(Exception, _of_ours)


async def _of_status(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status == HTTPStatus.NOT_FOUND and error.detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is nothing at this address. /openapi.json lists what there is."
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        return problem(
            request, status, "Everything here is only read: use GET or HEAD.", headers={"Allow": "GET, HEAD"}
        )
    else:
        detail = str(error.detail)
    return problem(request, status, detail, headers=error.headers)


async def _of_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        ProblemDetail(parameter=".".join(str(part) for part in one["loc"]), problem=one["msg"])
        for one in error.errors()
    ]
    detail = "; ".join(f"{one.parameter}: {one.problem}" for one in errors[:5])
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


async def _of_publication(request: Request, error: Exception) -> JSONResponse:
    """The folder of the server stays its own affair: the answer says what is wrong and not where."""
    assert isinstance(error, PublicationError)
    LOG.error("%s", error)
    detail = f"{error.what[0].upper()}{error.what[1:]}."
    return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": "10"})


async def _of_ours(request: Request, _error: Exception) -> JSONResponse:
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "A mistake of the server's; its log says more.")
