"""The API's description (OpenAPI 3.1), with what the framework cannot know: how we refuse, and who may ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litestar import Litestar

OPEN = {"getSetup", "setUp", "signIn", "getChannelIcon"}  # answers anybody
BIGGEST = 2**63 - 1

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457). `code` is stable, `detail` is a sentence for people.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["type", "title", "status", "code", "detail"],
}
SECURITY: dict[str, Any] = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "frontdesk", "description": "Changes need X-CSRF-Token."},
}
# What goes in or comes out as it is, and not as JSON: (operation, type).
UPLOADS = {"uploadFile": "application/octet-stream"}
DOWNLOADS = {"getChannelIcon": "image/svg+xml", "getMessageSource": "*/*"}
REFUSALS = {
    "400": "Something in the request is not as it should be; `fields` says what",
    "401": "Nobody is signed in, or the token is not valid",
    "403": "Signed in, but not allowed",
    "404": "It does not exist, or not for you",
    "409": "A rule or the present state says no",
    "413": "Too large",
    "415": "The body is not of the kind that is wanted",
    "429": "Too many; Retry-After says when to come back",
    "503": "Not just now; Retry-After says when to come back",
}


def described(app: Litestar) -> dict[str, Any]:
    """The description of what ``app`` serves, for JSON."""
    found: dict[str, Any] = app.openapi_schema.to_schema()
    found["components"]["schemas"]["Problem"] = PROBLEM
    found["components"]["securitySchemes"] = SECURITY
    found["components"]["responses"] = {f"Refused{status}": _refusal(words) for status, words in REFUSALS.items()}
    for path, method, operation in _operations(found):
        _say_what_is_bytes(operation)
        _say_how_it_refuses(path, method, operation)
        _say_who_may_ask(operation)
    _make_whole(found)
    return found


def _operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _say_how_it_refuses(path: str, method: str, operation: dict[str, Any]) -> None:
    told = {"503"} if operation["operationId"] in OPEN else {"401", "403", "503"}
    if "{" in path:
        told |= {"404"}
    if operation.get("parameters") or "requestBody" in operation:
        told |= {"400"}
    if method != "get":
        told |= {"400", "401", "403", "404", "409", "413", "415", "429"}
    operation["responses"] = {status: about for status, about in operation["responses"].items() if status < "400"}
    for status in sorted(told):
        operation["responses"][status] = {"$ref": f"#/components/responses/Refused{status}"}
    if about := operation["responses"].get("204"):
        about.pop("content", None)


def _refusal(words: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": words, "content": content}


def _say_what_is_bytes(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    if kind := UPLOADS.get(name):
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": {}}}}
    if kind := DOWNLOADS.get(name):
        operation["responses"]["200"]["content"] = {kind: {"schema": {"type": "string", "format": "binary"}}}


def _say_who_may_ask(operation: dict[str, Any]) -> None:
    operation["security"] = [] if operation["operationId"] in OPEN else [{name: []} for name in SECURITY]


def _make_whole(value: Any) -> None:
    """Bounds of integers are integers: as a float, the largest would be one more than fits."""
    if isinstance(value, dict):
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
            if isinstance(value.get(name), float) and "integer" in str(value.get("type")):
                value[name] = min(int(value[name]), BIGGEST)
        for inner in value.values():
            _make_whole(inner)
    elif isinstance(value, list):
        for inner in value:
            _make_whole(inner)
