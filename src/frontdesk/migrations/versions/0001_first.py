"""The first schema: workspaces, inboxes, contacts, conversations, the outbox and the event log."""

from pathlib import Path

from alembic import op

from frontdesk.migrations.tenancy import script, wall

revision = "0001"
down_revision = None

ACROSS = """
events
idempotency
inboxes
users
conversations
parked_receipts
raw_deliveries
auto_replies
outbox
""".split()
OWN = """
audit
consents
contacts
event_counters
files
ingest_runs
labels
merges
tags
teams
contact_points
contact_tags
sessions
suggestions
team_members
tokens
conversation_labels
drafts
messages
read_states
attachments
receipts
""".split()


def upgrade() -> None:
    here = Path(__file__)
    script(op.get_bind(), here.with_suffix(".sql"))
    script(op.get_bind(), here.with_name("0001_jobs.sql"))
    walls = wall("workspaces", across=True, column="id")
    walls += [line for table in ACROSS for line in wall(table, across=True)]
    walls += [line for table in OWN for line in wall(table, across=False)]
    for line in walls:
        op.execute(line)
