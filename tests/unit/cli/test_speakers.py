"""Who speaks, on a terminal, in pipes and in files; and speakers that are revised at the end."""

import io
import json
import threading
from types import SimpleNamespace

import pytest

import vivavoce
from vivavoce.captions import SpeakerMark
from vivavoce.cli.app import run
from vivavoce.cli.guarded import GuardedOutput
from vivavoce.cli.options import Format
from vivavoce.cli.shown_transcripts import ShownTranscripts
from vivavoce.cli.sinks import TerminalSink, file_sink
from vivavoce.cli.speaker_display import NO_SPEAKERS, SpeakerDisplay, speaker_display
from vivavoce.cli.transcribers import TurnTranscriber
from vivavoce.cli.transcript_line import TranscriptLine
from vivavoce.client.events import (
    ReconnectedEvent,
    SpeakerRevisionEvent,
    SpeakerRevisionItem,
    TurnEvent,
    WarningEvent,
    Word,
)
from vivavoce.errors import ConfigurationError
from vivavoce.printing.live_line import LiveLine
from vivavoce.types import Encoding

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")

NAMED = SpeakerDisplay(names={"A": "Anna"}, mark=SpeakerMark.NAME)
LETTERS = SpeakerDisplay()
NO_ENCODER = "speaker_labels is accepted and has no effect: the server does not tell speakers apart"


def words_of(text, at, speakers):
    parts = text.split()
    labels = speakers if isinstance(speakers, list) else [speakers] * len(parts)
    return [
        Word(text=part, start=at + 300 * n, end=at + 300 * n + 280, confidence=0.9, speaker=label)
        for n, (part, label) in enumerate(zip(parts, labels, strict=True))
    ]


def turn(order, text, speaker, *, at=None, channel=None, speakers=None):
    words = words_of(text, 3_000 * order if at is None else at, speakers or speaker)
    return TurnEvent(
        turn_order=order,
        end_of_turn=True,
        transcript=text,
        words=words,
        speaker_label=speaker,
        channel=channel,
    )


def line(*arguments, **options):
    return TranscriptLine.from_turn(turn(*arguments, **options))


def revised(order, text, speaker, *, channel=None):
    item = SpeakerRevisionItem(
        turn_order=order, speaker_label=speaker, words=words_of(text, 3_000 * order, speaker), channel=channel
    )
    return TranscriptLine.from_revision(item)


TALK = [line(0, "How are you?", "A"), line(1, "Quite well.", "PENDING"), line(2, "And you?", "A")]
REVISION = [revised(1, "Quite well.", "B"), revised(2, "And you?", "B")]


class Pipe(io.StringIO):
    def seekable(self):
        return False


def written(format_, lines, *, speakers=NAMED, out=None, **options):
    """What a sink writes to an output and to standard error."""
    out, err = out or io.StringIO(), io.StringIO()
    sink = file_sink(GuardedOutput(out, "out"), format_, speakers=speakers, **options)
    sink._err = err
    for each in lines:
        sink.show(each)
    sink.close()
    sink.close()  # as when the process is ended by force
    return out.getvalue(), err.getvalue()


# --- files and pipes ----------------------------------------------------------------------------


def test_text_has_one_line_for_each_speaker():
    lines = [line(0, "Hello. Hi. Oh.", "A", speakers=["A", "B", "PENDING"]), line(1, "Well then.", "A")]
    assert written(Format.TEXT, lines)[0] == "Anna: Hello.\nB: Hi.\n?: Oh.\nAnna: Well then.\n"


def test_a_file_has_the_speakers_of_the_revision():
    text, err = written(Format.TEXT, [*TALK, *REVISION])
    assert text == "Anna: How are you?\nB: Quite well.\nB: And you?\n"
    assert err == ""


def test_text_before_the_transcripts_stays():
    out = io.StringIO()
    out.write("Before.\n")
    assert written(Format.TEXT, [*TALK, *REVISION], out=out)[0].startswith("Before.\nAnna: How are you?\n")


def test_a_pipe_keeps_what_it_got_and_messages_name_the_changes():
    text, err = written(Format.TEXT, [*TALK, *REVISION], out=Pipe())
    assert text == "Anna: How are you?\n?: Quite well.\nAnna: And you?\n"
    assert err == "Speaker corrected at 0:03: B: Quite well.\nSpeaker corrected at 0:06: B: And you?\n"


@pytest.mark.parametrize("format_", [Format.SRT, Format.VTT])
def test_captions_have_names_and_the_speakers_of_the_revision(format_):
    text, _ = written(format_, [*TALK, *REVISION])
    assert (
        text.count("-->")
        == text.count("How are you?") + text.count("Quite well.") + text.count("And you?")
        == 3
    )
    assert "Anna: How are you?" in text
    assert "B: Quite well." in text
    assert "B: And you?" not in text
    assert ("<v Anna>" in text) is (format_ is Format.VTT)
    assert text.startswith("WEBVTT\n\n") is (format_ is Format.VTT)


def test_captions_have_dashes_without_names():
    assert "\n- Quite well.\n" in written(Format.SRT, [*TALK, *REVISION], speakers=LETTERS)[0]
    none = SpeakerDisplay(mark=SpeakerMark.NONE)
    assert "\nQuite well.\n" in written(Format.SRT, [*TALK, *REVISION], speakers=none)[0]


def test_json_lines_name_speakers_and_their_parts():
    said = line(0, "Hello. Hi.", "A", speakers=["A", "B"])
    [event] = [json.loads(each) for each in written(Format.JSON, [said])[0].splitlines()]
    assert event["speaker"] == "A"
    assert [word["speaker"] for word in event["words"]] == ["A", "B"]
    assert event["parts"] == [
        {"speaker": "A", "name": "Anna", "text": "Hello."},
        {"speaker": "B", "name": None, "text": "Hi."},
    ]


def test_a_json_file_has_the_speakers_of_the_revision():
    for is_document in (False, True):
        text, _ = written(Format.JSON, [*TALK, *REVISION], is_document=is_document)
        events = json.loads(text) if is_document else [json.loads(each) for each in text.splitlines()]
        assert [(event["type"], event["speaker"]) for event in events] == [
            ("final", "A"), ("final", "B"), ("final", "B"),
        ]  # fmt: skip


def test_a_json_pipe_gets_the_revision_as_events():
    text, err = written(Format.JSON, [*TALK, *REVISION], out=Pipe())
    events = [json.loads(each) for each in text.splitlines()]
    assert [(event["type"], event["speaker"], event["start_ms"]) for event in events] == [
        ("final", "A", 0), ("final", "PENDING", 3_000), ("final", "A", 6_000),
        ("revision", "B", 3_000), ("revision", "B", 6_000),
    ]  # fmt: skip
    assert err == ""


def test_without_speakers_nothing_changes():
    lines = [line(0, "Hello there.", None)]
    assert written(Format.TEXT, lines, speakers=NO_SPEAKERS)[0] == "Hello there.\n"
    event = json.loads(written(Format.JSON, lines, speakers=NO_SPEAKERS)[0])
    assert event.keys() == {"type", "text", "start_ms", "end_ms", "confidence", "words"}
    assert event["words"][0].keys() == {"text", "start_ms", "end_ms", "confidence"}
    assert ShownTranscripts(NO_SPEAKERS).lines == []


def test_a_server_that_labels_nobody_changes_nothing():
    lines = [line(0, "Hello there.", None)]
    for format_ in Format:
        assert written(format_, lines, speakers=NAMED) == written(format_, lines, speakers=NO_SPEAKERS)
    assert terminal(lines, NAMED) == ("Hello there.\n", "")


def test_the_same_letter_in_two_channels_is_two_people():
    lines = [line(0, "Hello.", "A", channel=0), line(0, "Good day.", "A", channel=1, at=3_000)]
    names = SpeakerDisplay(names={"1A": "Agent", "2A": "Caller", "2B": "Her mother"}, mark=SpeakerMark.NAME)
    assert written(Format.TEXT, lines, speakers=names)[0] == "Agent: Hello.\nCaller: Good day.\n"
    assert written(Format.TEXT, lines, speakers=LETTERS)[0] == "1A: Hello.\n2A: Good day.\n"
    assert "Caller: Good day." in written(Format.SRT, lines, speakers=names)[0]
    change = revised(0, "Good day.", "B", channel=1)
    assert (
        written(Format.TEXT, [*lines, change], speakers=names)[0] == "Agent: Hello.\nHer mother: Good day.\n"
    )
    event = json.loads(written(Format.JSON, lines[1:], speakers=names)[0])
    assert (event["channel"], event["speaker"]) == (1, "A")


def test_a_revision_of_what_was_not_shown_is_skipped():
    assert written(Format.TEXT, [TALK[0], revised(7, "Who?", "B")])[0] == "Anna: How are you?\n"


def test_a_revision_without_words_names_one_speaker():
    item = TranscriptLine.from_revision(SpeakerRevisionItem(turn_order=0, speaker_label="B"))
    assert written(Format.TEXT, [TALK[0], item])[0] == "B: How are you?\n"


def test_only_ten_changes_are_reported_one_by_one():
    lines = [line(n, "Yes.", "A") for n in range(1_201)]
    shown = ShownTranscripts(LETTERS)
    for each in lines:
        shown.add(each)
    for n in range(1_189, 1_201):
        shown.revise(revised(n, "Yes.", "B"))
    messages = list(shown.report())
    assert messages[0] == "Speaker corrected at 59:27: B: Yes."
    assert messages[-2:] == [
        "Speaker corrected at 59:54: B: Yes.",
        "Speakers corrected in 2 more utterances.",
    ]
    late = ShownTranscripts(LETTERS)
    late.add(line(0, "Yes.", "A", at=3_605_000))
    late.revise(revised(0, "Yes.", "B"))
    assert list(late.report()) == ["Speaker corrected at 1:00:05: B: Yes."]


# --- the terminal -------------------------------------------------------------------------------


def terminal(lines, speakers):
    out, err = [], io.StringIO()
    sink = TerminalSink(LiveLine(out.append, lambda: 80), err, speakers=speakers)
    for each in lines:
        sink.show(each)
    sink.close()
    return "".join(out), err.getvalue()


def test_a_terminal_names_the_speaker_at_a_change():
    lines = [TALK[0], TALK[2], line(3, "Fine. Good.", "B", speakers=["B", "A"]), line(4, "Yes.", "PENDING")]
    shown, err = terminal(lines, NAMED)
    assert shown == "Anna: How are you?\nAnd you?\nB: Fine.\nAnna: Good.\n?: Yes.\n"
    assert err == ""


def test_a_terminal_says_what_was_corrected_once_the_session_is_over():
    _, err = terminal([*TALK, *REVISION], LETTERS)
    assert err == "Speaker corrected at 0:03: B: Quite well.\nSpeaker corrected at 0:06: B: And you?\n"


def test_labels_of_the_server_cannot_control_the_terminal():
    shown, _ = terminal([line(0, "Hello.", "\x1b[2JA")], LETTERS)
    assert "\x1b" not in shown


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "parameters", "mark"),
    [
        ((True, None, None, None), {"speaker_labels": True}, SpeakerMark.DASH),
        ((False, 3, None, None), {"speaker_labels": True, "max_speakers": 3}, SpeakerMark.DASH),
        ((False, None, ["a = Anna Lee "], None), {"speaker_labels": True}, SpeakerMark.NAME),
        ((True, None, ["A=Anna"], SpeakerMark.DASH), {"speaker_labels": True}, SpeakerMark.DASH),
        ((False, None, None, None), {}, SpeakerMark.DASH),
    ],
)
def test_each_option_asks_for_speakers(arguments, parameters, mark):
    shown = speaker_display(*arguments)
    assert (shown.parameters, shown.mark, shown.is_on) == (parameters, mark, bool(parameters))


def test_a_label_may_be_written_small_and_names_have_spaces():
    given = ["1a=Anna Lee", "B=x=y", "Dr. Lee=Lee"]
    assert speaker_display(False, None, given, None).names == {
        "1A": "Anna Lee",
        "B": "x=y",
        "Dr. Lee": "Lee",  # a voice that the server knows
    }


@pytest.mark.parametrize("value", ["Anna", "A=", "=Anna", " = "])
def test_a_name_needs_a_label(value):
    with pytest.raises(
        ConfigurationError, match=f"--speaker-name must be LABEL=NAME, such as A=Anna, got {value}"
    ):
        speaker_display(True, None, [value], None)


def test_a_mark_needs_speakers():
    with pytest.raises(ConfigurationError, match="--speaker-mark needs --speakers"):
        speaker_display(False, None, None, SpeakerMark.DASH)


@pytest.mark.parametrize("command", [["mic", "--seconds", "1"], ["stream", "RECORDING"]])
def test_the_commands_ask_for_speakers(recording, microphone, monkeypatch, capsys, command):
    opened = []

    def connect(**options):
        opened.append(options)
        return ScriptedSession([turn(0, "Hello.", "A"), turn(1, "Hi.", "B")])

    monkeypatch.setattr(vivavoce, "connect", connect)
    command = [recording if part == "RECORDING" else part for part in command]
    assert run([*command, "--max-speakers", "2", "--speaker-name", "B=Ben"]) == 0
    assert (opened[0]["speaker_labels"], opened[0]["max_speakers"]) == (True, 2)
    assert capsys.readouterr().out == "A: Hello.\nBen: Hi.\n"


def test_captions_on_the_side_have_the_last_speakers(recording, monkeypatch, capsys, tmp_path):
    item = SpeakerRevisionItem(turn_order=1, speaker_label="B", words=words_of("Hi.", 3_000, "B"))
    events = [turn(0, "Hello.", "A"), turn(1, "Hi.", "PENDING"), SpeakerRevisionEvent(revisions=[item])]
    monkeypatch.setattr(vivavoce, "connect", lambda **_: ScriptedSession(events))
    assert run(["stream", recording, "--speakers", "--srt", "a.srt", "--vtt", "a.vtt", "-o", "a.txt"]) == 0
    assert "- Hi." in (tmp_path / "a.srt").read_text()
    assert "<v B>- Hi.</v>" in (tmp_path / "a.vtt").read_text()
    assert (tmp_path / "a.txt").read_text() == "A: Hello.\nB: Hi.\n"
    assert "a.srt: 2 captions written." in capsys.readouterr().err


# --- sessions -----------------------------------------------------------------------------------


class ScriptedSession:
    """A session of the SDK that gives these events once its audio has been sent."""

    began = None

    def __init__(self, events):
        self.scripted = events
        self.closed = threading.Event()

    def send(self, data):
        for _ in data:
            pass

    def events(self):
        assert self.closed.wait(20)
        yield from self.scripted

    def close(self):
        self.closed.set()


def messages(monkeypatch, events, **options):
    notes = []
    monkeypatch.setattr(vivavoce, "connect", lambda **_: ScriptedSession(events))
    transcriber = TurnTranscriber(
        on_transcript=notes.append, on_error=notes.append, sample_rate=16_000, encoding=Encoding.PCM_S16LE,
        options=options, note=notes.append, reconnects=True,
    )  # fmt: skip
    transcriber.connect()
    transcriber.close()
    return notes


def test_a_server_without_a_voice_encoder_is_named_with_what_to_do(monkeypatch):
    warning = WarningEvent(warning_code=0, warning=NO_ENCODER)
    [note] = messages(monkeypatch, [warning], speaker_labels=True)
    assert note.startswith("Speakers are not told apart: the server has no voice encoder.")
    assert "pip install" in note
    assert messages(monkeypatch, [warning]) == [f"The server warns: {NO_ENCODER}"]


def test_letters_that_begin_again_are_announced(monkeypatch):
    event = ReconnectedEvent(session_id="x", replayed_ms=0)
    [note] = messages(monkeypatch, [event], speaker_labels=True)
    assert note.startswith("Connected again;")
    assert note.endswith("Speakers get letters from A on again.")
    [note] = messages(monkeypatch, [event])
    assert "letters" not in note


def test_a_revision_comes_as_transcripts(monkeypatch):
    items = [SpeakerRevisionItem(turn_order=n, speaker_label="B", words=[]) for n in (3, 4)]
    event = SimpleNamespace()  # an event of another kind is skipped
    lines = messages(monkeypatch, [event, SpeakerRevisionEvent(revisions=items)], speaker_labels=True)
    assert [(each.order, each.speaker, each.is_revised) for each in lines] == [(3, "B", True), (4, "B", True)]
