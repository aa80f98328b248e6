"""``python -m fuzz.parsers``: the targets of ``fuzz.targets`` under atheris, which looks for bytes that reach new code.

Ends with status 1 when a target found an input that breaks its promise; the input is kept and named.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
INSIDE = "import sys; from fuzz.parsers import inside; inside(sys.argv[1], sys.argv[2:])"
_SPEED = re.compile(r"Done (\d+) runs in (\d+)")
_COVERED = re.compile(r"cov: (\d+)")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.parsers", description=__doc__)
    parser.add_argument("names", nargs="*", help="targets (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for what was found (default: a new one)")
    given = parser.parse_args()
    from fuzz.targets import TARGETS

    keep = given.keep or Path(tempfile.mkdtemp(prefix="frontdesk-fuzz-"))
    return max(_one(name, given.seconds, given.seed, keep) for name in given.names or TARGETS)


def _one(name: str, seconds: int, seed: int, keep: Path) -> int:
    """Run one target in a process of its own: libFuzzer ends the process that it runs in."""
    grown = keep / name
    grown.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-c", INSIDE, name, str(grown), str(ROOT / "fuzz" / "corpus" / name),
        f"-max_total_time={seconds}", f"-seed={seed}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048",
        f"-artifact_prefix={keep}/{name}-", "-print_final_stats=1", "-verbosity=1",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    said = done.stdout + done.stderr
    speed, covered = _SPEED.search(said), _COVERED.findall(said)
    runs = f"{int(speed[1]):,} inputs in {speed[2]} s" if speed else "ended early"
    print(f"{name}: {runs}, {covered[-1] if covered else '?'} branches reached", flush=True)
    if done.returncode:
        print(said[-3000:], f"The input is in {keep}.", sep="\n")
    return 1 if done.returncode else 0


def inside(name: str, arguments: list[str]) -> None:
    """The process that is one target."""
    import atheris

    with atheris.instrument_imports(include=["frontdesk"]):
        from fuzz import targets

    atheris.Setup([name, *arguments], lambda data: targets.run(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
