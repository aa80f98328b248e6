"""Live chat: the button on the business's own site, and the conversation that opens behind it.

There is no provider. The widget's endpoints (:mod:`.routes`) are served by Frontdesk itself, what a visitor sends is
stored like any other delivery, and an answer has arrived once it is in the database, because the widget follows it.
"""

from frontdesk.channels.livechat.driver import LiveChat
from frontdesk.channels.livechat.files import MAX_BYTES, MAX_FILES, TYPES
from frontdesk.channels.livechat.settings import SETTINGS, check
from frontdesk.channels.livechat.wire import MAX_TEXT
from frontdesk.channels.port import Capabilities, Channel

CHANNEL = Channel(
    name="livechat",
    title="Live chat",
    description="A chat button on your website. Visitors write there, your team answers here.",
    can=Capabilities(
        max_chars=MAX_TEXT,
        attachment_types=TYPES,
        max_attachment_bytes=MAX_BYTES,
        max_attachments=MAX_FILES,
        may_start=False,
        receipts=frozenset({"sent", "read"}),
        typing=True,
        address_kinds=("visitor", "external"),
    ),
    driver=LiveChat(),
    settings=SETTINGS,
    colour="#7c3aed",
    check=check,
)
