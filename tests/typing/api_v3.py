"""Uses the public API of v3 as programs do. It never runs: type checkers must accept it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import vivavoce
from vivavoce.streaming.v3 import (
    AsyncChannelStreamer,
    AsyncRealTimeTranscriber,
    AsyncStreamingClient,
    BeginEvent,
    ChannelAttributionOptions,
    ChannelStreamer,
    ClosedEvent,
    DualChannelTurnEvent,
    DualChannelWord,
    Encoding,
    EnergyVad,
    EventMessage,
    HeartbeatEvent,
    LLMGatewayConfig,
    LLMGatewayMessage,
    LLMGatewayResponseEvent,
    NoiseSuppressionModel,
    RealTimeError,
    RealTimeErrorCodes,
    RealTimeEvents,
    RealTimeParameters,
    RealTimeSessionParameters,
    RealTimeTranscriber,
    RealTimeTranscriberOptions,
    Reconnect,
    ReconnectedEvent,
    ReconnectingEvent,
    SessionConfiguration,
    SilenceEvent,
    SpeakerRevisionEvent,
    SpeakerRevisionItem,
    SpeechModel,
    SpeechStartedEvent,
    StreamingClient,
    StreamingClientOptions,
    StreamingDomain,
    StreamingError,
    StreamingErrorCodes,
    StreamingEvents,
    StreamingMode,
    StreamingParameters,
    StreamingPiiPolicy,
    StreamingPiiSubstitution,
    StreamingSessionParameters,
    TerminationEvent,
    TurnEvent,
    VadDetector,
    VadFrame,
    VadResult,
    WarningEvent,
    Word,
    attribute_turn,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from datetime import datetime


def on_begin(client: StreamingClient, event: BeginEvent) -> None:
    expires_at: datetime = event.expires_at
    configuration: SessionConfiguration | None = event.configuration
    print(event.id, expires_at, configuration and configuration.model)
    client.keep_alive()


def on_turn(client: StreamingClient, event: TurnEvent) -> None:
    words: list[Word] = event.words
    start: int | None = event.start
    print(event.turn_order, event.transcript, event.text, words, start)
    if event.end_of_turn and not event.turn_is_formatted:
        client.set_params(StreamingSessionParameters(format_turns=True))


def on_error(_: StreamingClient, error: StreamingError) -> None:
    code: int | None = error.code
    print(error, StreamingErrorCodes.get(code or 0), RealTimeErrorCodes[3005])


def on_other(
    _: object,
    event: TerminationEvent
    | SpeechStartedEvent
    | WarningEvent
    | HeartbeatEvent
    | SilenceEvent
    | LLMGatewayResponseEvent
    | SpeakerRevisionEvent
    | ReconnectingEvent
    | ReconnectedEvent
    | ClosedEvent,
) -> None:
    match event:
        case TerminationEvent():
            print(event.audio_duration_seconds, event.session_duration_seconds)
        case SpeechStartedEvent():
            print(event.timestamp)
        case WarningEvent():
            print(event.warning_code, event.warning)
        case HeartbeatEvent():
            print(event.total_audio_received_ms, event.realtime_factor)
        case SilenceEvent():
            print(event.end_ms - event.start_ms)
        case LLMGatewayResponseEvent():
            print(event.data)
        case SpeakerRevisionEvent():
            items: list[SpeakerRevisionItem] = event.revisions
            print(items)
        case ReconnectingEvent():
            print(event.reason, event.attempt, event.delay_s)
        case ReconnectedEvent():
            print(event.session_id, event.replayed_ms, event.lost_ms)
        case ClosedEvent():
            print(event.code, event.reason)


def show(message: EventMessage) -> None:
    print(message.type, message.model_dump(), message.model_dump_json())


def streaming_client() -> None:
    options = StreamingClientOptions(
        api_key="k", api_host="ws://127.0.0.1:8765", reconnect=Reconnect(attempts=3)
    )
    with StreamingClient(options) as client:
        client.on(StreamingEvents.Begin, on_begin)
        client.on(StreamingEvents.Turn, on_turn)
        client.on(StreamingEvents.Error, on_error)
        client.on(RealTimeEvents.Closed, on_other)
        client.connect(
            StreamingParameters(
                sample_rate=16_000,
                encoding=Encoding.pcm_s16le,
                speech_model=SpeechModel.universal_streaming_english,
                format_turns=True,
                mode=StreamingMode.balanced,
                domain=StreamingDomain.medical,
                voice_focus=NoiseSuppressionModel.near_field,
                redact_pii_policies=[StreamingPiiPolicy.date],
                redact_pii_sub=StreamingPiiSubstitution.hash,
                llm_gateway=LLMGatewayConfig(
                    model="m", messages=[LLMGatewayMessage(role="user", content="c")], max_tokens=1
                ),
            )
        )
        client.stream(vivavoce.extras.MicrophoneStream(sample_rate=16_000))
        client.stream([b"ab", bytearray(b"ab")])
        client.force_endpoint()
        client.disconnect(terminate=True)
        token: str = client.create_temporary_token(60, max_session_duration_seconds=600)
        print(token)


async def async_streaming_client() -> None:
    async with AsyncStreamingClient(api_key="k") as client:
        await client.connect(RealTimeParameters(sample_rate=16_000))
        await client.stream(b"ab")
        await client.set_params(RealTimeSessionParameters(max_turn_silence=900))
        await client.force_endpoint()
        await client.keep_alive()
        await client.disconnect(terminate=True)
    transcriber: AsyncRealTimeTranscriber = client
    streamer = AsyncChannelStreamer(transcriber, ["mic", "system"], 16_000)
    await streamer.stream("mic", b"ab")
    await streamer.close_channel("mic")
    await streamer.flush()


class LevelVad(VadDetector):
    def process(self, frame: Sequence[float]) -> VadResult:
        return VadResult(active=max(frame) > 0.1, energy=0.1)

    def reset(self) -> None:
        pass


def on_channel_turn(_: object, turn: DualChannelTurnEvent) -> None:
    words: list[DualChannelWord] = turn.words
    print(turn.channel, [(word.text, word.channel, word.channel_resolved) for word in words])


def channels(client: RealTimeTranscriber) -> None:
    def on_vad(frame: VadFrame) -> None:
        print(frame.channel, frame.active, frame.rms, frame.ts)

    options = ChannelAttributionOptions(create_vad=lambda name: EnergyVad() if name == "mic" else LevelVad())
    streamer = ChannelStreamer(client, ["mic", "system"], 16_000, options, on_vad)
    streamer.on(RealTimeEvents.Turn, on_channel_turn)
    streamer.stream("mic", b"ab")
    streamer.close_channel("system")
    streamer.flush()
    print(attribute_turn, RealTimeTranscriberOptions(), RealTimeError("no", code=3005))


def audio_chunks() -> Iterator[vivavoce.Audio]:
    yield b"ab"
    yield array("h", [1, 2])


async def audio_chunks_async() -> AsyncIterator[vivavoce.Audio]:
    yield memoryview(b"ab")


def session() -> None:
    with vivavoce.connect(sample_rate=16_000, keyterms_prompt=["Vivavoce"]) as session:
        opened: vivavoce.Session = session
        for turn in opened.transcribe(audio_chunks()):
            text: str = turn.text
            print(text, turn.end_of_turn)
    session = vivavoce.connect(url="ws://127.0.0.1:8765", reconnect=vivavoce.Reconnect(attempts=2))
    session.send(b"ab")
    session.force_endpoint()
    session.update(max_turn_silence=800)
    session.keep_alive()
    session.end()
    event: vivavoce.Event
    for event in session.events():
        if isinstance(event, vivavoce.TurnEvent | vivavoce.WarningEvent):
            print(event.type)
    try:
        session.close()
    except vivavoce.SessionLostError as error:
        print(error.lost_ms)
    began: vivavoce.BeginEvent | None = session.began
    closed: vivavoce.ClosedEvent | None = session.closed
    print(session.is_open, began, closed)


def transcribe_file() -> None:
    transcript: vivavoce.Transcript = vivavoce.transcribe("talk.wav", keyterms_prompt=["Vivavoce"])
    words: list[vivavoce.Word] = transcript.words
    utterances: list[vivavoce.Utterance] = transcript.utterances
    print([(utterance.speaker, utterance.text) for utterance in utterances])
    print(transcript.to_srt(names={"A": "Anna"}), transcript.to_vtt(speakers="dash"))
    print(transcript.text, words, [turn.transcript for turn in transcript.turns])
    print(vivavoce.transcribe(bytes(32_000), sample_rate=16_000, encoding=Encoding.pcm_s16le))


async def transcribe_file_async() -> None:
    print((await vivavoce.transcribe_async(audio_chunks(), sample_rate=8_000, encoding="pcm_mulaw")).text)


def microphone() -> None:
    stream = vivavoce.extras.MicrophoneStream(sample_rate=16_000, device_index="headset")
    stream.pause()
    stream.resume()
    print(stream.paused, stream.microphone.level_db, stream.microphone.overflows)


async def async_session() -> None:
    async with vivavoce.connect_async(sample_rate=16_000) as session:
        opened: vivavoce.AsyncSession = session
        async for turn in opened.transcribe(audio_chunks_async()):
            print(turn.text)
    session = await vivavoce.connect_async(partials=False)
    await session.send(audio_chunks())
    await session.force_endpoint()
    await session.update(format_turns=False)
    await session.end()
    async for turn in session:
        print(turn.words)
    await session.close()
