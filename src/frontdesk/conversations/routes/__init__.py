"""Conversations over HTTP. Paths are relative to ``/api/v1``."""

from frontdesk.conversations.routes.conversations import ROUTES as CONVERSATIONS
from frontdesk.conversations.routes.labels import ROUTES as LABELS
from frontdesk.conversations.routes.messages import ROUTES as MESSAGES
from frontdesk.conversations.routes.restored import ROUTES as RESTORED

ROUTES = [*CONVERSATIONS, *MESSAGES, *LABELS, *RESTORED]
