"""Is the process alive, can it work, how much waits, and does somebody have to look."""

from __future__ import annotations

import hmac
import time
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily

from frontdesk.app import figures
from frontdesk.app.alerts import Alert, Watch
from frontdesk.app.figures import Sample
from frontdesk.app.migrate import revision, why_not_work
from frontdesk.kit import meters
from frontdesk.kit.context import Context, Resources
from frontdesk.kit.errors import NotFound
from frontdesk.kit.secrets import KeyProblem, Vault

SKEW = 2.0  # seconds that our clock may differ from the database's
LOOPBACK = ("127.0.0.1", "::1")
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")  # somebody stands between us and whoever asks

_PROBE = """
select current_setting('fsync') = 'on' and current_setting('synchronous_commit') <> 'off' as durable,
  extract(epoch from clock_timestamp()) as now, pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'
  as read_only
"""


@get("/livez", include_in_schema=False, media_type="text/plain")
async def livez() -> str:
    """The event loop turns."""
    return "ok"


@get("/readyz", include_in_schema=False)
async def readyz(resources: NamedDependency[Resources]) -> Response[dict[str, Any]]:
    """The database takes writes to disk and has a schema that this version can work with, clocks agree, there is room
    to store, and the key is there."""
    if sentence := resources.disk.full():
        return _not_ready(f"{sentence} Reading goes on.")
    try:
        async with resources.db.pool.acquire() as connection:
            found = await revision(connection)
            row = await connection.fetchrow(_PROBE)
            await _write(connection)
    except Exception as error:
        return _not_ready(f"the database does not answer: {type(error).__name__}")
    if sentence := why_not_work(found) or _why_not(row, time.time()) or _key_lost(resources):
        return _not_ready(sentence)
    return Response({"ready": True, "revision": found})


def _not_ready(why: str) -> Response[dict[str, Any]]:
    return Response({"ready": False, "why": why}, status_code=503)


async def _write(connection: Any) -> None:
    """A write that is undone: a database that can only be read says so here."""
    async with connection.transaction():
        await connection.execute("create temporary table if not exists frontdesk_probe (at timestamptz) on commit drop")
        await connection.execute("insert into frontdesk_probe values (clock_timestamp())")


def _why_not(row: Any, now: float) -> str | None:
    if not row["durable"]:
        return "fsync or synchronous_commit is off: messages could be lost"
    if row["read_only"]:
        return "the database can only be read"
    skew = abs(now - float(row["now"]))
    return f"our clock and the database's differ by {skew:.1f} s" if skew > SKEW else None


def _key_lost(resources: Resources) -> str | None:
    """Whether the key file that this process began with can still be read: after a restart it will have to be."""
    path = resources.vault.path
    if path is None:
        return None
    if not path.exists():
        return f"the key file {path} is gone"
    try:
        Vault.open(path)
    except (KeyProblem, OSError) as error:
        return f"the key file cannot be read: {error}"
    return None


# --- figures --------------------------------------------------------------------------------------------------------


@get("/metrics", include_in_schema=False, media_type="text/plain")
async def metrics(request: Request[Any, Any, Any], resources: NamedDependency[Resources]) -> Response[bytes]:
    """For Prometheus. No names, no addresses; and not for strangers all the same."""
    if not _may_read(request, resources):
        raise NotFound("This page")
    samples = [*await figures.collect(resources), *await figures.silent(resources)]
    body = generate_latest(meters.REGISTRY) + _exposed(samples)
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST}, media_type="text/plain")


def _may_read(request: Request[Any, Any, Any], resources: Resources) -> bool:
    """Whoever has the token; without one, this machine, unless a proxy may be speaking for somebody else."""
    token = resources.settings.metrics_token
    if token:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {token}".encode())
    direct = request.client is not None and request.client.host in LOOPBACK
    alone = urlsplit(resources.settings.url).hostname in (*LOOPBACK, "localhost")
    return direct and alone and not any(name in request.headers for name in FORWARDED)


class _Once:
    """A collector of the samples of one look."""

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def collect(self) -> list[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for sample in self._samples:
            names = list(sample.labels)
            family = families.get(sample.name) or GaugeMetricFamily(
                sample.name, figures.WORDS[sample.name], labels=names
            )
            families[sample.name] = family
            family.add_metric([sample.labels[name] for name in names], sample.value)
        return list(families.values())


def _exposed(samples: list[Sample]) -> bytes:
    return generate_latest(_Once(samples))


# --- for admins -----------------------------------------------------------------------------------------------------


class Measured(msgspec.Struct, kw_only=True):
    """One figure of the workspace."""

    name: str
    words: str
    value: float
    labels: dict[str, str]


class HealthReport(msgspec.Struct, kw_only=True):
    """What somebody has to look at, the worst first, and the figures behind it."""

    alerts: list[Alert]
    figures: list[Measured]


@get("/alerts", operation_id="getAlerts", tags=["operation"])
async def alerts(
    context: NamedDependency[Context], resources: NamedDependency[Resources], watch: NamedDependency[Watch]
) -> HealthReport:
    """What is wrong with this installation as far as the workspace is concerned."""
    context.actor.require("workspace:write")
    workspace_id = context.actor.workspace_id
    found = await watch.look(workspace_id)
    samples = await figures.collect(resources, workspace_id)
    return HealthReport(
        alerts=found,
        figures=[
            Measured(name=one.name, words=figures.WORDS[one.name], value=one.value, labels=dict(one.labels))
            for one in samples
        ],
    )


ROUTES = [livez, readyz, metrics]
API_ROUTES = [alerts]
