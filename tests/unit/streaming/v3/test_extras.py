"""The names of the vendor's module for several sources, and its detector with arrays."""

from array import array

import numpy as np
import pytest

from vivavoce.streaming.v3 import extras

SILENCE, VOICE = [0.0] * 320, [0.25, -0.25] * 160


def test_every_public_name_of_the_vendors_module_is_there():
    assert set(extras.__all__) == {
        "AsyncChannelStreamer",
        "ChannelAttributionOptions",
        "ChannelStreamer",
        "DualChannelTurnEvent",
        "DualChannelWord",
        "EnergyVad",
        "RESOLVE_UNKNOWN_METHODS",
        "RealTimeEvents",
        "TurnEvent",
        "UNKNOWN_CHANNEL",
        "VadDetector",
        "VadFrame",
        "VadResult",
        "VadTimeline",
        "Word",
        "attribute_turn",
        "attribute_word",
        "resolve_unknown_channels_by_speaker_history",
        "resolve_unknown_channels_by_window",
        "roll_up_turn_channel",
    }
    for name in extras.__all__:
        assert getattr(extras, name) is not None


@pytest.mark.parametrize(
    "kind",
    [list, tuple, lambda frame: array("f", frame), lambda frame: np.array(frame, np.float32), np.array],
    ids=["list", "tuple", "array", "float32", "float64"],
)
def test_the_detector_takes_lists_and_arrays(kind):
    detector = extras.EnergyVad()
    assert detector.process(kind(SILENCE)) == extras.VadResult(active=False, energy=0.0)
    assert detector.process(kind(VOICE)) == extras.VadResult(active=True, energy=0.25)
    assert detector.process(kind([])).energy == 0.0


def word(text, start, channel, speaker=None):
    return extras.DualChannelWord(
        text=text, start=start, end=start + 100, confidence=1.0, channel=channel, speaker=speaker
    )


def turn(*words):
    return extras.DualChannelTurnEvent(
        turn_order=0, end_of_turn=True, transcript="", end_of_turn_confidence=1.0, words=list(words)
    )


def test_words_without_a_channel_follow_their_neighbours():
    mixed = turn(word("a", 0, "mic"), word("b", 100, "unknown"), word("c", 200, "mic"))
    extras.resolve_unknown_channels_by_window(mixed, 1)
    assert [each.channel for each in mixed.words] == ["mic"] * 3
    assert [each.channel_resolved for each in mixed.words] == [None, True, None]
    assert mixed.channel == extras.roll_up_turn_channel(mixed.words) == "mic"


def test_words_without_a_channel_follow_their_speaker():
    timeline = extras.VadTimeline(30_000)
    for end_ms in range(20, 120, 20):
        timeline.push_frame(extras.VadFrame(end_ms, "system", active=True, rms=0.2))
    mixed = turn(word("a", 0, "system", "A"), word("b", 500, "unknown", "A"))
    assert extras.attribute_word(mixed.words[0], timeline, 4.0) == "system"
    history = {}
    extras.resolve_unknown_channels_by_speaker_history(mixed, timeline, history, 0.5, 3.0)
    assert [each.channel for each in mixed.words] == ["system", "system"]
    assert history == {"A": {"system": pytest.approx(1.0)}}
