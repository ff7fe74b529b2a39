"""Lists and compares versions of dependencies; run by scripts/check_versions.

``newest`` prints the requirements of pyproject.toml without their upper bounds; pins (``==``) stay.
``compare`` prints what is installed in another version than constraints.txt has.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUPS = ("build", "test")


def newest() -> list[str]:
    """Requirements of all extras and of the groups that the tests need, free of upper bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    listed = [*project["project"]["dependencies"], *(each for extra in extras.values() for each in extra)]
    listed += [each for group in GROUPS for each in groups[group]]
    requirements = {
        re.sub(r",?\s*<=?[^,;\s]+", "", each) for each in listed if not each.startswith("vivavoce[")
    }
    return sorted(requirements)


def locked() -> dict[str, str]:
    """Version by name, as constraints.txt has it."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", "\n".join(lines), re.MULTILINE))


def differences() -> list[str]:
    """A line for each installed package whose version is not the locked one."""
    expected = locked()
    lines = []
    for found in sorted(importlib.metadata.distributions(), key=lambda each: each.name.lower()):
        name = re.sub(r"[-_.]+", "-", found.name).lower()
        if name != "vivavoce" and expected.get(name) != found.version:
            lines.append(f"{name}: {found.version}, locked {expected.get(name, 'nowhere')}")
    return lines


if __name__ == "__main__":
    print("\n".join({"newest": newest, "compare": differences}[sys.argv[1]]()))
