"""The commands by name. What they share lives in :mod:`.session`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from ..mailboxes import Folder
from . import fetch
from .lexer import BadCommand, Word, quoted, text
from .search import Candidate, predicate
from .session import CAPABILITIES, No, Session

Command = Callable[[Session, list[Word]], Awaitable[str | None]]


def command(*names: str, on_folder: bool = False) -> Callable[[Command], Command]:
    def register(function: Command) -> Command:
        for name in names:
            Session.commands[name] = function
            if on_folder:
                Session.needs_folder.add(name)
        return function

    return register


# --- any state ----------------------------------------------------------------------------------------------------


@command("CAPABILITY")
async def capability(session: Session, given: list[Word]) -> None:
    session.say(f"* CAPABILITY {CAPABILITIES}\r\n".encode())


@command("NOOP", "CHECK", "SUBSCRIBE", "UNSUBSCRIBE")
async def noop(session: Session, given: list[Word]) -> None:
    """News are told after every command; nothing else is needed."""


@command("ENABLE")
async def enable(session: Session, given: list[Word]) -> None:
    session.say(b"* ENABLED\r\n")


@command("ID")
async def identify(session: Session, given: list[Word]) -> None:
    session.say(b'* ID ("name" "frontdesk_sim")\r\n')


@command("LOGOUT")
async def logout(session: Session, given: list[Word]) -> None:
    session.leave_folder()
    session.log_out()


@command("LOGIN")
async def login(session: Session, given: list[Word]) -> str:
    user, password = given
    session.sign_in(text(user), text(password))
    return f"[CAPABILITY {CAPABILITIES}] logged in"


@command("AUTHENTICATE")
async def authenticate(session: Session, given: list[Word]) -> str:
    if text(given[0]).upper() != "PLAIN":
        raise No("[CANNOT] Only PLAIN is spoken here")
    await session.authenticate_plain(text(given[1]) if len(given) > 1 else None)
    return f"[CAPABILITY {CAPABILITIES}] logged in"


# --- folders ------------------------------------------------------------------------------------------------------


@command("NAMESPACE")
async def namespace(session: Session, given: list[Word]) -> None:
    session.say(b'* NAMESPACE (("" "/")) NIL NIL\r\n')


@command("LIST")
async def list_folders(session: Session, given: list[Word]) -> None:
    """``LIST "" *``; selection and return options of RFC 5258 are passed over, every folder has its attributes."""
    while isinstance(given[0], list):
        given.pop(0)
    session.list_folders(text(given[0]) + text(given[1]))


@command("LSUB")
async def list_subscribed(session: Session, given: list[Word]) -> None:
    session.list_folders(text(given[0]) + text(given[1]), verb="LSUB")


@command("SELECT")
async def select(session: Session, given: list[Word]) -> str:
    return session.enter_folder(text(given[0]), read_only=False)


@command("EXAMINE")
async def examine(session: Session, given: list[Word]) -> str:
    return session.enter_folder(text(given[0]), read_only=True)


@command("CREATE")
async def create(session: Session, given: list[Word]) -> None:
    if not session.mailboxes.create_folder(session.owner, text(given[0]).rstrip("/")):
        raise No("[ALREADYEXISTS] There is such a folder")


@command("DELETE")
async def delete(session: Session, given: list[Word]) -> None:
    folder = _folder(session, given[0])
    if folder.name == "INBOX":
        raise No("[CANNOT] INBOX stays")
    session.mailboxes.remove_folder(folder)


@command("STATUS")
async def status(session: Session, given: list[Word]) -> None:
    folder = _folder(session, given[0])
    if not isinstance(given[1], list):
        raise BadCommand("STATUS wants a list of items")
    letters = session.mailboxes.letters(folder.id)
    figures = {
        "MESSAGES": len(letters),
        "RECENT": 0,
        "UIDNEXT": folder.uidnext,
        "UIDVALIDITY": folder.uidvalidity,
        "UNSEEN": sum("\\Seen" not in letter.flags for letter in letters),
    }
    wanted = [text(item).upper() for item in given[1]]
    if unknown := set(wanted) - set(figures):
        raise BadCommand(f"No status item {' '.join(sorted(unknown))}")
    values = " ".join(f"{item} {figures[item]}" for item in wanted)
    session.say(b"* STATUS " + quoted(folder.name) + f" ({values})\r\n".encode())


@command("APPEND")
async def append(session: Session, given: list[Word]) -> str:
    """``APPEND folder [(flags)] ["date"] {literal}`` (RFC 3501 §6.3.11); the answer names the UID (RFC 4315)."""
    name, *options, raw = given
    if not isinstance(raw, bytes):
        raise BadCommand("APPEND wants a literal")
    flags = next((frozenset(map(text, option)) for option in options if isinstance(option, list)), frozenset())
    date = next((text(option) for option in options if not isinstance(option, list)), None)
    moment = datetime.strptime(date.strip(), "%d-%b-%Y %H:%M:%S %z").timestamp() if date else None
    if session.mailboxes.folder(session.owner, text(name)) is None:
        raise No("[TRYCREATE] There is no such folder")
    uidvalidity, uid = session.mailboxes.append(session.owner, text(name), raw, flags=flags, date=moment)
    return f"[APPENDUID {uidvalidity} {uid}] filed"


@command("IDLE")
async def idle(session: Session, given: list[Word]) -> None:
    await session.idle()


def _folder(session: Session, word: Word) -> Folder:
    folder = session.mailboxes.folder(session.owner, text(word))
    if folder is None:
        raise No(f"[NONEXISTENT] There is no folder {text(word)}")
    return folder


# --- the selected folder ------------------------------------------------------------------------------------------


@command("UNSELECT", on_folder=True)
async def unselect(session: Session, given: list[Word]) -> None:
    session.leave_folder()


@command("CLOSE", on_folder=True)
async def close(session: Session, given: list[Word]) -> None:
    if not session.folder.read_only:
        _expunge(session, session.folder.uids)
    session.leave_folder()


def _search(session: Session, given: list[Word], *, by_uid: bool) -> None:
    if given and _atom_or_none(given[0]) == "CHARSET":
        if text(given[1]).upper() not in ("UTF-8", "US-ASCII"):
            raise No("[BADCHARSET (UTF-8)] Unknown charset")
        given = given[2:]
    wanted = predicate(given, session.folder.highest())
    folder_id, mailboxes = session.folder.folder.id, session.mailboxes
    letters = {letter.uid: letter for letter in mailboxes.letters(folder_id)}
    hits = []
    for sequence, uid in enumerate(session.folder.uids, 1):
        if uid not in letters:
            continue
        candidate = Candidate(sequence, letters[uid], lambda uid=uid: mailboxes.raw(folder_id, uid) or b"")  # type: ignore[misc]
        if wanted(candidate):
            hits.append(uid if by_uid else sequence)
    session.say(" ".join(["* SEARCH", *map(str, hits)]).encode() + b"\r\n")


def _atom_or_none(word: Word) -> str | None:
    return None if isinstance(word, list) else text(word).upper()


@command("SEARCH", on_folder=True)
async def search(session: Session, given: list[Word]) -> None:
    _search(session, given, by_uid=False)


@command("UID SEARCH", on_folder=True)
async def uid_search(session: Session, given: list[Word]) -> None:
    _search(session, given, by_uid=True)


async def _fetch(session: Session, given: list[Word], *, by_uid: bool) -> None:
    chosen = session.folder.chosen(text(given[0]), by_uid=by_uid)
    wanted = fetch.items(given[1])
    if by_uid and not any(item.label == "UID" for item in wanted):
        wanted.insert(0, fetch.Item("UID"))
    marks = any(item.marks_seen for item in wanted) and not session.folder.read_only
    for sequence, uid in chosen:
        letter = session.folder.letter(uid)
        if letter is None:
            continue
        shown = wanted
        if marks and "\\Seen" not in letter.flags:
            session.mailboxes.set_flags(session.folder.folder.id, uid, letter.flags | {"\\Seen"})
            letter = session.folder.letter(uid) or letter
            shown = wanted if any(item.label == "FLAGS" for item in wanted) else [*wanted, fetch.Item("FLAGS")]
            session.folder.knows(uid, letter.flags)
        raw = session.mailboxes.raw(session.folder.folder.id, uid) if any(item.cut for item in wanted) else None
        session.say(fetch.line(sequence, letter, shown, raw))
        await session.writer.drain()


@command("FETCH", on_folder=True)
async def fetch_letters(session: Session, given: list[Word]) -> None:
    await _fetch(session, given, by_uid=False)


@command("UID FETCH", on_folder=True)
async def uid_fetch(session: Session, given: list[Word]) -> None:
    await _fetch(session, given, by_uid=True)


def _store(session: Session, given: list[Word], *, by_uid: bool) -> None:
    _writable(session)
    action, flags = text(given[1]).upper(), given[2]
    names = frozenset(map(text, flags if isinstance(flags, list) else given[2:]))
    silent = action.endswith(".SILENT")
    change = action.removesuffix(".SILENT")
    if change not in ("FLAGS", "+FLAGS", "-FLAGS"):
        raise BadCommand(f"STORE cannot {action}")
    for sequence, uid in session.folder.chosen(text(given[0]), by_uid=by_uid):
        letter = session.folder.letter(uid)
        if letter is None:
            continue
        new = {"FLAGS": names, "+FLAGS": letter.flags | names, "-FLAGS": letter.flags - names}[change]
        session.mailboxes.set_flags(session.folder.folder.id, uid, new)
        session.folder.knows(uid, new)
        if not silent:
            shown = fetch.items(["UID", "FLAGS"] if by_uid else ["FLAGS"])
            session.say(fetch.line(sequence, session.folder.letter(uid) or letter, shown, None))


@command("STORE", on_folder=True)
async def store(session: Session, given: list[Word]) -> None:
    _store(session, given, by_uid=False)


@command("UID STORE", on_folder=True)
async def uid_store(session: Session, given: list[Word]) -> None:
    _store(session, given, by_uid=True)


def _writable(session: Session) -> None:
    if session.folder.read_only:
        raise No("[READ-ONLY] The folder was opened with EXAMINE")


def _expunge(session: Session, uids: list[int]) -> None:
    letters = (session.folder.letter(uid) for uid in uids)
    gone = [letter.uid for letter in letters if letter and "\\Deleted" in letter.flags]
    session.mailboxes.expunge(session.folder.folder.id, gone)


@command("EXPUNGE", on_folder=True)
async def expunge(session: Session, given: list[Word]) -> None:
    _writable(session)
    _expunge(session, session.folder.uids)


@command("UID EXPUNGE", on_folder=True)
async def uid_expunge(session: Session, given: list[Word]) -> None:
    _writable(session)
    _expunge(session, [uid for _, uid in session.folder.chosen(text(given[0]), by_uid=True)])


def _copy(session: Session, given: list[Word], *, by_uid: bool) -> tuple[list[int], str]:
    """Copy the chosen letters; returns their UIDs and the COPYUID code of RFC 4315 (empty when nothing was copied)."""
    target = session.mailboxes.folder(session.owner, text(given[1]))
    if target is None:
        raise No("[TRYCREATE] There is no such folder")
    old, new = [], []
    for _, uid in session.folder.chosen(text(given[0]), by_uid=by_uid):
        letter, raw = session.folder.letter(uid), session.mailboxes.raw(session.folder.folder.id, uid)
        if letter is not None and raw is not None:
            old.append(uid)
            new.append(
                session.mailboxes.append(session.owner, target.name, raw, flags=letter.flags, date=letter.date)[1]
            )
    uids = (",".join(map(str, side)) for side in (old, new))
    return old, f"[COPYUID {target.uidvalidity} {' '.join(uids)}]" if old else ""


@command("COPY", on_folder=True)
async def copy(session: Session, given: list[Word]) -> str:
    return f"{_copy(session, given, by_uid=False)[1]} copied".strip()


@command("UID COPY", on_folder=True)
async def uid_copy(session: Session, given: list[Word]) -> str:
    return f"{_copy(session, given, by_uid=True)[1]} copied".strip()


def _move(session: Session, given: list[Word], *, by_uid: bool) -> str:
    """RFC 6851: COPYUID comes untagged, before the EXPUNGEs."""
    _writable(session)
    moved, code = _copy(session, given, by_uid=by_uid)
    if code:
        session.say(f"* OK {code} moved\r\n".encode())
    session.mailboxes.expunge(session.folder.folder.id, moved)
    return "moved"


@command("MOVE", on_folder=True)
async def move(session: Session, given: list[Word]) -> str:
    return _move(session, given, by_uid=False)


@command("UID MOVE", on_folder=True)
async def uid_move(session: Session, given: list[Word]) -> str:
    return _move(session, given, by_uid=True)
