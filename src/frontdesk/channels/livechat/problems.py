"""Errors as the widget sees them: problem+json (RFC 9457) with a stable ``code``. No input ends as a 500."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response

log = logging.getLogger(__name__)


class Problem(Exception):
    """A refusal with a status, a stable code and a sentence. ``fields`` maps form fields to mistakes."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.fields, self.retry_after = fields, retry_after


def as_response(problem: Problem) -> Response[bytes]:
    body: dict[str, Any] = {
        "type": f"urn:frontdesk:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
    }
    if problem.fields:
        body["fields"] = dict(problem.fields)
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    if problem.retry_after is not None:
        headers["retry-after"] = str(max(1, round(problem.retry_after + 0.5)))
    return Response(
        msgspec.json.encode(body),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=headers,
    )


def on_problem(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    assert isinstance(error, Problem)
    return as_response(error)


def on_surprise(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The database is away, or we have a bug. Nothing was promised: the widget keeps the message and tries again."""
    log.error("live chat: %s %s failed", request.method, request.url.path, exc_info=error)
    return as_response(Problem(503, "unavailable", "This cannot be done right now. Please try again.", retry_after=2))


HANDLERS: dict[int | type[Exception], Any] = {Problem: on_problem, Exception: on_surprise}
