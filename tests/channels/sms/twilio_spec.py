"""Twilio's own description of its API as a judge of every request that we make and every answer that the tests give."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema

JUDGES = Path(os.environ.get("FRONTDESK_JUDGES") or Path(__file__).parents[4] / "shared" / "data")
FILE = JUDGES / "openapi" / "twilio_api_v2010.json"
WHY_SKIPPED = f"Twilio's API description is not at {FILE}; point FRONTDESK_JUDGES at the folder that has openapi/"


@cache
def spec() -> dict[str, Any] | None:
    return _nullable(json.loads(FILE.read_text("utf-8"))) if FILE.exists() else None


def judge_request(method: str, target: str, body: bytes) -> list[str]:
    """What Twilio's description finds wrong with a request; nothing when the description is not there."""
    described = spec()
    if described is None:
        return []
    parts = urlsplit(target)
    operation, values = _operation(described, method.lower(), parts.path)
    if operation is None:
        return [f"{method} {parts.path} does not exist"]
    wrong = []
    known = {(parameter["in"], parameter["name"]): parameter["schema"] for parameter in operation["parameters"]}
    given = [("path", name, value) for name, value in values.items()]
    given += [("query", name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    for where, name, value in given:
        if (where, name) not in known:
            wrong.append(f"{where} parameter {name} does not exist")
        else:
            wrong += _judge(_typed(value, known[where, name]), known[where, name], described)
    if method == "POST":
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        wrong += _judge_form(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True), schema, described)
    return wrong


def judge_answer(method: str, target: str, status: int, body: Any) -> list[str]:
    described = spec()
    if described is None:
        return []
    operation, _ = _operation(described, method.lower(), urlsplit(target).path)
    assert operation is not None
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return _judge(body, schema, described)


def _judge_form(pairs: list[tuple[str, str]], schema: dict[str, Any], described: dict[str, Any]) -> list[str]:
    wrong, form = [], {}
    for name, value in pairs:
        field = schema["properties"].get(name)
        if field is None:
            wrong.append(f"form field {name} does not exist")
        elif field.get("type") == "array":
            form.setdefault(name, []).append(value)
        elif name in form:
            wrong.append(f"form field {name} may not repeat")
        else:
            form[name] = _typed(value, field)
    return wrong + _judge(form, schema, described)


def _operation(described: dict[str, Any], method: str, path: str) -> tuple[dict[str, Any] | None, dict[str, str]]:
    for template, item in described["paths"].items():
        found = re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)), path)
        if found and method in item:
            operation = item[method]
            parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
            return {**operation, "parameters": parameters}, found.groupdict()
    return None, {}


def _typed(value: str, schema: dict[str, Any]) -> Any:
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if schema.get("type") == "boolean" and value in ("true", "false"):
        return value == "true"
    return value


def _judge(value: Any, schema: dict[str, Any], described: dict[str, Any]) -> list[str]:
    whole = {**schema, "components": described["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def _nullable(node: Any) -> Any:
    """OpenAPI 3.0 writes ``nullable``; JSON Schema knows a list of types."""
    if isinstance(node, list):
        return [_nullable(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {name: _nullable(value) for name, value in node.items()}
    if made.get("nullable") is True and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
