"""The form that connects a mailbox, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from frontdesk.channels.email.connect import connect_target
from frontdesk.channels.email.headers import canonical
from frontdesk.channels.email.oauth import oauth_settings
from frontdesk.channels.port import Disconnected, Setting

_TLS: Final = (("tls", "TLS"), ("starttls", "STARTTLS"), ("none", "None (only inside your own network)"))
_IMAP: Final = ("receive", ("imap",))
_LISTEN: Final = ("receive", ("listen",))

SETTINGS: Final = (
    Setting(name="address", label="Mail address", required=True, help="The address that customers write to."),
    Setting(name="name", label="Name", help="Shown as the sender, such as the name of your business."),
    Setting(
        name="receive",
        label="Receive by",
        kind="choice",
        default="imap",
        choices=(("imap", "A mailbox (IMAP)"), ("listen", "Delivery from a mail server (SMTP or LMTP)")),
        advanced=True,
    ),
    Setting(name="imap_host", label="IMAP server", help="Such as imap.gmail.com", when=_IMAP),
    Setting(name="imap_port", label="IMAP port", kind="number", default=993, when=_IMAP),
    Setting(name="imap_tls", label="IMAP encryption", kind="choice", default="tls", choices=_TLS, when=_IMAP),
    Setting(name="smtp_host", label="SMTP server", help="Such as smtp.gmail.com"),
    Setting(name="smtp_port", label="SMTP port", kind="number", default=465),
    Setting(name="smtp_tls", label="SMTP encryption", kind="choice", default="tls", choices=_TLS),
    Setting(name="username", label="User name", help="Often the mail address."),
    Setting(name="password", label="Password", kind="secret", help="For Gmail and iCloud an app password."),
    Setting(
        name="oauth",
        label="OAuth instead of a password",
        kind="secret",
        help="JSON: provider (google or microsoft), client_id, client_secret, refresh_token; token_url for others.",
        advanced=True,
    ),
    Setting(
        name="backfill_days",
        label="Days of older mail to take over",
        kind="number",
        default=7,
        when=_IMAP,
        advanced=True,
    ),
    Setting(name="folder", label="Folder", default="INBOX", when=_IMAP, advanced=True),
    Setting(name="sent_folder", label="Sent folder", help="Found by itself in most mailboxes.", advanced=True),
    Setting(name="save_sent", label="Keep a copy in the Sent folder", kind="bool", default=True, advanced=True),
    Setting(
        name="sync_sent",
        label="Show mail sent with other programs",
        kind="bool",
        default=False,
        when=_IMAP,
        advanced=True,
    ),
    Setting(
        name="plus_addressing",
        label="Recognise answers by a plus address",
        kind="bool",
        default=True,
        help="Answers go to name+token@domain. Switch it off if your server does not deliver plus addresses.",
        advanced=True,
    ),
    Setting(
        name="authserv_id",
        label="Trusted name in Authentication-Results",
        help="The name that your own mail server writes there; senders that it vouches for count as verified.",
        advanced=True,
    ),
    Setting(name="tls_ca", label="Additional certificate authority (PEM)", kind="textarea", advanced=True),
    Setting(name="listen_port", label="Port to listen on", kind="number", default=2525, when=_LISTEN, advanced=True),
    Setting(
        name="listen_protocol",
        label="Protocol",
        kind="choice",
        default="smtp",
        choices=(("smtp", "SMTP"), ("lmtp", "LMTP")),
        when=_LISTEN,
        advanced=True,
    ),
)


def check(settings: Mapping[str, Any]) -> Mapping[str, str]:
    """What is wrong with the settings, by field."""
    wrong: dict[str, str] = {}
    try:
        canonical(str(settings.get("address") or ""))
    except ValueError as error:
        wrong["address"] = str(error)
    receive = settings.get("receive") or "imap"
    if receive not in ("imap", "listen"):
        wrong["receive"] = "Choose imap or listen."
    _check_server(settings, "imap", wrong, needed=receive == "imap")
    _check_server(settings, "smtp", wrong, needed=True)
    _check_access(settings, wrong, needed=receive == "imap")
    _check_listener(settings, wrong)
    try:
        days = int(settings.get("backfill_days", 7) or 0)
    except (TypeError, ValueError):
        days = -1
    if not 0 <= days <= 3650:
        wrong["backfill_days"] = "This is a number of days between 0 and 3650."
    return wrong


def _check_server(settings: Mapping[str, Any], which: str, wrong: dict[str, str], *, needed: bool) -> None:
    if not settings.get(f"{which}_host"):
        if needed:
            wrong[f"{which}_host"] = f"The name of the {which.upper()} server is missing."
        return
    try:
        connect_target(settings, which)
    except Disconnected as error:
        said = str(error)
        field = "port" if "port" in said else "tls" if "encryption" in said else "host"
        wrong[f"{which}_{field}"] = said


def _check_access(settings: Mapping[str, Any], wrong: dict[str, str], *, needed: bool) -> None:
    try:
        has_oauth = oauth_settings(settings) is not None
    except Disconnected as error:
        wrong["oauth"] = str(error)
        return
    if needed and not has_oauth and not settings.get("password"):
        wrong["password"] = "A password is missing."  # noqa: S105  a sentence, not a password


def _check_listener(settings: Mapping[str, Any], wrong: dict[str, str]) -> None:
    if settings.get("receive") != "listen":
        return
    try:
        port = int(settings.get("listen_port") or 2525)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        wrong["listen_port"] = "The port is a number between 1 and 65535."
    if (settings.get("listen_protocol") or "smtp") not in ("smtp", "lmtp"):
        wrong["listen_protocol"] = "Choose smtp or lmtp."
