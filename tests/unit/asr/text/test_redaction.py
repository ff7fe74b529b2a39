"""Redaction of personal data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sessions import Driver
from support.turns import golden, text_of, words_of
from vivavoce.asr.text import TurnRenderer
from vivavoce.asr.text.numerals import ONES
from vivavoce.protocol.events import Redaction
from vivavoce.types import PiiPolicy, Word

GOLDEN = golden("redaction.tsv", 4)
DIGITS = list(ONES)


def redacted(spoken, policies, **options):
    renderer = TurnRenderer(redacts=frozenset(map(PiiPolicy, policies)), **options)
    return text_of(renderer.final(words_of(spoken)))


@pytest.mark.parametrize(("policies", "spoken", "hashed", "named"), GOLDEN, ids=[row[1] for row in GOLDEN])
def test_golden(policies, spoken, hashed, named):
    assert redacted(spoken, policies.split(",")) == hashed
    assert redacted(spoken, policies.split(","), redacts_by_name=True) == named


def test_every_policy_has_a_golden_line():
    assert {name for row in GOLDEN for name in row[0].split(",")} == set(PiiPolicy)


@pytest.mark.parametrize("spoken", [row[1] for row in GOLDEN])
def test_with_every_policy_no_digits_in_a_row_are_left(spoken):
    renderer = TurnRenderer(redacts=frozenset(PiiPolicy))
    for word in renderer.final(words_of(spoken)):
        assert sum(c.isdigit() for c in word.text) < 3 or "," in word.text
        assert "@" not in word.text


def test_the_spoken_form_is_redacted_too():
    spoken = "My number is two one two five five five one two three four, call before 9."
    options = {"formats": False, "punctuates": False}
    assert redacted(spoken, ["phone_number"], **options) == "my number is ############ call before nine"
    assert redacted(spoken, ["phone_number"], redacts_by_name=True, **options) == (
        "my number is [PHONE_NUMBER] call before nine"
    )
    assert redacted(spoken, ["phone_number"], redacts_by_name=True, formats=False) == (
        "my number is [PHONE_NUMBER], call before nine."
    )


def test_words_keep_their_times():
    spoken = words_of("Call two one two five five five one two three four now.")
    call, number, now = TurnRenderer(redacts=frozenset({PiiPolicy.PHONE_NUMBER})).final(spoken)
    assert (call, now) == (spoken[0], spoken[-1])
    assert (number.start_ms, number.end_ms) == (spoken[1].start_ms, spoken[-2].end_ms)


@given(
    st.lists(st.sampled_from(DIGITS), min_size=4, max_size=24), st.sampled_from(["", ",", "."]), st.booleans()
)
def test_digits_in_a_row_are_always_redacted(digits, mark, by_name):
    spoken = " ".join(["It", "is", *(digit + mark for digit in digits), "sir."])
    text = redacted(spoken, list(PiiPolicy), redacts_by_name=by_name)
    assert not any(c.isdigit() for c in text)
    assert not set(text.lower().replace(",", " ").replace(".", " ").split()) & set(DIGITS)


@pytest.mark.parametrize("digits", ["0, 1, 1, 1, 2.", "4 1 1 1", "555 1234"])
def test_digits_that_the_recogniser_wrote_as_one_word_are_redacted(digits):
    words = (*words_of("It is"), Word(digits, 300, 900, 0.5))
    for formats in (True, False):
        renderer = TurnRenderer(formats=formats, redacts=frozenset({PiiPolicy.PHONE_NUMBER}))
        text = text_of(renderer.final(words))
        assert not any(c.isdigit() for c in text)
        assert text.count("#") == sum(c.isdigit() for c in digits)


@pytest.mark.parametrize(
    "number",
    [
        "\u0662\u0661\u0662555\u0661\u0662\u0663\u0664",
        "\uff12\uff11\uff12-555-1234",
        "\u2461\u2460\u00b2 555 1234",
    ],
)
def test_digits_of_every_script_are_redacted(number):
    text = redacted(f"Call {number} now.", ["phone_number"])
    assert not any(c.isdigit() for c in text)
    assert text.startswith("Call #")
    assert text.endswith("# now.")


def test_partials_have_no_words():
    assert TurnRenderer(redacts=frozenset({PiiPolicy.URL})).partial(words_of("Visit example")) == ()


def test_a_session_sends_no_partials_even_if_the_client_asks_for_them():
    from support.scripted_engine import silence, speech

    driver = Driver(partials=True, redaction=Redaction(("url",)))
    driver.say(speech(0, 1, 2))
    driver.say(silence(60))
    driver.end()
    assert driver.texts == ["Alpha bravo. Charlie,"]
    assert [update.text for update in driver.updates if not update.ended and update.text] == []
