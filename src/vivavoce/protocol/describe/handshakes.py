"""The query parameters of both handshakes, as JSON Schema.

Tests hold each of them against what the dialects read, take and refuse.
"""

from __future__ import annotations

from typing import Any, Final

from vivavoce.protocol.query import SAMPLE_RATES_HZ
from vivavoce.types import Codec, Encoding, PiiPolicy

__all__ = ["V2_QUERY", "V3_QUERY"]

Schema = dict[str, Any]


def _text(text: str, **more: Any) -> Schema:
    return {"type": "string", "description": text, **more}


def _flag(text: str, **more: Any) -> Schema:
    return {"type": "boolean", "description": f"{text} In any case: true, True.", **more}


def _whole(text: str, low: int, high: int, **more: Any) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high, "description": text, **more}


def _fraction(text: str, **more: Any) -> Schema:
    return {"type": "number", "minimum": 0, "maximum": 1, "description": text, **more}


def _json(text: str) -> Schema:
    return {"type": "string", "contentMediaType": "application/json", "description": text}


_NOTHING: Final = "Accepted and without effect; a Warning says so."
_RATE: Final = _whole("Of the audio, in Hz.", SAMPLE_RATES_HZ.start, SAMPLE_RATES_HZ.stop - 1)
_TOKEN: Final = _text("A temporary token, in place of the Authorization header.")

V2_QUERY: Final[dict[str, Schema]] = {
    "sample_rate": _RATE,
    "encoding": _text("Of the audio.", enum=[it.value for it in Encoding], default="pcm_s16le"),
    "word_boost": _json("A JSON list of words and phrases to expect, of 2500 characters in all."),
    "token": _TOKEN,
    "disable_partial_transcripts": _flag("Whether only finished utterances are told.", default=False),
    "enable_extra_session_information": _flag("Whether SessionInformation precedes the end.", default=False),
    "format_text": _flag("Ours: whether finals keep case and have numbers as figures.", default=True),
    "punctuate": _flag("Ours: whether finals keep punctuation.", default=True),
    "filter_profanity": _flag("Ours: whether rude words are masked.", default=False),
    "redact_pii": _flag("True is refused: v3 can redact, v2 can't.", enum=[False], default=False),
}

V3_QUERY: Final[dict[str, Schema]] = {
    "speech_model": _text(
        "The vendor's names are aliases. Universal-Streaming names commit words one by one; "
        "universal-3 and u3 names restate formatted turns. An unknown name is taken with a Warning.",
        default="universal-streaming-english",
    ),
    "sample_rate": {**_RATE, "default": 16_000},
    "encoding": _text(
        "Of the audio; compressed ones need the audio extra on the server.",
        enum=[*(it.value for it in Encoding), *(it.value for it in Codec)],
        default="pcm_s16le",
    ),
    "channels": _whole(
        "Ours: interleaved channels of raw samples, a stream of turns for each.", 1, 2, default=1
    ),
    "token": _TOKEN,
    "format_turns": _flag("Whether turns have case, punctuation and figures.", default=False),
    "end_of_turn_confidence_threshold": _fraction(
        "From which confidence the short silence ends a turn.", default=0.4
    ),
    "min_turn_silence": _whole("Ends a turn that sounds complete; ms.", 0, 60_000),
    "min_end_of_turn_silence_when_confident": _whole("The old name of min_turn_silence.", 0, 60_000),
    "max_turn_silence": _whole("Ends any turn; ms.", 0, 60_000, default=1_280),
    "mode": _text(
        "Sets both silences and interruption_delay.", enum=["min_latency", "balanced", "max_accuracy"]
    ),
    "vad_threshold": _fraction("From which probability a frame is speech.", default=0.5),
    "partials_ms": _whole("Ours: audio between two partials of a turn, in ms; a hint.", 160, 10_000),
    "continuous_partials": _flag("False: a partial every 3 s."),
    "interruption_delay": _whole("Speech before the first partial, in ms, less 256.", 0, 1_000),
    "include_partial_turns": _flag("Whether unfinished turns are told.", default=True),
    "inactivity_timeout": _whole("Closes a session whose client sends nothing; s.", 5, 3_600),
    "session_heartbeat": _flag("Whether Heartbeat messages are sent.", default=False),
    "acknowledge_silence": _flag("Whether Silence messages are sent.", default=False),
    "filter_profanity": _flag("Whether rude words are masked.", default=False),
    "redact_pii": _flag("Whether something is taken out of finished turns.", default=False),
    "redact_pii_policies": _text(
        "What: a JSON list, or names between commas. Others are refused: "
        + ", ".join(it.value for it in PiiPolicy)
    ),
    "redact_pii_sub": _text("What stands in its place.", enum=["hash", "entity_name"], default="hash"),
    "webhook_url": _text("Where finished turns are posted after the session; http or https."),
    "webhook_auth_header_name": _text("A header to send along."),
    "webhook_auth_header_value": _text("Its value."),
    "keyterms_prompt": _json(
        "A JSON list of 100 words and phrases to expect, of 50 characters at most, or text with commas. "
        "A Warning names those that an English model can't write."
    ),
    "prompt": _text(_NOTHING, maxLength=1_750),
    "agent_context": _text(_NOTHING, maxLength=1_750),
    "previous_context_n_turns": _whole(_NOTHING, 0, 100),
    "language_detection": _flag(_NOTHING),
    "language_codes": _json(
        f"A JSON list of ten codes at most, or text with commas. What is not English: {_NOTHING.lower()}"
    ),
    "language_code": _text(f"What is not English: {_NOTHING.lower()}"),
    "language": _text(f"What is not English: {_NOTHING.lower()}"),
    "speaker_labels": _flag(_NOTHING),
    "max_speakers": _whole(_NOTHING, 1, 10),
    "speaker_labels_revision_interval_ms": _whole(_NOTHING, 0, 86_400_000),
    "domain": _text(_NOTHING, enum=["medical-v1"]),
    "voice_focus": _text(_NOTHING, enum=["near-field", "far-field"]),
    "voice_focus_threshold": _fraction(f"Needs voice_focus. {_NOTHING}"),
    "noise_suppression_model": _text(_NOTHING, enum=["near-field", "far-field"]),
    "noise_suppression_threshold": _fraction(f"Needs noise_suppression_model. {_NOTHING}"),
    "turn_left_pad_ms": _whole(_NOTHING, 0, 60_000),
    "max_turn_duration": _whole(_NOTHING, 0, 86_400_000),
    "customer_support_audio_capture": _flag(_NOTHING),
    "llm_gateway": _json(f"A JSON object. {_NOTHING}"),
}
