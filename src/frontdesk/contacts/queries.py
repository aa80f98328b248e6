"""Reads of contacts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from frontdesk.contacts import rules, schemas
from frontdesk.kit import paging
from frontdesk.kit.context import Actor
from frontdesk.kit.errors import NotFound
from frontdesk.kit.transaction import Row, Tx, array

CONCERNED = [
    "select id as contact_id, created_by as user_id, null::bigint as team_id from contacts"
    " where workspace_id = $1 and created_by is not null"
]
"""Whom a contact concerns, as statements (contact_id, user_id, team_id; $1 is the workspace): a user who does not see
everything sees no other contacts. Rooms above add theirs."""


async def seen(tx: Tx, actor: Actor, among: Sequence[int] | None = None) -> set[int]:
    """The contacts that concern the actor, at most those of ``among``."""
    rows = await tx.fetch(
        f"""select distinct contact_id from ({" union all ".join(CONCERNED)}) c
        where (user_id = $2 or team_id = any($3::bigint[])) and ($4::bigint[] is null or contact_id = any($4))""",
        tx.workspace_id, actor.user_id, sorted(actor.teams), None if among is None else list(among),
    )  # fmt: skip
    return {row["contact_id"] for row in rows}


async def concerned(tx: Tx, contact_ids: Sequence[int]) -> dict[int, tuple[frozenset[int], frozenset[int]]]:
    """(users, teams) that each of these contacts concerns; a contact that concerns nobody is left out."""
    rows = await tx.fetch(
        f"""select contact_id, array_agg(distinct user_id) as users, array_agg(distinct team_id) as teams
        from ({" union all ".join(CONCERNED)}) c where contact_id = any($2::bigint[]) group by 1""",
        tx.workspace_id, list(contact_ids),
    )  # fmt: skip
    return {row["contact_id"]: (frozenset(row["users"]), frozenset(row["teams"])) for row in rows}


async def sees(tx: Tx, actor: Actor, *contact_ids: int) -> bool:
    """Whether the actor may see all of these contacts: everybody may, but for those who see only what concerns them."""
    return actor.sees_all or await seen(tx, actor, contact_ids) == set(contact_ids)


async def must_see(tx: Tx, actor: Actor, contact_id: int) -> None:
    """Raises NotFound for a contact that the actor may not see."""
    if not await sees(tx, actor, contact_id):
        raise NotFound("This contact")


async def outs(tx: Tx, ids: Sequence[int]) -> dict[int, schemas.ContactOut]:
    """Contacts as the API shows them, three statements for any number."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    rows = await tx.fetch(
        "select * from contacts where workspace_id = $1 and id = any($2::text::bigint[])",
        tx.workspace_id,
        array(wanted),
    )
    addresses = await _points(tx, wanted)
    tagged = await tx.fetch(
        """select contact_id, array_agg(tag_id order by tag_id) as tags from contact_tags
        where workspace_id = $1 and contact_id = any($2::text::bigint[]) group by contact_id""",
        tx.workspace_id, array(wanted),
    )  # fmt: skip
    tags = {row["contact_id"]: list(row["tags"]) for row in tagged}
    return {
        row["id"]: schemas.ContactOut(
            id=row["id"],
            name=row["name"],
            points=addresses[row["id"]],
            tags=tags.get(row["id"], []),
            note=row["note"],
            timezone=row["timezone"],
            locale=row["locale"],
            created_at=row["created_at"],
            rev=row["rev"],
        )
        for row in rows
    }


async def get(tx: Tx, actor: Actor, contact_id: int) -> schemas.ContactOut:
    """One contact that the actor may see; for one that was merged away, what it became. Raises NotFound."""
    current = await tx.fetchval(
        "select coalesce(merged_into, id) from contacts where workspace_id = $1 and id = $2",
        tx.workspace_id, contact_id,
    )  # fmt: skip
    if current is None:
        raise NotFound("This contact")
    await must_see(tx, actor, current)
    return (await outs(tx, [current]))[current]


async def must_exist(tx: Tx, contact_id: int) -> None:
    """Raises NotFound for a contact that does not exist or was merged into another.

    A merge that is under way is waited for. One that comes later waits for us, and takes along what we give it.
    """
    if not await tx.fetchval(
        "select 1 from contacts where workspace_id = $1 and id = $2 and merged_into is null for key share",
        tx.workspace_id,
        contact_id,
    ):
        raise NotFound("This contact")


async def points(tx: Tx, contact_id: int) -> list[schemas.Point]:
    return (await _points(tx, [contact_id]))[contact_id]


async def _points(tx: Tx, contact_ids: Sequence[int]) -> defaultdict[int, list[schemas.Point]]:
    rows = await tx.fetch(
        "select * from contact_points where workspace_id = $1 and contact_id = any($2::text::bigint[]) order by id",
        tx.workspace_id, array(contact_ids),
    )  # fmt: skip
    found: defaultdict[int, list[schemas.Point]] = defaultdict(list)
    for row in rows:
        known = found[row["contact_id"]]
        known.append(_point(row, primary=all(point.kind != row["kind"] for point in known)))
    return found


def _point(row: Row, *, primary: bool) -> schemas.Point:
    opt_out = None
    if row["opted_out_at"] is not None:
        opt_out = schemas.OptOut(
            at=row["opted_out_at"], reason=row["opt_out_reason"] or "", source=row["opt_out_source"] or ""
        )
    return schemas.Point(
        id=row["id"],
        kind=row["kind"],
        value=row["value"],
        display=rules.display(row["kind"], row["value"]),
        scope=row["scope"],
        verified=row["verified"],
        claimed=row["claimed"],
        primary=primary,
        opt_out=opt_out,
        bad_since=row["bad_since"],
        created_at=row["created_at"],
    )


async def get_point(tx: Tx, contact_id: int, point_id: int) -> Row:
    """Raises NotFound for a point that this contact does not have."""
    row = await tx.fetchrow(
        "select * from contact_points where workspace_id = $1 and contact_id = $2 and id = $3",
        tx.workspace_id, contact_id, point_id,
    )  # fmt: skip
    if row is None:
        raise NotFound("This address")
    return row


AHEAD = 400  # names that are looked through in order where their trigrams say that a page may stand there
MANY = 3000  # matches that are read and sorted; of more, some page is met sooner in order
_FOUND = """
select contact_id as id, name as key from contact_words
where workspace_id = $1 and (haystack like $2 or haystack like $3)
"""
_NEWEST = f"{_FOUND} order by contact_id desc limit $4"
_SORTED = f"""
with found as materialized ({_FOUND} limit $4)
select total, id, key from (select count(*) as total from found) counted left join lateral (
  select id, key from found where $6::text is null or (key, id) > ($6, $7::bigint)
  order by key, id limit $5) page on true
"""
_ESTIMATE = """
explain (format json) select array(select 1 from contact_words where workspace_id = $1),
  array(select 1 from contacts where workspace_id = $1)
"""
_FIRST = "and $3::text is null and $4::bigint is null"
_NEXT = "and (lower(c.name), c.id) > ($3, $4::bigint)"
_AMONG = "and c.id = any($5::bigint[])"
# A subquery and no join: the planner cannot know how many match, and must not begin there.
_MATCHES = """and coalesce((select w.haystack like $5 or w.haystack like $6 from contact_words w
  where w.workspace_id = $1 and w.contact_id = c.id), false)"""
_MATCHES_AMONG = f"{_MATCHES} and c.id = any($7::bigint[])"


async def search(
    tx: Tx, actor: Actor, q: str | None = None, cursor: str | None = None, limit: int | None = None
) -> paging.Page[schemas.ContactOut]:
    """Contacts that the actor may see, by name: those whose name, or one of whose addresses, contains ``q``. Neither
    accents matter nor how a number is written."""
    after, size = paging.decode(cursor, str, int), paging.bounded(limit)
    text = rules.storable(q or "").strip()
    last = (after[0], after[1]) if after else None
    look = partial(_in_order, tx) if actor.sees_all else partial(_among, tx, actor)
    rows = await look(text, last, size + 1)
    await tx.found()
    shown = await outs(tx, [row["id"] for row in rows[:size]])
    following = paging.encode(rows[size - 1]["key"], rows[size - 1]["id"]) if len(rows) > size else None
    return paging.Page(items=[shown[row["id"]] for row in rows[:size]], next=following)


async def _in_order(tx: Tx, text: str, after: tuple[str, int] | None, limit: int) -> list[Row]:
    """(id, key) of the next contacts by name. What few have is searched and sorted, what many have is met soon."""
    if not text:
        return await _next(tx, "", after, limit)
    patterns = await _look_for(tx, text)
    plan = await tx.fetchval(_ESTIMATE, tx.workspace_id)
    matches, of = (part["Plan Rows"] for part in plan[0]["Plan"]["Plans"])
    # The planner multiplies: it takes each trigram for a matter of its own. This is, if all are one.
    if (min(matches / max(of, 1), 1) ** (1 / max(len(text) - 2, 1))) * AHEAD > 2 * limit:
        rows = await _next(tx, _MATCHES, after, limit, *patterns, ahead=AHEAD)
        if len(rows) == limit:
            return rows
    if matches <= MANY:
        rows = await tx.fetch(_SORTED, tx.workspace_id, *patterns, MANY + 1, limit, *(after or (None, 0)))
        if rows[0]["total"] <= MANY:
            return [row for row in rows if row["id"] is not None]
    return await _next(tx, _MATCHES, after, limit, *patterns)


async def _among(tx: Tx, actor: Actor, text: str, after: tuple[str, int] | None, limit: int) -> list[Row]:
    """The same of the contacts that concern the actor: few enough to be named."""
    theirs = sorted(await seen(tx, actor))
    if not text:
        return await _next(tx, _AMONG, after, limit, theirs)
    return await _next(tx, _MATCHES_AMONG, after, limit, *await _look_for(tx, text), theirs)


async def _next(
    tx: Tx, condition: str, after: tuple[str, int] | None, limit: int, *values: object, ahead: int | None = None
) -> list[Row]:
    """``ahead``: among so many of the next."""
    names = f"""select c.id, lower(c.name) as key from contacts c
        where c.workspace_id = $1 and c.merged_into is null {_NEXT if after else _FIRST}"""
    order = "order by lower(c.name), c.id"
    if ahead:
        names, order = f"select * from ({names} {order} limit {ahead}) c where true", ""
    return await tx.fetch(
        f"{names} {condition} {order} limit $2", tx.workspace_id, limit, *(after or (None, None)), *values
    )


async def found(tx: Tx, q: str, *, limit: int) -> list[int]:
    """Contacts whose name or addresses contain ``q``, the newest first."""
    patterns = await _look_for(tx, rules.storable(q).strip())
    rows = await tx.fetch(_NEWEST, tx.workspace_id, *patterns, limit)
    await tx.found()
    return [row["id"] for row in rows]


async def _look_for(tx: Tx, text: str) -> tuple[str, str]:
    """Let the table of words show what may contain the text or its digits; returns the patterns that make sure."""
    plain: str = text.lower() if text.isascii() else await tx.fetchval("select unmarked($1)", text)
    sought = list(dict.fromkeys(part for part in (plain, rules.digits(plain)) if part))
    await tx.look_for(" | ".join(_trigrams(tx.workspace_id, part) for part in sought))
    return rules.like(sought[0]), rules.like(sought[-1])


def _trigrams(workspace_id: int, text: str) -> str:
    """A ``tsquery`` for every three characters in a row; fewer are how such three begin."""
    if len(text) < 3:
        return f"{_quoted(f'{workspace_id}.{text}')}:*"
    return "(" + " & ".join(_quoted(f"{workspace_id}.{text[n : n + 3]}") for n in range(len(text) - 2)) + ")"


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


async def suggestions(tx: Tx, actor: Actor, contact_id: int | None = None) -> list[schemas.SuggestionOut]:
    """Open suggestions between contacts that the actor may see, the newest first; for one contact, with that contact on
    the left."""
    rows = await tx.fetch(
        """select s.id, s.reason, s.contact_id, s.other_id, c.name as name, o.name as other_name
        from suggestions s
          join contacts c on c.workspace_id = s.workspace_id and c.id = s.contact_id and c.merged_into is null
          join contacts o on o.workspace_id = s.workspace_id and o.id = s.other_id and o.merged_into is null
        where s.workspace_id = $1 and s.state = 'open' and ($2::bigint is null or $2 in (s.contact_id, s.other_id))
        order by s.id desc limit 200""",
        tx.workspace_id, contact_id,
    )  # fmt: skip
    if not actor.sees_all:
        theirs = await seen(tx, actor, [row[side] for row in rows for side in ("contact_id", "other_id")])
        rows = [row for row in rows if {row["contact_id"], row["other_id"]} <= theirs]
    shown = []
    for row in rows:
        left = schemas.Named(id=row["contact_id"], name=row["name"])
        right = schemas.Named(id=row["other_id"], name=row["other_name"])
        if right.id == contact_id:
            left, right = right, left
        shown.append(schemas.SuggestionOut(id=row["id"], contact=left, other=right, reason=row["reason"]))
    return shown


async def tags(tx: Tx) -> list[schemas.Tag]:
    """All tags by name."""
    rows = await tx.fetch(
        "select id, name, colour from tags where workspace_id = $1 order by lower(name), id", tx.workspace_id
    )
    return [schemas.Tag(**dict(row)) for row in rows]


async def tags_by_id(tx: Tx, tag_ids: Sequence[int]) -> dict[int, schemas.Tag]:
    rows = await tx.fetch(
        "select id, name, colour from tags where workspace_id = $1 and id = any($2::bigint[])",
        tx.workspace_id, list(tag_ids),
    )  # fmt: skip
    return {row["id"]: schemas.Tag(**dict(row)) for row in rows}
