"""Pages for playing the customer."""

from __future__ import annotations

from typing import Any

ROUTES: list[Any] = []
