"""Everything that can be wrong with a command is reported before a model is downloaded for it."""

from __future__ import annotations

import hashlib
import os
import socket
import sys

import pytest

from support.cli_fakes import FakeTranscriber
from support.fake_hub import FakeHub
from support.whisper_fakes import pretend_installed
from vivavoce import model_files
from vivavoce.cli.app import run
from vivavoce.model_files import CATALOGUE, Card, RemoteFile
from vivavoce.server import options as server_options

pytest_plugins = ["support.cli_fixtures"]

CONTENT = b"weights"
CARD = Card(
    "made-up", "whisper", ("en",), "MIT", 1, "a/b", "main",
    (RemoteFile("model.bin", hashlib.sha256(CONTENT).hexdigest()),),
)  # fmt: skip
VOICES = Card(
    "voices", "wespeaker", (), "MIT", 1, "c/d", "main",
    (RemoteFile("voices.onnx", hashlib.sha256(CONTENT).hexdigest()),),
)  # fmt: skip


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with one model that is not on this machine yet."""
    monkeypatch.chdir(tmp_path)
    pretend_installed(monkeypatch)
    for module in ("vivavoce.model_files", "vivavoce.model_files.choice"):
        monkeypatch.setattr(f"{module}.CATALOGUE", {**CATALOGUE, CARD.name: CARD})
    for module in (model_files, model_files.voices, server_options):
        monkeypatch.setattr(module, "VOICE_CATALOGUE", {VOICES.name: VOICES})
    hub = FakeHub()
    hub.files["c/d/main/voices.onnx"] = CONTENT
    hub.files["a/b/main/model.bin"] = CONTENT
    with hub.running():
        yield hub


def use(hub, monkeypatch, tmp_path):
    """Let commands use a hub; a fixture clears the variables before."""
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VIVAVOCE_MODEL_HUB", hub.url)


# --- serve and live ---------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch):
    """Options of the servers that were started; none of them serves."""
    import vivavoce.server

    options = []
    monkeypatch.setattr(vivavoce.server, "serve", lambda each, **_: options.append(each))
    return options


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield str(sock.getsockname()[1])


@pytest.fixture
def files(tmp_path):
    """Files that are not what the options take them for."""
    (tmp_path / "no-certificate.pem").write_text("nothing\n")
    (tmp_path / "no-keys.txt").write_text("# none\n")
    (tmp_path / "no-keys.txt").chmod(0o600)
    (tmp_path / "a-file").write_text("")


SERVE = ["serve", "--host", "127.0.0.1", "--port", "0"]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*SERVE, "--port", "TAKEN"], "is taken: choose another with --port"),
        ([*SERVE, "--host", "0.0.0.0"], "set --api-key"),
        ([*SERVE, "--host", "192.0.2.1", "--no-auth"], "check --host"),
        ([*SERVE, "--api-key-file", "no-keys.txt"], "contains no key"),
        ([*SERVE, "--api-key-file", "missing.txt"], "no such file"),
        ([*SERVE, "--tls-cert", "no-certificate.pem"], "no-certificate.pem"),
        ([*SERVE, "--tls-cert", "missing.pem"], "missing.pem"),
        ([*SERVE, "--tls-key", "key.pem"], "--tls-key needs --tls-cert"),
        ([*SERVE, "--store", "a-file/t.db"], "a-file"),
        ([*SERVE, "--keep-days", "3"], "--keep-days needs --store"),
        ([*SERVE, "--turn-model", "missing.onnx"], "--turn-model must be"),
        (
            [*SERVE, "--speaker-model", "voice"],
            "--speaker-model must be auto, none, campplus, ge2e, voices or",
        ),
        ([*SERVE, "--speaker-model", "voices", "--keep-days", "3"], "--keep-days needs --store"),
        ([*SERVE, "--allow-origin", "nowhere"], "--allow-origin must be"),
        ([*SERVE, "--max-sessions", "none"], "--max-sessions must be"),
        ([*SERVE, "--model", "made-up"], "name each model once"),
        ([*SERVE, "--final-model", "mode-up"], "do you mean made-up?"),
        (["live", "--port", "TAKEN", "--host", "127.0.0.1"], "is taken: choose another with --port"),
        (["live", "--store", "a-file/t.db"], "a-file"),
        (["live", "--room", "a b"], "--room must be"),
    ],
)
def test_a_server_is_checked_first(
    hub, started, monkeypatch, tmp_path, taken_port, capsys, arguments, message
):
    use(hub, monkeypatch, tmp_path)
    given = [taken_port if each == "TAKEN" else each for each in arguments]
    assert run([*given, "--model", "made-up"]) in {1, 2}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert hub.requests == []
    assert started == []


@pytest.mark.parametrize("command", [SERVE, ["live", "--no-browser", "--port", "0", "--host", "127.0.0.1"]])
def test_a_server_without_faults_gets_its_models(hub, started, monkeypatch, tmp_path, command):
    use(hub, monkeypatch, tmp_path)
    assert run([*command, "--model", "made-up", "--store", "kept/t.db"]) == 0
    [options] = started
    [model] = options.models
    assert (model.folder / "model.bin").read_bytes() == CONTENT
    assert len(hub.requests) == 1
    assert run([*SERVE, "--model", "made-up", "--final-model", "made-up"]) == 0
    assert started[-1].final_model == started[-1].models[0] == model
    assert len(hub.requests) == 1


def test_a_voice_encoder_is_downloaded_last(hub, started, monkeypatch, tmp_path, taken_port, capsys):
    use(hub, monkeypatch, tmp_path)
    command = [*SERVE, "--speaker-model", "voices"]
    assert run([*command, "--port", taken_port]) in {1, 2}
    assert "is taken: choose another with --port" in capsys.readouterr().err
    assert run([*command, "--offline"]) == 1
    assert "--offline forbids to download it" in capsys.readouterr().err
    assert hub.requests == []
    assert run(command) == 0
    assert run(command) == 0
    assert [options.speaker_model for options in started] == ["voices", "voices"]
    assert len(hub.requests) == 1


def test_a_port_is_free_for_others_during_a_download(hub, started, monkeypatch, tmp_path):
    """Clients that connect then must be refused, as before, and not wait."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    reached = []

    def fetch(*_args, **_options):
        with socket.socket() as client:
            reached.append(client.connect_ex(("127.0.0.1", port)))
        return tmp_path

    use(hub, monkeypatch, tmp_path)
    monkeypatch.setattr("vivavoce.model_files.download.fetch", fetch)
    assert run(["serve", "--port", str(port), "--model", "made-up"]) == 0
    assert len(started) == 1
    assert reached[0] != 0


@pytest.mark.parametrize(
    "command", [SERVE, [*SERVE, "--model", "moonshine-tiny-en", "--final-model", "made-up"], ["live"]]
)
def test_a_missing_package_of_a_server_is_said_first(hub, started, monkeypatch, tmp_path, capsys, command):
    check_that_a_missing_package_is_said_first(hub, monkeypatch, tmp_path, capsys, command)
    assert started == []


@pytest.mark.usefixtures("parts", "microphone", "recording")
@pytest.mark.parametrize("command", [["stream", "a.wav"], ["mic"]])
def test_a_missing_package_of_a_local_server_is_said_first(hub, monkeypatch, tmp_path, capsys, command):
    check_that_a_missing_package_is_said_first(hub, monkeypatch, tmp_path, capsys, command)


def check_that_a_missing_package_is_said_first(hub, monkeypatch, tmp_path, capsys, command):
    use(hub, monkeypatch, tmp_path)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    model = [] if "--final-model" in command else ["--model", "made-up"]
    assert run([*command, *model]) == 1
    message = 'vivavoce: Whisper models need CTranslate2: pip install "vivavoce[whisper]"\n'
    assert capsys.readouterr().err == message
    assert hub.requests == []


NO_GPU = "no GPU was found"


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr("vivavoce.asr.models.devices.why_no_gpu", lambda _family: NO_GPU)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("command", [SERVE, ["live"]])
def test_a_device_that_a_server_lacks_is_said_first(hub, started, monkeypatch, tmp_path, capsys, command):
    check_that_a_missing_device_is_said_first(hub, monkeypatch, tmp_path, capsys, [*command, "--device"])
    assert started == []


@pytest.mark.usefixtures("no_gpu", "parts", "microphone", "recording")
@pytest.mark.parametrize("command", [["stream", "a.wav", "--device"], ["mic", "--model-device"]])
def test_a_device_that_a_local_server_lacks_is_said_first(hub, monkeypatch, tmp_path, capsys, command):
    check_that_a_missing_device_is_said_first(hub, monkeypatch, tmp_path, capsys, command)


def check_that_a_missing_device_is_said_first(hub, monkeypatch, tmp_path, capsys, command):
    use(hub, monkeypatch, tmp_path)
    assert run([*command, "cuda", "--model", "made-up"]) == 1
    assert capsys.readouterr().err == f"vivavoce: --device cuda: {NO_GPU}\n"
    assert hub.requests == []


# --- stream and mic ---------------------------------------------------------------------------


@pytest.mark.usefixtures("parts", "microphone")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stream", "a.wav", "-o", "no/such/a.srt"], "create the folder no/such first"),
        (["stream", "a.wav", "--srt", "no/such/a.srt"], "create the folder no/such first"),
        (["stream", "a.wav", "-o", "a-file/folder/"], "a-file is a file"),
        (["stream", "missing.wav"], "missing.wav: no such file"),
        (["stream", "missing.wav", "a-file"], "missing.wav: no such file"),
        (["stream", "a.wav", "--track", "2"], "track"),
        (["stream", "a.wav", "--room", "a b"], "--room must be"),
        (["stream", "a.wav", "--redact-with", "hash"], "--redact-with needs --redact"),
        (["stream", "a.wav", "--api-key", "a\nb"], "--api-key"),
        (["stream", "-", "--sample-rate", "1"], "--sample-rate"),
        (["mic", "--device", "none"], "no microphone matches 'none'"),
        (["mic", "--vtt", "no/such/a.vtt"], "create the folder no/such first"),
        (["mic", "--save", "no/such/a.wav"], "create the folder no/such first"),
        (["mic", "--save", "."], "is a directory"),
    ],
)
def test_a_transcription_is_checked_first(
    hub, parts, monkeypatch, tmp_path, recording, capsys, arguments, message
):
    use(hub, monkeypatch, tmp_path)
    (tmp_path / "a-file").write_text("")
    before = sorted(tmp_path.rglob("*"))
    assert run([*arguments, "--model", "made-up"]) in {1, 2}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert hub.requests == []
    assert parts.opened == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("parts")
def test_outputs_are_as_they_were_until_the_session_is_open(hub, monkeypatch, tmp_path, recording):
    use(hub, monkeypatch, tmp_path)
    hub.always = 503
    (tmp_path / "a.srt").write_text("older")
    os.mkfifo(tmp_path / "pipe.txt")  # opening it would wait for a reader
    for output in ("a.srt", "new.srt", "folder/", "new/folder/", "pipe.txt"):
        assert run(["stream", "a.wav", "-o", output, "--model", "made-up"]) == 1
    assert (tmp_path / "a.srt").read_text() == "older"
    assert not (tmp_path / "new.srt").exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("parts")
def test_a_microphone_does_not_record_during_the_download(hub, microphone, monkeypatch, tmp_path, capsys):
    closed = []

    def fetch(*_args, **_options):
        closed.append((len(microphone.opened), microphone.closed))
        return tmp_path

    use(hub, monkeypatch, tmp_path)
    monkeypatch.setattr("vivavoce.model_files.download.fetch", fetch)
    assert run(["mic", "--sample-rate", "8000", "--model", "made-up"]) == 0
    assert closed[0] == (1, 1)
    assert "2000 milliseconds.\n" in capsys.readouterr().out


@pytest.mark.usefixtures("parts")
def test_no_model_is_downloaded_for_another_server(hub, monkeypatch, tmp_path, recording):
    use(hub, monkeypatch, tmp_path)
    arguments = ["stream", "a.wav", "--model", "made-up", "--url", "ws://127.0.0.1:1"]
    assert run(arguments) == 0
    assert FakeTranscriber.addresses == ["ws://127.0.0.1:1"]
    assert hub.requests == []
