"""Who says which words."""

from types import SimpleNamespace

import pytest

from vivavoce.protocol.speaker_runs import NO_VOICE, PENDING, Voice, runs_by_voice, voices_of
from vivavoce.types import Word


def words(speakers):
    return [Word("word", 0, 1, 1.0, speaker=speaker) for speaker in speakers]


@pytest.mark.parametrize(
    ("voice", "label"),
    [
        (Voice(None, "A"), "A"),
        (Voice(0, "A"), "1A"),
        (Voice(1, "A"), "2A"),
        (Voice(1), "2"),
        (Voice("agent", "A"), "agent A"),
        (Voice("agent"), "agent"),
        (Voice(None, PENDING), ""),
        (Voice(1, PENDING), ""),
        (NO_VOICE, ""),
    ],
)
def test_a_label_names_channel_and_speaker(voice, label):
    assert voice.label == label
    assert voice.is_known is bool(label)


def test_words_belong_to_the_speaker_of_their_turn_unless_they_say_otherwise():
    turn = SimpleNamespace(words=words([None, "B"]), speaker_label="A", channel=1)
    assert voices_of(turn) == [Voice(1, "A"), Voice(1, "B")]
    server = SimpleNamespace(words=words([None]), speaker="A")
    assert voices_of(server) == [Voice(None, "A")]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["A", PENDING, "A"], ["A", "A", "A"]),
        (["A", "UNKNOWN", "", "A", "B"], ["A", "A", "A", "A", "B"]),
        (["A", PENDING, "B"], ["A", PENDING, "B"]),
        ([PENDING, "A"], [PENDING, "A"]),
        (["A", PENDING], ["A", PENDING]),
        ([PENDING], [PENDING]),
        ([], []),
    ],
)
def test_undecided_words_within_a_speakers_words_are_that_speakers(given, found):
    assert [voice.speaker for voice in voices_of(words(given))] == found


def test_runs_hold_all_words_in_order():
    said = words("AABA")
    runs = runs_by_voice(said)
    assert [(voice.label, len(run)) for voice, run in runs] == [("A", 2), ("B", 1), ("A", 1)]
    assert [word for _, run in runs for word in run] == said
