"""Speech tracking and ends of turns."""

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.asr.session.speech import SilencePolicy, SpeechTracker, TrackerState


def tracked(probabilities, **options):
    tracker = SpeechTracker(**options)
    return [tracker.push(value) for value in probabilities], tracker


def test_three_frames_of_four_open():
    states, tracker = tracked([0.1, 0.9, 0.2, 0.9, 0.9])
    assert states[-1] is TrackerState.SPEAKING
    assert tracker.first_speech_frame == 1
    assert tracker.speech_end_frame == 5


def test_a_click_opens_nothing():
    states, _ = tracked([0.9, 0.9, 0.1, 0.1, 0.9, 0.1, 0.1])
    assert TrackerState.SPEAKING not in states


def test_a_dip_above_the_lower_threshold_is_no_pause():
    _, tracker = tracked([0.9] * 4 + [0.4] * 3)
    assert tracker.state is TrackerState.SPEAKING
    assert tracker.pause_frames == 0


def test_a_pause_counts_from_the_last_speech_and_ends_with_speech():
    _, tracker = tracked([0.9] * 4 + [0.1] * 5)
    assert (tracker.state, tracker.pause_frames, tracker.speech_end_frame) == (TrackerState.PAUSING, 5, 4)
    tracker.push(0.4)
    assert tracker.pause_frames == 6
    tracker.push(0.6)
    assert (tracker.pause_frames, tracker.speech_end_frame) == (0, 11)


def test_closing_waits_for_new_speech():
    _, tracker = tracked([0.9] * 4)
    tracker.close()
    assert not tracker.is_open
    for _ in range(3):
        tracker.push(0.9)
    assert tracker.is_open
    assert tracker.first_speech_frame == 4


@given(st.lists(st.floats(0, 1), max_size=200))
def test_positions_never_exceed_the_frames_pushed(probabilities):
    tracker = SpeechTracker()
    for count, value in enumerate(probabilities, 1):
        tracker.push(value)
        assert tracker.frames == count
        if tracker.is_open:
            assert tracker.first_speech_frame < tracker.speech_end_frame <= count
            assert tracker.pause_frames in {0, count - tracker.speech_end_frame}
        else:
            assert tracker.pause_frames == 0


def test_silence_alone_ends_at_the_long_threshold():
    policy = SilencePolicy(400, 1280, 0.4)
    assert not policy.is_over(1279, 0.0)
    assert policy.is_over(1280, 0.0)
    assert policy.is_over(400, 0.4)
    assert not policy.is_over(399, 1.0)
    assert not policy.is_over(400, 0.39)


def test_a_threshold_of_one_means_silence_alone_and_of_zero_the_short_one():
    assert not SilencePolicy(400, 1280, 1.0).is_over(1000, 1.0)
    assert SilencePolicy(400, 1280, 0.0).is_over(400, 0.0)


def test_words_decide_between_the_thresholds_only():
    policy = SilencePolicy(400, 1280, 0.4)
    assert [policy.needs_text(ms) for ms in (399, 400, 1279, 1280)] == [False, True, True, False]
    assert not SilencePolicy(700, 700, 0.5).needs_text(700)
    assert not SilencePolicy(400, 1280, 0.0).needs_text(500)
