"""A device that can't be used: servers don't even listen, and commands say what to install."""

import logging

import pytest

from support.isolation import clean_environment, limit  # noqa: F401  - applied to each test
from support.scripted_engine import ScriptedRecogniser
from vivavoce.cli.app import run
from vivavoce.errors import ModelError
from vivavoce.model_files import choose
from vivavoce.server import LocalServer, ServerOptions, serve

REASON = "no GPU here; buy one"


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """Of which families it was asked whether they can use a GPU; they can't."""
    families = []

    def why_no_gpu(family):
        families.append(family)
        return REASON

    for place in ("devices", "registry"):
        monkeypatch.setattr(f"vivavoce.asr.models.{place}.why_no_gpu", why_no_gpu)
    return families


@pytest.fixture
def deaf(monkeypatch):
    """Fails the test if a server listens."""
    for place in ("run", "local"):
        monkeypatch.setattr(f"vivavoce.server.{place}.listen", lambda *_: pytest.fail("the server listened"))


def test_a_server_does_not_listen(asked, deaf):
    models = (choose("moonshine-tiny-en"), choose("whisper-base"))
    with pytest.raises(ModelError, match=f"^--device cuda: {REASON}$"):
        serve(ServerOptions(port=0, device="cuda", models=models, final_model=choose("whisper-tiny")))
    assert asked == ["moonshine"]


def test_the_second_model_counts_too(deaf, monkeypatch):
    monkeypatch.setattr(
        "vivavoce.asr.models.devices.why_no_gpu", lambda family: REASON if family == "whisper" else None
    )
    with pytest.raises(ModelError, match=REASON):
        serve(ServerOptions(port=0, device="cuda", final_model=choose("whisper-tiny")))


def test_the_command_exits_with_one_line(deaf, capsys, monkeypatch):
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    assert run(["serve", "--port", "0", "--device", "cuda"]) == 1
    assert capsys.readouterr().err == f"vivavoce: --device cuda: {REASON}\n"


def test_a_command_with_a_server_inside_exits_with_one_line(deaf, capsys, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(
        b"RIFF\x24\x7d\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80>\0\0\0}\0\0\2\0\x10\0data\0}\0\0" + bytes(32_000)
    )
    assert run(["stream", str(path), "--device", "cuda"]) == 1
    assert capsys.readouterr().err == f"vivavoce: --device cuda: {REASON}\n"


def test_all_models_of_a_server_are_loaded_on_its_device(asked, monkeypatch):
    loaded = []

    def load(family, folder, *, turn_model, device):
        loaded.append((family, device))
        return ScriptedRecogniser()

    monkeypatch.setattr("vivavoce.server.engines.load_recogniser", load)
    options = ServerOptions(port=0, device="auto", final_model=choose("whisper-base"))
    with LocalServer(options) as server:
        server.wait_ready()
    assert asked == ["moonshine", "whisper"]
    assert sorted(loaded) == [("moonshine", "auto"), ("whisper", "auto")]
