"""The studies behind docs/performance.md, and what measures and writes its tables. Not part of the wheel."""
