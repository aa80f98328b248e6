"""What conversations do when a contact is merged or deleted, or a team ends. The rooms below have registries for it."""

from __future__ import annotations

from frontdesk.contacts import actions as contacts
from frontdesk.conversations.events import ConversationChanged
from frontdesk.kit.transaction import Tx
from frontdesk.people import actions as people

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


async def follow_erasure(tx: Tx, contact_id: int) -> None:
    """Delete the conversations of a contact that is being deleted, with everything that was said in them."""
    merged = "select id from contacts where workspace_id = $1 and (id = $2 or merged_into = $2)"
    await tx.execute(
        f"delete from conversations where workspace_id = $1 and contact_id in ({merged})", tx.workspace_id, contact_id
    )
    await tx.execute(
        "delete from auto_replies where workspace_id = $1 and point_id in"
        f" (select id from contact_points where workspace_id = $1 and contact_id in ({merged}))",
        tx.workspace_id,
        contact_id,
    )


async def follow_team_ending(tx: Tx, team_id: int) -> None:
    """Conversations of a team that is being deleted belong to no team."""
    rows = await tx.fetch(
        "update conversations set team_id = null, rev = rev + 1 where workspace_id = $1 and team_id = $2 returning id",
        tx.workspace_id,
        team_id,
    )
    for row in rows:
        tx.emit(ConversationChanged(conversation_id=row["id"], changed=("team_id",)))


contacts.MERGERS.append(follow_merge)
contacts.ERASERS.append(follow_erasure)
people.TEAM_ENDINGS.append(follow_team_ending)
