"""The rules of the house that import-linter cannot say. Each takes a source tree and returns the violations, in words.

``test_checks.py`` proves every one of them with a planted violation and with an innocent twin.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from house.reading import PACKAGE, House, Module

Check = Callable[[House], list[str]]

PARTS = ("models", "events", "schemas", "rules", "queries", "actions", "handlers", "routes")
BACK_ROOMS = {"routes", "handlers", "rules"}

LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 60  # lines, with decorators and docstring
HISTORY = "migrations/versions/"  # a migration is written once and never read again as code

HOLLOW = re.compile(r"(?:^|[a-z0-9_])(?:Manager|Service|Helper|Util|Base)s?$")  # classes
HOLLOW_FILES = {"manager", "service", "helper", "util", "base", "helpers", "utils", "managers", "services"}
HOLLOW_FUNCTIONS = {"helper", "util"}

# Who asks for the time by itself, and why; everybody else asks kit/clock.py, which a test can move, or the database.
CLOCKS = {
    "kit/clock.py": "it is the clock",
    "kit/files.py": "compares with the times of the file system",
    "app/doctor.py": "asks whether this machine's clock is right, and whether a certificate is still good",
    "app/health.py": "asks whether this machine's clock and the database's agree",
}
ASKS_THE_TIME = re.compile(
    r"(?:.*\.)?(?:datetime|date)\.(?:now|utcnow|today)|time\.(?:time|time_ns|localtime|gmtime|ctime|asctime)"
)

COMMAND_LINES = ("app/cli",)  # where people read standard output

# Which places may use what could open a connection. Channels and vendors speak through these libraries, but where a
# connection leads is decided in kit/fetch.py alone: it makes their clients and opens their sockets.
KIT_FETCH, CHANNELS, VENDORS = "kit/fetch.py", "channels/", "vendors/"
NETWORK: dict[str, tuple[str, ...]] = {
    # bounds limits what fetch reads; the demo talks to the processes that it started itself
    "httpx": (KIT_FETCH, "kit/bounds.py", CHANNELS, VENDORS, "app/demo"),
    "socket": (KIT_FETCH, "app/"),  # app binds the port that browsers reach
    "aiosmtplib": (CHANNELS,),
    "aiosmtpd": (CHANNELS,),
    **dict.fromkeys(("smtplib", "imaplib", "poplib", "ftplib", "telnetlib", "urllib.request", "http.client"), ()),
    **dict.fromkeys(("aiohttp", "aioimaplib", "httpcore", "requests", "urllib3", "websockets"), ()),
}
CONNECTING = ("open_connection", "create_connection", "create_datagram_endpoint", "sock_connect")
SERVING = ("start_server", "create_server")
HTTPX_CLIENTS = ("AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport")
HTTPX_CALLS = ("delete", "get", "head", "options", "patch", "post", "put", "request", "stream")
HTTPX_CLIENTS_ALLOWED = (KIT_FETCH, "app/demo")
TAKE_TIMEOUT = ("httpx.AsyncClient", "aiosmtplib.SMTP", f"{PACKAGE}.kit.fetch.client", f"{PACKAGE}.kit.fetch.fetch")
NEED_TIMEOUT = (
    f"{PACKAGE}.kit.fetch.connect",
    f"{PACKAGE}.kit.fetch.connect_socket",
)  # ``asyncio.timeout`` around them
DATABASE_ALLOWED = ("kit/", "app/")  # the database's address comes from the operator


def back_rooms_are_private(house: House) -> list[str]:
    """Routes, handlers and rules belong to their room; ``app`` puts routes and handlers together."""
    return [
        module.at(line, f"reaches into a back room: {name}")
        for module in house.modules
        for line, name in module.imports()
        if (pieces := name.split("."))[0] == PACKAGE and len(pieces) > 2
        if pieces[2] in BACK_ROOMS and module.room not in (pieces[1], "app")
    ]


def only_the_kit_settles(house: House) -> list[str]:
    """A transaction ends where it began: in ``kit``."""
    statement = re.compile(
        r"\s*(?:begin|commit|rollback|start transaction)(?: transaction| work)?\s*;?\s*", re.IGNORECASE
    )
    return [
        *_used(house, ("commit", "rollback"), ("kit/",), "settles a transaction"),
        *(
            module.at(text.lineno, f"settles a transaction: {text.value!r}")
            for module in house.modules
            if module.room != "kit"
            for text in module.strings()
            if statement.fullmatch(str(text.value)) and module.is_first_argument(text)
        ),
    ]


def only_actions_emit(house: House) -> list[str]:
    """An event is written by the action that made the fact true."""
    return [
        module.at(line, f"emits outside of actions: {text}")
        for module in house.modules
        if module.part != "actions" and module.where != "kit/transaction.py"
        for line, text in module.calls("emit")
    ]


def few_places_connect(house: House) -> list[str]:
    """Only ``kit/fetch.py`` connects to an address that came from outside; NETWORK says who may speak over it."""
    return [
        *_network_imports(house),
        *_used(house, CONNECTING, (KIT_FETCH,), "opens a connection that frontdesk.kit.fetch has not checked"),
        *_used(house, SERVING, (CHANNELS,), "opens a port"),
        *(
            module.at(line, f"opens a database connection: {text}")
            for module in house.modules
            if not module.where.startswith(DATABASE_ALLOWED)
            for line, text in module.calls("connect", "create_pool", "create_engine", "create_async_engine")
            if text.startswith(("asyncpg.", "sqlalchemy.", "create_"))
        ),
        *_clients_of_their_own(house),
    ]


def one_clock(house: House) -> list[str]:
    """The time comes from ``clock.now()``, asked each time it is needed; what only waits uses ``time.monotonic``."""
    return [
        *(
            module.at(node.lineno, f"asks for the time: {ast.unparse(node)}")
            for module in house.modules
            if module.where not in CLOCKS
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and ASKS_THE_TIME.fullmatch(ast.unparse(node))
        ),
        *(
            module.at(line, f"holds on to a clock that a test cannot move: {name}")
            for module in house.modules
            for line, name in module.imports()
            if name == f"{PACKAGE}.kit.clock.now" or (ASKS_THE_TIME.fullmatch(name) and module.where not in CLOCKS)
        ),
    ]


def everything_ends(house: House) -> list[str]:
    """Whoever talks to another machine says how long: a connection that is never answered must not hold up the rest."""
    return [sentence for module in house.modules for sentence in _endless(module)]


def files_and_functions_stay_short(house: House) -> list[str]:
    found = []
    for module in house.modules:
        lines = len(module.text.splitlines())
        if module.where.startswith(HISTORY):
            continue
        if lines > LONGEST_FILE:
            found.append(f"{module.where} has {lines} lines; {LONGEST_FILE} are the limit")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                length = (node.end_lineno or first) - first + 1
                if length > LONGEST_FUNCTION:
                    found.append(module.at(first, f"{node.name} has {length} lines; {LONGEST_FUNCTION} are the limit"))
    return found


def rooms_have_known_parts(house: House) -> list[str]:
    """Inside a room always the same names, as a module or as a package."""
    return [
        f"{room.name}/{entry.name} is not one of a room's parts: {', '.join(PARTS)}"
        for room in house.rooms
        for entry in sorted(room.iterdir())
        if entry.name not in ("__init__.py", "__pycache__", *PARTS, *(f"{part}.py" for part in PARTS))
    ]


def names_say_something(house: House) -> list[str]:
    """A name that ends in Manager, Service, Helper, Util or Base says nothing that the rest of it does not."""
    found = []
    for module in house.modules:
        stem = module.where.removesuffix("/__init__.py").removesuffix(".py").rsplit("/", 1)[-1]
        if stem.rsplit("_", 1)[-1] in HOLLOW_FILES:
            found.append(f"{module.where} has a hollow name")
        for node in ast.walk(module.tree):
            name = getattr(node, "name", "")
            hollow = (isinstance(node, ast.ClassDef) and HOLLOW.search(name)) or (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name.rsplit("_", 1)[-1] in HOLLOW_FUNCTIONS
            )
            if hollow:
                found.append(module.at(getattr(node, "lineno", 1), f"{name} is a hollow name"))
    return found


def only_command_lines_print(house: House) -> list[str]:
    return _used(house, ("print",), COMMAND_LINES, "prints")


# --- parts of the checks ---------------------------------------------------------------------------------------------


def _used(house: House, names: tuple[str, ...], allowed: tuple[str, ...], what: str) -> list[str]:
    return [
        module.at(line, f"{what}: {text}")
        for module in house.modules
        if not module.where.startswith(allowed)
        for line, text in module.calls(*names)
    ]


def _network_imports(house: House) -> Iterator[str]:
    for module in house.modules:
        for line, name in module.imports():
            for library, allowed in NETWORK.items():
                if f"{name}.".startswith(f"{library}.") and not module.where.startswith(allowed or ("nowhere",)):
                    yield module.at(line, f"could open a connection: {name}")


def _clients_of_their_own(house: House) -> Iterator[str]:
    """An address is what somebody typed or sent: the client must come from ``kit.fetch``, or be given its socket."""
    own = {*HTTPX_CLIENTS, *(f"httpx.{name}" for name in (*HTTPX_CLIENTS, *HTTPX_CALLS))}
    for module in house.modules:
        imported = [(name, line) for line, name in module.imports()]
        libraries = {name.split(".")[0] for name, _ in imported}
        if "httpx" in libraries and not module.where.startswith(HTTPX_CLIENTS_ALLOWED):
            made = [(name, call.lineno) for name, call in _calls(module)]
            for name, line in [*imported, *made]:
                if name in own or name.rsplit(".", 1)[-1] in HTTPX_CLIENTS:
                    yield module.at(line, f"{name} instead of {PACKAGE}.kit.fetch: nobody checks where it leads")
        if "aiosmtplib" in libraries:
            for name, call in _calls(module):
                bare = "sock" not in [keyword.arg for keyword in call.keywords]
                if bare and name.rsplit(".", 1)[-1] in ("SMTP", "send"):
                    yield module.at(call.lineno, f"{name} without a socket of {PACKAGE}.kit.fetch")


def _endless(module: Module) -> Iterator[str]:
    """Calls without an end of their own, by what each needs: an argument, or ``asyncio.timeout`` around it."""
    timed = {
        inner
        for node in ast.walk(module.tree)
        if isinstance(node, ast.AsyncWith) and any(".timeout" in ast.unparse(item.context_expr) for item in node.items)
        for inner in ast.walk(node)
    }
    known = {name.rsplit(".", 1)[-1]: name for _, name in module.imports()}
    for name, call in _calls(module):
        first, _, rest = name.partition(".")
        full = ".".join(filter(None, (known.get(first, first), rest)))
        unlimited = full in TAKE_TIMEOUT and "timeout" not in [keyword.arg for keyword in call.keywords]
        if (unlimited and module.where != KIT_FETCH) or (full in NEED_TIMEOUT and call not in timed):
            yield module.at(call.lineno, f"{name} could wait for ever: say how long")


def _calls(module: Module) -> Iterator[tuple[str, ast.Call]]:
    """Everything called, by its dotted text."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node
