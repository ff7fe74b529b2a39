"""Fetches the tests of the vendor's Python SDK and runs them against ours.

    python -m vendor_sdk.run

None of them is kept in this repository. Those that ours must fail are in `differences`: if one of these
passes, or another one fails, the exit code is 1. Where they can't be fetched, nothing is tested and the exit
code is 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from conformance.environments import install
from conformance.packages import Environment

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / ".conformance"
_SOURCE = "https://github.com/AssemblyAI/assemblyai-python-sdk.git"
_FETCH_TIMEOUT_S = 300
_TEST_TIMEOUT_S = 600
_ENVIRONMENT = Environment(
    "vendor-tests",
    "pip",
    (
        "pytest==9.2.0",
        "pytest-asyncio==1.5.0",
        "pytest-httpx==0.36.2",
        "pytest-mock==3.17.0",
        "faker==40.63.0",
        "--editable",
        str(_ROOT),
    ),
)
# The last release with v2, and the newest one whose tests are published.
SUITES: Final = {
    "0.64.2": (
        "test_client",
        "test_extras",
        "test_imports",
        "test_realtime_transcriber",
        "test_settings",
    ),
    "1.0.0": ("test_streaming", "test_streaming_async", "test_streaming_dual_channel"),
}


def _repository() -> Path | None:
    """The vendor's repository; None: it can't be fetched."""
    if given := os.environ.get("VIVAVOCE_VENDOR_SDK"):
        return Path(given)
    folder = _FOLDER / "vendor-sdk.git"
    if not folder.is_dir():
        environment = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
        try:
            subprocess.run(
                ["git", "clone", "--quiet", "--bare", _SOURCE, str(folder)],
                env=environment,
                check=True,
                timeout=_FETCH_TIMEOUT_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(f"SKIPPED: the tests of the vendor's SDK can't be fetched: {error}")
            return None
    return folder


def _write_tests(repository: Path, tag: str, folder: Path) -> None:
    (folder / "tests" / "unit").mkdir(parents=True)
    names = ["__init__", "unit/__init__", "unit/conftest", *(f"unit/{name}" for name in SUITES[tag])]
    for name in names:
        path = f"tests/{name}.py"
        shown = subprocess.run(
            ["git", "-C", str(repository), "show", f"{tag}:{path}"], capture_output=True, check=True
        )
        (folder / path).write_bytes(shown.stdout)


def _run_tests(python: Path, folder: Path) -> int:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    completed = subprocess.run(
        [
            str(python),
            "-m",
            "pytest",
            "-q",
            "--rootdir=.",
            "-p",
            "vendor_sdk.adapter",
            "-p",
            "no:cacheprovider",
            "-o",
            "asyncio_mode=auto",
            "tests/unit",
        ],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(_ROOT / "tests"), "HOME": str(folder), "VIVAVOCE_HOME": str(folder)},
        check=False,
        timeout=_TEST_TIMEOUT_S,
    )
    return completed.returncode


def main() -> int:
    """Run all tests; return the exit code."""
    repository = _repository()
    if repository is None:
        return 0
    _FOLDER.mkdir(exist_ok=True)
    python = install(_ENVIRONMENT, _FOLDER / "environments") / "bin" / "python"
    failed = False
    for tag in SUITES:
        print(f"The tests of {tag}:", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            _write_tests(repository, tag, Path(folder))
            failed |= _run_tests(python, Path(folder)) != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
