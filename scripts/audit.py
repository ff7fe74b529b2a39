"""Bill of materials, licences and known vulnerabilities of what an installation brings: see scripts/audit.

The first argument is the interpreter of an environment that has Vivavoce with all extras.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
BILL = ROOT / "dist" / "sbom.cdx.json"

# Permissive licences, and two that ask for nothing where a library is used as it is: MPL and LGPL.
ACCEPTED = re.compile(
    r"\b(MIT(-0)?|ISC|0?BSD(-[23]-Clause)?|3-Clause BSD|Apache|Apache-2\.0|PSF-2\.0|Zlib|CC0-1\.0|Unlicense|"
    r"MPL-2\.0|Mozilla Public License 2\.0|LGPL-2\.1-or-later|LGPL-3\.0-or-later)(?=$|[^\w.-])"
)
# Between the licences of an expression. Each must be acceptable, alternatives too: a person decides there.
_OPERATORS = re.compile(r"\b(?:AND|OR|WITH)\b|[()]")
_INSTALLERS = {"pip", "setuptools"}


@dataclass(frozen=True, slots=True)
class Advisories:
    """What the advisories say of the locked versions.

    Attributes:
        known: One line per known vulnerability.
        audited: How many packages the service knew.
        unknown: Names of those that it did not know.
    """

    known: list[str]
    audited: int
    unknown: list[str]


def licences_of(component: dict) -> Iterator[str]:
    """Yield what a component of a CycloneDX bill declares: SPDX names, classifiers, first lines of texts."""
    for entry in component.get("licenses", []):
        licence = entry.get("license", {})
        text = licence.get("text", {})
        if "expression" in entry:
            yield from filter(None, (part.strip() for part in _OPERATORS.split(entry["expression"])))
        elif "id" in licence:
            yield licence["id"]
        elif text and not licence["name"].startswith("declared license file"):
            content = text["content"]
            if text.get("encoding") == "base64":
                content = base64.b64decode(content).decode(errors="replace")
            yield content.strip().partition("\n")[0]
        elif not licence["name"].startswith("declared license"):
            yield licence["name"].rpartition("::")[2].strip()


def licence_problem(component: dict) -> str | None:
    """Return why a component may not be brought along; None: it may."""
    found = list(licences_of(component))
    if not found:
        return f"{component['name']} {component['version']} declares no licence"
    refused = [text for text in found if not ACCEPTED.search(text)]
    return f"{component['name']} {component['version']}: {', '.join(refused)}" if refused else None


def advisories_of(answer: dict) -> Advisories:
    """Summarise what pip-audit prints as JSON."""
    known, unknown, audited = [], [], 0
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            unknown.append(package["name"])
            continue
        audited += 1
        for each in package["vulns"]:
            fixed = ", ".join(each["fix_versions"]) or "no release"
            known.append(f"{package['name']} {package['version']}: {each['id']} (fixed in {fixed})")
    return Advisories(known, audited, unknown)


def _tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / name, *arguments], capture_output=True, text=True, check=False
    )


def _write_bill(python: str) -> list[dict]:
    BILL.parent.mkdir(exist_ok=True)
    done = _tool(
        "cyclonedx-py", "environment", python, "--pyproject", str(ROOT / "pyproject.toml"), "--of", "JSON",
        "--output-reproducible", "--gather-license-texts", "-o", str(BILL),
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"the bill of materials can't be written: {done.stderr.strip()}")
    components = json.loads(BILL.read_text())["components"]
    return [each for each in components if each["name"] not in _INSTALLERS]


def _ask_for_advisories() -> Advisories | str:
    """Ask for the advisories of every locked version; returns why that can't be done as text."""
    lock = str(ROOT / "constraints.txt")
    done = _tool(
        "pip-audit", "-r", lock, "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"
    )
    try:
        return advisories_of(json.loads(done.stdout))
    except ValueError:
        return done.stderr.strip().rpartition("\n")[2] or f"pip-audit exits with {done.returncode}"


def main(python: str) -> None:
    """Write the bill, and exit with 1 if something in it is not acceptable."""
    components = _write_bill(python)
    problems = [text for each in components if (text := licence_problem(each))]
    print(f"{BILL.relative_to(ROOT)}: {len(components)} components")
    answer = _ask_for_advisories()
    if isinstance(answer, str) or not answer.audited:
        reason = answer if isinstance(answer, str) else "the service knows none of the packages"
        print(f"SKIPPED: the advisories can't be had: {reason}")
    else:
        problems += answer.known
        problems += [f"{name}: the advisories don't know it" for name in answer.unknown]
        print(f"{answer.audited} locked versions looked up")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
