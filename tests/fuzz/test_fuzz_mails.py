"""The short form of ``make fuzz-mails``: every broken mail is read, and those that are stored are to be seen."""

from __future__ import annotations

from typing import Any

import pytest

from frontdesk.channels.email import safe
from frontdesk.conversations.handlers import ingest
from frontdesk.kit.context import Actor, Resources
from frontdesk.kit.transaction import Database
from fuzz import mails

pytestmark = pytest.mark.usefixtures("live_db")


async def test_two_thousand_broken_mails_are_messages(resources: Resources, owner: Actor) -> None:
    office = await mails.open_office(resources, owner)
    figures = await mails.run(office, count=2000, seed=1, every=20)
    safe.close()
    assert (figures.lost, figures.raised) == ([], 0)
    assert figures.stored > 90
    assert figures.shown + figures.copies + figures.set_aside == figures.stored


async def test_a_mail_that_is_lost_is_told(
    resources: Resources, owner: Actor, monkeypatch: pytest.MonkeyPatch, db: Database
) -> None:
    """What the fuzzer would say of an ingest that loses, and of a driver that raises."""
    office = await mails.open_office(resources, owner)

    async def nothing(*_: Any) -> None:
        return None

    figures = mails.Figures()
    monkeypatch.setattr(ingest, "receive", nothing)
    await mails.take_in(office, [(1, b"From: a@b.example\r\n\r\nx")], figures)
    assert figures.lost == ["mail 1 is done and nowhere to be seen"]

    def fails(*_: Any) -> None:
        raise ValueError("no")

    monkeypatch.setattr(type(office.driver), "parse", fails)
    assert mails.read(office, b"x", figures)
    await mails.take_in(office, [(2, b"From: c@b.example\r\n\r\nx")], figures)
    assert (figures.raised, figures.set_aside, len(figures.lost)) == (1, 1, 1)
