"""What Twilio answers when it refuses (twilio.com/docs/api/errors, twilio.com/docs/usage/twilios-response)."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A REST error: ``code`` from Twilio's error dictionary, ``status`` of the HTTP answer."""

    def __init__(self, code: int, message: str, status: int = 400, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.headers = code, message, status, headers or {}

    def body(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def not_found(path: str) -> Refused:
    return Refused(20404, f"The requested resource {path} was not found", 404)


def unauthorized() -> Refused:
    return Refused(
        20003, "Authentication Error - invalid username", 401, headers={"WWW-Authenticate": 'Basic realm="Twilio API"'}
    )


# what becomes of a message after it was accepted: the code that status callbacks and the resource carry
FAILURES = {
    11200: "HTTP retrieval failure",
    11751: "MMS -> Media exceeds messaging provider size limit",
    21610: "Attempt to send to unsubscribed recipient",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
}

# numbers that refuse at once, as Twilio's test credentials have them
# (twilio.com/docs/iam/test-credentials#test-sms-messages)
MAGIC_TO = {
    "+15005550001": (21211, "Invalid 'To' Phone Number: {}"),
    "+15005550002": (21612, "Message cannot be sent with the current combination of 'To' ({}) and/or 'From'"),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region of the 'To' number: {}"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
MAGIC_FROM = {
    "+15005550001": (21212, "Invalid From Number (caller ID): {}"),
    "+15005550007": (21606, "The 'From' phone number provided ({}) is not a valid message-capable Twilio phone number"),
    "+15005550008": (21611, "This 'From' number has exceeded the maximum number of queued messages"),
}
