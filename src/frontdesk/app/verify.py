"""Is what the database holds what it promises to hold? Named checks, each one statement, which change nothing.

A statement takes the workspace as ``$1`` and returns a row for each thing that is wrong; the column ``wrong`` says it.
Rows are read with a cursor, so that a check needs no memory however much it finds. Each statement sees one moment, and
what belongs together is written in one transaction: checks may run beside everything else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Index, Table, UniqueConstraint

from frontdesk.app.migrate import APPEND_ONLY  # (it also imports every room's tables)
from frontdesk.conversations import rules
from frontdesk.kit.context import Resources
from frontdesk.kit.files import StoreError
from frontdesk.kit.tables import metadata
from frontdesk.kit.transaction import Database, Row, Tx
from frontdesk.people import queries as people

EXAMPLES = 5
LONG = 3600.0  # seconds that one statement may take


@dataclass(frozen=True)
class Check:
    """``words``: what is promised. ``judge``: whether a row is really wrong, where SQL alone cannot say."""

    name: str
    words: str
    sql: str
    judge: Callable[[Row], bool] | None = None


@dataclass(kw_only=True)
class Result:
    """One check of one workspace (0: the whole installation). ``found`` counts, ``examples`` are the first few."""

    workspace_id: int
    check: str
    promise: str
    found: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.found

    def add(self, example: str) -> None:
        self.found += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


def _owned(table: Table) -> bool:
    return "workspace_id" in table.c


def _orphans() -> str:
    """Every foreign key of every table, asked again: a restore or a damaged index may have gone round it."""
    parts = []
    for table in filter(_owned, metadata.sorted_tables):
        for key in table.foreign_key_constraints:
            target = key.referred_table.name
            for column in (name for name in key.column_keys if name != "workspace_id"):
                parts.append(
                    f"select '{table.name}: {column} ' || t.{column} || ' is not in {target}' as wrong"
                    f" from {table.name} t where t.workspace_id = $1 and t.{column} is not null"
                    f" and not exists (select 1 from {target} x where x.workspace_id = $1 and x.id = t.{column})"
                )
    return "\nunion all\n".join(parts)


def _duplicates() -> str:
    """Every unique constraint and unique index, asked again."""
    parts = []
    for table in filter(_owned, metadata.sorted_tables):
        for columns, where in _unique(table):
            shown = ", ".join(f"({column})::text" for column in columns)
            parts.append(
                f"select '{table.name}: ' || count(*) || ' times ' || concat_ws(' / ', {shown}) as wrong"
                f" from {table.name} where workspace_id = $1 and {where} group by {', '.join(columns)}"
                " having count(*) > 1"
            )
    return "\nunion all\n".join(parts)


def _unique(table: Table) -> list[tuple[list[str], str]]:
    """(columns or expressions without the workspace, condition) of everything that may be there once."""
    found = []
    for one in (*table.constraints, *table.indexes):
        if not (isinstance(one, UniqueConstraint) or (isinstance(one, Index) and one.unique)):
            continue
        where = one.dialect_options["postgresql"]["where"] if isinstance(one, Index) else None
        told = one.expressions if isinstance(one, Index) else one.columns
        names = [str(each).replace(f"{table.name}.", "") for each in told]
        names = [name for name in names if name != "workspace_id"]
        present = " and ".join(f"{name} is not null" for name in names)
        found.append((names, f"{present} and ({where})" if where is not None else present))
    return found


_NO_GAPS = """
select format('after event %s comes %s', prev, seq) as wrong
from (select seq, lag(seq) over (order by seq) as prev from events where workspace_id = $1) e where seq <> prev + 1
union all
select format('the counter stands at %s, the last event is %s', coalesce(c.seq, 0), n.newest)
from (select max(seq) as newest from events where workspace_id = $1) n
left join event_counters c on c.workspace_id = $1 where n.newest <> coalesce(c.seq, 0)
"""

# A cancelled message counts if an attempt to send it had begun.
_COUNTS = """
select format('conversation %s counts %s in and %s in all; there are %s and %s, and %s cancelled', c.id,
  c.inbound_count, c.message_count, n.received, n.certain, n.cancelled) as wrong
from conversations c cross join lateral (
  select count(*) filter (where direction = 'in') as received,
    count(*) filter (where direction <> 'activity' and due_at is null and delivery is distinct from 'cancelled')
      as certain,
    count(*) filter (where delivery = 'cancelled') as cancelled
  from messages m where m.workspace_id = $1 and m.conversation_id = c.id) n
where c.workspace_id = $1 and (c.inbound_count <> n.received
  or not c.message_count between n.certain and n.certain + n.cancelled)
"""

_LAST = """
select format('conversation %s shows “%s” as its last message, which is %s', c.id, c.last_preview,
    case when m.id is null then 'not there' when m.conversation_id <> c.id then 'in conversation ' || m.conversation_id
    when c.last_direction <> m.direction or c.last_audience <> m.audience then m.direction || ' for ' || m.audience
    else 'another text' end) as wrong,
  m.id is null or m.conversation_id <> c.id or c.last_direction is distinct from m.direction
    or c.last_audience is distinct from m.audience as plainly,
  c.last_preview as preview, left(m.text, 1000) as text, left(m.reply, 1000) as reply, m.subject
from conversations c left join messages m on m.workspace_id = $1 and m.id = c.last_message_id
where c.workspace_id = $1 and c.message_count > 0
"""


def _another_last(row: Row) -> bool:
    """Whether the preview is not that of the message. (A recount shows the first characters as they are.)"""
    if row["plainly"]:
        return True
    text, reply = row["text"] or "", row["reply"]
    fair = {rules.preview(words) for words in (text, reply, row["subject"]) if words}
    fair.add((text if reply is None else reply)[:140])
    return bool(text or reply) and row["preview"] not in fair


_NEXT_ACTION = """
select format('outbox %s is %s %s', o.id, o.state, case
  when o.state in ('sending', 'unknown') then 'and nobody will look at it again'
  when o.state in ('failed', 'held', 'uncertain') then 'without a reason'
  else 'but still leased or waiting' end) as wrong
from outbox o join messages m on m.workspace_id = $1 and m.id = o.message_id
where o.workspace_id = $1 and (
  (o.state in ('sending', 'unknown') and o.lease_until is null)
  or (o.state in ('failed', 'held', 'uncertain') and coalesce(m.delivery_reason, o.last_error, m.delivery_code, '') = ''
      and m.delivery in ('failed', 'held', 'uncertain'))
  or (o.state in ('accepted', 'failed', 'cancelled') and o.lease_until is not null))
union all
select format('message %s to the contact is %s and not in the outbox', m.id, m.delivery) from messages m
where m.workspace_id = $1 and m.delivery in ('queued', 'sending', 'held', 'uncertain')
  and not exists (select 1 from outbox o where o.workspace_id = $1 and o.message_id = m.id)
"""

_OLD_LEASE = """
select format('outbox %s is %s since %s, and its lease ended at %s', id, state, sending_since, lease_until) as wrong
from outbox where workspace_id = $1 and state in ('sending', 'unknown') and lease_until < now() - interval '15 minutes'
"""

_AGREES = """
select format('message %s is shown as %s, the outbox says %s', m.id, m.delivery, o.state) as wrong
from outbox o join messages m on m.workspace_id = $1 and m.id = o.message_id
where o.workspace_id = $1 and not (m.delivery = any(case o.state
  when 'queued' then array['queued', 'sending'] when 'held' then array['held'] when 'cancelled' then array['cancelled']
  when 'uncertain' then array['uncertain'] when 'failed' then array['failed', 'delivered', 'read']
  when 'accepted' then array['accepted', 'sent', 'delivered', 'read', 'failed']
  else array['queued', 'sending', 'accepted', 'sent', 'delivered', 'read', 'failed'] end))
union all
select format('outbox %s is in conversation %s, its message in %s', o.id, o.conversation_id, m.conversation_id)
from outbox o join messages m on m.workspace_id = $1 and m.id = o.message_id
where o.workspace_id = $1 and o.conversation_id <> m.conversation_id
"""

_ONE_OPEN = """
select format('contact %s has conversations %s open side by side', contact_id, array_agg(id order by id)) as wrong
from conversations where workspace_id = $1 and join_key is not null group by contact_id, join_key having count(*) > 1
union all
select format('conversation %s is closed and still takes in messages', id) from conversations
where workspace_id = $1 and status = 'closed' and join_key is not null
"""

_MERGED = """
select format('contact %s was merged into %s and still has %s', c.id, c.merged_into, x.what) as wrong
from contacts c cross join lateral (
  select 'address ' || p.id as what from contact_points p where p.workspace_id = $1 and p.contact_id = c.id union all
  select 'conversation ' || v.id from conversations v where v.workspace_id = $1 and v.contact_id = c.id union all
  select 'contact ' || o.id || ' merged into it' from contacts o where o.workspace_id = $1 and o.merged_into = c.id) x
where c.workspace_id = $1 and c.merged_into is not null
"""

# Receipts since the last decision of ours: what was sent again starts anew.
_FORWARD = """
select format('message %s is shown as %s, the provider said %s', id, delivery, said) as wrong from (
  select m.id, m.delivery, (array['sent', 'delivered', 'read'])[far.rank] as said, far.rank,
    array_position(array['sent', 'delivered', 'read'], m.delivery) as shown
  from messages m cross join lateral (
    select max(array_position(array['sent', 'delivered', 'read'], r.state)) as rank from receipts r
    where r.workspace_id = $1 and r.message_id = m.id and r.source = 'provider' and r.id > coalesce((
      select max(own.id) from receipts own where own.workspace_id = $1 and own.message_id = m.id
        and own.state in ('queued', 'held', 'uncertain', 'cancelled')), 0)) far
  where m.workspace_id = $1 and m.direction = 'out' and m.delivery is not null and far.rank is not null) t
where coalesce(shown, 0) < rank and not (delivery = 'failed' and rank = 1) and delivery <> 'cancelled'
"""

# An attempt that began in the moment of the opt-out is no violation: half a minute is left to both transactions.
_OPTED_OUT = """
select format('message %s went to %s at %s, who had opted out at %s', m.id, p.value, o.sending_since, c.at) as wrong
from consents c
join contact_points p on p.workspace_id = $1 and p.kind = c.kind and p.value = c.value
join messages m on m.workspace_id = $1 and m.point_id = p.id and m.direction = 'out'
join outbox o on o.workspace_id = $1 and o.message_id = m.id
where c.workspace_id = $1 and c.action = 'out' and o.state in ('sending', 'unknown', 'uncertain', 'accepted')
  and o.sending_since > c.at + interval '30 seconds' and not (m.meta ? 'answers_opt_out')
  and (c.inbox_id is null or p.opted_out_at is not null) and not exists (
    select 1 from consents back where back.workspace_id = $1 and back.kind = c.kind and back.value = c.value
      and back.action = 'in' and (back.at, back.id) > (c.at, c.id) and back.at <= o.sending_since)
union all
select format('address %s counts as opted out, and nobody wrote down why', p.id) from contact_points p
where p.workspace_id = $1 and p.opted_out_at is not null and not exists (
  select 1 from consents c where c.workspace_id = $1 and c.kind = p.kind and c.value = p.value and c.action = 'out')
"""

_ANNOUNCED = """
select format('message %s was announced %s times', message_id, count(*)) as wrong from events
where workspace_id = $1 and kind in ('MessageReceived', 'MessageQueued') group by kind, message_id having count(*) > 1
"""

_READ_ONCE = """
select format('delivery %s is %s without a time', id, state) as wrong from raw_deliveries
where workspace_id = $1 and state in ('done', 'discarded') and done_at is null
union all
select format('delivery %s was set aside without a reason', id) from raw_deliveries
where workspace_id = $1 and state = 'set_aside' and coalesce(error, '') = ''
union all
select format('message %s came with delivery %s, which is %s', m.id, m.raw_id, 'not there')
from messages m left join raw_deliveries r on r.workspace_id = $1 and r.id = m.raw_id
where m.workspace_id = $1 and m.raw_id is not null and r.id is null
"""

CHECKS: tuple[Check, ...] = (
    Check("orphans", "What a row names is there.", _orphans()),
    Check("duplicates", "Nothing is there twice: provider ids, deliveries, addresses, keys.", _duplicates()),
    Check("event_log", "Events are numbered without a gap, up to the counter.", _NO_GAPS),
    Check("announcements", "A message is announced once.", _ANNOUNCED),
    Check("counts", "What a conversation counts is what there is.", _COUNTS),
    Check("last_message", "A conversation shows its own last message.", _LAST, _another_last),
    Check("one_open", "A contact has one conversation that takes in messages, as the rule of joining says.", _ONE_OPEN),
    Check("merged", "Who was merged into another keeps nothing.", _MERGED),
    Check("next_action", "Every message to a contact has a next action or a final state with a reason.", _NEXT_ACTION),
    Check("leases", "A sending that nobody finished is looked into within minutes.", _OLD_LEASE),
    Check("outbox_agrees", "A message is shown as the outbox has it.", _AGREES),
    Check("receipts", "A message is never shown less far than its provider said.", _FORWARD),
    Check("opt_outs", "Nothing went to an address after it had opted out.", _OPTED_OUT),
    Check("audit", "No line of the audit was changed, and none taken out.", people.BROKEN_CHAIN),
    Check("deliveries", "A delivery that was read says when, one that was set aside says why.", _READ_ONCE),
)

# Foreign keys are asked for row by row (orphans): an owner whom row-level security binds cannot validate one.
_WALLS = """
select format('%s: row-level security is not forced', c.relname) as wrong from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname = any($1)
  and not (c.relrowsecurity and c.relforcerowsecurity)
union all select format('table %s is not there', t) from unnest($1::text[]) t
where to_regclass('public.' || quote_ident(t)) is null
union all select format('index %s is not valid', x.indexrelid::regclass) from pg_index x
join pg_class c on c.oid = x.indrelid where c.relnamespace = 'public'::regnamespace and not x.indisvalid
union all select format('constraint %s was never validated', conname) from pg_constraint
where connamespace = 'public'::regnamespace and not convalidated and contype <> 'f'
union all select format('the application may change the lines of %s', t) from unnest($2::text[]) t
where to_regclass(t) is not null and not (select rolsuper from pg_roles where rolname = current_user)
  and current_user <> (select tableowner from pg_tables where schemaname = 'public' and tablename = t)
  and has_table_privilege(t, 'update, delete')
"""
WALLS = Check("walls", "The walls between workspaces stand, every index and constraint is valid.", _WALLS)

_FILES = """
select hash, size, 'attachment ' || id as what from attachments
where workspace_id = $1 and hash is not null and state = 'ready'
union all select hash, size, 'upload ' || id from files where workspace_id = $1
"""
FILES = "files"


async def verify(
    db: Database, *, only: Sequence[int] = (), names: Sequence[str] = (), store: Resources | None = None
) -> AsyncIterator[Result]:
    """Every check of every workspace (or ``only`` these; or the ``names`` of some), one result after the other.

    With a ``store``, the files that messages name are looked up in it too. Nothing is written.
    """
    async with db.across() as tx:
        workspaces = only or [row["id"] for row in await tx.fetch("select id from workspaces order by id")]
        if not names or WALLS.name in names:
            tables = [table.name for table in metadata.sorted_tables]
            yield await _run(tx, WALLS, 0, tables, list(APPEND_ONLY))
    for workspace_id in workspaces:
        for check in CHECKS:
            if not names or check.name in names:
                async with db.begin(workspace_id) as tx:
                    yield await _run(tx, check, workspace_id, workspace_id)
        if store is not None:
            async with db.begin(workspace_id) as tx:
                yield await _look_for_files(tx, store, workspace_id)


async def heads(db: Database, only: Sequence[int] = ()) -> list[str]:
    """Where each audit ends, as WORKSPACE:LINES:DIGEST: to be noted where whoever rules the database does not rule."""
    async with db.across() as tx:
        workspaces = only or [row["id"] for row in await tx.fetch("select id from workspaces order by id")]
    found = []
    for workspace_id in workspaces:
        async with db.begin(workspace_id) as tx:
            lines, digest = await people.audit_head(tx)
        found.append(f"{workspace_id}:{lines}:{digest}")
    return found


async def compared(db: Database, noted: Sequence[str]) -> AsyncIterator[Result]:
    """Whether each audit goes on from what :func:`heads` said once. Raises ValueError for what it never says."""
    for head in noted:
        workspace_id, lines, digest = head.strip().split(":")
        result = Result(workspace_id=int(workspace_id), check="audit_head", promise="The audit goes on from its head.")
        async with db.begin(int(workspace_id)) as tx:
            if int(lines) and not await people.audit_went_on_from(tx, int(lines), digest):
                result.add(f"line {lines} is not there, or not what it was when {head} was noted")
        yield result


async def _run(tx: Tx, check: Check, workspace_id: int, *values: object) -> Result:
    result = Result(workspace_id=workspace_id, check=check.name, promise=check.words)
    async for row in _streamed(tx, check.sql, *values):
        if check.judge is None or check.judge(row):
            result.add(row["wrong"])
    return result


async def _streamed(tx: Tx, sql: str, *values: object) -> AsyncIterator[Row]:
    await tx.execute("set transaction read only")
    async for row in tx.raw.cursor(sql, *values, prefetch=500, timeout=LONG):
        yield row


async def _look_for_files(tx: Tx, resources: Resources, workspace_id: int) -> Result:
    result = Result(workspace_id=workspace_id, check=FILES, promise="Every file that a message names is kept.")
    async for row in _streamed(tx, _FILES, workspace_id):
        try:
            size = await resources.files.size(row["hash"])
        except (StoreError, ValueError) as error:
            result.add(f"{row['what']}: {error}")
            continue
        if size is None or (row["size"] and size != row["size"]):
            result.add(f"{row['what']}: {row['hash']} is {'not kept' if size is None else f'{size} bytes long'}")
    return result


def told(result: Result) -> list[str]:
    """A result as lines for a terminal."""
    where = f"workspace {result.workspace_id}" if result.workspace_id else "installation"
    if result.ok:
        return [f"ok    {result.check} ({where})"]
    more = [f"      … and {result.found - len(result.examples)} more"] if result.found > len(result.examples) else []
    lines = [f"      {example}" for example in result.examples]
    return [f"WRONG {result.check} ({where}): {result.promise} {result.found} times not so:", *lines, *more]
