"""Firefox and WebKitGTK, which has Safari's engine, by their own remote protocols: only what the tests need.

Playwright drives neither as distributions build them, and the driver of Firefox that others need is not packaged.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets.sync.client import connect

from support.time_limit import HANG_S, wait_until

_FIREFOX_SETTINGS = {
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "toolkit.telemetry.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",  # it must not ask anybody anything
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
}


@contextlib.contextmanager
def _process(command, **options):
    """Run a browser and what it starts; all of it ends with the block."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Firefox:
    """Firefox, by WebDriver BiDi (W3C), with a sound server of its own: without one its AudioContext never runs."""

    def __init__(self, connection, environment):
        self._connection = connection
        self._environment = environment
        self._id = 0
        self._call("session.new", capabilities={})
        self._context = self._call("browsingContext.create", type="tab")["context"]

    @classmethod
    def missing(cls):
        """What must be installed; empty: nothing."""
        packages = {"firefox-esr": "firefox", "pulseaudio": "pulseaudio", "pulseaudio-utils": "paplay"}
        return " ".join(package for package, program in packages.items() if not shutil.which(program))

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder):
        settings = "".join(
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in _FIREFOX_SETTINGS.items()
        )
        (folder / "user.js").write_text(settings)
        port = _free_port()
        with (folder / "log").open("wb") as log, _sound_server(folder, log) as environment:
            command = ["firefox", "--headless", "--no-remote", "--profile", str(folder)]
            command.append(f"--remote-debugging-port={port}")
            with _process(command, stdout=log, stderr=log, env=environment):
                wait_until(lambda: "BiDi listening" in (folder / "log").read_text(errors="replace"))
                with connect(f"ws://127.0.0.1:{port}/session", max_size=None, proxy=None) as connection:
                    yield cls(connection, environment)

    def speak(self, recording):
        """Play a recording into the microphone; returns the process that does."""
        return subprocess.Popen(["paplay", str(recording)], env=self._environment)

    def _call(self, method, **params):
        self._id += 1
        self._connection.send(json.dumps({"id": self._id, "method": method, "params": params}))
        while True:
            answer = json.loads(self._connection.recv(timeout=HANG_S))
            if answer.get("id") == self._id:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, url, size):
        width, height = size
        self._call(
            "browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height}
        )
        self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression):
        answer = self._call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def screenshot(self):
        return base64.b64decode(
            self._call("browsingContext.captureScreenshot", context=self._context)["data"]
        )


@contextlib.contextmanager
def _sound_server(folder, log):
    """Run PulseAudio; its microphone carries what is played. Gives the environment of its clients."""
    socket_path = folder / "sound"
    environment = {
        **os.environ,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_SERVER": f"unix:{socket_path}",
    }
    modules = [
        f"module-native-protocol-unix auth-anonymous=1 socket={socket_path}",
        "module-null-sink sink_name=speaker rate=48000",
        "module-remap-source master=speaker.monitor source_name=microphone",
    ]
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disable-shm=yes"]
    command += [f"--load={module}" for module in modules]
    with _process(command, stdout=log, stderr=log, env=environment):
        wait_until(socket_path.exists)
        yield environment


class WebKit:
    """WebKitGTK's small browser, by WebDriver (W3C). Its microphone hums."""

    def __init__(self, address, browser):
        self._address = address
        options = {
            "binary": str(browser),
            "args": ["--automation", "--enable-media-stream=true", "--enable-mock-capture-devices=true"],
        }
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": options}}
        self._session = self._call("POST", "", capabilities=wanted)["sessionId"]

    @classmethod
    def missing(cls):
        packages = {"webkit2gtk-driver": "WebKitWebDriver", "xvfb": "Xvfb"}
        missing = [package for package, program in packages.items() if not shutil.which(program)]
        return " ".join(missing if cls._browser() else [*missing, "libwebkit2gtk-4.1-0"])

    @classmethod
    def _browser(cls):
        return next(Path("/usr").glob("lib*/**/webkit2gtk-4.*/MiniBrowser"), None)

    @classmethod
    @contextlib.contextmanager
    def running(cls, folder):
        browser = cls._browser()
        port = _free_port()
        display = folder / "display"
        with (
            (folder / "log").open("wb") as log,
            display.open("wb") as number,
            _process(["Xvfb", "-displayfd", "1", "-screen", "0", "2000x1200x24"], stdout=number, stderr=log),
        ):
            wait_until(lambda: display.read_text().strip())
            environment = {
                **os.environ,
                "HOME": str(folder),
                "DISPLAY": f":{display.read_text().strip()}",
                "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # it needs rights that containers lack
                "LIBGL_ALWAYS_SOFTWARE": "1",
            }
            with _process(["WebKitWebDriver", f"--port={port}"], stdout=log, stderr=log, env=environment):
                address = f"http://127.0.0.1:{port}/session"
                wait_until(lambda: _answers(port))
                yield cls(address, browser)

    def _call(self, method, path, **body):
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self._address + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=HANG_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def open(self, url, size):
        width, height = size
        self._call("POST", f"/{self._session}/window/rect", width=width, height=height)
        self._call("POST", f"/{self._session}/url", url=url)
        # Its driver may answer before the page has loaded.
        wait_until(lambda: self.evaluate("document.readyState") == "complete")

    def evaluate(self, expression):
        script = f"return (async () => JSON.stringify((await ({expression})) ?? null))();"
        return json.loads(self._call("POST", f"/{self._session}/execute/sync", script=script, args=[]))

    def screenshot(self):
        return base64.b64decode(self._call("GET", f"/{self._session}/screenshot"))


def start(browser, folder):
    """Run one of the browsers; skip the test where it is not installed."""
    missing = browser.missing()
    if missing:
        pytest.skip(f"needs other packages; on Debian: apt install {missing}")
    return browser.running(folder)


def _answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
