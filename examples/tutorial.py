"""Live transcription of the microphone: the tutorial's program. Ctrl-C ends it."""

import vivavoce as aai
from vivavoce import TranscriptPrinter

printer = TranscriptPrinter()


def on_open(session_opened: aai.RealtimeSessionOpened):
    printer.note(f"Session ID: {session_opened.session_id}")


def on_data(transcript: aai.RealtimeTranscript):
    printer.show(transcript)


def on_error(error: aai.RealtimeError):
    printer.note(f"An error occured: {error}")


def on_close():
    printer.note("Closing Session")


transcriber = aai.RealtimeTranscriber(
    on_data=on_data, on_error=on_error, on_open=on_open, on_close=on_close, sample_rate=44_100
)
transcriber.connect()

microphone_stream = aai.extras.MicrophoneStream()
transcriber.stream(microphone_stream)

transcriber.close()
