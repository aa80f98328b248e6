"""Texts: through Twilio, a Kannel gateway, or straight over SMPP 3.4. See README.md for limits and their sources."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from frontdesk.channels.port import (
    Account,
    Address,
    BadSignature,
    Capabilities,
    Channel,
    Disconnected,
    HookAnswer,
    Item,
    Outbound,
    Raw,
    Rejected,
    Request,
    Sent,
    Sink,
)
from frontdesk.channels.sms.kannel import KannelSms
from frontdesk.channels.sms.numbers import typed
from frontdesk.channels.sms.segments import smart
from frontdesk.channels.sms.settings import SETTINGS, check, own_address
from frontdesk.channels.sms.smpp import LIVE, SmppSms
from frontdesk.channels.sms.twilio import MAX_CHARS, TwilioSms

__all__ = ["CHANNEL", "Sms"]


class Sms:
    """One driver for three providers; the inbox's settings say which, and each raw delivery remembers its own, so that
    it can be read again after the inbox has moved to another provider."""

    def __init__(self, twilio: TwilioSms, kannel: KannelSms, smpp: SmppSms) -> None:
        self._twilio, self._kannel, self._smpp = twilio, kannel, smpp
        self._all: Mapping[str, TwilioSms | KannelSms | SmppSms] = {"twilio": twilio, "kannel": kannel, "smpp": smpp}

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        return self._of(raw.meta.get("provider") or account.get("provider")).parse(raw, _ready(account))

    def receive(self, request: Request, account: Account) -> tuple[Sequence[Raw], HookAnswer]:
        provider = self._of(account.get("provider"))
        if isinstance(provider, SmppSms):
            raise BadSignature("This inbox has no webhook; its texts come over SMPP.")
        return provider.receive(request, account)

    async def send(self, message: Outbound, account: Account) -> Sent:
        return await self._of(account.get("provider")).send(_prepared(message, account), _ready(account))

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        return await self._of(account.get("provider")).look_up(_prepared(message, account), _ready(account))

    async def test(self, account: Account) -> str:
        return await self._of(account.get("provider")).test(_ready(account))

    async def listen(self, account: Account, sink: Sink) -> None:
        """Only SMPP has something to listen to; for the others this waits for ever and costs nothing."""
        if account.get("provider") == "smpp":
            await self._smpp.listen(account, sink)
        else:
            await asyncio.Event().wait()

    def sends_here(self, account: Account) -> bool:
        """The session with an SMSC is the listener's; the others are asked from anywhere."""
        return account.get("provider") != "smpp" or account.inbox_id in LIVE

    async def missed(self, account: Account, *, since: datetime) -> AsyncIterator[Raw]:
        if account.get("provider") == "twilio":
            async for raw in self._twilio.missed(_ready(account), since=since):
                yield raw

    async def fetch(self, url: str, account: Account) -> tuple[bytes, str]:
        if account.get("provider") != "twilio":
            raise Rejected("Only texts through Twilio carry files.")
        return await self._twilio.fetch(url, account)

    def normalise(self, value: str, account: Account | None) -> Address:
        return typed(value, own=str(account.get("number") or "") if account else "")

    def _of(self, provider: object) -> TwilioSms | KannelSms | SmppSms:
        found = self._all.get(str(provider))
        if found is None:
            raise Disconnected(f"“{provider}” is not a provider of texts.")
        return found


def _ready(account: Account) -> Account:
    """The account with its number as the providers write it, however a person typed it."""
    return replace(account, settings={**account.settings, "number": own_address(account.settings)})


def _prepared(message: Outbound, account: Account) -> Outbound:
    text = message.text.replace("\x00", "")
    return replace(message, text=smart(text) if account.get("smart_text") else text)


CHANNEL = Channel(
    name="sms",
    title="SMS",
    description="Texts to and from a phone number, through Twilio, a Kannel gateway or SMPP.",
    colour="#16a34a",
    can=Capabilities(
        max_chars=MAX_CHARS,
        segments=True,
        attachment_types=("image/jpeg", "image/png", "image/gif"),
        max_attachment_bytes=5 * 1024 * 1024,
        max_attachments=10,
        receipts=frozenset({"sent", "delivered"}),
        opt_out_keywords=True,
        address_kinds=("phone",),
    ),
    driver=Sms(TwilioSms(), KannelSms(), SmppSms()),
    settings=SETTINGS,
    check=check,
    own_address=own_address,
)
