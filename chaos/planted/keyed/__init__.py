"""A provider that drops the second copy of a key."""

from chaos.courier import Keyed, made

CHANNEL = made("keyed", Keyed())
