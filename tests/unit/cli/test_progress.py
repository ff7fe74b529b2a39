"""The progress bar."""

import io

import pytest

from vivavoce.cli.progress import progress_bar


@pytest.mark.parametrize("duration_s", [2.0, None])
def test_only_a_terminal_gets_a_progress_bar(monkeypatch, duration_s):
    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    with progress_bar("a.wav", duration_s) as advance:
        advance(1.0)
    assert err.getvalue() == ""
    err.isatty = lambda: True
    with progress_bar("[b]a.wav", duration_s) as advance:
        advance(1.0)
    assert "[b]a.wav" in err.getvalue()
