"""Parameters that several routes share."""

from typing import Annotated
from uuid import UUID

from litestar.params import HeaderParameter, PathParameter, QueryParameter

from frontdesk.kit import paging

PathId = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
QueryId = Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)]
Limit = Annotated[int | None, QueryParameter(ge=1, le=paging.LIMIT)]
Cursor = Annotated[str | None, QueryParameter(max_length=1000)]
ClientKey = Annotated[
    UUID | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A UUID of yours. The same key is the same message, however often it is sent.",
    ),
]


def key_of(value: UUID | None) -> str | None:
    return str(value) if value else None
