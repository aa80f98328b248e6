"""Known vulnerabilities in what we install: ``make audit``.

Asks pip-audit about ``requirements/*.txt`` and npm about the lock files of the screens. A known vulnerability that is
not in ``accepted.toml``, or whose time there has run out, ends with status 1. Where nobody answers (no network, a
mirror without advisories) it says so in one line and ends with status 0, or with status 2 when AUDIT_MUST_ANSWER=1:
"not asked" must never read like "nothing known".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LISTS = ("run", "dev", "build", "uv")
SCREENS = ("web", "widget")
SECONDS = 300


class Unanswered(Exception):
    """The advisory service did not say anything about (all of) these packages."""


@dataclass(frozen=True)
class Known:
    """One advisory about one installed version."""

    where: str
    package: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()
    fixed: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.package} {self.version} has {self.id}" + (
            f", fixed in {self.fixed}" * bool(self.fixed)
        )


@dataclass(frozen=True)
class Accepted:
    """An advisory that does not concern us, or not yet: why, and until when that may be believed."""

    id: str
    package: str
    reason: str
    until: date


def from_pip(where: str, answer: str) -> list[Known]:
    """pip-audit's JSON. It *skips* what its service does not answer for, and calls that success; here it is not."""
    try:
        packages = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        raise Unanswered(f"{where}: pip-audit gave no answer") from None
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    if skipped or not packages:
        raise Unanswered(f"{where}: no advisories for {len(skipped)} of {len(packages)} packages")
    return [
        Known(
            where, one["name"], one["version"], bug["id"], tuple(bug.get("aliases", ())), ", ".join(bug["fix_versions"])
        )
        for one in packages
        for bug in one["vulns"]
    ]


def from_npm(where: str, answer: str) -> list[Known]:
    """npm's JSON, format 2; an error is JSON too, without ``vulnerabilities``."""
    try:
        found: dict[str, Any] = json.loads(answer)["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        raise Unanswered(f"{where}: npm's registry answers no questions about advisories") from None
    known = []
    for name, one in found.items():
        for via in one["via"]:
            if isinstance(via, dict):  # a text names another package in this list, through which it is reached
                advisory = str(via["url"]).rpartition("/")[2]
                known.append(Known(where, name, one["range"], advisory, (str(via["source"]),)))
    return known


def unaccepted(known: list[Known], accepted: list[Accepted], today: date) -> list[str]:
    """What has to be mended, in sentences: advisories that nobody accepted, and acceptances that ran out."""
    found = []
    for one in dict.fromkeys(known):
        fitting = [a for a in accepted if a.package == one.package and a.id in (one.id, *one.aliases)]
        if not fitting:
            found.append(str(one))
        elif all(a.until < today for a in fitting):
            found.append(f"{one}; it was accepted until {fitting[0].until} ({fitting[0].reason})")
    return found


def read_accepted(path: Path) -> list[Accepted]:
    """Raises TypeError or KeyError for an entry without package, reason or date."""
    entries = tomllib.loads(path.read_text()).get("accepted", [])
    made = [Accepted(**entry) for entry in entries]
    if wrong := [one.id for one in made if not one.reason.strip() or not isinstance(one.until, date)]:
        raise TypeError(f"without a reason or a date: {', '.join(wrong)}")
    return made


def _asked(command: list[str], folder: Path, **environment: str) -> str:
    around = {**os.environ, **environment}
    try:
        done = subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, timeout=SECONDS)
        return done.stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _questions(python: str) -> dict[str, Callable[[], list[Known]]]:
    def pip(name: str) -> list[Known]:
        file = f"requirements/{name}.txt"
        arguments = ["--requirement", file, "--require-hashes", "--disable-pip", "--format", "json"]
        return from_pip(file, _asked([python, "-m", "pip_audit", "--progress-spinner", "off", *arguments], ROOT))

    def npm(name: str) -> list[Known]:
        sys.path[:0] = [str(ROOT)]
        from hatch_build import find_npm  # where the machine has none, the one that builds the screens

        command, path = find_npm()
        return from_npm(f"{name}/package-lock.json", _asked([*command, "audit", "--json"], ROOT / name, PATH=path))

    return {**{one: lambda one=one: pip(one) for one in LISTS}, **{one: lambda one=one: npm(one) for one in SCREENS}}  # type: ignore[misc]


def main() -> int:
    accepted = read_accepted(Path(__file__).with_name("accepted.toml"))
    known: list[Known] = []
    silent: list[str] = []
    for ask in _questions(sys.executable).values():
        try:
            known += ask()
        except Unanswered as reason:
            silent.append(str(reason))
    wrong = unaccepted(known, accepted, datetime.now(UTC).date())
    for sentence in wrong:
        print(f"audit: {sentence}")
    if silent:
        print(f"audit: NOT ASKED, nothing is known either way: {'; '.join(silent)}")
    if not wrong and not silent:
        print(f"audit: no known vulnerability ({len(known)} accepted)")
    return 1 if wrong else 2 if silent and os.environ.get("AUDIT_MUST_ANSWER") == "1" else 0


if __name__ == "__main__":
    sys.exit(main())
