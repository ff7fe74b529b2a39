"""Installs each client into an environment of its own, once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.packages import Environment

__all__ = ["InstallError", "MissingToolError", "UnsupportedPythonError", "install"]

_MIN_NODE = 18
_INSTALL_TIMEOUT_S = 400
# What the clients depend on is not pinned; later releases are ignored, so that every run installs the same.
_RELEASED_BEFORE = "2026-11-28T00:00:00Z"


class MissingToolError(Exception):
    """A tool that the environment needs is not on this machine."""


class UnsupportedPythonError(Exception):
    """The packages exist only for older Pythons, and none is on this machine."""


class InstallError(Exception):
    """The installation failed; the message is the installer's output."""


def install(environment: Environment, root: Path) -> Path:
    """Install an environment unless it is installed already.

    Args:
        environment: The environment.
        root: Folder of all environments.

    Returns:
        The folder of the environment.

    Raises:
        MissingToolError: A tool that it needs is not on this machine.
        UnsupportedPythonError: Its packages exist only for older Pythons, and none is on this machine.
        InstallError: The installation failed.
    """
    if environment.kind == "npm":
        _check_node()
    interpreter = _find_python(environment)
    folder = root / environment.name
    stamp = folder / "installed"
    version = "" if interpreter == sys.executable else interpreter
    state = (
        f"{folder} {version or sys.version} {os.uname().machine} {_RELEASED_BEFORE} "
        f"{' '.join(environment.requirements)}"
    )
    if stamp.is_file() and stamp.read_text() == state:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    if environment.kind == "npm":
        _install_with_npm(folder, environment.requirements)
    else:
        _install_with_pip(folder, environment.requirements, interpreter)
    stamp.write_text(state)
    return folder


def _find_python(environment: Environment) -> str:
    """Return the interpreter of an environment: this one, or one that is old enough.

    Raises:
        UnsupportedPythonError: None on this machine is old enough.
    """
    newest = environment.newest_python
    if newest is None or sys.version_info[:2] <= newest:
        return sys.executable
    for minor in range(newest[1], 10, -1):
        found = shutil.which(f"python3.{minor}")
        if (
            found
            and subprocess.run([found, "-m", "venv", "-h"], capture_output=True, check=False).returncode == 0
        ):
            return found
    wanted = ".".join(map(str, newest))
    raise UnsupportedPythonError(
        f"{environment.name} needs Python {wanted} or older, and none is on this machine"
    )


def _check_node() -> None:
    """Check that Node and npm are there.

    Raises:
        MissingToolError: One is missing or too old.
    """
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise MissingToolError("node and npm are required. On Debian or Ubuntu: sudo apt install nodejs npm")
    output = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(re.sub(r"^v(\d+).*", r"\1", output.strip())) < _MIN_NODE:
        raise MissingToolError(f"node must be version {_MIN_NODE} or newer, got {output.strip()}")


def _install_with_pip(folder: Path, requirements: tuple[str, ...], interpreter: str) -> None:
    _run([interpreter, "-m", "venv", "--without-pip", str(folder)])
    python = str(folder / "bin" / "python")
    if uv := shutil.which("uv"):
        _run(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--exclude-newer",
                _RELEASED_BEFORE,
                "--python",
                python,
                *requirements,
            ]
        )
        return
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-input", "--no-compile"]
    _run(
        [
            *pip,
            "--disable-pip-version-check",
            "--quiet",
            "--uploaded-prior-to",
            _RELEASED_BEFORE,
            *requirements,
        ]
    )


def _install_with_npm(folder: Path, requirements: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
    npm = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund"]
    _run([*npm, f"--before={_RELEASED_BEFORE}", *requirements])


def _run(command: list[str]) -> None:
    if shutil.which("nice"):
        command = ["nice", "-n", "10", *command]  # clients whose latency is measured run meanwhile
    completed = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_INSTALL_TIMEOUT_S,
        check=False,
    )
    if completed.returncode:
        raise InstallError(f"{' '.join(command)}\n{completed.stdout[-3000:]}")
