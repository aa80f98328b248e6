"""Small disks of memory, that a test can fill."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own at ``folder``. Skips where nobody may mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "frontdesk-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk, and not in every container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Write until only ``leave`` bytes are free; the file, whose removal makes room again."""
    path = folder / "somebody-elses"
    with path.open("ab", buffering=0) as file:
        found = os.statvfs(folder)
        left = found.f_bavail * found.f_frsize - leave
        while left > 0:
            try:
                left -= file.write(bytes(min(left, 1 << 20)))
            except OSError:
                break
    return path
