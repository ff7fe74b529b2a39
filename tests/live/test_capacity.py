"""The command that measures this machine, with the model: what it prints and keeps."""

import json

import pytest

from vivavoce.cli.app import run
from vivavoce.cli.capacity_file import capacity_path


@pytest.mark.parametrize("load", ["short", "continuous"])
def test_capacity_measures_and_keeps_what_it_found(load, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    figures = tmp_path / "figures.json"
    assert run(["capacity", "--load", load, "--limit", "2", "--seconds", "5", "--json", str(figures)]) == 0
    out, err = capsys.readouterr()
    assert "streams" in err
    found = json.loads(figures.read_text())
    # How many they are depends on how busy the machine is.
    assert 0 <= found["streams"] <= 2
    assert found["load"] == load
    assert found["trials"]
    assert all(trial["overall"]["wer_words"] for trial in found["trials"])
    assert out.splitlines()[-1].startswith("This machine ")
    assert json.loads(capacity_path().read_text())["streams"] == found["streams"]
