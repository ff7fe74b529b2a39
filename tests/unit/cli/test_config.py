"""The configuration file."""

import pytest

from support.cli_fakes import SRT, VTT, FakeTranscriber
from vivavoce.cli.app import run

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def test_the_command_line_overrides_the_file(write_config, recording, capsys):
    write_config('url = "ws://from-the-file:1"\n[stream]\nformat = "srt"\n')
    assert run(["stream", recording]) == 0
    assert run(["stream", recording, "-f", "vtt", "--url", "ws://from-the-line:1"]) == 0
    assert capsys.readouterr().out == SRT + VTT
    assert FakeTranscriber.addresses == ["ws://from-the-file:1", "ws://from-the-line:1"]


def test_the_environment_overrides_the_file(write_config, recording, monkeypatch):
    write_config('url = "ws://from-the-file:1"\napi-key = "k"\n')
    monkeypatch.setenv("VIVAVOCE_BASE_URL", "ws://from-the-environment:1")
    assert run(["stream", recording]) == 0
    assert FakeTranscriber.addresses == ["ws://from-the-environment:1"]


def test_keys_may_have_dashes_or_underscores(write_config, microphone):
    for name in ("sample-rate", "sample_rate"):
        write_config(f'[mic]\n{name} = 8000\ndevice = "USB"\n')
        assert run(["mic"]) == 0
    assert microphone.opened == [(8_000, "USB")] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[strem]\n", "no command is named strem"),
        ("[stream]\nfrmat = 1\n", "stream has no option --frmat"),
        ("nonsense = 1\n", "no command has an option --nonsense"),
        ("[stream\n", "config.toml"),
        ("[stream]\nsample_rate = 5\n", "'--sample-rate'"),
        ("[stream]\nfiles = ['a']\n", "stream has no option --files"),
        ("[stream]\nhelp = true\n", "stream has no option --help"),
    ],
)
def test_an_error_in_the_file_is_named(write_config, recording, capsys, text, message):
    write_config(text)
    assert run(["stream", recording]) == 2
    assert message in capsys.readouterr().err


def test_help_works_with_a_broken_file(write_config, capsys):
    write_config("[stream\n")
    assert run(["stream", "--help"]) == 0
    assert "Examples" in capsys.readouterr().out
