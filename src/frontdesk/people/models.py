"""Tables of workspaces and the users in them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from frontdesk.kit.tables import belongs, json, metadata, moment, tenant

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    Column("locale", Text, nullable=False, server_default="en"),
    json("settings"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    info={"across": True, "tenant_column": "id"},
)

users = tenant(
    "users",
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("only_assigned", Boolean, nullable=False, server_default=text("false")),
    json("preferences"),
    moment("created_at", now=True),
    CheckConstraint("role in ('owner', 'admin', 'user')", name="role"),
    across=True,  # signing in starts from an e-mail address alone
)
Index("uq_users_workspace_id_lower_email", users.c.workspace_id, func.lower(users.c.email), unique=True)
Index("ix_users_lower_email", func.lower(users.c.email))

teams = tenant(
    "teams",
    Column("name", Text, nullable=False),
    moment("created_at", now=True),
    UniqueConstraint("workspace_id", "name"),
)

team_members = tenant(
    "team_members",
    Column("team_id", BigInteger, nullable=False),
    Column("user_id", BigInteger, nullable=False),
    belongs("team_id", "teams", cascade=True),
    belongs("user_id", "users", cascade=True),
    key=("team_id", "user_id"),
)

sessions = tenant(
    "sessions",
    Column("user_id", BigInteger, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("ip", Text),
    Column("agent", Text),
    moment("created_at", now=True),
    moment("seen_at", now=True),
    moment("expires_at", required=True),
    belongs("user_id", "users", cascade=True),
    UniqueConstraint("workspace_id", "token_hash"),
)

tokens = tenant(
    "tokens",
    Column("user_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    moment("created_at", now=True),
    moment("expires_at"),
    moment("last_used_at"),
    moment("revoked_at"),
    belongs("user_id", "users", cascade=True),
    UniqueConstraint("workspace_id", "token_hash"),
)

audit = tenant(
    "audit",
    moment("at", required=True),
    Column("actor_id", BigInteger),
    Column("action", Text, nullable=False),
    Column("subject", Text),
    Column("ip", Text),
    json("detail"),
    Column("digest", LargeBinary),  # over the line before and this one
)

audit_heads = tenant(
    "audit_heads",  # where the audit ends, so that a cut at its end shows; a trigger keeps it
    Column("lines", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("digest", LargeBinary),
    key=(),
)
audit_heads.info["shadow"] = True

idempotency = tenant(
    "idempotency",
    Column("actor", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", BigInteger),
    Column("body", LargeBinary),
    moment("created_at", now=True),
    key=("actor", "key"),
    across=True,  # old ones are swept
)

event_counters = tenant("event_counters", Column("seq", BigInteger, nullable=False), key=())

events = tenant(
    "events",
    Column("seq", BigInteger, nullable=False),
    moment("at", required=True),
    Column("kind", Text, nullable=False),
    Column("actor_id", BigInteger),
    Column("user_id", BigInteger),
    Column("conversation_id", BigInteger),
    Column("message_id", BigInteger),
    Column("contact_id", BigInteger),
    json("facts"),
    Column("trace", Text),
    key=("seq",),
    across=True,  # old ones are swept
)
Index("ix_events_at", events.c.at)
