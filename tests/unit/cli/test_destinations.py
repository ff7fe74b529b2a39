"""A command overwrites no recording, and no output of its own."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from vivavoce.cli.app import run
from vivavoce.cli.destinations import check_writable

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def link_to(recording, how):
    """Return another path of a recording."""
    path = Path(recording)
    if how == "symbolic link":
        Path("link.txt").symlink_to(path)
        return "link.txt"
    if how == "hard link":
        os.link(path, "hard.txt")
        return "hard.txt"
    if how == "folder link":
        Path("elsewhere").symlink_to(path.parent)
        return f"elsewhere/{path.name}"
    return {"same path": recording, "relative": f"./x/../{path.name}", "bare": path.name}[how]


@pytest.fixture
def content(recording):
    """Return a function that says whether the recording still is what it was."""
    before = Path(recording).read_bytes()
    return lambda: Path(recording).read_bytes() == before


@pytest.mark.parametrize("option", ["-o", "--srt", "--vtt"])
@pytest.mark.parametrize(
    "how", ["same path", "relative", "bare", "symbolic link", "hard link", "folder link"]
)
def test_an_output_is_never_the_recording(recording, content, capsys, how, option):
    Path("x").mkdir()
    output = link_to(recording, how)
    assert run(["stream", recording, option, output, "-f", "json"]) == 2
    assert content()
    assert capsys.readouterr().err.count("\n") == 1


def test_an_output_that_took_the_place_of_a_recording_is_refused(two_recordings, capsys):
    """A shell expands ``-o *.wav`` to ``-o a.wav b.wav``."""
    before = Path(two_recordings[0]).read_bytes()
    for arguments in ([], ["-f", "text"], ["--json"]):
        assert run(["stream", "-o", *two_recordings, *arguments]) == 2
        assert Path(two_recordings[0]).read_bytes() == before
    assert "recording" in capsys.readouterr().err


def test_any_of_several_recordings_is_protected(two_recordings, capsys):
    before = Path(two_recordings[1]).read_bytes()
    assert run(["stream", *two_recordings, "-f", "text", "-o", two_recordings[1]]) == 2
    assert two_recordings[1] in capsys.readouterr().err
    assert Path(two_recordings[1]).read_bytes() == before


def test_a_file_in_the_folder_is_never_a_recording(recording, tmp_path, capsys):
    named_like_an_output = shutil.copy(recording, tmp_path / "talk.txt")
    before = Path(named_like_an_output).read_bytes()
    assert run(["stream", str(named_like_an_output), "-o", f"{tmp_path}/"]) == 2
    assert "overwrite" in capsys.readouterr().err
    assert Path(named_like_an_output).read_bytes() == before


def test_a_recording_on_standard_input_is_protected(recording, content, monkeypatch, capsys):
    with open(recording) as file:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", file)
        assert run(["stream", "-", "-f", "text", "-o", recording]) == 2
    assert "standard input" in capsys.readouterr().err
    assert content()


def test_standard_output_is_never_the_recording(recording, content, monkeypatch):
    with open(recording, "a") as file:  # noqa: PTH123  - as a shell opens it for >>
        monkeypatch.setattr("sys.stdout", file)
        assert run(["stream", recording]) == 2
        assert run(["stream", recording, "-o", "a.txt", "--srt", "-"]) == 2
    assert content()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--srt", "a.srt", "--vtt", "./a.srt"],
        ["-f", "srt", "-o", "a.srt", "--srt", "a.srt"],
        ["-f", "srt", "-o", "folder/", "--srt", "folder/a.srt"],
        ["-o", "a.txt", "--vtt", "dangling"],
    ],
)
def test_two_outputs_in_one_file_are_refused(recording, capsys, arguments):
    Path("dangling").symlink_to("a.txt")
    assert run(["stream", recording, *arguments]) == 2
    assert "same file" in capsys.readouterr().err
    assert not Path("a.srt").exists()


def test_standard_output_and_a_file_are_not_the_same(recording, tmp_path, monkeypatch):
    with (tmp_path / "a.srt").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        assert run(["stream", recording, "--srt", "a.srt"]) == 2


def test_several_outputs_may_go_to_a_device(recording):
    assert run(["stream", recording, "-f", "text", "-o", os.devnull, "--srt", os.devnull]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--save", "a.srt", "--srt", "a.srt"], "same file"),
        (["--save", "a.txt", "-o", "a.txt"], "same file"),
        (["--save", "notes.md"], "no WAV file"),
        (["--save", "-"], "standard output"),
        (["-o", "talk.flac", "-f", "text"], "holds no text"),
    ],
)
def test_the_microphone_overwrites_nothing_else(microphone, capsys, arguments, message):
    Path("notes.md").write_text("Bring milk.")
    Path("talk.flac").write_bytes(b"fLaC\0\0\0\x22")
    assert run(["mic", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert microphone.opened == []
    assert Path("notes.md").read_text() == "Bring milk."


def test_older_transcripts_and_audio_are_overwritten(recording, microphone):
    Path("a.txt").write_text("ä" * 4095)
    assert run(["stream", recording, "-o", "a.txt"]) == 0
    assert Path("a.txt").read_text() == "250 milliseconds.\n"
    for _ in range(2):
        assert run(["mic", "--save", "talk.wav"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in the file system")
def test_a_pipe_is_not_opened_by_the_check(recording):
    os.mkfifo("pipe.txt")
    reader = os.open("pipe.txt", os.O_RDONLY | os.O_NONBLOCK)
    assert run(["stream", recording, "-o", "pipe.txt"]) == 0
    assert os.read(reader, 100) == b"250 milliseconds.\n"
    os.close(reader)


def test_a_check_leaves_links_and_files_as_they_are(tmp_path):
    target, link, old = tmp_path / "target.srt", tmp_path / "link.srt", tmp_path / "old.srt"
    link.symlink_to(target)
    old.write_text("kept")
    for path in (link, old, tmp_path / "new.srt"):
        check_writable(path)
    assert link.is_symlink()
    assert not target.exists()
    assert old.read_text() == "kept"
    assert not (tmp_path / "new.srt").exists()
    target.write_text("kept too")
    check_writable(link)
    assert target.read_text() == "kept too"
