"""What these tests share: the real application behind a real socket, with inboxes, on a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bad_input.site import Site, opened
from conftest import _empty
from frontdesk.channels.email import safe


@pytest.fixture(scope="module")
async def site(
    place: tuple[dict[str, Any], dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """One for all the cases of a file: each uses names and numbers of its own."""
    app, owner = place
    async with opened(app, tmp_path_factory.mktemp("site")) as made:
        yield made
    safe.close()
    await _empty(owner)
