"""The figures of a long run, a line of JSON for each of its parts: what is done, and where to go on after a stop."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chaos.report import spread
from chaos.run import Outcome

ADDED = (
    "texts", "acknowledged", "hook posts", "sendings", "provider requests", "cancels", "too late", "events",
    "lost connections of screens",
)  # fmt: skip


class Ledger:
    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, seed: str, outcome: Outcome) -> None:
        toll = outcome.toll
        line = {
            "seed": seed, "part": outcome.plan.seed, "kills": dict(toll.kills), "frozen": toll.frozen,
            "seconds": round(outcome.seconds), "load": outcome.load_average, "figures": outcome.figures,
            "wrong": {name: len(lines) for name, lines in outcome.wrong.items() if lines},
            "healthy": toll.healthy, "worker back": toll.worker_back, "postgres up": toll.postgres_up,
        }  # fmt: skip
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def parts(self, seed: str) -> int:
        return len(self._lines(seed))

    def kills(self, seed: str) -> int:
        return sum(sum(line["kills"].values()) for line in self._lines(seed))

    def told(self, seed: str) -> str:
        """Everything so far, in a few lines."""
        lines = self._lines(seed)
        kills, figures, ends = Counter[str](), Counter[str](), Counter[str]()
        for line in lines:
            kills.update(line["kills"])
            figures.update({name: line["figures"].get(name, 0) for name in ADDED})
            ends.update(line["figures"].get("outbox", {}))
        wrong = sum((Counter(line["wrong"]) for line in lines), Counter[str]())
        doubt = max((line["figures"].get("longest doubt s", 0) for line in lines), default=0)
        loads = sorted(line["load"][1] for line in lines)
        return "\n".join([
            f"seed {seed}: {kills.total()} kills in {len(lines)} parts ({_named(kills)}), stopped"
            f" {sum(line['frozen'] for line in lines)}, {sum(line['seconds'] for line in lines)} s,"
            f" load average {loads[0]:.1f} to {loads[-1]:.1f}; wrong: {_named(wrong) or 'nothing'}",
            f"  {_named(figures)}; ended: {_named(ends)}; longest doubt {doubt} s",
            f"  healthy again {spread(_all(lines, 'healthy'))}; worker back {spread(_all(lines, 'worker back'))}",
        ])  # fmt: skip

    def _lines(self, seed: str) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        lines = [json.loads(line) for line in self._path.read_text().splitlines()]
        return [line for line in lines if line["seed"] == seed]


def _named(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)


def _all(lines: Iterable[dict[str, Any]], name: str) -> list[float]:
    return [one for line in lines for one in line[name]]
