"""Handing a mail to the submission server (RFC 6409), with every way in which that can end told apart.

Before the server has the end of the data it certainly has not taken the mail: :class:`TryLater`. When the connection is
lost between the end of the data and the answer, nobody knows: :class:`Unknown`, and that mail is never sent again
blindly.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any, NoReturn

import aiosmtplib
from aiosmtplib import SMTP

from frontdesk.channels.email.bounces import BAD_ADDRESS
from frontdesk.channels.email.compose import Composed
from frontdesk.channels.email.connect import TIMEOUT, Target, connect_target, tls_context
from frontdesk.channels.email.oauth import access_token, oauth_settings
from frontdesk.channels.port import Account, Disconnected, Rejected, TryLater, Unknown
from frontdesk.kit.addresses import Blocked, FetchError
from frontdesk.kit.fetch import connect_socket

DATA_TIMEOUT = 600.0  # seconds for the answer to the end of the data, RFC 5321 §4.5.3.2.6
STALLED = 30.0  # seconds in which the other side takes nothing of the text
_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_NO_SUCH_USER = re.compile(
    r"user unknown|unknown user|no such (?:user|mailbox|recipient)|does not exist|unrouteable", re.IGNORECASE
)


@contextlib.asynccontextmanager
async def session(account: Account) -> AsyncIterator[SMTP]:
    """A connection that is encrypted and logged in as the settings say. Raises Disconnected or TryLater."""
    target = connect_target(account.settings, "smtp")
    client = SMTP(
        hostname=target.host,  # whose certificate it must be; the connection itself goes to a checked address
        use_tls=target.tls == "tls",
        start_tls=target.tls == "starttls",
        tls_context=tls_context(account.settings) if target.tls != "none" else None,
        timeout=TIMEOUT,
        local_hostname=_greeting(account),
        sock=await _reached(target),  # last: nothing that could fail may come between it and its owner
    )
    try:
        await _open(client, target)
        await _log_in(client, account)
        yield client
    finally:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, RuntimeError):
            if client.is_connected:
                await client.quit(timeout=5)
        client.close()


async def _reached(target: Target) -> Any:
    """A connected socket to one of the server's checked addresses."""
    where = f"{target.host}, port {target.port}"
    try:
        async with asyncio.timeout(TIMEOUT):
            return await connect_socket(target.host, target.port)
    except Blocked as error:
        raise Disconnected(f"This server may not be connected to ({where}): {error}") from error
    except TimeoutError as error:
        raise TryLater(f"The mail server ({where}) does not answer.") from error
    except (FetchError, OSError) as error:
        raise TryLater(f"No connection to the mail server ({where}): {error}") from error


def _greeting(account: Account) -> str:
    """EHLO with the domain of the address: the machine's own name is nobody's business."""
    domain = str(account.get("address") or "").rpartition("@")[2].strip().lower()
    return domain if re.fullmatch(r"[a-z0-9.-]{1,253}", domain) else "localhost"


async def _open(client: SMTP, target: Target) -> None:
    where = f"{target.host}, port {target.port}"
    try:
        await client.connect()
    except aiosmtplib.SMTPTimeoutError as error:
        raise TryLater(f"The mail server ({where}) does not answer.") from error
    except aiosmtplib.SMTPResponseException as error:
        if 500 <= error.code < 600:
            raise Disconnected(f"The mail server ({where}) does not want to talk to us: {_said(error)}") from error
        raise TryLater(f"The mail server ({where}) is not available: {_said(error)}", code=str(error.code)) from error
    except aiosmtplib.SMTPException as error:
        if "STARTTLS" in str(error):
            raise Disconnected(f"The mail server ({where}) offers no STARTTLS. Try the encryption “tls”.") from error
        # What is below it says why; the library's own sentence names a port that it does not know.
        raise TryLater(f"No connection to the mail server ({where}): {tls_hint(error.__cause__ or error)}") from error
    except OSError as error:
        raise TryLater(f"No connection to the mail server ({where}): {tls_hint(error)}") from error


def tls_hint(error: BaseException) -> str:
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "its certificate is not valid for that name, or from an authority that is not known here."
    if "WRONG_VERSION_NUMBER" in said or "record layer failure" in said:
        return "it does not speak TLS on that port. Port 465 goes with “tls”, port 587 with “starttls”."
    return said[:200] or type(error).__name__


async def _log_in(client: SMTP, account: Account) -> None:
    oauth = oauth_settings(account.settings)
    user = str(account.get("username") or account.get("address") or "")
    password = str(account.get("password") or "")
    if oauth is None and not password:
        return  # a relay that knows us by our address
    try:
        if oauth is not None:
            await _log_in_with_token(client, user, oauth)
        else:
            await client.login(user, password)
    except aiosmtplib.SMTPResponseException as error:
        if 400 <= error.code < 500:
            raise TryLater(f"The mail server cannot log us in now: {_said(error)}", code=str(error.code)) from error
        raise Disconnected(_login_help(_said(error))) from error
    except (aiosmtplib.SMTPException, OSError) as error:
        if not isinstance(error, OSError):  # the library's own words for: no AUTH here, or no way of it that both know
            raise Disconnected(
                "The mail server offers no login on this connection. Is the encryption right?"
            ) from error
        raise TryLater(f"The connection was lost while logging in ({type(error).__name__}).") from error


async def _log_in_with_token(client: SMTP, user: str, oauth: dict[str, str]) -> None:
    """A token may have been withdrawn before its time: one more try with a new one."""
    try:
        await client.auth_xoauth2(user, await access_token(oauth))
    except aiosmtplib.SMTPAuthenticationError:
        await client.auth_xoauth2(user, await access_token(oauth, fresh=True))


def _login_help(said: str) -> str:
    lower = said.lower()
    if "5.7.9" in said or "application-specific" in lower or "app password" in lower:
        return "The mail server wants an app password: create one in the account's security settings and use it here."
    if "5.7.30" in said or "basic authentication" in lower or "5.7.139" in said:
        return "Microsoft no longer accepts passwords here: connect this mailbox with OAuth."
    return f"The mail server refuses the user name or password: {said}"


async def deliver(mail: Composed, account: Account) -> dict[str, str]:
    """Hand the mail over. Returns the recipients that were refused beside the contact, with the server's words.

    Raises Rejected, TryLater, Unknown or Disconnected.
    """
    async with session(account) as client:
        refused = await _envelope(client, mail)
        await _data(client, mail)
        return refused


async def _envelope(client: SMTP, mail: Composed) -> dict[str, str]:
    options = [f"SIZE={len(mail.data)}"] if client.supports_extension("size") else []
    if mail.needs_smtputf8:
        if not client.supports_extension("smtputf8"):
            raise Rejected("The mail server cannot send to addresses with such letters (no SMTPUTF8).")
        options.append("SMTPUTF8")
    notifies = client.supports_extension("dsn")
    if notifies:
        options.append(f"ENVID={mail.message_id.strip('<>')}")
    encoding = "utf-8" if mail.needs_smtputf8 else "ascii"
    refused: dict[str, str] = {}
    try:
        await client.mail(mail.sender, options=options, encoding=encoding)
        for index, recipient in enumerate(mail.recipients):
            try:
                await client.rcpt(recipient, options=["NOTIFY=FAILURE,DELAY"] if notifies else [], encoding=encoding)
            except aiosmtplib.SMTPRecipientRefused as error:
                if index == 0:
                    _refuse(error)
                refused[recipient] = _said(error)
    except aiosmtplib.SMTPResponseException as error:
        _refuse(error)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise TryLater(f"The connection to the mail server was lost ({type(error).__name__}).") from error
    return refused


async def _data(client: SMTP, mail: Composed) -> None:
    """The text first and its end ("." on a line) apart: only a loss after that end leaves open who has the mail."""
    lost = "The connection to the mail server was lost before it had the whole mail."
    try:
        answer = await client.execute_command(b"DATA")
        if answer.code != 354:
            _refuse(aiosmtplib.SMTPDataError(answer.code, answer.message))
        await _write(client, _stuffed(mail.data))
    except (aiosmtplib.SMTPException, OSError) as error:
        raise TryLater(lost) from error
    if not client.is_connected:
        raise TryLater(lost)
    try:
        answer = await client.execute_command(b".", timeout=DATA_TIMEOUT)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Unknown("The connection was lost before the mail server said whether it has the mail.") from error
    if answer.code != 250:
        _refuse(aiosmtplib.SMTPDataError(answer.code, answer.message))


def _stuffed(data: bytes) -> bytes:
    """CRLF line ends, and a dot more where a line begins with one (RFC 5321 §4.5.2)."""
    lines = re.sub(rb"\r\n|\n|\r", b"\r\n", data.rstrip(b"\r\n") + b"\r\n")
    return re.sub(rb"(?m)^\.", b"..", lines)


async def _write(client: SMTP, data: bytes) -> None:
    """Give the bytes to the system; returns when it has them all. Raises SMTPServerDisconnected, or TimeoutError when
    none is taken for :data:`STALLED` seconds."""
    # Typed by what it can do: uvloop's transports do not inherit from asyncio's.
    transport: Any = client.protocol.transport if client.protocol else None
    if transport is None or transport.is_closing():
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    transport.write(data)
    loop = asyncio.get_running_loop()
    left, since = transport.get_write_buffer_size(), loop.time()
    while left:
        if transport.is_closing() or not client.is_connected:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        await asyncio.sleep(0.01)
        if (now_left := transport.get_write_buffer_size()) < left:
            left, since = now_left, loop.time()
        elif loop.time() - since > STALLED:
            raise TimeoutError


def _refuse(error: aiosmtplib.SMTPResponseException) -> NoReturn:
    """An answer that is not yes: 4xx is later, 5xx is never (RFC 5321 §4.2.1)."""
    said = _said(error)
    found = _ENHANCED.search(said)
    code = found[1] if found else str(error.code)
    if 400 <= error.code < 500:
        raise TryLater(f"The mail server asks to try again later: {said}", code=code) from error
    if code in ("5.7.30", "5.7.139") or error.code == 530:
        raise Disconnected(_login_help(said)) from error
    is_recipient = isinstance(error, aiosmtplib.SMTPRecipientRefused)
    unknown = is_recipient and error.code in (550, 551, 553) and bool(_NO_SUCH_USER.search(said))
    raise Rejected(
        f"The mail server refuses this mail: {said}", code=code, bad_address=code in BAD_ADDRESS or unknown
    ) from error


def _said(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error)
    code = getattr(error, "code", None)
    text = " ".join(str(message).split())[:400]
    return f"{code} {text}" if code and not text.startswith(str(code)) else text
