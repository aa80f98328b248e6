"""What a person typed as an address, read by the channel that claims its kind."""

from __future__ import annotations

from collections.abc import Sequence

from frontdesk import channels
from frontdesk.channels.port import Account, Address, Normalises
from frontdesk.inboxes import queries as inboxes
from frontdesk.kit.errors import Invalid
from frontdesk.kit.transaction import Tx


def normalise(kind: str, value: str, *, account: Account | None = None, channel_name: str | None = None) -> Address:
    """The address that ``value`` means, as ``account`` would read it (a national number has a country there).

    ``channel_name`` is asked first, then the first channel that claims the kind. Raises Invalid with a sentence.
    """
    driver = _reader(kind, channel_name)
    if driver is None:
        raise _unwritable()
    try:
        return driver[1].normalise(value, account)
    except ValueError as wrong:
        raise Invalid(str(wrong), code="bad_address", fields={"value": str(wrong)}) from wrong


async def normalised(tx: Tx, typed: Sequence[tuple[str, str]]) -> list[Address]:
    """The same for several (kind, value), as the workspace's first inbox of each channel would read them."""
    accounts: dict[str, Account | None] = {}
    addresses = []
    for kind, value in typed:
        reader = _reader(kind, None)
        if reader is None:
            raise _unwritable()
        name = reader[0]
        if name not in accounts:
            accounts[name] = await inboxes.known_account(tx, name)
        addresses.append(normalise(kind, value, account=accounts[name], channel_name=name))
    return addresses


def _reader(kind: str, preferred: str | None) -> tuple[str, Normalises] | None:
    for name, channel in sorted(channels.all_channels().items(), key=lambda item: item[0] != preferred):
        if kind in channel.can.address_kinds and isinstance(channel.driver, Normalises):
            return name, channel.driver
    return None


def _unwritable() -> Invalid:
    sentence = "No channel here can write to an address of this kind."
    return Invalid(sentence, code="unknown_kind", fields={"kind": sentence})
