"""A gentle living demo: demo customers write now and then, and answer what the desk writes back.

Every sentence is canned. A talk has an opening and a few answers, given one by one as the desk replies; then the
customer is content and falls silent, so that two machines cannot talk to each other for ever.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import msgspec

from .customers import Customer, all_customers, customer_at
from .mail import letters
from .picture import parcel
from .twilio import carrier, inbound
from .world import World


class Topic(msgspec.Struct, frozen=True):
    subject: str
    opening: str
    answers: tuple[str, ...]
    picture: bool = False


TOPICS = (
    Topic(
        "Opening hours on Saturday",
        "Hi! Are you open this Saturday, and until when?",
        ("Great, and is there parking close by?", "Perfect, thanks. See you on Saturday!"),
    ),
    Topic(
        "Order 1042",
        'Hello, my order 1042 still says "preparing". Can you tell me when it ships?',
        ("OK. Can I still change the delivery address?", "That's all I needed, thank you."),
    ),
    Topic(
        "Damaged parcel",
        "My parcel arrived like this today. The lamp inside seems fine but the foot is scratched.",
        ("A replacement would be lovely.", "Super quick, thank you so much!"),
        picture=True,
    ),
    Topic(
        "Booking for next week",
        "Do you have a free appointment next Tuesday or Wednesday afternoon?",
        ("Wednesday at 3 would be great.", "Booked, thanks!"),
    ),
    Topic(
        "Question about an invoice",
        "I think I was charged twice for the same order. Could you have a look, please?",
        ("Yes, the second one is from Monday.", "Wonderful, I see the refund now. Thank you!"),
    ),
    Topic(
        "Gift wrapping",
        "Do you offer gift wrapping? It's for a birthday on Friday.",
        ('Blue paper, please. And a card that says "Happy birthday".', "You are the best, thanks!"),
    ),
    Topic(
        "Warranty",
        "The dimmer I bought last year stopped working. Is that still under warranty?",
        ("I found the receipt: 14 March.", "OK, I'll bring it in. Thank you!"),
    ),
    Topic(
        "Bulk order",
        "We need 40 desk lamps for an office. Is there a discount for that quantity?",
        ("That sounds fair. How long would it take?", "Thanks, I'll talk to my colleagues and come back to you."),
    ),
)


class Scene(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``every`` is the mean time between two openings in seconds; ``by`` are the ways customers write."""

    on: bool = True
    every: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 45.0
    by: tuple[str, ...] = ("text", "mail")


def current(world: World) -> Scene:
    saved = world.setting("scene")
    return msgspec.json.decode(saved, type=Scene) if saved else Scene(on=False)


def direct(world: World, scene: Scene) -> None:
    """Start, change or stop the scene. The first customer writes at once."""
    with world.store.transaction():
        world.set("scene", msgspec.json.encode(scene).decode())
        world.agenda.forget("scene.write")
        world.agenda.forget("scene.answer")
        world.store.run("UPDATE customers SET step = 0")
        if scene.on:
            world.agenda.add("scene.write", {})


async def write(world: World, payload: dict[str, Any]) -> None:
    """Somebody who is not in a talk begins one; then the next opening is planned."""
    scene, chance = current(world), world.faults.chance("scene")
    if not scene.on:
        return
    world.agenda.add("scene.write", {}, after=scene.every * chance.uniform(0.5, 1.5))
    idle = [who for who in all_customers(world) if who.name.startswith("Demo ") and not _step(world, who)]
    if not idle:
        return
    who = chance.choice(idle)
    topic_number = (int(world.setting("scene.topic", "-1")) + 1) % len(TOPICS)
    topic = TOPICS[topic_number]
    world.set("scene.topic", str(topic_number))
    world.store.run("UPDATE customers SET topic = ?, step = 1 WHERE id = ?", topic_number, who.id)
    ways = [way for way in scene.by if (who.number if way == "text" else who.email)]
    with contextlib.suppress(LookupError):  # no number or mailbox of the desk yet
        _say(world, who, chance.choice(ways or ["text"]), topic.opening, topic=topic, desk=_desk_number(world))


def noticed(world: World, address: str, desk: str) -> None:
    """The desk wrote to somebody: if that is part of a talk, plan the next answer."""
    who = customer_at(world, address)
    if not current(world).on or who is None or not (step := _step(world, who)):
        return
    answers = TOPICS[_topic(world, who)].answers
    if step > len(answers):
        world.store.run("UPDATE customers SET step = 0 WHERE id = ?", who.id)
        return
    wait = world.pace * world.faults.chance("scene.wait").uniform(4, 12)
    plan = {"customer": who.id, "way": "mail" if "@" in address else "text", "step": step, "desk": desk}
    world.agenda.add("scene.answer", plan, after=wait, lane=f"scene {who.id}")


async def answer(world: World, payload: dict[str, Any]) -> None:
    """Give one answer. Several replies of the desk to the same words get only one."""
    row = world.store.row("SELECT email, number, topic, step FROM customers WHERE id = ?", payload["customer"])
    if row is None or row["step"] != payload["step"] or not current(world).on:
        return
    who = customer_at(world, row["number"] or row["email"])
    topic = TOPICS[row["topic"] % len(TOPICS)]
    if who is None:
        return
    world.store.run("UPDATE customers SET step = step + 1 WHERE id = ?", who.id)
    with contextlib.suppress(LookupError):
        _say(world, who, payload["way"], topic.answers[row["step"] - 1], desk=payload["desk"])


def _say(world: World, who: Customer, way: str, words: str, *, desk: str, topic: Topic | None = None) -> None:
    """Write to the desk; an opening has its topic with it, an answer quotes the mail that it answers."""
    with_picture = topic is not None and topic.picture
    if way == "mail":
        files = [letters.File(name="parcel.png", content_type="image/png", data=parcel())] if with_picture else []
        text = f"{words}\n\nKind regards\n{who.name}\n"
        subject = topic.subject if topic else ""
        letters.send(world, who, letters.NewMail(text=text, subject=subject, attachments=files, reply=topic is None))
    elif who.number:
        pictures = [carrier.Picture(content_type="image/png", data=parcel())] if with_picture else []
        inbound.receive(world, customer=who.number, desk=desk, body=words, pictures=pictures)


def _desk_number(world: World) -> str:
    return str(world.store.value("SELECT number FROM numbers ORDER BY rowid LIMIT 1") or "")


def _step(world: World, who: Customer) -> int:
    return int(world.store.value("SELECT step FROM customers WHERE id = ?", who.id) or 0)


def _topic(world: World, who: Customer) -> int:
    return int(world.store.value("SELECT topic FROM customers WHERE id = ?", who.id) or 0) % len(TOPICS)
