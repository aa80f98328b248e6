"""Claiming and acknowledging touch fewer indexes: what nobody looks up is not one.

A message's conversation is its message's; a key is the message's own or drawn at random; and only what goes through an
inbox with a rate has to be counted by it. The version before goes on without these indexes, and counts what it sends
itself; for the first minute nobody counts what the other sent before.
"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("set local lock_timeout = '1s'")
    op.execute("alter table outbox add column metered boolean not null default false")
    op.execute("create index ix_outbox_metered on outbox (workspace_id, inbox_id, sending_since) where metered")
    op.execute("drop index ix_outbox_rate, ix_outbox_conversation")
    op.execute("alter table outbox drop constraint uq_outbox_workspace_id_key")
    op.execute("alter table outbox drop constraint fk_outbox_workspace_id_conversation_id")
