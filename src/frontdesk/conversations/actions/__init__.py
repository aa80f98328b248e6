"""Every change to conversations and messages. Each takes the transaction first and emits what it did."""

from frontdesk.conversations.actions.activity import add_activity
from frontdesk.conversations.actions.attach import keep_file
from frontdesk.conversations.actions.forward import forward
from frontdesk.conversations.actions.receipts import take_receipts
from frontdesk.conversations.actions.receive import Arrival, Kept, receive
from frontdesk.conversations.actions.send import send

__all__ = ["Arrival", "Kept", "add_activity", "forward", "keep_file", "receive", "send", "take_receipts"]
