"""Ctrl-C while the command loads."""

import os
import subprocess
import sys

import pytest

from vivavoce.command_start import is_command

FINDER = """
import os, signal, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize(
    "name", ["vivavoce.extras", "vivavoce.client", "vivavoce.configuration", "vivavoce.cli"]
)
@pytest.mark.parametrize("argument", ["--help", "doctor"])
def test_ctrl_c_while_the_package_loads_is_quiet(tmp_path, name, argument):
    script = tmp_path / "vivavoce"  # as the installer of packages writes it
    script.write_text(f"{FINDER.format(name=name)}\nfrom vivavoce.cli import main\nmain()\n")
    done = subprocess.run([sys.executable, script, argument], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_another_program_keeps_its_handler():
    program = (
        "import signal\nbefore = signal.getsignal(signal.SIGINT)\nimport vivavoce\n"
        "assert signal.getsignal(signal.SIGINT) is before\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("argv", "original", "expected"),
    [
        (["-m"], ["python", "-m", "vivavoce", "mic"], True),
        (["-m"], ["python", "-X", "dev", "-m", "vivavoce"], True),
        (["-m"], ["python", "-m", "program.part"], False),
        (["/usr/bin/vivavoce", "mic"], ["python", "/usr/bin/vivavoce", "mic"], True),
        (["program.py", "-m", "vivavoce"], ["python", "program.py", "-m", "vivavoce"], False),
        (["-c"], ["python", "-c", "import vivavoce"], False),
        ([], [], False),
    ],
)
def test_only_the_command_is_the_command(argv, original, expected):
    assert is_command(argv, original) is expected


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("4", "4")])
def test_products_of_numpy_take_one_thread_unless_asked_otherwise(tmp_path, given, expected):
    script = tmp_path / "vivavoce"
    script.write_text("import os\nimport vivavoce\nprint(os.environ['OPENBLAS_NUM_THREADS'])\n")
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if given is not None:
        environment["OPENBLAS_NUM_THREADS"] = given
    done = subprocess.run(
        [sys.executable, script], check=True, capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == expected
