"""A session that labels its turns keeps their speech until it is taken."""

import dataclasses

import numpy as np
import pytest

from support.scripted_engine import ScriptedRecogniser, level, silence, speech
from support.sessions import LIMITS, Driver
from vivavoce.asr.session import Channels
from vivavoce.asr.speakers import parts_of
from vivavoce.protocol.events import ForceEndpoint, SessionOptions, SpeakerRequest


def levels(samples):
    return sorted({round(float(each), 2) for each in np.abs(samples)} - {0.0, 0.01})


@pytest.mark.parametrize("chunk", [400, 1_600, 7_777])
def test_each_finished_turn_has_its_speech(chunk):
    driver = Driver(speakers=SpeakerRequest())
    driver.say(np.concatenate([speech(0, 1), silence(60), speech(2), silence(60), speech(3, 4)]), chunk)
    driver.end()
    assert len(driver.finals) == 3
    taken = [driver.session.take_speech()[0] for _ in range(3)]
    assert driver.session.take_speech() == ()
    assert [levels(each.samples) for each in taken] == [
        [round(level(index), 2) for index in said] for said in ((0, 1), (2,), (3, 4))
    ]
    for final, stretch in zip(driver.finals, taken, strict=True):
        span_ms = final.words[-1].end_ms - final.words[0].start_ms
        assert len(stretch.samples) == pytest.approx(span_ms * 16, abs=32)
        assert stretch.start == final.words[0].start_ms * 16


class LongWords(ScriptedRecogniser):
    """Says that each last word lasts two seconds longer than it does."""

    def _decode(self, span):
        found = super()._decode(span)
        if not found.words:
            return found
        *others, last = found.words
        return dataclasses.replace(found, words=(*others, dataclasses.replace(last, end_s=last.end_s + 2.0)))


def test_speech_is_the_same_whatever_the_chunks_and_the_times_of_words():
    taken = []
    for chunk in (400, 1_600, 7_777, 60_000):
        driver = Driver(speakers=SpeakerRequest(), recogniser=LongWords())
        driver.say(np.concatenate([speech(0, 1), silence(90), speech(2), silence(90)]), chunk)
        driver.end()
        stretches = [driver.session.take_speech() for _ in driver.finals]
        taken.append([(each.start, each.samples.tolist()) for turn in stretches for each in turn])
    assert len(taken[0]) == 2
    assert all(each == taken[0] for each in taken)


def test_long_speech_is_kept_whole_however_it_is_cut():
    words = [index % 10 for index in range(140)]
    driver = Driver(speakers=SpeakerRequest(), commit_words=True)
    driver.say(np.concatenate([speech(*words), silence(60)]))
    driver.end()
    assert sum(len(final.words) for final in driver.finals) == len(words)
    for final in driver.finals:
        span_ms = final.words[-1].end_ms - final.words[0].start_ms
        assert sum(len(each.samples) for each in driver.session.take_speech()) > 0.9 * 16 * span_ms
    assert driver.session.take_speech() == ()


def test_a_turn_without_words_has_no_speech():
    driver = Driver(speakers=SpeakerRequest(), answer_empty_force=True)
    driver.say(silence(30))
    driver.command(ForceEndpoint())
    driver.serve()
    [final] = driver.finals
    assert final.words == ()
    assert len(driver.session.take_speech()) == 0


def test_a_session_that_does_not_ask_keeps_nothing():
    driver = Driver()
    driver.say(np.concatenate([speech(0, 1), silence(60)]))
    driver.end()
    assert driver.finals
    assert driver.session.take_speech() == ()


def test_channels_keep_theirs_apart():
    options = SessionOptions(sample_rate=16_000, channels=2, speakers=SpeakerRequest())
    stream = Channels("id", options, LIMITS, now=0.0, unix_now=1_000.0)
    assert stream.take_speech(0) == ()
    assert stream.take_speech(1) == ()
    assert stream.take_speech(None) == ()


def ahead_of(audio, chunk=512, **options):
    """What is taken ahead after each piece of audio, and at the end of each turn."""
    driver = Driver(speakers=SpeakerRequest(), **options)
    ahead = []
    for at in range(0, len(audio), chunk):
        driver.say(audio[at : at + chunk], chunk)
        ahead.append(driver.session.take_speech_ahead())
    driver.end()
    return [each for each in ahead if each], [driver.session.take_speech() for _ in driver.finals]


def spans(speech):
    return [(each.start, each.samples.tolist()) for each in speech]


def test_the_speech_of_a_turn_is_there_before_its_end():
    ahead, taken = ahead_of(np.concatenate([speech(0, 1), silence(60), speech(2), silence(60)]))
    assert len(taken) == 2
    assert [spans(each) for each in ahead] == [spans(each) for each in taken]


def test_a_speaker_who_goes_on_is_heard_again():
    ahead, [whole] = ahead_of(np.concatenate([speech(0, 1), silence(20), speech(2), silence(90)]))
    first, second = ahead
    assert len(first[0].samples) < len(second[0].samples)
    assert spans(second) == spans(whole)


def test_parts_of_long_speech_are_there_while_it_goes_on():
    words = [index % 10 for index in range(100)]  # for 35 s: longer than an utterance may be
    ahead, [taken] = ahead_of(np.concatenate([speech(*words), silence(60)]), commit_words=True)
    parts = [part for stretch in taken for part in parts_of(stretch)]
    given = [part for each in ahead for part in each]
    assert len(taken) > 1
    assert {each.span for each in parts} <= {each.span for each in given}
    assert len(given) <= 2 * len(parts)
    assert all(len(each) < len(parts) for each in ahead)
    found = {each.span: each.samples.tolist() for each in given}
    assert all(found[each.span] == each.samples.tolist() for each in parts)


@pytest.mark.parametrize("options", [{"recording": True}, {"speakers": None}])
def test_nothing_is_taken_ahead_where_nobody_waits(options):
    driver = Driver(**{"speakers": SpeakerRequest()} | options)
    for _ in range(60):
        driver.say(speech(0) if _ == 0 else silence(1), 512)
        assert driver.session.take_speech_ahead() == ()
