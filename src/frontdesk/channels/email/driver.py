"""The email channel's driver: it joins the parts of this folder to the contract in ``port``.

What it claims and what not. It *names* messages: their Message-ID is fixed before sending, so that a repeated
attempt is the same mail. It does not claim that mail may be sent again safely: some recipients' servers drop a
second copy of a Message-ID and most do not. It *looks up* a mail of unknown fate in the Sent folder: a copy there
was put there after the server took the mail (by us, or by Gmail itself), so finding it proves the sending; not
finding it proves nothing and stays unknown. The libraries that speak to servers are imported when needed, because
the child that reads mails imports this package and shall stay small.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from frontdesk.channels.email.headers import canonical
from frontdesk.channels.email.html import sanitise
from frontdesk.channels.email.parse import own_address, parse
from frontdesk.channels.email.show import show
from frontdesk.channels.email.tokens import message_id
from frontdesk.channels.port import (
    Account,
    Address,
    DeliveryState,
    Disconnected,
    Item,
    Outbound,
    Raw,
    Sent,
    Sink,
    TryLater,
    Unknown,
)
from frontdesk.kit import clock

COPY_SECONDS: Final = 10  # for the copy in the Sent folder

log = logging.getLogger(__name__)


class Email:
    shows = (".eml",)

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        return parse(raw, account)

    def clean_html(self, html: str) -> str | None:
        """By the same list as what comes in; who reads the mail decides about pictures from elsewhere."""
        return sanitise(html, remote_images=True)

    async def send(self, message: Outbound, account: Account) -> Sent:
        """Through the submission server; afterwards a copy goes to the Sent folder, whose failure is no failure."""
        from frontdesk.channels.email import smtp
        from frontdesk.channels.email.compose import compose

        mail = await compose(message, account, clock.now())
        refused = await smtp.deliver(mail, account)
        meta: dict[str, object] = {"sent_copy": await self._copied(mail.data, mail.message_id, account)}
        if refused:
            meta["refused"] = refused
        return Sent(external_id=mail.message_id, state=DeliveryState.sent, meta=meta)

    async def _copied(self, data: bytes, own_id: str, account: Account) -> bool:
        """:meth:`_keep_copy` within ``COPY_SECONDS``. The mail is sent: nothing that happens here may say otherwise."""
        try:
            async with asyncio.timeout(COPY_SECONDS):
                return await self._keep_copy(data, own_id, account)
        except Exception as problem:
            log.warning("no copy in the Sent folder of inbox %s: %r", account.inbox_id, problem)
            return False

    async def _keep_copy(self, data: bytes, own_id: str, account: Account) -> bool:
        """Whether the Sent folder has the mail now. Servers that keep sent mail themselves are not given a second
        one."""
        from frontdesk.channels.email import mailbox
        from frontdesk.channels.email.wire import Refused

        if not account.get("imap_host") or not account.get("save_sent", True):
            return False
        with suppress(Disconnected, TryLater, Refused, OSError, TimeoutError):
            async with mailbox.opened(account) as imap:
                folder = await mailbox.sent_folder(imap, str(account.get("sent_folder") or ""))
                if folder is None:
                    return False
                if "X-GM-EXT-1" in imap.capabilities or await mailbox.find_id(imap, folder, own_id):
                    return True
                await mailbox.append(imap, folder, data)
                return True
        return False

    def name(self, key: str, account: Account, *, token: str | None) -> str:
        """The Message-ID of the message with this key."""
        address = own_address(account.settings)
        if address is None:
            raise Disconnected("This inbox has no mail address of its own.")
        return message_id(account, key, address.rpartition("@")[2])

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        """Found in the Sent folder: it was sent. Not found says nothing: raises Unknown."""
        from frontdesk.channels.email import mailbox
        from frontdesk.channels.email.wire import Refused

        own_id = message.external_id or self.name(message.key, account, token=message.token)
        nobody = Unknown("The Sent folder has no copy of this mail, which does not prove that it was not sent.")
        if not account.get("imap_host"):
            raise nobody
        try:
            async with mailbox.opened(account) as imap:
                folder = await mailbox.sent_folder(imap, str(account.get("sent_folder") or ""))
                if folder is not None and await mailbox.find_id(imap, folder, own_id):
                    return Sent(external_id=own_id, state=DeliveryState.sent)
        except (Disconnected, TryLater, Refused, OSError, TimeoutError) as problem:
            raise Unknown(f"The Sent folder cannot be looked at now: {problem}") from problem
        raise nobody

    async def listen(self, account: Account, sink: Sink) -> None:
        if account.get("receive", "imap") == "listen":
            from frontdesk.channels.email import listener

            await listener.listen(account, sink)
        else:
            from frontdesk.channels.email import imap

            await imap.listen(account, sink)

    async def test(self, account: Account) -> str:
        """Logs in to both servers; the sentence says what works. Raises Disconnected or TryLater with the first
        problem."""
        from frontdesk.channels.email import mailbox, smtp
        from frontdesk.channels.email.wire import Refused, mailbox_name

        works = []
        if account.get("receive", "imap") == "imap":
            try:
                async with mailbox.opened(account) as imap:
                    folder = mailbox_name(str(account.get("folder") or "INBOX"))
                    selected = await mailbox.examine(imap, folder)
                    push = "new mail arrives at once" if "IDLE" in imap.capabilities else "mail is fetched every minute"
                    works.append(f"receiving works ({selected.exists} mails in the mailbox, {push})")
            except Refused as problem:
                raise Disconnected(f"The mailbox cannot be opened: {problem}") from problem
            except (OSError, TimeoutError) as problem:
                raise TryLater(f"The connection to the mailbox was lost: {problem}") from problem
        if account.get("smtp_host"):
            async with smtp.session(account):
                works.append("sending works")
        sentence = " and ".join(works) or "nothing to connect to: this inbox waits for a mail server to deliver into it"
        return sentence[:1].upper() + sentence[1:] + "."

    def show(self, data: bytes) -> Mapping[str, Any]:

        return show(data)

    def normalise(self, value: str, account: Account | None) -> Address:
        return Address(kind="email", value=canonical(value))
