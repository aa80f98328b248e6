"""Places and programs that will not do are refused with a sentence; a server that does not stop is ended."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from frontdesk.kit.postgres import binaries, cluster, ground
from frontdesk.kit.postgres.binaries import Binaries
from frontdesk.kit.postgres.errors import FailedToStart

NOBODY_HAS = 987_654  # a user id without a name


def nobody(name: str) -> pwd.struct_passwd:
    raise KeyError(name)


def test_data_of_somebody_else_are_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a name where the machine knows one, else by the number."""
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    with pytest.raises(FailedToStart, match=f"belongs to the user {pwd.getpwuid(mine).pw_name}"):
        ground._account_for(tmp_path)
    assert ground._name(NOBODY_HAS) == str(NOBODY_HAS)


def test_a_user_without_a_name_cannot_run_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY_HAS)
    with pytest.raises(FailedToStart, match=f"user id {NOBODY_HAS} has none"):
        ground._account_for(tmp_path / "new")


def test_root_needs_somebody_to_run_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(pwd, "getpwnam", nobody)
    with pytest.raises(FailedToStart, match="does not run as root"):
        ground._account_for(tmp_path / "new")


def test_a_shared_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(ground, "SHARED", tmp_path / "file" / "frontdesk")
    with pytest.raises(FailedToStart, match="Set FRONTDESK_HOME"):
        ground._shared()


def test_sockets_go_to_a_short_folder_or_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = ground._account(pwd.getpwuid(os.geteuid()), switch=False)
    data = tmp_path / ("long" * 30) / "postgres"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("long" * 30)))
    short = ground._sockets(data, account)
    try:
        assert short.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(short / ground.SOCKET_NAME)) <= ground.LONGEST_SOCKET_PATH
    finally:
        short.rmdir()
    monkeypatch.setattr(ground, "LONGEST_SOCKET_PATH", 5)
    with pytest.raises(FailedToStart, match="too long a path"):
        ground._sockets(data, account)


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_programs_that_do_not_run_are_passed_over(tmp_path: Path) -> None:
    """Not there, of another machine, or without their companions."""
    assert binaries._version(tmp_path / "none") is None
    program(tmp_path / "alone", "postgres", "echo 'postgres (PostgreSQL) 16.1'")
    assert binaries._version(tmp_path / "alone") is None
    program(tmp_path / "whole", "postgres", "echo 'postgres (PostgreSQL) 16.1'")
    for name in ("initdb", "psql"):
        program(tmp_path / "whole", name, "exit 0")
    assert binaries._version(tmp_path / "whole") == "16.1"


def test_a_database_that_cannot_be_made_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    """Every locale is tried; what the last one said is told."""
    program(tmp_path / "bin", "initdb", f'echo x >> {tmp_path}/tried; echo "no room" >&2; exit 1')
    account = ground._account(pwd.getpwuid(os.geteuid()), switch=False)
    place = ground.Ground(tmp_path, tmp_path / "postgres", tmp_path / "run", account)
    for version, attempts in (("16.1", 2), ("17.0", 3)):
        (tmp_path / "tried").unlink(missing_ok=True)
        with pytest.raises(FailedToStart) as failed:
            cluster.create(place, Binaries(tmp_path / "bin", version))
        assert "no room" in str(failed.value)
        assert (tmp_path / "tried").read_text() == "x\n" * attempts
    assert not (tmp_path / "postgres.new").exists()


def test_a_server_that_does_not_stop_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "FAST_STOP", 0.0)
    deaf = subprocess.Popen(["/bin/sh", "-c", "trap '' INT QUIT; echo on; while :; do sleep 1; done"], stdout=-1)
    with deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        patience: list[float] = []

        def gone(seconds: float) -> bool:
            patience.append(seconds)
            return False

        cluster.stop(deaf.pid, gone)
        assert deaf.wait(10) == -signal.SIGKILL
        assert patience == [0.0, 15.0, 5.0]
    cluster.stop(deaf.pid, gone)
    assert len(patience) == 3, "nobody is there any more"


def test_what_never_becomes_true_is_not_waited_for() -> None:
    assert not cluster._until(lambda: False, 0.0)
