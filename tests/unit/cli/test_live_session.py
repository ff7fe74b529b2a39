"""One session: end, stop and failure."""

import itertools

from vivavoce.cli.interrupt import Interrupt
from vivavoce.cli.live_session import run_session
from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.errors import ConnectError, MicrophoneError, RealtimeError
from vivavoce.types import Encoding

CHUNK = bytes(3200)  # 100 ms


class ScriptedTranscriber:
    """Gives a partial for each chunk and a final on close, like the transcriber of the SDK."""

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


def run(chunks, *, interrupt=None, show=None, drains_on_stop=False, **fake):
    sessions, shown = [], []

    def factory(**keywords):
        sessions.append(ScriptedTranscriber(**keywords, **fake))
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
            drains_on_stop=drains_on_stop,
            factory=factory,
        )
    except Exception as error:  # noqa: BLE001
        failure = error
    return sessions[0], shown, failure


def test_close_delivers_the_last_final():
    session, shown, failure = run([CHUNK] * 2)
    assert failure is None
    assert session.closed == 1
    assert [transcript.text for transcript in shown] == ["1", "2", "2 chunks."]


def test_a_stop_ends_the_source_and_keeps_the_final():
    interrupt = Interrupt(live=True)

    def endless():
        for number in itertools.count(1):
            if number == 5:
                interrupt.request_stop()
            yield CHUNK

    session, shown, failure = run(endless(), interrupt=interrupt)
    assert failure is None
    assert session.received == 5
    assert shown[-1].text == "5 chunks."


def test_a_source_that_drains_is_sent_to_its_end():
    interrupt = Interrupt(live=True)

    def recorder():
        yield CHUNK
        interrupt.request_stop()
        yield from [CHUNK] * 3

    session, shown, _ = run(recorder(), interrupt=interrupt, drains_on_stop=True)
    assert session.received == 4
    assert shown[-1].text == "4 chunks."


def test_a_stop_before_the_first_chunk_sends_nothing():
    interrupt = Interrupt(live=True)
    interrupt.request_stop()
    session, _, failure = run(itertools.repeat(CHUNK), interrupt=interrupt)
    assert (session.received, session.closed, failure) == (0, 1, None)


def test_a_failed_connection_is_raised_and_nothing_is_closed():
    session, _, failure = run([CHUNK], fail=ConnectError("no server at ws://127.0.0.1:1"))
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
    def show(transcript):
        raise BrokenPipeError

    session, _, failure = run(itertools.repeat(CHUNK), show=show)
    assert isinstance(failure, BrokenPipeError)
    assert session.received == 1
