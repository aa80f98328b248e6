"""Reply splitting on a corpus of our own: mails as the programs of the world write them, sentences made up."""

from __future__ import annotations

import gc
import hashlib
import re
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from frontdesk.channels.email.replies import split

CORPUS = Path(__file__).parent / "replies"


class Case(NamedTuple):
    name: str
    mail: str
    reply: str

    @property
    def blind(self) -> bool:
        """Half of the cases were never looked at while the rules were written."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def cases() -> list[Case]:
    found = []
    for path in sorted(CORPUS.glob("*.txt")):
        for block in re.split(r"^@@ (?!reply$)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            name, _, rest = block.partition("\n")
            mail, _, reply = rest.partition("@@ reply\n")
            found.append(Case(name, mail, reply))
    return found


def folded(text: str) -> str:
    return " ".join(text.split())


def failures(blind: bool) -> list[str]:
    return [
        case.name for case in cases() if case.blind is blind and folded(split(case.mail).reply) != folded(case.reply)
    ]


def test_the_corpus_is_large_and_has_many_languages() -> None:
    found = cases()
    assert len(found) >= 150
    assert len({case.name for case in found}) == len(found)
    assert len({case.name.split("-")[0] for case in found}) >= 35


@pytest.mark.parametrize("blind", [False, True], ids=["seen", "blind"])
def test_replies_are_exact(blind: bool) -> None:
    wrong = failures(blind)
    count = sum(case.blind is blind for case in cases())
    assert len(wrong) <= count * 0.03, wrong


def test_nothing_is_lost() -> None:
    """Whatever is taken away is in the quote or the signature, word for word."""
    for case in cases():
        found = split(case.mail)
        words = " ".join(found).replace(">", " ").split()
        assert sorted(words) == sorted(case.mail.replace(">", " ").split()), case.name


def test_text_that_we_sent_is_a_quote_in_any_language() -> None:
    ours = "Dobrý den,\nvaše objednávka byla odeslána dnes ráno.\nOčekávejte ji zítra odpoledne."
    mail = f"Díky moc!\n\nPlumtree 9/2 quoth thus ~\n{ours}"
    assert split(mail).reply != "Díky moc!"
    assert split(mail, sent=[ours]).reply == "Díky moc!\n\nPlumtree 9/2 quoth thus ~"
    assert split("Dobrý den,\nnic jsem nedostal.", sent=[ours]).reply == "Dobrý den,\nnic jsem nedostal."


def test_lines_around_what_we_sent_are_quotes_as_far_as_they_are_ours() -> None:
    ours = "Hello,\nyour parcel left this morning.\nIt will be there tomorrow.\nBye"
    assert split(f"Thanks!\n\n{ours}\n", sent=[ours]) == ("Thanks!", ours, "")


def test_the_tail_of_a_quoted_line_that_was_wrapped_is_a_quote() -> None:
    mail = f"Yes\n\n> {'long words ' * 7}\nwrapped tail\n> next line"
    assert split(mail).reply == "Yes"


def test_an_attribution_at_the_end_belongs_to_the_quote_that_was_cut_off() -> None:
    assert split("Yes\n\nOn Mon, 5 Feb 2024 at 10:00, Jane <j@x.example> wrote:\n\n").reply == "Yes"


def test_a_sentence_above_a_quote_is_no_attribution() -> None:
    """Nor is a paragraph that is longer than any."""
    assert split("See you.\nsaid the fox\n> No?").reply == "See you.\nsaid the fox"
    long = "words and words " * 40
    assert split(f"{long}\n> No?").reply == long.strip()


@pytest.mark.parametrize(
    "html",
    [
        '<div dir="ltr">Yes</div><div class="gmail_quote"><div class="gmail_attr">Zzz zzz<br></div>'
        '<blockquote class="gmail_quote">No?</blockquote></div>',
        '<p>Yes</p><div id="appendonsend"></div><p>Zzz: 1</p><p>No?</p>',
        '<div>Yes</div><div class="yahoo_quoted">Zzz<div>No?</div></div>',
        '<body>Yes<div class="moz-cite-prefix">Zzz</div><blockquote type="cite">No?</blockquote></body>',
        '<div>Yes</div><div class="gmail_signature">-<br>J</div><blockquote>No?</blockquote>',
        '<p>Yes</p><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p>Xx: J<br>Yy: M<br>Zz: S</p></div>'
        "<p>No?</p>",
    ],
)
def test_the_structure_of_html_decides(html: str) -> None:
    assert split("", html).reply == "Yes"


@pytest.mark.parametrize(
    "line",
    [
        "On 2024 12:00:\n",
        "From: a\n\n",
        "---- x ----\n",
        "> a\nb 2024 12:00 a@b:\n",
        "-- \n",
        "a",
        "Sent from my iPhone\n",
        "_____\nwww.a.com\n",
        "On ",
        ">>> ",
        "On Mon, Jan 1, 2024 at 10:00 AM\n",
    ],
)
def test_a_megabyte_of_anything_costs_four_times_a_quarter(line: str) -> None:
    """Sixteen times would be quadratic: then the length of a mail decides how long everybody waits."""

    def cost(size: int) -> float:
        text = line * (size // len(line))
        gc.disable()  # it looks at everything that other tests have left, too
        started = time.process_time()
        split(text, sent=["x" * 20] * 60)
        took = time.process_time() - started
        gc.enable()
        return took

    quarter, whole = (min(cost(size) for _ in range(2)) for size in (256 * 1024, 1024 * 1024))
    assert whole < 12 * quarter + 0.1
