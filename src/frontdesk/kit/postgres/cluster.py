"""One database cluster on disk and its postmaster: made, configured, started, waited for, stopped."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from frontdesk.kit.postgres.binaries import Binaries, candidates
from frontdesk.kit.postgres.errors import BinariesMissing, DataVersionMismatch, FailedToStart
from frontdesk.kit.postgres.ground import SOCKET_NAME, Ground, Say

OWNER = "frontdesk_owner"
APP = "frontdesk_app"
DATABASE = "frontdesk"

PROGRESS_EVERY = 5.0  # seconds between two lines while a long recovery is waited for
FAST_STOP = 60.0  # seconds that a fast shutdown (with its checkpoint) may take before an immediate one follows
LEFTOVERS = 30.0  # seconds that the children of a killed postmaster may need to notice it
LOG_KEPT = 10 * 1024 * 1024  # bytes after which the log is set aside at the next start

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "maintenance_work_mem": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "pglz",  # the wheel is built without lz4 and zstd
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",  # every query here is short; compiling one costs more than running it
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_min_duration_statement": "1s",
    "log_startup_progress_interval": "5s",
    "unix_socket_permissions": "0777",  # the folder lets one user in, and peer authentication checks who it is
}


def binaries_for(data: Path) -> Binaries:
    """The programs that fit the data: their own major version where data exist, otherwise the first found."""
    found = list(candidates())
    if not found:
        raise BinariesMissing
    try:
        written_by = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return found[0]
    fitting = [binaries for binaries in found if str(binaries.major) == written_by]
    if not fitting:
        raise DataVersionMismatch(data, written_by, " and ".join(binaries.version for binaries in found))
    return fitting[0]


def create(ground: Ground, binaries: Binaries) -> None:
    """Make the cluster beside its place and rename it, so that a half-made one is never taken for data."""
    half = ground.data.with_name(f"{ground.data.name}.new")
    shutil.rmtree(half, ignore_errors=True)
    attempts = [["--locale-provider=builtin", "--locale=C.UTF-8"]] if binaries.major >= 17 else []
    for locale in [*attempts, ["--locale=C.UTF-8"], ["--locale=C"]]:
        ground.account.own(half)
        arguments = ["-D", str(half), "-U", OWNER, "--auth=peer", "--encoding=UTF8", "--no-instructions", *locale]
        done = subprocess.run(
            [binaries["initdb"], *arguments], capture_output=True, text=True, errors="replace", **ground.account.popen
        )
        if done.returncode == 0:
            with (half / "postgresql.conf").open("a") as file:
                file.write("\ninclude = 'frontdesk.conf'  # written at every start\ninclude = 'local.conf'  # yours\n")
            _write(ground, half / "local.conf", ["# Settings of this installation; they win over Frontdesk's own."])
            half.rename(ground.data)
            return
        shutil.rmtree(half, ignore_errors=True)
    raise FailedToStart(f"A new database could not be made in {ground.data}.", done.stderr)


def configure(ground: Ground, settings: Mapping[str, str]) -> None:
    """Write what must hold at every start: our settings, and who may connect.

    ``local.conf`` in the data folder is the operator's and comes last. ``pg_hba.conf`` has one line: over the socket,
    when the kernel says that the other side is a user whom ``pg_ident.conf`` lists.
    """
    chosen = {**SETTINGS, "unix_socket_directories": str(ground.sockets), **settings}
    lines = [f"{name} = '{_quoted(value)}'" for name, value in chosen.items()]
    users = dict.fromkeys((_user_name(), ground.account.name))
    identities = [f'frontdesk "{user}" {role}' for user in users for role in (OWNER, APP)]
    _write(ground, ground.data / "frontdesk.conf", lines)
    _write(ground, ground.data / "pg_hba.conf", ["local all all peer map=frontdesk"])
    _write(ground, ground.data / "pg_ident.conf", identities)


def launch(ground: Ground, binaries: Binaries, say: Say) -> subprocess.Popen[bytes]:
    """Start the postmaster and wait until it takes connections, however long its recovery needs.

    Raises :class:`FailedToStart` with the end of the log as soon as the process is gone.
    """
    patience = time.monotonic() + LEFTOVERS
    while True:
        _clear_leftovers(ground)
        started_at = _rotate(ground.log)
        with open(ground.log, "ab", opener=_privately) as log:
            process = subprocess.Popen(
                [binaries["postgres"], "-D", str(ground.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal is for us; we stop it after our last transaction
                **ground.account.popen,
            )
        if _became_ready(process, ground, binaries, say):
            return process
        tail = _tail(ground.log, started_at)
        if "pre-existing shared memory block" not in tail or time.monotonic() > patience:
            raise FailedToStart("The database did not start. This is the end of its log:", tail)
        time.sleep(0.2)


def provision(ground: Ground, binaries: Binaries) -> None:
    """Make the role, the database and the rights of new tables, where they are missing."""
    role = f"CREATE ROLE {APP} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
    database = f"CREATE DATABASE {DATABASE} OWNER {OWNER}"
    _psql(
        ground,
        binaries,
        "postgres",
        f"SELECT '{role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}') \\gexec\n"
        f"SELECT '{database}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec\n",
    )
    _psql(ground, binaries, DATABASE, ";\n".join(default_rights(APP)) + ";\n")


def default_rights(role: str) -> list[str]:
    """Statements after which tables made by the current user can be read and written by ``role``."""
    granted = ("USAGE ON SCHEMAS", "SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES")
    return [f"ALTER DEFAULT PRIVILEGES GRANT {right} TO {role}" for right in granted]


def postmaster_of(data: Path) -> int | None:
    """The process id of a living postmaster on this data folder, whoever started it."""
    pid = _noted(data)[0]
    if not pid.isdigit():
        return None
    command = _command(int(pid))
    return int(pid) if "postgres" in command and str(data) in command else None


def sockets_of(data: Path) -> Path | None:
    """Where a ready postmaster on this data folder listens (line 5 of its ``postmaster.pid``)."""
    noted = _noted(data)
    return Path(noted[4]) if len(noted) > 7 and noted[7] == "ready" else None


def stop(pid: int, gone: Callable[[float], bool]) -> None:
    """Fast shutdown; after a minute an immediate one, which the next start recovers from. ``gone(seconds)`` waits."""
    for sign, patience in ((signal.SIGINT, FAST_STOP), (signal.SIGQUIT, 15.0), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return
        if gone(patience):
            return


def stop_orphan(data: Path, say: Say) -> None:
    """Stop a postmaster whose Frontdesk is dead, so that this start owns its own."""
    pid = postmaster_of(data)
    if pid is None:
        return
    say("An earlier Frontdesk ended without stopping its database; restarting that.")

    def gone(seconds: float) -> bool:
        return _until(lambda: postmaster_of(data) != pid and not _command(pid), seconds)

    stop(pid, gone)


# --- the small print -----------------------------------------------------------------------------------------------


def _became_ready(process: subprocess.Popen[bytes], ground: Ground, binaries: Binaries, say: Say) -> bool:
    """Whether it came up; ``postmaster.pid`` says so in line 8, which is also how pg_ctl waits."""
    next_line = time.monotonic() + PROGRESS_EVERY
    while process.poll() is None:
        noted = _noted(ground.data)
        if noted[0] == str(process.pid) and len(noted) > 7 and noted[7] == "ready":
            return True
        if time.monotonic() >= next_line:
            next_line += PROGRESS_EVERY
            last = _tail(ground.log, 0).splitlines()[-1:] or ["no word from it yet"]
            say(f"Waiting for the database: {last[0]}")
            if _answers(ground, binaries):  # it could not write down that it is ready: its disk is full
                return True
        time.sleep(0.02)
    return False


def _answers(ground: Ground, binaries: Binaries) -> bool:
    try:
        _psql(ground, binaries, "postgres", "SELECT 1")
    except FailedToStart:
        return False
    return True


def _clear_leftovers(ground: Ground) -> None:
    """Remove what a killed postmaster left, unless one is alive.

    PostgreSQL does that by itself, except where the noted process id lives again as something else (containers start
    counting anew) or is a zombie: then it refuses to start. The lock on the home says that nobody else is starting.
    """
    if postmaster_of(ground.data) is None:
        for leftover in (ground.data / "postmaster.pid", *ground.sockets.glob(f"{SOCKET_NAME}*")):
            leftover.unlink(missing_ok=True)


def _noted(data: Path) -> list[str]:
    """The lines of ``postmaster.pid``, stripped: pid, data, start, port, socket folder, address, memory key, state."""
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()] or [""]
    except OSError:
        return [""]


def _command(pid: int) -> str:
    """The command line of a process; empty once it is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    told = subprocess.run(["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True)
    return "" if "<defunct>" in told.stdout else told.stdout.strip()


def _until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _psql(ground: Ground, binaries: Binaries, database: str, script: str) -> None:
    """Run a script as the owner, stopping at the first error."""
    arguments = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(ground.sockets), "-U", OWNER, "-d", database]
    done = subprocess.run(
        [binaries["psql"], *arguments], input=script, capture_output=True, text=True, **ground.account.popen
    )
    if done.returncode != 0:
        raise FailedToStart("The database started but could not be prepared.", done.stderr)


def _write(ground: Ground, path: Path, lines: list[str]) -> None:
    """Replace a file of the database's user in one step."""
    half = path.with_name(f"{path.name}.new")
    half.write_text("\n".join(lines) + "\n")
    half.chmod(0o600)
    if ground.account.switch:
        os.chown(half, ground.account.uid, ground.account.gid)
    half.replace(path)


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # slow statements stand in the log with people's data in them


def _rotate(log: Path) -> int:
    """Set a large log aside; returns the length of what is there before this start writes."""
    if log.exists() and log.stat().st_size > LOG_KEPT:
        log.replace(log.with_name(f"{log.name}.1"))
    return log.stat().st_size if log.exists() else 0


def _tail(log: Path, since: int, lines: int = 15) -> str:
    with log.open("rb") as file:
        file.seek(max(since, file.seek(0, os.SEEK_END) - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _user_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")
