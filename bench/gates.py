"""Figures with a limit, how they are judged, and how they are told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

Kind = Literal["must", "aim", "figure"]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A measured value and its limit. A missed ``must`` fails the run, a missed ``aim`` is only said; a ``figure`` has
    no limit and is there to understand the others."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    better: Literal["lower", "higher"] = "lower"
    kind: Kind = "must"
    note: str = ""

    @classmethod
    def at_most(cls, name: str, value: float, limit: float, unit: str, *, kind: Kind = "must", note: str = "") -> Self:
        return cls(name=name, value=value, limit=limit, unit=unit, better="lower", kind=kind, note=note)

    @classmethod
    def at_least(cls, name: str, value: float, limit: float, unit: str, *, kind: Kind = "must", note: str = "") -> Self:
        return cls(name=name, value=value, limit=limit, unit=unit, better="higher", kind=kind, note=note)

    @classmethod
    def figure(cls, name: str, value: float, unit: str, *, note: str = "") -> Self:
        return cls(name=name, value=value, unit=unit, kind="figure", note=note)

    @property
    def held(self) -> bool:
        if self.limit is None:
            return True
        return self.value <= self.limit if self.better == "lower" else self.value >= self.limit

    @property
    def missed(self) -> bool:
        """Whether this fails the run."""
        return self.kind == "must" and not self.held

    @property
    def verdict(self) -> str:
        if self.kind == "figure":
            return ""
        return "held" if self.held else "MISSED" if self.kind == "must" else "not reached"

    @property
    def asked(self) -> str:
        """The limit in words, like ``≤ 5 ms (must)``."""
        if self.limit is None:
            return ""
        return f"{'≤' if self.better == 'lower' else '≥'} {_number(self.limit)} {self.unit} ({self.kind})"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "held": self.held}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Self:
        return cls(**{name: value for name, value in kept.items() if name != "held"})


def told(benchmark: str, gates: list[Gate], *, judged: bool = True) -> str:
    """A table for the terminal."""
    lines = [benchmark]
    for gate in gates:
        value = f"{_number(gate.value)} {gate.unit}"
        asked, verdict = (gate.asked, gate.verdict) if judged else ("", "")
        lines.append(f"  {gate.name:<58} {value:>14}  {asked:<22} {verdict:<11} {gate.note}".rstrip())
    return "\n".join(lines)


def markdown(results: dict[str, list[Gate]]) -> str:
    """The same as a table of Markdown, over all benchmarks."""
    lines = ["| benchmark | what | measured | limit | |", "|---|---|--:|---|---|"]
    for name, gates in results.items():
        for gate in gates:
            what = gate.name + (f" ({gate.note})" if gate.note else "")
            value = f"{_number(gate.value)} {gate.unit}"
            lines.append(f"| `{name}` | {what} | {value} | {gate.asked} | {gate.verdict} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    """Three significant digits, and never an exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    size = abs(value)
    digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"
