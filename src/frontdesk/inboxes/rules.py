"""What settings a channel takes, decided from its manifest alone. Pure."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from frontdesk.channels.port import Channel, Setting

LINE_MAX = 2_000  # characters of a text
TEXT_MAX = 20_000  # characters of a secret or a text area
LIST_MAX = 1_000
JSON_MAX = 64 * 1024  # bytes
NUMBER_MAX = 10**15
DEDUPE_MAX = 500  # characters; a b-tree entry holds 2,704 bytes


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Settings as they are to be stored: what may be shown, what is to be sealed. ``wrong`` says what will not do."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)


def checked(channel: Channel, given: Mapping[str, Any], kept: Mapping[str, Any]) -> Checked:
    """The settings that result from what was ``kept`` (secrets in clear) and is now ``given`` (null: take away).

    Defaults fill what is missing. A setting whose ``when`` is not met is left out, whatever was given.
    """
    known = {setting.name: setting for setting in channel.settings}
    wrong = {name[:64]: f"{channel.title} has no setting with this name." for name in given if name not in known}
    values: dict[str, Any] = {}
    for setting in channel.settings:
        if not _shown(setting, known, given, kept):
            continue
        value, problem = _value(setting, _raw(setting, given, kept))
        if problem:
            wrong[setting.name] = problem
        elif value is not None:
            values[setting.name] = value
        elif setting.required:
            wrong[setting.name] = f"{setting.label} is needed."
    if not wrong and channel.check:
        wrong.update(channel.check(values))
    secrets = {name: value for name, value in values.items() if known[name].secret}
    shown = {name: value for name, value in values.items() if not known[name].secret}
    return Checked(settings=shown, secrets=secrets, wrong=wrong)


def _raw(setting: Setting, given: Mapping[str, Any], kept: Mapping[str, Any]) -> Any:
    value = given[setting.name] if setting.name in given else kept.get(setting.name)
    return setting.default if value is None or value == "" else value


def _shown(setting: Setting, known: Mapping[str, Setting], given: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Whether a setting counts: the one that it depends on counts itself and has one of the values."""
    if setting.when is None:
        return True
    name, wanted = setting.when
    other = known[name]
    value = _raw(other, given, kept)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text in wanted and _shown(other, known, given, kept)


def _value(setting: Setting, value: Any) -> tuple[Any, str | None]:
    """A value as it is to be stored (None: nothing), or what is wrong with it."""
    if value is None:
        return None, None
    return _KINDS[setting.kind](setting, value)


Verdict = tuple[Any, str | None]


def _text(setting: Setting, value: Any) -> Verdict:
    if not isinstance(value, str):
        return None, f"{setting.label} is a text."
    value = value.strip()
    if len(value) > LINE_MAX or _has_control(value, ""):
        return None, f"{setting.label} is one line of at most {LINE_MAX} characters."
    return value or None, None


def _long_text(setting: Setting, value: Any) -> Verdict:
    if not isinstance(value, str) or len(value) > TEXT_MAX or _has_control(value, "\n\r\t"):
        return None, f"{setting.label} is a text of at most {TEXT_MAX} characters."
    return (value if setting.secret else value.strip()) or None, None


def _number(setting: Setting, value: Any) -> Verdict:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None, f"{setting.label} is a number."
    if abs(value) > NUMBER_MAX:
        return None, f"{setting.label} is too large."
    return value, None


def _bool(setting: Setting, value: Any) -> Verdict:
    return (value, None) if isinstance(value, bool) else (None, f"{setting.label} is either true or false.")


def _choice(setting: Setting, value: Any) -> Verdict:
    choices = [choice for choice, _ in setting.choices]
    return (value, None) if value in choices else (None, f"{setting.label} is one of: {', '.join(choices)}.")


def _list(setting: Setting, value: Any) -> Verdict:
    if not isinstance(value, list) or len(value) > LIST_MAX or not all(isinstance(item, str) for item in value):
        return None, f"{setting.label} is a list of at most {LIST_MAX} texts."
    if any(len(item) > LINE_MAX or _has_control(item, "") for item in value):
        return None, f"Each item of {setting.label} is one line of at most {LINE_MAX} characters."
    return [stripped for item in value if (stripped := item.strip())] or None, None


def _json(setting: Setting, value: Any) -> Verdict:
    if not isinstance(value, dict | list) or len(msgspec.json.encode(value)) > JSON_MAX:
        return None, f"{setting.label} is a JSON object or list of at most {JSON_MAX} bytes."
    return value, None


_KINDS = {
    "text": _text,
    "secret": _long_text,
    "textarea": _long_text,
    "number": _number,
    "bool": _bool,
    "choice": _choice,
    "list": _list,
    "json": _json,
}


def _has_control(text: str, allowed: Collection[str]) -> bool:
    return any((ord(character) < 32 or ord(character) == 127) and character not in allowed for character in text)


def dedupe_key(given: str) -> str:
    """The key as it can be stored and indexed. A long one is replaced by its hash: it stays the same for the same."""
    clean = storable(given)
    if len(clean) <= DEDUPE_MAX:
        return clean
    return f"sha256:{hashlib.sha256(clean.encode()).hexdigest()}"


def storable(text: str) -> str:
    """Without what PostgreSQL's text cannot hold: NUL, and halves of surrogate pairs."""
    bare = text.replace("\0", "") if "\0" in text else text
    return bare if bare.isascii() else bare.encode("utf-8", "replace").decode()


def storable_json(value: Any) -> Any:
    """The same for everything inside a JSON value; keys included."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(inner) for inner in value]
    return value


def as_json(value: Mapping[str, Any]) -> str:
    """As JSON text that PostgreSQL can store."""
    if not value:
        return "{}"
    try:
        text = msgspec.json.encode(value)
    except (UnicodeEncodeError, TypeError):  # half a surrogate pair; a mapping that is no dict
        return msgspec.json.encode(storable_json(value)).decode()
    return (msgspec.json.encode(storable_json(value)) if b"\\u0000" in text else text).decode()


# --- showing what came ----------------------------------------------------------------------------------------------

_SECRET = re.compile(r"auth|cookie|signature|token|secret|password|api-?key", re.IGNORECASE)


def shown_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers of a delivery, as a person may see them: what proves who sent it stays hidden."""
    return {name: "(hidden)" if _SECRET.search(name) else str(value) for name, value in headers.items()}


def shown_text(body: bytes) -> str | None:
    """A delivery as text, its control characters made visible; None if it is none (a character cut in two is)."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        if error.end < len(body) or error.start < len(body) - 3:
            return None
        text = body[: error.start].decode()
    if "\x00" in text:
        return None
    return "".join(character if character.isprintable() or character in "\n\t\r" else "·" for character in text)
