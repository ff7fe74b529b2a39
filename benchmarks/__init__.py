"""The studies, and the programs that measure and write docs/performance.md. Not in the wheel."""
