"""The obvious program: an object mapper, about eight statements and a transaction for each message, on our tables.

It is kept fair: the mapper is asynchronous and pooled, statements are cached, row-level security is passed over, the
event's number comes from a sequence (ours is gapless), nobody is notified, and the raw delivery is not kept.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

import frontdesk.app.migrate  # noqa: F401  (fills the metadata)
from frontdesk.kit.tables import metadata


class Mapped(DeclarativeBase):
    metadata = metadata


class Inbox(Mapped):
    __table__ = metadata.tables["inboxes"]


class Contact(Mapped):
    __table__ = metadata.tables["contacts"]


class Point(Mapped):
    __table__ = metadata.tables["contact_points"]


class Conversation(Mapped):
    __table__ = metadata.tables["conversations"]


class Message(Mapped):
    __table__ = metadata.tables["messages"]


class Event(Mapped):
    __table__ = metadata.tables["events"]


class Store:
    """Keeps one message at a time."""

    def __init__(self, database_url: str, workspace_id: int, inbox_id: int) -> None:
        url = database_url.replace("postgresql://", "postgresql+asyncpg://")
        engine = create_async_engine(url, pool_size=20, max_overflow=0, pool_timeout=60)
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._workspace_id, self._inbox_id = workspace_id, inbox_id

    async def keep(self, fields: dict[str, str]) -> None:
        for _ in range(20):
            try:
                async with self._sessions() as session, session.begin():
                    await self._keep(session, fields)
                return
            except IntegrityError:  # another request made the same contact at the same moment
                await asyncio.sleep(0.01)
        raise RuntimeError("never stored")

    async def _point(self, session: AsyncSession, number: str) -> Point:
        """The sender's address, and the contact that it belongs to; found or made."""
        workspace_id = self._workspace_id
        point = await session.scalar(
            select(Point).where(
                Point.workspace_id == workspace_id,
                Point.kind == "phone",
                Point.scope == "",
                Point.value == number,
            )
        )
        if point is None:
            contact = Contact(workspace_id=workspace_id, name=number)
            session.add(contact)
            await session.flush()
            point = Point(
                workspace_id=workspace_id,
                contact_id=contact.id,
                kind="phone",
                scope="",
                value=number,
                verified=True,
            )
            session.add(point)
            await session.flush()
        else:
            await session.get(Contact, (workspace_id, point.contact_id))
        return point

    async def _keep(self, session: AsyncSession, fields: dict[str, str]) -> None:
        workspace_id, now = self._workspace_id, datetime.now(UTC)
        inbox = await session.get(Inbox, (workspace_id, self._inbox_id))
        if inbox is None:
            raise LookupError("no inbox")
        point = await self._point(session, fields["From"])
        known = select(Message.id).where(
            Message.workspace_id == workspace_id,
            Message.inbox_id == inbox.id,
            Message.external_id == fields["MessageSid"],
        )
        if await session.scalar(known):
            return
        conversation = await session.scalar(
            select(Conversation).where(
                Conversation.workspace_id == workspace_id, Conversation.contact_id == point.contact_id,
                Conversation.join_key == 0,
            )
        )  # fmt: skip
        if conversation is None:
            conversation = Conversation(workspace_id=workspace_id, contact_id=point.contact_id, join_key=0, last_at=now)
            session.add(conversation)
            await session.flush()
        message = Message(
            workspace_id=workspace_id, conversation_id=conversation.id, direction="in", audience="contact",
            inbox_id=inbox.id, point_id=point.id, text=fields["Body"], external_id=fields["MessageSid"],
            meta={"to": fields["To"]}, at=now,
        )  # fmt: skip
        session.add(message)
        await session.flush()
        conversation.message_count = Conversation.message_count + 1
        conversation.inbound_count = Conversation.inbound_count + 1
        conversation.last_at = conversation.last_inbound_at = now
        conversation.last_message_id, conversation.last_preview = message.id, fields["Body"][:200]
        conversation.rev = Conversation.rev + 1
        session.add(
            Event(
                workspace_id=workspace_id, seq=func.nextval("outbox_fence") + (1 << 40), at=now, kind="MessageReceived",
                conversation_id=conversation.id, message_id=message.id, contact_id=point.contact_id, facts={},
            )
        )  # fmt: skip
