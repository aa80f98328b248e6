"""Reading a source tree for the house checks: modules with their syntax trees, imports resolved, parents known."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = "frontdesk"


@dataclass(frozen=True)
class Module:
    """One Python file of the product. ``where`` is its path below the package, such as ``people/actions/users.py``."""

    where: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        return self.where.split("/")[0]

    @property
    def part(self) -> str:
        """A room's part: ``actions`` for ``people/actions.py`` and for ``people/actions/users.py``."""
        pieces = self.where.split("/")
        return pieces[1].removesuffix(".py") if len(pieces) > 1 else ""

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)}

    @cached_property
    def docstrings(self) -> set[ast.AST]:
        """Texts that stand alone as a statement: documentation, not values."""
        return {node.value for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}

    def strings(self) -> Iterator[ast.Constant]:
        """Every string that is a value, pieces of f-strings included."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in self.docstrings:
                yield node

    def is_first_argument(self, node: ast.AST) -> bool:
        parent = self.parents[node]
        return isinstance(parent, ast.Call) and bool(parent.args) and parent.args[0] is node

    def calls(self, *names: str) -> Iterator[tuple[int, str]]:
        """Line and dotted text of every use of these attributes or names, called or handed on."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and node.attr in names:
                yield node.lineno, ast.unparse(node)
            elif isinstance(node, ast.Name) and node.id in names:
                yield node.lineno, node.id

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything imported; ``from a import b`` gives ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = ".".join(filter(None, (self._above(node.level), node.module)))
                yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)

    def _above(self, level: int) -> str:
        if level == 0:
            return ""
        here = [PACKAGE, *self.where.split("/")]
        return ".".join(here[: len(here) - level])

    def at(self, line: int, sentence: str) -> str:
        return f"{self.where}:{line} {sentence}"


@dataclass(frozen=True)
class House:
    """A source tree: ``root`` is the folder of the package, ``modules`` its Python files in order."""

    root: Path

    @cached_property
    def modules(self) -> list[Module]:
        files = sorted(path for path in self.root.rglob("*.py") if "static" not in path.parts)
        return [Module(path.relative_to(self.root).as_posix(), path.read_text()) for path in files]

    @cached_property
    def channels(self) -> set[str]:
        return {path.parent.name for path in self.root.glob("channels/*/__init__.py")} - {"port"}

    @cached_property
    def rooms(self) -> list[Path]:
        """Folders that are rooms of the domain, with fixed names inside."""
        found = (path.parent for path in self.root.glob("*/__init__.py"))
        return sorted(path for path in found if path.name not in FREE)


FREE = {"app", "channels", "kit", "migrations", "static", "vendors"}  # not rooms: they name their files as they like
