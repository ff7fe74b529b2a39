"""Wrong input of every kind: one line with what is wrong and what to do, and the documented exit code."""

import pytest

from vivavoce.cli.app import _in_options, run
from vivavoce.cli.usage import expectation

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")

FORMATS = "text, json, srt, vtt"

COMMANDS = "the commands are demo, mic, stream, live, serve, doctor, capacity, bench, models, transcripts"


@pytest.fixture
def complaint(capsys):
    """Runs a command line that is wrong; returns its exit code and its only line."""

    def of(*arguments):
        code = run(arguments)
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("\n")
        assert err.count("\n") == 1, err
        return code, err.removesuffix("\n")

    return of


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nonsense"],
            f"there is no command nonsense; {COMMANDS}",
        ),
        (
            [""],
            f"there is no command ''; {COMMANDS}",
        ),
        (["--nonsense"], "there is no option --nonsense"),
        (
            ["stream", "a", "--keyterm"],
            "there is no option --keyterm; did you mean --key-term? See vivavoce stream -h",
        ),
        (["stream"], "FILE|- is missing"),
        (["demo", "extra"], "unexpected argument extra"),
        (["mic", "--seconds"], "--seconds needs a value"),
        (["stream", "a", "--realtime=3"], "--realtime takes no value"),
        (["stream", "a", "--format", "xyz"], f"--format must be one of {FORMATS}, got 'xyz'"),
        (["stream", "a", "--format=xyz"], f"--format must be one of {FORMATS}, got 'xyz'"),
        (["stream", "a", "-f", "xyz"], f"-f must be one of {FORMATS}, got 'xyz'"),
        (["stream", "a", "-fxyz"], f"-f must be one of {FORMATS}, got 'xyz'"),
        (
            ["stream", "a", "--turns", "fast"],
            "--turns must be one of aggressive, balanced, conservative, got 'fast'",
        ),
        (["mic", "--seconds", "abc"], "--seconds must be a number, got 'abc'"),
        (["mic", "--seconds", "0"], "--seconds must be at least 0.1, got '0'"),
        (["mic", "--seconds", "-1"], "--seconds must be at least 0.1, got '-1'"),
        (["mic", "--sample-rate", "1e9"], "--sample-rate must be a whole number, got '1e9'"),
        (["mic", "--sample-rate", "96001"], "--sample-rate must be at most 96000, got '96001'"),
        (["serve", "--port", "99999"], "--port must be at most 65535, got '99999'"),
        (["serve", "--port", "-1"], "--port must be at least 0, got '-1'"),
        (["serve", "--max-sessions-per-key", "0"], "--max-sessions-per-key must be at least 1, got '0'"),
        (["serve", "--device", "gpu"], "--device must be one of cpu, cuda, auto, got 'gpu'"),
        (["live", "--device", "gpu"], "--device must be one of cpu, cuda, auto, got 'gpu'"),
        (["stream", "a", "--device", "gpu"], "--device must be one of cpu, cuda, auto, got 'gpu'"),
        (["mic", "--model-device", "gpu"], "--model-device must be one of cpu, cuda, auto, got 'gpu'"),
        (
            ["serve", "--log-level", "loud"],
            "--log-level must be one of debug, info, warning, error, got 'loud'",
        ),
    ],
)
def test_wrong_usage_is_one_line(complaint, arguments, message):
    code, line = complaint(*arguments)
    assert code == 2
    assert line.startswith(f"vivavoce: {message}")
    assert " -h" in line


def test_of_a_repeated_option_the_wrong_value_is_named(complaint):
    _, line = complaint("stream", "a", "--redact", "date", "--redact", "dote", "--redact", "event")
    assert "got 'dote'; see vivavoce stream -h" in line


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("VIVAVOCE_PORT", "abc", "must be a whole number, got 'abc'"),
        ("VIVAVOCE_NO_AUTH", "maybe", "must be true or false, got 'maybe'"),
        ("VIVAVOCE_DEVICE", "gpu", "must be one of cpu, cuda, auto, got 'gpu'"),
        ("VIVAVOCE_LOG_LEVEL", "loud", "must be one of debug, info, warning, error, got 'loud'"),
    ],
)
def test_a_variable_is_named(complaint, monkeypatch, variable, value, message):
    monkeypatch.setenv(variable, value)
    assert complaint("serve") == (2, f"vivavoce: {variable} {message}; see vivavoce serve -h")


@pytest.mark.parametrize("arguments", [[], ["-h"], ["stream", "-h"]])
def test_help_has_many_lines(capsys, arguments):
    assert run(arguments) == (0 if arguments else 2)
    out, err = capsys.readouterr()
    assert (out + err).count("\n") > 10


def test_an_unknown_expectation_stays():
    assert expectation("Something new.") == "Something new"


# --- addresses and keys ---------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["stream", "mic"])
@pytest.mark.parametrize("url", ["foo", "ftp://x", "ws://u:p@h", "ws://h:99999", "ws://", "localhost:8765"])
def test_an_address_is_named_by_its_option_or_variable(
    complaint, microphone, recording, monkeypatch, tmp_path, command, url
):
    arguments = [command, *([recording] if command == "stream" else [])]
    code, line = complaint(*arguments, "--url", url)
    assert (code, line.partition(" must ")[0]) == (2, "vivavoce: --url")
    monkeypatch.setenv("ASSEMBLYAI_BASE_URL", url)
    code, line = complaint(*arguments)
    assert (code, line.partition(" must ")[0]) == (2, "vivavoce: ASSEMBLYAI_BASE_URL")
    monkeypatch.delenv("ASSEMBLYAI_BASE_URL")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"VIVAVOCE_BASE_URL={url}\n")
    code, line = complaint(*arguments)
    assert (code, line.partition(" must ")[0]) == (2, f"vivavoce: VIVAVOCE_BASE_URL in {tmp_path / '.env'}")


def test_a_key_is_named_by_its_option_or_variable_and_not_shown(complaint, recording, monkeypatch):
    message = " must be printable ASCII; check that it was pasted whole, and alone"
    assert complaint("stream", recording, "--api-key", "s3cr\u00e9t") == (2, f"vivavoce: --api-key{message}")
    monkeypatch.setenv("VIVAVOCE_API_KEY", "s3cr\u00e9t")
    assert complaint("stream", recording) == (2, f"vivavoce: VIVAVOCE_API_KEY{message}")


# --- outputs and options --------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["-o", "--srt", "--vtt"])
def test_an_output_that_can_not_be_written(complaint, recording, tmp_path, option):
    (tmp_path / "file").write_text("")
    suffix = ".vtt" if option == "--vtt" else ".srt"
    path = tmp_path / "none" / f"a{suffix}"
    expected = f"vivavoce: {path}: no such file or directory; create the folder {path.parent} first"
    assert complaint("stream", recording, option, str(path)) == (2, expected)
    path = tmp_path / "file" / f"a{suffix}"
    expected = f"vivavoce: {path}: not a directory; {tmp_path / 'file'} is a file"
    assert complaint("stream", recording, option, str(path)) == (2, expected)


def test_a_folder_that_is_a_file(complaint, recording, tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file"
    assert complaint("stream", recording, "-o", f"{path}/") == (
        2,
        f"vivavoce: {path}: file exists; {path} is a file",
    )


@pytest.mark.parametrize("term", ["", "  "])
def test_an_empty_key_term(complaint, recording, term):
    code, line = complaint("stream", recording, "--key-term", term)
    assert (code, line) == (2, "vivavoce: --key-term must not be empty")


def test_recordings_of_a_measurement(complaint, tmp_path):
    code, line = complaint("bench", str(tmp_path))
    assert (code, line.endswith("; name a folder of recordings with a manifest.jsonl")) == (2, True)


def test_a_pipe_or_a_recording_without_audio(pipe_in, tmp_path, capsys):
    pipe_in(b"")
    advice = ": no audio; check the program or the recording that it comes from"
    assert run(["stream", "-"]) == 1
    assert capsys.readouterr().err.endswith(f"vivavoce: standard input{advice}\n")
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\0\0\0\0")
    assert run(["stream", str(path)]) == 1
    assert capsys.readouterr().err.endswith(f"vivavoce: {path}{advice}\n")


def test_what_the_sdk_names_is_named_as_an_option():
    text = "keyterms_prompt must have ...; set VIVAVOCE_API_KEY, or settings.api_key"
    assert _in_options(text) == "--key-term must have ...; set VIVAVOCE_API_KEY, or --api-key"
