"""The segmenter against the shared vectors, against properties, and against smsutil where that is right."""

import json
from pathlib import Path

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels.sms.gsm7 import BASIC, EXTENSION
from frontdesk.channels.sms.segments import decode_gsm7, encode_gsm7, measure, smart, split

VECTORS = json.loads((Path(__file__).parents[3] / "shared-vectors" / "sms-segments.json").read_text("utf-8"))

GSM_TEXT = st.text(st.sampled_from([c for c in BASIC if c != "\x1b"] + list(EXTENSION.values())), max_size=400)
ANY_TEXT = st.text(
    st.one_of(st.characters(exclude_categories=("Cs",)), st.sampled_from("aα€{😀🇬🇷👨\u200d\u0301")), max_size=300
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector):
    size = measure(vector["text"])
    assert (size.encoding, size.units, size.parts) == (vector["encoding"], vector["units"], vector["parts"])
    assert split(vector["text"]) == vector["texts"]
    if "smart" in vector:
        assert smart(vector["text"]) == vector["smart"]


def test_vectors_are_many_and_named_once():
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS) >= 60


@pytest.mark.parametrize(
    ("text", "per_part", "remaining"),
    [("", 160, 160), ("a" * 160, 160, 0), ("a" * 161, 153, 145), ("α" * 70, 70, 0), ("α" * 71, 67, 63)],
)
def test_remaining_counts_down_in_the_last_part(text, per_part, remaining):
    size = measure(text)
    assert (size.per_part, size.remaining) == (per_part, remaining)


def test_culprits_are_named_once_in_order_of_appearance():
    assert measure("a–b’c–€").culprits == ("–", "’")


@given(ANY_TEXT)
def test_parts_join_to_the_text_and_each_fits(text):
    size, texts = measure(text), split(text)
    assert "".join(texts) == text
    assert len(texts) == size.parts
    for part in texts:
        units = len(encode_gsm7(part)) if size.encoding == "GSM-7" else len(part.encode("utf-16-be")) // 2
        assert 0 < units <= size.per_part


@given(GSM_TEXT)
def test_gsm_round_trip(text):
    assert decode_gsm7(encode_gsm7(text)) == text
    assert measure(text).units == len(encode_gsm7(text))


@given(st.binary(max_size=200))
def test_decoding_never_raises(data):
    decode_gsm7(data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b\x65", "€"),
        (b"\x1bA", "A"),  # not in the extension table: the basic character
        (b"\x1b", " "),
        (b"a\x1b\x1be", "a e"),
        (b"\x60\x7e\x00", "¿ü@"),
        (b"\x80a", "\ufffda"),
    ],
)
def test_decoding_of_odd_septets(data, text):
    assert decode_gsm7(data) == text


def test_backtick_and_escape_are_refused():
    for character in "`\x1bαç":
        with pytest.raises(ValueError, match="not in the GSM 7-bit alphabet"):
            encode_gsm7(f"a{character}")


# smsutil 1.1.3 is right on GSM and UCS-2 counts, with four differences that are its own:
# it takes an escape for a letter of the alphabet, which it is no more than half of (we send it as UCS-2),
# it cuts between a letter and its accent or inside an emoji sequence (we keep them whole where that is free),
# it says one part for no text, and it decides between one and several parts on what it filled, which is the same.


@given(GSM_TEXT.filter(bool))
def test_agrees_with_smsutil_on_gsm(text):
    theirs = smsutil.split(text)
    assert [part.content for part in theirs.parts] == split(text)
    assert smsutil.encode(text) == encode_gsm7(text)


OTHERS = st.characters(exclude_categories=("Cs", "M", "Cf", "So", "Sk"), exclude_characters="\x1b")


@given(st.text(OTHERS, min_size=1, max_size=300))
def test_agrees_with_smsutil_on_unicode(text):
    theirs = smsutil.split(text)
    assert theirs.encoding == ("gsm0338" if measure(text).encoding == "GSM-7" else "utf_16_be")
    assert [part.content for part in theirs.parts] == split(text)
