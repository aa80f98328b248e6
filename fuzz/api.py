"""``python -m fuzz.api``: random requests, made from docs/openapi.json, to the real application on a real database.

Half of them come from an owner and half from somebody who sees only what is assigned to them. Ends with status 1 on an
answer of 500 or above, or one that is not as the description says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from frontdesk.app import http, serving
from frontdesk.app.starting import set_up_logging
from frontdesk.kit.context import Resources
from frontdesk.kit.files import open_store
from frontdesk.kit.secrets import Vault
from frontdesk.kit.settings import Settings
from frontdesk.kit.transaction import Database
from fuzz import ground
from fuzz.furniture import furnish, token

ROOT = Path(__file__).parents[1]
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,ignored_auth"
)
OPERATIONS, COVERED = 88, 3000  # about: operations, and the cases that schemathesis makes for them in any event


@dataclass(frozen=True)
class Asked:
    """What came of one run: schemathesis' verdict (0 is good) and words, and how often each status was answered."""

    name: str
    code: int
    statuses: Counter[str]
    said: str

    def __str__(self) -> str:
        counts = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        return f"{self.said[-20_000:] if self.code else ''}{self.name}: {counts}"


def serve(listening: socket.socket, connect: dict[str, Any], place: Path, url: str) -> None:
    """A web process; ended from outside."""
    import uvloop

    async def run() -> None:
        db = await Database.open(connect, size=12)
        vault, files = Vault.open(place / "secrets.key"), open_store(place / "files")
        app = http.create(Resources(settings=Settings(home=place, url=url), db=db, vault=vault, files=files))
        await serving.serve(app, [listening], asyncio.Event())

    sys.stderr = (place / "web.log").open("w")
    set_up_logging()
    uvloop.run(run())


@contextmanager
def web(connect: dict[str, Any], place: Path) -> Iterator[str]:
    """The address of a running web process."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(listening, connect, place, url))
    process.start()
    listening.close()
    try:
        yield url
    finally:
        process.terminate()
        process.join(20)
        process.kill()


async def requests(url: str, bearer: str, place: Path, *, name: str, cases: int, seed: int) -> Asked:
    """Let schemathesis ask, with this token."""
    report = place / f"{name}.ndjson"
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(ROOT / "fuzz" / "schemathesis.toml"),
        "run", str(ROOT / "docs" / "openapi.json"), "--url", url, "--checks", CHECKS, "--seed", str(seed),
        "--header", f"Authorization: Bearer {bearer}", "--max-examples", str(max(1, (cases - COVERED) // OPERATIONS)),
        "--phases", "coverage,fuzzing,stateful", "--exclude-operation-id", "streamEvents", "--no-color",
        "--generation-database", "none", "--suppress-health-check", "all", "--report", "ndjson",
        "--report-ndjson-path", str(report), "--continue-on-failure", "--request-timeout", "60",
        "--generation-with-security-parameters", "false", "--warnings", "off",
    ]  # fmt: skip
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz.hooks", "FUZZ_POOLS": str(place / "pools.json"),
               "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}  # fmt: skip
    made = await asyncio.create_subprocess_exec(
        *command, cwd=place, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await made.communicate()
    finally:
        if made.returncode is None:
            made.terminate()
            await made.wait()
    statuses: Counter[str] = Counter(
        re.findall(r'"status_code": ?(\d+)', report.read_text() if report.exists() else "")
    )
    return Asked(name, made.returncode or 0, statuses, said.decode(errors="replace"))


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.api", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if ours := asyncio.current_task():  # whoever stops this stops what it started, too
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ours.cancel)
    began = time.monotonic()
    async with ground.folder() as place, ground.opened(place) as (resources, server):
        owner = await ground.workspace(resources)
        with web(server.connect_args, place) as url:
            whole = await token(resources, owner, owner.user_id, "owner")
            async with httpx.AsyncClient(
                base_url=url, headers={"Authorization": f"Bearer {whole}"}, timeout=60
            ) as client:
                pools = await furnish(resources, owner, client)
            somebody = max(one for one in pools["user_id"] if one % 2 == 0)  # nobody meets it: see ``hooks``
            pools["user_id"].remove(somebody)
            (place / "pools.json").write_text(json.dumps(pools))
            restricted = await token(resources, owner, somebody, "user")
            async with resources.db.begin(owner.workspace_id) as tx:
                await tx.execute("update users set only_assigned = true where id = $1", somebody)
                await tx.execute("update conversations set assignee_id = $1 where id % 3 = 0", somebody)
            runs = await asyncio.gather(
                *(
                    requests(url, bearer, place, name=name, cases=given.cases // 2, seed=given.seed + n)
                    for n, (name, bearer) in enumerate((("owner", whole), ("restricted", restricted)))
                )
            )
        for run in runs:
            print(run)
    total = sum(sum(run.statuses.values()) for run in runs)
    failed = max(run.code for run in runs)
    verdict = "FAILED" if failed else "all as described"
    print(f"{total:,} requests, seed {given.seed}, {time.monotonic() - began:.0f} s: {verdict}")
    return failed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
