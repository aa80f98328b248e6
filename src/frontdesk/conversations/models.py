"""Tables of conversations, messages and their way out."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Sequence,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR, UUID

from frontdesk.kit.tables import PENDING, belongs, json, metadata, moment, shadow, tenant

conversations = tenant(
    "conversations",
    Column("contact_id", BigInteger, nullable=False),
    Column("subject", Text),
    Column("status", Text, nullable=False, server_default="open"),
    # Which inbound messages join this conversation: 0 any of the contact, an inbox id only those of that inbox, null
    # none by themselves (closed, or opened beside another on purpose). Unique: two deliveries cannot open two.
    Column("join_key", BigInteger),
    Column("assignee_id", BigInteger),
    Column("team_id", BigInteger),
    moment("snoozed_until"),
    moment("waiting_since"),
    moment("closed_at"),
    moment("last_at", required=True),
    moment("last_inbound_at"),
    Column("last_message_id", BigInteger),
    Column("last_preview", Text, nullable=False, server_default=""),
    Column("last_direction", Text),
    Column("last_audience", Text),
    Column("last_inbox_id", BigInteger),
    Column("last_author", Text),
    Column("inbox_ids", ARRAY(BigInteger), nullable=False, server_default="{}"),
    Column("inbound_count", Integer, nullable=False, server_default=text("0")),
    Column("message_count", Integer, nullable=False, server_default=text("0")),
    Column("rev", BigInteger, nullable=False, server_default=text("1")),
    moment("created_at", now=True),
    belongs("contact_id", "contacts"),
    belongs("assignee_id", "users"),
    belongs("team_id", "teams"),
    CheckConstraint("status in ('open', 'snoozed', 'closed')", name="status"),
    CheckConstraint("status <> 'closed' or join_key is null", name="closed_joins_nothing"),
    across=True,  # the snooze clock looks at all
)
_c = conversations.c
Index(
    "uq_conversations_join",
    _c.workspace_id,
    _c.contact_id,
    _c.join_key,
    unique=True,
    postgresql_where=text("join_key is not null"),
)
Index("ix_conversations_list", _c.workspace_id, _c.status, _c.last_at.desc(), _c.id.desc())
Index("ix_conversations_assignee", _c.workspace_id, _c.assignee_id, _c.status, _c.last_at.desc(), _c.id.desc())
Index("ix_conversations_contact", _c.workspace_id, _c.contact_id, _c.last_at.desc(), _c.id.desc())
Index(
    "ix_conversations_team",
    _c.workspace_id,
    _c.team_id,
    _c.status,
    _c.last_at.desc(),
    _c.id.desc(),
    postgresql_where=text("team_id is not null"),
)
Index("ix_conversations_snoozed", _c.snoozed_until, postgresql_where=text("status = 'snoozed'"))

listings = shadow(
    "listings",  # where else a conversation is listed: under its labels, its inboxes, for whom it mentions
    "conversations",
    "conversation_id",
    Column("kind", Text, nullable=False),
    Column("of_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    moment("last_at", required=True),
    CheckConstraint("kind in ('label', 'inbox', 'mention')", name="kind"),
    key=("conversation_id", "kind", "of_id"),
)
_l = listings.c
Index(
    "ix_listings_list",
    _l.workspace_id,
    _l.kind,
    _l.of_id,
    _l.status,
    _l.last_at.desc(),
    _l.conversation_id.desc(),
)

message_words = shadow(
    "message_words",  # message 0 is the conversation's own subject
    "conversations",
    "conversation_id",
    Column("message_id", BigInteger, nullable=False),
    Column("words", TSVECTOR, nullable=False),
    key=("conversation_id", "message_id"),
    words=True,
)
Index("ix_message_words_words", message_words.c.words, postgresql_using="gin", postgresql_with=PENDING)

messages = tenant(
    "messages",
    Column("conversation_id", BigInteger, nullable=False),
    Column("direction", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("inbox_id", BigInteger),
    Column("point_id", BigInteger),
    Column("author_id", BigInteger),
    Column("author_name", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False, server_default=""),
    Column("reply", Text),
    Column("html", Text),
    Column("subject", Text),
    Column("external_id", Text),
    Column("client_key", UUID(as_uuid=False)),
    Column("automatic", Boolean, nullable=False, server_default=text("false")),
    Column("delivery", Text),
    Column("delivery_code", Text),
    Column("delivery_reason", Text),
    moment("delivery_at"),
    moment("due_at"),
    json("meta"),
    Column("activity", Text),
    Column("mentions", ARRAY(BigInteger), nullable=False, server_default="{}"),
    Column("raw_id", BigInteger),
    Column("trace", Text),
    moment("at", required=True),
    Column("rev", BigInteger, nullable=False, server_default=text("1")),
    moment("created_at", now=True),
    belongs("conversation_id", "conversations", cascade=True),
    belongs("inbox_id", "inboxes"),
    belongs("point_id", "contact_points"),
    belongs("author_id", "users"),
    CheckConstraint("direction in ('in', 'out', 'activity')", name="direction"),
    CheckConstraint("audience in ('contact', 'team')", name="audience"),
    # A comment has no way out: no inbox, no address, no provider id, no delivery.
    CheckConstraint(
        "audience = 'contact' or (inbox_id is null and point_id is null and external_id is null and delivery is null)",
        name="team_stays",
    ),
    CheckConstraint(
        "direction <> 'out' or audience <> 'contact' or delivery is not null", name="outbound_has_delivery"
    ),
    UniqueConstraint("workspace_id", "client_key"),
)
_m = messages.c
Index(
    "uq_messages_external",
    _m.workspace_id,
    _m.inbox_id,
    _m.external_id,
    unique=True,
    postgresql_where=text("external_id is not null"),
)
Index("ix_messages_conversation", _m.workspace_id, _m.conversation_id, _m.at.desc(), _m.id.desc())
Index(
    "ix_messages_received",
    _m.workspace_id,
    _m.conversation_id,
    _m.inbox_id,
    _m.point_id,
    _m.at.desc(),
    postgresql_where=text("direction = 'in'"),
)
Index("ix_messages_external_any", _m.workspace_id, _m.external_id, postgresql_where=text("external_id is not null"))
Index("ix_messages_due", _m.workspace_id, _m.due_at, postgresql_where=text("due_at is not null"))
Index("ix_messages_point", _m.workspace_id, _m.point_id, _m.at.desc(), _m.id.desc())
Index("ix_messages_mentions", _m.workspace_id, _m.conversation_id, postgresql_where=text("mentions <> '{}'"))
Index("ix_messages_scheduled", _m.workspace_id, _m.conversation_id, postgresql_where=text("due_at is not null"))
Index(
    "ix_messages_undelivered",
    _m.workspace_id,
    _m.conversation_id,
    postgresql_where=text("delivery in ('failed', 'uncertain')"),
)

attachments = tenant(
    "attachments",
    Column("message_id", BigInteger, nullable=False),
    Column("hash", Text),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False, server_default=text("0")),
    Column("content_id", Text),
    Column("inline", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text, nullable=False, server_default="ready"),
    Column("source_url", Text),
    Column("error", Text),
    belongs("message_id", "messages", cascade=True),
    CheckConstraint("state in ('ready', 'fetching', 'failed')", name="state"),
)
Index("ix_attachments_message", attachments.c.workspace_id, attachments.c.message_id)

outbox_fence = Sequence("outbox_fence", metadata=metadata)

outbox = tenant(
    "outbox",
    Column("message_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
    Column("key", UUID(as_uuid=False), nullable=False),  # the idempotency key: the same in every attempt
    Column("state", Text, nullable=False, server_default="queued"),
    moment("due_at", required=True),
    moment("retry_at"),
    moment("lease_until"),
    moment("unknown_since"),
    moment("sending_since"),
    Column("fence", BigInteger),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("metered", Boolean, nullable=False, server_default=text("false")),  # counts for the rate of its inbox
    belongs("message_id", "messages", cascade=True),
    belongs("inbox_id", "inboxes"),
    UniqueConstraint("workspace_id", "message_id"),
    CheckConstraint(
        "state in ('queued', 'sending', 'unknown', 'accepted', 'failed', 'held', 'uncertain', 'cancelled')",
        name="state",
    ),
    across=True,
)
_o = outbox.c
Index("ix_outbox_due", _o.due_at, _o.workspace_id, _o.id, postgresql_where=text("state = 'queued'"))
Index(
    "ix_outbox_first", _o.workspace_id, _o.inbox_id, _o.due_at, _o.id,
    postgresql_where=text("state = 'queued' and retry_at is null"),
)  # fmt: skip
Index(
    "ix_outbox_again", _o.workspace_id, _o.inbox_id, _o.retry_at, _o.id,
    postgresql_where=text("state = 'queued' and retry_at is not null"),
)  # fmt: skip
Index("ix_outbox_lease", _o.lease_until, postgresql_where=text("state in ('sending', 'unknown')"))
Index(
    "ix_outbox_order",
    _o.workspace_id,
    _o.conversation_id,
    _o.due_at,
    _o.id,
    postgresql_where=text("state in ('queued', 'sending', 'unknown')"),
)
Index("ix_outbox_metered", _o.workspace_id, _o.inbox_id, _o.sending_since, postgresql_where=_o.metered)
Index("ix_outbox_held", _o.workspace_id, _o.inbox_id, _o.due_at, _o.id, postgresql_where=text("state = 'held'"))
Index("ix_outbox_uncertain", _o.workspace_id, _o.sending_since, postgresql_where=text("state = 'uncertain'"))

receipts = tenant(
    "receipts",  # append-only: the fate of an outbound message
    Column("message_id", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    moment("at", required=True),
    Column("code", Text),
    Column("reason", Text),
    Column("source", Text, nullable=False),
    belongs("message_id", "messages", cascade=True),
)
Index("ix_receipts_message", receipts.c.workspace_id, receipts.c.message_id, receipts.c.id)

attempts = tenant(
    "attempts",  # append-only: each time that a message was handed to its provider, or looked for there
    Column("message_id", BigInteger, nullable=False),
    moment("began_at"),
    moment("at", required=True),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("reason", Text),
    json("request"),
    belongs("message_id", "messages", cascade=True),
)
Index("ix_attempts_message", attempts.c.workspace_id, attempts.c.message_id, attempts.c.id)

parked_receipts = tenant(
    "parked_receipts",  # receipts that came before we knew the provider's id of the message
    Column("inbox_id", BigInteger, nullable=False),
    Column("external_id", Text, nullable=False),
    json("receipt"),
    moment("at", required=True),
    belongs("inbox_id", "inboxes", cascade=True),
    across=True,  # old ones are swept
)
Index(
    "ix_parked_receipts_external",
    parked_receipts.c.workspace_id,
    parked_receipts.c.inbox_id,
    parked_receipts.c.external_id,
)

labels = tenant(
    "labels",
    Column("name", Text, nullable=False),
    Column("colour", Text, nullable=False, server_default="#64748b"),
    UniqueConstraint("workspace_id", "name"),
)

conversation_labels = tenant(
    "conversation_labels",
    Column("conversation_id", BigInteger, nullable=False),
    Column("label_id", BigInteger, nullable=False),
    belongs("conversation_id", "conversations", cascade=True),
    belongs("label_id", "labels", cascade=True),
    key=("conversation_id", "label_id"),
)
Index(
    "ix_conversation_labels_label",
    conversation_labels.c.workspace_id,
    conversation_labels.c.label_id,
    conversation_labels.c.conversation_id,
)

read_states = tenant(
    "read_states",
    Column("user_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("read_count", Integer, nullable=False, server_default=text("0")),
    Column("starred", Boolean, nullable=False, server_default=text("false")),
    belongs("user_id", "users", cascade=True),
    belongs("conversation_id", "conversations", cascade=True),
    key=("user_id", "conversation_id"),
)
Index(
    "ix_read_states_starred",
    read_states.c.workspace_id,
    read_states.c.user_id,
    read_states.c.conversation_id,
    postgresql_where=text("starred"),
)
Index("ix_read_states_conversation", read_states.c.workspace_id, read_states.c.conversation_id)

drafts = tenant(
    "drafts",
    Column("user_id", BigInteger, nullable=False),
    Column("conversation_id", BigInteger, nullable=False),
    Column("mode", Text, nullable=False),
    json("body"),
    moment("updated_at", now=True),
    belongs("user_id", "users", cascade=True),
    belongs("conversation_id", "conversations", cascade=True),
    key=("user_id", "conversation_id", "mode"),
)

auto_replies = tenant(
    "auto_replies",  # every automatic message to an address, for the loop guard
    Column("point_id", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    moment("at", required=True),
    belongs("point_id", "contact_points", cascade=True),
    across=True,  # old ones are swept
)
Index("ix_auto_replies_point", auto_replies.c.workspace_id, auto_replies.c.point_id, auto_replies.c.at)
