"""Latencies and changes of turns as their client sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.events import TurnUpdated
from vivavoce.server.turn_meter import ArrivalClock, TurnMeter
from vivavoce.types import Word

START_S = 1_000.0


def clock_of(*, seconds=60, speed=1.0, step_ms=50):
    """Audio in messages of 50 ms; the first is complete 50 ms after the start, at the speed of speech."""
    clock = ArrivalClock()
    for n in range(1, 1 + seconds * 1000 // step_ms):
        clock.note(n * step_ms, START_S + n * step_ms / 1000 / speed)
    return clock


def turn(text, *, order=0, ended=False, final=(), channel=None):
    """Words of 300 ms each, 400 ms apart, from 1 s on."""
    words = tuple(
        Word(word, 1_000 + 400 * place, 1_300 + 400 * place, 0.9, is_final=place in final)
        for place, word in enumerate(text.split())
    )
    return TurnUpdated(order, 1_000, 9_000, words, ended=ended, channel=channel)


# --- when audio arrived ---------------------------------------------------------------------------


def test_a_moment_arrives_with_the_message_that_contains_it():
    clock = clock_of()
    assert clock.time_of(50) == START_S + 0.05
    assert clock.time_of(51) == START_S + 0.1
    assert clock.time_of(0) == START_S + 0.05
    assert clock.time_of(90_000) == START_S + 60  # after the audio: with the last message


def test_nothing_has_arrived_before_the_first_message():
    assert ArrivalClock().time_of(0) is None


def test_audio_that_is_sent_faster_than_it_is_spoken_has_no_time():
    clock = clock_of(speed=4)
    assert clock.time_of(50) is not None
    assert clock.time_of(30_000) is None


def test_audio_after_a_pause_of_the_sender_still_has_one():
    clock = clock_of(seconds=10)
    clock.note(10_050, START_S + 500)
    assert clock.time_of(10_050) == START_S + 500


def test_old_audio_is_forgotten():
    clock = clock_of(seconds=3_600)
    assert len(clock._ends_ms) < 2 * 90_000 / 50 + 2
    assert clock.time_of(1_000) is None
    assert clock.time_of(3_599_000) == START_S + 3_599


@given(
    pieces=st.lists(st.floats(0.1, 400), min_size=1, max_size=200),
    asked_ms=st.floats(0, 100_000),
)
def test_times_rise_with_the_audio(pieces, asked_ms):
    clock, audio_ms = ArrivalClock(), 0.0
    for piece_ms in pieces:
        audio_ms += piece_ms
        clock.note(audio_ms, START_S + audio_ms / 1000)
        clock.note(audio_ms, START_S + 1 + audio_ms / 1000)  # a message without audio
    earlier, later = clock.time_of(asked_ms / 2), clock.time_of(asked_ms)
    if earlier is not None and later is not None:
        assert START_S <= earlier <= later <= START_S + audio_ms / 1000
    if asked_ms <= audio_ms:
        assert later is not None
        assert later >= START_S + asked_ms / 1000 - 1e-6


# --- turns ----------------------------------------------------------------------------------------


def test_latencies_of_a_turn():
    meter = TurnMeter(clock_of())
    assert meter.update(turn("Alpha"), START_S + 1.5) is None
    assert meter.update(turn("alpha bravo"), START_S + 2.0) is None
    report = meter.update(turn("Alpha, bravo charlie.", ended=True), START_S + 3.0)
    assert report.first_word_latency_s == pytest.approx(0.5)  # 1.0 to 1.5
    # They end at 1.3, 1.7 and 2.1; case and punctuation are no changes.
    assert report.word_latencies_s == pytest.approx((0.2, 0.3, 0.9))
    assert report.final_latency_s == pytest.approx(0.9)
    assert (report.n_words, report.n_shown, report.n_changes, report.n_broken) == (3, 3, 0, 0)


def test_each_change_counts_and_moves_the_emission():
    meter = TurnMeter(clock_of())
    meter.update(turn("a b c"), START_S + 3)
    meter.update(turn("a x c"), START_S + 4)  # b changed
    meter.update(turn("a"), START_S + 5)  # x and c went
    report = meter.update(turn("a b c", ended=True), START_S + 6)
    assert (report.n_changes, report.n_shown) == (3, 3)
    assert report.word_latencies_s == pytest.approx((1.7, 4.3, 3.9))


def test_a_word_that_was_final_must_not_change():
    meter = TurnMeter(clock_of())
    meter.update(turn("a b c", final={0, 1}), START_S + 3)
    report = meter.update(turn("a x d", ended=True), START_S + 4)
    assert (report.n_changes, report.n_broken) == (2, 1)


def test_words_of_signs_alone_are_words():
    meter = TurnMeter(clock_of())
    meter.update(turn("a $ %"), START_S + 3)
    assert meter.update(turn("a $ &", ended=True), START_S + 4).n_changes == 1


def test_a_turn_that_came_faster_than_speech_has_no_latencies():
    meter = TurnMeter(clock_of(speed=50))
    report = meter.update(turn("a b " * 40, ended=True), START_S + 3)
    assert (report.first_word_latency_s, report.word_latencies_s, report.final_latency_s) == (None, (), None)
    assert report.n_words == 80


def test_turns_without_words_are_not_reported():
    meter = TurnMeter(clock_of())
    assert meter.update(turn("", ended=True), START_S + 3) is None
    meter.update(turn("a", order=1), START_S + 4)
    assert meter.update(turn("", order=1, ended=True), START_S + 5) is None
    assert not meter._shown


def test_channels_and_turns_are_kept_apart():
    meter = TurnMeter(clock_of())
    meter.update(turn("a b", channel=0), START_S + 3)
    meter.update(turn("c d", channel=1), START_S + 3)
    assert meter.update(turn("a b", channel=0, ended=True), START_S + 4).n_changes == 0
    assert meter.update(turn("c d", channel=1, ended=True), START_S + 4).n_changes == 0
    meter.update(turn("e f", order=1, channel=0), START_S + 5)
    report = meter.update(turn("e f", order=1, channel=0, ended=True), START_S + 6)
    assert (report.turn_order, report.channel, report.n_changes) == (1, 0, 0)


def test_a_final_that_came_before_its_words_seem_to_end_has_no_negative_latency():
    report = TurnMeter(clock_of(seconds=1)).update(turn("a b", ended=True), START_S + 0.5)
    assert report.final_latency_s == 0.0
    assert report.word_latencies_s == (0.0, 0.0)
