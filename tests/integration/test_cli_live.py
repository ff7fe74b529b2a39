"""The command line with real audio, the real model and a real terminal."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import wave
from itertools import pairwise
from pathlib import Path

import pytest

from support.time_limit import time_limit
from vivavoce.cli.demo_recording import demo_recording_path
from vivavoce.recordings.sources import from_file

pytestmark = pytest.mark.live

SUPPORT = Path(__file__).parents[1] / "support"
VIVAVOCE = (sys.executable, "-m", "vivavoce")
# The command without the limits after which it gives up a slow server or, after Ctrl-C, ends by force.
PATIENT = """
from vivavoce.cli import interrupt, main
from vivavoce.client import realtime
realtime.CLOSE_LIMIT_S = 3600.0
interrupt.Interrupt.__init__.__kwdefaults__["grace_s"] = 3600.0
main()
"""
COLUMNS = 60
LIMIT_S = 90  # far beyond what a busy machine needs


def environment(**more):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("VIVAVOCE_", "ASSEMBLYAI_"))}
    return {**inherited, "TERM": "xterm", "COLUMNS": "200", "PYTHONUNBUFFERED": "1", **more}


def vivavoce(*arguments, stdin=subprocess.DEVNULL, cwd=None, **more):
    return subprocess.run(
        [sys.executable, "-c", PATIENT, *arguments],
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=cwd,
        env=environment(**more),
    )


@pytest.fixture(scope="module")
def samples():
    """The first 6 s of the sample recording, raw at 16 kHz; they end in mid-speech."""
    av = pytest.importorskip("av")
    del av
    from vivavoce.recordings.byte_source import ByteSource
    from vivavoce.recordings.containers import from_container

    with demo_recording_path().open("rb") as file:
        source = ByteSource.of_file(file, "the sample recording")
        with from_container(source, track=None, warn=print) as audio:
            return b"".join(audio.chunks)[: 6 * 32_000]


@pytest.fixture(scope="module")
def recording(samples, tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "times.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples)
    return path


def _take_terminal():
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)  # a typed Ctrl-C reaches the program


class Terminal:
    """The command on its own terminal; the test reads its output and types."""

    def __init__(self, *arguments, stdin=None, **more):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", PATIENT, *arguments],
            stdin=slave if stdin is None else stdin,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  - a single system call
            env=environment(**more),
        )
        os.close(slave)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()

    def hang_up(self):
        """Close the terminal, as when its window or its connection is closed."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def read_until(self, pattern, limit_s=LIMIT_S):
        deadline = time.monotonic() + limit_s
        while not re.search(pattern, re.sub(r"\x1b\[\d*m", "", self.text)):  # ignore dimming
            assert time.monotonic() < deadline, f"{pattern!r} did not come: {self.text!r}"
            if not self._read():
                pytest.fail(f"ended before {pattern!r} came: {self.text!r}")

    def finish(self, limit_s=LIMIT_S):
        deadline = time.monotonic() + limit_s
        while self._read() and time.monotonic() < deadline:
            pass
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def press_ctrl_c(self):
        os.write(self.master, b"\x03")

    def _read(self):
        """Read what there is; return whether the command still has the terminal open."""
        if select.select([self.master], [], [], 0.1)[0]:
            with contextlib.suppress(OSError):  # EIO: the other end is closed
                if data := os.read(self.master, 65_536):
                    self.text += data.decode()
                    return True
            return False
        return True

    @property
    def screen(self):
        """The lines that remain after carriage returns and erasures."""
        lines = []
        for row in self.text.replace("\r\n", "\n").split("\n"):
            line, column = "", 0
            for piece in re.split(r"(\r|\x1b\[K|\x1b\[\d*m)", row):
                if piece == "\r":
                    column = 0
                elif piece == "\x1b[K":
                    line = line[:column]
                elif not piece.startswith("\x1b"):
                    line = line[:column] + piece + line[column + len(piece) :]
                    column += len(piece)
            lines.append(line.rstrip())
        return lines


def feed(write_fd, data, stop, *, close=False):
    """Write samples at the speed of speech, like arecord; then write silence, or close."""

    def run():
        with contextlib.suppress(OSError):
            for start in range(0, len(data), 3_200):
                if stop.wait(0.1):
                    return
                os.write(write_fd, data[start : start + 3_200])
            while not close and not stop.wait(0.1):
                os.write(write_fd, data[-3_200:])
        with contextlib.suppress(OSError):
            os.close(write_fd)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def wait_until_read(write_fd):
    """Wait until a pipe is empty."""
    deadline = time.monotonic() + LIMIT_S
    while struct.unpack("i", fcntl.ioctl(write_fd, termios.FIONREAD, bytes(4))) != (0,):
        assert time.monotonic() < deadline, "the command does not read its standard input"
        time.sleep(0.01)


def test_a_recording_is_transcribed(recording):
    done = vivavoce("stream", str(recording))
    assert (done.returncode, done.stderr) == (0, "")
    assert "best of times" in done.stdout.lower()
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


def test_json_events_have_words_with_times(samples):
    """A pipe that stays open within speech: a partial comes however slow the machine is."""
    process = subprocess.Popen(
        [sys.executable, "-c", PATIENT, "stream", "-", "--json", "--partials"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    with time_limit(LIMIT_S), process:
        process.stdin.write(samples)
        process.stdin.flush()
        events = []
        while not any(event["type"] == "partial" for event in events):
            events.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        events += map(json.loads, process.stdout)
    assert process.returncode == 0
    assert {event["type"] for event in events} == {"partial", "final"}
    words = [word for event in events if event["type"] == "final" for word in event["words"]]
    assert len(words) >= 10
    assert all(word["start_ms"] <= word["end_ms"] <= 6_500 for word in words)


def test_captions_have_the_words_of_the_text(recording):
    pysubs2 = pytest.importorskip("pysubs2")
    text = vivavoce("stream", str(recording)).stdout
    captions = vivavoce("stream", str(recording), "--format", "srt")
    assert captions.returncode == 0, captions.stderr
    cues = list(pysubs2.SSAFile.from_string(captions.stdout, format_="srt"))
    assert " ".join(cue.plaintext.replace("\n", " ") for cue in cues).split() == text.split()
    assert all(len(line) <= 42 for cue in cues for line in cue.plaintext.split("\n"))
    assert all(a.end <= b.start for a, b in pairwise(cues))


def test_a_pipe_gives_the_same_finals_as_the_file(recording):
    with recording.open("rb") as file:
        piped = vivavoce("stream", "-", stdin=file)
    assert piped.returncode == 0
    assert piped.stdout == vivavoce("stream", str(recording)).stdout


def test_the_demo_reports_its_latencies():
    done = vivavoce("demo", "--seconds", "7")
    assert done.returncode == 0
    assert "best of times" in done.stdout.lower()
    closing = done.stderr.splitlines()[-1]
    found = re.fullmatch(
        r"(\d+) words in \d+ utterances? from 7\.0 s of audio, real-time factor ([\d.]+), "
        r"first word after ([\d.]+) s, words after ([\d.]+) s \(median\)"
        r"(?:, finals after ([\d.]+) s \(median\))?",
        closing,
    )
    assert found, closing
    assert int(found[1]) >= 12
    assert float(found[2]) > 0


def test_partials_are_overwritten_by_finals(recording):
    with Terminal("stream", str(recording), "--realtime", NO_COLOR="1") as terminal:
        terminal.read_until("best of")
        assert terminal.finish() == 0
    final = " ".join(vivavoce("stream", str(recording)).stdout.split())
    shown = " ".join(" ".join(terminal.screen).split())
    assert "best of times" in shown.lower()
    assert shown.lower().count("best of times") == final.lower().count("best of times")
    for live in re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", terminal.text):
        assert len(live) < COLUMNS


@pytest.mark.parametrize("how", ["pressed", "signalled"])
def test_ctrl_c_on_a_pipe_shows_the_last_final_and_ends_in_order(samples, how):
    """The pipe stays open. The limit of two seconds is tested in ``tests/unit/cli/test_interrupt.py``."""
    reader, writer = os.pipe()
    stop = threading.Event()
    with Terminal("stream", "-", stdin=reader) as terminal:
        os.close(reader)
        feeding = feed(writer, samples, stop)
        terminal.read_until("worst of")
        if how == "pressed":
            terminal.press_ctrl_c()
        else:
            terminal.process.send_signal(signal.SIGTERM)
        code = terminal.finish()
        stop.set()
        feeding.join(LIMIT_S)
    assert code == 0
    assert re.search(r"It was the best of times.*worst of", " ".join(terminal.screen))


def test_a_doubled_signal_shows_the_last_final(samples):
    """Wrappers send a signal to the program and again to its group."""
    reader, writer = os.pipe()
    stop = threading.Event()
    with Terminal("stream", "-", stdin=reader) as terminal:
        os.close(reader)
        feeding = feed(writer, samples, stop)
        terminal.read_until("worst of")
        terminal.process.send_signal(signal.SIGINT)
        terminal.process.send_signal(signal.SIGTERM)
        code = terminal.finish()
        stop.set()
        feeding.join(LIMIT_S)
    assert code == 0
    assert re.search(r"It was the best of times.*worst of", " ".join(terminal.screen))
    assert "Traceback" not in terminal.text


def test_a_closed_terminal_saves_the_last_utterance(recording, tmp_path):
    path = os.pathsep.join([str(SUPPORT / "fake_sounddevice"), os.environ.get("PYTHONPATH", "")])
    captions, audio = tmp_path / "talk.vtt", tmp_path / "talk.wav"
    arguments = ["mic", "--vtt", str(captions), "--save", str(audio)]
    with Terminal(*arguments, VIVAVOCE_FAKE_MIC=str(recording), PYTHONPATH=path) as terminal:
        terminal.read_until("worst of")
        terminal.hang_up()
        assert terminal.process.wait(LIMIT_S) == 0
    assert "worst of" in captions.read_text()
    with wave.open(str(audio)) as file:
        assert file.getnframes() > 3 * 16_000


def test_ctrl_c_on_a_file_is_an_interruption(recording):
    with Terminal("stream", str(recording), "--realtime") as terminal:
        terminal.read_until("best of")
        terminal.press_ctrl_c()
        assert terminal.finish() == 130
    assert "It was the best of" in " ".join(terminal.screen)


def test_the_microphone_shows_the_last_final_after_ctrl_c(recording):
    """The microphone stops delivering after its last sample, and Ctrl-C follows."""
    path = os.pathsep.join([str(SUPPORT / "fake_sounddevice"), os.environ.get("PYTHONPATH", "")])
    with Terminal("mic", VIVAVOCE_FAKE_MIC=str(recording), PYTHONPATH=path) as terminal:
        terminal.read_until("Listening")
        terminal.read_until("worst of")
        assert terminal.finish() == 0
    assert re.search(r"It was the best of times.*worst of", " ".join(terminal.screen))


def test_ctrl_c_ends_a_silent_pipe():
    reader, writer = os.pipe()
    with Terminal("stream", "-", "--url", "ws://127.0.0.1:1", stdin=reader) as terminal:
        os.close(reader)
        os.write(writer, b"\0\0")
        wait_until_read(writer)
        terminal.press_ctrl_c()
        assert terminal.finish() in {0, 3, 130}
    os.close(writer)


def test_no_server_at_the_address(recording):
    done = vivavoce("stream", str(recording), "--url", "ws://127.0.0.1:1")
    assert done.returncode == 3
    assert done.stdout == ""
    assert re.fullmatch(r"vivavoce: [^\n]+\n", done.stderr)


@contextlib.contextmanager
def serving(*arguments, port=None, **more):
    """Run a server in another process; give the process and its port."""
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    process = subprocess.Popen(
        [*VIVAVOCE, "serve", "--port", str(port), *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**more),
    )
    try:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_serve_accepts_sessions_and_stops_in_order(recording):
    with serving() as (process, port):
        done = vivavoce("stream", str(recording), "--url", f"ws://127.0.0.1:{port}")
        assert (done.returncode, done.stderr) == (0, "")
        assert "best of times" in done.stdout.lower()
        busy = vivavoce("serve", "--port", str(port))
        assert busy.returncode == 1
        assert re.fullmatch(rf"vivavoce: port {port} [^\n]+\n", busy.stderr)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0


def test_a_server_that_is_restarted_loses_no_words(samples, tmp_path):
    path = tmp_path / "twice.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(2 * (samples + bytes(48_000)))
    with serving() as (process, port), contextlib.ExitStack() as stack:
        url = f"ws://127.0.0.1:{port}"
        terminal = stack.enter_context(Terminal("stream", str(path), "--realtime", "--url", url))
        terminal.read_until("best of")
        process.kill()
        process.wait()
        terminal.read_until("reconnecting")
        stack.enter_context(serving(port=port))
        terminal.read_until("Connected again")
        assert terminal.finish() == 0
    assert " ".join(terminal.screen).count("best of times") == 2


def test_options_of_turns_reach_the_model(recording):
    options = ["--key-term", "Vivavoce", "--turns", "conservative", "--no-formatting", "--filter-profanity"]
    plain = vivavoce("stream", str(recording), *options)
    assert (plain.returncode, plain.stderr) == (0, "")
    assert "it was the best of times" in plain.stdout


def test_a_wrong_key_is_refused(recording):
    with serving("--api-key", "right") as (_, port):
        url = f"ws://127.0.0.1:{port}"
        wrong = vivavoce("stream", str(recording), "--url", url, "--api-key", "wrong")
        assert wrong.returncode == 4
        assert re.fullmatch(r"vivavoce: [^\n]+\n", wrong.stderr)
        right = vivavoce("stream", str(recording), "--url", url, VIVAVOCE_API_KEY="right")
        assert right.returncode == 0


def test_a_public_address_without_keys_is_refused():
    done = vivavoce("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 1
    assert re.fullmatch(r"vivavoce: [^\n]*--no-auth[^\n]*\n", done.stderr)


def test_the_doctor_transcribes_with_the_model(tmp_path):
    done = vivavoce("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    # A busy machine is a problem, not a failure: it may be too slow for real time.
    assert re.search(r"^(ok|problem) +model: loads in .*best of times", done.stdout, re.MULTILINE)
    variables = {"VIVAVOCE_BASE_URL": "ws://127.0.0.1:1", "VIVAVOCE_API_KEY": "hunter2"}
    unreachable = vivavoce("doctor", cwd=tmp_path, **variables)
    assert unreachable.returncode == 1
    assert re.search(r"^broken +server: no server at ws://127\.0\.0\.1:1 ", unreachable.stdout, re.MULTILINE)
    assert "hunter2" not in unreachable.stdout + unreachable.stderr


def test_help_is_quick():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *VIVAVOCE[1:], "--help"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
        env=environment(),
    )
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "typer" in loaded
    slow = {"asyncio", "av", "numpy", "onnxruntime", "rich", "sounddevice", "ssl", "starlette", "websockets"}
    assert slow & loaded == set()
    assert len(loaded) < 350  # 244, in 0.26 s of an idle machine's time


def test_the_sample_recording_needs_no_decoder():
    with from_file(demo_recording_path()) as audio:
        assert audio.sample_rate == 48_000
