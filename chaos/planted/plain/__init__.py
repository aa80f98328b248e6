"""A provider that neither knows keys nor can be asked."""

from chaos.courier import Plain, made

CHANNEL = made("plain", Plain())
