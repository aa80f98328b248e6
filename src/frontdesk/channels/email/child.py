"""The process in which doubtful mails are read: ``python -m frontdesk.channels.email.child``.

It is started by :mod:`safe`, has no secrets, no files and no network of ours to lose, and may be killed at any moment.
Frames on stdin and stdout are a length (4 bytes, big endian) and MessagePack: bytes in, a :class:`Letter` or a
sentence out.
"""

from __future__ import annotations

import resource
import struct
import sys
from typing import BinaryIO

import msgspec

from frontdesk.channels.email.letter import Letter
from frontdesk.channels.email.limits import CHILD_CPU_SECONDS, CHILD_MEMORY
from frontdesk.channels.email.mime import TooComplex, read

LENGTH = struct.Struct(">I")


class Answer(msgspec.Struct):
    letter: Letter | None = None
    problem: str = ""


def answer_to(data: bytes) -> Answer:
    try:
        return Answer(letter=read(data))
    except TooComplex as problem:
        return Answer(problem=str(problem))
    except MemoryError:
        return Answer(problem="This mail needs too much memory.")
    except RecursionError:
        return Answer(problem="The parts of this mail are nested too deep.")
    except Exception as problem:  # whatever breaks the parser is a mail that cannot be parsed
        return Answer(problem=f"This mail is malformed ({type(problem).__name__}).")


def _limit_cpu() -> None:
    """Seconds from now on: the soft limit counts the whole life of the process, and its signal kills."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + CHILD_CPU_SECONDS, hard))


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer frames until stdin closes. After a mail that ran out of memory the process ends to give it back."""
    encoder = msgspec.msgpack.Encoder()
    while True:
        head = incoming.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return
        data = incoming.read(LENGTH.unpack(head)[0])
        _limit_cpu()
        answer = answer_to(data)
        del data
        try:
            frame = encoder.encode(answer)
        except MemoryError:
            answer = Answer(problem="This mail needs too much memory.")
            frame = encoder.encode(answer)
        outgoing.write(LENGTH.pack(len(frame)))
        outgoing.write(frame)
        outgoing.flush()
        if "memory" in answer.problem:
            return


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)
