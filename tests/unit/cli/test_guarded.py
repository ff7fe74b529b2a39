"""Outputs that fail while a session runs."""

import contextlib
import errno
import io
import logging
import os
import subprocess
import sys
import textwrap
import wave
from pathlib import Path

import pytest

from vivavoce.cli.app import run
from vivavoce.cli.audio_copy import AudioCopy
from vivavoce.cli.guarded import GuardedOutput, opening_problem, say, shown_once

pytest_plugins = ["support.cli_fixtures"]
pytestmark = [
    pytest.mark.usefixtures("parts"),
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full"),
]


def warnings(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("vivavoce: ")]


@pytest.mark.parametrize(
    "arguments",
    [["-f", "text", "-o", "/dev/full"], ["--srt", "/dev/full"], ["-f", "vtt", "-o", "/dev/full"]],
)
def test_a_full_disk_is_one_warning(two_recordings, capsys, arguments):
    assert run(["stream", two_recordings[0], *arguments, "--vtt", "a.vtt"]) == 1
    assert [line.partition(";")[0] for line in warnings(capsys)] == [
        "vivavoce: /dev/full: no space left on device"
    ]
    assert "250 milliseconds." in Path("a.vtt").read_text()


def test_full_standard_output_is_one_warning(recording, tmp_path):
    program = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        import vivavoce
        from support.cli_fakes import FakeSession
        vivavoce.connect = FakeSession
        from vivavoce.cli.app import run
        sys.exit(run(["stream", {recording!r}, "--vtt", "a.vtt", "--url", "ws://x"]))
    """)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    warning, written = done.stderr.splitlines()[-2:]
    assert warning.startswith("vivavoce: standard output: no space left on device; ")
    assert written == "a.vtt: 1 caption written."
    assert "Traceback" not in done.stderr
    assert "250 milliseconds." in (tmp_path / "a.vtt").read_text()


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["mic", "--help"]])
def test_full_standard_output_of_any_command_is_one_line(command):
    program = f"import sys\nfrom vivavoce.cli import main\nsys.argv[1:] = {command!r}\nmain()"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "no space left on device" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_is_no_error(closed, recording):
    command = f"{sys.executable} -c 'from vivavoce.cli import main; main()' --version {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_a_pipe_is_one_warning(tmp_path, microphone, capsys):
    os.mkfifo("pipe.txt")
    reader = os.open("pipe.txt", os.O_RDONLY | os.O_NONBLOCK)
    with Path("pipe.txt").open("w") as out:
        os.close(reader)
        said = []
        guarded = GuardedOutput(out, "pipe.txt", warn=said.append)
        for n in range(3):
            guarded.write(f"{n}\n")
    assert guarded.failed
    assert len(said) == 1
    assert "broken pipe" in said[0]


def test_messages_to_a_standard_error_that_is_full_are_dropped():
    full = Path("/dev/full").open("w")  # noqa: SIM115
    say("hello", full)
    with contextlib.suppress(OSError):
        full.close()
    closed = io.StringIO()
    closed.close()
    say("hello", closed)


def test_audio_on_a_full_disk_is_one_warning(microphone, capsys):
    assert run(["mic", "--sample-rate", "8000", "--seconds", "0.5", "--save", "/dev/full"]) == 1
    out, err = capsys.readouterr()
    assert out == "500 milliseconds.\n"
    assert [line.partition(";")[0] for line in err.splitlines() if "/dev/full" in line] == [
        "vivavoce: /dev/full: no space left on device"
    ]


def test_audio_goes_to_a_pipe_as_a_wav_stream(microphone):
    os.mkfifo("pipe.wav")
    reader = os.open("pipe.wav", os.O_RDONLY | os.O_NONBLOCK)
    assert run(["mic", "--sample-rate", "8000", "--seconds", "0.5", "--save", "pipe.wav"]) == 0
    data = os.read(reader, 99_999)
    os.close(reader)
    assert data[:4] == b"RIFF"
    assert len(data) == 44 + 8_000


def test_audio_to_a_pipe_without_a_reader_is_one_warning(tmp_path, capsys):
    os.mkfifo("pipe.wav")
    reader = os.open("pipe.wav", os.O_RDONLY | os.O_NONBLOCK)
    with AudioCopy(Path("pipe.wav"), 8_000) as copy:
        os.close(reader)
        assert list(copy.of([bytes(1600)] * 3)) == [bytes(1600)] * 3
    assert copy.failed
    assert len(warnings(capsys)) == 1


def test_what_fitted_on_the_disk_is_a_whole_wav_file(tmp_path):
    resource = pytest.importorskip("resource")
    del resource
    program = textwrap.dedent("""
        import resource, signal
        from pathlib import Path
        from vivavoce.cli.audio_copy import AudioCopy
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4001, 4001))
        with AudioCopy(Path("talk.wav"), 8_000) as copy:
            for _ in copy.of([bytes(1600)] * 5):
                pass
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[1] == "talk.wav: 0.2 s of audio written."
    assert Path("talk.wav").stat().st_size == 44 + 3200
    with wave.open("talk.wav") as file:
        assert file.getnframes() == 1600


def test_what_a_command_shows_is_not_logged_as_well(caplog):
    log = logging.getLogger("vivavoce.client")
    with shown_once("vivavoce.client", "%s warns"):
        log.warning("%s warns (%d): %s", "ws://host", 2001, "no effect")
        log.warning("%s is new", "another")
    log.warning("%s warns (%d): %s", "ws://host", 2001, "after the command")
    assert [record.getMessage() for record in caplog.records] == [
        "another is new",
        "ws://host warns (2001): after the command",
    ]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOENT, "; create the folder {folder} first"),
        (errno.EISDIR, "; end the path with / to write into the folder"),
        (errno.EACCES, "; choose another folder"),
        (errno.EROFS, "; choose another folder"),
        (errno.ENOSPC, ""),
    ],
)
def test_what_to_do_about_an_output_that_can_not_be_opened(tmp_path, number, advice):
    path = tmp_path / "a.srt"
    problem = opening_problem(path, OSError(number, "Reason"))
    assert problem == f"{path}: reason{advice.format(folder=tmp_path)}"
