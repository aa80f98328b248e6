"""Email: any mailbox with IMAP and SMTP, or a mail server that delivers straight in."""

from frontdesk.channels.email.driver import Email
from frontdesk.channels.email.parse import own_address
from frontdesk.channels.email.settings import SETTINGS, check
from frontdesk.channels.port import Capabilities, Channel

CHANNEL = Channel(
    name="email",
    title="Email",
    description="Connect a mailbox. Mails become conversations, and answers stay in their threads.",
    can=Capabilities(
        html=True,
        subject=True,
        copies=True,
        joins_thread=True,
        receipts=frozenset({"sent"}),
        address_kinds=("email",),
        max_attachment_bytes=25 * 1024 * 1024,
        max_attachments=20,
    ),
    driver=Email(),
    settings=SETTINGS,
    colour="#0e7490",
    check=check,
    own_address=own_address,
)
