"""``frontdesk``: every command, and nothing but the words around them. Each imports what it needs when it runs."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from frontdesk import __version__
from frontdesk.app import starting
from frontdesk.kit.errors import Problem
from frontdesk.kit.postgres import PostgresError
from frontdesk.kit.secrets import KeyProblem
from frontdesk.kit.settings import Settings

Run = Callable[[Settings, argparse.Namespace], Awaitable[int | None]]


def say(line: str) -> None:
    with contextlib.suppress(OSError):  # into a file on a full disk: what said it goes on
        print(line, flush=True)


def main(argv: list[str] | None = None) -> None:
    """Run one command; ends the process with its status."""
    arguments = _parser().parse_args(argv)
    starting.set_up_logging()
    try:
        settings = Settings.from_environment()
        sys.exit(_run(arguments.run, settings, arguments) or 0)
    except (Problem, PostgresError, KeyProblem, ValueError, OSError) as error:
        print(getattr(error, "detail", None) or str(error), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _run(command: Run, settings: Settings, arguments: argparse.Namespace) -> int | None:
    try:
        import uvloop
    except ImportError:  # pragma: no cover  (Windows)
        return asyncio.run(command(settings, arguments))  # type: ignore[arg-type]
    return uvloop.run(command(settings, arguments))  # type: ignore[arg-type]


# --- commands -----------------------------------------------------------------------------------------------------


async def _serve(settings: Settings, arguments: argparse.Namespace) -> None:
    await starting.run(settings, web=arguments.web, worker=arguments.worker, say=say)


async def _demo(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app.demo import demo

    await demo(settings, say=say)


async def _migrate(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import process

    async with process.connected(settings):
        say("The database is up to date.")


async def _user_create(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import commands, process

    password = arguments.password or getpass.getpass("Password: ")
    async with process.connected(settings) as resources:
        say(await commands.create_user(resources, arguments.email, arguments.name, arguments.role, password))


async def _token_create(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import commands, process

    async with process.connected(settings) as resources:
        say(await commands.create_token(resources, arguments.email, arguments.name, arguments.scope))


async def _inbox_list(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import commands, process

    async with process.connected(settings) as resources:
        for line in await commands.list_inboxes(resources):
            say(line)


async def _replay(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import commands, process

    async with process.connected(settings) as resources:
        count = await commands.replay(resources, arguments.ids, everything=arguments.all)
        say(f"{count} deliveries will be read again.")


async def _rotate(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import commands, process

    async with process.connected(settings) as resources:
        count = await commands.rotate(resources)
        say(
            f"A new key seals from now on; {count} credentials were sealed again."
            " Restart running processes so that they read it."
        )


async def _mail_show(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import commands

    read = sys.stdin.buffer.read if arguments.file == "-" else Path(arguments.file).read_bytes
    shown = await asyncio.to_thread(commands.show, ".eml", await asyncio.to_thread(read))
    say(json.dumps(shown, ensure_ascii=False, indent=2))


async def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    from frontdesk.app import process
    from frontdesk.app.verify import compared, heads, told, verify

    results, wrong = [], 0
    async with process.connected(settings) as resources:
        if arguments.audit_head:
            say("\n".join(await heads(resources.db, arguments.workspace)))
            return 0
        store = resources if arguments.files else None
        asked = verify(resources.db, only=arguments.workspace, store=store)
        if arguments.audit_head_was:
            asked = compared(resources.db, arguments.audit_head_was)
        async for result in asked:
            wrong += not result.ok
            if arguments.json:
                results.append({**asdict(result), "ok": result.ok})
            elif not result.ok or arguments.all:
                for line in told(result):
                    say(line)
    if arguments.json:
        say(json.dumps(results, ensure_ascii=False, indent=2))
    else:
        say(f"{wrong} checks found something wrong." if wrong else "Nothing is wrong.")
    return 1 if wrong else 0


async def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    from frontdesk.app import doctor

    found = []
    async for finding in doctor.examine(settings):
        found.append(finding)
        if not arguments.json:
            say(f"{finding.state:<5} {finding.check}: {finding.sentence}")
    if arguments.json:
        say(json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=2))
    return 1 if any(finding.state == "fail" for finding in found) else 0


async def _backup(settings: Settings, arguments: argparse.Namespace) -> None:
    from frontdesk.app import backup as backups
    from frontdesk.app import process

    if arguments.verify:
        with backups.opened(arguments.file) as (archive, manifest):
            backups.check(archive, manifest, say)
            say(f"Made by Frontdesk {manifest.version} at {manifest.at}: {manifest.rows('messages'):,} messages.")
        return
    async with process.owning(settings) as owner:
        made = await backups.backup(
            settings, owner, arguments.file, with_key=arguments.with_key, say=_progress(arguments)
        )
    size = arguments.file.stat().st_size / 1024 / 1024
    say(f"{arguments.file}: {made.rows('messages'):,} messages, {size:,.1f} MB.")
    if not made.key:
        say("The key file is not in it: without it, the credentials of inboxes cannot be opened. Keep it elsewhere.")


async def _restore(settings: Settings, arguments: argparse.Namespace) -> int:
    from frontdesk.app import process
    from frontdesk.app.restore import restore

    async with process.owning(settings, alone=True) as owner:
        manifest, held = await restore(
            settings, owner, arguments.file, replace=arguments.replace, say=_progress(arguments)
        )
    say(f"Restored: {manifest.rows('messages'):,} messages as of {manifest.at}.")
    if held:
        say(f"{held:,} messages that were waiting are held. Nothing goes out by itself: see Settings, Health.")
    say("Everybody signs in again. API tokens that were revoked since then are valid again: look at them.")
    asked = ["verify", *(["--files"] if manifest.files is not None else [])]
    return await _verify(settings, _parser().parse_args(asked))


def _progress(arguments: argparse.Namespace) -> starting.Say:
    """A line for each table, for whoever sits there; nothing in a log of a nightly run."""
    return say if sys.stdout.isatty() or arguments.verbose else lambda line: None


async def _alerts(settings: Settings, arguments: argparse.Namespace) -> int:
    from frontdesk.app import alerts

    return _kept(
        arguments, alerts.prometheus(), "The rules have changed: run `frontdesk alerts`, commit docs/alerts.yml."
    )


async def _openapi(settings: Settings, arguments: argparse.Namespace) -> int:
    from frontdesk.app import commands

    stale = "The API has changed: run `frontdesk openapi` and commit docs/openapi.json."
    return _kept(arguments, commands.openapi(), stale)


def _kept(arguments: argparse.Namespace, text: str, stale: str) -> int:
    """Write a file that is made from the code, or only say whether it is what it should be."""
    if arguments.check:
        fresh = arguments.file.exists() and arguments.file.read_text() == text
        say(f"{arguments.file} is up to date." if fresh else stale)
        return 0 if fresh else 1
    arguments.file.write_text(text)
    say(f"Wrote {arguments.file}.")
    return 0


# --- their words --------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="frontdesk", description="Every text, email, call and chat of a business in one inbox."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands_of = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(to: Any, name: str, words: str, run: Run, **defaults: Any) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = to.add_parser(name, help=words, description=words)
        made.set_defaults(run=run, **defaults)
        return made

    def group(name: str, words: str) -> Any:
        return commands_of.add_parser(name, help=words, description=words).add_subparsers(
            required=True, metavar="COMMAND"
        )

    add(commands_of, "run", "Run everything: database, web and worker.", _serve, web=True, worker=True)
    add(commands_of, "demo", "Run everything with a demo workspace and simulated providers.", _demo)
    add(commands_of, "web", "Run only the web process.", _serve, web=True, worker=False)
    add(commands_of, "worker", "Run only the worker.", _serve, web=False, worker=True)
    add(commands_of, "migrate", "Bring the database to this version.", _migrate)
    user = add(
        group("user", "People who sign in."),
        "create",
        "Add somebody (the first one makes the workspace).",
        _user_create,
    )
    user.add_argument("email")
    user.add_argument("--name", default="")
    user.add_argument("--role", choices=("owner", "admin", "user"), default="owner")
    user.add_argument("--password", help="asked for when it is not given")
    token = add(group("token", "API tokens."), "create", "Print a new token; it is shown this once.", _token_create)
    token.add_argument("--email", help="whose token (default: the first owner's)")
    token.add_argument("--name", default="command line")
    token.add_argument(
        "--scope", action="append", help="may be given several times (default: everything that the user may do)"
    )
    add(group("inbox", "Connected accounts."), "list", "Print every inbox and how it is.", _inbox_list)
    replay = add(commands_of, "replay", "Read deliveries again that were set aside.", _replay)
    replay.add_argument("ids", nargs="*", type=int, help="numbers of deliveries")
    replay.add_argument("--all", action="store_true", help="all that are set aside")
    add(
        group("secrets", "The key that seals credentials."),
        "rotate",
        "Make a new key and seal everything with it.",
        _rotate,
    )
    mail = add(group("mail", "Looking at mail."), "show", "Print what Frontdesk reads in a mail, as JSON.", _mail_show)
    mail.add_argument("file", help="an .eml file, or - for standard input")
    _add_operating(add, commands_of)
    openapi = add(commands_of, "openapi", "Write the API description.", _openapi)
    openapi.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    openapi.add_argument("--file", type=Path, default=Path("docs/openapi.json"))
    return parser


def _add_operating(add: Callable[..., argparse.ArgumentParser], commands_of: Any) -> None:
    checked = add(commands_of, "verify", "Check that the database holds what it promises to hold.", _verify)
    checked.add_argument("--workspace", type=int, action="append", default=[], help="only this one; may be repeated")
    checked.add_argument("--files", action="store_true", help="also look up every file that a message names")
    checked.add_argument("--audit-head", action="store_true", help="only print where each audit ends, to be noted")
    checked.add_argument(
        "--audit-head-was", action="append", default=[], metavar="HEAD", help="only compare with a head that was noted"
    )
    checked.add_argument("--all", action="store_true", help="also print the checks that found nothing")
    checked.add_argument("--json", action="store_true", help="print every result, for programs")
    asked = add(commands_of, "doctor", "Check that this installation is set up so that it can work.", _doctor)
    asked.add_argument("--json", action="store_true", help="print every finding, for programs")
    rules = add(commands_of, "alerts", "Write the alert rules for Prometheus.", _alerts)
    rules.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    rules.add_argument("--file", type=Path, default=Path("docs/alerts.yml"))
    _add_backup(add, commands_of)


def _add_backup(add: Callable[..., argparse.ArgumentParser], commands_of: Any) -> None:
    made = add(commands_of, "backup", "Write everything into one file; Frontdesk may run meanwhile.", _backup)
    made.add_argument("file", type=Path)
    made.add_argument("--with-key", action="store_true", help="also the key file: whoever has it reads credentials")
    made.add_argument("--verify", action="store_true", help="only read an existing backup and compare its checksums")
    again = add(commands_of, "restore", "Make a backup the database of this installation.", _restore)
    again.add_argument("file", type=Path)
    again.add_argument("--replace", action="store_true", help="delete the workspaces that are here")
    for parser in (made, again):
        parser.add_argument("--verbose", action="store_true", help="print every table, also when nobody looks on")


if __name__ == "__main__":
    main()
