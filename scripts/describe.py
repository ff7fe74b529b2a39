"""Write the descriptions of both protocols; run by scripts/describe."""

import json
from pathlib import Path

import yaml

from vivavoce.wire.describe import asyncapi, openapi

DOCS = Path(__file__).parents[1] / "docs"
HEAD = "# Written by scripts/describe from the message types in src/vivavoce/wire.\n"

(DOCS / "asyncapi.yaml").write_text(
    HEAD + yaml.dump(asyncapi(), sort_keys=False, width=110, Dumper=yaml.SafeDumper), encoding="utf-8"
)
(DOCS / "openapi.json").write_text(json.dumps(openapi(), indent=2) + "\n", encoding="utf-8")
print("docs/asyncapi.yaml and docs/openapi.json written")
