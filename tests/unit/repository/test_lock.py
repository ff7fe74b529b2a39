"""constraints.txt agrees with pyproject.toml."""

import re
import tomllib
from collections import defaultdict
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def requirements():
    project = PROJECT["project"]
    lists = [
        PROJECT["build-system"]["requires"],
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    texts = (each for listed in lists for each in listed if isinstance(each, str))
    return [Requirement(text) for text in texts if not text.startswith("vivavoce[")]


def test_everything_that_is_required_is_locked_within_its_bounds():
    locked = defaultdict(list)  # several versions where one does not fit every Python
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE):
        locked[name].append(version)
    for requirement in requirements():
        versions = locked[requirement.name.lower()]
        assert versions, f"{requirement.name} is not in constraints.txt; run scripts/lock"
        fitting = [version for version in versions if requirement.specifier.contains(version)]
        assert fitting, f"{requirement} excludes {versions}; run scripts/lock"
        assert len(versions) == 1 or requirement.marker, f"{requirement} excludes one of {versions}"


def test_the_lock_has_versions_only():
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    assert all(re.match(r"[a-z0-9.-]+==[\w.]+( |$)", line) for line in lines)
    assert "://" not in LOCK
