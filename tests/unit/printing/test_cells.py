"""How wide text is, against a table of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len as cells_of_rich

from vivavoce.printing.cells import cell_len, printable


@pytest.mark.parametrize(
    ("text", "cells"),
    [("word", 4), ("語る", 4), ("e\u0301", 1), ("한국", 4), ("😀!", 3), ("ﬁ…", 2), ("", 0), ("ﾊﾝ", 2)],
)
def test_cells_of_narrow_wide_and_combining_characters(text, cells):
    assert cell_len(text) == cells


@given(st.text(st.sampled_from("abc é語る한😀👍🏽❤\ufe0f\u200d\u0301👨👩👧🇬🇧ﾊ…")))
def test_no_text_is_wider_than_it_is_said_to_be(text):
    assert cell_len(text) >= cells_of_rich(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👨\u200d👩\u200d👧 here", "👨\u200d👩\u200d👧 here"),
        ("\u202egnirts\u2066", "gnirts"),
        ("a\x9b31mb\x1b]0;title\x07c", "a 31mb ]0;title c"),
        ("क्\u200dष", "क्\u200dष"),
    ],
)
def test_emoji_stay_and_control_characters_go(text, shown):
    assert printable(text) == shown
