"""Fuzzes one target, guided by the branches that inputs reach: python -m fuzz.run TARGET CORPUS SECONDS.

What reaches new branches stays in the folder CORPUS. An input that makes the target raise ends the
run; libFuzzer writes it beside the corpus.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris


def main(name: str, folder: str, seconds: str) -> None:
    """Fuzz one target."""
    with atheris.instrument_imports(include=["vivavoce", "pickletools", "tomllib"]):
        from fuzz.targets import TARGETS  # what is imported here is instrumented

    target, corpus = TARGETS[name], Path(folder)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    arguments = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *arguments, f"-artifact_prefix={corpus.parent}/", str(corpus)], target.read)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
