"""PostgreSQL for Frontdesk: started and looked after by us, or somebody else's.

``await resolve(home)`` is the way in: DATABASE_URL where set, otherwise an embedded server that is started in ``home``
and belongs to this process until ``stop()``. ``attach(home)`` finds the one that another process of the installation
runs. The embedded server listens on a unix socket only, and the kernel says who is calling (peer authentication).
"""

from frontdesk.kit.postgres.binaries import find_binaries
from frontdesk.kit.postgres.errors import (
    AlreadyRunning,
    BinariesMissing,
    DataVersionMismatch,
    FailedToStart,
    PostgresError,
    Unsuitable,
)
from frontdesk.kit.postgres.server import Embedded, Server, attach, resolve, start

__all__ = [
    "AlreadyRunning",
    "BinariesMissing",
    "DataVersionMismatch",
    "Embedded",
    "FailedToStart",
    "PostgresError",
    "Server",
    "Unsuitable",
    "attach",
    "find_binaries",
    "resolve",
    "start",
]
