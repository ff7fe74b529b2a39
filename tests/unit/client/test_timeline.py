"""Turns and times of several connections as those of one session."""

from datetime import datetime

from vivavoce.client.events import (
    HeartbeatEvent,
    LLMGatewayResponseEvent,
    SilenceEvent,
    SpeakerRevisionEvent,
    SpeakerRevisionItem,
    SpeechStartedEvent,
    TurnEvent,
    Word,
)
from vivavoce.client.timeline import Timeline
from vivavoce.protocol.aai_v2.messages import (
    RealtimePartialTranscript,
    RealtimeSpeakerRevision,
    RealtimeSpeakerRevisionItem,
    RealtimeWord,
)


def word(start, end):
    return Word(start=start, end=end, text="a", confidence=0.9)


def turn(order, start, end, *, ended=False):
    return TurnEvent(turn_order=order, end_of_turn=ended, words=[word(start, end)])


def test_only_new_words_are_news():
    timeline = Timeline()
    assert timeline.place(turn(0, 100, 200))
    assert not timeline.place(turn(0, 100, 200))
    assert timeline.place(turn(0, 100, 300, ended=True))
    assert not timeline.place(TurnEvent(turn_order=1, end_of_turn=False))


def test_the_start_of_a_turn_is_known_until_its_end():
    timeline = Timeline()
    timeline.place(turn(0, 100, 200))
    assert timeline.turn_start_ms == 100
    timeline.place(turn(0, 100, 200, ended=True))
    assert timeline.turn_start_ms is None


def test_every_event_of_a_second_connection_continues_the_session():
    timeline = Timeline()
    timeline.place(turn(0, 100, 200, ended=True))
    timeline.place(turn(1, 300, 400))
    timeline.resume(250)
    assert timeline.turn_start_ms is None
    again = turn(0, 50, 150)
    speech = SpeechStartedEvent(timestamp=40)
    silence = SilenceEvent(start_ms=0, end_ms=30)
    answer = LLMGatewayResponseEvent(turn_order=0, transcript="a", data={})
    revision = SpeakerRevisionEvent(revisions=[SpeakerRevisionItem(turn_order=0, words=[word(50, 150)])])
    heartbeat = HeartbeatEvent(total_audio_received_ms=1, total_duration_ms=1, realtime_factor=1.0)
    for event in (again, speech, silence, answer, revision, heartbeat):
        timeline.place(event)
    assert (again.turn_order, again.start, again.end) == (1, 300, 400)
    assert (speech.timestamp, silence.start_ms, silence.end_ms) == (290, 250, 280)
    assert (answer.turn_order, revision.revisions[0].turn_order) == (1, 1)
    assert (revision.revisions[0].words[0].start, revision.revisions[0].words[0].end) == (300, 400)
    assert heartbeat.total_audio_received_ms == 1


def test_transcripts_of_v2_are_copied_with_the_times_of_the_session():
    timeline = Timeline()
    timeline.resume(1_000)
    transcript = RealtimePartialTranscript(
        audio_start=0,
        audio_end=300,
        confidence=0.9,
        text="a",
        words=[RealtimeWord(start=100, end=200, confidence=0.9, text="a")],
        created=datetime.fromisoformat("2031-01-02T03:04:05"),
    )
    placed = timeline.placed(transcript)
    assert (placed.audio_start, placed.audio_end) == (1_000, 1_300)
    assert (placed.words[0].start, placed.words[0].end) == (1_100, 1_200)
    assert transcript.words[0].start == 100


def test_a_revision_of_v2_has_the_times_of_the_session():
    timeline = Timeline()
    timeline.resume(250)
    words = [RealtimeWord(start=10, end=90, confidence=0.9, text="a", speaker="B")]
    item = RealtimeSpeakerRevisionItem(audio_start=0, audio_end=100, speaker_label="B", words=words)
    [placed] = timeline.placed_revision(RealtimeSpeakerRevision(revisions=[item])).revisions
    assert (placed.audio_start, placed.audio_end, placed.speaker_label) == (250, 350, "B")
    assert (placed.words[0].start, placed.words[0].end, placed.words[0].speaker) == (260, 340, "B")


def test_no_turn_of_a_second_connection_has_a_number_of_the_first_in_any_channel():
    timeline = Timeline()
    for channel, order in ((0, 0), (0, 1), (0, 2), (1, 0)):
        event = turn(order, 100 * order, 100 * order + 50, ended=True)
        event.channel = channel
        timeline.place(event)
    timeline.resume(1_000)
    again = turn(0, 0, 50, ended=True)
    again.channel = 0
    timeline.place(again)
    assert again.turn_order == 3
