"""Checks what scripts/package has built and installed.

``contents FOLDER`` reads the wheel and the sdist. ``sdk``, ``sdist`` and ``all`` run in a fresh environment,
which has the wheel with no extra, the sdist with no extra, or the wheel with all extras.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

DEPENDENCIES = {"msgspec", "python-dotenv", "websockets"}
# What no installation brings along, so no program sees it as an import.
NOT_PACKAGED = ("benchmarks", "docs", "examples", "scripts", "tests")


def contents(folder: Path) -> None:
    """The wheel holds the package alone, typed; the sdist holds what builds it and its tests."""
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    roots = {name.split("/")[0] for name in names}
    packages = {root for root in roots if not root.endswith(".dist-info")}
    assert packages == {"vivavoce"}, f"the wheel has {packages}"
    assert "vivavoce/py.typed" in names, "the wheel lacks py.typed"
    assert any(name.endswith("licenses/LICENSE") for name in names), "the wheel lacks the licence"
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    for name in (
        "pyproject.toml",
        "constraints.txt",
        "LICENSE",
        "README.md",
        "scripts/test",
        "tests/conftest.py",
    ):
        assert name in packed, f"the sdist lacks {name}"
    assert not any(name.startswith((".venv", "site/", "dist/")) for name in packed), (
        "the sdist holds what was built"
    )
    print(f"{wheel.name}: {len(names)} files; {sdist.name}: {len(packed)} files")


def installed() -> set[str]:
    """Names of all distributions in this environment, but for pip and its kind."""
    found = {each.name.lower() for each in importlib.metadata.distributions()}
    return found - {"pip", "setuptools"}


def run(*command: str) -> str:
    """What a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command} exits with {done.returncode}: {done.stderr}"
    return done.stdout.strip()


def imports() -> None:
    """The package imports, from where it was installed, and knows its version."""
    import vivavoce  # noqa: PLC0415

    assert Path(vivavoce.__file__).is_relative_to(sys.prefix), f"imported from {vivavoce.__file__}"
    version = importlib.metadata.version("vivavoce")
    assert vivavoce.__version__ == version, f"{vivavoce.__version__} is not {version}"
    for name in NOT_PACKAGED:
        assert importlib.util.find_spec(name) is None, f"{name} was installed"


def sdk() -> None:
    """The bare installation has three dependencies, and the command says what it lacks."""
    imports()
    expected = DEPENDENCIES | {"vivavoce"}
    assert installed() == expected, f"installed {sorted(installed())}, expected {sorted(expected)}"
    command = Path(sys.executable).with_name("vivavoce")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    assert "vivavoce[cli]" in done.stderr, f"the bare command says {done.stderr!r}"


def everything() -> None:
    """The command runs, and the model transcribes the beginning of the recording that `demo` plays."""
    imports()
    version = importlib.metadata.version("vivavoce")
    assert run(str(Path(sys.executable).with_name("vivavoce")), "--version") == f"vivavoce {version}"
    assert run(sys.executable, "-m", "vivavoce", "--version") == f"vivavoce {version}"
    said = run(sys.executable, "-m", "vivavoce", "demo", "--seconds", "4")
    assert "best of times" in said.lower(), f"the demo prints {said!r}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["contents", folder]:
            contents(Path(folder))
        case ["sdk" | "sdist"]:
            sdk()
        case ["all"]:
            everything()
        case other:
            sys.exit(f"unknown: {other}")
    print(f"{sys.argv[1]}: passed")
