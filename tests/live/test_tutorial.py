"""The tutorial's program on a real recording, with our SDK and with the vendor's, unmodified."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
# Releases of the vendor's SDK before 0.65 raise warnings on current Pythons and libraries.
QUIET = {"PYTHONWARNINGS": "ignore", "NO_PROXY": "127.0.0.1"}


def start(program, server, recording, fake):
    environment = {name: value for name, value in os.environ.items() if "VIVAVOCE" not in name}
    environment |= QUIET | {
        "VIVAVOCE_FAKE_MIC": str(recording),
        "ASSEMBLYAI_BASE_URL": server.base_url,
        "ASSEMBLYAI_API_KEY": "any",
        "PYTHONPATH": str(SUPPORT / fake),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, str(program)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )


def output_of(process):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    return out.decode()


def finals(out):
    """Return the lines that stay on the screen: the text after a carriage return overwrites a partial."""
    return [line.split("\r")[-1] for line in out.replace("\r\n", "\n").split("\n")]


def test_both_tutorial_programs_print_the_same_finals(server, recording, tmp_path):
    text = (ROOT / "examples" / "tutorial.py").read_text()
    assert text.count("import vivavoce as aai") == 1
    vendors = tmp_path / "vendors.py"
    vendors.write_text(text.replace("import vivavoce as aai", "import assemblyai as aai"))

    ours = start(ROOT / "examples" / "tutorial.py", server, recording, "fake_sounddevice")
    theirs = start(vendors, server, recording, "fake_pyaudio")
    printed = [output_of(process) for process in (ours, theirs)]

    assert "It was the best of times" in printed[0]
    assert printed[0].count("\r") > 20, "too few partials"
    transcripts = [[line for line in finals(out) if not line.startswith("Session ID:")] for out in printed]
    assert transcripts[0] == transcripts[1]
    assert transcripts[0][-2:] == ["Closing Session", ""]


@pytest.mark.parametrize("sdk", ["vivavoce", "assemblyai"])
def test_the_program_ends_without_any_speech(server, recording, tmp_path, sdk):
    text = (ROOT / "examples" / "tutorial.py").read_text().replace("import vivavoce as", f"import {sdk} as")
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
