"""Posting to the desk as Twilio does: signed, with its time-outs, its one retry, and the overrides in the fragment.

Source: twilio.com/docs/usage/webhooks/webhooks-connection-overrides. Connect 5 s, read 15 s, 15 s in all; one more try
after a connection failure; ``#rc=3&rp=all&ct=2000&rt=5000&tt=10000`` overrides (counts, policies, milliseconds).
"""

from __future__ import annotations

import asyncio
import uuid
from urllib.parse import parse_qs, urldefrag, urlencode

import httpx
import msgspec

from ..world import World
from .signature import sign

Params = list[tuple[str, str]]


class Webhook(msgspec.Struct, kw_only=True):
    url: str
    params: Params
    account: str
    desk: str  # the desk's number
    customer: str
    fallback: str = ""
    copy: int = 0
    forged: bool = False
    token: str = ""  # I-Twilio-Idempotency-Token, the same for every try


class Policy(msgspec.Struct, kw_only=True, frozen=True):
    """When a post is tried again, and how long it may take (seconds)."""

    retries: int = 1
    on: frozenset[str] = frozenset({"ct"})
    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0

    @classmethod
    def of(cls, fragment: str) -> Policy:
        given = {name: values[-1] for name, values in parse_qs(fragment).items()}

        def figure(name: str, default: float, low: float, high: float) -> float:
            text = given.get(name, "")
            return min(max(float(text), low), high) if text.isdigit() else default

        return cls(
            retries=int(figure("rc", 1, 0, 5)),
            on=frozenset(given.get("rp", "ct").split(",")),
            connect=figure("ct", 5000, 100, 10000) / 1000,
            read=figure("rt", 15000, 100, 15000) / 1000,
            total=figure("tt", 15000, 100, 15000) / 1000,
        )

    def retries_after(self, outcome: str) -> bool:
        return outcome != "ok" and bool({outcome, "all"} & self.on)


def announce(world: World, hook: Webhook, *, lane: str = "") -> None:
    """Put one webhook on the agenda: once, or as the fault panel has it."""
    hook.token = str(uuid.uuid4())
    parties = (hook.desk, hook.customer)
    spread = world.faults.spread(*parties)
    if not spread.waits:
        world.truth.note(
            "webhook.dropped", desk=hook.desk, customer=hook.customer, url=hook.url, params=dict(hook.params)
        )
    if spread.forged:
        world.agenda.add("twilio.webhook", msgspec.to_builtins(_forgery(hook)), lane=lane if spread.ordered else "")
    for copy, wait in enumerate(spread.waits):
        hook.copy = copy
        keeps_place = spread.ordered and copy == 0
        world.agenda.add("twilio.webhook", msgspec.to_builtins(hook), after=wait, lane=lane if keeps_place else "")


def _forgery(hook: Webhook) -> Webhook:
    forged = msgspec.structs.replace(hook, forged=True, copy=-1)
    forged.params = [(name, "forged" if name == "Body" else value) for name, value in hook.params]
    return forged


async def deliver(world: World, hook: Webhook) -> httpx.Response | None:
    """Post until somebody answers or the policy gives up; the answer is None then. Every try is noted as truth."""
    answer = await _attempts(world, hook, hook.url, hook.params)
    if answer is None and hook.fallback and not hook.forged:
        failure = [("ErrorCode", "11200"), ("ErrorUrl", hook.url)]
        answer = await _attempts(world, hook, hook.fallback, [*hook.params, *failure])
    return answer


async def _attempts(world: World, hook: Webhook, address: str, params: Params) -> httpx.Response | None:
    url, fragment = urldefrag(address)
    policy = Policy.of(fragment)
    auth_token = world.store.value("SELECT auth_token FROM accounts WHERE sid = ?", hook.account)
    signature = sign("not the token" if hook.forged else auth_token, url, params)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "User-Agent": "TwilioProxy/1.1",
        "Accept": "*/*",
        "X-Home-Region": "us1",
        "X-Twilio-Signature": signature,
        "I-Twilio-Idempotency-Token": hook.token,
    }
    timeout = httpx.Timeout(policy.read, connect=policy.connect)
    for attempt in range(1, policy.retries + 2):
        outcome, answer = await _post(world, url, params, headers, timeout=timeout, total=policy.total)
        world.truth.note(
            "webhook.sent",
            desk=hook.desk,
            customer=hook.customer,
            url=url,
            params=dict(params),
            copy=hook.copy,
            forged=hook.forged,
            attempt=attempt,
            outcome=outcome,
            status=answer.status_code if answer is not None else None,
        )
        if outcome == "ok" or hook.forged:
            return answer
        if not policy.retries_after(outcome):
            break
    return None


async def _post(
    world: World, url: str, params: Params, headers: dict[str, str], *, timeout: httpx.Timeout, total: float
) -> tuple[str, httpx.Response | None]:
    """One try. The outcome is in the words of the retry policy: ok, 4xx, 5xx, ct (not connected), rt (no answer)."""
    try:
        async with asyncio.timeout(total):
            answer = await world.outside.post(url, content=urlencode(params), headers=headers, timeout=timeout)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol):
        return "ct", None
    except (httpx.TransportError, TimeoutError):
        return "rt", None
    if answer.status_code >= 500:
        return "5xx", answer
    return ("4xx" if answer.status_code >= 400 else "ok"), answer
