"""An inbox on Twilio, its webhooks and a picture to send."""

from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from channels.sms.fake_twilio import NUMBER, SID, TOKEN
from channels.sms.loopback import account
from frontdesk.channels.port import (
    Attachment,
    Request,
)

HOOK = "https://desk.example.org/hooks/abc"
TEXT = {"MessageSid": "SM1", "SmsStatus": "received", "From": "+302101234567", "To": NUMBER, "Body": "Γειά"}


def inbox(origin="https://api.twilio.com", **settings):
    known = {"provider": "twilio", "number": NUMBER, "account_sid": SID, "auth_token": TOKEN, "api_base": origin}
    return account(**known | settings)


def picture(url="https://desk.example.org/files/1.jpg"):
    async def read():
        return b"jpeg"

    return Attachment(name="1.jpg", content_type="image/jpeg", size=4, read=read, url=url)


def hook(fields, *, query="", method="POST"):
    body = urlencode(fields).encode()
    url = HOOK + query
    if method == "GET":
        url, body = f"{HOOK}?{body.decode()}", b""
    signature = RequestValidator(TOKEN).compute_signature(url, fields if body else {})
    headers = {"x-twilio-signature": signature}
    if body:
        headers["content-type"] = "application/x-www-form-urlencoded"
    pairs = dict(pair.split("=", 1) for pair in url.partition("?")[2].split("&") if pair)
    return Request(method=method, url=url, query=pairs, headers=headers, body=body)
