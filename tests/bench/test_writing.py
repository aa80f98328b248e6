"""The benchmarks still run, and a missed gate is a failure. Figures are judged by ``make bench``, not here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from bench.benchmarks import chosen
from bench.gates import Gate, markdown, told
from bench.measure import Meter, Spent, cpu_seconds, interleaved, median_ratio, percentile

from bench import __main__ as bench
from frontdesk.app import migrate

QUICK = ["floor", "queue", "sent", "empty_poll", "idle_answer"]  # others differ in what they post, or start a browser


async def test_the_benchmarks_of_the_write_path_run(capsys: pytest.CaptureFixture[str]) -> None:
    results, failed = await bench.run_all(chosen(QUICK), quick=True)
    assert not failed, capsys.readouterr().out[-3000:]
    assert list(results) == [name for name in chosen([]) if name in QUICK]
    assert all(gates and all(gate.value >= 0 for gate in gates) for gates in results.values())


def test_every_benchmark_says_what_it_measures() -> None:
    assert all((run.__doc__ or "").strip() for run in chosen([]).values())
    with pytest.raises(SystemExit, match="no benchmark nonsense"):
        chosen(["nonsense"])


@pytest.mark.parametrize(
    ("gate", "held", "missed"),
    [
        (Gate.at_most("a", 1.0, 1.0, "s"), True, False),
        (Gate.at_most("a", 1.01, 1.0, "s"), False, True),
        (Gate.at_least("a", 50, 50, "%"), True, False),
        (Gate.at_least("a", 49.9, 50, "%"), False, True),
        (Gate.at_least("a", 49.9, 50, "%", kind="aim"), False, False),
        (Gate.at_most("a", float("nan"), 1.0, "s"), False, True),  # what could not be measured does not hold
        (Gate.figure("a", 1e9, "s"), True, False),
    ],
)
def test_a_gate(gate: Gate, held: bool, missed: bool) -> None:
    assert (gate.held, gate.missed) == (held, missed)
    assert Gate.from_dict(json.loads(json.dumps(gate.as_dict()))).asked == gate.asked


@pytest.mark.parametrize(
    ("argv", "limit", "status"), [([], 1.0, 0), ([], 0.5, 1), (["--quick"], 0.5, 0), (["broken"], 1.0, 1)]
)
def test_a_missed_gate_and_a_broken_benchmark_fail_the_run(
    argv: list[str], limit: float, status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def run(place: object) -> list[Gate]:
        if argv == ["broken"]:
            raise RuntimeError("no")
        return [Gate.at_most("seconds", 0.7, limit, "s")]

    class Nowhere:
        def __init__(self, *, quick: bool) -> None: ...
        async def open(self) -> None: ...
        async def leave(self) -> None: ...
        async def close(self) -> None: ...

    monkeypatch.setattr(bench, "chosen", lambda names: {"one": run})
    monkeypatch.setattr(bench, "Place", Nowhere)
    kept = tmp_path / "figures.json"
    kept.write_text(json.dumps({"other": {"gates": [Gate.figure("b", 2, "s").as_dict()]}}))
    assert bench.main([*argv, "--json", str(kept)]) == status
    figures = json.loads(kept.read_text())
    assert "other" in figures
    assert ("one" in figures) == (argv != ["broken"])


def test_the_table_stands_between_its_marks(tmp_path: Path) -> None:
    kept, document = tmp_path / "figures.json", tmp_path / "performance.md"
    kept.write_text(json.dumps({"one": {"gates": [Gate.at_most("seconds", 0.7, 0.5, "s").as_dict()]}}))
    document.write_text(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n")
    bench.write_table(kept, document)
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| `one` | seconds | 0.700 s | ≤ 0.500 s (must) | MISSED |" in text
    assert "old" not in text


def test_a_told_table_judges_only_when_asked() -> None:
    gates = [Gate.at_most("seconds", 0.7, 0.5, "s")]
    assert "MISSED" in told("one", gates)
    assert "MISSED" not in told("one", gates, judged=False)
    assert markdown({}).count("\n") == 1


async def test_cpu_is_told_apart_and_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str, work: int) -> object:
        async def run() -> Spent:
            order.append(name)
            with Meter().measured(10) as spent:
                sum(range(work))
            return spent

        return run

    found = await interleaved(3, much=side("much", 12_000_000), little=side("little", 1000))  # type: ignore[arg-type]
    assert order == ["much", "little", "little", "much", "much", "little"]
    assert median_ratio(found["much"], found["little"]) > 10
    assert cpu_seconds(1 << 30) == 0.0
    assert [percentile(range(1, 101), share) for share in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]


def test_the_newest_revision_is_the_head_of_the_migrations() -> None:
    script = ScriptDirectory.from_config(migrate.config())
    assert script.get_current_head() == migrate.newest()
    assert {one.revision for one in script.walk_revisions()} == migrate.known()
