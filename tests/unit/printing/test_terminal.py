"""What the terminal can do."""

import io

import pytest

from vivavoce.printing.terminal import has_escapes, terminal_width, uses_colour


class FakeTty(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("term", "no_color", "escapes", "colour"),
    [
        ("xterm", "", True, True),
        ("xterm", "1", True, False),
        ("dumb", "", False, False),
        ("", "", False, False),
    ],
)
def test_the_environment_describes_the_terminal(monkeypatch, term, no_color, escapes, colour):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr("sys.stdout", FakeTty())
    assert (has_escapes(), uses_colour()) == (escapes, colour)


def test_a_pipe_has_no_colour(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert not uses_colour()


def test_the_environment_gives_the_width_without_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "33")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert terminal_width() == 33
