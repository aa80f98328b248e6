"""The foundation's own mistakes and ends: said at once, in a sentence."""

from __future__ import annotations

import asyncio

import pytest

from frontdesk.kit import hiding, jobs
from frontdesk.kit.context import Resources
from frontdesk.kit.deadlines import Deadlines
from frontdesk.kit.secrets import KeyProblem, Vault
from frontdesk.kit.transaction import Database


async def test_a_job_has_one_handler_and_no_job_is_without_one(db: Database) -> None:
    name = next(iter(jobs.JOBS))
    with pytest.raises(ValueError, match="two jobs are called"):
        jobs.job(name)(jobs.JOBS[name])
    async with db.across() as tx:
        with pytest.raises(KeyError, match="no handler"):
            await jobs.enqueue(tx.raw, "nobody.knows", {})


async def test_a_job_that_says_nothing_when_it_is_given_up(resources: Resources) -> None:
    await jobs._give_up(resources, "nobody.knows", {})


async def test_who_looks_across_workspaces_has_none(db: Database) -> None:
    async with db.across() as tx:
        with pytest.raises(RuntimeError, match="no workspace of its own"):
            _ = tx.workspace_id


def test_a_vault_has_whole_keys_and_only_a_file_is_rotated() -> None:
    for keys in ([], [b"short"]):
        with pytest.raises(KeyProblem, match="32 bytes"):
            Vault(keys)
    with pytest.raises(KeyProblem, match="opened from a file"):
        Vault([bytes(32)]).rotated()


async def test_who_does_not_end_in_time_is_told_once() -> None:
    told: list[int] = []

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append(1)
            for _ in range(20):
                await asyncio.sleep(0.02)
            raise

    with pytest.raises(TimeoutError):
        await Deadlines().keep(stubborn(), 0.05)
    assert told == [1]


def test_credentials_are_hidden_in_whatever_a_line_of_the_log_holds() -> None:
    hiding.remember(["s3cret-value"])
    line = {"event": "x", "headers": {"authorization": ["Bearer s3cret-value", 5]}}
    assert hiding.hidden(None, "", line) == {"event": "x", "headers": {"authorization": [f"Bearer {hiding.HIDDEN}", 5]}}
