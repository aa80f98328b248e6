"""Tables for people."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.run import Outcome

LINES = 5  # of what is wrong, for each check
WORKER_BACK, HEALTHY = 2.0, 5.0  # seconds; gates only where the machine does nothing else


def told(outcome: Outcome) -> str:
    """What a run did and found."""
    toll = outcome.toll
    kills = ", ".join(f"{who} {count}" for who, count in sorted(toll.kills.items()))
    spent = ", ".join(f"{what} {seconds:.0f}" for what, seconds in outcome.spent.items())
    average = " ".join(f"{one:.1f}" for one in outcome.load_average)
    pace = toll.total / max(1.0, outcome.spent["killing"])
    lines = [
        f"kills        {toll.total} ({kills}), workers stopped and continued {toll.frozen}; seed {outcome.plan.seed}",
        f"took         {outcome.seconds:.0f} s ({spent}), load average {average}; {pace:.1f} kills/s",
        *(f"{name:<12} {value}" for name, value in outcome.figures.items()),
        f"worker back  {spread(toll.worker_back)}",
        f"             {spread(toll.beside_frozen)} while another was stopped",
        f"web back     {spread(toll.web_back)}",
        f"PostgreSQL   takes connections after {spread(toll.postgres_up)}; all work again {spread(toll.healthy)} later",
        "",
        *(f"{name:<24} {len(wrong) or 'ok'}" for name, wrong in outcome.wrong.items()),
    ]
    for name in outcome.missed:
        lines += [f"  {name}: {line}" for line in outcome.wrong[name][:LINES]]
    lines += [f"  {line}" for line in toll.died[:LINES] if "failure" not in outcome.missed]
    lines += [f"  odd answer: {line}" for line in outcome.odd[:LINES]]
    return "\n".join(lines)


def spread(seconds: Iterable[float]) -> str:
    known = sorted(seconds)
    if not known:
        return "–"
    middle, high = known[len(known) // 2], known[round((len(known) - 1) * 0.99)]
    return f"median {middle:.2f} s, p99 {high:.2f} s, most {known[-1]:.2f} s"


def slow(outcome: Outcome) -> list[str]:
    """Recovery that took too long."""
    toll = outcome.toll
    late = [f"a worker was back after {one:.1f} s" for one in toll.worker_back if one > WORKER_BACK]
    return late + [f"healthy {one:.1f} s after PostgreSQL" for one in toll.healthy if one > HEALTHY]


def table(outcomes: Iterable[Outcome]) -> str:
    """The mutants: which check caught each, after how many kills."""
    rows = [("mutant", "caught by", "kills", "seconds")]
    for one in outcomes:
        caught = ", ".join(one.missed) or "NOT CAUGHT"
        rows.append((one.plan.mutant, caught, str(one.toll.total), f"{one.seconds:.0f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
