"""Channels that exist only in tests: a line for texts, a post for letters. What their provider does is scripted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from frontdesk.channels.port import (
    Account,
    Address,
    BadSignature,
    Capabilities,
    Channel,
    DeliveryState,
    HookAnswer,
    Inbound,
    Incoming,
    Item,
    Outbound,
    Raw,
    Receipt,
    Request,
    Sent,
    Setting,
    Unknown,
)

KEY = "pretend-signature"
Outcome = Sent | BaseException | Callable[[Outbound], Any]


class Pretend:
    """Parses JSON as :func:`said` and :func:`told` write it, and sends into a list."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.sent: list[Outbound] = []
        self.outcomes: list[Outcome] = []  # for the next sendings, in order; then everything is accepted

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        return [_item(one, self.kind) for one in json.loads(raw.body, strict=False)]

    def clean_html(self, html: str) -> str | None:
        return html.replace("<script>", "") if self.kind == "email" else None

    def receive(self, request: Request, account: Account) -> tuple[Sequence[Raw], HookAnswer]:
        if request.headers.get("x-signature") != KEY:
            raise BadSignature("The signature does not fit.")
        if request.method == "GET":
            return [], HookAnswer(body=request.query.get("challenge", "").encode())
        json.loads(request.body)
        key = hashlib.sha256(request.body).hexdigest()
        return [Raw(dedupe_key=key, body=request.body, headers=request.headers)], HookAnswer(body=b"thanks")

    async def send(self, message: Outbound, account: Account) -> Sent:
        outcome: Any = self.outcomes.pop(0) if self.outcomes else None
        if callable(outcome) and not isinstance(outcome, BaseException):
            outcome = await outcome(message)
        if isinstance(outcome, BaseException):
            raise outcome
        self.sent.append(message)
        return outcome or Sent(external_id=f"out-{message.key}")

    def normalise(self, value: str, account: Account | None) -> Address:
        if not value.startswith("+") and "@" not in value:
            raise ValueError("This is not an address of this line.")
        return Address(kind=self.kind, value=value)


class Searchable(Pretend):
    """Its provider can be asked what it has: ``has`` maps keys to answers, ``silent`` says that it cannot tell."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.has: dict[str, Sent] = {}
        self.silent = False
        self.asked = 0

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        self.asked += 1
        if self.silent:
            raise Unknown("The list is not up to date yet.")
        return self.has.get(message.key)


class Repeatable(Pretend):
    """Its provider drops a second copy of the same key."""

    resends_safely: Literal[True] = True


def _item(packed: Mapping[str, Any], kind: str) -> Item:
    fields = dict(packed)
    if fields.pop("boom", None):
        raise ValueError("this cannot be read")
    if "state" in fields:
        return Receipt(**{**fields, "state": DeliveryState(fields["state"])})
    fields["sender"] = Address(**{"kind": kind, **fields["sender"]})
    fields["also"] = tuple(Address(**{"kind": kind, **other}) for other in fields.get("also", ()))
    fields["sent_at"] = datetime.fromisoformat(fields["sent_at"])
    files = ({**file, "data": file["data"].encode()} if "data" in file else file for file in fields.get("files", ()))
    fields["attachments"] = tuple(Incoming(**file) for file in files)
    fields.pop("files", None)
    fields["answers"] = tuple(fields.get("answers", ()))
    return Inbound(**fields)


def line(driver: Pretend | None = None, **can: Any) -> Channel:
    """Texts to and from a number; STOP counts here."""
    able = Capabilities(
        address_kinds=("phone",), opt_out_keywords=True, receipts=frozenset({"sent", "delivered"}), max_chars=1600
    )
    return Channel(
        name="line",
        title="Line",
        description="Texts for tests.",
        can=replace(able, **can),
        driver=driver or Pretend("phone"),
        settings=(Setting(name="number", label="Number"),),
        own_address=lambda settings: settings.get("number"),
    )


def post(driver: Pretend | None = None, **can: Any) -> Channel:
    """Letters with subjects and copies, whose answers name what they answer."""
    able = Capabilities(address_kinds=("email",), html=True, subject=True, copies=True, joins_thread=True)
    return Channel(
        name="post",
        title="Post",
        description="Letters for tests.",
        can=replace(able, **can),
        driver=driver or Pretend("email"),
        settings=(Setting(name="box", label="Box"),),
        own_address=lambda settings: settings.get("box"),
    )


def told(state: str, *, to: str | None = None, **more: Any) -> dict[str, Any]:
    """A receipt as the provider of these channels delivers it."""
    return {"state": state, "external_id": to, **more}
