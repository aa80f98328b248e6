"""What schemathesis asks us while it makes requests: half of the ids are those of things that exist.

Requests that take something away for good only meet the second half of each pool, so that the rest of a long run still
finds the first. Loaded by schemathesis itself (``SCHEMATHESIS_HOOKS``).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import schemathesis

POOLS: dict[str, list[int]] = json.loads(Path(os.environ["FUZZ_POOLS"]).read_text())
BY_NAME = {
    **{name: name for name in POOLS}, "into": "contact_id", "assignee_id": "user_id", "member_ids": "user_id",
    "mentions": "user_id", "answers": "message_id", "before": "message_id",
}  # fmt: skip
TAKES_AWAY = ("delete", "remove", "merge", "revoke", "accept", "dismiss", "discard", "changeUser")


def _real(name: str, value: Any, operation: str) -> Any:
    """An existing id instead of the value for every other integer; anything else stays as strange as it is."""
    if isinstance(value, list):
        return [_real(name, one, operation) for one in value]
    pool = POOLS.get(BY_NAME.get(name, ""))
    if not pool or not isinstance(value, int) or isinstance(value, bool):
        return value
    if value % 2 and operation != "changeUser":  # who asks must stay who they are
        return value
    half = pool[len(pool) // 2 :] if operation.startswith(TAKES_AWAY) else pool[: len(pool) // 2 + 1]
    return half[abs(value) // 2 % len(half)]


def _all(values: Any, operation: str) -> Any:
    if not isinstance(values, dict):
        return values
    return {name: _all(_real(name, value, operation), operation) for name, value in values.items()}


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    return _all(path_parameters, _name(context))


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    return _all(query, _name(context))


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    return _all(body, _name(context))


def _name(context: Any) -> str:
    return str(context.operation.definition.raw.get("operationId", "")) if context.operation else ""
