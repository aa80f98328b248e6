from datetime import timedelta
from frontdesk.conversations.actions import change, write
from frontdesk.conversations.queries import listing, thread
from frontdesk.conversations.schemas import ConversationPatch
from frontdesk.kit import clock
from frontdesk.realtime.queries import log
from conversations.pretend import line
async def test_all(office, time):
    row = await office.hear("hi"); c = row["conversation_id"]
    contact = (await office.conversation(c))["contact_id"]; me = office.owner
    async with office.db.begin(office.workspace) as tx:
        assert await change.open_conversation(tx, contact, office.line, second=False, actor_id=None) == (c, False)
        d, new = await change.open_conversation(tx, contact, office.line, second=True, actor_id=None)
        assert new and d != c
        await change.change(tx, c, ConversationPatch(status="closed", subject="x", assignee_id=me.user_id), actor=me)
        e, new = await change.open_conversation(tx, contact, office.line, second=False, actor_id=None); assert new
        await change.change(tx, c, ConversationPatch(status="open"), actor=me)
        assert (await tx.fetchval("select join_key from conversations where id=$1", c)) is None
        await change.mark_read(tx, c, None, actor=me); await change.mark_unread(tx, c, actor=me)
        await change.star(tx, c, on=True, actor=me)
        lab = await write.create_label(tx, "A", "#fff", actor_id=me.user_id)
        r0 = await tx.fetchval("select rev from conversations where id=$1", c)
        await change.label(tx, c, lab, on=True, actor=me)
        assert await tx.fetchval("select rev from conversations where id=$1", c) > r0
        await write.change_label(tx, lab, name="B", colour="#000", actor_id=me.user_id)
        m = await write.comment(tx, c, "note", actor=me, mentions=[me.user_id])
        await write.keep_draft(tx, c, "reply", {"text": "d"}, actor=me)
        await write.keep_draft(tx, c, "reply", {"text": "e"}, actor=me)
        await write.delete_label(tx, lab, actor_id=me.user_id)
        for v in listing._VIEWS: await listing.listing(tx, me, v, listing.Filters(q="h", label_id=1, channel="line", inbox_id=1))
        await listing.counts(tx, me)
        assert await thread.routes(tx, c, contact)
    s = await office.write(c, "later", due_at=clock.now() + timedelta(hours=1))
    assert (await office.message(s))["due_at"]
    async with office.db.begin(office.workspace) as tx:
        page = await thread.scheduled(tx, me, office.resources.file_url, cursor=None, limit=5)
        assert [i.id for i in page.items] == [s]
        await write.reschedule(tx, s, text="sooner", actor=me)
        await write.cancel(tx, s, actor=me)
        t = await thread.thread(tx, c, office.resources.file_url); assert len(t.items) >= 3
        await change.merge(tx, c, d, actor=me)
        await change.move_message(tx, m, e, actor=me)
        rows = await log.since(tx, 0); assert len(await log.dress(tx, office.resources, rows)) == len(rows) > 10
    f = await office.write(d, "now"); await office.dispatch()
    assert (await office.states(f))[0] == "accepted"
async def test_http(signed_in):
    for path in ("/api/v1/conversations?view=unread", "/api/v1/conversations/counts", "/api/v1/scheduled", "/api/v1/labels", "/livez"):
        a = await signed_in.get(path); assert a.status_code == 200, (path, a.text)
    a = await signed_in.post("/api/v1/labels", json={"name": "Z", "colour": "#112233"}); assert a.status_code == 201, a.text
    a = await signed_in.post("/api/v1/files?name=a.txt", content=b"abc"); assert a.status_code == 201, a.text
    a = await signed_in.get(a.json()["url"].replace("http://testserver.local", "")); assert a.content == b"abc"
    a = await signed_in.get("/inbox/3"); print(a.status_code, a.text[:60])
