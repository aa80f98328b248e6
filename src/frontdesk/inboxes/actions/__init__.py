"""Everything that changes inboxes and what came in through them."""

from frontdesk.inboxes.actions.connect import change, create, delete
from frontdesk.inboxes.actions.deliveries import discard, replay, replay_edited, save_checkpoint, store, take_in
from frontdesk.inboxes.actions.health import note_health, note_life, try_out
from frontdesk.inboxes.actions.rotation import rotate

__all__ = [
    "change",
    "create",
    "delete",
    "discard",
    "note_health",
    "note_life",
    "replay",
    "replay_edited",
    "rotate",
    "save_checkpoint",
    "store",
    "take_in",
    "try_out",
]
