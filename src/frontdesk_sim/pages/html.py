"""Templates: files beside this one with ``$names``. Values are escaped unless they are already :class:`Html`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent


class Html(str):
    """Text that is markup already."""


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / f"{name}.html").read_text(encoding="utf-8"))


def render(template: str, /, **values: object) -> Html:
    """:raises KeyError: the template names something that was not given."""
    safe = {key: value if isinstance(value, Html) else escape(str(value)) for key, value in values.items()}
    return Html(_template(template).substitute(safe))


def joined(pieces: Iterable[Html]) -> Html:
    return Html("".join(pieces))
