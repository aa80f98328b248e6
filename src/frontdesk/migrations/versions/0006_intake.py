"""Deliveries are stored by one call that is a transaction of its own."""

from pathlib import Path

from alembic import op

from frontdesk.migrations.tenancy import script

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    script(op.get_bind(), Path(__file__).with_suffix(".sql"))
