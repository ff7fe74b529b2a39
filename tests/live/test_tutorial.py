"""The tutorial's programs on a real recording, with our SDK and with the vendor's, unmodified."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.terminal import Terminal

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
VENDORS = SUPPORT / "tutorial_program.py"
OURS = ROOT / "examples" / "tutorial.py"
# Releases of the vendor's SDK before 0.65 raise warnings on current Pythons and libraries.
COLUMNS = 40
QUIET = {"PYTHONWARNINGS": "ignore", "NO_PROXY": "127.0.0.1"}


def start(program, server, recording, fake, **streams):
    environment = {name: value for name, value in os.environ.items() if "VIVAVOCE" not in name}
    environment |= QUIET | {
        "VIVAVOCE_FAKE_MIC": str(recording),
        "ASSEMBLYAI_BASE_URL": server.base_url,
        "ASSEMBLYAI_API_KEY": "any",
        "PYTHONPATH": os.pathsep.join([str(SUPPORT / fake), str(ROOT / "src")]),
        "PYTHONUNBUFFERED": "1",
    }
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    return subprocess.Popen(
        [sys.executable, str(program)], env=environment, stdin=subprocess.DEVNULL, **streams
    )


def output_of(process):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    return out.decode()


def finals(out):
    """Return the lines that stay on the screen: the text after a carriage return overwrites a partial."""
    return [line.split("\r")[-1] for line in out.replace("\r\n", "\n").split("\n")]


def test_both_tutorial_programs_print_the_same_finals(server, recording, tmp_path):
    text = VENDORS.read_text()
    assert text.count("import vivavoce as aai") == 1
    vendors = tmp_path / "vendors.py"
    vendors.write_text(text.replace("import vivavoce as aai", "import assemblyai as aai"))

    ours = start(VENDORS, server, recording, "fake_sounddevice")
    theirs = start(vendors, server, recording, "fake_pyaudio")
    printed = [output_of(process) for process in (ours, theirs)]

    assert "It was the best of times" in printed[0]
    assert printed[0].count("\r") > 20, "too few partials"
    transcripts = [[line for line in finals(out) if not line.startswith("Session ID:")] for out in printed]
    assert transcripts[0] == transcripts[1]
    assert transcripts[0][-2:] == ["Closing Session", ""]


@pytest.mark.parametrize("sdk", ["vivavoce", "assemblyai"])
def test_the_printer_prints_the_transcripts_of_both_packages(server, recording, tmp_path, sdk):
    program = tmp_path / "program.py"
    program.write_text(OURS.read_text().replace("import vivavoce as", f"import {sdk} as"))
    fake = {"vivavoce": "fake_sounddevice"}.get(sdk, "fake_pyaudio")
    out = output_of(start(program, server, recording, fake))
    assert "It was the best of times" in out
    assert "\r" not in out.replace("\r\n", "\n")


@pytest.mark.parametrize("name", ["tutorial.py", "turns.py"])
def test_the_screen_holds_the_finals_alone(server, recording, recording_of_the_model, name):
    pty = pytest.importorskip("pty", reason="no terminals of this kind")
    import termios

    program = ROOT / "examples" / name
    audio = recording if "44_100" in program.read_text() else recording_of_the_model
    main, other = pty.openpty()
    termios.tcsetwinsize(other, (24, COLUMNS))
    screen = Terminal(COLUMNS)
    process = start(program, server, audio, "fake_sounddevice", stdout=other)
    os.close(other)
    written = ""
    with os.fdopen(main, "rb", buffering=0) as reader, contextlib.suppress(OSError):  # the program has ended
        while data := reader.read(4096):
            written += data.decode()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    screen.write(written)
    assert written.count("\r") > 20, "too few partials"
    text = " ".join(line for line in screen.lines if line)
    assert text.count("It was the best of times") == 1
    assert len(screen.lines) < 20


@pytest.mark.parametrize("sdk", ["vivavoce", "assemblyai"])
def test_the_program_ends_without_any_speech(server, recording, tmp_path, sdk):
    text = OURS.read_text().replace("import vivavoce as", f"import {sdk} as")
    program = tmp_path / "program.py"
    program.write_text(text)
    import wave

    silent = tmp_path / "silent.wav"
    with wave.open(str(silent), "wb") as file:
        file.setparams((1, 2, 44_100, 0, "NONE", ""))
        file.writeframes(bytes(2 * 44_100))
    out = output_of(start(program, server, silent, {"vivavoce": "fake_sounddevice"}.get(sdk, "fake_pyaudio")))
    assert "Session ID:" in out
    assert "Closing Session" in out
