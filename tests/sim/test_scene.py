"""The living demo: customers write, answer, and fall silent."""

from __future__ import annotations

from frontdesk_sim.picture import parcel
from frontdesk_sim.scene import TOPICS

from .conftest import Desk, Sim, until
from .test_mail import submit


async def openings(sim: Sim, desk: Desk, count: int) -> None:
    await sim.control("POST", "/scene", {"on": True, "every": 0.05, "by": ["text"]})
    await until(lambda: len(desk.inbound()) >= count)


async def test_customers_write_and_answer_until_the_talk_is_over(hooked: Sim, desk: Desk) -> None:
    await hooked.control("POST", "/scene", {"on": True, "every": 3600, "by": ["text"]})
    await until(lambda: desk.inbound())
    who = desk.calls[0].params["From"]
    topic = next(topic for topic in TOPICS if topic.opening == desk.calls[0].params["Body"])
    for place, answer in enumerate(topic.answers, 1):
        await hooked.send(To=who, Body="Of course!")
        await until(lambda: len(desk.inbound()) > place)  # noqa: B023 - awaited within the turn
        assert desk.inbound()[-1].params["Body"] == answer
        assert desk.inbound()[-1].params["From"] == who
    await hooked.send(To=who, Body="You are welcome.")
    await hooked.settle()
    assert len(desk.inbound()) == 1 + len(topic.answers)
    [fact, *_] = await hooked.truth("text.inbound")
    assert fact["customer"] == who
    names = {line["name"] for line in await hooked.control("GET", "/customers")}
    assert all(name.startswith("Demo ") for name in names)


async def test_everybody_gets_a_turn_and_one_has_a_picture(hooked: Sim, desk: Desk) -> None:
    await openings(hooked, desk, 8)
    assert len({call.params["From"] for call in desk.inbound()}) == 8
    assert {call.params["Body"] for call in desk.inbound()} == {topic.opening for topic in TOPICS}
    [picture] = [call for call in desk.inbound() if call.params["NumMedia"] == "1"]
    redirect = await hooked.http.get(picture.params["MediaUrl0"], auth=(hooked.account, hooked.token))
    assert (await hooked.http.get(redirect.headers["location"])).content == parcel()


async def test_the_scene_stops(hooked: Sim, desk: Desk) -> None:
    await openings(hooked, desk, 2)
    await hooked.control("POST", "/scene", {"on": False})
    assert (await hooked.control("GET", "/scene"))["on"] is False
    await hooked.settle()
    count = len(desk.inbound())
    await hooked.send(To=desk.inbound()[0].params["From"], Body="Hello?")
    await hooked.settle()
    assert len(desk.inbound()) == count


async def test_customers_write_mails_too_and_answer_in_thread(sim: Sim) -> None:
    from .test_mail import desk_inbox, mail

    await sim.control("POST", "/scene", {"on": True, "every": 3600, "by": ["mail"]})
    await until(lambda: desk_inbox(sim))
    [opening] = desk_inbox(sim)
    customer = opening["From"].addresses[0].addr_spec
    reply = mail(sim, customer, In_Reply_To=opening["Message-ID"], References=opening["Message-ID"])
    await submit(sim, reply)
    await until(lambda: len(desk_inbox(sim)) == 2)
    answer = desk_inbox(sim)[1]
    assert answer["In-Reply-To"] == reply["Message-ID"]
    assert "> It ships today" in answer.get_content()


async def test_without_a_number_the_scene_waits(sim: Sim) -> None:
    sim.world.store.run("DELETE FROM numbers")
    await sim.control("POST", "/scene", {"on": True, "every": 3600, "by": ["text"]})
    await sim.settle()
    assert not await sim.truth("text.inbound")
