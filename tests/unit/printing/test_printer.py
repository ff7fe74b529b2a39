"""What `TranscriptPrinter` leaves on a terminal, in a notebook and in a pipe, for both protocols."""

import datetime as dt
import io
import os
import subprocess
import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len as cells_of_rich

import vivavoce
from support.terminal import Terminal
from vivavoce.printing import TranscriptPrinter
from vivavoce.printing.cells import printable

LONG = (
    "it was the best of times it was the worst of times it was the age of wisdom "
    "it was the age of foolishness it was the epoch of belief it was the epoch of incredulity"
)
NOW = dt.datetime(2026, 1, 1)  # noqa: DTZ001  - as the protocol has it
TIMES = {"audio_start": 0, "audio_end": 1, "confidence": 0.9, "words": [], "created": NOW}


def partial_v2(text, package=vivavoce):
    return package.RealtimePartialTranscript(text=text, **TIMES)


def final_v2(text, package=vivavoce):
    return package.RealtimeFinalTranscript(text=text, punctuated=True, text_formatted=True, **TIMES)


def turn(text, *, order=0, end=False, formatted=True, channel=None, volatile=""):
    words = [
        vivavoce.Word(text=word, start=0, end=1, confidence=0.9, word_is_final=word != volatile)
        for word in [*text.split(), *volatile.split()]
    ]
    return vivavoce.TurnEvent(
        turn_order=order,
        turn_is_formatted=formatted,
        end_of_turn=end,
        transcript=text,
        end_of_turn_confidence=0.5,
        words=words,
        channel=channel,
    )


class ScreenOutput(io.StringIO):
    """Standard output on a terminal of a number of columns."""

    def __init__(self, monkeypatch, columns, term="xterm"):
        super().__init__()
        self.screen = Terminal(columns)
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("TERM", term)
        self.resize(columns)

    def resize(self, columns):
        self._monkeypatch.setenv("COLUMNS", str(columns))
        self.screen.resize(columns)

    def isatty(self):
        return True

    def write(self, text):
        self.screen.write(text)
        return super().write(text)

    @property
    def lines(self):
        return self.screen.lines


def grow(text):
    """Partials of a text, a word longer each."""
    words = text.split()
    return [" ".join(words[:n]) for n in range(1, len(words) + 1)]


# --- on a terminal ----------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [1, 5, 40, 120])
@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize(
    ("partial", "final"),
    [
        (partial_v2, final_v2),
        (turn, lambda text: turn(text, end=True)),
        (lambda text: turn(text, formatted=False), lambda text: turn(text, end=True)),
    ],
    ids=["v2", "v3", "v3 with a formatted end"],
)
def test_a_long_partial_never_fills_the_screen(monkeypatch, columns, term, partial, final):
    out = ScreenOutput(monkeypatch, columns, term)
    with TranscriptPrinter(out) as printer:
        for text in grow(LONG):
            printer.show(partial(text))
            assert len(out.lines) == 1
        printer.show(final("It was the best."))
        printer.show(partial("and"))
    assert "".join("".join(out.lines).split()) == "Itwasthebest."


def test_a_partial_shows_its_last_words_and_dims_the_new_ones(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = ScreenOutput(monkeypatch, 20)
    printer = TranscriptPrinter(out)
    printer.show(partial_v2("it was the best of"))
    printer.show(partial_v2("it was the best of times"))
    assert out.lines == ["… best of times"]
    assert out.getvalue().endswith("\x1b[2mtimes\x1b[0m\x1b[K")


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(monkeypatch, variable):
    out = ScreenOutput(monkeypatch, 40)
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    printer = TranscriptPrinter(out)
    printer.show(partial_v2("it was"))
    printer.show(partial_v2("it was the"))
    assert "\x1b[2m" not in out.getvalue()
    assert ("\x1b" in out.getvalue()) == ("TERM" not in variable)


def test_a_terminal_that_becomes_narrower_has_at_most_one_piece_more(monkeypatch):
    out = ScreenOutput(monkeypatch, 80)
    printer = TranscriptPrinter(out)
    for columns in (80, 40, 120, 60):
        out.resize(columns)
        rows = len(out.lines)
        for text in grow(LONG):
            printer.show(partial_v2(text))
        assert len(out.lines) == rows, "the live line wrapped"
    assert len(out.lines) <= 1 + 2  # two times narrower


@given(
    st.lists(
        st.tuples(st.booleans(), st.text(st.sampled_from("ab ,語한😀❤\ufe0f\u200d\u0301👨👩"), max_size=90)),
        max_size=8,
    ),
    st.integers(4, 50),
)
def test_wide_and_combining_characters_never_wrap_the_live_line(events, columns):
    with pytest.MonkeyPatch.context() as monkeypatch:
        out = ScreenOutput(monkeypatch, columns)
        printer = TranscriptPrinter(out)
        for is_final, text in events:
            rows = len(out.lines)
            printer.show((final_v2 if is_final else partial_v2)(text))
            assert is_final or len(out.lines) == rows
        printer.close()
        finals = "".join(printable(text) for is_final, text in events if is_final)
        finals = "".join(char for char in finals if cells_of_rich(char))
        assert "".join("".join(out.lines).split()) == "".join(finals.split())


def test_an_empty_partial_clears_the_line(monkeypatch):
    out = ScreenOutput(monkeypatch, 40)
    printer = TranscriptPrinter(out)
    printer.show(partial_v2("mm"))
    printer.show(partial_v2(""))
    assert out.lines == [""]


def test_notes_stand_on_lines_of_their_own(monkeypatch):
    out = ScreenOutput(monkeypatch, 40)
    printer = TranscriptPrinter(out)
    printer.show(partial_v2("it was"))
    printer.note("Connection lost.")
    printer.show(partial_v2("it was the"))
    assert out.lines == ["Connection lost.", "it was the"]


def test_text_cannot_control_the_terminal(monkeypatch):
    out = ScreenOutput(monkeypatch, 40)
    TranscriptPrinter(out).show(final_v2("one\x1b[2J\rtwo\nthree"))
    assert out.getvalue() == "one [2J two three\n"


def test_a_real_terminal_gives_its_width():
    pty = pytest.importorskip("pty", reason="no terminals of this kind")
    termios = pytest.importorskip("termios")
    main, other = pty.openpty()
    termios.tcsetwinsize(other, (24, 30))
    with os.fdopen(main, "rb", buffering=0) as reader, os.fdopen(other, "w", encoding="utf-8") as out:
        TranscriptPrinter(out).show(partial_v2(LONG))
        shown = reader.read(500).decode()
    assert "incredulity" in shown
    assert "best" not in shown


# --- turns of v3 ------------------------------------------------------------------------------

TWICE = [
    turn("it was ten", formatted=False, volatile="dollars"),
    turn("it was ten dollars", formatted=False, end=True),
    turn("It was $10.", end=True),
    turn("no", order=1, formatted=False),
    turn("no", order=1, formatted=False, end=True),
    turn("No.", order=1, end=True),
]


def test_a_turn_that_ends_twice_is_one_line(monkeypatch):
    out = ScreenOutput(monkeypatch, 40)
    printer = TranscriptPrinter(out)
    seen = []
    for event in TWICE:
        printer.show(event)
        seen.append(list(out.lines))
    assert seen == [
        ["it was ten dollars"],
        ["it was ten dollars"],
        ["It was $10.", ""],
        ["It was $10.", "no"],
        ["It was $10.", "no"],
        ["It was $10.", "No.", ""],
    ]


def test_in_a_pipe_too():
    out = io.StringIO()
    with TranscriptPrinter(out) as printer:
        for event in TWICE:
            printer.show(event)
    assert out.getvalue() == "it was ten dollars\nNo.\n"  # that there would be another was not known


@pytest.mark.parametrize("is_terminal", [False, True])
def test_turns_without_formatting_are_lines_of_their_own(monkeypatch, is_terminal):
    out = ScreenOutput(monkeypatch, 40) if is_terminal else io.StringIO()
    with TranscriptPrinter(out) as printer:
        for order, text in enumerate(["one", "two", "three"]):
            printer.show(turn(text, order=order, formatted=False, end=True))
        printer.show(turn("four", order=3, formatted=False))
        printer.show(turn("four", order=3, formatted=False, end=True))
    assert (out.lines if is_terminal else out.getvalue().split("\n")) == ["one", "two", "three", "four", ""]


def test_a_turn_without_formatting_is_in_a_pipe_at_once():
    out = io.StringIO()
    TranscriptPrinter(out).show(turn("one", formatted=False, end=True))
    assert out.getvalue() == "one\n"


def test_another_session_may_begin_with_the_same_number():
    out = io.StringIO()
    printer = TranscriptPrinter(out)
    for event in [*TWICE[:3], turn("it", formatted=False), turn("Another.", end=True)]:
        printer.show(event)
    assert out.getvalue() == "it was ten dollars\nAnother.\n"


def test_both_channels_are_printed(monkeypatch):
    out = ScreenOutput(monkeypatch, 40)
    printer = TranscriptPrinter(out)
    for event in [
        turn("are you", channel=0),
        turn("I am", channel=1),
        turn("Are you there?", channel=0, end=True),
        turn("I am here.", channel=1, end=True),
    ]:
        printer.show(event)
    assert out.lines == ["Are you there?", "I am here.", ""]


def test_words_that_may_still_change_are_shown(monkeypatch):
    out = ScreenOutput(monkeypatch, 40)
    printer = TranscriptPrinter(out)
    printer.show(turn("it was", volatile="the"))
    assert out.lines == ["it was the"]


# --- elsewhere --------------------------------------------------------------------------------


def test_a_pipe_gets_the_finals():
    out = io.StringIO()
    with TranscriptPrinter(out) as printer:
        for text in grow(LONG):
            printer.show(partial_v2(text))
        printer.show(final_v2(LONG))
        printer.note("Closing.")
        printer.show(partial_v2("and"))
    assert out.getvalue() == f"{LONG}\nClosing.\n"


def test_a_notebook_gets_partials_and_no_escapes(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-color")
    out = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    with TranscriptPrinter(out) as printer:
        for text in grow(LONG):
            printer.show(partial_v2(text))
        printer.show(final_v2("It was."))
    assert "\x1b" not in out.getvalue()
    screen = Terminal(10_000)
    screen.write(out.getvalue())
    assert screen.lines == ["It was.", ""]
    assert LONG in out.getvalue()


def test_an_encoding_that_lacks_a_character_is_no_error():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    TranscriptPrinter(out).show(final_v2("Caf\u00e9."))
    assert raw.getvalue() == b"Caf?.\n"


def test_other_events_are_ignored():
    out = io.StringIO()
    printer = TranscriptPrinter(out)
    for event in (
        vivavoce.RealtimeSessionOpened(session_id="s", expires_at=NOW),
        vivavoce.ClosedEvent(code=1000, reason=""),
        vivavoce.RealtimeError("no"),
        "text",
        None,
    ):
        printer.show(event)
    assert out.getvalue() == ""


def test_the_vendors_transcripts_and_turns():
    vendor = pytest.importorskip("assemblyai")
    v3 = pytest.importorskip("assemblyai.streaming.v3")
    out = io.StringIO()
    printer = TranscriptPrinter(out)
    printer.show(partial_v2("one", vendor))
    printer.show(final_v2("One.", vendor))
    for end in (False, True):
        fields = turn("Two.", end=end).model_dump(exclude_none=True)
        printer.show(v3.TurnEvent(**fields))
    assert out.getvalue() == "One.\nTwo.\n"


def test_messages_as_they_are_on_the_wire():
    out = io.StringIO()
    printer = TranscriptPrinter(out)
    printer.show(types.SimpleNamespace(message_type="FinalTranscript", text="One."))
    assert out.getvalue() == "One.\n"


def test_the_end_of_the_program_prints_what_was_held(tmp_path):
    pytest.importorskip("pty", reason="no terminals of this kind")
    program = tmp_path / "program.py"
    program.write_text(
        "import vivavoce\n"
        "printer = vivavoce.TranscriptPrinter()\n"
        "word = vivavoce.Word(start=0, end=1, text='one', confidence=1.0)\n"
        "printer.show(vivavoce.TurnEvent(turn_order=0, end_of_turn=True, transcript='one', words=[word]))\n"
    )
    main, other = os.openpty()
    with os.fdopen(main, "rb", buffering=0) as reader:
        environment = {**os.environ, "TERM": "xterm"}
        subprocess.run([sys.executable, program], stdout=other, env=environment, timeout=60, check=True)
        os.close(other)
        assert reader.read(500).decode().replace("\r\n", "\n").endswith("one\n")


# --- speakers -----------------------------------------------------------------------------------


def said(text, speaker, *, channel=None, speakers=None):
    made = turn(text, end=True, channel=channel)
    made.speaker_label = speaker
    for word, label in zip(made.words, speakers or [speaker] * len(made.words), strict=True):
        word.speaker = label
    return made


def printed(*events, **options):
    out = io.StringIO()
    with TranscriptPrinter(out, **options) as printer:
        for event in events:
            printer.show(event)
    return out.getvalue().splitlines()


def test_a_name_or_letter_stands_where_the_speaker_changes():
    talk = [said("Hello.", "A"), said("Are you there?", "A"), said("Yes.", "B"), said("Hm.", "PENDING")]
    assert printed(*talk) == ["A: Hello.", "Are you there?", "B: Yes.", "?: Hm."]
    assert printed(*talk, names={"B": "Ben"})[2] == "Ben: Yes."


def test_a_turn_of_two_speakers_has_a_line_for_each():
    assert printed(said("You are late. No.", "A", speakers="AAAB")) == ["A: You are late.", "B: No."]


def test_speakers_of_two_channels_are_not_mixed_up():
    assert printed(said("Hello.", "A", channel=0), said("Hi.", "A", channel=1), names={"2A": "Her"}) == [
        "1A: Hello.",
        "Her: Hi.",
    ]


def test_finals_of_v2_have_speakers_too():
    words = [vivavoce.RealtimeWord(start=0, end=1, confidence=0.9, text="Hello.", speaker="B")]
    final = vivavoce.RealtimeFinalTranscript(
        text="Hello.", punctuated=True, text_formatted=True, speaker_label="B", **{**TIMES, "words": words}
    )
    assert printed(final, names={"B": "Ben"}) == ["Ben: Hello."]


def test_an_empty_final_prints_no_name():
    assert printed(said("", "A"), said("Hello.", "A")) == ["A: Hello."]


def test_a_label_cannot_control_the_terminal():
    assert "\x1b" not in printed(said("Hello.", "\x1b[2J"))[0]
