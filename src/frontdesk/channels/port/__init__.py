"""What a channel is.

A new channel is one folder beside this one that exports ``CHANNEL``. Nothing outside that folder knows its name: the
core, the composer, the settings form and the icons all work from the :class:`Channel` record over the API.

A driver must have ``parse`` and ``send``. Everything else it can do is one of the small protocols in ``drivers`` and
``desk``, found with ``isinstance``. Everything is imported from here.
"""

from frontdesk.channels.port.capabilities import Capabilities, Setting
from frontdesk.channels.port.delivery import DeliveryState, Receipt
from frontdesk.channels.port.desk import Desk, Serves, ThreadFile, ThreadItem
from frontdesk.channels.port.drivers import (
    CleansHtml,
    Driver,
    FetchesMedia,
    Listens,
    LooksUp,
    NamesMessages,
    Normalises,
    Reconciles,
    ResendsSafely,
    SendsWhereItListens,
    Shows,
    Sink,
    TakesHooks,
    Tests,
    Whispers,
)
from frontdesk.channels.port.ends import Account, Address
from frontdesk.channels.port.incoming import BadSignature, HookAnswer, Inbound, Incoming, Item, Raw, Request, Whisper
from frontdesk.channels.port.manifest import Channel
from frontdesk.channels.port.outgoing import (
    Attachment,
    Disconnected,
    Failure,
    Outbound,
    Rejected,
    Sent,
    TryLater,
    Unknown,
)

__all__ = [
    "Account",
    "Address",
    "Attachment",
    "BadSignature",
    "Capabilities",
    "Channel",
    "CleansHtml",
    "DeliveryState",
    "Desk",
    "Disconnected",
    "Driver",
    "Failure",
    "FetchesMedia",
    "HookAnswer",
    "Inbound",
    "Incoming",
    "Item",
    "Listens",
    "LooksUp",
    "NamesMessages",
    "Normalises",
    "Outbound",
    "Raw",
    "Receipt",
    "Reconciles",
    "Rejected",
    "Request",
    "ResendsSafely",
    "SendsWhereItListens",
    "Sent",
    "Serves",
    "Setting",
    "Shows",
    "Sink",
    "TakesHooks",
    "Tests",
    "ThreadFile",
    "ThreadItem",
    "TryLater",
    "Unknown",
    "Whisper",
    "Whispers",
]
