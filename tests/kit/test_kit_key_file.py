"""The key file is made once, whoever comes first, and is nobody else's to read."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

from frontdesk.kit.secrets import Vault


def test_those_who_start_together_share_one_key(tmp_path: Path) -> None:
    for n in range(20):
        path, start, opened = tmp_path / str(n) / "secrets.key", threading.Barrier(8), list[Vault]()

        def come(path: Path = path, start: threading.Barrier = start, opened: list[Vault] = opened) -> None:
            start.wait()
            opened.append(Vault.open(path))

        threads = [threading.Thread(target=come) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened) == 8
        sealed = opened[0].seal({"password": "p"}, "inbox", 1)
        assert all(vault.open_sealed(sealed, "inbox", 1) == {"password": "p"} for vault in opened)
        assert [file.name for file in path.parent.iterdir()] == ["secrets.key"]


def test_a_new_key_replaces_the_file_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    old = Vault.open(path)
    sealed = old.seal({"password": "p"}, "inbox", 1)
    assert not old.rotated().is_current(sealed)
    assert Vault.open(path).open_sealed(sealed, "inbox", 1) == {"password": "p"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.key"]
