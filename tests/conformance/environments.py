"""Installs each client apart from everything else, once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.cases import Environment

__all__ = ["CannotInstallError", "NotHereError", "prepare"]

_OLDEST_NODE = 18
_INSTALL_TIMEOUT_S = 400


class NotHereError(Exception):
    """What the environment needs is not on this machine."""


class CannotInstallError(Exception):
    """The installation failed; the message is what the installer said."""


def _run(command: list[str]) -> None:
    if shutil.which("nice"):
        command = ["nice", "-n", "10", *command]  # clients that are being timed go first
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_INSTALL_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise CannotInstallError(f"{' '.join(command)}\n{done.stdout[-3000:]}")


def _check_node() -> None:
    """Look for Node and npm.

    Raises:
        NotHereError: One is missing or too old.
    """
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NotHereError("node and npm are needed; on Debian or Ubuntu: apt install nodejs npm")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(re.sub(r"^v(\d+).*", r"\1", said.strip())) < _OLDEST_NODE:
        raise NotHereError(f"node {_OLDEST_NODE} or newer is needed, this is {said.strip()}")


def _with_pip(folder: Path, requirements: tuple[str, ...]) -> None:
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = str(folder / "bin" / "python")
    if uv := shutil.which("uv"):
        _run([uv, "pip", "install", "--quiet", "--python", python, *requirements])
        return
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-input", "--no-compile"]
    _run([*pip, "--disable-pip-version-check", "--quiet", *requirements])


def _with_npm(folder: Path, requirements: tuple[str, ...]) -> None:
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
    _run(["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", *requirements])


def prepare(environment: Environment, root: Path) -> Path:
    """Install an environment unless that is done already.

    Args:
        environment: What is wanted.
        root: Folder of all environments.

    Returns:
        Its folder.

    Raises:
        NotHereError: What it needs is not on this machine.
        CannotInstallError: The installation failed.
    """
    if environment.kind == "npm":
        _check_node()
    folder = root / environment.name
    stamp = folder / "installed"
    state = f"{folder} {sys.version} {os.uname().machine} {' '.join(environment.requirements)}"
    if stamp.is_file() and stamp.read_text() == state:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    (_with_npm if environment.kind == "npm" else _with_pip)(folder, environment.requirements)
    stamp.write_text(state)
    return folder
