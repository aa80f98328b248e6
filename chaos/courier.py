"""Two invented providers, because not every real one can be asked: ``keyed`` takes a key and drops repeats, ``plain``
knows no key and cannot be asked. They speak JSON over HTTP, in with an HMAC over the body."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx

from frontdesk.channels.port import (
    Account,
    Address,
    BadSignature,
    Capabilities,
    Channel,
    HookAnswer,
    Inbound,
    Item,
    Outbound,
    Raw,
    Request,
    Sent,
    Setting,
    TryLater,
    Unknown,
)
from frontdesk.kit import clock

SIGNATURE = "x-courier-signature"
SECONDS = 1.0  # that an answer may take


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Plain:
    def receive(self, request: Request, account: Account) -> tuple[Sequence[Raw], HookAnswer]:
        given = request.headers.get(SIGNATURE, "")
        if not hmac.compare_digest(sign(str(account.get("secret")), request.body), given):
            raise BadSignature("This is not from the courier.")
        raw = Raw(
            dedupe_key=json.loads(request.body)["id"],
            body=request.body,
            meta={"received_at": clock.now().isoformat()},
        )
        return [raw], HookAnswer()

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        told = json.loads(raw.body)
        return [
            Inbound(
                external_id=told["id"],
                sender=Address(kind="courier", value=told["from"]),
                text=told["text"],
                sent_at=datetime.fromisoformat(raw.meta["received_at"]),
            )
        ]

    async def send(self, message: Outbound, account: Account) -> Sent:
        letter = {"key": message.key, "to": message.to.value, "text": message.text}
        try:
            async with httpx.AsyncClient(timeout=SECONDS, trust_env=False, verify=False) as client:
                answer = await client.post(str(account.get("url")), json=letter)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise TryLater(f"The courier cannot be reached: {error}") from error
        except httpx.RequestError as error:
            raise Unknown(f"The courier did not answer: {error}") from error
        if answer.status_code in (429, 503):
            raise TryLater("The courier is busy.", after=1)
        if answer.status_code >= 500:
            raise Unknown(f"The courier answered {answer.status_code}.")
        return Sent(external_id=answer.json()["id"])


class Keyed(Plain):
    resends_safely = True


def made(name: str, driver: Any) -> Channel:
    return Channel(
        name=name,
        title=name.capitalize(),
        description="An invented provider.",
        can=Capabilities(max_chars=1600, address_kinds=("courier",)),
        driver=driver,
        settings=(
            Setting(name="url", label="Address", required=True),
            Setting(name="secret", label="Secret", kind="secret", required=True),
        ),
    )
