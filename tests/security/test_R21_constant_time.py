"""R21: comparing secrets with ``==`` tells, by its time, how much of a guess is right. Nowhere in the product."""

from __future__ import annotations

import ast
import hmac
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import frontdesk
from frontdesk.kit import ids

SOURCE = Path(frontdesk.__file__).parent
SECRET = re.compile(
    r"(?:^|_)(?:secret|token|signature|mac|hmac|digest|csrf|password|passwd|credential|api_key|auth|verifier)s?$"
)
# What is compared for other reasons than to let somebody in: each says why its time tells nothing.
HARMLESS = {
    ("app/backup.py", "digest"): "checksums of the operator's own archive",
    ("app/restore.py", "digest"): "the same",
    ("app/restore.py", "_digest"): "the same",
    ("channels/sms/ledger.py", "digest"): "which of our own messages an answer belongs to",
    ("kit/files.py", "digest"): "whether a stored file is whole",
}


def _name(node: ast.expr) -> str:
    """What a compared expression is called: its last name, key, or the function that made it."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name.replace("-", "_")
        case ast.Call(func=function):
            made = _name(function)
            given = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            return str(given[0]).replace("-", "_") if made == "get" and given else made
        case ast.Await(value=value):
            return _name(value)
        case _:
            return ""


def compared(text: str) -> Iterator[tuple[int, str]]:
    """Lines on which something that is named like a secret is compared with == or !=, or looked for with ``in``."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
                if not isinstance(operator, ast.Eq | ast.NotEq):
                    continue
                if any(isinstance(side, ast.Constant) for side in (left, right)):
                    continue  # with None, with nothing, with a word of the code: no guess is compared
                for name in (_name(left).lower(), _name(right).lower()):
                    if SECRET.search(name):
                        yield node.lineno, name
                        break


def _files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)


def test_no_secret_is_compared_with_equals() -> None:
    found = {
        (path.relative_to(SOURCE).as_posix(), name): line
        for path in _files()
        for line, name in compared(path.read_text())
    }
    assert {f"{file}:{line} {name}" for (file, name), line in found.items() if (file, name) not in HARMLESS} == set()


def test_every_exception_is_still_needed() -> None:
    there = {(p.relative_to(SOURCE).as_posix(), name) for p in _files() for _, name in compared(p.read_text())}
    assert set(HARMLESS) <= there


@pytest.mark.parametrize(
    "line",
    [
        "if token == given: pass", "ok = headers['x-signature'] != made", "return self.secret == other",
        "if request.headers.get('x-hub-signature') == made: pass", "x = sign(key) == signature", "a = mac == b",
        "ok = await digest(x) == kept", "if hmac.new(a, b).hexdigest() == y and token == z: pass",
    ],
)  # fmt: skip
def test_a_planted_comparison_is_found(line: str) -> None:
    assert list(compared(f"async def f():\n    {line}"))


@pytest.mark.parametrize("line", ["token is None", "token == ''", "kind == 'secret'", "hmac.compare_digest(token, x)"])
def test_an_innocent_line_is_not(line: str) -> None:
    assert list(compared(line)) == []


def test_whoever_verifies_uses_the_one_comparison() -> None:
    """Where signatures, tokens and credentials of requests are checked, a constant-time comparison stands."""
    verifiers = ["app/http.py", "kit/downloads.py", "channels/livechat/tokens.py", "channels/email/tokens.py"]
    verifiers += ["vendors/twilio.py", "channels/sms/kannel.py"]
    for name in verifiers:
        text = (SOURCE / name).read_text()
        assert re.search(r"compare_digest|ids\.same", text), name


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [("a", "a", True), ("a", "b", False), ("", "", True), ("a", "", False), ("é", "é", True), ("é", "e", False)],
)
def test_the_comparison_itself(left: str, right: str, same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: asked.append((a, b)) or real(a, b))
    assert ids.same(left, right) is same
    assert asked == [(left.encode(), right.encode())]


def test_tokens_and_sessions_are_found_by_their_hash() -> None:
    """A look-up by the secret itself would compare it byte by byte in an index."""
    text = (SOURCE / "people" / "queries.py").read_text()
    assert text.count("token_hash = $2") == 2
    assert not re.search(r"where[^\"]*\b(?:token|cookie|secret) =", text)
