"""Uses the public API as programs do. It never runs: type checkers must accept it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import vivavoce as aai
from vivavoce.captions import captions, to_srt

if TYPE_CHECKING:
    import uuid
    from datetime import datetime


def on_open(session_opened: aai.RealtimeSessionOpened) -> None:
    session_id: uuid.UUID = session_opened.session_id
    expires_at: datetime = session_opened.expires_at
    print(session_id, expires_at)


def on_data(transcript: aai.RealtimeTranscript) -> None:
    if not transcript.text:
        return
    if isinstance(transcript, aai.RealtimeFinalTranscript):
        punctuated: bool = transcript.punctuated
        print(transcript.text, punctuated, transcript.text_formatted)
    words: list[aai.RealtimeWord] = list(transcript.words)
    for word in words:
        start: int = word.start
        confidence: float = word.confidence
        print(word.text, start, word.end, confidence)


def on_error(error: aai.RealtimeError) -> None:
    status_code: int | None = error.status_code
    print("An error occured:", error, status_code)


def on_speaker_revision(revision: aai.RealtimeSpeakerRevision) -> None:
    labels: list[str | None] = [item.speaker_label for item in revision.revisions]
    print(labels, [word.speaker for item in revision.revisions for word in item.words])


def on_extra(information: aai.RealtimeSessionInformation) -> None:
    seconds: float = information.audio_duration_seconds
    print(seconds)


def on_close() -> None:
    print("Closing Session")


def on_close_with(code: int, reason: str) -> None:
    print("Closing Session", code, reason)


def on_reconnect(event: aai.ReconnectingEvent | aai.ReconnectedEvent) -> None:
    print(event.type)


def main() -> None:
    aai.settings.api_key = "key"
    aai.settings.base_url = "ws://127.0.0.1:8765"
    with aai.RealtimeTranscriber(
        on_data=on_data,
        on_error=on_error,
        on_open=on_open,
        on_close=on_close,
        sample_rate=44_100,
        word_boost=["Vivavoce"],
        encoding=aai.AudioEncoding.pcm_s16le,
        end_utterance_silence_threshold=500,
        disable_partial_transcripts=False,
        on_extra_session_information=on_extra,
    ) as transcriber:
        transcriber.connect(timeout=5.0)
        transcriber.configure_end_utterance_silence_threshold(300)
        transcriber.stream(aai.extras.MicrophoneStream(sample_rate=44_100))
        transcriber.stream(aai.extras.stream_file("talk.wav", sample_rate=16_000))
        transcriber.stream(b"\0\0")
        transcriber.force_end_utterance()
        transcriber.close()


def with_reconnect() -> None:
    transcriber = aai.RealtimeTranscriber(
        on_data=on_data,
        on_error=on_error,
        on_close=on_close_with,
        sample_rate=16_000,
        reconnect=aai.Reconnect(attempts=3),
        on_reconnect=on_reconnect,
        speaker_labels=True,
        max_speakers=2,
        on_speaker_revision=on_speaker_revision,
    )
    code: int | None = transcriber.close_code
    reason: str | None = transcriber.close_reason
    print(code, reason)


def token() -> str:
    return aai.RealtimeTranscriber.create_temporary_token(expires_in=60)


def shared_settings(partial: aai.RealtimePartialTranscript) -> aai.Client:
    kind: aai.RealtimeMessageTypes = partial.message_type
    print(kind is aai.RealtimeMessageTypes.partial_transcript)
    return aai.Client(settings=aai.Settings(api_key="key", base_url="wss://transcription.example.org"))


def printed_and_captioned(turns: list[aai.TurnEvent], transcript: aai.RealtimeFinalTranscript) -> str:
    with aai.TranscriptPrinter() as printer:
        printer.note("Speak.")
        for turn in turns:
            printer.show(turn)
        printer.show(transcript)
    aai.RealtimeTranscriber(on_data=printer.show, on_error=on_error, sample_rate=16_000)
    return to_srt(captions(turns)) + to_srt(captions([transcript])) + to_srt(captions([transcript.words]))
