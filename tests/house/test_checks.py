"""Every check is proved: it finds the violation planted for it, where it was planted, and spares the innocent twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from house import checks
from house.channel_names import channels_are_not_named, screens_do_not_name_channels
from house.reading import House
from test_house import WALLS

Tree = dict[str, str]
SMS, EMAIL = {"channels/sms/__init__.py": ""}, {"channels/email/__init__.py": ""}
LONG_BODY = "    pass\n" * 59

# (check, where the violation is, the guilty source, an innocent one at the same place)
PLANTED: list[tuple[checks.Check, str, str, str]] = [
    (
        checks.back_rooms_are_private,
        "contacts/actions.py",
        "from frontdesk.people import rules",
        "from frontdesk.people import queries, actions",
    ),
    (
        checks.back_rooms_are_private,
        "contacts/actions.py",
        "from frontdesk.people.handlers.mail import remind",
        "from frontdesk.contacts.rules import merge",
    ),
    (
        checks.back_rooms_are_private,
        "contacts/queries/lists.py",
        "import frontdesk.people.routes",
        "import frontdesk.people.models",
    ),
    (
        checks.back_rooms_are_private,
        "contacts/actions.py",
        "from ..people.rules import password_problem",
        "from .rules import merge",
    ),
    (
        checks.only_the_kit_settles,
        "people/actions.py",
        "async def f(tx):\n    await tx.raw.commit()",
        "async def f(tx):\n    await tx.execute('update users set name = $1', 'commit')",
    ),
    (
        checks.only_the_kit_settles,
        "people/actions.py",
        "async def f(tx):\n    await tx.execute('ROLLBACK;')",
        'async def f(tx):\n    "commit"\n',
    ),
    (checks.only_actions_emit, "people/routes.py", "def f(tx): tx.emit(1)", "def f(tx): tx.omit(1)"),
    (checks.only_actions_emit, "people/handlers/mail.py", "def f(tx): g(tx.emit)", "def f(tx): g(tx.emitted)"),
    (checks.few_places_connect, "people/actions.py", "import httpx", "import html"),
    (
        checks.few_places_connect,
        "people/actions.py",
        "from urllib.request import urlopen",
        "from urllib.parse import quote",
    ),
    (checks.few_places_connect, "kit/jobs.py", "def f():\n    import socket", "def f():\n    import stat"),
    (checks.few_places_connect, "vendors/twilio.py", "import requests", "import httpx"),
    (
        checks.few_places_connect,
        "people/actions.py",
        "import asyncio\nasyncio.open_connection('a', 1)",
        "import asyncio\nasyncio.sleep(1)",
    ),
    (
        checks.few_places_connect,
        "people/queries.py",
        "import asyncpg\nasyncpg.connect()",
        "import asyncpg\nraise asyncpg.UniqueViolationError",
    ),
    (
        checks.few_places_connect,
        "channels/sms/gateway.py",
        "import httpx\nfrom frontdesk.kit import fetch\nhttpx.AsyncClient()",
        "import httpx\nfrom frontdesk.kit import fetch\nclient: httpx.AsyncClient = fetch.client(timeout=5)",
    ),
    (
        checks.few_places_connect,
        "vendors/twilio.py",
        "import httpx as web\nweb.AsyncClient()",
        "import httpx as web\nweb.BasicAuth('a', 'b')",
    ),
    (checks.few_places_connect, "vendors/twilio.py", "from httpx import AsyncClient", "from httpx import Timeout"),
    (checks.few_places_connect, "vendors/twilio.py", "import httpx\nhttpx.post(x)", "import httpx\nclient.post(x)"),
    (checks.few_places_connect, "vendors/twilio.py", "import httpcore", "import httpx"),
    (
        checks.few_places_connect,
        "channels/email/smtp.py",
        "import aiosmtplib\naiosmtplib.SMTP(hostname='a', port=25)",
        "import aiosmtplib\naiosmtplib.SMTP(hostname='a', sock=found)",
    ),
    (
        checks.few_places_connect,
        "channels/email/smtp.py",
        "from aiosmtplib import send\nsend(mail, hostname='a')",
        "from aiosmtpd.smtp import SMTP\nSMTP(front)",
    ),
    (checks.few_places_connect, "channels/sms/smpp.py", "import socket", "import ssl"),
    (
        checks.few_places_connect,
        "channels/sms/smpp.py",
        "from frontdesk.kit import fetch\nloop.sock_connect(found, place)",
        "from frontdesk.kit import fetch\nfetch.connect_socket(host, port)",
    ),
    (checks.few_places_connect, "vendors/twilio.py", "loop.create_server(x)", "x.serve()"),
    (
        checks.few_places_connect,
        "channels/sms/smpp.py",
        "import asyncio\nasyncio.open_connection('a', 1)",
        "from frontdesk.kit import fetch\nfetch.connect('a', 1)",
    ),
    (
        checks.everything_ends,
        "vendors/twilio.py",
        "from frontdesk.kit import fetch\nfetch.client()",
        "from frontdesk.kit import fetch\nfetch.client(timeout=5)",
    ),
    (
        checks.everything_ends,
        "channels/email/smtp.py",
        "import aiosmtplib\naiosmtplib.SMTP(sock=found)",
        "import aiosmtplib\naiosmtplib.SMTP(sock=found, timeout=5)",
    ),
    (
        checks.everything_ends,
        "channels/sms/smpp.py",
        "from frontdesk.kit import fetch\nasync def f(): await fetch.connect(a, 1)",
        "from frontdesk.kit import fetch\nasync def f():\n    async with asyncio.timeout(5): await fetch.connect(a, 1)",
    ),
    (checks.one_clock, "people/rules.py", "datetime.now(UTC)", "clock.now()"),
    (checks.one_clock, "people/rules.py", "began = time.time()", "began = time.monotonic()"),
    (checks.one_clock, "people/rules.py", "f = datetime.datetime.utcnow", "f = datetime.datetime.fromtimestamp"),
    (checks.one_clock, "people/rules.py", "from time import time", "from time import monotonic"),
    (checks.one_clock, "people/rules.py", "from frontdesk.kit.clock import now", "from frontdesk.kit import clock"),
    (checks.files_and_functions_stay_short, "people/rules.py", "#\n" * 401, "#\n" * 400),
    (
        checks.files_and_functions_stay_short,
        "people/rules.py",
        f"def f():\n    pass\n{LONG_BODY}",
        f"def f():\n{LONG_BODY}",
    ),
    (
        checks.files_and_functions_stay_short,
        "people/rules.py",
        f"class A:\n    @property\n    async def f(self):\n{LONG_BODY.replace('    ', '        ')}",
        f"class A:\n    async def f(self):\n{LONG_BODY.replace('    ', '        ')}",
    ),
    (checks.names_say_something, "people/rules.py", "class SessionManager: ...", "class Database: ..."),
    (checks.names_say_something, "people/rules.py", "def url_helper(): ...", "def helped(): ..."),
    (checks.only_command_lines_print, "people/rules.py", "print(1)", "sprint(1)"),
    (checks.only_command_lines_print, "app/http.py", "f = print", "footprint = 1"),
    # channels
    (channels_are_not_named, "people/rules.py", "x = a == 'sms'", "x = a == 'sm'"),
    (channels_are_not_named, "people/rules.py", "match a:\n    case 'sms': pass", "match a:\n    case 'smooth': pass"),
    (channels_are_not_named, "people/rules.py", "x = {'sms': 1}", "'''About sms.'''  # 'sms'"),
    (channels_are_not_named, "people/rules.py", "q = \"select 1 where channel = 'sms'\"", "q = 'select sms from x'"),
    (channels_are_not_named, "people/rules.py", "def send_sms(): ...", "def send(): ..."),
    (channels_are_not_named, "people/rules.py", "x = y.sms_limit", "x = y.limit"),
    (
        channels_are_not_named,
        "app/http.py",
        "from frontdesk.channels.sms import CHANNEL",
        "from frontdesk import channels",
    ),
    (channels_are_not_named, "channels/port/drivers.py", "x = 'sms'", "port = 'port'"),
    # the everyday word
    (channels_are_not_named, "people/rules.py", "x = inbox.channel == 'email'", "x = point.kind == 'email'"),
    (channels_are_not_named, "people/rules.py", "x = a in ('email', 'b')", "x = row['kind'] in ('email', 'b')"),
    (channels_are_not_named, "people/rules.py", "match a:\n    case 'email': pass", "x = {'email': a['email']}"),
    (channels_are_not_named, "people/rules.py", "send('email')", "Column('email', Text)"),
    (channels_are_not_named, "app/cli.py", "add('email')", "user.add_argument('email')"),
    (channels_are_not_named, "people/rules.py", "send(channel='email')", "send(kind='email')"),
    (channels_are_not_named, "people/rules.py", "CHANNELS = {'email', 'b'}", "POINT_KINDS = frozenset({'email', 'b'})"),
    (channels_are_not_named, "people/rules.py", "channel: Literal['email']", "kind: Literal['email', 'b']"),
    (channels_are_not_named, "people/rules.py", "x = {'channel': 'email'}", "x = {'kind': 'email'}"),
    (channels_are_not_named, "people/rules.py", "def f(): return 'email'", "def f(row): return row.get('email')"),
    (channels_are_not_named, "people/rules.py", "q = \"where c = 'email'\"", "q = \"where p.kind = 'email'\""),
    (channels_are_not_named, "people/rules.py", "q = \"where c in ('email')\"", "q = \"where kind in ('a', 'email')\""),
]


def planted(folder: Path, tree: Tree) -> House:
    for where, text in tree.items():
        (folder / where).parent.mkdir(parents=True, exist_ok=True)
        (folder / where).write_text(text)
        for parent in Path(where).parents[:-1]:
            (folder / parent / "__init__.py").touch()
    return House(folder)


@pytest.mark.parametrize(("check", "where", "guilty", "innocent"), PLANTED)
def test_a_planted_violation_is_found(
    check: checks.Check, where: str, guilty: str, innocent: str, tmp_path: Path
) -> None:
    found = check(planted(tmp_path / "guilty", {**SMS, **EMAIL, where: guilty}))
    assert found, "the violation was not found"
    assert all(sentence.startswith(where) for sentence in found)
    assert check(planted(tmp_path / "innocent", {**SMS, **EMAIL, where: innocent})) == []


@pytest.mark.parametrize("entry", ["services.py", "helpers/__init__.py", "page.html"])
def test_a_rooms_unknown_part_is_found(entry: str, tmp_path: Path) -> None:
    (found,) = checks.rooms_have_known_parts(
        planted(tmp_path, {f"people/{entry}": "", "people/rules.py": "", "kit/x.py": ""})
    )
    assert found.startswith(f"people/{entry.split('/')[0]} is not one of")


@pytest.mark.parametrize("where", ["people/service.py", "kit/utils/__init__.py", "app/http_base.py"])
def test_a_hollow_file_is_found(where: str, tmp_path: Path) -> None:
    assert checks.names_say_something(planted(tmp_path, {where: ""})) == [f"{where} has a hollow name"]


def test_places_that_may(tmp_path: Path) -> None:
    """What is forbidden elsewhere is at home here."""
    house = planted(
        tmp_path,
        {
            **SMS,
            "kit/transaction.py": "connection.commit(); tx.emit(1)",
            "kit/fetch.py": "import httpx, socket, asyncio\nasyncio.open_connection()",
            "people/actions/users.py": "tx.emit(1)",
            "app/cli.py": "print(1)",
            "app/demo.py": "import httpx",
            "app/http.py": "from frontdesk.people import routes, handlers",
            "app/migrate.py": "import asyncpg\nasyncpg.connect()",
            "channels/sms/driver.py": "NAME = 'sms'",
            "migrations/versions/0001_first.py": "#\n" * 500,
        },
    )
    assert [sentence for wall in WALLS for sentence in wall(house)] == []


def test_every_check_is_proved() -> None:
    proved = {check for check, *_ in PLANTED} | {checks.rooms_have_known_parts}
    assert proved == set(WALLS)


def test_screens_that_name_a_channel_are_found(tmp_path: Path) -> None:
    guilty = [
        'if (inbox.channel === "sms") {',
        "const name = 'sms'",
        "case `sms`:",
        'if (inbox.channel === "email") {',
        "switch (kind) { /* of channel */ case 'email': }",
    ]
    innocent = ["if (field.kind === 'email') {", '<input type="email" />', "// sms", "t('emails')", "const smsish = 1"]
    source = tmp_path / "web" / "src"
    source.mkdir(parents=True)
    (source / "a.tsx").write_text("\n".join([*guilty, *innocent]))
    (source / "schema.d.ts").write_text('channel: "sms"')
    found = screens_do_not_name_channels(tmp_path, {"sms", "email"})
    assert [sentence.split()[0] for sentence in found] == [
        f"web/src/a.tsx:{line}" for line in range(1, len(guilty) + 1)
    ]
