"""Mails that others collected for their parsers. They are no part of the project: FRONTDESK_JUDGES names the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def judges(*folders: str) -> list[Path]:
    """The files under ``mail/<folder>``; skips with the reason when they are not on this machine."""
    base = Path(os.environ.get("FRONTDESK_JUDGES", ROOT / ".." / "shared" / "data")) / "mail"
    if not base.is_dir():
        why = f"no judges' mails in {base}: set FRONTDESK_JUDGES to a folder that has mail/"
        pytest.skip(why, allow_module_level=True)
    return sorted(path for folder in folders for path in (base / folder).rglob("*") if path.is_file())
