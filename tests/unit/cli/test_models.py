"""The commands about models, against a hub on loopback."""

import hashlib

import pytest
from tests.support.fake_hub import FakeHub

from vivavoce.cli.app import run
from vivavoce.model_files import Card, RemoteFile

CONTENT = b"weights"
MADE_UP_ROW = ["made-up", "1", "MB", "en", "de", "fr", "and", "1", "more", "MIT", "here", "untested"]
CARD = Card(
    "made-up",
    "whisper",
    ("en", "de", "fr", "it"),
    "MIT",
    1,
    "a/b",
    "main",
    (RemoteFile("model.bin", hashlib.sha256(CONTENT).hexdigest()),),
)

VOICES = Card(
    "voices",
    "wespeaker",
    (),
    "MIT",
    2,
    "c/d",
    "main",
    (RemoteFile("voices.onnx", hashlib.sha256(CONTENT).hexdigest()),),
)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    packaged = Card("packaged", "moonshine", ("en",), "MIT", 28, tested=True)
    catalogue = {"packaged": packaged, "made-up": CARD}
    for module in ("vivavoce.model_files", "vivavoce.model_files.choice"):
        monkeypatch.setattr(f"{module}.CATALOGUE", catalogue)
        monkeypatch.setattr(f"{module}.VOICE_CATALOGUE", {"voices": VOICES})
    hub = FakeHub()
    hub.files["c/d/main/voices.onnx"] = CONTENT
    hub.files["a/b/main/model.bin"] = CONTENT
    with hub.running():
        monkeypatch.setenv("VIVAVOCE_MODEL_HUB", hub.url)
        yield hub


def test_a_model_from_its_download_to_its_removal(hub, capsys, tmp_path):
    assert run(["models", "get", "made-up", "packaged"]) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / "cache" / "models" / "made-up"
    assert out == f"{folder}\n"
    assert "Downloading made-up, 1 MB, to" in err
    assert "packaged is part of the installation" in err
    assert (folder / "model.bin").read_bytes() == CONTENT

    assert run(["models", "list"]) == 0
    packaged, made_up, voices = capsys.readouterr().out.splitlines()
    assert voices.split() == ["voices", "2", "MB", "voices", "MIT", "untested"]
    assert packaged.split() == ["packaged", "28", "MB", "en", "MIT", "here"]
    assert made_up.split() == MADE_UP_ROW
    assert run(["models", "list", "--language", "it-IT"]) == 0
    assert capsys.readouterr().out.startswith("made-up")
    assert run(["models", "list", "--language", "xx"]) == 0
    assert "No model knows xx." in capsys.readouterr().err

    assert run(["models", "path", "made-up"]) == 0
    assert capsys.readouterr().out == f"{folder}\n"
    assert run(["models", "verify"]) == 0
    assert capsys.readouterr().out == "made-up: ok\n"
    (folder / "model.bin").write_bytes(b"swapped")
    assert run(["models", "verify", "made-up"]) == 1
    out, err = capsys.readouterr()
    assert out == "made-up: model.bin has another content than its checksum says\n"
    assert "damaged: made-up" in err

    assert run(["models", "remove", "made-up"]) == 0
    assert not folder.exists()
    assert run(["models", "remove", "made-up"]) == 0
    assert "made-up is not here" in capsys.readouterr().err
    assert run(["models", "verify"]) == 0
    assert "No model was downloaded." in capsys.readouterr().err


def test_a_voice_encoder_is_a_model_like_others(hub, capsys, tmp_path):
    assert run(["models", "get", "voices"]) == 0
    folder = tmp_path / "cache" / "models" / "voices"
    assert capsys.readouterr().out == f"{folder}\n"
    assert (folder / "voices.onnx").read_bytes() == CONTENT
    assert run(["models", "verify"]) == 0
    assert capsys.readouterr().out == "voices: ok\n"
    assert run(["models", "remove", "voices"]) == 0
    assert not folder.exists()


def test_verify_shows_the_commit_that_a_branch_was_at(hub, monkeypatch, capsys):
    card = Card("made-up", "whisper", ("en",), "MIT", 1, "a/b", "main", (RemoteFile("model.bin"),))
    monkeypatch.setattr("vivavoce.model_files.CATALOGUE", {"made-up": card})
    monkeypatch.setattr("vivavoce.model_files.choice.CATALOGUE", {"made-up": card})
    hub.heads["a/b"] = commit = "a1" * 20
    hub.files[f"a/b/{commit}/model.bin"] = CONTENT
    assert run(["models", "get", "made-up"]) == 0
    assert run(["models", "verify"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [f"made-up: ok, commit {commit}"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get", "--offline", "made-up"], "--offline forbids to download it"),
        (["get", "made-pu"], "do you mean made-up?"),
        (["path", "made-up"], "run vivavoce models get made-up"),
        (["path", "packaged"], "has no folder of its own"),
        (["remove", "packaged"], "can't be removed alone"),
        (["verify", "made-up"], "made-up is not here"),
        (["get", "--mirror", "ftp://x", "made-up"], "--mirror must be like https"),
    ],
)
def test_errors_are_one_line(hub, capsys, arguments, message):
    assert run(["models", *arguments]) in {1, 2}
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vivavoce:")]
    assert len(lines) == 1
    assert message in lines[0]


def test_a_download_is_quiet_on_request(hub, capsys):
    assert run(["models", "get", "--quiet", "made-up"]) == 0
    assert capsys.readouterr().err == ""
