"""Write the generated files of the documentation; run by scripts/describe."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from describe_cli import commands
from describe_reference import reference

from vivavoce.protocol.describe import asyncapi, openapi

DOCS = Path(__file__).parents[1] / "docs"
HEAD = "# Written by scripts/describe from the message types in src/vivavoce/protocol.\n"


def pages() -> dict[str, str]:
    """Return all generated files, by their path in docs."""
    described = yaml.dump(asyncapi(), sort_keys=False, width=110, Dumper=yaml.SafeDumper)
    return {
        "asyncapi.yaml": HEAD + described,
        "openapi.json": json.dumps(openapi(), indent=2) + "\n",
        "cli.md": commands(),
        **{f"reference/{name}": text for name, text in reference().items()},
    }


if __name__ == "__main__":
    for name, text in pages().items():
        path = DOCS / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    print("written: asyncapi.yaml, openapi.json, cli.md and reference/ in docs/")
