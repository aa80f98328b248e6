"""STOP, START and HELP, as the contact writes them."""

from __future__ import annotations

import pytest

from conversations.office import ANA, Office, Time
from conversations.pretend import Pretend, line
from frontdesk.kit.errors import Refused


async def answers(office: Office) -> list[str]:
    rows = await office.fetch("select text from messages where direction = 'out' and automatic order by id")
    return [row["text"] for row in rows]


@pytest.mark.parametrize("text", ["STOP", "stop\n", "ＳＴＯＰ", "STOP\x00", "Arrêt", "STOP\ud83d"])
async def test_stop_counts_at_once_and_is_confirmed_once(office: Office, text: str) -> None:
    first = await office.hear("hello")
    queued = await office.write(first["conversation_id"], "on its way")
    await office.hear(text)
    await office.hear("STOP")
    assert await office.value("select opted_out_at is not null from contact_points") is True
    with pytest.raises(Refused) as caught:
        await office.write(first["conversation_id"], "too late")
    assert caught.value.code == "opted_out"
    await office.dispatch()
    assert await office.states(queued) == ("failed", "failed")
    assert (await office.message(queued))["delivery_code"] == "opted_out"
    assert [sent.text for sent in office.driver().sent] == await answers(office)
    assert len(await answers(office)) == 1
    assert [
        row["activity"] for row in await office.fetch("select activity from messages where direction = 'activity'")
    ] == ["opted_out"]
    assert await office.value("select count(*) from consents where action = 'out'") == 1


async def test_a_scheduled_message_does_not_go_after_stop(office: Office, time: Time) -> None:
    first = await office.hear("hello")
    later = await office.write(first["conversation_id"], "tomorrow", due_at=time.now.replace(hour=12))
    await office.hear("STOP")
    time.move(hours=3)
    await office.dispatch()
    assert await office.states(later) == ("failed", "failed")


async def test_start_after_stop_opens_the_way_again(office: Office) -> None:
    first = await office.hear("STOP")
    await office.hear("yes")
    assert await office.value("select opted_out_at from contact_points") is None
    await office.write(first["conversation_id"], "welcome back")
    assert len(await answers(office)) == 2
    assert await office.value("select count(*) from consents where action = 'in'") == 1


async def test_yes_is_a_word_for_somebody_who_never_opted_out(office: Office) -> None:
    await office.hear("yes")
    assert await answers(office) == []
    assert await office.value("select count(*) from consents") == 0


async def test_help_answers_but_not_for_ever(office: Office, time: Time) -> None:
    for _ in range(6):
        await office.hear("HELP")
        time.move(minutes=1)
    assert len(await answers(office)) == 3
    time.move(hours=2)
    await office.hear("HELP")
    assert len(await answers(office)) == 4


async def test_stop_within_a_sentence_and_our_own_copy_and_mail_stop_nothing(office: Office) -> None:
    await office.hear("Stop texting me")
    await office.hear("STOP", own=True)
    await office.hear("STOP", "a@x.example", inbox=office.post)
    assert await office.value("select count(*) from consents") == 0
    assert await answers(office) == []


async def test_what_the_provider_has_confirmed_is_not_confirmed_again(office: Office) -> None:
    await office.hear("STOP", meta={"opt_out_type": "STOP"})
    assert await office.value("select opted_out_at is not null from contact_points") is True
    assert await answers(office) == []


async def test_stop_counts_even_where_nothing_can_be_answered(office: Office) -> None:
    await office.store(office.said("STOP"))
    await office.execute("update inboxes set enabled = false, deleted_at = now() where id = $1", office.line)
    await office.ingest()
    assert await office.value("select state from raw_deliveries") == "done"
    assert await office.value("select opted_out_at is not null from contact_points") is True


async def test_a_contact_who_opted_out_on_one_number_is_reached_by_mail(office: Office) -> None:
    await office.hear("STOP", also=[{"kind": "email", "value": "ana@x.example", "verified": True}])
    contact = await office.value("select contact_id from contact_points where value = $1", ANA)
    conversation = await office.value("select id from conversations where contact_id = $1", contact)
    await office.write(conversation, "by mail then", inbox_id=office.post, point_id=await office.value(
        "select id from contact_points where kind = 'email'"))  # fmt: skip
    await office.dispatch()
    assert [sent.text for sent in office.driver("post").sent] == ["by mail then"]


async def test_the_confirmation_leaves_although_they_opted_out_and_only_that(office: Office) -> None:
    office.install(line(Pretend("phone")))
    first = await office.hear("STOP")
    await office.dispatch()
    sent = office.driver().sent
    assert [(one.automatic, "START" in one.text) for one in sent] == [(True, True)]
    with pytest.raises(Refused):
        await office.write(first["conversation_id"], "but")
