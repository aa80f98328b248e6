"""Tables of inboxes and of what came in through them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from frontdesk.kit.tables import belongs, json, moment, tenant

inboxes = tenant(
    "inboxes",
    Column("channel", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text),
    json("settings"),
    Column("credentials", LargeBinary),  # the secret settings, sealed together; see kit/secrets.py
    Column("public_key", Text, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("rate_per_minute", Integer),
    Column("health", Text, nullable=False, server_default="waiting"),
    Column("health_note", Text, nullable=False, server_default=""),
    moment("health_at"),
    Column("health_by", Text, nullable=False, server_default=""),  # sending, listening, or nobody of them
    moment("last_inbound_at"),
    moment("last_outbound_at"),
    moment("compared_at"),  # until when everything that its provider has is known to be here
    moment("missed_at"),  # when something was last found there that had never been delivered
    json("checkpoint"),
    Column("rev", BigInteger, nullable=False, server_default=text("1")),
    moment("created_at", now=True),
    moment("deleted_at"),
    UniqueConstraint("workspace_id", "public_key"),
    CheckConstraint("health in ('ok', 'attention', 'waiting', 'off')", name="health"),
    across=True,  # the worker keeps a connection for each
)

raw_deliveries = tenant(
    "raw_deliveries",
    Column("inbox_id", BigInteger, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    json("headers"),
    json("meta"),
    Column("state", Text, nullable=False, server_default="new"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    moment("received_at", required=True),
    moment("done_at"),
    Column("trace", Text),
    belongs("inbox_id", "inboxes", cascade=True),
    UniqueConstraint("workspace_id", "inbox_id", "dedupe_key"),
    CheckConstraint("state in ('new', 'done', 'set_aside', 'discarded')", name="state"),
    across=True,
)
Index(
    "ix_raw_deliveries_new", raw_deliveries.c.workspace_id, raw_deliveries.c.id, postgresql_where=text("state = 'new'")
)
Index(
    "ix_raw_deliveries_set_aside",
    raw_deliveries.c.workspace_id,
    raw_deliveries.c.id,
    postgresql_where=text("state = 'set_aside'"),
)

Index("ix_raw_deliveries_done", raw_deliveries.c.done_at, postgresql_where=text("state = 'done' and body <> ''"))

ingest_runs = tenant(
    "ingest_runs",  # one that is still here when the next begins ended in a crash: its deliveries are suspects
    Column("raw_ids", ARRAY(BigInteger), nullable=False),
    moment("started_at", required=True),
)

files = tenant(
    "files",
    Column("hash", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("user_id", BigInteger),
    moment("created_at", now=True),
)
Index("ix_files_workspace_id_hash", files.c.workspace_id, files.c.hash)
