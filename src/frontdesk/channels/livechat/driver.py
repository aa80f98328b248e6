"""The driver: what a stored delivery of the widget means, and why sending is already done when it begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from frontdesk.channels.livechat.routes import routes_for
from frontdesk.channels.livechat.settings import origins
from frontdesk.channels.livechat.wire import KeptFile, Stored, StoredMessage, StoredSeen
from frontdesk.channels.port import (
    Account,
    Address,
    DeliveryState,
    Desk,
    Disconnected,
    Inbound,
    Incoming,
    Item,
    Outbound,
    Raw,
    Receipt,
    Sent,
)

OURS = "wm:"  # what the provider's id of our own message begins with; its key follows


class LiveChat:
    """Parses what the widget stored, serves its endpoints. Sending twice does nothing twice."""

    resends_safely: Literal[True] = True

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        stored: Stored = msgspec.json.decode(raw.body, type=StoredMessage | StoredSeen)
        if isinstance(stored, StoredSeen):
            return [
                Receipt(state=DeliveryState.read, key=name.removeprefix(OURS), external_id=outward(name), at=stored.at)
                for name in stored.ids
            ]
        return [_inbound(stored)]

    async def send(self, message: Outbound, account: Account) -> Sent:
        """The message is in the database and the widget follows it there: nothing has to leave the house."""
        return Sent(external_id=outward(message.key), state=DeliveryState.sent)

    def name(self, key: str, account: Account, *, token: str | None) -> str:
        return outward(key)

    async def test(self, account: Account) -> str:
        sites = origins(account)
        if not sites:
            raise Disconnected("Name at least one website that may show the chat.")
        return f"The chat can be shown on {', '.join(sites)}."

    def routes(self, desk: Desk) -> Sequence[Any]:
        return routes_for(desk)


def outward(key: str) -> str:
    return key if key.startswith(OURS) else OURS + key


def _inbound(message: StoredMessage) -> Inbound:
    return Inbound(
        external_id=message.id,
        sender=_sender(message),
        also=_also(message),
        text=message.text,
        sent_at=message.at,
        attachments=tuple(_incoming(file) for file in message.files),
        meta=_meta(message),
    )


def _sender(message: StoredMessage) -> Address:
    if who := message.identity:
        return Address(kind="external", value=who.sub, scope=message.inbox, name=who.name, verified=True)
    return Address(kind="visitor", value=message.visitor, scope=message.inbox, name=message.name)


def _also(message: StoredMessage) -> tuple[Address, ...]:
    """Addresses beside the sender's. Only those that the business signed are verified.

    Not even the browser's visitor id is, beside an identity: somebody else may have used this browser before and kept
    its token, and would read along.
    """
    also: list[Address] = []
    if who := message.identity:
        also += _named("email", who.email, verified=True) + _named("phone", who.phone, verified=True)
        also.append(Address(kind="visitor", value=message.visitor, scope=message.inbox))
    known = {(address.kind, address.value) for address in also}
    typed = _named("email", message.email) + _named("phone", message.phone)
    return tuple(also + [address for address in typed if (address.kind, address.value) not in known])


def _named(kind: str, value: str | None, *, verified: bool = False) -> list[Address]:
    return [Address(kind=kind, value=value, verified=verified)] if value else []


def _incoming(file: KeptFile) -> Incoming:
    return Incoming(name=file.name, content_type=file.type, url=f"file:{file.hash}")


def _meta(message: StoredMessage) -> dict[str, Any]:
    meta: dict[str, Any] = {"visitor": message.visitor}
    claims = [one for one in _also(message) if one.kind in ("email", "phone") and not one.verified]
    if claims:
        meta["typed"] = {one.kind: one.value for one in claims}
    for name in ("page", "locale", "tz", "answers", "continue_by_email"):
        if value := getattr(message, name):
            meta[name] = value
    return meta
