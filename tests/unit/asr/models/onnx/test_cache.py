"""The cache of graphs."""

import errno
import fcntl
import os
import threading

import pytest

from support.time_limit import HANG_S
from vivavoce.asr.models.onnx.cache import cached, digest
from vivavoce.errors import ModelError


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


def two_files(folder):
    (folder / "first").write_bytes(b"first" * 1_000)
    (folder / "last").write_bytes(b"last" * 1_000)


DAMAGES = {
    "truncated": lambda folder: (folder / "first").write_bytes(b"first"),
    "a flipped bit": lambda folder: (folder / "last").write_bytes(b"lasu" + b"last" * 999),
    "a file missing": lambda folder: (folder / "first").unlink(),
    "the last file missing": lambda folder: (folder / "last").unlink(),
    "no digests": lambda folder: (folder / "digests.json").unlink(),
    "digests that are none": lambda folder: (folder / "digests.json").write_text("[1]"),
    "digests cut off": lambda folder: (folder / "digests.json").write_text('{"last": '),
    "digests of nothing": lambda folder: (folder / "digests.json").write_text("{}"),
    "empty": lambda folder: [path.unlink() for path in folder.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_folder_that_is_damaged_is_written_again(damage, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    folder = cached("thing", "last", two_files)
    DAMAGES[damage](folder)
    assert cached("thing", "last", two_files) == folder
    assert (folder / "first").read_bytes() == b"first" * 1_000
    assert (folder / "last").read_bytes() == b"last" * 1_000
    assert "graphs are written again" in caplog.text
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    caplog.clear()
    cached("thing", "last", lambda _: pytest.fail("it is whole"))
    assert not caplog.text


def test_other_users_can_read_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    folder = cached("thing", "last", two_files)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_a_full_disk_is_no_dead_server(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "full"))

    def build(folder):
        (folder / "last").touch()
        if folder.is_relative_to(tmp_path / "full"):
            raise OSError(28, "No space left on device")

    folder = cached("thing", "last", build)
    assert (folder / "last").is_file()
    assert not folder.is_relative_to(tmp_path)
    assert "No space left on device" in caplog.text
    assert list((tmp_path / "full" / "cache").iterdir()) == []


def test_no_room_anywhere_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))

    def build(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(ModelError, match=r"no room for the graphs of a model in .*No space left on device"):
        cached("thing", "last", build)


def test_what_a_killed_process_left_is_removed_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    old, new = tmp_path / "cache" / "building-old", tmp_path / "cache" / "building-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "part").touch()
    os.utime(old, (0, 0))
    cached("thing", "last", two_files)
    assert (old.exists(), new.exists()) == (False, True)


def test_another_process_may_be_faster(tmp_path, monkeypatch):
    """Where the file system has no locks."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))

    def build(folder):
        two_files(folder)
        if not made:
            made.append(folder)
            cached("thing", "last", build)

    made = []
    folder = cached("thing", "last", build)
    assert (folder / "last").read_bytes() == b"last" * 1_000


def test_processes_that_start_together_fill_it_once(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    lock, made, found = fcntl.flock, [], []
    is_building, others_wait = threading.Event(), threading.Semaphore(0)

    def flock(descriptor, what):
        if is_building.is_set():
            others_wait.release()
        lock(descriptor, what)

    def build(folder):
        made.append(folder)
        is_building.set()
        for _ in range(2):
            assert others_wait.acquire(timeout=HANG_S)
        two_files(folder)

    def start():
        thread = threading.Thread(target=lambda: found.append(cached("thing", "last", build)))
        thread.start()
        return thread

    monkeypatch.setattr(fcntl, "flock", flock)
    threads = [start()]
    assert is_building.wait(HANG_S)
    threads += [start(), start()]
    for thread in threads:
        thread.join(HANG_S)
    assert (len(made), len(set(found)), len(found)) == (1, 1, 3)
