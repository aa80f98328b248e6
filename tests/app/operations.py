"""Every operation of the API, from its own description, with values that do not belong there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from frontdesk.app import commands

OPEN = {"getSetup", "setUp", "signIn", "getChannelIcon"}  # answers anybody
STREAM = "streamEvents"  # never ends; tested with the streams
ENDS_SESSION = {"signOut", "signOutEverywhere"}

BIG = 2**63 - 1
IDS = [
    "0",
    "-1",
    str(BIG),
    str(BIG + 1),
    str(2**80),
    "x",
    "1e3",
    "1.0",
    "%00",
    "%ED%A0%80",
    "1%00",
    "..%2f1",
    "٣",
    "true",
]
WRONG: list[Any] = [
    None, True, 0, -1, 1.5, BIG + 1, -(2**80), 1e308, "", "x", "a\x00b", "\ud800", "x" * 2_000, "٣", "-1",
    "2026-02-30T00:00:00Z", "2026-11-22T10:00:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
    [], [None], [BIG + 1], ["\x00"], [[]], {}, {"\x00": "\x00"}, {"x": "\ud800"}, [-1] * 300,
]  # fmt: skip
BODIES: list[bytes] = [
    b"", b"{", b"[]", b"null", b'"x"', b"1", b"{}", b"{]", b'{"a":1}{"b":2}', b'{"x": NaN}', b'{"x": 1e999}',
    b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b'{"\xed\xa0\x80": 1}', b"[" * 20_000, b'{"a":' * 20_000, b"a=1&b=2",
    b"--x\r\n\r\nx\r\n--x--", b'{"id": 1, "id": 2}',
]  # fmt: skip
QUERIES = ["", "x" * 3000, "1;drop", "'", "%27%20or%201=1", "eyJ4Ijoxf", "W10", "WyIyMDI2LTExLTIyVDEwOjAwOjAwIiwxXQ"]


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]  # (where, name)
    body: dict[str, Any] | None  # a body that would do
    properties: tuple[str, ...]
    query: str  # what it needs after the path

    def at(self, **values: str) -> str:
        """Its path with these values; 1 for the others."""
        path = self.path
        for where, name in self.parameters:
            if where == "path":
                path = path.replace("{" + name + "}", values.get(name, "1"))
        return path + self.query

    @property
    def ids(self) -> list[str]:
        return [name for where, name in self.parameters if where == "path" and name.endswith("_id")]


@cache
def operations() -> tuple[Operation, ...]:
    description = json.loads(commands.openapi())
    return tuple(
        _operation(description, method.upper(), path, about)
        for path, methods in description["paths"].items()
        for method, about in methods.items()
        if about["operationId"] != STREAM
    )


def _operation(description: dict[str, Any], method: str, path: str, about: dict[str, Any]) -> Operation:
    parameters = tuple((one["in"], one["name"]) for one in about.get("parameters", ()))
    content = about.get("requestBody", {}).get("content", {})
    schema = _resolved(description, content["application/json"]["schema"]) if "application/json" in content else None
    body = _example(description, schema) if schema else None
    properties = tuple(schema.get("properties", ())) if schema else ()
    needs = [one["name"] for one in about.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    query = "?" + "&".join(f"{name}=x" for name in needs) if needs else ""
    return Operation(about["operationId"], method, path, parameters, body, properties, query)


def _resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return found
    return schema


def _example(description: dict[str, Any], schema: dict[str, Any]) -> Any:
    """The smallest value that fits."""
    schema = _resolved(description, schema)
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return _example(description, schema[several][0])
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", ())
            return {name: _example(description, schema["properties"][name]) for name in wanted}
        case "array":
            return []
        case "integer":
            return 1
        case "boolean":
            return True
        case "string":
            return "#112233" if "pattern" in schema else "x" * max(8, schema.get("minLength", 0))
    return None


def bodies(operation: Operation) -> Iterator[bytes]:
    """Malformed ones, and the good one with each of its properties spoilt in every way."""
    if operation.method in ("GET", "DELETE"):
        return
    yield from BODIES
    for name in operation.properties:
        for value in WRONG:
            yield json.dumps({**(operation.body or {}), name: value}).encode()
    yield json.dumps({**(operation.body or {}), "role": "admin", "__proto__": {"x": 1}}).encode()


def addresses(operation: Operation) -> Iterator[str]:
    """Paths and queries with values that do not belong there."""
    for where, name in operation.parameters:
        if where == "path":
            yield from (operation.at(**{name: value}) for value in [*IDS, "x" * 3000])
        elif where == "query":
            for value in [*IDS, *QUERIES]:
                yield f"{operation.at()}{'&' if operation.query else '?'}{name}={value}"
    if operation.method == "GET":
        yield f"{operation.at()}?limit={2**64}"
        yield f"{operation.at()}?unknown=1&limit=1&limit=2"
