"""A Twilio on this machine, as small as these tests need it: messages, media, errors on demand."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from channels.sms.loopback import Answer, Loopback, Seen, loopback
from channels.sms.twilio_spec import judge_answer, judge_request
from frontdesk.kit import clock

SID = "AC" + "0" * 32
SERVICE = "MG" + "1" * 32
TOKEN = "the-auth-token"
NUMBER = "+14155550000"


class FakeTwilio:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []  # newest first, as Twilio lists them
        self.media: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, Answer] = {}
        self.next: list[Answer] = []  # answers to give instead, in order
        self.take_first = False  # … but take the message before
        self.wrong: list[str] = []
        self.status = "active"
        self.page = 50
        self.server: Loopback

    def message(self, *, at: datetime | None = None, sent: bool = True, **fields: Any) -> dict[str, Any]:
        when = format_datetime(at or clock.now())
        sid = f"SM{len(self.messages):032x}"
        resource = {
            "sid": sid, "account_sid": SID, "api_version": "2010-04-01", "body": "", "direction": "outbound-api",
            "from": NUMBER, "to": "+302101234567", "status": "queued", "num_segments": "1", "num_media": "0",
            "date_created": when, "date_sent": when if sent else None, "date_updated": when, "error_code": None,
            "error_message": None, "messaging_service_sid": None, "price": None, "price_unit": None,
            "uri": f"/2010-04-01/Accounts/{SID}/Messages/{sid}.json", "subresource_uris": {},
        } | fields  # fmt: skip
        self.messages.insert(0, resource)
        return resource

    def __call__(self, seen: Seen) -> Answer:
        if seen.target in self.files:
            return self.files[seen.target]
        self.wrong += judge_request(seen.method, seen.target, seen.body)
        login = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if seen.headers.get("authorization") != f"Basic {login}":
            return _json(401, {"code": 20003, "message": "Authenticate", "status": 401})
        if self.next and not self.take_first:
            return self.next.pop(0)
        made = self._answer(seen)
        return self.next.pop(0) if self.next else made

    def _answer(self, seen: Seen) -> Answer:
        if seen.method == "POST":
            return self._checked(seen, 201, self._create(seen))
        if seen.path == f"/2010-04-01/Accounts/{SID}.json":
            return self._checked(seen, 200, {"sid": SID, "friendly_name": "Harbour", "status": self.status})
        if seen.path.endswith("/Media.json"):
            found = self.media.get(seen.path.split("/")[-2], [])
            return self._checked(seen, 200, self._paged(seen, "media_list", found))
        return self._checked(seen, 200, self._paged(seen, "messages", self._filtered(seen.query)))

    def _create(self, seen: Seen) -> dict[str, Any]:
        fields = dict(seen.form)
        media = [value for name, value in seen.form if name == "MediaUrl"]
        return self.message(
            body=fields.get("Body", ""), to=fields["To"], num_media=str(len(media)), sent=False,
            messaging_service_sid=fields.get("MessagingServiceSid"), **{"from": fields.get("From")},
        )  # fmt: skip

    def _filtered(self, query: dict[str, str]) -> list[dict[str, Any]]:
        found = self.messages
        for name in ("To", "From"):
            if name in query:
                found = [message for message in found if message[name.lower()] == query[name]]
        return found

    def _paged(self, seen: Seen, key: str, items: list[dict[str, Any]]) -> dict[str, Any]:
        number = int(seen.query.get("Page", 0))
        following = None
        if len(items) > (number + 1) * self.page:
            query = {**dict(parse_qsl(urlsplit(seen.target).query)), "Page": number + 1, "PageToken": "PA1"}
            following = f"{seen.path}?{urlencode(query)}"
        return {
            key: items[number * self.page : (number + 1) * self.page], "page": number, "page_size": self.page,
            "next_page_uri": following, "previous_page_uri": None, "uri": seen.target, "first_page_uri": seen.path,
            "start": number * self.page, "end": number * self.page + self.page,
        }  # fmt: skip

    def _checked(self, seen: Seen, status: int, body: dict[str, Any]) -> Answer:
        self.wrong += judge_answer(seen.method, seen.target, status, body)
        return _json(status, body)


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"content-type": "application/json"})


def error(status: int, code: int | None = None, **headers: str) -> Answer:
    body = {"code": code, "message": f"error {code}", "more_info": "", "status": status}
    return Answer(status, json.dumps(body).encode(), {"content-type": "application/json", **headers})


@asynccontextmanager
async def twilio_running() -> AsyncIterator[tuple[FakeTwilio, str]]:
    """The fake and its origin; at the end no request and no answer may have been against Twilio's description."""
    fake = FakeTwilio()
    async with loopback(fake) as (fake.server, origin):
        yield fake, origin
    assert fake.wrong == []
