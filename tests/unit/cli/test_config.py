"""The configuration file."""

from pathlib import Path

import pytest

from support.cli_fakes import SRT, VTT, FakeTranscriber
from vivavoce.cli.app import run
from vivavoce.cli.config import named_models
from vivavoce.errors import ConfigurationError
from vivavoce.model_files import NamedFolder

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


def test_a_byte_order_mark_is_no_part_of_the_file(write_config, recording, capsys):
    write_config('\ufeffurl = "ws://from-the-file:1"\n')
    assert run(["stream", recording]) == 0
    assert FakeTranscriber.addresses == ["ws://from-the-file:1"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_that_is_not_utf_8_is_named(write_config, recording, tmp_path, capsys, encoding):
    write_config("")
    path = tmp_path / "config.toml"
    path.write_bytes('# Zo\u00eb\nurl = "ws://host"\n'.encode(encoding))
    assert run(["stream", recording]) == 2
    assert capsys.readouterr().err == f"vivavoce: {path}: not UTF-8 text; save it as UTF-8\n"


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
        ("[stream]\nsample_rate = 5\n", "[stream] sample-rate must be at least 8000, got 5"),
        ("[stream]\nsample-rate = 'abc'\n", "got 'abc'"),
        ("sample-rate = true\n", "config.toml: sample-rate must be"),
        ("realtime = 3\n", "realtime must be true or false, got 3"),
        ("[stream]\nrealtime = 'yes'\n", "[stream] realtime must be true or false, got 'yes'"),
        ("[stream]\nformat = 'mp3'\n", "[stream] format must be one of text, json, srt, vtt, got 'mp3'"),
        ("url = 5\n", "config.toml: url: url must be like ws://host:port"),
        ("[stream]\nurl = 'localhost:1'\n", "config.toml: [stream] url: url must be like"),
        ("url = ['ws://a:1']\n", "config.toml: url must be"),
        ("[stream]\nurl = {a = 1}\n", "config.toml: [stream] url must be"),
        ("[stream]\nsrt = 2026-01-01\n", "config.toml: [stream] srt must be"),
        ("[stream]\nkey-term = ['x', true]\n", "config.toml: [stream] key-term must be"),
        ("[stream]\noutput = 'x.html'\n", "config.toml"),
        ("[stream]\nvtt = 'no/such/a.vtt'\n", "(vtt is set in "),
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


def test_a_wrong_value_for_another_command_does_not_matter(write_config, recording):
    write_config("[mic]\nseconds = 'x'\n[bench]\nprotocol = 'v9'\n")
    assert run(["stream", recording]) == 0
    assert run(["mic"]) == 2


@pytest.mark.parametrize("text", ["api_key = 'secret'\n", "[serve]\napi-key = ['secret']\n"])
def test_one_value_of_a_repeatable_option_is_not_taken_apart(write_config, parts, text):
    write_config(text)
    assert run(["serve"]) == 0
    assert parts.served[0].api_keys == ("secret",)


def test_a_number_may_name_a_device(write_config, microphone):
    write_config("[mic]\ndevice = 3\nsample-rate = 8000\n")
    assert run(["mic"]) == 0
    assert microphone.opened == [(8_000, 3)]


def test_a_general_device_is_a_microphone_or_where_models_run(write_config, microphone, recording, parts):
    write_config('device = "USB"\n')
    assert run(["mic"]) == 0
    assert run(["stream", recording]) == 0
    assert run(["serve"]) == 0
    write_config('device = "auto"\n[mic]\ndevice = "USB"\nmodel-device = "cuda"\n')
    assert run(["mic"]) == 0
    assert run(["stream", recording]) == 0
    assert run(["serve"]) == 0
    assert [device for _, device in microphone.opened] == ["USB", "USB"]
    assert [options and options.device for options in parts.opened] == [None, None, "cuda", "auto"]
    assert [options.device for options in parts.served] == ["cpu", "auto"]


@pytest.mark.parametrize(
    ("value", "folder", "languages"),
    [
        ('"/srv/mine"', "/srv/mine", ()),
        ('{ folder = "/srv/mine", languages = ["de-AT", "en"] }', "/srv/mine", ("de", "en")),
    ],
)
def test_folders_of_models_have_names(write_config, value, folder, languages):
    write_config(f"[models]\nmine = {value}\n")
    assert named_models() == {"mine": NamedFolder(Path(folder), languages)}


@pytest.mark.parametrize(
    "value", ["1", "{ languages = [] }", '{ folder = "a", x = 1 }', '{ folder = "a", languages = "de" }']
)
def test_a_name_without_a_folder_is_refused(write_config, value):
    write_config(f"[models]\nmine = {value}\n")
    with pytest.raises(ConfigurationError, match=r"\[models\] mine: expected a folder"):
        named_models()


@pytest.mark.parametrize("device", ["gpu", "CUDA", "cuda:0"])
def test_a_processor_that_there_is_not_is_no_microphone(write_config, device, capsys):
    write_config(f'device = "{device}"\n')
    assert run(["serve", "--port", "0"]) == 2
    assert f"{device!r}" in capsys.readouterr().err
