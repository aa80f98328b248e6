"""Finding the benchmarks: every function marked with ``@benchmark`` in ``bench/writing`` and ``bench/reading``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable

from bench import reading, writing
from bench.gates import Gate
from bench.place import Place

Benchmark = Callable[[Place], Awaitable[list[Gate]]]

_FOUND: dict[str, Benchmark] = {}


def benchmark(run: Benchmark) -> Benchmark:
    """Register under the function's name."""
    name = run.__name__
    if name in _FOUND and _FOUND[name].__module__ != run.__module__:
        raise ValueError(f"two benchmarks are called {name}")
    _FOUND[name] = run
    return run


def part_of(name: str) -> str:
    """``writing`` or ``reading``."""
    return _FOUND[name].__module__.split(".")[1]


def chosen(names: list[str]) -> dict[str, Benchmark]:
    """The named ones, or those of the named parts, or all; in the order of parts and files."""
    for part in (writing, reading):
        for module in pkgutil.iter_modules(part.__path__):
            importlib.import_module(f"{part.__name__}.{module.name}")
    unknown = [name for name in names if name not in _FOUND and name not in ("writing", "reading")]
    if unknown:
        raise SystemExit(
            f"There is no benchmark {', '.join(unknown)}. There are: writing, reading, {', '.join(_FOUND)}."
        )
    return {name: run for name, run in _FOUND.items() if not names or name in names or part_of(name) in names}
