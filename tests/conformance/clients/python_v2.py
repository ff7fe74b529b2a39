"""The vendor's Python SDK up to 0.64.2, or ours: RealtimeTranscriber."""

import importlib
import inspect

from common import CONFIG, KEY, RATE, SDK, chunks, report, words

aai = importlib.import_module(SDK)
aai.settings.base_url = CONFIG["base_url"]
aai.settings.api_key = KEY
accepted = inspect.signature(aai.RealtimeTranscriber.__init__).parameters


def on_data(transcript):
    is_final = isinstance(transcript, aai.RealtimeFinalTranscript)
    report(
        "turn",
        text=transcript.text,
        is_final=is_final,
        words=words(transcript.words),
        start=transcript.audio_start,
        end=transcript.audio_end,
        is_formatted=is_final and transcript.text_formatted and transcript.punctuated,
    )


options = {"sample_rate": RATE, "word_boost": ["epoch", "incredulity"]}
if "on_extra_session_information" in accepted:
    options["on_extra_session_information"] = lambda it: report(
        "information", audio_s=it.audio_duration_seconds
    )
if CONFIG["encoding"] != "pcm_s16le":
    options["encoding"] = aai.AudioEncoding(CONFIG["encoding"])
if CONFIG["with_token"]:
    options["token"] = aai.RealtimeTranscriber.create_temporary_token(expires_in=60)
    aai.settings.api_key = None
transcriber = aai.RealtimeTranscriber(
    on_data=on_data,
    on_error=lambda error: report("error", text=str(error), code=getattr(error, "status_code", None)),
    on_open=lambda session: report("begin", id=str(session.session_id)),
    on_close=lambda: report("closed"),
    **options,
)
transcriber.connect()


def control():
    report("force")
    transcriber.force_end_utterance()
    transcriber.configure_end_utterance_silence_threshold(300)


transcriber.stream(chunks(control if CONFIG["with_controls"] else None))
transcriber.close()
report("done")
