"""The cache of graphs."""

import pytest

from vivavoce.asr.models.onnx.cache import cached, digest


def test_a_folder_is_filled_once_for_each_content_of_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    source = tmp_path / "source"
    made = []

    def build(folder):
        made.append(folder)
        (folder / "last").write_bytes(source.read_bytes())

    for content, n_made in ((b"one", 1), (b"one", 1), (b"two", 2)):
        source.write_bytes(content)
        folder = cached(f"thing-{digest(source)}", "last", build)
        assert (folder / "last").read_bytes() == content
        assert len(made) == n_made
    assert all(path.is_relative_to(tmp_path / "home" / "cache") for path in made)


def test_a_cache_that_cannot_be_written_is_replaced_by_a_temporary_folder(tmp_path, monkeypatch, caplog):
    (tmp_path / "cache").write_text("a file, not a folder")
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    folder = cached("thing", "last", lambda made: (made / "last").touch())
    assert (folder / "last").is_file()
    assert "can't be written" in caplog.text


def test_a_folder_that_cannot_be_filled_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))

    def build(folder):
        (folder / "first").touch()
        raise ValueError("no such model")

    with pytest.raises(ValueError, match="no such model"):
        cached("thing", "last", build)
    assert list((tmp_path / "cache").iterdir()) == []
