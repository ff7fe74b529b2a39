"""Events of Universal-Streaming in the vendor's Python SDK or ours, told in the words of the driver."""

from common import CONFIG, RATE, tell, words

UPDATE = {"min_turn_silence": 300, "max_turn_silence": 900, "keyterms_prompt": ["epoch"]}


def PARAMETERS(v3):  # noqa: N802  - a constant that needs the SDK
    """What is asked of the session."""
    asked = {
        "sample_rate": RATE,
        "speech_model": v3.SpeechModel(CONFIG["speech_model"]),
        "format_turns": True,
    }
    if CONFIG["encoding"] != "pcm_s16le":
        asked["encoding"] = v3.Encoding(CONFIG["encoding"])
    return asked | CONFIG["options"]


def client_options(v3, api_key=None, token=None):
    """Where the server is, and who asks."""
    options = {"api_host": CONFIG["api_host"]}
    options |= {"token": token} if token else {"api_key": api_key}
    return v3.StreamingClientOptions(**options)


def _on_begin(_client, event):
    tell("begin", id=event.id)


def _on_turn(_client, event):
    tell(
        "turn",
        text=event.transcript,
        is_final=event.end_of_turn,
        order=event.turn_order,
        words=words(event.words),
        is_formatted=event.turn_is_formatted,
        channel=getattr(event, "channel", None),
    )


def _on_termination(_client, event):
    tell("end", audio_s=event.audio_duration_seconds, session_s=event.session_duration_seconds)


def _on_error(_client, error):
    tell("error", text=str(error), code=getattr(error, "code", None))


def _on_warning(_client, event):
    tell("warning", text=event.warning, code=event.warning_code)


def listen(v3, client):
    """Hear every event that this version knows."""
    handlers = {
        "Begin": _on_begin,
        "Turn": _on_turn,
        "Termination": _on_termination,
        "Error": _on_error,
        "Warning": _on_warning,
        "Closed": lambda _client, _event: tell("closed"),  # ours only
    }
    for event in v3.StreamingEvents:
        name = event.name
        client.on(event, handlers.get(name) or (lambda _client, _event, name=name: tell("other", name=name)))
