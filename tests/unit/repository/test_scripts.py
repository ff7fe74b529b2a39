"""What scripts/lib.sh does before anything is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "scripts"
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def bash(program, cwd, **environment):
    return subprocess.run(
        [shutil.which("bash"), "-c", program],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path):
    """A checkout in a folder with a space, whose Python only notes how it was called."""
    root = tmp_path / "my checkout"
    (root / "scripts").mkdir(parents=True)
    for script in SCRIPTS.iterdir():
        if script.is_file():
            shutil.copy(script, root / "scripts")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    (root / ".venv" / "bin").mkdir(parents=True)
    python = root / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{tmp_path}/calls"\nexit ${{FAIL_WITH:-0}}\n')
    python.chmod(0o755)
    return root


def calls(checkout):
    path = checkout.parent / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def test_the_first_call_installs_and_the_second_does_not(checkout):
    demo = f'"{checkout}/scripts/demo" --seconds 3'
    assert bash(demo, checkout.parent).returncode == 0
    first = calls(checkout)
    locked = f"--constraint {checkout}/constraints.txt"
    installs = [line for line in first if "pip install" in line]
    assert installs
    assert all(locked in line for line in installs)
    assert installs[-1].endswith("my checkout[all]")
    assert first[-1] == "-m vivavoce demo --seconds 3"
    assert bash(demo, checkout.parent).returncode == 0
    assert calls(checkout) == ["-m vivavoce demo --seconds 3"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_dependencies_are_installed(checkout, name):
    bash("scripts/demo", checkout)
    with (checkout / name).open("a") as file:
        file.write("# changed\n")
    calls(checkout)
    bash("scripts/demo", checkout)
    assert any("pip install" in line for line in calls(checkout))


def test_the_tests_environment_serves_the_demo_but_not_the_reverse(checkout):
    bash("scripts/demo", checkout)
    calls(checkout)
    bash("scripts/test", checkout)
    assert any(f"--group {checkout}/pyproject.toml:dev" in line for line in calls(checkout))
    bash("scripts/demo", checkout)
    assert calls(checkout) == ["-m vivavoce demo "] or calls(checkout) == []


def test_a_moved_checkout_is_installed_again(checkout):
    bash("scripts/demo", checkout)
    calls(checkout)
    moved = checkout.rename(checkout.parent / "moved")
    bash("scripts/demo", moved)
    assert any("pip install" in line for line in calls(checkout))


def test_the_exit_code_is_passed_on(checkout):
    bash("scripts/demo", checkout)
    assert bash("scripts/demo", checkout, FAIL_WITH="3").returncode == 3


def test_a_version_of_python_has_an_environment_of_its_own(checkout):
    version = "{}.{}".format(*sys.version_info)
    done = bash("scripts/test --python 3.9 -k wav", checkout, PYTHON=sys.executable)
    assert done.returncode == 1
    assert "Python 3.9 was not found" in done.stderr
    other = checkout / ".venvs" / version / "bin"
    other.mkdir(parents=True)
    shutil.copy(checkout / ".venv" / "bin" / "python", other)
    assert bash(f"scripts/test --python {version} -k wav", checkout).returncode == 0
    made = calls(checkout)
    assert any(f"--group {checkout}/pyproject.toml:test" in line for line in made)
    assert made[-1] == "-m pytest -n 2 -k wav"


def test_no_python_is_a_clear_message(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("dirname", "bash"):
        (tools / tool).symlink_to(shutil.which(tool))
    done = bash(f'. "{SCRIPTS}/lib.sh"; PATH="{tools}"; find_python', tmp_path)
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr


def test_an_old_python_and_one_without_venv_are_distinguished(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "dirname").symlink_to(shutil.which("dirname"))
    old, bare = tools / "python3.13", tools / "python3.12"
    old.write_text("#!/bin/sh\nexit 1\n")
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\n')
    for tool in (old, bare):
        tool.chmod(0o755)
    (tools / "sh").symlink_to(shutil.which("sh"))
    done = bash(f'. "{SCRIPTS}/lib.sh"; PATH="{tools}"; find_python', tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "python3.12 cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv\n"
    )


def test_a_python_is_found_by_its_version(tmp_path):
    version = "{}.{}".format(*sys.version_info)
    done = bash(f'. "{SCRIPTS}/lib.sh"; find_python {version}', tmp_path, PYTHON=sys.executable)
    assert done.stdout.strip() == sys.executable


def test_the_named_python_comes_first(tmp_path):
    done = bash(f'. "{SCRIPTS}/lib.sh"; find_python', tmp_path, PYTHON=sys.executable)
    assert done.stdout.strip() == sys.executable


@pytest.mark.parametrize(
    "script",
    [
        ".ci/run",
        "scripts/bench",
        "scripts/check",
        "scripts/check_versions",
        "scripts/conformance",
        "scripts/demo",
        "scripts/describe",
        "scripts/docs",
        "scripts/lib.sh",
        "scripts/lock",
        "scripts/package",
        "scripts/test",
        "scripts/vendor_tests",
    ],
)
def test_the_scripts_are_bash(script):
    assert bash(f'bash -n "{ROOT / script}"', ROOT).returncode == 0
    assert script.endswith(".sh") or os.access(ROOT / script, os.X_OK)
