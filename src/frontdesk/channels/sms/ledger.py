"""What the SMPP listener must not forget between two sessions: parts that wait for the rest of their message, and
deliveries whose answer the SMSC may not have received.

The SMSC sends a delivery again until it gets our answer, and SMPP gives a delivery no id. So after a lost connection
the same octets mean "again", otherwise they mean that a contact wrote the same words twice. The ledger tells the two
apart: a delivery is unsure until the SMSC answers an enquire_link that we wrote after our answer to it. Whatever is
unsure when a session ends is recognised, once, in the next.

The ledger is saved as the checkpoint, in the same transaction as the deliveries themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from frontdesk.channels.port import Raw
from frontdesk.channels.sms import pdu
from frontdesk.channels.sms.concat import Part
from frontdesk.channels.sms.pdu import Malformed, Pdu
from frontdesk.channels.sms.smpp_content import is_receipt, part, report

WAITS: Final = timedelta(minutes=10)
"""After that a message is shown with the parts that came."""
SENT_AGAIN_WITHIN: Final = timedelta(hours=1)
"""SMSCs repeat within minutes of a new session; later, the same words are a new message."""
_REMEMBERS: Final = 500

WholeOf = Callable[[str], str | None]
"""From the id of an earlier part, as a receipt has it, to the id by which the whole message is known."""


@dataclass(frozen=True)
class Unsure:
    digest: str
    key: str
    at: datetime
    ordinal: int = 0


class Ledger:
    """``stamp`` names the session, so that sequence numbers of different sessions never meet."""

    def __init__(self, checkpoint: Mapping[str, Any], *, stamp: str) -> None:
        self._stamp = stamp
        self._pending: dict[str, dict[str, Any]] = {
            group: {**kept, "parts": dict(kept["parts"])} for group, kept in checkpoint.get("pending", {}).items()
        }
        self._doubtful = [
            Unsure(digest, key, datetime.fromisoformat(at)) for digest, key, at in checkpoint.get("unsure", [])
        ]
        self._unsure: list[Unsure] = []
        self._taken = 0
        self.changed = False
        """Is there something to save although no delivery came?"""

    def checkpoint(self) -> dict[str, Any]:
        """What to save now."""
        self.changed = False
        unsure = [*self._doubtful, *self._unsure][-_REMEMBERS:]
        return {
            "pending": self._pending,
            "unsure": [[entry.digest, entry.key, entry.at.isoformat()] for entry in unsure],
        }

    def confirm(self, answered: int) -> None:
        """The SMSC has our answers to the first ``answered`` deliveries of this session."""
        left = [entry for entry in self._unsure if entry.ordinal > answered]
        self.changed |= len(left) < len(self._unsure)
        self._unsure = left

    def take(self, deliveries: Iterable[Pdu], *, at: datetime, whole_of: WholeOf) -> list[Raw]:
        """What to store for these deliveries."""
        raws: list[Raw] = []
        for delivery in deliveries:
            self._taken += 1
            raws += self._take(delivery, at, whole_of)
        return raws

    def overdue(self, at: datetime) -> list[Raw]:
        """Messages that waited long enough for their missing parts, as they are."""
        late = [group for group, kept in self._pending.items() if at - datetime.fromisoformat(kept["since"]) >= WAITS]
        return [self._join(group) for group in late]

    def _take(self, delivery: Pdu, at: datetime, whole_of: WholeOf) -> Sequence[Raw]:
        meta: dict[str, Any] = {"provider": "smpp", "received_at": at.isoformat()}
        digest = hashlib.sha256(delivery.command.to_bytes(4, "big") + delivery.body).hexdigest()[:32]
        try:
            message = pdu.delivery(delivery)
        except Malformed:  # stored all the same: parsing it fails, and a person can see it
            return [Raw(dedupe_key=f"bad:{digest}", body=delivery.encode(), meta=meta)]
        if is_receipt(message):
            found = report(message)
            whole = found and whole_of(found.message_id)
            meta |= {"earlier_part_of": whole} if whole else {}
            return [Raw(dedupe_key=f"dlr:{digest}", body=delivery.encode(), meta=meta)]
        piece = part(message)
        again = self._seen_before(digest, at, within_session=piece is not None)
        key = again or f"mo:{digest}:{self._stamp}:{delivery.sequence}"
        self._unsure.append(Unsure(digest, key, at, self._taken))
        if piece is None:
            return [Raw(dedupe_key=key, body=delivery.encode(), meta=meta)]
        single = Raw(dedupe_key=key, body=delivery.encode(), meta={**meta, "part": True})
        group = f"{message.source}>{message.destination}#{piece.reference}/{piece.total}"
        return [single] if again else [single, *self._add(piece, group, delivery, key, at)]

    def _seen_before(self, digest: str, at: datetime, *, within_session: bool) -> str | None:
        """The key of a delivery that this one repeats: of an earlier session, and for parts, whose reference makes
        them one of a kind, of this one too (an SMSC that waited too long for our answer)."""
        if within_session and (key := next((entry.key for entry in self._unsure if entry.digest == digest), None)):
            return key
        self._doubtful = [entry for entry in self._doubtful if at - entry.at < SENT_AGAIN_WITHIN]
        found = next((entry for entry in self._doubtful if entry.digest == digest), None)
        if found is None:
            return None
        self._doubtful.remove(found)
        return found.key

    def _add(self, piece: Part, group: str, delivery: Pdu, key: str, at: datetime) -> Sequence[Raw]:
        kept = self._pending.setdefault(group, {"since": at.isoformat(), "parts": {}})
        kept["parts"][str(piece.number)] = [key, delivery.encode().hex()]
        return [self._join(group)] if len(kept["parts"]) == piece.total else []

    def _join(self, group: str) -> Raw:
        kept = self._pending.pop(group)
        parts = [entry for _, entry in sorted(kept["parts"].items(), key=lambda item: int(item[0]))]
        keys = hashlib.sha256("\n".join(key for key, _ in parts).encode()).hexdigest()[:32]
        meta = {"provider": "smpp", "received_at": kept["since"]}
        return Raw(dedupe_key=f"mo:{keys}", body=b"".join(bytes.fromhex(octets) for _, octets in parts), meta=meta)
