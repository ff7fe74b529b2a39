"""The packages of the clients, with their versions, and the environments that they are installed into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = [
    "LIVEKIT",
    "NODE",
    "OWN",
    "PIPECAT",
    "PYTHON",
    "VOCODE",
    "WEBSOCKETS",
    "WEBSOCKET_CLIENT",
    "WS",
    "Environment",
]


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment that a client is installed into; it holds nothing else.

    Attributes:
        name: Name of its folder.
        kind: The installer.
        requirements: The packages to install, with their versions.
        newest_python: The newest Python on which they can be installed, for instance ``(3, 12)``; None: any.
    """

    name: str
    kind: Literal["pip", "npm"]
    requirements: tuple[str, ...]
    newest_python: tuple[int, int] | None = None


def _pip(name: str, *requirements: str, newest_python: tuple[int, int] | None = None) -> Environment:
    return Environment(name, "pip", requirements, newest_python)


# Each SDK uses the `websockets` release of its time: their handshakes differ.
PYTHON = {
    version: _pip(f"python-{version}", f"assemblyai=={version}", f"websockets=={websockets}")
    for version, websockets in {
        "0.20.2": "11.0.3",
        "0.33.0": "12.0",
        "0.40.2": "13.1",
        "0.58.0": "16.0",
        "0.63.0": "15.0.1",
        "0.64.2": "17.4",
        "1.0.0": "14.2",  # with it, the SDK's threaded client sends two User-Agent headers
        "1.8.2": "17.4",
    }.items()
}
# Our own SDK runs the same programs. It is installed without extras.
OWN = _pip("vivavoce", "--editable", str(Path(__file__).parents[2]))
NODE = {
    version: Environment(f"node-{version}", "npm", (f"assemblyai@{version}",))
    for version in ("4.4.7", "4.29.0", "4.41.5")
}
LIVEKIT = {
    "0.2.4": _pip("livekit-0.2.4", "livekit-agents[codecs]==0.12.21", "livekit-plugins-assemblyai==0.2.4"),
} | {
    version: _pip(
        f"livekit-{version}", f"livekit-agents=={version}", f"livekit-plugins-assemblyai=={version}"
    )
    for version in ("1.1.7", "1.7.1", "1.8.9")
}
# The older ones, and Vocode, pin numerical packages that newer Pythons have no wheels of.
PIPECAT = {
    version: _pip(f"pipecat-{version}", f"pipecat-ai[assemblyai]=={version}", newest_python=newest_python)
    for version, newest_python in {"0.0.67": (3, 13), "0.0.86": (3, 13), "1.14.0": None}.items()
}
VOCODE = {
    version: _pip(f"vocode-{version}", f"vocode=={version}", newest_python=(3, 12))
    for version in ("0.1.111", "0.1.113")
}
# What the vendor's published programs use instead of an SDK.
WEBSOCKET_CLIENT = _pip("websocket-client", "websocket-client==1.9.0")
WEBSOCKETS = {
    version: _pip(f"websockets-{version}", f"websockets=={version}") for version in ("11.0.3", "15.0.1")
}
WS = Environment("ws", "npm", ("ws@8.18.3",))
