"""SMS over SMPP 3.4, straight to an operator's or aggregator's SMSC. We are the ESME; one bind sends and receives.

The listening task owns the session; ``send`` borrows it through ``LIVE``, which is why both run in one process: a
worker without the session leaves messages to the one that has it.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from frontdesk.channels.port import (
    Account,
    Disconnected,
    Failure,
    Inbound,
    Item,
    Outbound,
    Raw,
    Receipt,
    Rejected,
    Sent,
    Sink,
    TryLater,
    Unknown,
)
from frontdesk.channels.sms import pdu
from frontdesk.channels.sms.ledger import Ledger
from frontdesk.channels.sms.numbers import came_from
from frontdesk.channels.sms.pdu import Malformed, Message, Pdu
from frontdesk.channels.sms.smpp_content import (
    comparable_id,
    is_receipt,
    report,
    sender_type,
    submissions,
    text_of,
)
from frontdesk.channels.sms.smpp_session import (
    BindRefused,
    LostAnswer,
    NotWritten,
    Session,
    SessionOver,
    Timing,
    first_of,
)
from frontdesk.kit import clock
from frontdesk.kit.fetch import Blocked

MAX_CHARS: Final = 1600
PORT: Final = 2775
"""The port that IANA lists for SMPP."""
_REMEMBERS: Final = 10_000
_SUBMITTED: Final = "submitted"
"""In a message's meta: {reference, of, ids}, how many parts of how many the SMSC has taken."""
_NEEDS_PERSON: Final = {
    pdu.RINVPASWD: "The SMSC does not accept the password.",
    pdu.RINVSYSID: "The SMSC does not know this system ID.",
}
_LATER: Final = {
    pdu.RTHROTTLED: ("The SMSC asks to send more slowly.", 2.0),
    pdu.RMSGQFUL: ("The SMSC's queue is full.", 10.0),
    pdu.RSYSERR: ("The SMSC has an error of its own.", 30.0),
    pdu.RX_T_APPN: ("The SMSC cannot take messages now.", 30.0),
}


@dataclass
class Live:
    """The session of an inbox in this process, and which parts belong to which message it has sent."""

    session: Session
    since: datetime
    whole: OrderedDict[str, str] = field(default_factory=OrderedDict)


LIVE: Final[dict[int, Live]] = {}
"""By inbox id."""


class SmppSms:
    def __init__(self, timing: Timing | None = None, *, back_off: tuple[float, float] = (1, 60)) -> None:
        self._timing = timing or Timing()
        self._back_off = back_off
        self._reference = random.randrange(256)  # noqa: S311  # only to differ from the last run

    # --- in ---

    def parse(self, raw: Raw, account: Account) -> Sequence[Item]:
        if raw.meta.get("part"):
            return []
        messages = [pdu.delivery(each) for each in pdu.decode_all(raw.body)]
        first, received = messages[0], datetime.fromisoformat(raw.meta["received_at"])
        if is_receipt(first):
            return _receipts(first, raw, account.settings, received)
        source = f"+{first.source.lstrip('+')}" if first.source_ton == 1 else first.source
        return [
            Inbound(
                external_id=raw.dedupe_key.removeprefix("mo:"),
                sender=came_from(source, own=str(account.get("number") or "")),
                text=text_of(messages, account.settings),
                sent_at=received,
                meta={"to": first.destination},
            )
        ]

    async def listen(self, account: Account, sink: Sink) -> None:
        """Stay bound: reconnect with growing pauses (1 to 60 seconds). Raises Disconnected when the SMSC refuses the
        credentials or its address is closed to us, and whatever storing raised; the deliveries concerned are unanswered
        then and come again."""
        pause, longest = self._back_off
        while True:
            try:
                session = await Session.connect(**_target(account), timing=self._timing)
            except Blocked as error:
                await sink.unhealthy(_closed(error), needs_person=True)
                raise Disconnected(_closed(error)) from error
            except BindRefused as refused:
                await self._explain(refused, sink)
            except (OSError, SessionOver) as error:
                await sink.unhealthy(f"The SMSC cannot be reached: {error or type(error).__name__}")
            else:
                pause = self._back_off[0]
                try:
                    await self._serve(session, account, sink)
                except SessionOver as over:
                    await sink.unhealthy(f"Connecting again: {over}.")
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  # spreads reconnecting inboxes
            pause = min(pause * 2, longest)

    async def _explain(self, refused: BindRefused, sink: Sink) -> None:
        reason = _NEEDS_PERSON.get(refused.status)
        if reason:
            await sink.unhealthy(reason, needs_person=True)
            raise Disconnected(reason) from refused
        await sink.unhealthy(f"The SMSC refuses the session (status 0x{refused.status:02X}).")

    async def _serve(self, session: Session, account: Account, sink: Sink) -> None:
        live = Live(session, clock.now())
        try:
            ledger = Ledger(await sink.checkpoint(), stamp=f"{live.since.timestamp():.3f}")
            await sink.healthy(f"Bound as {account.get('system_id')}.")
        except BaseException:
            await session.close()
            raise
        saving = asyncio.Lock()  # a checkpoint must never overtake a newer one

        async def keep(deliveries: Sequence[Pdu]) -> None:
            async with saving:
                raws = ledger.take(deliveries, at=clock.now(), whole_of=lambda found: _whole(live, found, account))
                await sink.store(raws, checkpoint=ledger.checkpoint())

        async def sweep() -> None:
            while True:
                async with saving:
                    late = ledger.overdue(clock.now())
                    if late or ledger.changed:
                        await sink.store(late, checkpoint=ledger.checkpoint())
                await asyncio.sleep(self._timing.sweep)

        LIVE[account.inbox_id] = live
        try:
            await first_of(session.run(keep, ledger.confirm), sweep())
        finally:
            _forget(account.inbox_id, live)

    # --- out ---

    async def send(self, message: Outbound, account: Account) -> Sent:
        """Submit the parts in order. How many the SMSC has taken is kept with the message, so that none goes again."""
        begun = message.meta.get(_SUBMITTED) or {"reference": self._next_reference(), "of": 0, "ids": []}
        bodies = _parts(message, begun["reference"], account)
        ids = [*begun["ids"]] if begun["of"] == len(bodies) else []  # or somebody set long messages differently
        live = LIVE.get(account.inbox_id)
        if live is None:
            raise TryLater("There is no session with the SMSC at the moment.", after=5)
        try:
            for body in bodies[len(ids) :]:
                ids.append(
                    comparable_id(await _submit(live.session, body, account), account.settings, of_receipt=False)
                )
        except Failure as failure:
            if ids:
                failure.meta = {_SUBMITTED: {"reference": begun["reference"], "of": len(bodies), "ids": ids}}
            raise
        for earlier in ids[:-1]:
            live.whole[earlier] = ids[-1]
        while len(live.whole) > _REMEMBERS:
            live.whole.popitem(last=False)
        over = {_SUBMITTED: None} if message.meta.get(_SUBMITTED) else {}  # what a person sends again goes whole
        return Sent(external_id=ids[-1], parts=len(ids), meta={**({"part_ids": ids} if len(ids) > 1 else {}), **over})

    async def look_up(self, message: Outbound, account: Account) -> Sent | None:
        raise Unknown("SMPP cannot ask for a message whose id never arrived.")

    async def test(self, account: Account) -> str:
        """Bind and unbind; an inbox that is bound already is not bound twice, as many SMSCs allow one session only."""
        if live := LIVE.get(account.inbox_id):
            return f"Bound as {account.get('system_id')} since {live.since:%Y-%m-%d %H:%M} UTC."
        try:
            session = await Session.connect(**_target(account), timing=self._timing)
        except BindRefused as refused:
            reason = _NEEDS_PERSON.get(refused.status)
            if refused.status == pdu.RALYBND:
                return "The SMSC knows this system ID; another session is bound at the moment."
            raise Disconnected(reason or f"The SMSC refuses the session (0x{refused.status:02X}).") from refused
        except Blocked as error:
            raise Disconnected(_closed(error)) from error
        except (OSError, SessionOver) as error:
            raise TryLater(f"The SMSC cannot be reached: {error or type(error).__name__}") from error
        await session.unbind()
        return f"The SMSC accepts {account.get('system_id')}. Texts go out from {account.get('number')}."

    def _next_reference(self) -> int:
        self._reference = (self._reference + 1) % 256
        return self._reference


def _parts(message: Outbound, reference: int, account: Account) -> list[Message]:
    """What to submit for a message. Raises Rejected for what cannot be sent this way."""
    if message.to.kind != "phone":
        raise Rejected("Only phone numbers can be texted.", bad_address=True)
    if message.attachments:
        raise Rejected("This inbox sends over SMPP, which cannot carry files.")
    if not message.text:
        raise Rejected("There is nothing to send.")
    if len(message.text) > MAX_CHARS:
        raise Rejected(f"The text is longer than {MAX_CHARS} characters.")
    return submissions(message.text, reference, _envelope(message.to.value, account.settings), account.settings)


def _closed(error: Blocked) -> str:
    return f"No connection to the SMSC. {error}"


def _forget(inbox_id: int, live: Live) -> None:
    """Take the session out, unless another has taken its place."""
    if LIVE.get(inbox_id) is live:
        del LIVE[inbox_id]


async def _submit(session: Session, body: Message, account: Account) -> str:
    """Submit one part; returns the SMSC's id. Raises what the port expects of a sending."""
    try:
        answer = await session.request(pdu.SUBMIT_SM, body.encode())
    except Malformed as error:
        raise Rejected(f"The message does not fit SMPP: {error}.") from error
    except NotWritten as error:
        raise TryLater("There is no session with the SMSC at the moment.", after=5) from error
    except LostAnswer as error:
        raise Unknown(f"The SMSC did not say whether it took the message: {error}.") from error
    status, code = answer.status, f"0x{answer.status:02X}"
    if status == pdu.ROK:
        return pdu.message_id(answer.body)
    if status in _LATER:
        reason, after = _LATER[status]
        raise TryLater(reason, after=after, code=code)
    if status == pdu.RINVSRCADR:
        raise Disconnected(f"The SMSC does not let this inbox send from {account.get('number')}.")
    if status == pdu.RINVDSTADR:
        raise Rejected("The SMSC says that this number does not exist.", code=code, bad_address=True)
    raise Rejected(f"The SMSC refused the message (status {code}).", code=code)


def _target(account: Account) -> dict[str, Any]:
    """Where to connect and as whom. Raises Disconnected for settings that no SMSC could take."""
    bind = pdu.Bind(
        system_id=str(account.get("system_id") or ""),
        password=str(account.get("password") or ""),
        system_type=str(account.get("system_type") or ""),
    )
    try:
        bind.encode()
    except Malformed as error:
        raise Disconnected(f"The SMPP settings do not fit: {error}.") from error
    return {
        "host": str(account.get("host") or ""),
        "port": int(account.get("port") or PORT),
        "bind": bind,
        "tls": bool(account.get("tls")),
    }


def _envelope(to: str, settings: Mapping[str, Any]) -> Message:
    ton, npi, source = sender_type(str(settings.get("number") or ""))
    to_ton, to_npi, destination = sender_type(to)
    return Message(
        source=source,
        source_ton=_given(settings, "source_ton", ton),
        source_npi=_given(settings, "source_npi", npi),
        destination=destination,
        destination_ton=_given(settings, "destination_ton", to_ton),
        destination_npi=_given(settings, "destination_npi", to_npi),
    )


def _given(settings: Mapping[str, Any], name: str, usual: int) -> int:
    value = settings.get(name)
    return usual if value is None or value == "" else int(value)


def _whole(live: Live, message_id: str, account: Account) -> str | None:
    return live.whole.get(comparable_id(message_id, account.settings, of_receipt=True))


def _receipts(message: Message, raw: Raw, settings: Mapping[str, Any], at: datetime) -> Sequence[Receipt]:
    found = report(message)
    if found is None or found.state is None:
        return []
    whole = raw.meta.get("earlier_part_of")
    if whole and not found.reason:
        return []  # good news of one part is not yet good news of the message
    own = comparable_id(found.message_id, settings, of_receipt=True)
    reason = f"A part of the message failed. {found.reason}" if whole else found.reason
    return [Receipt(state=found.state, external_id=whole or own, code=found.code, reason=reason, at=at)]
