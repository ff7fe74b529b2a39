"""The voices of sessions, and their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.store import VoiceKey, VoiceNames
from vivavoce.store.voices import clean_name


def test_letters_of_two_sessions_and_of_two_channels_are_not_mixed_up():
    names = VoiceNames()
    assert [names.name("s1", 0, label) for label in "ABA"] == ["A", "B", "A"]
    assert names.name("s2", 0, "A") == "C"
    assert names.name("s2", 1, "A") == "D"
    assert names.name("s1", 0, "C") == "E"
    assert names.speakers == (0, 1, 2, 3, 4)


@pytest.mark.parametrize("label", [None, "PENDING", "UNKNOWN"])
def test_nobody_has_no_number(label):
    names = VoiceNames()
    assert names.number("s1", 0, label) is None
    assert names.name("s1", 0, label) is None
    assert len(names) == 0


def test_a_name_is_for_all_voices_that_have_it():
    names = VoiceNames()
    first, _ = (names.number("s1", 0, label) for label in "AB")
    again = names.number("s2", 0, "A")
    assert names.rename(first, "Anna") == {VoiceKey("s1", 0, "A"): "Anna"}
    assert names.rename(again, "Anna") == {VoiceKey("s2", 0, "A"): "Anna"}
    assert (names.names, names.speakers) == (("Anna", "B", "Anna"), (0, 1, 0))
    assert names.rename(again, "Anne") == {VoiceKey("s1", 0, "A"): "Anne", VoiceKey("s2", 0, "A"): "Anne"}
    assert names.rename(first, "") == {VoiceKey("s1", 0, "A"): "", VoiceKey("s2", 0, "A"): ""}
    assert (names.names, names.speakers) == (("A", "B", "C"), (0, 1, 2))


def test_a_voice_that_the_server_knows_is_one_speaker_in_all_sessions():
    names = VoiceNames()
    assert [names.name(session, 0, "Anna") for session in ("s1", "s2")] == ["Anna", "Anna"]
    assert names.speakers == (0, 0)


def test_a_letter_that_somebody_gave_as_a_name_is_not_given_again():
    names = VoiceNames()
    names.rename(names.number("s1", 0, "A"), "B")
    assert names.name("s1", 0, "B") == "A"


def test_names_that_were_given_before_are_used():
    names = VoiceNames({VoiceKey("s1", 0, "B"): "Ben"})
    assert [names.name("s1", 0, label) for label in "AB"] == ["A", "Ben"]


def test_a_session_gets_a_voice_for_a_speaker_of_any_name():
    names = VoiceNames()
    names.rename(names.number("s1", 0, "A"), "Anna")
    assert names.voice_of("s1", 0, "Anna") == VoiceKey("s1", 0, "A")
    assert names.voice_of("s2", 0, "Anna") == VoiceKey("s2", 0, "Anna")
    assert names.voice_of("s1", 0, "Ben") == names.voice_of("s1", 0, "Ben") == VoiceKey("s1", 0, "Ben")
    names.rename(names.number("s1", 0, "Ben"), "Bob")
    assert names.voice_of("s1", 0, "Ben") == VoiceKey("s1", 0, "Ben 2")
    assert names.names == ("Anna", "Anna", "Bob", "Ben")


def test_a_letter_of_another_session_is_not_taken_for_the_own_one():
    names = VoiceNames()
    assert [names.name(session, 0, "A") for session in ("s1", "s2")] == ["A", "B"]
    voice = names.voice_of("s2", 0, "A")
    assert voice != VoiceKey("s2", 0, "A")
    assert names.name(*voice) == "A"
    assert names.name("s2", 0, "A") == "B"
    kept = VoiceNames({voice: "A"})
    assert kept.name(*voice) == "A"


keys = st.tuples(st.sampled_from(["s1", "s2"]), st.integers(0, 1), st.sampled_from([*"ABC", "Anna"]))


@given(st.lists(st.one_of(keys, st.tuples(st.integers(0, 9), st.sampled_from(["", "A", "Anna", "Ben"])))))
def test_whatever_happens_letters_are_of_one_voice_and_equal_names_of_one_speaker(steps):
    names = VoiceNames()
    for step in steps:
        if len(step) == 3:
            assert names.number(*step) == names.number(*step)
        elif step[0] < len(names):
            assert set(names.rename(*step).values()) == {step[1]}
    assert all(names.names)
    for number, (name, speaker) in enumerate(zip(names.names, names.speakers, strict=True)):
        assert speaker == names.names.index(name) <= number


def test_names_are_one_line_of_text():
    assert clean_name("  Anna \n\t Maria\x00\u202e ") == "Anna Maria"
    assert clean_name("<b>Zoë</b>") == "<b>Zoë</b>"
    with pytest.raises(ValueError, match="name must have 50 characters at most, got 51"):
        clean_name("x" * 51)
