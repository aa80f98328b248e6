"""The ground that the embedded database stands on: which OS user runs it, where its data and its socket lie.

PostgreSQL refuses to run as root. Started by root, Frontdesk therefore runs it as an unprivileged user, who must be
able to reach the folders. Permissions of folders that Frontdesk did not make are never changed: where the home is out
of that user's reach (``/root`` is 0700), the data go below ``/var/lib/frontdesk`` and the home remembers where.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frontdesk.kit.postgres.binaries import Binaries
from frontdesk.kit.postgres.errors import AlreadyRunning, FailedToStart

Say = Callable[[str], None]

SHARED = Path("/var/lib/frontdesk")
SERVICE_USER = "frontdesk"
RECORD = "postgres.json"
LOCK = "frontdesk.lock"
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 107  # unix(7): sun_path is 108 bytes with its closing NUL


@dataclass(frozen=True)
class Account:
    """The OS user that the database runs as. ``switch``: we are root, and children must change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    @property
    def popen(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that make a child run as this user, with nothing of ours in its environment."""
        settled = {"cwd": "/", "umask": 0o077, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}}
        return settled | ({"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {})

    def can(self, what: str, path: Path) -> bool:
        """Ask the kernel rather than the permission bits: mounts, access lists and parents all count."""
        command = ["/bin/sh", "-c", f'test {what} "$1"', "sh", str(path)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, **self.popen).returncode == 0

    def own(self, folder: Path) -> Path:
        """Make ``folder`` if it is missing, and let this user alone into it.

        Raises ``PermissionError`` where somebody else already put something under that name: in a shared folder such
        as ``/tmp`` that may be a trap.
        """
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (self.uid, os.geteuid()):
                raise PermissionError(f"{folder} belongs to somebody else") from None
        if self.switch:
            os.chown(folder, self.uid, self.gid, follow_symlinks=False)
        folder.chmod(0o700)
        return folder


@dataclass(frozen=True)
class Ground:
    home: Path
    data: Path
    sockets: Path
    account: Account

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    def record(self, pid: int) -> None:
        """Note in the home where the data are, and which postmaster is ready for use."""
        half = self.home / f"{RECORD}.new"
        half.write_text(json.dumps({"data": str(self.data), "sockets": str(self.sockets), "pid": pid}) + "\n")
        half.replace(self.home / RECORD)

    def reachable(self, binaries: Binaries, say: Say) -> Binaries:
        """``binaries``, or a copy of them where the database's user cannot get at the originals."""
        if self.account.can("-x", binaries.folder / "postgres"):
            return binaries
        say(f"The user {self.account.name} cannot read {binaries.folder}; using a copy below {SHARED}.")
        return binaries.copied_below(_shared())


def recorded(home: Path) -> dict[str, Any]:
    """What the last start noted in the home: data, sockets, pid."""
    try:
        return dict(json.loads((home / RECORD).read_text()))
    except (OSError, ValueError):
        return {}


def data_of(home: Path) -> Path:
    """Where the data of this home are, or would be: inside it, unless an earlier start had to put them elsewhere.

    Only a place outside of the home is looked up, so that a moved or copied home brings its own data along.
    """
    inside = home / "postgres"
    noted = Path(recorded(home).get("data", inside))
    if inside.exists() or not noted.is_relative_to(SHARED):
        return inside
    if not noted.exists():
        raise FailedToStart(
            f"The data of {home} were kept in {noted}, and that folder is gone. Bring it back, or remove "
            f"{home / RECORD} to begin with an empty database."
        )
    return noted


def survey(home: Path, say: Say) -> Ground:
    """Decide and prepare the places for this home. Makes folders, and as root possibly a system user."""
    data = data_of(home)
    account = _account_for(data)
    if account.switch and not data.exists() and not account.can("-x", home):
        data = _shared() / _mark(home) / "postgres"
        say(f"The user {account.name}, who runs the database, cannot reach {home}; its data go to {data}.")
        make_folder(data.parent, 0o711)
        if not account.can("-x", data.parent):
            raise FailedToStart(f"{data.parent} is closed to the user {account.name}. Set FRONTDESK_HOME.")
    return Ground(home, data, _sockets(data, account), account)


def make_folder(folder: Path, mode: int) -> None:
    """Make ``folder`` with exactly these permissions, whatever the umask is; leave one that exists as it is."""
    if not folder.exists():
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        folder.chmod(mode)


def hold(home: Path, folder: Path) -> int:
    """Take the lock that says "a Frontdesk runs here"; returns the descriptor that keeps it until it is closed.

    The kernel drops it with the process, however that ends, so a lock never outlives its Frontdesk.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise AlreadyRunning(home, holder) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def is_held(home: Path) -> bool:
    """Whether a Frontdesk is running on this home."""
    try:
        descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _account_for(data: Path) -> Account:
    """Whoever owns existing data keeps running them; new data belong to us, or to the service user if we are root."""
    me = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if me != 0:
        if owner not in (None, me):
            raise FailedToStart(f"{data} belongs to the user {_name(owner)}. Start Frontdesk as that user, or as root.")
        return _account(_entry(me), switch=False)
    return _account(_entry(owner) if owner else _service_user(), switch=True)


def _account(entry: pwd.struct_passwd, *, switch: bool) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch)


def _entry(uid: int | None) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid if uid is not None else os.geteuid())
    except KeyError:
        raise FailedToStart(
            f"PostgreSQL needs a name for the user that runs it, and user id {uid} has none in the password database. "
            "Add it to /etc/passwd, or set DATABASE_URL."
        ) from None


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid if uid is not None else os.geteuid()).pw_name
    except KeyError:
        return str(uid)


def _service_user() -> pwd.struct_passwd:
    """The user ``frontdesk``, made if this machine lets us; otherwise the user that owns nothing."""
    make = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(SHARED)]
    for attempt in (None, [*make, "--shell", "/usr/sbin/nologin", SERVICE_USER]):
        if attempt and shutil.which(attempt[0]):
            subprocess.run(attempt, capture_output=True)
        try:
            return pwd.getpwnam(SERVICE_USER)
        except KeyError:
            continue
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise FailedToStart(
            "PostgreSQL does not run as root, and there is no other user to run it as. "
            f"Create one with `useradd --system {SERVICE_USER}`, start Frontdesk as another user, or set DATABASE_URL."
        ) from None


def _shared() -> Path:
    try:
        make_folder(SHARED, 0o755)
    except OSError as error:
        raise FailedToStart(
            f"The folder of this installation is closed to the user who runs the database, and {SHARED} cannot be made "
            f"({error.strerror}). Set FRONTDESK_HOME to a folder outside of closed ones, for example below /srv."
        ) from error
    return SHARED


def _mark(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _sockets(data: Path, account: Account) -> Path:
    """The folder for the socket: beside the data, or a short private one where the path would be too long for it."""
    beside = data.parent / "run"
    if _fits(beside):
        return account.own(beside)
    for parent in _short_parents(account):
        folder = parent / f"frontdesk-{_mark(data)}"
        if _fits(folder) and os.access(parent, os.W_OK) and account.can("-x", parent):
            try:
                return account.own(folder)
            except PermissionError:
                return account.own(Path(tempfile.mkdtemp(prefix="frontdesk-", dir=parent)))
    raise FailedToStart(f"{data} is too long a path for a unix socket, and no short private folder could be made.")


def _short_parents(account: Account) -> list[Path]:
    if account.switch:
        return [Path("/run"), Path(tempfile.gettempdir())]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [Path(place) for place in (runtime, tempfile.gettempdir(), "/tmp") if place]  # noqa: S108 — see Account.own


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH
