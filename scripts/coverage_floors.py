"""Fails where coverage is below a floor, and lists untested lines; run by scripts/test --coverage."""

from __future__ import annotations

import io
import sys

import coverage

# Percent of lines and branches together, by folder.
FLOORS = {
    "src/vivavoce": 90,
    "src/vivavoce/asr/session": 95,
    "src/vivavoce/asr/engine": 95,
    "src/vivavoce/client": 95,
    "src/vivavoce/protocol": 95,
}


def main() -> int:
    """Print a line for each folder, and a table for each that is below its floor."""
    measured = coverage.Coverage()
    measured.load()
    if not measured.get_data().measured_files():
        print("No coverage was measured; the tests did not run to their end.")
        return 1
    status = 0
    for folder, floor in FLOORS.items():
        table = io.StringIO()
        percent = measured.report(
            include=[f"{folder}/*"], file=table, show_missing=True, skip_covered=True, sort="Cover"
        )
        print(f"coverage of {folder}: {percent:.1f} %, floor {floor} %")
        if percent < floor:
            status = 1
            print(table.getvalue())
    return status


if __name__ == "__main__":
    sys.exit(main())
