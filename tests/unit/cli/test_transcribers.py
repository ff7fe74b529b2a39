"""Transcribers of both protocols, on connections that a test scripts."""

import itertools
import threading

import pytest

from support.cli_fakes import FakeTranscriber
from support.whisper_fakes import pretend_installed
from vivavoce.cli.app import run
from vivavoce.cli.transcribers import TurnTranscriber, connection_message, transcriber_factory
from vivavoce.cli.turn_options import TurnPreset, turn_parameters
from vivavoce.client.events import (
    ClosedEvent,
    ReconnectedEvent,
    ReconnectingEvent,
    TurnEvent,
    WarningEvent,
    Word,
)
from vivavoce.errors import ConfigurationError, SessionLostError
from vivavoce.protocol.aai_v3.choices import StreamingPiiPolicy, StreamingPiiSubstitution
from vivavoce.types import Encoding

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def turn(text, *, ended):
    words = [
        Word(text=word, start=n * 100, end=n * 100 + 80, confidence=0.8, word_is_final=ended)
        for n, word in enumerate(text.split())
    ]
    return TurnEvent(turn_order=0, end_of_turn=ended, transcript=text if ended else "", words=words)


class ScriptedSession:
    """A session of the SDK that gives these events once its audio has been sent."""

    began = None

    def __init__(self, events, error=None):
        self.scripted, self.error = events, error
        self.sent = []
        self.closed = threading.Event()

    def send(self, data):
        self.sent += data

    def events(self):
        self.closed.wait(20)
        yield from self.scripted
        if self.error is not None:
            raise self.error

    def close(self):
        self.closed.set()


@pytest.fixture
def session(monkeypatch):
    scripted = ScriptedSession([turn("hello there", ended=False), turn("Hello there.", ended=True)])
    scripted.opened = []
    monkeypatch.setattr("vivavoce.connect", lambda **options: scripted.opened.append(options) or scripted)
    return scripted


def transcribe(options, *, reconnects=False):
    lines, errors, notes = [], [], []
    transcriber = TurnTranscriber(
        on_transcript=lines.append,
        on_error=errors.append,
        sample_rate=16_000,
        encoding=Encoding.PCM_S16LE,
        options=options,
        note=notes.append,
        reconnects=reconnects,
    )
    transcriber.connect(timeout=3)
    transcriber.stream([b"\0\0", b"\1\0"])
    transcriber.close()
    return lines, errors, notes


def test_turns_become_transcripts(session):
    lines, errors, notes = transcribe({"keyterms_prompt": ["Łódź"]})
    assert [(line.text, line.is_final, line.start_ms, line.end_ms) for line in lines] == [
        ("hello there", False, 0, 180),
        ("Hello there.", True, 0, 180),
    ]
    assert lines[1].confidence == 0.8
    assert (errors, notes) == ([], [])
    assert session.sent == [b"\0\0", b"\1\0"]
    assert session.opened[0]["keyterms_prompt"] == ["Łódź"]
    assert session.opened[0]["reconnect"] is None


def test_warnings_and_lost_connections_are_messages(session):
    session.scripted = [
        WarningEvent(warning_code=1, warning="speaker_labels has no effect"),
        ReconnectingEvent(reason="gone", attempt=1, delay_s=0),
        ReconnectingEvent(reason="gone", attempt=2, delay_s=0.25),
        ReconnectedEvent(session_id="b", replayed_ms=900, lost_ms=1500),
        ClosedEvent(code=1000, reason=""),
    ]
    lines, _, notes = transcribe({"format_turns": True}, reconnects=True)
    assert lines == []
    assert len(notes) == 3
    assert "speaker_labels has no effect" in notes[0]
    assert notes[1].startswith("Gone; reconnecting")
    assert "1.5 s of audio were dropped" in notes[2]
    assert session.opened[0]["reconnect"] is not None


def test_the_error_of_a_session_is_reported_once(session):
    session.error = SessionLostError("gave up", 1006, lost_ms=500)
    _, errors, _ = transcribe({"format_turns": True})
    assert errors == [session.error]


def test_other_events_are_no_messages():
    assert connection_message(ClosedEvent(code=1000, reason="")) is None


@pytest.mark.parametrize("reconnects", [True, False])
def test_without_options_realtime_v2_is_used(reconnects):
    notes = []
    made = {}

    class Recorded(FakeTranscriber):
        def __init__(self, *, reconnect=None, on_reconnect=None, **keywords):
            super().__init__(**keywords)
            made.update(reconnect=reconnect, on_reconnect=on_reconnect)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vivavoce.RealtimeTranscriber", Recorded)
        transcriber_factory({}, note=notes.append, reconnects=reconnects)(
            on_transcript=print, on_error=print, sample_rate=16_000, encoding=Encoding.PCM_S16LE
        )
    assert (made["reconnect"] is not None) == reconnects
    if reconnects:
        made["on_reconnect"](ReconnectingEvent(reason="gone", attempt=1, delay_s=0))
        assert "Gone" in notes[0]


def parameters(**given):
    names = ("key_terms", "filter_profanity", "redact", "redact_with", "turns", "formatting")
    options = dict.fromkeys(names) | {"filter_profanity": False} | given
    return turn_parameters(*(options[name] for name in names))


def test_options_are_parameters_of_the_protocol():
    assert parameters() == {}
    assert parameters(formatting=False) == {"format_turns": False}
    assert parameters(turns=TurnPreset.AGGRESSIVE)["max_turn_silence"] == 400
    given = parameters(
        key_terms=["Vivavoce"],
        filter_profanity=True,
        redact=[StreamingPiiPolicy.phone_number],
        redact_with=StreamingPiiSubstitution.entity_name,
    )
    assert given == {
        "keyterms_prompt": ["Vivavoce"],
        "filter_profanity": True,
        "redact_pii": True,
        "redact_pii_policies": ["phone_number"],
        "redact_pii_sub": "entity_name",
    }
    with pytest.raises(ConfigurationError, match="--redact KIND"):
        parameters(redact_with=StreamingPiiSubstitution.hash)


@pytest.mark.parametrize("preset", TurnPreset)
def test_every_preset_is_accepted_by_the_protocol(preset):
    from vivavoce.client.session_config import build_parameters

    build_parameters(16_000, "pcm_s16le", partials=True, options=parameters(turns=preset))


@pytest.mark.parametrize("command", ["stream", "mic"])
def test_the_commands_pass_their_options_on(session, recording, microphone, capsys, command):
    options = ["--key-term", "Ada", "--key-term", "Łódź", "--turns", "conservative", "--no-formatting"]
    source = [recording] if command == "stream" else []
    assert run([command, *source, *options]) == 0
    assert capsys.readouterr().out == "Hello there.\n"
    assert session.opened[0]["keyterms_prompt"] == ["Ada", "Łódź"]
    assert session.opened[0]["max_turn_silence"] == 3600
    assert session.opened[0]["format_turns"] is False
    assert session.opened[0]["reconnect"] is None


def test_a_server_elsewhere_is_reconnected_to_and_given_up_with_exit_code_3(session, recording, capsys):
    session.error = SessionLostError("gave up", 1006, lost_ms=500)
    assert run(["stream", recording, "--url", "ws://elsewhere:1", "--filter-profanity"]) == 3
    assert session.opened[0]["reconnect"] is not None
    assert "0.5 s of audio were not transcribed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--turns", "slow"], ["--redact", "shoe_size"], ["--redact-with", "x"]]
)
def test_unknown_values_are_wrong_usage(recording, arguments):
    assert run(["stream", recording, *arguments]) == 2


def test_terms_are_repeatable_and_long_lists_are_accepted(session, recording):
    terms = itertools.chain.from_iterable(("--key-term", f"term {n}") for n in range(100))
    assert run(["stream", recording, *terms]) == 0
    assert len(session.opened[0]["keyterms_prompt"]) == 100


@pytest.mark.parametrize("command", ["stream", "mic"])
def test_a_model_is_that_of_the_server_and_of_the_session(parts, session, recording, microphone, command):
    source = [recording] if command == "stream" else []
    assert run([command, *source, "--model", "moonshine-tiny-en", "--language", "en-GB"]) == 0
    (options,) = parts.opened
    assert [model.name for model in options.models] == ["moonshine-tiny-en"]
    assert session.opened[0]["speech_model"] == "moonshine-tiny-en"
    assert session.opened[0]["language_codes"] == ["en-GB"]


def test_another_server_has_its_own_models(parts, session, recording):
    assert run(["stream", recording, "--model", "whisper-base", "--url", "ws://host:1"]) == 0
    assert parts.opened == []
    assert session.opened[0]["speech_model"] == "whisper-base"


def test_a_model_that_is_unknown_is_said_before_anything_starts(parts, recording, capsys):
    assert run(["stream", recording, "--model", "whisper-bse"]) == 1
    assert "do you mean whisper-base?" in capsys.readouterr().err
    assert parts.opened == []


@pytest.mark.parametrize("command", ["stream", "serve"])
@pytest.mark.parametrize("value", ["1", "true", "yes", "ON"])
def test_the_environment_forbids_downloads(parts, recording, capsys, monkeypatch, command, value):
    pretend_installed(monkeypatch)
    monkeypatch.setenv("VIVAVOCE_OFFLINE", value)
    source = [recording] if command == "stream" else []
    assert run([command, *source, "--model", "whisper-base"]) == 1
    assert "forbids to download it" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["stream", "serve"])
@pytest.mark.parametrize("value", ["0", "false", "no", "off"])
def test_the_environment_allows_downloads(parts, recording, capsys, monkeypatch, command, value):
    pretend_installed(monkeypatch)
    monkeypatch.setenv("VIVAVOCE_OFFLINE", value)
    monkeypatch.setenv("VIVAVOCE_MODEL_HUB", "http://127.0.0.1:1")
    source = [recording] if command == "stream" else []
    assert run([command, *source, "--model", "whisper-base"]) == 1
    assert "can't be reached" in capsys.readouterr().err


def test_a_name_that_only_the_server_knows(parts, session, recording):
    assert run(["stream", recording, "--model", "theirs", "--url", "ws://host:1"]) == 0
    assert session.opened[0]["speech_model"] == "theirs"


@pytest.mark.parametrize("command", ["stream", "mic"])
def test_a_translation_is_asked_of_the_server(parts, session, recording, microphone, command):
    source = [recording] if command == "stream" else []
    assert run([command, *source, "--translate", "--url", "ws://host:1"]) == 0
    assert session.opened[0]["task"] == "translate"


def test_a_translation_needs_a_model_that_can(parts, session, recording, capsys):
    assert run(["stream", recording, "--translate"]) == 1
    message = (
        "--translate needs a model that translates, and moonshine-tiny-en can't: add --model whisper-base"
    )
    assert capsys.readouterr().err == f"vivavoce: {message}\n"
    assert parts.opened == []
    assert run(["stream", recording, "--translate", "--language", "en"]) == 0
