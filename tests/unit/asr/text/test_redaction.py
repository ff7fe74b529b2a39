"""What must not be seen is not told."""

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


def told(said, policies, **options):
    return text_of(TurnRenderer(redacts=frozenset(map(PiiPolicy, policies)), **options).final(words_of(said)))


@pytest.mark.parametrize(("policies", "said", "hashed", "named"), GOLDEN, ids=[row[1] for row in GOLDEN])
def test_golden(policies, said, hashed, named):
    assert told(said, policies.split(",")) == hashed
    assert told(said, policies.split(","), redacts_by_name=True) == named


def test_every_policy_has_a_line():
    assert {name for row in GOLDEN for name in row[0].split(",")} == set(PiiPolicy)


@pytest.mark.parametrize("said", [row[1] for row in GOLDEN])
def test_with_every_policy_on_no_digits_in_a_row_are_left(said):
    renderer = TurnRenderer(redacts=frozenset(PiiPolicy))
    for word in renderer.final(words_of(said)):
        assert sum(c.isdigit() for c in word.text) < 3 or "," in word.text
        assert "@" not in word.text


def test_plain_text_is_redacted_too():
    said = "My number is two one two five five five one two three four, call before 9."
    wording = {"formats": False, "punctuates": False}
    assert told(said, ["phone_number"], **wording) == "my number is ############ call before nine"
    assert told(said, ["phone_number"], redacts_by_name=True, **wording) == (
        "my number is [PHONE_NUMBER] call before nine"
    )
    assert told(said, ["phone_number"], redacts_by_name=True, formats=False) == (
        "my number is [PHONE_NUMBER], call before nine."
    )


def test_words_keep_their_place_in_time():
    said = words_of("Call two one two five five five one two three four now.")
    call, number, now = TurnRenderer(redacts=frozenset({PiiPolicy.PHONE_NUMBER})).final(said)
    assert (call, now) == (said[0], said[-1])
    assert (number.start_ms, number.end_ms) == (said[1].start_ms, said[-2].end_ms)


@given(
    st.lists(st.sampled_from(DIGITS), min_size=4, max_size=24), st.sampled_from(["", ",", "."]), st.booleans()
)
def test_digits_said_in_a_row_are_never_told(digits, mark, by_name):
    said = " ".join(["It", "is", *(digit + mark for digit in digits), "sir."])
    text = told(said, list(PiiPolicy), redacts_by_name=by_name)
    assert not any(c.isdigit() for c in text)
    assert not set(text.lower().replace(",", " ").replace(".", " ").split()) & set(DIGITS)


@pytest.mark.parametrize("said", ["0, 1, 1, 1, 2.", "4 1 1 1", "555 1234"])
def test_digits_that_the_recogniser_wrote_as_one_word_are_not_told(said):
    words = (*words_of("It is"), Word(said, 300, 900, 0.5))
    for formats in (True, False):
        renderer = TurnRenderer(formats=formats, redacts=frozenset({PiiPolicy.PHONE_NUMBER}))
        text = text_of(renderer.final(words))
        assert not any(c.isdigit() for c in text)
        assert text.count("#") == sum(c.isdigit() for c in said)


@pytest.mark.parametrize(
    "number",
    [
        "\u0662\u0661\u0662555\u0661\u0662\u0663\u0664",
        "\uff12\uff11\uff12-555-1234",
        "\u2461\u2460\u00b2 555 1234",
    ],
)
def test_digits_of_every_script_are_taken_out(number):
    text = told(f"Call {number} now.", ["phone_number"])
    assert not any(c.isdigit() for c in text)
    assert text.startswith("Call #")
    assert text.endswith("# now.")


def test_nothing_is_told_of_unfinished_turns():
    assert TurnRenderer(redacts=frozenset({PiiPolicy.URL})).partial(words_of("Visit example")) == ()


def test_a_session_tells_no_partials_even_if_they_are_asked_for():
    from support.scripted_engine import silence, speech

    driver = Driver(partials=True, redaction=Redaction(("url",)))
    driver.say(speech(0, 1, 2))
    driver.say(silence(60))
    driver.end()
    assert driver.texts == ["Alpha bravo. Charlie,"]
    assert [update.text for update in driver.updates if not update.ended and update.text] == []
