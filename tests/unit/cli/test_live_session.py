"""A session from the command line's side: stopping, failing, measuring."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from vivavoce.cli.demo_latency import LatencyMeter, ReferenceWord
from vivavoce.cli.demo_recording import demo_reference
from vivavoce.cli.interrupt import Interrupt
from vivavoce.cli.live_session import run_session
from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.errors import ConnectError, MicrophoneError, RealtimeError
from vivavoce.types import Encoding

CHUNK = bytes(3200)  # 100 ms


class FakeSession:
    """Behaves like the SDK's transcriber: a partial per chunk, the final at the close."""

    def __init__(self, *, on_transcript, on_error, sample_rate, encoding, fail=None, die_after=None):
        self.on_transcript, self.on_error = on_transcript, on_error
        self.fail, self.die_after = fail, die_after
        self.received = 0
        self.closed = 0

    def connect(self, timeout=None):
        if self.fail:
            raise self.fail

    def stream(self, data):
        for chunk in data:
            self.received += 1
            if self.received == self.die_after:
                self.on_error(RealtimeError("Session expired", 4008))
            self.on_transcript(TranscriptLine(f"{self.received}", is_final=False))
            assert chunk

    def close(self):
        self.closed += 1
        if self.received:
            self.on_transcript(TranscriptLine(f"{self.received} chunks.", is_final=True))


def run(chunks, *, interrupt=None, show=None, ends_itself=False, **fake):
    sessions, shown = [], []

    def factory(**keywords):
        sessions.append(FakeSession(**keywords, **fake))
        return sessions[0]

    interrupt = interrupt or Interrupt(live=True)
    failure = None
    try:
        run_session(
            chunks,
            sample_rate=16_000,
            encoding=Encoding.PCM_S16LE,
            show=show or shown.append,
            interrupt=interrupt,
            ends_itself=ends_itself,
            factory=factory,
        )
    except Exception as error:  # noqa: BLE001
        failure = error
    return sessions[0], shown, failure


def test_partials_then_the_final_of_the_close():
    session, shown, failure = run([CHUNK] * 2)
    assert failure is None
    assert session.closed == 1
    assert [caption.text for caption in shown] == ["1", "2", "2 chunks."]


def test_a_stop_ends_the_source_and_keeps_the_final():
    interrupt = Interrupt(live=True)

    def endless():
        for number in itertools.count(1):
            if number == 5:
                interrupt.stop()
            yield CHUNK

    session, shown, failure = run(endless(), interrupt=interrupt)
    assert failure is None
    assert session.received == 5
    assert shown[-1].text == "5 chunks."


def test_a_source_that_ends_itself_is_heard_to_the_end_of_what_it_has():
    interrupt = Interrupt(live=True)

    def recorder():
        yield CHUNK
        interrupt.stop()
        yield from [CHUNK] * 3

    session, shown, _ = run(recorder(), interrupt=interrupt, ends_itself=True)
    assert session.received == 4
    assert shown[-1].text == "4 chunks."


def test_a_stop_before_the_first_chunk_takes_none():
    interrupt = Interrupt(live=True)
    interrupt.stop()
    session, _, failure = run(itertools.repeat(CHUNK), interrupt=interrupt)
    assert (session.received, session.closed, failure) == (0, 1, None)


def test_no_server_is_raised_and_nothing_is_closed():
    session, _, failure = run([CHUNK], fail=ConnectError("nobody at ws://127.0.0.1:1"))
    assert isinstance(failure, ConnectError)
    assert session.closed == 0


def test_a_failed_session_stops_the_source_and_is_raised():
    session, _, failure = run(itertools.repeat(CHUNK), die_after=3)
    assert str(failure) == "Session expired"
    assert (session.received, session.closed) == (3, 1)


def test_a_broken_source_is_raised_after_the_last_final():
    def breaks():
        yield CHUNK
        raise MicrophoneError("unplugged")

    session, shown, failure = run(breaks())
    assert isinstance(failure, MicrophoneError)
    assert session.closed == 1
    assert shown[-1].is_final


def test_a_closed_pipe_stops_the_source():
    def show(caption):
        raise BrokenPipeError

    session, _, failure = run(itertools.repeat(CHUNK), show=show)
    assert isinstance(failure, BrokenPipeError)
    assert session.received == 1


# --- Ctrl-C ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "signalled", "finished", "code"),
    [
        (True, False, True, 0),
        (True, True, True, 0),
        (True, True, False, 130),
        (False, False, True, 0),
        (False, True, True, 130),
    ],
)
def test_exit_code_after_an_orderly_end(live, signalled, finished, code):
    with Interrupt(live=live) as interrupt:
        if signalled:
            os.kill(os.getpid(), signal.SIGINT)
            assert interrupt.wait(5)
        if finished:
            interrupt.finished()
    assert interrupt.exit_code == code


def test_the_second_signal_leaves_at_once():
    left = []
    with Interrupt(live=True, leave=left.append) as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        assert left == []
        signal.raise_signal(signal.SIGINT)
    assert left == [130]


def test_a_source_that_waits_for_sound_is_told_once():
    told = []
    called = threading.Event()
    with Interrupt(live=True) as interrupt:
        interrupt.on_request = lambda: (told.append(threading.current_thread()), called.set())
        signal.raise_signal(signal.SIGINT)
        interrupt.stop()
        assert called.wait(5)
    assert len(told) == 1
    assert told[0] is not threading.main_thread()


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with Interrupt(live=True):
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_a_run_that_hangs_after_ctrl_c_is_ended_by_force():
    program = textwrap.dedent("""
        import signal, threading
        from vivavoce.cli.interrupt import Interrupt
        with Interrupt(live=True, grace_s=0.1):
            signal.raise_signal(signal.SIGINT)
            while True:
                threading.Event().wait(60)
    """)
    done = subprocess.run([sys.executable, "-c", program], timeout=20, check=False, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


# --- latencies -------------------------------------------------------------------------------


REFERENCE = [
    ReferenceWord(text, end - 0.2, end)
    for text, end in [("it", 0.6), ("was", 0.9), ("the", 1.2), ("best", 1.8), ("of", 3.0), ("times", 3.4)]
]


def heard(text, *, final=False):
    return TranscriptLine(text, final)


def test_a_word_counts_from_when_its_place_no_longer_changed():
    measured = LatencyMeter(REFERENCE, began=1000.0)
    measured.take(1000.9, heard("it"))
    measured.take(1001.3, heard("it what"))
    measured.take(1001.6, heard("it was the"))
    measured.take(1002.5, heard("It was, the best.", final=True))
    summary = measured.summary()
    assert (summary.words, summary.utterances) == (4, 1)
    assert summary.first_word_s == pytest.approx(0.5)  # shown at 0.9, begun at 0.4
    # it 0.9-0.6, was 1.6-0.9, the 1.6-1.2, best 2.5-1.8
    assert summary.word_s == pytest.approx((0.4 + 0.7) / 2)
    assert summary.final_s == pytest.approx(0.7)


def test_a_word_that_flickered_counts_from_its_return():
    measured = LatencyMeter(REFERENCE)
    for at, text in [(0.7, "it"), (0.8, ""), (0.9, "bit"), (1.0, "it")]:
        measured.take(at, heard(text))
    measured.take(1.5, heard("It.", final=True))
    assert measured.summary().word_s == pytest.approx(0.4)


def test_words_heard_otherwise_have_no_latency_and_the_next_utterance_goes_on_in_the_reference():
    measured = LatencyMeter(REFERENCE)
    measured.take(2.0, heard("It was a beast.", final=True))
    measured.take(4.4, heard("Of times!", final=True))
    summary = measured.summary()
    assert (summary.words, summary.utterances) == (6, 2)
    assert summary.final_s == pytest.approx(1.0)  # only the second's last word is the reference's
    assert summary.word_s == pytest.approx((1.1 + 1.4) / 2)  # 1.4, 1.1, 1.4, 1.0


def test_without_a_reference_only_words_are_counted():
    measured = LatencyMeter()
    measured.take(1.0, heard("Two words - no times.", final=True))
    summary = measured.summary()
    assert summary.words == 4
    assert (summary.first_word_s, summary.word_s, summary.final_s) == (None, None, None)


def test_nothing_heard_is_nothing_measured():
    assert LatencyMeter(REFERENCE).summary().words == 0


def test_the_words_of_the_recording_are_in_order():
    words = demo_reference()
    assert " ".join(word.text for word in words).startswith("it was the best of times it was the worst")
    assert all(a.start_s < a.end_s <= b.start_s for a, b in itertools.pairwise(words))
    assert words[-1].end_s < 44.4
