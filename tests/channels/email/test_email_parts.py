"""Parts that few mails have, and what is made of them."""

from __future__ import annotations

from channels.email.test_email_parse import account, mail, one
from frontdesk.channels.port import Inbound

PICTURE = "R0lGODlhAQABAAAAACw="


def many(*parts: tuple[str, str]) -> Inbound:
    """A multipart/mixed mail of these (content type, body)."""
    lines = [line for kind, body in parts for line in ("--b", f"Content-Type: {kind}", "", body)]
    return one(mail("\r\n".join([*lines, "--b--", ""]), Content_Type="multipart/mixed; boundary=b"))


def test_a_mail_for_programs_that_show_pages_is_left_out() -> None:
    """AMP is a third twin of what text and HTML say."""
    found = many(("text/plain", "Hello"), ("text/x-amp-html", "<html amp4email>Hello</html>"))
    assert (found.text, found.attachments) == ("Hello", ())


def test_a_picture_in_the_html_is_a_file_that_is_shown() -> None:
    found = many(("application/pdf", "%PDF"), ("text/html", f'<p>x<img src="data:image/gif;base64,{PICTURE}"></p>'))
    _, picture = found.attachments
    assert (picture.name, picture.content_type, picture.inline) == ("attachment-2.gif", "image/gif", True)
    assert found.html == f'<p>x<img src="cid:{picture.content_id}"></p>'


def test_lines_that_were_broken_for_the_way_are_put_together() -> None:
    assert many(("text/plain; format=flowed", "one \r\ntwo\r\nthree")).text == "one two\nthree"


def test_a_mail_to_nobody_who_could_be_us_is_read() -> None:
    assert one(mail("Hello", To="undisclosed recipients <nobody>, a b@@c")).text == "Hello"


def test_the_line_that_mailbox_files_put_above_a_mail() -> None:
    found = one(b"From alice@customer.example Mon Feb  5 10:00:00 2024\r\n" + mail("Hello"), account())
    assert (found.text, found.sender.value) == ("Hello", "alice@customer.example")
