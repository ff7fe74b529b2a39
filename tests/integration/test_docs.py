"""Every Python block of the documentation runs, as it stands."""

import base64
import importlib.util
import json
import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from support.scripted_engine import pcm, silence, speech
from support.servers import scripted_server

ROOT = Path(__file__).parents[2]
FAKES = ROOT / "tests" / "support" / "fake_sounddevice"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Levels alone survive another sample rate; after silence they are no offset of the audio.
SOUND = np.abs(np.concatenate([silence(6), speech(0, 1), silence(45), speech(3, 4), silence(45)]))
PAUSE_S = 0.1

# What a page says that a block prints; without an entry, running to its end is enough.
PRINTS = {
    "quickstart.md#0": ["Alpha bravo.", "delta echo?"],
    "quickstart.md#1": ["Alpha bravo. delta echo?", "0.19 s  Alpha"],
    "tutorial.md#0": ["Session ID: ", "Alpha bravo.", "delta echo?", "Closing Session"],
    "tutorial.md#1": ["Alpha bravo.", "delta echo?"],
    "how-to/microphone.md#0": ["1 Built-in Microphone (default)", "2 USB Headset"],
    "how-to/microphone.md#1": ["Alpha bravo.", "level: ", " dB"],
    "how-to/microphone.md#2": ["listening: True"],
    "how-to/files.md#0": ["0.2 s: Alpha bravo.", "delta echo?"],
    "how-to/files.md#1": ["Alpha bravo. delta echo?"],
    "how-to/files.md#2": ["Alpha bravo. delta echo?"],
    "how-to/files.md#3": ["0 True Alpha bravo.", "1 True delta echo?"],
    "how-to/files.md#4": ["Alpha bravo. delta echo?"],
    "how-to/telephone.md#0": ["delta"],
    "how-to/turns.md#0": ["Alpha bravo.", "delta echo?"],
    "how-to/web-app.md#0": ['"text": "Alpha bravo.", "done": true', '"text": "delta echo?", "done": true'],
    "how-to/web-app.md#1": ['"token"'],
    "how-to/bad-network.md#0": ["closed: 1000"],
    "how-to/testing.md#0": ["['Hello there.']"],
    "how-to/migrating.md#0": ["Session: ", "Alpha bravo.", "delta echo?", "seconds of audio"],
    "how-to/captions.md#0": ["00:00:00,192 --> ", "Alpha bravo."],
    "how-to/captions.md#1": ["00:00:00,192 --> ", "Alpha bravo.", "delta echo?"],
    "how-to/captions.md#2": ["WEBVTT", "00:00:00.000 --> 00:00:01.000", "Good morning."],
    "how-to/captions.md#3": ["Alpha bravo.", "delta echo?"],
    "README.md#0": ["Alpha bravo.", "delta echo?"],
    "README.md#1": ["Alpha bravo.", "delta echo?"],
}

# What uses the applications that some blocks are.
CALLER = """
import json, sys
from starlette.testclient import TestClient
with TestClient(app).websocket_connect("/call") as call:
    for payload in json.load(open("call.json")):
        call.send_json({"event": "media", "media": {"payload": payload}})
    call.send_json({"event": "stop"})
    try:
        call.receive_json()
    except Exception as over:
        print(type(over).__name__)
"""
BROWSER = """
from starlette.testclient import TestClient
with TestClient(app).websocket_connect("/transcribe") as browser:
    data = open("talk.raw", "rb").read()
    for at in range(0, len(data), 3000):
        browser.send_bytes(data[at : at + 3000])
    browser.send_bytes(b"")
    try:
        while True:
            print(browser.receive_text().replace('":', '": ').replace(',"', ', "'))
    except Exception as over:
        print(type(over).__name__)
"""
ASKER = """
from starlette.testclient import TestClient
print(TestClient(app).get("/token").text)
"""
USED_BY = {"how-to/telephone.md#0": CALLER, "how-to/web-app.md#0": BROWSER, "how-to/web-app.md#1": ASKER}


def name_of(page):
    """The path of a page below docs, or of one outside."""
    return page.relative_to(ROOT).as_posix().removeprefix("docs/")


def blocks():
    for page in PAGES:
        for number, (_, text) in enumerate(
            found for found in FENCE.findall(page.read_text()) if found[0] == "python"
        ):
            yield pytest.param(f"{name_of(page)}#{number}", text, id=f"{name_of(page)}#{number}")


BLOCKS = list(blocks())


@pytest.fixture(scope="module")
def server():
    with scripted_server(max_lead_s=None) as it:
        yield it


def write_wav(path, rate):
    sound = np.interp(np.arange(0, len(SOUND), 16_000 / rate), np.arange(len(SOUND)), SOUND)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(pcm(sound))


def mu_law(samples):
    magnitude = np.minimum(np.abs(samples) * 32_635, 32_635).astype(int) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    return (~((exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xFF).astype(np.uint8).tobytes()


@pytest.mark.parametrize(("name", "text"), BLOCKS)
def test_every_block_runs(server, tmp_path, name, text):
    if "fastapi" in text and importlib.util.find_spec("fastapi") is None:
        pytest.skip("fastapi is not installed")
    rate = 44_100 if "44_100" in text else 16_000
    write_wav(tmp_path / "talk.wav", 16_000)
    write_wav(tmp_path / "microphone.wav", rate)
    (tmp_path / "talk.raw").write_bytes(pcm(SOUND))
    call = mu_law(SOUND[::2])
    (tmp_path / "call.json").write_text(
        json.dumps([base64.b64encode(call[at : at + 160]).decode() for at in range(0, len(call), 160)])
    )
    (tmp_path / "block.py").write_text(text + USED_BY.get(name, ""))
    paths = [str(FAKES), str(ROOT / "src")]
    done = subprocess.run(
        [sys.executable, "block.py"],
        cwd=tmp_path,
        env={
            **{
                key: value
                for key, value in os.environ.items()
                if "VIVAVOCE" not in key and "ASSEMBLYAI" not in key
            },
            "VIVAVOCE_BASE_URL": server.base_url,
            "VIVAVOCE_FAKE_MIC": str(tmp_path / "microphone.wav"),
            "PYTHONPATH": os.pathsep.join(paths),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in PRINTS.get(name, []):
        assert said in done.stdout


def test_what_is_said_to_be_printed_belongs_to_a_block():
    names = {block.id for block in BLOCKS}
    assert set(PRINTS) <= names
    assert set(USED_BY) <= names
    assert len(names) == len(BLOCKS)


def test_the_example_is_the_program_of_the_tutorial():
    (program, *_) = [
        text for language, text in FENCE.findall((ROOT / "docs/tutorial.md").read_text()) if language
    ]
    example = (ROOT / "examples/tutorial.py").read_text()
    assert example.partition('"""\n\n')[2] == program
