"""What the web framework hands to a route."""

from __future__ import annotations

from typing import Any, TypeAlias

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from .world import World

Call: TypeAlias = Request[Any, Any, Any]
TheWorld: TypeAlias = NamedDependency[World]
InPath: TypeAlias = FromPath[str]
InQuery: TypeAlias = FromQuery[str]
NumberInQuery: TypeAlias = FromQuery[int]
