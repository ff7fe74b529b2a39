"""Events of Universal-Streaming in the vendor's Python SDK or ours, reported in the form the suite checks."""

from common import CONFIG, RATE, report, words

UPDATE = {"min_turn_silence": 300, "max_turn_silence": 900, "keyterms_prompt": ["epoch"]}


def parameters(v3):
    """Return the parameters of the session."""
    values = {
        "sample_rate": RATE,
        "speech_model": v3.SpeechModel(CONFIG["speech_model"]),
        "format_turns": True,
    }
    if CONFIG["encoding"] != "pcm_s16le":
        values["encoding"] = v3.Encoding(CONFIG["encoding"])
    return values | CONFIG["options"]


def client_options(v3, api_key=None, token=None):
    """Return the options of a client: the server's address and a key or token."""
    options = {"api_host": CONFIG["api_host"]}
    options |= {"token": token} if token else {"api_key": api_key}
    return v3.StreamingClientOptions(**options)


def _on_begin(_client, event):
    report("begin", id=event.id)


def _on_turn(_client, event):
    report(
        "turn",
        text=event.transcript,
        is_final=event.end_of_turn,
        order=event.turn_order,
        words=words(event.words),
        is_formatted=event.turn_is_formatted,
        channel=getattr(event, "channel", None),
    )


def _on_termination(_client, event):
    report("end", audio_s=event.audio_duration_seconds, session_s=event.session_duration_seconds)


def _on_error(_client, error):
    report("error", text=str(error), code=getattr(error, "code", None))


def _on_warning(_client, event):
    report("warning", text=event.warning, code=event.warning_code)


def register_handlers(v3, client):
    """Register a handler for every event of this SDK version."""
    handlers = {
        "Begin": _on_begin,
        "Turn": _on_turn,
        "Termination": _on_termination,
        "Error": _on_error,
        "Warning": _on_warning,
        "Closed": lambda _client, _event: report("closed"),  # our SDK only
    }
    for event in v3.StreamingEvents:
        name = event.name
        client.on(
            event, handlers.get(name) or (lambda _client, _event, name=name: report("other", name=name))
        )
