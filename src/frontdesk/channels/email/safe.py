"""Reading a mail without fear of it: small flat ones here, the rest in a child that can be killed, and never an
exception.

A mail that cannot be read still becomes a :class:`Letter`: its headers as far as they go, a sentence that says what
happened, and the original attached.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

from frontdesk.channels.email.child import LENGTH, Answer
from frontdesk.channels.email.letter import Letter, Part
from frontdesk.channels.email.limits import CHILD_CPU_SECONDS, CHILD_WALL_SECONDS, MAX_MAIL, is_harmless
from frontdesk.channels.email.mime import TooComplex, read, read_heading

_MAX_ANSWER = 4 * MAX_MAIL
_KILLED = f"This mail takes more than {CHILD_CPU_SECONDS} seconds to read."


def letter(data: bytes) -> Letter:
    """Whatever the bytes are, a letter. Blocks for at most CHILD_WALL_SECONDS; call it from a thread that may wait."""
    if len(data) > MAX_MAIL:
        return unread(data, f"This mail is larger than {MAX_MAIL // 1024 // 1024} MB.")
    if is_harmless(data):
        try:
            return read(data)
        except TooComplex as problem:
            return unread(data, str(problem))
        except Exception as problem:  # whatever breaks the parser is a mail that cannot be parsed
            return unread(data, f"This mail is malformed ({type(problem).__name__}).")
    answer = _child.ask(data)
    return answer.letter if answer.letter is not None else unread(data, answer.problem)


def unread(data: bytes, problem: str) -> Letter:
    """The letter for a mail that could not be read: nothing of it is lost."""
    found = read_heading(data)
    found.problem = problem
    found.text = found.reply = f"{problem} The original is attached."
    if len(data) <= MAX_MAIL:
        found.attachments = [Part(name="original.eml", content_type="message/rfc822", data=data)]
    return found


def close() -> None:
    """End the child, if there is one. The next doubtful mail starts another."""
    _child.close()


class _Child:
    """One process, started when first needed, used for one mail at a time and replaced after it had to be killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._decoder = msgspec.msgpack.Decoder(Answer)

    def ask(self, data: bytes) -> Answer:
        with self._lock:
            process = self._running()
            try:
                answer = self._decoder.decode(_exchange(process, LENGTH.pack(len(data)) + data))
            except (OSError, EOFError, msgspec.MsgspecError):  # a TimeoutError is an OSError
                self._end()
                return Answer(problem=_KILLED)
            if "memory" in answer.problem:  # it ends now, and must not be met by the next mail while it does
                self._end()
            return answer

    def close(self) -> None:
        with self._lock:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        source = str(Path(__file__).resolve().parents[3])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "frontdesk.channels.email.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": source, "PATH": os.environ.get("PATH", ""), "PYTHONUTF8": "1"},  # none of our secrets
            bufsize=0,
        )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.kill()
        for pipe in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError):
                pipe.close()
        process.wait()


def _exchange(process: subprocess.Popen[bytes], frame: bytes) -> bytes:
    """Write the frame and read the answer, neither of them for longer than allowed. Raises TimeoutError, EOFError,
    OSError."""
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = time.monotonic() + CHILD_WALL_SECONDS
    out, back = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(out, False)
    os.set_blocking(back, False)
    unsent, received, wanted = memoryview(frame), bytearray(), -1
    with selectors.DefaultSelector() as selector:
        selector.register(back, selectors.EVENT_READ)
        selector.register(out, selectors.EVENT_WRITE)
        while wanted < 0 or len(received) < wanted:
            ready = selector.select(deadline - time.monotonic())
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if key.fd == out:
                    unsent = unsent[os.write(out, unsent[: 1 << 16]) :]
                    if not unsent:
                        selector.unregister(out)
                    continue
                piece = os.read(back, 1 << 20)
                if not piece:
                    raise EOFError
                received += piece
            if wanted < 0 and len(received) >= LENGTH.size:
                wanted = LENGTH.size + LENGTH.unpack_from(received)[0]
                if wanted > _MAX_ANSWER:
                    raise EOFError
    return bytes(received[LENGTH.size :])


_child = _Child()
atexit.register(close)
