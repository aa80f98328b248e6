"""A process that has imported everything and holds the listening sockets, and forks web and worker processes on demand.

A restart then costs milliseconds, and connections that come during one wait in the socket's queue. It is told what to
do on standard input and answers on standard output, with lines of JSON:
``{"role": …, "connect_args": …, "socket": …, "mutant": …, "stops": …}`` is answered ``{"pid": …}`` after the fork; then
come ``{"pass": pid, "at": …}`` when a process does its work, ``{"stopped": pid}`` just before one stops itself, and
``{"died": pid, "how": …}`` when one has ended that nobody killed.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

PLANTED = Path(__file__).parent / "planted"
_PR_SET_PDEATHSIG = 1


def say(**facts: object) -> None:
    """One line on standard output, whole however many processes write there."""
    os.write(1, (json.dumps(facts) + "\n").encode())


def listen() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    listening.setblocking(False)
    return listening


def main() -> None:
    told = json.loads(sys.argv[1])
    sockets = [listen() for _ in range(told["sockets"])]
    nothing = os.open(os.devnull, os.O_RDONLY)

    from frontdesk import channels

    channels.__path__.append(str(PLANTED))
    channels.all_channels.cache_clear()

    from chaos import mutants, roles

    parts = roles.build(told)
    gc.freeze()  # what is there now is never looked at again: the forks share it
    signal.signal(signal.SIGCHLD, _reap)
    say(ports=[listening.getsockname()[1] for listening in sockets])
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _die_with_parent()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(nothing, 0)  # not closed: the next socket would be number 0, which the event loop refuses to close
            try:
                if wanted["mutant"]:
                    mutants.apply(wanted["mutant"])
                roles.run(wanted["role"], parts, sockets[wanted["socket"]], wanted["connect_args"], wanted["stops"])
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        say(pid=pid)


def _reap(*_: object) -> None:
    """Whoever was not ended by ``SIGKILL``, which is what the harness uses, has a fault."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        code = os.waitstatus_to_exitcode(status)
        if code != -signal.SIGKILL:
            say(died=pid, how=f"exit status {code}" if code >= 0 else signal.Signals(-code).name)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
