"""The questions before the chat: what the business may ask, and whether an answer will do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec

from frontdesk.channels.livechat import clean

MAX_FIELDS = 12
MAX_ANSWER = 1_000

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question. ``label`` is a text, or texts by language. ``consent`` is a box to tick: its label is evidence."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    type: Literal["email", "name", "phone", "text", "select", "consent"]
    label: Label | dict[str, Label]
    required: bool = False
    options: list[Label] = []

    def label_in(self, language: str | None) -> str:
        if isinstance(self.label, str):
            return self.label
        wanted = (language or "").split("-")[0]
        return self.label.get(wanted) or self.label.get("en") or next(iter(self.label.values()))


@dataclass
class Answers:
    """What a visitor answered. ``wrong`` maps fields to a code: required, email, phone, option or long."""

    name: str = ""
    email: str | None = None
    phone: str | None = None
    kept: list[dict[str, Any]] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)


def read_form(setting: Any) -> tuple[Field, ...]:
    """The ``pre_chat`` setting as it is stored (a list, its JSON, or nothing). Raises ValueError with what is wrong."""
    if isinstance(setting, str) and setting.strip():
        setting = msgspec.json.decode(setting)
    fields = tuple(msgspec.convert(setting or [], list[Field]))
    if len(fields) > MAX_FIELDS:
        raise ValueError(f"Ask at most {MAX_FIELDS} questions; every one costs you visitors.")
    names = [question.name for question in fields]
    if len(set(names)) != len(names):
        raise ValueError("Two questions have the same name.")
    for question in fields:
        if question.type == "select" and not question.options:
            raise ValueError(f"The question {question.name!r} has no options to choose from.")
        if isinstance(question.label, dict) and not question.label:
            raise ValueError(f"The question {question.name!r} has no label.")
    return fields


def read_answers(fields: Sequence[Field], given: Mapping[str, Any], language: str | None) -> Answers:
    """Check every answer against its question; names that were not asked for are ignored."""
    answers = Answers()
    for question in fields:
        value, mistake = _read(question, given.get(question.name))
        if mistake:
            answers.wrong[question.name] = mistake
        elif value:
            answers.kept.append(
                {
                    "name": question.name,
                    "type": question.type,
                    "label": question.label_in(language),
                    "value": value,
                }
            )
            if question.type in ("name", "email", "phone") and isinstance(value, str):
                setattr(answers, question.type, value)
    return answers


def _read(question: Field, given: object) -> tuple[str | bool | None, str | None]:
    """The answer in its kept form and the code of its mistake, one of them None."""
    if question.type == "consent":
        ticked = given is True
        return (None, "required") if question.required and not ticked else (ticked, None)
    raw = given if isinstance(given, str) else ""
    if len(raw) > MAX_ANSWER:
        return None, "long"
    value: str | None = clean.line(raw, MAX_ANSWER)
    if not value:
        return (None, "required") if question.required else (None, None)
    if question.type == "name":
        return value[: clean.MAX_NAME], None
    if question.type == "email":
        value = clean.email(value)
        return (value, None) if value else (None, "email")
    if question.type == "phone":
        value = clean.phone(value)
        return (value, None) if value else (None, "phone")
    if question.type == "select" and value not in question.options:
        return None, "option"
    return value, None
