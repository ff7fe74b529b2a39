"""A browser for the tests of the pages: the system's Chromium, with a recording as its microphone."""

from __future__ import annotations

import math
import os
import shutil
import struct
import wave
from pathlib import Path

import pytest

from browser.fake_room_server import FakeRoomServer
from support.time_limit import HANG_S

PICTURES = Path(os.environ.get("VIVAVOCE_PICTURES", "browser-pictures"))


@pytest.fixture(scope="session")
def recording(tmp_path_factory):
    """A tone that comes and goes, as a WAV file that Chromium's microphone plays over and over."""
    path = tmp_path_factory.mktemp("microphone") / "tone.wav"
    rate = 48_000
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        for at in range(rate * 2):
            size = 12_000 if at < rate else 3_000
            file.writeframesraw(struct.pack("<h", round(size * math.sin(at * 2 * math.pi * 440 / rate))))
    return path


@pytest.fixture(scope="session")
def launch():
    """Launches Chromium with a recording as its microphone; one Playwright serves all, since it allows no second."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the group `browser` is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine; on Debian: apt install chromium")
    with playwright.sync_playwright() as running:

        def launched(microphone=None, *flags):
            if microphone is not None:
                flags += (
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-audio-capture={microphone}",
                )
            return running.chromium.launch(
                executable_path=path,
                args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", *flags],
                ignore_default_args=["--mute-audio"],  # a muted tab is shared without its audio
            )

        yield launched


@pytest.fixture(scope="session")
def chromium(launch, recording):
    browser = launch(recording)
    yield browser
    browser.close()


@pytest.fixture
def server():
    with FakeRoomServer() as running:
        yield running


@pytest.fixture
def open_page(chromium, server):
    """Opens a page of the server; an error in its scripts, or against its policy, fails the test."""
    contexts, problems = [], []

    def opened(path, *, size=(1280, 800), context=None, **options):
        if context is None:
            context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options)
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * HANG_S)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if is_problem(message) else None)
        page.goto(server.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not problems


def is_problem(message):
    # A request that fails is what many tests are about.
    return message.type == "error" and not any(
        each in message.text for each in ("Failed to load resource", "ERR_", "WebSocket connection")
    )


@pytest.fixture(scope="session")
def axe():
    package = pytest.importorskip("axe_playwright_python", reason="the group `browser` is not installed")
    return (Path(package.__path__[0]) / "axe.min.js").read_text()


@pytest.fixture
def keep():
    """Keeps a picture of a page for people to look at."""

    def kept(page, name, **options):
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", **options)

    return kept
