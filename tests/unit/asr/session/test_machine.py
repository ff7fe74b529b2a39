import dataclasses
import itertools

import numpy as np
import pytest

from support.scripted_engine import FRAME, ScriptedDetector, ScriptedRecogniser, silence, speech, spoken
from support.sessions import LIMITS, Driver
from vivavoce.asr.models import Hypothesis
from vivavoce.asr.session import SessionState, Tuning
from vivavoce.protocol.events import (
    Audio,
    Configure,
    ForceEndpoint,
    KeepAlive,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    SessionLimits,
    SpeechStarted,
    Terminate,
    TurnUpdated,
)
from vivavoce.types import Encoding, Failure

FRAME_MS = 32


def failure_of(driver):
    last = driver.events[-1]
    assert isinstance(last, SessionFailed)
    return last


def test_a_session_begins_by_saying_so():
    driver = Driver()
    driver.end()
    assert driver.events[0] == SessionBegan("id", 1_000.0 + LIMITS.max_session_s)
    assert driver.events[-1] == SessionEnded(audio_ms=0, session_ms=0)
    assert driver.session.state is SessionState.ENDED


def test_an_utterance_grows_and_ends():
    driver = Driver()
    driver.say(silence(20))
    driver.say(speech(0, 1, 2))
    driver.say(silence(30))
    partials = [event.text for event in driver.updates if not event.ended]
    assert partials[-1] == "alpha bravo charlie"
    assert len(partials) > 2
    assert driver.texts == ["Alpha bravo. Charlie,"]
    (final,) = driver.finals
    assert final.turn_order == 0
    assert final.formatted
    assert all(word.is_final for word in final.words)


def test_words_have_times_on_the_sessions_own_clock():
    driver = Driver()
    driver.say(silence(50))
    driver.say(speech(3))
    driver.say(silence(40))
    driver.say(speech(4))
    driver.end()
    starts = [final.words[0].start_ms for final in driver.finals]
    assert starts == [pytest.approx(50 * FRAME_MS, abs=2), pytest.approx((50 + 11 + 40) * FRAME_MS, abs=2)]


class Overlapping(ScriptedRecogniser):
    """Finds words to last longer than they do, as the model does where two hypotheses meet."""

    def recognise(self, spans):
        hypotheses = super().recognise(spans)
        return [
            dataclasses.replace(
                each, words=tuple(dataclasses.replace(word, end_s=word.end_s + 0.3) for word in each.words)
            )
            for each in hypotheses
        ]


def test_a_word_begins_after_the_one_before_it_has_ended():
    driver = Driver(recogniser=Overlapping())
    driver.say(speech(0, 1, 2, 3))
    driver.end()
    assert any(len(update.words) > 2 for update in driver.updates)
    for update in driver.updates:
        for before, after in itertools.pairwise(update.words):
            assert before.end_ms <= after.start_ms <= after.end_ms


def test_the_first_word_is_whole_though_speech_is_noticed_late():
    driver = Driver()
    driver.say(silence(60))
    driver.say(speech(0))
    driver.end()
    assert driver.texts == [spoken(0)[0]]
    started = next(event for event in driver.events if isinstance(event, SpeechStarted))
    assert started.at_ms == driver.finals[0].start_ms == 60 * FRAME_MS - driver.tuning.preroll_ms


class LateDetector(ScriptedDetector):
    """Notices speech some frames after it begins, as a real detector does."""

    def __init__(self, frames):
        super().__init__()
        self._late = [np.float32(0)] * frames

    def detect(self, requests):
        [(state, probabilities)] = super().detect(requests)
        waiting = [*self._late, *probabilities]
        self._late = waiting[len(probabilities) :]
        return [(state, np.array(waiting[: len(probabilities)], np.float32))]


@pytest.mark.parametrize("frames", [0, 1, 5, 9])
def test_speech_starts_no_later_than_its_first_word(frames):
    driver = Driver(detector=LateDetector(frames))
    for words, pause in (((0, 1), 60), ((2,), 45), ((3, 4), 60)):
        driver.say(silence(pause))
        driver.say(speech(*words))
    driver.end()
    starts = [event.at_ms for event in driver.events if isinstance(event, SpeechStarted)]
    firsts = [final.words[0].start_ms for final in driver.finals]
    assert len(starts) == len(firsts) == 3
    for start, first in zip(starts, firsts, strict=True):
        assert first - driver.tuning.preroll_ms <= start <= first


def test_speech_from_the_first_sample_on_is_transcribed():
    driver = Driver()
    driver.say(speech(5, 6))
    driver.end()
    assert driver.texts == [" ".join(spoken(5, 6))]


def test_ending_in_mid_word_gives_the_words_so_far():
    driver = Driver()
    driver.say(speech(0, 1)[: -6 * FRAME])
    driver.end()
    assert len(driver.texts) == 1
    assert driver.texts[0].startswith("Alpha b")


def test_the_silence_threshold_decides_between_one_turn_and_two():
    def turns(threshold_ms):
        driver = Driver(min_silence_ms=threshold_ms, max_silence_ms=threshold_ms)
        driver.say(speech(0))
        driver.say(silence(16))  # 512 ms
        driver.say(speech(1))
        driver.end()
        return driver.texts

    assert turns(700) == ["Alpha bravo."]
    assert turns(400) == ["Alpha", "bravo."]


def test_a_turn_that_sounds_complete_ends_early():
    def turns(last, pause_frames):
        driver = Driver(min_silence_ms=320, max_silence_ms=1_280, end_of_turn_threshold=0.2)
        driver.say(speech(0, 3, 5, 7, 0, 3, 5, last))
        driver.say(silence(pause_frames))
        driver.say(speech(3))
        driver.end()
        return len(driver.texts)

    full_stop, comma = 1, 2
    assert [turns(full_stop, frames) for frames in (10, 30, 40)] == [1, 2, 2]
    assert [turns(comma, frames) for frames in (10, 30, 40)] == [1, 1, 2]


def test_a_speaker_with_long_pauses_gets_more_time():
    def ended_after(pauses):
        driver = Driver(min_silence_ms=320, max_silence_ms=1_280, end_of_turn_threshold=0.2)
        for _ in range(pauses):
            driver.say(speech(0, 3))
            driver.say(silence(20))
        driver.say(speech(5, 7, 0, 3, 5, 7, 0, 1))
        for frames in range(45):
            driver.say(silence(1), chunk=FRAME)
            if driver.finals:
                return frames
        return None

    assert ended_after(pauses=1) < ended_after(pauses=3)


def test_the_audio_model_of_turn_ends_runs_only_where_it_matters():
    asked = {}
    for name, silences in {"two": (400, 1_280), "one": (700, 700)}.items():
        driver = Driver(min_silence_ms=silences[0], max_silence_ms=silences[1], end_of_turn_threshold=0.4)
        driver.say(speech(0, 1))
        driver.say(silence(45))
        asked[name] = [(span.exact, span.asks_for_end) for [span] in driver.recogniser.calls]
    assert (True, True) in asked["two"]
    assert not any(asks for exact, asks in asked["two"] if not exact)
    assert not any(asks for _, asks in asked["one"])


def test_the_final_pass_runs_while_the_silence_is_still_short():
    driver = Driver()
    driver.say(speech(0, 1))
    driver.say(silence(20))
    calls = len(driver.recogniser.calls)
    assert not driver.finals
    driver.say(silence(10))
    assert driver.finals
    assert len(driver.recogniser.calls) == calls, "the end of the turn needed no pass of its own"


def test_the_model_does_not_get_the_silence_after_the_words():
    driver = Driver()
    driver.say(speech(0))
    driver.say(silence(30))
    span = driver.recogniser.calls[-1][0].samples
    quiet_at_end = len(span) - np.flatnonzero(span)[-1] - 1
    assert quiet_at_end <= Tuning().settle_ms * 16


def test_a_final_does_not_depend_on_how_much_silence_ended_it():
    spans = []
    for silence_ms in (160, 400, 700, 3_000):
        driver = Driver(min_silence_ms=silence_ms, max_silence_ms=silence_ms)
        driver.say(np.concatenate([speech(0, 1), silence(100)]))
        assert len(driver.finals) == 1
        spans.append(driver.recogniser.calls[-1][0].samples)
    assert all(np.array_equal(span, spans[-1]) for span in spans)


def test_nothing_is_decoded_during_silence():
    driver = Driver()
    driver.say(silence(300))
    assert not driver.recogniser.calls
    driver.say(speech(0))
    driver.say(silence(40))
    calls = len(driver.recogniser.calls)
    driver.say(silence(300))
    assert len(driver.recogniser.calls) == calls


def test_the_buffer_does_not_grow_in_silence():
    driver = Driver()
    driver.say(silence(500))
    buffer = driver.session._segmenter.buffer
    assert buffer.end - buffer.start < 16_000


def test_partials_build_on_the_hypothesis_before_and_finals_do_not():
    driver = Driver()
    driver.say(speech(0, 1, 2))
    driver.say(silence(40))
    *partials, final = [call[0] for call in driver.recogniser.calls]
    assert (partials[0].prefix, partials[0].draft) == ((), ())
    assert partials[-1].prefix
    assert partials[-1].fresh_s == pytest.approx(0.16, abs=0.05)
    assert (final.prefix, final.fresh_s) == ((), None)
    assert final.exact, "a draft may save time, and nothing else"


@pytest.mark.parametrize(
    ("stretched", "options", "first", "then"),
    [
        (1, {}, [0.32, 0.16, 0.16, 0.16, 0.16], 0.32),
        (2, {}, [0.32, 0.64], 0.64),  # under load there is no time for it
        (1, {"partials_ms": 640}, [0.32, 0.64], 0.64),
    ],
)
def test_partials_come_more_often_at_the_beginning_where_there_is_time(stretched, options, first, then):
    driver = Driver(cadence_ms=320 * stretched, **options)
    driver.say(speech(*range(8)), chunk=512)
    fresh = [call[0].fresh_s for call in driver.recogniser.calls]
    assert fresh[: len(first)] == pytest.approx(first, abs=0.04)
    assert fresh[len(first) :] == pytest.approx([then] * len(fresh[len(first) :]), abs=0.04)


def test_partials_of_a_long_utterance_are_decoded_over_a_window():
    words = [index % 8 for index in range(60)]
    tuning = Tuning(max_utterance_ms=60_000, window_ms=3_000, window_slack_ms=1_000)
    driver = Driver(tuning=tuning)
    driver.say(speech(*words))
    longest = max(len(call[0].samples) for call in driver.recogniser.calls)
    assert longest <= 5_000 * 16
    partials = [update.text.split() for update in driver.updates]
    plain = [word.lower().strip(".,?!") for word in spoken(*words)]
    for partial in partials:
        assert partial[:-1] == plain[: len(partial) - 1], "only the last word may be cut"
    driver.end()
    assert driver.texts == [" ".join(spoken(*words))]
    assert len(driver.recogniser.calls[-1][0].samples) >= 60 * 11 * FRAME


def test_committed_words_never_change_and_become_the_prefix():
    driver = Driver(commit_words=True, format_partials=True)
    driver.say(speech(0, 1, 2, 3))
    driver.end()
    committed = []
    for update in driver.updates:
        now = [word for word in update.words if word.is_final]
        assert now[: len(committed)] == committed
        committed = now
    assert [word.text for word in committed] == spoken(0, 1, 2, 3)
    assert driver.recogniser.calls[-1][0].prefix


def test_no_partials_when_none_are_wanted():
    driver = Driver(partials=False)
    driver.say(silence(100))
    driver.say(speech(0, 1))
    driver.say(silence(40))
    assert [update.ended for update in driver.updates] == [True]
    assert len(driver.recogniser.calls) == 1


def test_silence_is_reported_as_empty_updates_on_request():
    driver = Driver(silence_updates_ms=1_000)
    driver.say(silence(100))  # 3.2 s
    assert [(update.text, update.ended) for update in driver.updates] == [("", False)] * 3
    assert not any(isinstance(event, SpeechStarted) for event in driver.events)


def test_a_forced_end_splits_and_loses_nothing():
    driver = Driver()
    driver.say(speech(0, 1))
    driver.command(ForceEndpoint())
    driver.say(speech(2))
    driver.end()
    assert driver.texts == ["Alpha bravo.", "Charlie,"]


def test_force_is_answered_once_even_if_nothing_was_said():
    driver = Driver(answer_empty_force=True)
    driver.say(silence(10))
    driver.command(ForceEndpoint())
    driver.serve()
    driver.command(ForceEndpoint())
    driver.serve()
    assert [(final.turn_order, final.words) for final in driver.finals] == [(0, ()), (1, ())]
    quiet = Driver(answer_empty_force=False)
    quiet.command(ForceEndpoint())
    quiet.end()
    assert not quiet.updates


def test_force_takes_effect_at_its_place_in_the_audio():
    driver = Driver()
    driver.say(speech(0), serve=False)
    driver.command(ForceEndpoint())
    driver.say(speech(1), serve=False)
    driver.serve()
    driver.end()
    assert driver.texts == ["Alpha", "bravo."]


def test_configuration_counts_from_where_it_came():
    driver = Driver()
    driver.command(Configure(min_silence_ms=2_000, max_silence_ms=2_000))
    driver.say(speech(0))
    driver.say(silence(40))
    assert not driver.finals
    driver.command(Configure(min_silence_ms=300, max_silence_ms=300, format_turns=False))
    driver.say(silence(1))
    assert driver.texts == ["alpha"]


def test_words_that_turn_out_to_be_none_are_taken_back():
    class Forgetful(ScriptedRecogniser):
        def recognise(self, spans):
            hypotheses = super().recognise(spans)
            return [
                Hypothesis() if span.samples[-1] == 0 else it
                for span, it in zip(spans, hypotheses, strict=True)
            ]

    driver = Driver(recogniser=Forgetful())
    driver.say(speech(0, 1))
    driver.say(silence(40))
    assert not driver.finals
    assert driver.updates[-1].words == ()
    driver.say(speech(2))
    driver.end()
    assert all(update.turn_order == 0 for update in driver.updates)


def test_a_turn_without_words_makes_no_message():
    class Deaf(ScriptedRecogniser):
        def recognise(self, spans):
            return [Hypothesis() for _ in spans]

    driver = Driver(recogniser=Deaf())
    driver.say(speech(0))
    driver.end()
    assert not driver.updates


@pytest.mark.parametrize("commits", [False, True])
@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_an_utterance_that_grows_too_long_in_a_pause_ends_there(words, commits):
    driver = Driver(
        commit_words=commits,
        format_partials=commits,
        tuning=Tuning(max_utterance_ms=3_000, cut_window_ms=2_000),
        min_silence_ms=4_000,
        max_silence_ms=9_000,
        end_of_turn_threshold=0.9,
    )
    driver.say(silence(20))
    driver.say(speech(*range(words)))
    driver.say(silence(150))
    driver.say(speech(5))
    driver.say(silence(20))
    driver.end()
    said = " ".join(driver.texts).lower().split()
    assert [word.strip(".,") for word in said] == [
        word.strip(".,") for word in " ".join(spoken(*range(words), 5)).lower().split()
    ]


def test_speech_without_a_pause_is_cut_and_nothing_is_lost_or_doubled():
    words = [index % 8 for index in range(200)]
    driver = Driver(tuning=Tuning(max_utterance_ms=6_000, cut_window_ms=3_000))
    driver.say(speech(*words))
    driver.end()
    assert len(driver.finals) >= 9
    assert " ".join(driver.texts).split() == spoken(*words)
    longest = max(len(span.samples) for call in driver.recogniser.calls for span in call)
    assert longest <= 6_100 * 16


LONG_TURNS = {
    "tuning": Tuning(max_utterance_ms=6_000, max_parts=5, cut_window_ms=3_000),
    "commit_words": True,
    "format_partials": True,
    "min_silence_ms": 960,
    "max_silence_ms": 960,
}


@pytest.mark.parametrize("pause", [0, 4, 12], ids=["no pause", "a dip", "pauses"])
def test_where_words_are_committed_a_turn_continues_after_a_cut(pause):
    driver = Driver(**LONG_TURNS)
    words = [index % 8 for index in range(60)]
    for at in range(0, 60, 12):
        driver.say(speech(*words[at : at + 12]))
        driver.say(silence(pause))
    driver.say(silence(40))
    assert driver.texts == [" ".join(spoken(*words))]
    (final,) = driver.finals
    assert final.start_ms == 0
    assert final.words[0].start_ms < 500
    assert final.words[-1].start_ms > 20_000
    longest = max(len(span.samples) for call in driver.recogniser.calls for span in call)
    assert longest <= 7_500 * 16
    driver.say(speech(1))
    driver.end()
    assert driver.finals[1].turn_order == 1
    assert driver.finals[1].words[0].start_ms > final.end_ms


def test_the_words_of_a_turn_stay_though_what_followed_them_in_it_was_nothing():
    driver = Driver(**LONG_TURNS)
    words = [index % 8 for index in range(18)]
    driver.say(speech(*words))
    driver.say(silence(12))
    driver.say(speech(3)[: 4 * FRAME])
    driver.say(silence(40))
    assert driver.texts[0].split()[:18] == spoken(*words)
    assert len(driver.finals) == 1


def test_a_turn_that_does_not_end_is_ended():
    driver = Driver(**LONG_TURNS)
    words = [index % 8 for index in range(200)]
    driver.say(speech(*words))
    driver.end()
    assert " ".join(driver.texts).split() == spoken(*words)
    assert len(driver.finals) >= 2
    for final in driver.finals:
        assert final.end_ms - final.start_ms <= 30_100


def test_finals_come_in_order_though_their_passes_are_late():
    driver = Driver()
    for index in range(4):
        driver.say(speech(index), serve=False)
        driver.say(silence(40), serve=False)
    while driver.detect():
        pass
    assert not driver.finals
    driver.serve()
    driver.end()
    assert driver.texts == spoken(0, 1, 2, 3)
    assert [final.turn_order for final in driver.finals] == [0, 1, 2, 3]


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_rates_and_encodings_are_transcribed(rate):
    driver = Driver(sample_rate=rate)
    levels = np.where(np.abs(speech(1, 2)) > 0.01, 9_000, 100)
    after_silence = np.concatenate([np.zeros(4_000), levels])  # or else it would be an offset of the audio
    wave = np.repeat(after_silence, 3)[:: round(48_000 / rate)].astype("<i2")
    for at in range(0, len(wave), rate // 10):
        driver.command(Audio(wave[at : at + rate // 10].tobytes()))
        driver.serve()
    driver.end()
    assert len(driver.finals) == 1


# --- rules ------------------------------------------------------------------------------------

STRICT = SessionLimits(min_chunk_ms=100, max_chunk_ms=2_000, max_lead_s=60, idle_s=60, max_session_s=3_600)


@pytest.mark.parametrize(
    ("sizes", "failure", "detail"),
    [
        ([3_201], Failure.AUDIO_MISALIGNED, "3201 bytes"),
        ([3_000, 3_200], Failure.AUDIO_TOO_SHORT, "93.8 ms"),
        ([0, 3_200], Failure.AUDIO_TOO_SHORT, "0.0 ms"),
        ([64_032], Failure.AUDIO_TOO_LONG, "2001.0 ms"),
        ([96_000], Failure.AUDIO_TOO_LONG, "3000.0 ms"),
    ],
)
def test_audio_that_breaks_a_rule_fails_the_session(sizes, failure, detail):
    driver = Driver(limits=STRICT)
    for size in sizes:
        driver.command(Audio(bytes(size)))
    assert failure_of(driver).failure is failure
    assert detail in failure_of(driver).detail
    assert driver.session.state is SessionState.FAILED


def test_a_short_last_chunk_is_the_end_of_a_recording():
    driver = Driver(limits=STRICT)
    driver.command(Audio(bytes(3_200)))
    driver.command(Audio(bytes(100)))
    driver.end()
    assert driver.session.state is SessionState.ENDED


def test_a_chunk_one_sample_short_of_the_limit_is_let_in():
    driver = Driver(limits=STRICT, sample_rate=11_025)
    for _ in range(3):
        driver.command(Audio(bytes(2 * int(11_025 * 0.1))))
    assert driver.session.state is SessionState.OPEN


@pytest.mark.parametrize(("encoding", "ms"), [("pcm_s16le", 10), ("pcm_s16le", 20), ("pcm_mulaw", 50)])
def test_chunks_from_the_accepted_length_on_are_gathered(encoding, ms):
    lenient = dataclasses.replace(STRICT, accepted_chunk_ms=10)
    driver = Driver(limits=lenient, sample_rate=8_000, encoding=Encoding(encoding))
    width = Encoding(encoding).bytes_per_sample
    for _ in range(1_000 // ms):
        driver.command(Audio(bytes(8 * ms * width)))
    assert driver.session.audio_ms == 1_000
    for size in (72, 80):
        driver.command(Audio(bytes(size * width)))
    assert failure_of(driver).failure is Failure.AUDIO_TOO_SHORT
    assert failure_of(driver).detail == "9.0 ms. Expected between 100 and 2000 ms"


def test_audio_far_ahead_of_the_clock_is_too_fast():
    driver = Driver(limits=STRICT)
    for _ in range(30):
        driver.command(Audio(bytes(64_000)))
    assert driver.session.state is SessionState.OPEN
    driver.command(Audio(bytes(64_000)))
    assert failure_of(driver).failure is Failure.AUDIO_TOO_FAST
    assert "62.0 sec. audio in 0.0 sec" in failure_of(driver).detail


def test_audio_twice_as_fast_for_a_while_is_not():
    driver = Driver(limits=STRICT)
    for _ in range(55):
        driver.command(Audio(bytes(64_000)))
        driver.now += 1.0
    assert driver.session.state is SessionState.OPEN


def test_an_idle_session_fails_and_a_sign_of_life_keeps_it():
    driver = Driver(limits=STRICT)
    driver.now = 50.0
    driver.command(KeepAlive())
    driver.session.tick(109.0)
    assert driver.session.state is SessionState.OPEN
    driver.session.tick(110.5)
    driver._collect()
    assert failure_of(driver).failure is Failure.IDLE


def test_a_session_expires():
    driver = Driver()
    driver.session.tick(10_801.0)
    driver._collect()
    assert failure_of(driver).failure is Failure.EXPIRED


def test_nothing_happens_after_the_end():
    driver = Driver()
    driver.say(speech(0))
    driver.end()
    n = len(driver.events)
    driver.command(Audio(bytes(3_200)))
    driver.command(Terminate())
    driver.command(ForceEndpoint())
    driver.session.fail(Failure.INTERNAL)
    driver.session.tick(1e9)
    driver.serve()
    driver._collect()
    assert len(driver.events) == n


def test_a_failure_in_mid_pass_is_the_last_word():
    driver = Driver()
    driver.say(speech(0, 1), serve=False)
    while driver.detect():
        pass
    request = driver.session.next_pass()
    driver.session.begin_pass(request)
    driver.session.fail(Failure.INTERNAL)
    driver.session.apply_hypothesis(request, Hypothesis())
    driver._collect()
    assert failure_of(driver).failure is Failure.INTERNAL
    assert not driver.serve()


def test_one_of_each_kind_of_work_at_a_time():
    driver = Driver()
    driver.say(speech(0, 1), serve=False)
    assert driver.session.take_frames(4) is not None
    assert driver.session.take_frames(4) is None


def test_frames_are_detected_together_during_speech_while_nothing_waits():
    driver = Driver()
    detected = []
    take = driver.session.take_frames

    def taking(limit=64, **options):
        frames = take(limit, **options)
        if frames is not None:
            detected.append((driver.now, len(frames)))
        return frames

    driver.session.take_frames = taking
    driver.say(np.concatenate([silence(30), speech(0, 1, 2), silence(30)]), chunk=512)
    sizes = [n for _, n in detected]
    assert set(sizes[:30]) == {1}  # before speech is noticed
    assert set(sizes[-25:]) == {1}  # in the silence after it
    assert 5 in sizes
    assert sum(sizes) == 30 + 33 + 30


def test_a_partial_does_not_wait_for_frames_to_be_detected_together():
    alone, together = (Driver(tuning=Tuning(frames_at_once=n)) for n in (1, 5))
    for driver in (alone, together):
        driver.say(speech(0, 1, 2, 3, 4), chunk=512)
    assert [span.samples.size for [span] in alone.recogniser.calls] == [
        span.samples.size for [span] in together.recogniser.calls
    ]


def test_a_forced_end_does_not_wait_for_more_frames():
    driver = Driver()
    driver.say(speech(0, 1)[: 18 * 512], chunk=512)
    driver.command(ForceEndpoint())
    driver.serve()
    assert len(driver.finals) == 1


def test_an_overtaken_pass_over_the_whole_corrects_locked_words():
    """The pass over the whole utterance has seen more than the partials before it."""

    class Mishears(ScriptedRecogniser):
        def _decode(self, span):
            hypothesis = super()._decode(span)
            if span.exact:
                return hypothesis
            words = tuple(
                dataclasses.replace(word, text="hotel" if place == 1 else word.text)
                for place, word in enumerate(hypothesis.words)
            )
            return dataclasses.replace(hypothesis, words=words)

    driver = Driver(recogniser=Mishears())
    driver.say(np.concatenate([speech(0, 1, 2), silence(8)]), chunk=512)
    assert [word.text for word in driver.updates[-1].words][1] == "hotel"
    driver.say(silence(8), chunk=512, serve=False)
    while driver.detect():
        pass
    request = driver.session.next_pass()
    assert request.is_whole
    span = driver.session.begin_pass(request)
    driver.say(speech(3)[: 6 * 512], chunk=512, serve=False)
    while driver.detect():
        pass
    driver.session.apply_hypothesis(request, driver.recogniser.recognise([span])[0])
    driver._collect()
    assert [word.text for word in driver.updates[-1].words][1] == "bravo"
    assert not driver.finals


def test_what_was_said_of_one_pause_does_not_hold_up_the_next():
    """All audio is there at once, so no partial comes between the pauses."""
    for later in range(1, 40):
        driver = Driver(min_silence_ms=400, max_silence_ms=1280, end_of_turn_threshold=0.4)
        audio = [speech(0, 1), silence(18), speech(2), silence(later), speech(3), silence(60)]
        driver.say(np.concatenate(audio), serve=False)
        driver.end()
        assert driver.session.state is SessionState.ENDED
        words = [word.text for event in driver.finals for word in event.words]
        assert [word.strip(",.").lower() for word in words] == ["alpha", "bravo", "charlie", "delta"]


def test_the_backlog_is_audio_that_was_not_detected_yet():
    driver = Driver()
    driver.say(silence(50), serve=False)
    assert driver.session.backlog_ms == 1_600
    driver.serve()
    assert driver.session.backlog_ms == 0


def test_mulaw_takes_one_byte_a_sample():
    driver = Driver(sample_rate=8_000, encoding=Encoding.PCM_MULAW)
    driver.command(Audio(b"\xff" * 801))
    assert driver.session.audio_ms == pytest.approx(100.125)


def test_an_update_knows_its_words():
    empty = TurnUpdated(0, 0, 0)
    assert (empty.text, empty.final_text, empty.confidence) == ("", "", 0.0)


class Doubting(ScriptedRecogniser):
    """Decodes the same words with another confidence, and of a probability for noise."""

    def __init__(self, confidence, noise=None):
        super().__init__()
        self.confidence = confidence
        self.noise = noise

    def recognise(self, spans):
        return [
            dataclasses.replace(
                it,
                words=tuple(dataclasses.replace(word, confidence=self.confidence) for word in it.words),
                noise_log_probability=self.noise if span.exact else None,
            )
            for span, it in zip(spans, super().recognise(spans), strict=True)
        ]


class Unsure(ScriptedDetector):
    """Takes it for speech, but never quite."""

    def detect(self, batch):
        return [(state, probabilities * 0.8) for state, probabilities in super().detect(batch)]


@pytest.mark.parametrize(
    ("confidence", "detector", "is_shown"),
    [
        (0.1, ScriptedDetector, False),
        (0.3, ScriptedDetector, True),
        (0.3, Unsure, False),
        (0.5, Unsure, True),
    ],
)
def test_words_without_credibility_are_not_shown(confidence, detector, is_shown):
    driver = Driver(recogniser=Doubting(confidence), detector=detector())
    driver.say(speech(0, 1, 2, 3, 4))
    driver.say(silence(40))
    assert bool(driver.updates) is is_shown
    assert bool(driver.finals) is is_shown


@pytest.mark.parametrize(
    ("confidence", "detector", "is_shown"),
    [
        (0.3, ScriptedDetector, True),
        (0.5, Unsure, False),
        (0.87, Unsure, False),
        (0.95, Unsure, True),
    ],
)
def test_short_audio_needs_more_evidence(confidence, detector, is_shown):
    driver = Driver(recogniser=Doubting(confidence), detector=detector())
    driver.say(speech(0))
    driver.say(silence(40))
    assert bool(driver.updates) is is_shown


@pytest.mark.parametrize(
    ("confidence", "noise", "indices", "is_shown"),
    [
        (0.5, -9.0, [0], True),
        (0.5, -8.0, [0], False),  # 7.3 log odds
        (0.3, -9.0, [0], True),
        (0.2, -20.0, [0], False),  # too unsure, whatever the odds are
        (0.9, -1.0, [0], False),  # what noise is made into
        (0.5, -9.0, [0, 1], False),  # the odds are for each word
        (0.5, -17.0, [0, 1], True),
    ],
)
def test_what_noise_is_never_made_into_needs_little_evidence(confidence, noise, indices, is_shown):
    driver = Driver(recogniser=Doubting(confidence, noise), detector=Unsure())
    driver.say(speech(*indices))
    driver.say(silence(40))
    assert bool(driver.finals) is is_shown


def test_a_clear_word_stays_on_the_screen_when_more_follows():
    driver = Driver(recogniser=Doubting(0.35, -60.0), detector=Unsure())
    driver.say(speech(0))
    driver.say(silence(16))
    assert [update.text for update in driver.updates] == ["alpha"], "the first pass over the whole"
    driver.say(speech(1, 2))
    assert all(update.text.lower().startswith("alpha") for update in driver.updates)


def test_the_text_at_a_pause_does_not_depend_on_what_was_clear_before():
    recogniser = Doubting(0.35, -60.0)
    silences = {"min_silence_ms": 400, "max_silence_ms": 2_000, "end_of_turn_threshold": 0.99}
    driver = Driver(recogniser=recogniser, detector=Unsure(), report_pauses=True, **silences)
    driver.say(speech(0))
    driver.say(silence(20))
    recogniser.noise = None
    driver.say(speech(1))
    driver.say(silence(20))
    said = [event.utterance for event in driver.updates if event.utterance]
    assert said == ["Alpha"], "what a final would not have is not said at a pause"


def test_a_final_does_not_depend_on_what_was_clear_in_a_pause():
    def finals(serve):
        driver = Driver(recogniser=Doubting(0.35, -20.0), detector=Unsure())
        driver.say(speech(0), serve=serve)
        driver.say(silence(16), serve=serve)
        driver.say(speech(1, 2, 3), serve=serve)
        driver.say(silence(60), serve=serve)
        return driver.end().texts

    assert finals(True) == finals(False)


@pytest.mark.parametrize(("confidence", "is_shown"), [(0.6, False), (0.94, True)])
def test_a_second_of_audio_needs_some_evidence(confidence, is_shown):
    driver = Driver(recogniser=Doubting(confidence), detector=Unsure())
    driver.say(speech(0, 1, 2))
    driver.say(silence(40))
    assert bool(driver.updates) is is_shown


class Music(ScriptedDetector):
    """Takes it for speech, but hardly."""

    def detect(self, batch):
        return [(state, probabilities * 0.6) for state, probabilities in super().detect(batch)]


@pytest.mark.parametrize("commits", [False, True])
@pytest.mark.parametrize("frames", [0, 20])
def test_a_sure_word_of_something_that_is_hardly_speech_is_not_committed(commits, frames):
    driver = Driver(recogniser=Doubting(0.97), detector=Music(), commit_words=commits, format_partials=True)
    driver.say(speech(0, 1)[: (8 + frames // 2) * FRAME], 512)
    driver.say(silence(frames), 512)
    driver.end()
    assert not driver.updates


@pytest.mark.parametrize("commits", [False, True])
def test_one_word_in_seconds_of_something_that_is_hardly_speech_is_not_shown(commits):
    driver = Driver(recogniser=Doubting(0.95), detector=Music(), commit_words=commits)
    hum = np.tile(np.array([0.01, -0.01], np.float32), 60 * FRAME // 2)
    driver.say(np.concatenate([speech(0), hum]))
    driver.say(silence(60))
    driver.end()
    assert not driver.updates


@pytest.mark.parametrize("commits", [False, True])
def test_bursts_are_no_evidence_for_each_other(commits):
    driver = Driver(
        recogniser=Doubting(0.6), detector=Unsure(), commit_words=commits,
        min_silence_ms=1_280, max_silence_ms=1_280,
    )  # fmt: skip
    for _ in range(5):  # 1.8 s of something like speech
        driver.say(speech(0))
        driver.say(silence(25))
    driver.end()
    assert not driver.updates


class Halting(ScriptedRecogniser):
    """Is not sure of its full stops."""

    def recognise(self, spans):
        return [dataclasses.replace(it, last_probability=0.1) for it in super().recognise(spans)]


@pytest.mark.parametrize(("recogniser", "n_turns"), [(ScriptedRecogniser, 2), (Halting, 1)])
def test_an_unsure_full_stop_does_not_end_a_turn_early(recogniser, n_turns):
    driver = Driver(
        recogniser=recogniser(), min_silence_ms=400, max_silence_ms=1_280, end_of_turn_threshold=0.2
    )
    driver.say(speech(0, 3, 5, 7, 0, 3, 5, 1))
    driver.say(silence(30))
    driver.say(speech(2))
    driver.say(silence(50))
    ends = [event for event in driver.updates if event.ended]
    assert len(ends) == n_turns
    if n_turns > 1:
        assert 0.2 <= ends[0].end_of_turn_confidence < 0.4  # it ended when it was just sure enough
        assert ends[1].end_of_turn_confidence < 0.2  # the long silence ended it


def test_more_words_than_can_be_spoken_are_not_shown():
    class Babbling(ScriptedRecogniser):
        def recognise(self, spans):
            return [
                Hypothesis(it.tokens * 9, it.words * 9) if it.tokens else it
                for it in super().recognise(spans)
            ]

    driver = Driver(recogniser=Babbling())
    driver.say(speech(0))
    driver.say(silence(40))
    assert not driver.updates


def test_a_window_that_ends_where_its_utterance_does_is_not_taken_for_the_whole():
    """A session ended in mid-speech during a partial pass, its audio ending with a frame."""
    words = [index % 8 for index in range(30)]
    driver = Driver(tuning=Tuning(window_ms=3_000, window_slack_ms=1_000))
    driver.say(speech(*words[:-1]))
    driver.say(speech(words[-1])[: 8 * FRAME], serve=False)
    while driver.detect():
        pass
    request = driver.session.next_pass()
    assert not request.is_whole
    assert request.start > 0, "a pass over a window"
    span = driver.session.begin_pass(request)
    driver.command(Terminate())
    driver.session.apply_hypothesis(request, driver.recogniser.recognise([span])[0])
    driver.serve()
    assert driver.texts == [" ".join(spoken(*words))]


def test_only_passes_over_the_whole_get_digital_silence_at_their_end():
    driver = Driver(partials=True)
    driver.say(speech(0, 1, 2))
    driver.say(silence(40))
    spans = [span for (span,) in driver.recogniser.calls]
    assert {span.exact for span in spans} == {True, False}
    assert all(span.zeros == (driver.tuning.settle_zeros_ms * 16 if span.exact else 0) for span in spans)
    assert all(len(span.samples) >= 320 * 16 for span in spans), "a span reaches up to where it was requested"


def test_a_request_that_is_out_of_date_is_an_error():
    driver = Driver()
    driver.say(speech(0, 1), serve=False)
    while driver.detect():
        pass
    request = driver.session.next_pass()
    with pytest.raises(ValueError, match="no utterance 7: the request is out of date"):
        driver.session.begin_pass(dataclasses.replace(request, utterance=7))


def test_the_result_of_a_pass_is_dropped_once_the_session_has_failed():
    driver = Driver()
    driver.say(speech(0, 1), serve=False)
    while driver.detect():
        pass
    request = driver.session.next_pass()
    span = driver.session.begin_pass(request)
    assert driver.session.next_pass() is None, "one pass at a time"
    driver.session.fail(Failure.INTERNAL)
    driver.session.apply_hypothesis(request, driver.recogniser.recognise([span])[0])
    driver._collect()
    assert driver.events[-1] == SessionFailed(Failure.INTERNAL)
    assert driver.session.next_pass() is None


def test_states_only_move_forward():
    driver = Driver()
    driver.end()
    with pytest.raises(RuntimeError, match="ENDED can't become FAILED"):
        driver.session._become(SessionState.FAILED)
    driver.session.fail(Failure.INTERNAL)
    assert driver.session.state is SessionState.ENDED


def test_audio_behind_a_final_that_waits_is_backlog():
    driver = Driver()
    audio = np.concatenate([speech(0), silence(60), speech(1), silence(60), speech(2), silence(60)])
    driver.say(audio, serve=False)
    while driver.detect():
        pass
    assert driver.session.backlog_ms > 2_000
    driver.serve()
    assert driver.session.backlog_ms < 500
