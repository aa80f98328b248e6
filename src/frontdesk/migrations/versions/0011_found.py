"""A search says which message it found: people see why a conversation is listed, and open it at that place."""

from pathlib import Path

from alembic import op

from frontdesk.migrations.tenancy import script

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    script(op.get_bind(), Path(__file__).with_suffix(".sql"))
