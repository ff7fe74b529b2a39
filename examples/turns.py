"""Live transcription of the microphone by the newer protocol. Ctrl-C ends it."""

import vivavoce

with (
    vivavoce.TranscriptPrinter() as printer,
    vivavoce.connect(sample_rate=16_000) as session,
    vivavoce.extras.MicrophoneStream(sample_rate=16_000) as microphone,
):
    printer.note("Speak. Ctrl-C ends.")
    for turn in session.transcribe(microphone):
        printer.show(turn)
