"""Two channels of one stream: a session for each, reported as one."""

import numpy as np
import pytest

from support.scripted_engine import ScriptedDetector, ScriptedRecogniser, pcm, silence, speech
from support.sessions import LIMITS
from vivavoce.asr.engine import Pump
from vivavoce.asr.session import Channels, SessionState
from vivavoce.protocol.events import (
    Audio,
    ForceEndpoint,
    Heartbeat,
    SessionBegan,
    SessionEnded,
    SessionFailed,
    SessionOptions,
    SpeechStarted,
    Terminate,
    TurnUpdated,
    Warn,
    Warned,
)
from vivavoce.types import Encoding, Failure


def interleaved(left, right):
    n = max(len(left), len(right))
    channels = [np.pad(samples, (0, n - len(samples))) for samples in (left, right)]
    return pcm(np.stack(channels, axis=1).reshape(-1))


class Stereo:
    """Two channels served by hand."""

    def __init__(self, **options):
        options = {"sample_rate": 16_000, "channels": 2, **options}
        self.stream = Channels("id", SessionOptions(**options), LIMITS, now=0.0, unix_now=0.0)
        self.pumps = [
            Pump(session, ScriptedRecogniser(), ScriptedDetector()) for session in self.stream.sessions
        ]
        self.events = []

    def receive(self, command, now=0.0):
        self.stream.receive(command, now)
        for pump in self.pumps:
            pump.run()
        self.events += self.stream.take_events()

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def test_each_channel_has_turns_of_its_own():
    stereo = Stereo()
    stereo.receive(Audio(interleaved(speech(0), np.concatenate([silence(60), speech(1)]))))
    assert stereo.stream.state is SessionState.OPEN
    stereo.receive(Terminate())
    finals = [event for event in stereo.of(TurnUpdated) if event.ended]
    assert sorted((final.channel, final.turn_order, final.text) for final in finals) == [
        (0, 0, "Alpha"),
        (1, 0, "bravo."),
    ]
    assert {event.channel for event in stereo.of(SpeechStarted)} == {0, 1}


def test_the_stream_begins_and_ends_once():
    stereo = Stereo(warnings=("one",), heartbeat=True)
    stereo.stream.tick(6.0)
    stereo.receive(Warn("two"))
    stereo.receive(Audio(interleaved(silence(10), silence(10))))
    stereo.receive(Terminate())
    assert stereo.stream.is_over
    assert [type(event) for event in stereo.events] == [
        SessionBegan,
        Warned,
        Heartbeat,
        Warned,
        SessionEnded,
    ]
    assert stereo.stream.take_events() == []


def test_a_command_without_audio_reaches_every_channel():
    stereo = Stereo(answer_empty_force=True)
    stereo.receive(Audio(interleaved(silence(10), silence(10))))
    stereo.receive(ForceEndpoint())
    assert sorted(event.channel for event in stereo.of(TurnUpdated)) == [0, 1]


def test_the_first_failure_fails_the_stream():
    stereo = Stereo()
    stereo.stream.sessions[1].fail(Failure.INTERNAL, "why")
    assert stereo.stream.state is SessionState.FAILED
    assert stereo.stream.has_events
    stereo.receive(Audio(interleaved(silence(1), silence(1))))
    assert stereo.events[-1] == SessionFailed(Failure.INTERNAL, "why")
    assert all(session.state is SessionState.FAILED for session in stereo.stream.sessions)
    stereo.stream.fail(Failure.IDLE)
    assert stereo.stream.take_events() == []


@pytest.mark.parametrize(("encoding", "n_bytes"), [(Encoding.PCM_S16LE, 6), (Encoding.PCM_MULAW, 3)])
def test_a_message_must_hold_whole_samples_of_every_channel(encoding, n_bytes):
    stereo = Stereo(encoding=encoding)
    stereo.receive(Audio(bytes(n_bytes)))
    (failed,) = stereo.of(SessionFailed)
    assert failed.failure is Failure.AUDIO_MISALIGNED
    assert f"{n_bytes} bytes" in failed.detail


def test_time_and_backlog_are_those_of_the_stream():
    stereo = Stereo()
    stereo.stream.receive(Audio(interleaved(silence(10), silence(10))), 0.0)
    assert stereo.stream.session_id == "id"
    assert stereo.stream.audio_ms == 320
    assert stereo.stream.backlog_ms == 320
    stereo.pumps[0].run()
    assert stereo.stream.backlog_ms == 320, "the channel that is furthest behind counts"
    stereo.pumps[1].run()
    assert stereo.stream.backlog_ms < 320
    assert not [event for event in stereo.stream.take_events() if isinstance(event, Heartbeat)]
