"""Is the process alive, can it work, and how much waits."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from frontdesk.app.migrate import revision, why_not_work
from frontdesk.kit.context import Resources

_WAITING = {
    "frontdesk_raw_backlog": (
        "Deliveries that are stored and not yet read.",
        "select count(*) from raw_deliveries where state = 'new'",
    ),
    "frontdesk_raw_oldest_seconds": (
        "Age of the oldest of them.",
        "select coalesce(extract(epoch from now() - min(received_at)), 0) from raw_deliveries where state = 'new'",
    ),
    "frontdesk_set_aside": (
        "Deliveries that could not be read.",
        "select count(*) from raw_deliveries where state = 'set_aside'",
    ),
    "frontdesk_outbox_oldest_seconds": (
        "How long the oldest message that is due has been waiting.",
        "select greatest(coalesce(extract(epoch from now() - min(due_at)), 0), 0) from outbox"
        " where state = 'queued' and due_at <= now()",
    ),
}


@get("/livez", include_in_schema=False, media_type="text/plain")
async def livez() -> str:
    """The event loop turns."""
    return "ok"


@get("/readyz", include_in_schema=False)
async def readyz(resources: NamedDependency[Resources]) -> Response[dict[str, Any]]:
    """The database answers, has a schema that this version can work with, and there is room to store."""
    try:
        async with resources.db.pool.acquire() as connection:
            found = await revision(connection)
            durable = await connection.fetchval(
                "select current_setting('fsync') = 'on' and current_setting('synchronous_commit') <> 'off'"
            )
    except Exception as error:
        return Response(
            {"ready": False, "why": f"the database does not answer: {type(error).__name__}"}, status_code=503
        )
    if sentence := why_not_work(found):
        return Response({"ready": False, "why": sentence}, status_code=503)
    if not durable:
        return Response(
            {"ready": False, "why": "fsync or synchronous_commit is off: messages could be lost"}, status_code=503
        )
    if sentence := resources.disk.full():
        return Response({"ready": False, "why": f"{sentence} Reading goes on."}, status_code=503)
    return Response({"ready": True, "revision": found})


@get("/metrics", include_in_schema=False, media_type="text/plain")
async def metrics(resources: NamedDependency[Resources]) -> Response[bytes]:
    """What waits, for Prometheus. No names, no addresses."""
    registry = CollectorRegistry()
    async with resources.db.across() as tx:
        for name, (words, sql) in _WAITING.items():
            Gauge(name, words, registry=registry).set(float(await tx.fetchval(sql)))
        states = Gauge("frontdesk_outbox", "Outgoing messages by state.", ["state"], registry=registry)
        for row in await tx.fetch(
            "select state, count(*) as n from outbox where state not in ('accepted', 'cancelled') group by state"
        ):
            states.labels(row["state"]).set(row["n"])
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}, media_type="text/plain")


ROUTES = [livez, readyz, metrics]
