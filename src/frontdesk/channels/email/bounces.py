"""Delivery reports and complaints as receipts of the messages that we sent."""

from __future__ import annotations

from frontdesk.channels.email.automatic import is_robot
from frontdesk.channels.email.letter import Letter, Outcome, Report
from frontdesk.channels.email.tokens import is_own_id, own_id_in
from frontdesk.channels.port import Account, DeliveryState, Receipt

# Statuses of RFC 3463 that say the mailbox is not there and will not be: 5.1.1 bad mailbox, 5.1.2 bad domain, 5.1.3 bad
# syntax, 5.1.6 moved, 5.1.10 null MX (RFC 7505), 5.2.1 disabled.
BAD_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_STATES = {
    "failed": DeliveryState.failed,
    "delivered": DeliveryState.delivered,
    "relayed": DeliveryState.sent,
    "expanded": DeliveryState.sent,
    "delayed": DeliveryState.accepted,  # no step forward, only a line in the history
}


def receipts(letter: Letter, account: Account) -> tuple[list[Receipt], bool]:
    """The receipts in a report, and whether they certainly are about a message of this inbox."""
    if letter.report is None:
        return _from_prose(letter, account)
    report = letter.report
    candidates = [report.original_id, f"<{report.envelope_id}>" if report.envelope_id else None]
    candidates += [*letter.in_reply_to, *reversed(letter.references)]
    own = next((one for one in candidates if one and is_own_id(account, one)), None)
    found = own or own_id_in(account, letter.text) or report.original_id
    if found is None:
        return [], False
    ours = own is not None or is_own_id(account, found)
    if report.feedback:
        return [_complaint(report, found, letter)], ours
    outcome = _worst(report)
    return ([_receipt(outcome, report, found, letter)] if outcome else []), ours


def _worst(report: Report) -> Outcome | None:
    order = ["failed", "delayed", "expanded", "relayed", "delivered"]
    known = [one for one in report.outcomes if one.action in order]
    return min(known, key=lambda one: order.index(one.action), default=None)


def _receipt(outcome: Outcome, report: Report, about: str, letter: Letter) -> Receipt:
    """A report about one recipient of several speaks of that address; only the first one is the contact's."""
    is_contact = not report.original_to or outcome.recipient in report.original_to[:1]
    return Receipt(
        state=_STATES[outcome.action],
        external_id=about,
        code=outcome.status or None,
        reason=_sentence(outcome),
        at=letter.date or letter.received,
        bad_address=outcome.action == "failed" and outcome.status in BAD_ADDRESS and is_contact,
    )


def _sentence(outcome: Outcome) -> str:
    who = outcome.recipient or "the recipient"
    said = f": {outcome.diagnostic}" if outcome.diagnostic else "."
    if outcome.action == "failed":
        return f"The mail could not be delivered to {who}{said}"
    if outcome.action == "delayed":
        return f"The mail has not reached {who} yet, the mail server keeps trying{said}"
    return f"The mail server of {who} reports: {outcome.action}{said}"


def _complaint(report: Report, about: str, letter: Letter) -> Receipt:
    opted_out = report.feedback in ("abuse", "opt-out", "opt-out-list", "fraud")
    return Receipt(
        state=DeliveryState.delivered,
        external_id=about,
        code=report.feedback,
        reason="The recipient reported this mail as unwanted.",
        at=letter.date or letter.received,
        opt_out=opted_out,
    )


def _from_prose(letter: Letter, account: Account) -> tuple[list[Receipt], bool]:
    """Bounces in words alone (qmail and older servers): from a daemon, naming a Message-ID that is ours."""
    sender = letter.sender.address if letter.sender else ""
    if not is_robot(sender) or not sender.lower().startswith(("mailer", "postmaster")):
        return [], False
    quoted = b"\n".join(part.data for part in letter.attachments if part.content_type.startswith("message/"))
    found = own_id_in(account, letter.text) or own_id_in(account, quoted.decode("ascii", "ignore"))
    if found is None:
        return [], False
    reason = letter.text.strip()[:500] or letter.subject
    at = letter.date or letter.received
    return [Receipt(state=DeliveryState.failed, external_id=found, reason=reason, at=at)], True
