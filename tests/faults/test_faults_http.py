"""HTTP on a bad network: a simulated Twilio and a gateway behind the proxy, and slow senders before our own hooks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from conversations.office import Office
from faults.gateway import Gateway
from faults.processes import TOKEN, delivery
from faults.proxy import Fault, Plan, Proxy
from frontdesk.app import hooks, http, serving
from frontdesk.channels.port import Raw
from frontdesk.channels.sms import kannel
from frontdesk.inboxes import actions
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit import clock, fetch
from frontdesk.kit.context import Actor, Resources
from frontdesk.vendors import twilio
from sim.conftest import Sim
from sim.conftest import running as simulated

TEXT = [("From", "+15005550006"), ("To", "+12025550101"), ("Body", "Hello")]


@pytest.fixture(scope="module")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sim]:
    async with simulated(tmp_path_factory.mktemp("simulator")) as made:
        yield made


@pytest.fixture
async def sim(simulator: Sim) -> Sim:
    simulator.learn(await simulator.control("POST", "/reset"))
    return simulator


@pytest.fixture
async def proxy(sim: Sim) -> AsyncIterator[Proxy]:
    async with Proxy(int(sim.world.base_url.rsplit(":", 1)[1])) as made:
        yield made


async def send(sim: Sim, proxy: Proxy, *, timeout: float = 10) -> dict[str, Any]:
    client = twilio.Twilio(sim.account, sim.token, api_base=f"http://127.0.0.1:{proxy.port}", timeout=timeout)
    return await client.create_message([("From", sim.number), *TEXT[1:]])


async def taken(sim: Sim) -> int:
    return len((await sim.twilio("GET", "/Messages.json")).json()["messages"])


async def test_a_request_that_never_left_is_known_not_to_have_arrived(sim: Sim) -> None:
    async with Proxy(1) as gone:
        pass
    with pytest.raises(twilio.NotReached):
        await send(sim, gone)


@pytest.mark.parametrize(
    ("plan", "arrives"),
    [
        (Plan(refused=True), 0),
        (Plan(to_server=Fault(after=40, then="reset")), 0),
        (Plan(to_server=Fault(upon=b"Body=Hello", then="reset")), 1),
        (Plan(to_client=Fault(after=0, then="close")), 1),
        (Plan(to_client=Fault(upon=b'"sid":', then="close")), 1),
        (Plan(to_client=Fault(upon=b'"sid":', then="reset")), 1),
        (Plan(to_client=Fault(corrupt=9)), 1),
    ],
    ids=["refused", "in the request", "after the request", "before the answer", "short answer", "cut answer", "status"],
)
async def test_a_request_that_was_cut_may_have_arrived(sim: Sim, proxy: Proxy, plan: Plan, arrives: int) -> None:
    proxy.plans = [plan]
    with pytest.raises(twilio.NoAnswer):
        await send(sim, proxy)
    async with asyncio.timeout(30):
        while await taken(sim) < arrives:
            await asyncio.sleep(0.02)
    assert await taken(sim) == arrives
    assert (await send(sim, proxy))["status"] == "queued"


@pytest.mark.parametrize("end", [Fault(after=0, then="hang"), Fault(upon=b'"sid":', then="hang")])
async def test_silence_is_bounded(sim: Sim, proxy: Proxy, end: Fault) -> None:
    proxy.plans = [Plan(to_client=end)]
    began = time.monotonic()
    with pytest.raises(twilio.NoAnswer):
        await send(sim, proxy, timeout=0.5)
    assert time.monotonic() - began < 10


async def test_an_answer_that_drips_is_bounded(sim: Sim, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read is in time, and it would take a quarter of an hour."""
    monkeypatch.setattr(fetch.client, "__kwdefaults__", {**(fetch.client.__kwdefaults__ or {}), "total": 0.5})
    proxy.plans = [Plan(to_client=Fault(rate=1.0))]
    began = time.monotonic()
    with pytest.raises(twilio.NoAnswer):
        await send(sim, proxy)
    assert time.monotonic() - began < 10


# --- a message on its way through a gateway that cannot be asked ----------------------------------------------------


@pytest.fixture
async def texting(resources: Resources, owner: Actor, gateway: Gateway) -> AsyncIterator[tuple[Office, Proxy, int]]:
    """An office whose texts go through the proxy to the gateway, and a conversation to answer in."""
    async with Proxy(gateway.port) as proxy:
        office = Office(resources, owner, {})
        office.line = await office.connect(
            "sms", "Texts", provider="kannel", number="+302100000000", username="desk", password="gateway-password",
            hook_token=TOKEN, url=f"http://127.0.0.1:{proxy.port}/cgi-bin/sendsms",
        )  # fmt: skip
        meta = {"provider": "kannel", "received_at": clock.now().isoformat()}
        raw = Raw(dedupe_key="in:1", body=urlencode({"from": "+302101111111", "text": "Hi"}).encode(), meta=meta)
        async with office.db.begin(office.workspace) as tx:
            await actions.store(tx, office.line, [raw])
        await office.ingest()
        yield office, proxy, (await office.fetch("select id from conversations"))[0]["id"]


async def test_what_was_certainly_not_taken_is_sent_again_by_itself(
    texting: tuple[Office, Proxy, int], gateway: Gateway
) -> None:
    office, proxy, talk = texting
    port, proxy.port = proxy.port, 0
    await proxy.__aexit__()  # nobody listens there
    message = await office.write(talk, "once")
    await office.dispatch()
    assert (await office.states(message), gateway.texts) == (("queued", "queued"), [])
    proxy.port = port
    await proxy.__aenter__()
    await office.execute("update outbox set retry_at = null")
    await office.dispatch()
    assert (await office.states(message), gateway.texts) == (("accepted", "accepted"), ["once"])


@pytest.mark.parametrize(
    ("plan", "arrives"),
    [
        (Plan(refused=True), 0),
        (Plan(to_server=Fault(after=30, then="reset")), 0),
        (Plan(to_server=Fault(upon=b"\r\n\r\n", then="reset")), 1),
        (Plan(to_client=Fault(after=20, then="close")), 1),
        (Plan(to_client=Fault(after=0, then="hang")), 1),
    ],
    ids=["refused", "in the request", "after the request", "in the answer", "silence"],
)
async def test_what_may_have_been_taken_is_shown_to_a_person_and_never_sent_twice(
    texting: tuple[Office, Proxy, int], gateway: Gateway, plan: Plan, arrives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kannel, "_TIMEOUT", httpx.Timeout(0.5))
    office, proxy, talk = texting
    proxy.plans = [plan]
    message = await office.write(talk, "once")
    await office.dispatch()
    assert (await office.outbox(message))["state"] == "unknown"
    await office.execute(
        "update outbox set lease_until = now() - interval '1 second', unknown_since = now() - interval '1 hour'"
    )
    await office.dispatch()
    assert await office.states(message) == ("uncertain", "uncertain")
    await gateway.until(arrives)
    assert gateway.texts == ["once"] * arrives


# --- slow senders ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def served(resources: Resources) -> AsyncIterator[int]:
    """The real application on a real port."""
    with serving.opened(resources.settings) as listening:
        listening.listen()
        port = listening.getsockname()[1]
        stop = asyncio.Event()
        task = asyncio.create_task(serving.serve(http.create(resources), [listening], stop))
        try:
            yield port
        finally:
            stop.set()
            await task


async def test_bodies_that_drip_are_cut_off_and_hold_nobody_up(
    resources: Resources, owner: Actor, live_db: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "SECONDS", 1.0)
    monkeypatch.setattr(serving, "LEAVING", 0.2)
    object.__setattr__(resources.settings, "port", 0)
    office = Office(resources, owner, {})
    line = await office.connect(
        "sms", "Texts", provider="kannel", number="+302100000000", username="desk", password="gateway-password",
        hook_token=TOKEN, url="http://127.0.0.1:9/cgi-bin/sendsms",
    )  # fmt: skip
    async with office.db.begin(office.workspace) as tx:
        hook = inboxes.hook_url("", await inboxes.get(tx, line))
    async with served(resources) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        dripping = [asyncio.create_task(drip(port, f"{hook}?{delivery('slow')}")) for _ in range(50)]
        await asyncio.sleep(0)
        for number in range(20):
            assert (await client.get(f"{hook}?{delivery(f'fast {number}')}")).status_code == 200
        answers = await asyncio.gather(*dripping)
    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 503 Service Unavailable"}
    assert all(b"connection: close" in answer.lower() for answer in answers)
    assert await office.value("select count(*) from raw_deliveries") == 20


async def _until_the_end(reader: asyncio.StreamReader) -> bytes:
    """What came before the end of the stream. Whoever goes on sending to a socket that was closed is reset."""
    answer = b""
    with suppress(ConnectionResetError):
        while part := await reader.read(65536):
            answer += part
    return answer


async def drip(port: int, path: str) -> bytes:
    """A POST of which one byte comes at a time; what is answered until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n"
    writer.write(head.encode())
    reading = asyncio.create_task(_until_the_end(reader))
    try:
        async with asyncio.timeout(60):
            while not reading.done():
                writer.write(b"x")
                await asyncio.sleep(0.1)
    finally:
        writer.close()
    return await reading
