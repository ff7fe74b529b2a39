"""The progress bar."""

import io

import pytest

from vivavoce.cli.progress import progress_bar


class FakeTerminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("duration_s", [2.0, None])
def test_only_a_terminal_gets_a_progress_bar(monkeypatch, duration_s):
    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    with progress_bar("a.wav", duration_s) as move_to:
        move_to(1.0)
    assert err.getvalue() == ""
    err.isatty = lambda: True
    with progress_bar("[b]a.wav", duration_s) as move_to:
        move_to(1.0)
    assert "[b]a.wav" in err.getvalue()


def test_the_bar_shows_what_was_transcribed_and_never_moves_back(monkeypatch):
    completed = []
    monkeypatch.setattr(
        "rich.progress.Progress.update", lambda *_, **values: completed.append(values["completed"])
    )
    monkeypatch.setattr("sys.stderr", FakeTerminal())
    with progress_bar("a.wav", 2.0) as move_to:
        for position_s in (0.5, 1.5, 1.2, 2.0):
            move_to(position_s)
    assert completed == [0.5, 1.5, 1.5, 2.0]
