"""When two contacts become one, their conversations become the one's."""

from __future__ import annotations

from frontdesk.contacts import actions as contacts
from frontdesk.conversations.events import ConversationChanged
from frontdesk.kit.transaction import Tx

_FOLLOW = """
update conversations c set contact_id = $3, rev = rev + 1, join_key = case when exists (
  select 1 from conversations x where x.workspace_id = $1 and x.contact_id = $3 and x.join_key = c.join_key)
  then null else c.join_key end
where c.workspace_id = $1 and c.contact_id = $2 returning c.id
"""


async def follow_merge(tx: Tx, loser_id: int, winner_id: int) -> None:
    """Re-point conversations. Where both had a joining one, the winner's stays so and the other stands beside it."""
    for row in await tx.fetch(_FOLLOW, tx.workspace_id, loser_id, winner_id):
        tx.emit(ConversationChanged(conversation_id=row["id"], contact_id=winner_id, changed=("contact_id",)))


contacts.MERGERS.append(follow_merge)
