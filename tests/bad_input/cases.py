"""A case is a function with a number and a name; each file has one test, parametrised over its cases."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from bad_input.site import Site

Case = Callable[[Site], Awaitable[None]]


class Cases(dict[str, Case]):
    """By id: the number of the class in three digits, then words. A class may have several."""

    def __call__(self, name: str) -> Callable[[Case], Case]:
        assert re.fullmatch(r"\d{3}-[a-z0-9-]+", name), name
        assert name not in self, name

        def add(case: Case) -> Case:
            self[name] = case
            return case

        return add
