"""What is asked of a mailbox: log in, find the Sent folder, list, fetch, append. On top of :mod:`wire`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from frontdesk.channels.email.connect import connect_target, tls_context
from frontdesk.channels.email.limits import MAX_MAIL
from frontdesk.channels.email.oauth import access_token, oauth_settings
from frontdesk.channels.email.smtp import tls_hint
from frontdesk.channels.email.wire import Imap, Refused, Reply, Text, mailbox_name
from frontdesk.channels.port import Account, Disconnected, TryLater
from frontdesk.kit.addresses import Blocked, FetchError

_SENT_NAMES = ("Sent", "Sent Items", "Sent Messages", "INBOX.Sent", "Sent Mail", "[Gmail]/Sent Mail")
_LIST = re.compile(rb'\* LIST \(([^)]*)\) (?:"(?:[^"\\]|\\.)*"|NIL) (.+)\Z', re.IGNORECASE | re.DOTALL)
_FETCH = re.compile(rb"\* \d+ FETCH \(", re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d+)", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)", re.IGNORECASE)
_ARRIVED = re.compile(rb'\bINTERNALDATE "\s?([^"]{10,40})"', re.IGNORECASE)
_PASSES = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT)\]", re.IGNORECASE)  # RFC 5530: it is not this mail's fault
_KEPT = re.compile(
    rb"^(?:(?:from|reply-to|to|cc|date|subject|message-id|in-reply-to|references):.*(?:\r?\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)


class Selected(NamedTuple):
    uidvalidity: int
    exists: int


class Fetched(NamedTuple):
    """A mail as the server has it. ``whole`` is false when only the header block was fetched because of its size."""

    uid: int
    data: bytes
    size: int
    received_at: datetime | None
    whole: bool


@contextlib.asynccontextmanager
async def opened(account: Account) -> AsyncIterator[Imap]:
    """A logged-in connection. Raises Disconnected (a person must act) or TryLater; later errors pass through."""
    target = connect_target(account.settings, "imap")
    where = f"{target.host}, port {target.port}"
    try:
        imap = await Imap.connect(target, tls_context(account.settings) if target.tls != "none" else None)
    except TimeoutError as error:
        raise TryLater(f"The mail server ({where}) does not answer.") from error
    except Refused as error:
        raise Disconnected(f"The mail server ({where}) does not offer STARTTLS. Try the encryption “tls”.") from error
    except Blocked as error:
        raise Disconnected(f"This server may not be connected to ({where}): {error}") from error
    except (FetchError, OSError) as error:
        raise TryLater(f"No connection to the mail server ({where}): {tls_hint(error)}") from error
    try:
        await _log_in(imap, account)
        yield imap
    finally:
        await imap.logout()


async def _log_in(imap: Imap, account: Account) -> None:
    oauth = oauth_settings(account.settings)
    user = str(account.get("username") or account.get("address") or "")
    try:
        if oauth is None:
            await imap.login(user, str(account.get("password") or ""))
            return
        try:
            await imap.login_with_token(user, await access_token(oauth))
        except Refused:  # a token may have been withdrawn before its time
            await imap.login_with_token(user, await access_token(oauth, fresh=True))
    except Refused as error:
        raise _login_problem(str(error)) from error
    except TimeoutError as error:
        raise TryLater("The mail server does not answer while logging in.") from error
    except OSError as error:
        raise TryLater(f"The connection was lost while logging in: {error}") from error


def _login_problem(said: str) -> Disconnected | TryLater:
    lower = said.lower()
    if "[unavailable]" in lower or "temporary" in lower or "too many" in lower or "[inuse]" in lower:
        return TryLater(f"The mail server cannot log us in now: {said}")
    if "application-specific" in lower or "app password" in lower:
        return Disconnected(
            "The mail server wants an app password: create one in the account's security settings and use it here."
        )
    if "privacyrequired" in lower or "plaintext" in lower:
        return Disconnected("The mail server wants an encrypted connection: choose tls or starttls.")
    if "basicauthblocked" in lower or ("authenticate failed" in lower and "outlook" in lower):
        return Disconnected("Microsoft no longer accepts passwords here: connect this mailbox with OAuth.")
    return Disconnected(f"The mail server refuses the user name or password: {said}")


async def examine(imap: Imap, mailbox: Text) -> Selected:
    """Open read-only, so that nothing can be marked as seen."""
    imap.exists = 0
    replies = await imap.command("EXAMINE", mailbox)
    found = next((m for reply in replies if (m := re.search(rb"\[UIDVALIDITY (\d+)\]", reply.text, re.I))), None)
    return Selected(int(found[1]) if found else 0, imap.exists)


async def search(imap: Imap, *criteria: str | Text) -> list[int]:
    """The uids that match, ascending."""
    found: set[int] = set()
    for reply in await imap.command("UID", "SEARCH", *criteria, timeout=120):
        if reply.text.upper().startswith(b"* SEARCH"):
            found.update(int(word) for word in reply.text.split()[2:] if word.isdigit())
    return sorted(found)


async def sizes(imap: Imap, uids: Sequence[int]) -> dict[int, int]:
    """Bytes of each mail that is still there."""
    found: dict[int, int] = {}
    for reply in await imap.command("UID", "FETCH", _set(uids), "(UID RFC822.SIZE)", timeout=120):
        uid, size = _UID.search(reply.text), _SIZE.search(reply.text)
        if _FETCH.match(reply.text) and uid and size:
            found[int(uid[1])] = int(size[1])
    return found


async def fetch(imap: Imap, known: dict[int, int]) -> list[Fetched]:
    """The mails with these uids and sizes; of those beyond the cap the header block alone. Vanished ones are left
    out, not those that the server lists and passes over."""
    small = [uid for uid, size in known.items() if size <= MAX_MAIL]
    large = [uid for uid, size in known.items() if size > MAX_MAIL]
    found: list[Fetched] = []
    for uids, part, whole in ((small, "BODY.PEEK[]", True), (large, "BODY.PEEK[HEADER]", False)):
        if not uids:
            continue
        try:
            found += await _part(imap, uids, known, part, whole=whole)
            passed_over = set(uids) - {one.uid for one in found}
            left = sorted(await sizes(imap, sorted(passed_over))) if passed_over else []
        except Refused as error:
            if _PASSES.search(str(error)):
                raise
            left = uids
        for uid in left:  # one that the server cannot read must not stop the mailbox
            found += await _alone(imap, uid, known, part, whole=whole)
    return sorted(found)


async def _part(imap: Imap, uids: Sequence[int], known: dict[int, int], part: str, *, whole: bool) -> list[Fetched]:
    replies = await imap.command("UID", "FETCH", _set(uids), f"(UID INTERNALDATE {part})", timeout=600, silence=60)
    return [one for reply in replies if (one := _fetched(reply, known, whole=whole))]


async def _alone(imap: Imap, uid: int, known: dict[int, int], part: str, *, whole: bool) -> list[Fetched]:
    """One mail; where the server refuses it or says nothing, its header with a sentence in place of what it says."""
    try:
        if found := await _part(imap, [uid], known, part, whole=whole):
            return found
        said = "nothing."
    except Refused as error:
        if _PASSES.search(str(error)):
            raise
        said = str(error)
    head, received_at = b"", None
    with contextlib.suppress(Refused):
        for one in await _part(imap, [uid], known, "BODY.PEEK[HEADER]", whole=False):
            head, received_at = one.data, one.received_at
    kept = b"".join(line.rstrip(b"\r\n") + b"\r\n" for line in _KEPT.findall(head))
    sentence = f"The mail server does not hand over this mail (number {uid}, {known[uid]} bytes): {said}"
    data = kept + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + sentence.encode() + b"\r\n"
    return [Fetched(uid, data, known[uid], received_at, whole=True)]


def _fetched(reply: Reply, known: dict[int, int], *, whole: bool) -> Fetched | None:
    uid = _UID.search(reply.text)
    if not _FETCH.match(reply.text) or uid is None or not reply.literals or int(uid[1]) not in known:
        return None
    arrived = _ARRIVED.search(reply.text)
    number = int(uid[1])
    return Fetched(number, reply.literals[-1], known[number], _internal_date(arrived[1]) if arrived else None, whole)


def _internal_date(value: bytes) -> datetime | None:
    try:
        return datetime.strptime(value.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None


def _set(uids: Sequence[int]) -> str:
    """``1:4,7`` – long lists of single numbers break the line limits of servers."""
    ranges: list[list[int]] = []
    for uid in sorted(uids):
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in ranges)


# --- the Sent folder ----------------------------------------------------------------------------------------------


async def sent_folder(imap: Imap, wanted: str = "") -> Text | None:
    """The folder for sent mail: the one that the settings name, the one marked \\Sent (RFC 6154), or a usual name."""
    if wanted:
        return mailbox_name(wanted)
    names: list[str] = []
    for reply in await imap.command("LIST", Text(""), Text("*")):
        found = _LIST.match(reply.text)
        if found is None:
            continue
        raw = reply.literals[-1] if reply.literals else found[2].strip()
        name = re.sub(r"\\(.)", r"\1", raw.decode("utf-8", "replace").strip('"'))
        if b"\\sent" in found[1].lower():
            return Text(name)
        names.append(name)
    return next((Text(name) for usual in _SENT_NAMES for name in names if name.lower() == usual.lower()), None)


async def find_id(imap: Imap, mailbox: Text, message_id: str) -> bool:
    await examine(imap, mailbox)
    return bool(await search(imap, "HEADER", "Message-ID", Text(message_id)))


async def append(imap: Imap, mailbox: Text, data: bytes) -> None:
    """Store a copy, marked as seen."""
    await imap.command("APPEND", mailbox, "(\\Seen)", literal=data, timeout=120)
