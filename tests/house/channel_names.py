"""No channel is named outside of its folder: whoever needs to know what a channel can do asks its capabilities.

Some channels are called by an everyday word. Everybody has an ``email`` field, and an e-mail address is a kind of
contact point that several channels share. For these words, and only for them, a string is innocent

* where it *names a field*: a dictionary's key, a subscript, the first argument of ``Column``, ``get``,
  ``pop`` or ``add_argument``;
* where it stands *beside something called kind*: compared with it, assigned to it, in the annotation of it, or in SQL
  right after it.

Everywhere else (compared with a channel, matched, passed on, returned) it is a channel's name.

Inside a channel's folder nothing is looked for: there, ``sms`` is also a URL scheme, and the independence contract of
import-linter keeps channels apart.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from house.reading import PACKAGE, House, Module

EVERYDAY = {"email"}
FIELD_CALLS = {"Column", "add_argument", "get", "pop", "setdefault"}
SCREENS = ("web/src", "widget/src")
GENERATED = re.compile(r"\.d\.ts$|/generated/")

Transparent = (ast.Tuple, ast.List, ast.Set, ast.IfExp, ast.BoolOp, ast.Starred)


def channels_are_not_named(house: House) -> list[str]:
    return [
        sentence
        for module in house.modules
        for name in sorted(house.channels)
        if not module.where.startswith(tuple(f"channels/{channel}/" for channel in house.channels))
        for sentence in (
            *_strings(module, name),
            *_sql(module, name),
            *_imports(module, name),
            *_identifiers(module, name),
        )
    ]


def screens_do_not_name_channels(project: Path, channels: set[str]) -> list[str]:
    """The same for TypeScript. An everyday word counts where the line speaks of a channel."""
    found = []
    for file in sorted(path for folder in SCREENS for path in (project / folder).rglob("*.ts*")):
        where = file.relative_to(project).as_posix()
        if GENERATED.search(where):
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for name in sorted(channels):
                quoted = re.search(rf"(['\"`]){name}\1", line)
                if quoted and (name not in EVERYDAY or re.search(r"channel", line, re.IGNORECASE)):
                    found.append(f"{where}:{number} names the channel {name}")
    return found


def _strings(module: Module, name: str) -> Iterator[str]:
    for node in module.strings():
        if node.value == name and not (name in EVERYDAY and (_names_a_field(module, node) or _is_a_kind(module, node))):
            yield module.at(node.lineno, f"names the channel {name}; ask its capabilities")


def _sql(module: Module, name: str) -> Iterator[str]:
    for node in module.strings():
        text = str(node.value)
        for quoted in re.finditer(rf"'{name}'", text):
            beside_kind = re.search(r"kind\w*\s*(?:=|<>|in\s*\()[^;]{0,40}$", text[: quoted.start()], re.IGNORECASE)
            if not (name in EVERYDAY and beside_kind):
                yield module.at(node.lineno, f"names the channel {name} in SQL; ask its capabilities")


def _imports(module: Module, name: str) -> Iterator[str]:
    for line, imported in module.imports():
        if f"{imported}.".startswith(f"{PACKAGE}.channels.{name}."):
            yield module.at(line, f"imports the channel {name}; it is found through frontdesk.channels")


def _identifiers(module: Module, name: str) -> Iterator[str]:
    if name in EVERYDAY:
        return
    for node in ast.walk(module.tree):
        words = next(filter(None, (getattr(node, field, None) for field in ("name", "id", "attr", "arg"))), None)
        if isinstance(words, str) and name in words.lower().split("_"):
            yield module.at(getattr(node, "lineno", 1), f"{words} names the channel {name}")


def _names_a_field(module: Module, node: ast.AST) -> bool:
    parent = module.parents[node]
    if isinstance(parent, ast.Dict):
        return node in parent.keys
    if isinstance(parent, ast.Subscript):
        return parent.slice is node and not _is_collection_or_literal(parent)
    if isinstance(parent, ast.Call) and module.is_first_argument(node):
        called = parent.func.attr if isinstance(parent.func, ast.Attribute) else getattr(parent.func, "id", "")
        return called in FIELD_CALLS
    return False


def _is_a_kind(module: Module, node: ast.AST) -> bool:
    """Climb out of literals and conditions to what the string is compared with or belongs to, and read its name."""
    child, parent = node, module.parents[node]
    while isinstance(parent, Transparent) or _is_collection_or_literal(parent):
        child, parent = parent, module.parents[parent]
    if isinstance(parent, ast.Compare):
        return any(_is_called_kind(side) for side in (parent.left, *parent.comparators) if side is not child)
    if isinstance(parent, ast.keyword):
        return _ends_in_kind(parent.arg or "")
    if isinstance(parent, ast.AnnAssign):
        return _is_called_kind(parent.target)
    if isinstance(parent, ast.Assign):
        return all(_is_called_kind(target) for target in parent.targets)
    if isinstance(parent, ast.arg):
        return _ends_in_kind(parent.arg)
    if isinstance(parent, ast.Dict) and child in parent.values:
        key = parent.keys[parent.values.index(child)]
        return isinstance(key, ast.Constant) and _ends_in_kind(str(key.value))
    return False


def _is_collection_or_literal(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") in ("frozenset", "set", "tuple", "field")
    return isinstance(node, ast.Subscript) and getattr(node.value, "id", "") in ("Literal", "Annotated")


def _is_called_kind(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and _ends_in_kind(str(node.slice.value))
    return _ends_in_kind(getattr(node, "attr", None) or getattr(node, "id", None) or "")


def _ends_in_kind(name: str) -> bool:
    return name.lower().rsplit("_", 1)[-1] in ("kind", "kinds")
