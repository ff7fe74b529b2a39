"""What remains on the terminal after any sequence of transcripts."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from support.terminal import Terminal
from vivavoce.printing.cells import printable
from vivavoce.printing.live_line import LiveLine, tail_that_fits, unchanged_length, wrap

LETTERS = st.sampled_from("abcdefghij ,.é" + "語")


TEXT = st.text(LETTERS, min_size=1, max_size=120).map(printable).filter(bool)


STEPS = st.lists(st.tuples(st.sampled_from(["partial", "final", "clear"]), TEXT), max_size=12)


def play(steps, width, *, escapes=True, dim=False):
    terminal = Terminal(width)
    screen = LiveLine(terminal.write, lambda: width, escapes=escapes, dim=dim)
    for kind, text in steps:
        rows_before = len(terminal.rows)
        screen.clear() if kind == "clear" else getattr(screen, kind)(text)
        if kind != "final":
            assert len(terminal.rows) == rows_before, "the live line wrapped"
    return terminal, screen


@given(STEPS, st.integers(1, 60), st.booleans(), st.booleans())
def test_finals_stay_and_the_live_line_leaves_no_trace(steps, width, escapes, dim):
    terminal, screen = play([*steps, ("final", "end")], width, escapes=escapes, dim=dim)
    shown = "".join("".join(terminal.lines).split())
    assert shown == "".join("".join(text.split()) for kind, text in steps if kind == "final") + "end"
    screen.clear()
    assert terminal.lines[-1] == ""


@given(TEXT, st.integers(0, 60))
def test_the_tail_fits_and_is_the_end_of_the_text(text, width):
    shown = tail_that_fits(text, width)
    assert cell_len(shown) <= width
    assert text.endswith(shown.removeprefix("…").lstrip())


@given(STEPS, TEXT, st.integers(2, 60), st.booleans())
def test_the_live_line_holds_only_the_last_partial(steps, text, width, escapes):
    terminal, _ = play([*steps, ("partial", text)], width, escapes=escapes)
    assert cell_len(terminal.lines[-1]) < width
    assert terminal.lines[-1] == tail_that_fits(text, max(1, width - 3)).rstrip()


def test_a_long_partial_shows_its_last_words():
    assert tail_that_fits("it was the best of times", 16) == "… best of times"
    assert tail_that_fits("short", 16) == "short"
    assert tail_that_fits("abcdefghijklmnopqrstuvwxyz", 6) == "…vwxyz"


def test_a_shorter_final_erases_a_longer_partial():
    terminal, _ = play([("partial", "it was the best of thymes"), ("final", "It was.")], 40)
    assert terminal.lines == ["It was.", ""]


def test_finals_break_between_words():
    assert wrap("It was the best of times,", 10) == "It was the\nbest of\ntimes,"
    assert wrap("incomprehensibilities", 10) == "incomprehensibilities"


def test_an_empty_partial_clears_the_line():
    terminal, _ = play([("partial", "mm"), ("clear", "")], 40)
    assert terminal.lines == [""]


def test_no_escapes_on_a_terminal_without_them():
    written = []
    screen = LiveLine(written.append, lambda: 20, escapes=False, dim=True)
    screen.partial("hello")
    screen.final("Hello.")
    assert "\x1b" not in "".join(written)


def test_dimming_can_be_turned_off():
    written = []
    LiveLine(written.append, lambda: 20, dim=False).partial("hello")
    assert written == ["\rhello\x1b[K"]


@given(TEXT, TEXT, st.integers(6, 60), st.booleans())
def test_an_echoed_ctrl_c_is_erased(partial, final, width, escapes):
    terminal, screen = play([("partial", partial)], width, escapes=escapes)
    terminal.write("^C")
    screen.final(final)
    assert "^" not in "".join(terminal.lines)


PARTIALS = st.lists(st.sampled_from(["it", "was", "the", "best", "语"]), max_size=8).map(" ".join)


@given(PARTIALS, PARTIALS)
def test_the_unchanged_part_is_whole_words_from_the_start(before, now):
    n = unchanged_length(before, now)
    assert before.startswith(now[:n].rstrip())
    assert n == len(now) or now[n - 1 : n] in {"", " "}


def test_words_that_the_partial_before_had_are_unchanged():
    assert unchanged_length("it was the", "it was the best") == len("it was the ")
    assert unchanged_length("it was the", "it is the") == len("it ")
